"""When boarding begins, by what a flight's boarding passes print. Pure.

Few sources of flights say it; the carrier prints it on each pass. So the earliest that any pass of the flight says is kept beside
what the flight itself says (`boarding.on_pass` of its state), which goes first (templates/moments.yaml). Passes of several groups
print several times: nobody is told after their own.

A pass counts only for the flight as it stands: one printed for another departure than is known now, or with a time that lies
nowhere near it, says nothing; and when the flight moves, what passes said is forgotten like any other time of boarding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.rules.states import instant_ms

FIELD = "boarding"
ON_PASS, FOR = "on_pass", "on_pass_for"
"""When boarding begins (RFC 3339), and the departure that it was said of (UTC ms)."""
LONGEST_MS = 3 * 3600_000
"""Boarding begins at most so long before it leaves."""


def printed(data: Mapping[str, Any]) -> int | None:
    """When boarding begins by a pass's data (UTC ms)."""
    return instant_ms((data.get("times") or {}).get("boarding"))


def is_known(state: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    """Whether a pass of the flight said that, or an earlier time, before."""
    known, new = instant_ms((state.get(FIELD) or {}).get(ON_PASS)), printed(data)
    return known is not None and new is not None and known <= new


def heard(state: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The flight's state with what this pass says; None where that is nothing new, or not of the flight as it stands."""
    begins, leaves, times = printed(data), _leaves(state), data.get("times") or {}
    if begins is None or leaves is None or is_known(state, data):
        return None
    printed_for = instant_ms(times.get("estimatedOff")) or instant_ms(times.get("scheduledOff"))
    if (printed_for is not None and printed_for != leaves) or not leaves - LONGEST_MS <= begins < leaves:
        return None
    return {**state, FIELD: {**(state.get(FIELD) or {}), ON_PASS: times["boarding"], FOR: leaves}}


def still_said(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state without what passes said of another departure than is known now: orders move a flight that has not spoken."""
    said = state.get(FIELD) or {}
    if ON_PASS not in said or said.get(FOR) == _leaves(state):
        return dict(state)
    return {**state, FIELD: {name: value for name, value in said.items() if name not in (ON_PASS, FOR)}}


def _leaves(state: Mapping[str, Any]) -> int | None:
    departure = state.get("departure") or {}
    return instant_ms(departure.get("estimated")) or instant_ms(departure.get("scheduled"))
