"""When a family is over: a day after the last landing, and some hours later where nobody ever says that it landed. Pure.

A leg that is cancelled and not replaced counts as if it had landed when it was to: until then another one may be offered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.rules.states import instant_ms

HOUR_MS = 3600_000
AFTER_MS = 24 * HOUR_MS
SILENT_MS = 36 * HOUR_MS
"""After the time a leg was last expected to arrive at: nothing more will be said of it."""
SOON_MS = 30 * 60_000


@dataclass(frozen=True, slots=True)
class Leg:
    """at_ms: when it arrived, or is expected to, None = nobody said; over: nothing more comes of it; landed: it arrived"""

    at_ms: int | None
    over: bool
    landed: bool


def leg_of(state: Mapping[str, Any]) -> Leg:
    """What a leg's state means for it. state: of a flight or trip, {} = nothing is known"""
    status = state.get("status")
    ends = ("scheduled",) if status == "cancelled" else ("actual", "estimated", "scheduled")
    times = ((state.get(end) or {}).get(kind) for end in ("arrival", "departure") for kind in ends)
    at_ms = next((at for at in map(instant_ms, times) if at is not None), None)
    return Leg(at_ms, status in ("arrived", "cancelled"), status == "arrived")


def ends_ms(legs: Sequence[Leg], until_ms: int) -> int:
    """When the family is over, as things stand. until_ms: the end of the order's link, where a leg has no time"""
    if not legs:
        return until_ms
    return max(until_ms if leg.at_ms is None else leg.at_ms + (AFTER_MS if leg.over else SILENT_MS) for leg in legs)


def look_ms(legs: Sequence[Leg], until_ms: int, now_ms: int) -> int:
    """When to look next: soon after the last arrival, then less and less often until it has come, and when all is over."""
    end = ends_ms(legs, until_ms)
    awaited = [leg.at_ms for leg in legs if not leg.over and leg.at_ms is not None]
    if not awaited:
        return max(end, now_ms)
    last = max(awaited)
    soon = last + SOON_MS if now_ms <= last else now_ms + max(SOON_MS, now_ms - last)
    return max(min(end, soon), now_ms)
