"""Which legs of an order go on from an earlier one: check-in and the day before concern the whole journey, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.rules.states import instant_ms

CHANGE_MS = 12 * 3600_000
"""Longer than this between two legs is a stay."""


def onward(itinerary: Sequence[Mapping[str, Any]]) -> list[int]:
    """The places in an itinerary of legs that begin where the one before ended, soon after, and do not lead back to the start.

    AMS-LHR 10:55, LHR-DUB 13:40: the second. DUB-AMS three days later begins one of its own, as does LHR-AMS the same evening.
    Where a place or a planned time is missing, a leg counts as the beginning of one.
    """
    found: list[int] = []
    start: Any = None
    for place, leg in enumerate(itinerary):
        before = itinerary[place - 1] if place else {}
        if place and _follows(before, leg) and _code(leg, "to") != start:
            found.append(place)
        else:
            start = _code(leg, "from")
    return found


def _follows(before: Mapping[str, Any], leg: Mapping[str, Any]) -> bool:
    arrives, leaves = _planned(before, "arrival"), _planned(leg, "departure")
    same = _code(before, "to") is not None and _code(before, "to") == _code(leg, "from")
    return same and arrives is not None and leaves is not None and 0 <= leaves - arrives <= CHANGE_MS


def _code(leg: Mapping[str, Any], end: str) -> Any:
    return (leg.get(end) or {}).get("code")


def _planned(leg: Mapping[str, Any], end: str) -> int | None:
    return instant_ms(((leg.get("times") or {}).get(end) or {}).get("scheduled"))
