"""A paper in cards: a wallet's pass shows one symbol, so a ticket for two people, or a pass for two flights, is several passes.

- One symbol, several legs: a card a leg, each with the same symbol, as a traveller shows it at each gate; one card where the
  issuer says something else about it than whose it is, for it may be one leg's alone.
- Otherwise a card a symbol, with whom and what it belongs to (belonging.py). One that is for several legs shows the journey from
  its first place to its last.

A journey whose time or places are not known makes no card: it would neither come to the lock screen nor ever be used up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.documents.belonging import belonging
from gateway.documents.paper import Paper, PaperKind, PaperLeg, Symbol, placeless

Blind = Callable[..., str]
"""A keyed hash of texts, 32 characters: `Vault.blind`."""

JOURNEYS = (PaperKind.BOARDING_PASS, PaperKind.RAIL_TICKET)
_MINUTE = timedelta(minutes=1)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class Card:
    """legs: what it is good for, () for an event; traveller: "" where the paper names none."""

    symbol: Symbol
    traveller: str
    legs: tuple[PaperLeg, ...] = ()
    number: int = 0

    @property
    def first(self) -> PaperLeg:
        return self.legs[0]

    @property
    def last(self) -> PaperLeg:
        return self.legs[-1]


def moment(text: str) -> datetime | None:
    """An RFC 3339 time, to the second; None where it is none, says no offset (in minutes), or a year in which nobody travels."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    offset = found.utcoffset()
    if offset is None or offset % _MINUTE or not 2000 <= found.year < 2200:
        return None
    return found.replace(microsecond=0)


def clock(text: str) -> str:
    """16:25, as the clock of its place shows it; "16:25 UTC" where that is not known, "" for no time."""
    when = moment(text)
    return "" if when is None else f"{when:%H:%M} UTC" if placeless(text) else f"{when:%H:%M}"


def shown_at(paper: Paper, zone: str) -> Paper:
    """An event in bare UTC is on the brand's clock, as on its picture; of a journey nobody knows better than UTC."""
    return replace(paper, starts_at=_in_zone(paper.starts_at, zone), doors_at=_in_zone(paper.doors_at, zone))


def _in_zone(text: str, zone: str) -> str:
    when = moment(text) if placeless(text) else None
    if when is None:
        return text
    try:
        return when.astimezone(ZoneInfo(zone)).isoformat()
    except (ZoneInfoNotFoundError, ValueError):
        return text


def cards(paper: Paper) -> tuple[Card, ...]:
    """In the paper's order; none where a wallet could do nothing with it."""
    symbols, everybody = paper.symbols, ", ".join(paper.travellers)
    if paper.kind is PaperKind.EVENT_TICKET:
        legs: tuple[PaperLeg, ...] = ()
        known = bool(paper.title) and moment(paper.starts_at) is not None
    else:
        legs = paper.legs
        known = paper.kind in JOURNEYS and bool(legs) and all(_placed(leg) for leg in legs)
    if not symbols or not known:
        return ()
    alone = symbols[0]
    if len(symbols) == 1 and len(legs) > 1 and (not alone.about or alone.about in paper.travellers):
        return tuple(Card(alone, everybody, (leg,), number) for number, leg in enumerate(legs))
    found = belonging(replace(paper, legs=legs))
    return tuple(Card(one.symbol, ", ".join(one.travellers), one.legs, number) for number, one in enumerate(found))


def _placed(leg: PaperLeg) -> bool:
    places = (leg.origin or leg.origin_name) and (leg.destination or leg.destination_name)
    return bool(places) and moment(leg.departs) is not None


def about_leg(leg: PaperLeg) -> tuple[str, ...]:
    """What stays the same of a flight or train while its times, gate and seat change: for keyed hashes."""
    return (leg.carrier, leg.number, leg.origin or leg.origin_name, leg.destination or leg.destination_name, leg.departs[:10])


def whose(paper: Paper) -> tuple[str, ...]:
    """Whose paper it is, and of what kind: the same over all its versions."""
    return (paper.kind.value, paper.brand, paper.reference, paper.ticket_number, paper.title)


def serial_of(blind: Blind, paper: Paper, card: Card, about: str) -> str:
    """A pass keeps it over all its versions, so that a newer one takes the older one's place in the wallet.

    Person and booking are always in it: two people of one name on one flight share no pass, whatever a caller says it is about.
    """
    which = (about,) if about else (paper.starts_at[:10], *(part for leg in card.legs for part in about_leg(leg)))
    return blind("wallet pass", *whose(paper), card.traveller, *which, str(card.number))


def group_of(blind: Blind, paper: Paper) -> str:
    """Passes of one booking lie together. "" where the paper names no booking."""
    return blind("wallet group", paper.brand, paper.reference) if paper.reference else ""


def flight_name(leg: PaperLeg) -> str:
    return " ".join(filter(None, (leg.carrier, leg.number)))


def file_name(paper: Paper, suffix: str) -> str:
    """Without names or codes of people: boarding-pass-ZZ1007-22NOV.pkpass."""
    kinds = {PaperKind.BOARDING_PASS: "boarding-pass", PaperKind.RAIL_TICKET: "train-ticket", PaperKind.EVENT_TICKET: "ticket"}
    leg = paper.legs[0] if paper.kind in JOURNEYS and paper.legs else None
    starts = moment(leg.departs if leg is not None else paper.starts_at)
    day = f"{starts.day:02d}{_MONTHS[starts.month - 1]}" if starts is not None else ""
    number = re.sub(r"[^A-Za-z0-9]", "", leg.carrier + leg.number)[:10] if leg is not None else ""
    return "-".join(filter(None, (kinds.get(paper.kind, "document"), number, day))) + suffix
