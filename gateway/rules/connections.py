"""Whether who arrives by one journey still catches the next. Never certain: texts say "may".

What was booked counts as enough, however short: only what moved since then, by an estimate or with the timetable, makes a
connection tight. An arrival that nobody
forecast is thought to be as late as the departure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from gateway.rules.states import instant_ms

State = Mapping[str, Any]
ROUNDS = 3
"""How often a connection is told to be tight, and to fit again, at most."""


class Risk(StrEnum):
    TIGHT = "tight"
    FITS = "fits"


def judge(first: State, second: State, minimum_ms: int, was_ms: int | None) -> Risk | None:
    """None: nothing can be said, or it is too late to say it.

    minimum_ms: what a change at that place takes; was_ms: what there was for it when it was booked, None = not known
    """
    if first.get("status") in ("cancelled", "diverted"):
        return None
    if second.get("status") in ("cancelled", "departed", "en_route", "diverted", "arrived"):
        return None
    arrives, leaves = instant_ms(expected(first, "arrival")), instant_ms(expected(second, "departure"))
    if arrives is None or leaves is None or was_ms is None or was_ms < 0:
        return None
    if leaves - arrives >= min(minimum_ms, was_ms):
        return Risk.FITS
    return None if first.get("status") == "arrived" else Risk.TIGHT


def booked_ms(first: State, second: State) -> int | None:
    """The time between the two by the timetable, None = not known."""
    arrives, leaves = (
        instant_ms((state.get(end) or {}).get("scheduled")) for state, end in ((first, "arrival"), (second, "departure"))
    )
    return None if arrives is None or leaves is None else leaves - arrives


def expected(state: State, end: str) -> str | None:
    """When it is expected to depart or arrive, as RFC 3339: actual, estimated, else as planned and as late as it leaves."""
    times = state.get(end) or {}
    said = times.get("actual") or times.get("estimated")
    if said or end == "departure" or not times.get("scheduled"):
        return said or times.get("scheduled")
    departure = state.get("departure") or {}
    planned, leaves = instant_ms(departure.get("scheduled")), instant_ms(departure.get("actual") or departure.get("estimated"))
    if planned is None or leaves is None or leaves <= planned:
        return str(times["scheduled"])
    arrival = datetime.fromisoformat(times["scheduled"])
    moved = arrival.timestamp() + (leaves - planned) / 1000
    return datetime.fromtimestamp(moved, arrival.tzinfo or UTC).isoformat()


def next_said(told: Sequence[bool | None], risk: Risk) -> int | None:
    """Which of the things there are to say comes now: its place among tight, fits, tight, fits ...; None = nothing.

    told: of these, 2 * ROUNDS in all, which were said; None = planned, and taken out again before it was said
    A place that was said already is given again where it still holds: saying it twice comes to the same.
    """
    last = max((place for place, said in enumerate(told) if said), default=-1)
    used = max((place for place, said in enumerate(told) if said is not False), default=-1)
    is_tight = last >= 0 and last % 2 == 0
    if is_tight is (risk is Risk.TIGHT):
        return last if last >= 0 else None
    wanted = 0 if risk is Risk.TIGHT else 1
    return next((place for place in range(used + 1, 2 * ROUNDS) if place % 2 == wanted), None)
