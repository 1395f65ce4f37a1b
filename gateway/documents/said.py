"""A paper in words: every value as a reader of a language sees it, by CLDR and on the clock of its place.

Both the picture and the page show what is said here, so they cannot disagree. A value that is not known is "": layouts leave out
what names it. One card is made for each symbol, with the traveller or the leg that the symbol belongs to in front.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from babel.dates import format_skeleton

from gateway.documents.belonging import belonging
from gateway.documents.layouts import NAMED
from gateway.documents.paper import Paper, PaperKind, PaperLeg, Symbol, placeless
from gateway.documents.typefaces import Typefaces
from gateway.notifications import formats
from gateway.notifications.brands import Brand
from gateway.notifications.places import Places, name_of, zone_of

_LEG = frozenset({
    "carrier", "flight", "origin", "destination", "origin_name", "destination_name", "gate", "terminal", "coach", "seat", "cabin",
    "group", "sequence", "departs", "boards", "arrives", "date",
})  # fmt: skip
_LINE = frozenset({"item", "quantity", "price"})
VALUES = _LEG | _LINE | {
    "brand", "reference", "ticket_number", "title", "venue", "place", "baggage", "frequent_flyer", "about", "notes",
    "support_url", "traveller", "number", "as_of", "from", "to", "starts", "starts_date", "doors", "total", "count",
}  # fmt: skip
"""What layouts and their words may name."""
OF_MANY = frozenset({
    "brand", "carrier", "flight", "origin", "destination", "origin_name", "destination_name", "from", "to", "gate", "terminal",
    "departs", "boards", "arrives", "date", "cabin", "group", "as_of", "venue", "starts", "starts_date", "doors", "support_url",
})  # fmt: skip
"""Of these what is said to one is said to others alike: nothing that names or numbers a person, their order or their seat."""
_JOURNEYS = (PaperKind.BOARDING_PASS, PaperKind.RAIL_TICKET)


@dataclass(slots=True)
class Card:
    """What stands on one picture or page. values: by name; rows: values of each leg, further leg or line."""

    values: dict[str, str]
    rows: dict[str, list[dict[str, str]]]
    words: Mapping[str, str]
    symbol: Symbol | None
    notes: list[str]
    boxes: int = 0
    """characters that no font has"""
    lost: bool = False
    """its symbol is one of several and cannot be drawn"""

    def say(self, text: str, row: Mapping[str, str] | None = None) -> str:
        """A layout's text with words and values put in; "" when one that it names is empty or unknown."""
        values = self.values if row is None else {**self.values, **row}
        said = []
        for number, part in enumerate(_parts(self._opened(text))):
            if number % 2 and not (part := values.get(part, "")):
                return ""
            said.append(part)
        return "".join(said)

    def of_many(self, text: str) -> bool:
        """Whether what a layout's text says may be on many people's cards, and is about none of them."""
        return OF_MANY.issuperset(_parts(self._opened(text))[1::2])

    def _opened(self, text: str) -> str:
        """With words put in, and values still named."""
        if "{word." not in text:
            return text
        return NAMED.sub(lambda found: self.words.get(found[1][5:], "") if found[1].startswith("word.") else found[0], text)


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[str, ...]:
    """What stands between named values, and their names, in turns. Of layouts and words, which are few."""
    return tuple(NAMED.split(text))


@dataclass(slots=True)
class Speaker:
    """Says papers of a brand in a language."""

    brand: Brand
    language: str
    words: Mapping[str, str]
    places: Places
    faces: Typefaces
    _boxes: int = field(default=0, init=False)

    def cards(self, paper: Paper) -> list[Card]:
        """One for each symbol, at least one."""
        return [self._card(paper, number) for number in range(max(1, len(paper.symbols)))]

    def _card(self, paper: Paper, number: int) -> Card:
        self._boxes = 0
        symbol = paper.symbols[number] if paper.symbols else None
        values = self._common(paper, symbol, number)
        rows: dict[str, list[dict[str, str]]] = {"legs": [], "further": [], "lines": []}
        belongs = belonging(paper)[number] if paper.symbols else None
        if belongs is not None and symbol is not None:
            values["traveller"] = self._list([self._shown(one) for one in belongs.travellers])
            values["about"] = "" if symbol.about in paper.travellers else values["about"]
        if paper.legs:
            own = belongs.leg if belongs is not None and belongs.leg is not None else 0
            rows["legs"] = [self._leg(one) for one in paper.legs]
            rows["further"] = [leg for place, leg in enumerate(rows["legs"]) if place != own]
            values |= rows["legs"][own]
            values["from"], values["to"] = rows["legs"][0]["origin_name"], rows["legs"][-1]["destination_name"]
        if paper.kind not in _JOURNEYS or paper.starts_at:
            values |= {"starts": self._time(paper.starts_at), "starts_date": self._date(paper.starts_at),
                       "doors": self._time(paper.doors_at)}  # fmt: skip
        rows["lines"] = [self._line(one.name, one.quantity, one.price, paper.currency) for one in paper.lines]
        values["total"] = self._money(paper.total, paper.currency)
        values["count"] = str(len(paper.lines)) if paper.lines else ""
        notes = [self._shown(one) for one in paper.notes]
        return Card(values, rows, self.words, symbol, notes, self._boxes)

    def _common(self, paper: Paper, symbol: Symbol | None, number: int) -> dict[str, str]:
        plain = {
            "brand": self.brand.name, "reference": paper.reference, "ticket_number": paper.ticket_number, "title": paper.title,
            "venue": paper.venue, "place": paper.place, "baggage": paper.baggage, "frequent_flyer": paper.frequent_flyer,
            "about": symbol.about if symbol else "", "notes": "  ".join(paper.notes), "support_url": self.brand.support_url,
        }  # fmt: skip
        values = {name: self._shown(text) for name, text in plain.items()}
        values["traveller"] = "" if paper.symbols else self._list([self._shown(one) for one in paper.travellers])
        values["number"] = f"{number + 1}/{len(paper.symbols)}" if len(paper.symbols) > 1 else ""
        values["as_of"] = self._as_of(paper)
        return values

    def _leg(self, leg: PaperLeg) -> dict[str, str]:
        origin = name_of({"code": leg.origin, "name": leg.origin_name}, self.language, self.places) or ""
        destination = name_of({"code": leg.destination, "name": leg.destination_name}, self.language, self.places) or ""
        plain = {
            "carrier": leg.carrier, "flight": f"{leg.carrier} {leg.number}".strip(), "origin": _code(leg.origin),
            "destination": _code(leg.destination), "origin_name": origin, "destination_name": destination, "gate": leg.gate,
            "terminal": leg.terminal, "coach": leg.coach, "seat": leg.seat, "cabin": leg.cabin, "group": leg.group,
            "sequence": leg.sequence,
        }  # fmt: skip
        return {name: self._shown(text) for name, text in plain.items()} | {
            "departs": self._there(leg.departs, leg.origin), "boards": self._there(leg.boards, leg.origin),
            "arrives": self._there(leg.arrives, leg.destination), "date": self._date(leg.departs, leg.origin, journey=True),
        }  # fmt: skip

    def _line(self, name: str, quantity: int, price: str, currency: str) -> dict[str, str]:
        number = formats.number(quantity, self._reader()) or str(quantity)
        return {"item": self._shown(name), "quantity": number, "price": self._money(price, currency)}

    def _as_of(self, paper: Paper) -> str:
        """When gate and times were true, on the clock of the place that the first of them belongs to."""
        if not paper.as_of_ms:
            return ""
        near = next((text for leg in paper.legs for text in (leg.departs, leg.boards) if text), paper.starts_at)
        place = paper.legs[0].origin if paper.legs else None
        nowhere = place is not None and self._nowhere(near, place)
        there = formats.local(near, self._reader("UTC" if nowhere else ""), place) if near else None
        zone = there.tzinfo if there is not None else formats.zone_named(self.brand.timezone)
        moment = formats.instant(paper.as_of_ms)
        if moment is None:
            return ""
        shown = str(format_skeleton("Hm", moment.astimezone(zone), locale=formats.locale_of(self.language)))
        return f"{shown} UTC" if nowhere else shown

    def _time(self, value: str, place: str = "") -> str:
        return (formats.time(value, self._reader(), place or None) or "") if value else ""

    def _there(self, value: str, place: str) -> str:
        """A time of a leg; "20:55 UTC" where nobody knows the clock of the place."""
        if self._nowhere(value, place):
            return f"{formats.time(value, self._reader('UTC'))} UTC"
        return self._time(value, place)

    def _nowhere(self, value: str, place: str) -> bool:
        return placeless(value) and zone_of(place, self.places) is None

    def _date(self, value: str, place: str = "", *, journey: bool = False) -> str:
        """zo 22 nov 2026: always with the year, since a document is looked at long after."""
        zone = "UTC" if journey and self._nowhere(value, place) else ""
        moment = formats.local(value, self._reader(zone), place or None) if value else None
        return "" if moment is None else str(format_skeleton("yMMMEd", moment, locale=formats.locale_of(self.language)))

    def _money(self, amount: str, currency: str) -> str:
        return (formats.money({"amount": amount, "currency": currency}, self._reader()) or amount) if amount else ""

    def _list(self, names: Sequence[str]) -> str:
        return formats.listing(names, self._reader()) or ""

    def _reader(self, zone: str = "") -> formats.Reader:
        return formats.Reader(self.language, self.language, zone or self.brand.timezone, 0, self.places)

    def _shown(self, text: str) -> str:
        shown, boxes = self.faces.showable(text)
        self._boxes += boxes
        return shown


def _code(value: str) -> str:
    """LHR of LHR or of a code with its list in front (xmp:UT)."""
    return value.rpartition(":")[2]
