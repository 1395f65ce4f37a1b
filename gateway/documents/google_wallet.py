"""A link that puts a ticket into Google Wallet: the ticket itself, signed with the service account's key (a JWT, RS256).

    https://pay.google.com/gp/v/save/{header}.{claims}.{signature}

Nothing is created at Google beforehand, so nobody's name goes there unless its owner taps. The price is that **the link holds
name and booking code in clear**, for base64 hides nothing. So it is made in the moment in which somebody asks for it on the
page, after the proof, and handed over as a redirect: it stands in no message, no log and no page.

A link that is too long is cut somewhere on its way, so none over 1,800 characters is made. Where a ticket is a little too long,
what helps least is left out (arrival, terminal, group); where it still is, it is not offered, rather than offered and broken.
Symbols that hold bytes instead of text are not offered either: Google takes text.

What was saved once stays as it was saved: a link whose ids are known to Google changes nothing there, and without their REST
interface neither do we. Two things follow. **Ids are keyed hashes of all that is shown**, so a newer code, seat or time makes
another ticket beside the old one, and nobody is handed the old ticket, or somebody else's, under an id that was there already.
And **no gate, platform or boarding time stands in it**: they would be shown when they no longer hold. The page and the chat tell
them.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.documents.paper import Paper, PaperKind, PaperLeg, SymbolKind, placeless
from gateway.documents.wallet_cards import Blind, Card, cards, flight_name, moment, serial_of
from gateway.documents.wallet_keys import GoogleKeys
from gateway.documents.wallet_words import language_of
from gateway.errors import CannotWrap
from gateway.notifications.brands import Brand

SAVE = "https://pay.google.com/gp/v/save/"
LONGEST = 1800
_TYPES = {SymbolKind.AZTEC: "AZTEC", SymbolKind.PDF417: "PDF_417", SymbolKind.QR: "QR_CODE"}
_ANY_TIME_MS = 1_800_000_000_000
"""As long as every time until 2286, and every language that we speak has two letters: neither changes a link's length."""
_ID = 16
"""Characters of a keyed hash in an id: 80 bits, and every one of them counts in the link."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Maker:
    """What ids and names are made with. lean: without what helps least."""

    paper: Paper
    brand: Brand
    issuer: str
    blind: Blind
    language: str
    about: str
    lean: bool = False

    def more(self, value: str) -> str:
        """For what may be left out."""
        return "" if self.lean else value

    def classed(self, content: Json) -> Json:
        """A class of this content, under an id that is made of it."""
        whole = {"issuerName": self.brand.name, "reviewStatus": "UNDER_REVIEW"} | _known(content)
        hashed = self.blind("google class", self.paper.brand, _text(whole))
        return {"id": f"{self.issuer}.{hashed[:_ID]}"} | whole

    def ticket(self, card: Card, of: Json, content: Json) -> Json:
        """One ticket of a class, under an id that is made of the ticket and of all that it shows."""
        barcode = {"type": _TYPES[card.symbol.kind], "value": card.symbol.payload.decode()}
        whole = {"classId": of["id"], "state": "ACTIVE", "barcode": barcode} | _known(content)
        hashed = self.blind("google pass", serial_of(self.blind, self.paper, card, self.about), _text(whole))
        return {"id": f"{self.issuer}.{hashed[:_ID]}"} | whole

    def text(self, value: str) -> Json:
        return {"defaultValue": {"language": self.language, "value": value}}


def link(paper: Paper, language: str, *, brand: Brand, keys: GoogleKeys, blind: Blind, now_ms: int, about: str = "") -> str:
    """The address to send the browser to. Raises CannotWrap where there is none: no symbol of text, no time, or too long."""
    maker = _Maker(paper, brand, keys.issuer, blind, language_of(language), about)
    signed = _signed_part(maker, keys, now_ms)
    signature = keys.key.sign(signed.encode(), PKCS1v15(), SHA256())
    return f"{SAVE}{signed}.{_base64(signature)}"


def fits(paper: Paper, *, brand: Brand, keys: GoogleKeys, blind: Blind) -> bool:
    """`link` would make one: asked without signing."""
    try:
        _signed_part(_Maker(paper, brand, keys.issuer, blind, "en", ""), keys, _ANY_TIME_MS)
    except CannotWrap:
        return False
    return True


def _signed_part(maker: _Maker, keys: GoogleKeys, now_ms: int) -> str:
    """Header and claims, as short as it must be."""
    try:
        return _claims(maker, keys, now_ms)
    except _TooLong:
        return _claims(replace(maker, lean=True), keys, now_ms)


class _TooLong(CannotWrap):
    """With or without its extras, the link is longer than is safe."""


def _claims(maker: _Maker, keys: GoogleKeys, now_ms: int) -> str:
    claims = {
        "iss": keys.email,
        "aud": "google",
        "typ": "savetowallet",
        "iat": now_ms // 1000,
        "origins": [],
        "payload": _payload(maker),
    }
    signed = f"{_base64(_json({'alg': 'RS256', 'typ': 'JWT'}))}.{_base64(_json(claims))}"
    length = len(SAVE) + len(signed) + 1 + -(-keys.key.key_size // 8 * 4 // 3)
    if length > LONGEST:
        raise _TooLong(f"the link would have {length} characters; {LONGEST} are safe")
    return signed


def _payload(maker: _Maker) -> Json:
    paper = maker.paper
    found = cards(paper)
    if not found or any(card.symbol.binary or not _is_text(card.symbol.payload) for card in found):
        raise CannotWrap("a wallet link needs a symbol that holds text, and a time")
    if any(placeless(text) for text in (paper.starts_at, *(leg.departs for leg in paper.legs))):
        raise CannotWrap("Google Wallet takes the time of a place, and its clock is not known")
    if paper.kind is PaperKind.EVENT_TICKET:
        event = _event_class(maker)
        return {"eventTicketClasses": [event], "eventTicketObjects": [_event_object(maker, card, event) for card in found]}
    if paper.kind is PaperKind.BOARDING_PASS:
        if any(len(card.legs) > 1 for card in found):
            raise CannotWrap("a flight's object shows one flight, and a symbol here is good for several")
        flights = [_flight_class(maker, card.first) for card in found]
        return {
            "flightClasses": list({one["id"]: one for one in flights}.values()),
            "flightObjects": [_flight_object(maker, card, one) for card, one in zip(found, flights, strict=True)],
        }
    if not maker.brand.logo_url:
        raise CannotWrap("a rail ticket's class needs the address of the brand's logo")
    operator = maker.classed({"transitType": "RAIL", "logo": {"sourceUri": {"uri": maker.brand.logo_url}}})
    return {"transitClasses": [operator], "transitObjects": [_rail_object(maker, card, operator) for card in found]}


def _flight_class(maker: _Maker, leg: PaperLeg) -> Json:
    return maker.classed(
        {
            "localScheduledDepartureDateTime": _local(leg.departs),
            "localScheduledArrivalDateTime": maker.more(_local(leg.arrives)),
            "flightHeader": {"carrier": {"carrierIataCode": leg.carrier}, "flightNumber": leg.number},
            "origin": _known({"airportIataCode": leg.origin, "terminal": maker.more(leg.terminal)}),
            "destination": _known({"airportIataCode": leg.destination}),
        }
    )


def _flight_object(maker: _Maker, card: Card, flight: Json) -> Json:
    leg = card.first
    seating = {"seatNumber": leg.seat, "boardingGroup": maker.more(leg.group), "sequenceNumber": leg.sequence}
    content = {
        "passengerName": card.traveller,
        "reservationInfo": _known({"confirmationCode": maker.paper.reference}),
        "boardingAndSeatingInfo": _known(seating),
    }
    return maker.ticket(card, flight, content)


def _rail_object(maker: _Maker, card: Card, operator: Json) -> Json:
    first, last = card.first, card.last
    leg = {
        "originName": maker.text(first.origin_name or first.origin),
        "destinationName": maker.text(last.destination_name or last.destination),
        "departureDateTime": _local(first.departs),
        "arrivalDateTime": maker.more(_local(last.arrives)),
        "carriage": maker.more(flight_name(first)),
        "ticketSeat": _known({"coach": first.coach, "seat": first.seat}),
    }
    content = {
        "tripType": "ONE_WAY",
        "passengerNames": card.traveller,
        "ticketNumber": maker.more(maker.paper.ticket_number),
        "purchaseDetails": _known({"confirmationCode": maker.paper.reference}),
        "ticketLeg": _known(leg),
    }
    return maker.ticket(card, operator, content)


def _event_class(maker: _Maker) -> Json:
    paper = maker.paper
    venue = {"name": maker.text(paper.venue), "address": maker.text(paper.venue)} if maker.more(paper.venue) else {}
    times = {"doorsOpen": _local(paper.doors_at), "start": _local(paper.starts_at)}
    return maker.classed({"eventName": maker.text(paper.title), "venue": venue, "dateTime": _known(times)})


def _event_object(maker: _Maker, card: Card, event: Json) -> Json:
    paper = maker.paper
    content = {
        "ticketHolderName": card.traveller,
        "ticketNumber": paper.ticket_number,
        "reservationInfo": _known({"confirmationCode": paper.reference}),
        "seatInfo": {"seat": maker.text(paper.place)} if paper.place else {},
    }
    return maker.ticket(card, event, content)


def _local(text: str) -> str:
    """The clock of its place, without an offset, as Google takes it; "" for no time, or one of no place."""
    when = moment(text) if not placeless(text) else None
    return when.replace(tzinfo=None).isoformat() if when is not None else ""


def _known(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value}


def _is_text(payload: bytes) -> bool:
    try:
        return payload.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json(value: Any) -> bytes:
    return _text(value).encode()


def _base64(data: bytes) -> str:
    """For URLs, without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
