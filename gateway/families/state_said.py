"""How a journey stands, as somebody at home is told who asks: of each journey one leg, what its sources said of it and when.

    which leg    the one under way; else the one nearest in time: just landed, or the next. Where a journey goes on after a
                 landing it is the leg that goes on, and that the one before has landed is said too. Who names a flight or a
                 place is told of a leg that it belongs to
    what         its status and its times, as its sources said them. Nothing is worked out: an expected time is told only where a
                 source gave one, a planned time is called planned. The age of the news is all that we count ourselves
    where        a train is told of where the traveller boards and leaves it, as far as only its plan is known there. An expected
                 or actual time was said of a station of the train's, and is told of that one
    is it new    what has landed or is cancelled stays so, however long ago that was said. Of all else the newest word must be at
                 most FRESH_MS old: else it is told with its age, and a person looks at the question

Only what everybody may know is looked at: the memory of a leg, never an order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.model.contact import OrderLink
from gateway.model.event import EventType
from gateway.model.ids import SubjectId
from gateway.notifications.places import Places
from gateway.notifications.sources import Sources
from gateway.notifications.sources import names_of as source_names
from gateway.rules.asking import Names
from gateway.rules.changes import state_of
from gateway.rules.heard import JOURNEYS, STATUS, said
from gateway.rules.states import BEFORE_DEPARTURE, UNDER_WAY, instant_ms
from gateway.rules.stretches import ENDS, Stretch, seen_from
from gateway.store.subjects import SubjectMemory, Subjects

FRESH_MS = 15 * 60_000
MOST = 3
"""Of so many journeys one who follows several is told at once: those that are nearest in time."""
LOST_MS = 12 * 3600_000
"""So long after it should have landed nobody is "under way" any more: its landing was never said."""
MINUTE_MS = 60_000
_FAR_MS = 10**15
_TIMES = ("scheduled", "estimated", "actual")
_PLACE = ("code", "name", "timezone")


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg as it is known. spoken_ms: when a source last said something of it, 0 = only orders have

    after: the leg from which the journey goes on by this one, "" where it begins or stays
    """

    subject: SubjectId
    type: EventType
    state: Mapping[str, Any]
    memory: Mapping[str, Any]
    spoken_ms: int
    after: SubjectId | str

    @property
    def status(self) -> str:
        return str(self.state.get("status") or "")

    @property
    def is_over(self) -> bool:
        return self.status in ("arrived", "cancelled")

    @property
    def what(self) -> str:
        """How it stands in one word: under_way, arrived, cancelled, diverted, delayed, boarding, waiting, unheard."""
        if self.status in ("departed", "en_route"):
            return "under_way"
        if self.status in ("arrived", "cancelled", "diverted", "delayed", "boarding"):
            return self.status
        return "waiting" if self.spoken_ms else "unheard"

    def is_under_way(self, now_ms: int) -> bool:
        arrives = self.at_ms("arrival")
        return self.status in UNDER_WAY and (arrives is None or now_ms - arrives < LOST_MS)

    def at_ms(self, end: str) -> int | None:
        times = self.state.get(end) or {}
        return next((at for kind in reversed(_TIMES) if (at := instant_ms(times.get(kind))) is not None), None)

    def distance_ms(self, now_ms: int) -> int:
        """How far from now it is: from its landing, else from its departure."""
        landed = self.status not in BEFORE_DEPARTURE and self.status != "cancelled"
        at = self.at_ms("arrival" if landed else "departure")
        return _FAR_MS if at is None else abs(at - now_ms)

    def of(self, stretch: Stretch | None) -> Leg:
        """The same as who boards or leaves it elsewhere has it: their stations, with the times planned there."""
        mine = seen_from(self.state, stretch)
        if mine is None:
            return self
        over = {"from": UNDER_WAY | {"arrived"}, "to": {"arrived"}}
        for place, time in ENDS:
            if self.status in over[place] or {"estimated", "actual"} & (self.state.get(time) or {}).keys():
                mine |= {name: self.state[name] for name in (place, time) if name in self.state}
        return replace(self, state=mine)

    def heard(self, piece: str) -> tuple[str, int] | None:
        """Who said a piece of it, and when; the source is "" where that was not noted."""
        found = said(self.memory, piece)
        if found is None and self.spoken_ms and not self.memory.get("told", {}).get("heard"):
            return "", self.spoken_ms
        return found


@dataclass(frozen=True, slots=True)
class Said:
    """What is told of one journey. data: for the words; fresh: no person need look for something newer"""

    subject: SubjectId
    brand: str
    data: Mapping[str, Any]
    fresh: bool


class Journeys:
    """The legs of journeys that somebody at home follows."""

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects

    async def legs(self, link: OrderLink) -> list[Leg]:
        """Those of one journey, in their order, without what was cancelled and has another one in its place."""
        away = {one.away for one in link.moves}
        legs = [one for one in link.subjects if one not in away]
        found = [
            await self._leg(one, before if one in link.onward else "") for before, one in zip(("", *legs), legs, strict=False)
        ]
        return [one.of(link.stretches.get(one.subject)) for one in found if one is not None]

    async def _leg(self, subject: SubjectId, after: SubjectId | str) -> Leg | None:
        base: tuple[EventType, SubjectMemory] | None = None
        for type_ in JOURNEYS:
            found = await self._subjects.read(subject, type_.value)
            if found.revision:
                return _made(subject, type_, found, after)
            base = base or (type_, found)
        if base is None or not base[1].base:
            return None
        type_ = EventType.TRIP_STATUS if "operator" in base[1].base else EventType.FLIGHT_STATUS
        return _made(subject, type_, base[1], after)


def _made(subject: SubjectId, type_: EventType, found: SubjectMemory, after: SubjectId | str) -> Leg:
    return Leg(subject, type_, state_of(found.known), found.memory, found.spoken_ms, after)


def names_of(legs: Sequence[Leg], places: Places) -> Names:
    """What these legs are called: words that a question about them may hold."""
    vehicles: list[str] = []
    called: list[str] = []
    for leg in legs:
        number = str(leg.state.get("number") or "")
        prefix = str(leg.state.get("carrier") or leg.state.get("operator") or "")
        vehicles += [one for one in (number, f"{prefix}{number}", f"{prefix} {number}", number.lstrip("0")) if number and one]
        for end in ("from", "to", "diverted_to"):
            place = leg.state.get(end) or {}
            code = str(place.get("code") or "")
            known = places.get(code)
            for name in (code, str(place.get("name") or ""), *(known.names.values() if known is not None else ())):
                called += [name, *name.split()] if name else []
    return Names(tuple(dict.fromkeys(vehicles)), tuple(dict.fromkeys(one for one in called if len(one) > 2)))


def named(legs: Sequence[Leg]) -> str:
    """Legs as people at the desk read them: ZZ 1007 AMS–LHR 2026-11-22."""
    said = []
    for leg in legs:
        ends = "–".join(str((leg.state.get(end) or {}).get("code") or "?") for end in ("from", "to"))
        day = str(leg.state.get("origin_date") or leg.state.get("operating_day") or "")
        said.append(" ".join(part for part in (_called(leg)["name"], ends, day) if part))
    return ", ".join(said)


def chosen(legs: Sequence[Leg], now_ms: int) -> tuple[Leg, Leg | None] | None:
    """Of one journey's legs the one that is told, and the one before it where that has landed and the journey goes on.

    None: there is none
    """
    if not legs:
        return None
    under_way = [one for one in legs if one.is_under_way(now_ms)]
    best = under_way[-1] if under_way else min(legs, key=lambda one: one.distance_ms(now_ms))
    if best.status == "arrived":
        best = next((one for one in legs if one.after == best.subject), best)
    before = next((one for one in legs if one.subject == best.after), None)
    goes_on = before is not None and before.status == "arrived" and not best.is_over
    return best, before if goes_on else None


def told(leg: Leg, before: Leg | None, brand: str, sources: Sources, now_ms: int) -> Said:
    """What is said of a leg. brand: whose journey it is; sources: what people call those who told us"""
    state = {"departure": _times(leg, "departure"), "arrival": _times(leg, "arrival")}
    shown = [found for piece in _pieces(leg) if (found := leg.heard(piece)) is not None]
    newest = max((at for _, at in shown), default=0)
    main = leg.heard(STATUS) or max(shown, key=lambda one: one[1], default=None)
    data: dict[str, Any] = {
        **_called(leg), **{name: value for name, value in state.items() if value}, "what": leg.what,
        "kind": "flight" if leg.type is EventType.FLIGHT_STATUS else "train",
        "fresh": leg.is_over or now_ms - newest <= FRESH_MS,
    }  # fmt: skip
    for end in ("from", "to", "diverted_to"):
        if place := _place(leg, end):
            data[end] = place
    if main is not None:
        data |= _who(main, sources, now_ms)
        for end in ("departure", "arrival"):
            other = leg.heard(f"{end}.estimated") if "estimated" in state[end] else None
            if other is not None and (other[0] != main[0] or abs(other[1] - main[1]) >= MINUTE_MS):
                data |= {f"{end}_{name}": value for name, value in _who(other, sources, now_ms).items()}
    if before is not None:
        data["before"] = {**_called(before), "to": _place(before, "to")}
    return Said(leg.subject, brand, data, bool(data["fresh"]))


def _called(leg: Leg) -> dict[str, str]:
    prefix = leg.state.get("carrier") or ""
    return {"name": f"{prefix} {leg.state.get('number') or ''}".strip()}


def _place(leg: Leg, end: str) -> dict[str, Any]:
    known: Mapping[str, Any] = leg.state.get(end) or {}
    return {part: known[part] for part in _PLACE if known.get(part)}


def _times(leg: Leg, end: str) -> dict[str, str]:
    """Its times as they were said: planned ones as they are known, others only where a source gave them itself."""
    known: Mapping[str, Any] = leg.state.get(end) or {}
    found = {kind: str(known[kind]) for kind in _TIMES if isinstance(known.get(kind), str)}
    return {kind: at for kind, at in found.items() if kind == "scheduled" or leg.heard(f"{end}.{kind}") is not None}


def _pieces(leg: Leg) -> list[str]:
    """What of it is news that is told, and so may be old."""
    ends = [f"{end}.{kind}" for end in ("departure", "arrival") for kind in ("estimated", "actual")]
    shown = {f"{end}.{kind}" for end in ("departure", "arrival") for kind in leg.state.get(end) or {}}
    return [STATUS, *(one for one in ends if one in shown)]


def _who(heard: tuple[str, int], sources: Sources, now_ms: int) -> dict[str, Any]:
    source, at_ms = heard
    names = source_names(source, sources)
    return {"age": max(0, now_ms - at_ms) // MINUTE_MS, **({"source": dict(names)} if names else {})}
