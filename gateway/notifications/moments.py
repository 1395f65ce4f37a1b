"""Moments: what becomes news because its time has come, as data (templates/moments.yaml).

A moment belongs to a subject, not to a person: check-in for a flight opens once, at one time, whoever follows it by then. So a
moment is a name, the events whose state it is read from, when it is (from that state alone), until when it is of use, and a
condition. What is told at that time, to whom and in which words, is a notification like any other: its `when` asks for the
moment's name among the `changes`.

When it is, is the first case of `at` that gives a time:

    {first_of: [state.departure.scheduled], offset_minutes: -1800}    so long before (or after) a time of the state
    {first_of: [...], day: -1, clock: "19:00", place: state.from}     by the clocks there, on that day or one near it
    before_hours: 5                                                   not taken where it lies less than that before the time

Hours by the clock are worked out on the calendar of the place, so the day on which clocks change has its 19:00 like any other;
an offset counts real minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from gateway.errors import Problem
from gateway.model.event import EventType
from gateway.notifications import formats
from gateway.notifications.expressions import Expression, Scope, compile_expression
from gateway.notifications.moments_schema import MomentSchema
from gateway.notifications.places import Places, zone_of
from gateway.rules.words import Change

_NAME = re.compile(r"[a-z][a-z_]{0,39}")


@dataclass(frozen=True, slots=True)
class Case:
    """clock: (hour, minute) by the clocks of `place`, `day` days from the time's own; None = `offset_ms` from it.

    before_ms: taken only where it lies at least so long before that time; None = always
    """

    sources: tuple[Expression, ...]
    condition: Expression | None = None
    offset_ms: int = 0
    day: int = 0
    clock: tuple[int, int] | None = None
    place: Expression | None = None
    before_ms: int | None = None

    def at(self, scope: Scope, places: Places) -> tuple[int, str] | None:
        """(when it is (UTC ms), the day of what it is counted from, by the clocks there). None: this case gives no time."""
        if self.condition is not None and not self.condition.holds(scope, lambda why: None):
            return None
        counted = _first(self.sources, scope)
        if counted is None:
            return None
        origin_ms = round(counted.timestamp() * 1000)
        there = counted.astimezone(self._zone(scope, places) or counted.tzinfo)
        if self.clock is None:
            found = origin_ms + self.offset_ms
        else:
            day = there.date() + timedelta(days=self.day)
            # An hour that the clock jumps over becomes the one after the jump, one that comes twice is the first.
            local = datetime(day.year, day.month, day.day, *self.clock, tzinfo=there.tzinfo)
            found = round(local.astimezone(UTC).timestamp() * 1000)
        if self.before_ms is not None and found > origin_ms - self.before_ms:
            return None
        return max(0, found), there.date().isoformat()

    def _zone(self, scope: Scope, places: Places) -> tzinfo | None:
        name = zone_of(self.place.value(scope), places) if self.place is not None else None
        return formats.zone_named(name) if name else None


@dataclass(frozen=True, slots=True)
class Moment:
    """name: the word that stands in `changes` when it has come.

    until:    of no use from then on: it is not told any more (expressions, ms beside it)
    late:     told although it was past when its time first became known (an order that comes when check-in is open)
    again_ms: told once more when it moves by at least so much after it was told; None = told once
    daily:    told once more when what it is counted from moves to another day
    told_as:  the source's own word for the same news: whichever comes first is told, the other is not
    """

    name: str
    event: EventType
    condition: Expression | None
    cases: tuple[Case, ...]
    until: tuple[tuple[Expression, ...], int] | None = None
    late: bool = True
    again_ms: int | None = None
    daily: bool = False
    told_as: str = ""

    def at(self, state: Mapping[str, Any], places: Places) -> tuple[int, str] | None:
        """(when it is by this state (UTC ms), of which day). None: it has no such moment, or not as things stand."""
        scope = Scope({"state": dict(state)})
        if self.condition is not None and not self.condition.holds(scope, lambda why: None):
            return None
        for case in self.cases:
            found = case.at(scope, places)
            if found is not None:
                return found
        return None

    def until_ms(self, state: Mapping[str, Any]) -> int | None:
        """When it begins to be of no use (UTC ms); None = it stays of use."""
        if self.until is None:
            return None
        found = _first(self.until[0], Scope({"state": dict(state)}))
        return None if found is None else round(found.timestamp() * 1000) + self.until[1]


class Moments:
    """Those of an installation, and the clocks of its places."""

    def __init__(self, moments: Iterable[Moment] = (), places: Places | None = None) -> None:
        self._by_name = {one.name: one for one in moments}
        self._places = places or {}
        self._by_event = {
            event: tuple(one for one in self._by_name.values() if one.event is event) for event in EventType
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    def get(self, name: str) -> Moment | None:
        return self._by_name.get(name)

    def of(self, event: EventType) -> tuple[Moment, ...]:
        """Those that are read from the state of this type."""
        return self._by_event[event]

    def at(self, moment: Moment, state: Mapping[str, Any]) -> tuple[int, str] | None:
        return moment.at(state, self._places)

    def is_missed(self, changes: Iterable[str]) -> bool:
        """Whether these are of a moment that is not told to who comes after it."""
        return any((found := self._by_name.get(one)) is not None and not found.late for one in changes)


def moment(name: str, declared: MomentSchema, where: str, problems: list[Problem]) -> Moment | None:
    """None when an expression does not compile; every problem is added to `problems`."""
    before = len(problems)
    if not _NAME.fullmatch(name):
        problems.append(Problem(where, "should be a name of small letters and underscores"))
    if name in set(Change):
        problems.append(Problem(where, "is a change's own word: name it otherwise (gateway/rules/words.py)"))

    def expression(field: str, source: str | None) -> Expression | None:
        if source is None:
            return None
        try:
            found = compile_expression(source.strip())
            if found.roots - {"state"}:
                raise ValueError("a moment is read from `state` alone")
            return found
        except ValueError as error:
            problems.append(Problem(f"{where}.{field}", " ".join(str(error).split())))
            return None

    def expressions(field: str, sources: Iterable[str]) -> tuple[Expression, ...]:
        return tuple(one for source in sources if (one := expression(field, source)) is not None)

    cases = tuple(
        Case(
            expressions(f"at.{place}.first_of", one.first_of),
            expression(f"at.{place}.when", one.when),
            one.offset_minutes * 60_000,
            one.day,
            tuple(int(part) for part in one.clock.split(":")) if one.clock else None,  # type: ignore[arg-type]
            expression(f"at.{place}.place", one.place),
            None if one.before_hours is None else round(one.before_hours * 3_600_000),
        )
        for place, one in enumerate(declared.at)
    )
    until = None
    if declared.until is not None:
        until = expressions("until.first_of", declared.until.first_of), declared.until.offset_minutes * 60_000
    made = Moment(
        name=name,
        event=declared.event,
        condition=expression("when", declared.when),
        cases=cases,
        until=until,
        late=declared.late == "tell",
        again_ms=None if declared.again_after_hours is None else round(declared.again_after_hours * 3_600_000),
        daily=declared.again == "another_day",
        told_as=declared.told_as or "",
    )
    return made if len(problems) == before else None


def _first(sources: tuple[Expression, ...], scope: Scope) -> datetime | None:
    return next((found for one in sources if (found := formats.instant(one.value(scope))) is not None), None)

