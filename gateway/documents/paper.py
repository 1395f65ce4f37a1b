"""What a document shows, before it has a language, a size or a format. Personal throughout: sealed at rest, never logged.

A paper is made from an event's data (reading.py), kept sealed with its message and its page, and turned into pictures, pages,
wallet passes and calendar entries by modules that know nothing of events. Values are the issuer's own, cleaned of control
characters and cut to lengths; words such as "Seat" belong to the layout's language files.

Times are RFC 3339 with the offset of the place where they happen: they are shown as that place's clock shows them. One
that ends in "Z" names no place: where the place's clock is not known it is shown as UTC, and never passed off as the time there.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class PaperKind(StrEnum):
    BOARDING_PASS = "boarding_pass"  # noqa: S105 - no secret
    RAIL_TICKET = "rail_ticket"
    EVENT_TICKET = "event_ticket"
    RECEIPT = "order_receipt"


class SymbolKind(StrEnum):
    AZTEC = "aztec"
    PDF417 = "pdf417"
    QR = "qr"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A barcode. payload: what a reader must get back, byte for byte; binary: bytes of the issuer's, not text.

    about: whose or which leg's it is, in words, where a paper has several; "" otherwise
    """

    kind: SymbolKind
    payload: bytes
    binary: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class PaperLeg:
    """One flight or train. Empty texts are not known, and not shown. gate: also a platform; coach: trains only."""

    carrier: str = ""
    number: str = ""
    origin: str = ""
    origin_name: str = ""
    destination: str = ""
    destination_name: str = ""
    departs: str = ""
    boards: str = ""
    arrives: str = ""
    gate: str = ""
    terminal: str = ""
    coach: str = ""
    seat: str = ""
    cabin: str = ""
    group: str = ""
    sequence: str = ""


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One thing of a receipt. price: decimal in the paper's currency, "" = not given."""

    name: str
    quantity: int = 1
    price: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """travellers: as they are to be read, several on a ticket for a party; reference: booking code or order number.

    title:     of an event ticket or receipt; a journey's comes from its legs
    starts_at, doors_at, venue, place: of an event ticket (place: section, row and seat as the issuer writes them)
    notes:     the issuer's own words that must stand on it, as they came
    as_of_ms:  when gate and times were true (UTC ms)
    ends_ms:   when it is used up (UTC ms); 0 = not known
    """

    kind: PaperKind
    brand: str
    travellers: tuple[str, ...] = ()
    reference: str = ""
    ticket_number: str = ""
    title: str = ""
    legs: tuple[PaperLeg, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    starts_at: str = ""
    doors_at: str = ""
    venue: str = ""
    place: str = ""
    lines: tuple[PaperLine, ...] = ()
    total: str = ""
    currency: str = ""
    baggage: str = ""
    frequent_flyer: str = ""
    notes: tuple[str, ...] = ()
    as_of_ms: int = 0
    ends_ms: int = 0

    def dump(self) -> dict[str, Any]:
        """As JSON: what `load` reads back, also of an older or newer version, whose other fields it leaves out."""
        # By hand: asdict copies every text and takes four times as long, and a pass is dumped three times on its way.
        value: dict[str, Any] = {name: getattr(self, name) for name in _FIELDS[Paper]}
        for name in ("legs", "lines", "symbols"):
            value[name] = [{part: getattr(one, part) for part in _FIELDS[type(one)]} for one in value[name]]
        for symbol in value["symbols"]:
            symbol["payload"] = base64.b64encode(symbol["payload"]).decode()
        return {name: part for name, part in value.items() if part not in ("", 0, (), [])}

    @staticmethod
    def load(value: Mapping[str, Any]) -> Paper:
        """Raises KeyError, ValueError or TypeError where it is no paper."""
        known = {one.name for one in fields(Paper)}
        given = {name: part for name, part in value.items() if name in known}
        given["kind"] = PaperKind(value["kind"])
        given["brand"] = value.get("brand", "")
        given["travellers"] = tuple(value.get("travellers", ()))
        given["notes"] = tuple(value.get("notes", ()))
        given["legs"] = tuple(PaperLeg(**_only(PaperLeg, one)) for one in value.get("legs", ()))
        given["lines"] = tuple(PaperLine(**_only(PaperLine, one)) for one in value.get("lines", ()))
        given["symbols"] = tuple(
            Symbol(SymbolKind(one["kind"]), base64.b64decode(one["payload"]), bool(one.get("binary")), one.get("about", ""))
            for one in value.get("symbols", ())
        )
        return Paper(**given)


_FIELDS = {one: tuple(known.name for known in fields(one)) for one in (Paper, PaperLeg, PaperLine, Symbol)}
def placeless(time: str) -> bool:
    """Whether a time is written in bare UTC, which says nothing of the clock of a place."""
    return time[-1:] in ("Z", "z")


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def clean(value: object, longest: int) -> str:
    """A value for a paper: one line, single blanks, no marks that turn the direction of what stands beside it; cut with "…"."""
    text = " ".join(_CONTROL.sub(" ", str(value)).split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _only(of: type[PaperLeg] | type[PaperLine], value: Mapping[str, Any]) -> dict[str, Any]:
    known = {one.name for one in fields(of)}
    return {name: part for name, part in value.items() if name in known}
