"""From an event's data to a `Paper`: what its document shows, where the issuer sent no document of their own.

The event brings the issuer's code (a boarding pass's string, a ticket's bytes) and what people must read beside it. Gate and
times come from what the flight is doing now, where that is newer than the pass. Nothing is made up: what no event says is not on
the paper, and a ticket without the issuer's code is no ticket (`drawable`). Times are turned to the clock of the place where they
happen, where the place is known.

Pure. Raises nothing for data that the schemas let through.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.documents.bcbp import encode
from gateway.documents.bcbp_unsigned import unsigned_pass
from gateway.documents.paper import Paper, PaperKind, PaperLeg, PaperLine, Symbol, SymbolKind, clean, placeless
from gateway.errors import BadPass
from gateway.model.event import EventType
from gateway.notifications.places import Places, name_of, zone_of
from gateway.rules.states import instant_ms

HOUR_MS = 3_600_000
AFTER_ARRIVAL_MS = 4 * HOUR_MS
AFTER_DEPARTURE_MS = 24 * HOUR_MS
"""Where nobody says when it arrives: no flight is longer."""
AFTER_START_MS = 12 * HOUR_MS

_TICKETS = ("event_ticket", "rail_ticket", "flight_ticket", "ticket")
_RECEIPTS = ("receipt", "invoice")


def paper_of(
    type_: EventType,
    data: Mapping[str, Any],
    state: Mapping[str, Any],
    *,
    brand: str,
    places: Places,
    language: str,
    as_of_ms: int,
    unsigned: date | None = None,
) -> Paper | None:
    """What the document of this event shows; None where it is nothing that can be drawn (a label).

    data:     of a flight.boardingpass or order.document, as its schema has it
    state:    of the flight, or of the order (goods, total); {} = not known
    language: whose names of places are preferred
    as_of_ms: when `state` was read
    unsigned: the day of issue, where the brand's carrier lets us build passes that nobody signed; None: it does not
    """
    if type_ is EventType.FLIGHT_BOARDINGPASS:
        return _boarding_pass(data, state, brand, places, language, as_of_ms, unsigned)
    document = data.get("document") or {}
    if document.get("kind") in _TICKETS:
        return _ticket(data, document, brand, places, language, as_of_ms)
    if document.get("kind") in _RECEIPTS:
        return _receipt(data, document, state, brand, as_of_ms)
    return None


def drawable(paper: Paper | None) -> bool:
    """Whether there is enough to draw: the issuer's code, or a receipt's lines or total."""
    if paper is None:
        return False
    return bool(paper.lines or paper.total) if paper.kind is PaperKind.RECEIPT else bool(paper.symbols)


def _boarding_pass(
    data: Mapping[str, Any],
    state: Mapping[str, Any],
    brand: str,
    places: Places,
    language: str,
    as_of_ms: int,
    unsigned: date | None,
) -> Paper:
    leg, person, checkin = _part(data, "leg"), _part(data, "passenger"), _part(data, "checkin")
    times, leaving, landing = _part(data, "times"), _part(state, "departure"), _part(state, "arrival")
    origin, destination = _place(leg.get("from"), state.get("from")), _place(leg.get("to"), state.get("to"))
    departs = leaving.get("estimated") or times.get("estimatedOff") or leaving.get("scheduled") or times.get("scheduledOff")
    arrives = landing.get("estimated") or landing.get("scheduled") or times.get("scheduledOn")
    flyer = person.get("frequentFlyer")
    if isinstance(flyer, Mapping):
        flyer = f"{flyer.get('carrier') or ''} {flyer.get('number') or ''}"
    bcbp = str(data.get("bcbp") or "").rstrip("\r\n") or _unsigned(
        leg, person, checkin, unsigned, _local(times.get("scheduledOff"), origin, places)
    )
    return Paper(
        kind=PaperKind.BOARDING_PASS,
        brand=brand,
        travellers=_names([f"{person.get('givenNames') or ''} {person.get('surname') or ''}"]),
        reference=_text(person.get("recordLocator"), 20),
        ticket_number=_text(person.get("ticketNumber"), 30),
        legs=(
            PaperLeg(
                carrier=_text(leg.get("carrier"), 20),
                number=_text(leg.get("flightNumber"), 10),
                **_ends(origin, destination, places, language),
                departs=_local(departs, origin, places, times.get("scheduledOff")),
                boards=_local(times.get("boarding"), origin, places, times.get("scheduledOff")),
                arrives=_local(arrives, destination, places, times.get("scheduledOn")),
                gate=_text(state.get("gate") or data.get("gate"), 20),
                terminal=_text(state.get("terminal") or data.get("terminal"), 20),
                seat=_text(checkin.get("seat"), 20),
                cabin=_text(checkin.get("cabin"), 30),
                group=_text(checkin.get("group"), 20),
                sequence=_text(checkin.get("sequence"), 20),
            ),
        ),
        symbols=(Symbol(SymbolKind.AZTEC, bcbp.encode("ascii")),) if bcbp else (),
        baggage=_text(checkin.get("freeBaggage"), 20),
        frequent_flyer=_text(flyer, 40),
        notes=_notes(data.get("notes")),
        as_of_ms=as_of_ms,
        ends_ms=_ends_ms(arrives, departs),
    )


def _unsigned(
    leg: Mapping[str, Any], person: Mapping[str, Any], checkin: Mapping[str, Any], issued: date | None, leaves: str
) -> str:
    """A pass of what the event says; "" where that is not ours to make, or not enough."""
    if issued is None:
        return ""
    leaves = "" if placeless(leaves) else leaves  # the day there may be another one: the leg's own date is told
    try:
        return encode(unsigned_pass(leg, person, checkin, issued=issued, leaves=leaves))
    except BadPass:
        return ""


def _ticket(
    data: Mapping[str, Any], document: Mapping[str, Any], brand: str, places: Places, language: str, as_of_ms: int
) -> Paper:
    legs = tuple(_leg(one, places, language) for one in document.get("legs") or [])
    flight = document.get("kind") == "flight_ticket"  # no pass and no train's: it is shown as any ticket
    rail = document.get("kind") == "rail_ticket" or (bool(legs) and not flight)
    starts = _text(document.get("startsAt"), 40) or (legs[0].departs if legs and flight else "")
    last = legs[-1] if legs else PaperLeg()
    return Paper(
        kind=PaperKind.RAIL_TICKET if rail else PaperKind.EVENT_TICKET,
        brand=brand,
        travellers=_names(document.get("travellers") or [document.get("holder") or ""]),
        reference=_text(document.get("reference") or data.get("orderNumber"), 40),
        title=_text(document.get("title"), 200),
        legs=legs,
        symbols=symbols_of(document),
        starts_at=starts,
        doors_at=_text(document.get("doorsAt"), 40),
        venue=_text(document.get("venue"), 200),
        place=_seat(document.get("seat")),
        notes=_notes(document.get("notes")),
        as_of_ms=as_of_ms,
        ends_ms=_ends_ms(last.arrives, last.departs) if legs else (instant_ms(starts) or -AFTER_START_MS) + AFTER_START_MS,
    )


def _receipt(
    data: Mapping[str, Any], document: Mapping[str, Any], order: Mapping[str, Any], brand: str, as_of_ms: int
) -> Paper:
    """Of its own lines and total; of the order's goods and total where it names none."""
    lines = tuple(
        PaperLine(_text(one.get("name"), 200), int(one.get("quantity", 1)), _text(one.get("price"), 20))
        for one in document.get("lines") or order.get("items") or []
        if one.get("name")
    )
    own = bool(document.get("total"))
    return Paper(
        kind=PaperKind.RECEIPT,
        brand=brand,
        reference=_text(document.get("reference") or data.get("orderNumber"), 40),
        title=_text(document.get("title"), 200),
        lines=lines,
        total=_text(document.get("total") if own else order.get("total"), 20),
        currency=_text(document.get("currency") or order.get("currency"), 3),
        notes=_notes(document.get("notes")),
        as_of_ms=as_of_ms,
    )


def _leg(leg: Mapping[str, Any], places: Places, language: str) -> PaperLeg:
    origin, destination = leg.get("from"), leg.get("to")
    return PaperLeg(
        carrier=_text(leg.get("carrier"), 40),
        number=_text(leg.get("number"), 20),
        **_ends(origin, destination, places, language),
        departs=_local(leg.get("departs"), origin, places),
        arrives=_local(leg.get("arrives"), destination, places),
        gate=_text(leg.get("platform"), 20),
        coach=_text(leg.get("coach"), 20),
        seat=_text(leg.get("seat"), 20),
        cabin=_text(leg.get("travelClass"), 30),
    )


def symbols_of(document: Mapping[str, Any]) -> tuple[Symbol, ...]:
    """The issuer's codes: bytes stay bytes, text is text."""
    found = document.get("barcodes") or ([document["barcode"]] if document.get("barcode") else [])
    return tuple(
        Symbol(
            SymbolKind(one["format"]),
            base64.b64decode(one["bytes"]) if one.get("bytes") else str(one["message"]).encode(),
            binary=bool(one.get("bytes")),
            about=_text(one.get("about"), 100),
        )
        for one in found
    )


def _ends(origin: Any, destination: Any, places: Places, language: str) -> dict[str, str]:
    return {
        "origin": _text(_code(origin), 20),
        "origin_name": _text(name_of(origin, language, places), 60),
        "destination": _text(_code(destination), 20),
        "destination_name": _text(name_of(destination, language, places), 60),
    }


def _place(code: Any, known: Any) -> Any:
    """The flight's own place (with name and zone), if it is the one that the pass names."""
    return known if isinstance(known, Mapping) and known.get("code") == code else code


def _code(place: Any) -> Any:
    return place.get("code") if isinstance(place, Mapping) else place


def _local(at: Any, place: Any, places: Places, beside: Any = None) -> str:
    """A time on the clock of its place; as it was written where the place's clock is not known.

    beside: another time of that place and day, whose offset says what a bare UTC time does not
    """
    if instant_ms(at) is None:
        return ""
    zone = zone_of(place, places)
    if zone is None:
        if placeless(str(at)) and instant_ms(beside) is not None and not placeless(str(beside)):
            return datetime.fromisoformat(str(at)).astimezone(datetime.fromisoformat(str(beside)).tzinfo).isoformat()
        return str(at)
    try:
        return datetime.fromisoformat(str(at)).astimezone(ZoneInfo(zone)).isoformat()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return str(at)


def _ends_ms(arrives: Any, departs: Any) -> int:
    landed, left = instant_ms(arrives), instant_ms(departs)
    if landed is not None:
        return landed + AFTER_ARRIVAL_MS
    return left + AFTER_DEPARTURE_MS if left is not None else 0


def _seat(seat: Any) -> str:
    if isinstance(seat, Mapping):
        seat = " ".join(str(seat[part]) for part in ("section", "row", "seat") if seat.get(part))
    return _text(seat, 60)


def _names(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for one in names if (name := clean(one, 100)))


def _notes(notes: Any) -> tuple[str, ...]:
    return tuple(note for one in notes or [] if (note := clean(one, 300)))


def _part(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(value: object, longest: int) -> str:
    return "" if value is None else clean(value, longest)
