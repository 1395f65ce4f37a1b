"""How an order or an outage stands, in words: what its source said, never what follows from it.

Journeys have the words that those at home read too (templates/family_state). What is here is said only inside an open chat, so no
channel need approve it. Times are as the source gave them, on the reader's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.notifications import formats

_ORDER: Mapping[str, Mapping[str, str]] = {
    "en": {
        "created": "taken in", "payment_due": "waits for payment", "confirmed": "confirmed", "processing": "being prepared",
        "partly_shipped": "sent in part", "shipped": "sent", "ready_for_pickup": "ready to be picked up",
        "out_for_delivery": "on its way to you", "delivered": "delivered", "delivery_failed": "could not be delivered",
        "problem": "there is a problem with it", "returned": "returned", "refunded": "paid back", "cancelled": "cancelled",
    },
    "nl": {
        "created": "ontvangen", "payment_due": "wacht op betaling", "confirmed": "bevestigd", "processing": "wordt klaargemaakt",
        "partly_shipped": "deels verzonden", "shipped": "verzonden", "ready_for_pickup": "ligt klaar om op te halen",
        "out_for_delivery": "onderweg naar je", "delivered": "bezorgd", "delivery_failed": "kon niet worden bezorgd",
        "problem": "er is een probleem mee", "returned": "teruggestuurd", "refunded": "terugbetaald", "cancelled": "geannuleerd",
    },
    "de": {
        "created": "eingegangen", "payment_due": "wartet auf die Zahlung", "confirmed": "bestätigt",
        "processing": "wird vorbereitet", "partly_shipped": "teilweise verschickt", "shipped": "verschickt",
        "ready_for_pickup": "liegt zur Abholung bereit", "out_for_delivery": "unterwegs zu Ihnen", "delivered": "zugestellt",
        "delivery_failed": "konnte nicht zugestellt werden", "problem": "es gibt ein Problem damit",
        "returned": "zurückgeschickt", "refunded": "erstattet", "cancelled": "storniert",
    },
    "fr": {
        "created": "reçue", "payment_due": "en attente de paiement", "confirmed": "confirmée",
        "processing": "en préparation", "partly_shipped": "expédiée en partie", "shipped": "expédiée",
        "ready_for_pickup": "prête à être retirée", "out_for_delivery": "en route vers vous", "delivered": "livrée",
        "delivery_failed": "n'a pas pu être livrée", "problem": "il y a un problème", "returned": "retournée",
        "refunded": "remboursée", "cancelled": "annulée",
    },
}  # fmt: skip
_OUTAGE: Mapping[str, Mapping[str, str]] = {
    "en": {"planned": "planned", "confirmed": "going on", "updated": "going on", "restored": "over", "closed": "over",
           "cancelled": "called off", "reported": "reported"},
    "nl": {"planned": "gepland", "confirmed": "bezig", "updated": "bezig", "restored": "voorbij", "closed": "voorbij",
           "cancelled": "gaat niet door", "reported": "gemeld"},
    "de": {"planned": "geplant", "confirmed": "dauert an", "updated": "dauert an", "restored": "vorbei", "closed": "vorbei",
           "cancelled": "entfällt", "reported": "gemeldet"},
    "fr": {"planned": "prévue", "confirmed": "en cours", "updated": "en cours", "restored": "terminée", "closed": "terminée",
           "cancelled": "annulée", "reported": "signalée"},
}  # fmt: skip
_SAID: Mapping[str, Mapping[str, str]] = {
    "en": {
        "order": "Your order {name}: {state}.", "delivery": "Expected: {at}.", "outage": "{name}: {state}.",
        "start": "Since {at}.", "begins": "It begins: {at}.", "end": "Expected to be over: {at}.",
        "now": "Source: {source}, just now.",
        "ago": "Source: {source}, {age} ago.", "unknown": "How {what} stand cannot be looked up at this moment.",
    },
    "nl": {
        "order": "Je bestelling {name}: {state}.", "delivery": "Verwacht: {at}.", "outage": "{name}: {state}.",
        "start": "Sinds {at}.", "begins": "Begint: {at}.", "end": "Verwacht einde: {at}.", "now": "Bron: {source}, zojuist.",
        "ago": "Bron: {source}, {age} geleden.", "unknown": "Hoe het met {what} staat is nu niet op te zoeken.",
    },
    "de": {
        "order": "Ihre Bestellung {name}: {state}.", "delivery": "Erwartet: {at}.", "outage": "{name}: {state}.",
        "start": "Seit {at}.", "begins": "Beginn: {at}.", "end": "Erwartetes Ende: {at}.",
        "now": "Quelle: {source}, gerade eben.",
        "ago": "Quelle: {source}, vor {age}.", "unknown": "Wie es um {what} steht, lässt sich gerade nicht nachsehen.",
    },
    "fr": {
        "order": "Votre commande {name} : {state}.", "delivery": "Prévue : {at}.", "outage": "{name} : {state}.",
        "start": "Depuis {at}.", "begins": "Début : {at}.", "end": "Fin prévue : {at}.", "now": "Source : {source}, à l'instant.",
        "ago": "Source : {source}, il y a {age}.", "unknown": "Impossible de consulter {what} pour le moment.",
    },
}  # fmt: skip
KINDS: Mapping[str, Mapping[str, str]] = {
    "en": {"journey": "journeys", "order": "orders", "outage": "outages"},
    "nl": {"journey": "reizen", "order": "bestellingen", "outage": "storingen"},
    "de": {"journey": "Reisen", "order": "Bestellungen", "outage": "Störungen"},
    "fr": {"journey": "les voyages", "order": "les commandes", "outage": "les pannes"},
}
_SERVICES: Mapping[str, Mapping[str, str]] = {
    "en": {"electricity": "Power outage", "internet": "Internet outage"},
    "nl": {"electricity": "Stroomstoring", "internet": "Internetstoring"},
    "de": {"electricity": "Stromausfall", "internet": "Internetstörung"},
    "fr": {"electricity": "Panne de courant", "internet": "Panne d'internet"},
}
_OUTAGE_NAME = {"en": "Outage", "nl": "Storing", "de": "Störung", "fr": "Panne"}


def order(name: str, state: Mapping[str, Any], reader: formats.Reader) -> str | None:
    """An order in words, without who said it; None for a status that we have no word for."""
    words = _SAID[reader.language]
    status = _ORDER[reader.language].get(str(state.get("status")))
    if status is None:
        return None
    shipment = state.get("shipment") or {}
    at = formats.moment(shipment.get("expected_from") or shipment.get("expected_to"), reader)
    over = state.get("status") in ("delivered", "ready_for_pickup", "returned", "refunded", "cancelled")
    parts = [words["order"].format(name=name, state=status), words["delivery"].format(at=at) if at and not over else ""]
    return " ".join(part for part in parts if part)


def outage(state: Mapping[str, Any], reader: formats.Reader) -> str | None:
    """An outage in words; None for a status that we have no word for."""
    words, said = _SAID[reader.language], str(state.get("status"))
    status = _OUTAGE[reader.language].get("planned" if said == "updated" and state.get("planned") else said)
    if status is None:
        return None
    ahead = said == "planned" or (said == "updated" and bool(state.get("planned")))
    start = formats.moment(state.get("started_at"), reader)
    end = formats.moment(state.get("expected_restoration"), reader)
    over = said in ("restored", "closed", "cancelled")
    parts = [words["outage"].format(name=outage_name(state, reader.language), state=status)]
    parts += [words["begins" if ahead else "start"].format(at=start)] if start and not over else []
    parts += [words["end"].format(at=end)] if end and not over else []
    return " ".join(parts)


def outage_name(state: Mapping[str, Any], language: str) -> str:
    return _SERVICES[language].get(str(state.get("service")), _OUTAGE_NAME[language])


def heard(source: str, at_ms: int, reader: formats.Reader) -> str:
    """Who said it and how long ago."""
    words, age = _SAID[reader.language], max(0, reader.now_ms - at_ms) // 60_000
    if age < 1:
        return words["now"].format(source=source)
    return words["ago"].format(source=source, age=formats.minutes(age, reader))


def unknown(kind: str, language: str) -> str:
    return _SAID[language]["unknown"].format(what=KINDS[language][kind])
