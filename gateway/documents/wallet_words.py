"""The words on wallet passes and calendar entries: each in every language that we speak, short enough for a label on a phone."""

from __future__ import annotations

import re
from enum import StrEnum

LANGUAGES = ("nl", "en", "de", "fr")


class Word(StrEnum):
    BOARDING_PASS = "boarding_pass"  # noqa: S105 - no secret
    RAIL_TICKET = "rail_ticket"
    EVENT_TICKET = "event_ticket"
    FLIGHT = "flight"
    TRAIN = "train"
    FROM = "from"
    TO = "to"
    NAME = "name"
    DEPARTS = "departs"
    TAKES_OFF = "takes_off"
    BOARDS = "boards"
    ARRIVES = "arrives"
    GATE = "gate"
    PLATFORM = "platform"
    TERMINAL = "terminal"
    SEAT = "seat"
    COACH = "coach"
    CABIN = "cabin"
    GROUP = "group"
    SEQUENCE = "sequence"
    REFERENCE = "reference"
    TICKET_NUMBER = "ticket_number"
    BAGGAGE = "baggage"
    FREQUENT_FLYER = "frequent_flyer"
    NOTES = "notes"
    STARTS = "starts"
    DOORS = "doors"
    VENUE = "venue"
    PLACE = "place"
    FOR = "for"
    JOURNEY = "journey"
    AS_OF = "as_of"
    MAY_CHANGE = "may_change"
    GOOD_TO_KNOW = "good_to_know"
    HELP = "help"


_WORDS: dict[Word, tuple[str, str, str, str]] = {
    Word.BOARDING_PASS: ("Instapkaart", "Boarding pass", "Bordkarte", "Carte d’embarquement"),
    Word.RAIL_TICKET: ("Treinticket", "Train ticket", "Bahnticket", "Billet de train"),
    Word.EVENT_TICKET: ("Toegangsticket", "Event ticket", "Eintrittskarte", "Billet d’entrée"),
    Word.FLIGHT: ("Vlucht", "Flight", "Flug", "Vol"),
    Word.TRAIN: ("Trein", "Train", "Zug", "Train"),
    Word.FROM: ("Van", "From", "Von", "De"),
    Word.TO: ("Naar", "To", "Nach", "À"),
    Word.NAME: ("Naam", "Name", "Name", "Nom"),
    Word.DEPARTS: ("Vertrek", "Departs", "Abfahrt", "Départ"),
    Word.TAKES_OFF: ("Vertrek", "Departs", "Abflug", "Départ"),
    Word.BOARDS: ("Instappen", "Boarding", "Einsteigen", "Embarquement"),
    Word.ARRIVES: ("Aankomst", "Arrives", "Ankunft", "Arrivée"),
    Word.GATE: ("Gate", "Gate", "Gate", "Porte"),
    Word.PLATFORM: ("Spoor", "Platform", "Gleis", "Voie"),
    Word.TERMINAL: ("Terminal", "Terminal", "Terminal", "Terminal"),
    Word.SEAT: ("Stoel", "Seat", "Sitz", "Siège"),
    Word.COACH: ("Rijtuig", "Coach", "Wagen", "Voiture"),
    Word.CABIN: ("Klasse", "Class", "Klasse", "Classe"),
    Word.GROUP: ("Groep", "Group", "Gruppe", "Groupe"),
    Word.SEQUENCE: ("Volgnr.", "Seq. no.", "Lfd. Nr.", "N° d’ordre"),
    Word.REFERENCE: ("Boekingscode", "Booking code", "Buchungscode", "Code de réservation"),
    Word.TICKET_NUMBER: ("Ticketnummer", "Ticket number", "Ticketnummer", "Numéro de billet"),
    Word.BAGGAGE: ("Bagage", "Baggage", "Gepäck", "Bagages"),
    Word.FREQUENT_FLYER: ("Spaarprogramma", "Frequent flyer", "Vielflieger", "Fidélité"),
    Word.NOTES: ("Voorwaarden", "Conditions", "Bedingungen", "Conditions"),
    Word.STARTS: ("Begint", "Starts", "Beginn", "Début"),
    Word.DOORS: ("Deuren open", "Doors open", "Einlass", "Ouverture"),
    Word.VENUE: ("Waar", "Venue", "Ort", "Lieu"),
    Word.PLACE: ("Plaats", "Place", "Platz", "Place"),
    Word.FOR: ("Geldt voor", "Valid for", "Gilt für", "Valable pour"),
    Word.JOURNEY: ("Hele reis", "Whole journey", "Ganze Reise", "Trajet complet"),
    Word.AS_OF: ("Stand van", "As of", "Stand vom", "Mis à jour le"),
    Word.MAY_CHANGE: (
        "Gate, spoor en tijd kunnen nog veranderen. Kijk op de borden. Tijden zijn lokaal.",
        "Gate, platform and times may still change. Check the screens. Times are local.",
        "Gate, Gleis und Zeiten können sich noch ändern. Bitte auf die Anzeigen achten. Zeiten sind Ortszeiten.",
        "Porte, voie et horaires peuvent encore changer. Consultez les écrans. Les heures sont locales.",
    ),
    Word.GOOD_TO_KNOW: ("Goed om te weten", "Good to know", "Gut zu wissen", "Bon à savoir"),
    Word.HELP: ("Hulp", "Help", "Hilfe", "Aide"),
}


def language_of(code: str) -> str:
    """The one of ours for a reader's language as channels or browsers write it (nl, nl-NL, pt_BR); English for all others."""
    base = re.split("[-_]", code, maxsplit=1)[0].lower()
    return base if base in LANGUAGES else "en"


def say(word: Word, language: str) -> str:
    """language: one of LANGUAGES"""
    return _WORDS[word][LANGUAGES.index(language)]
