"""What is news about an outage to somebody who was told the last news."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.rules.states import State, instant_ms
from gateway.rules.words import Change

FORECAST_MS = 30 * 60_000


def tell(before: Mapping[str, Any], told: Mapping[str, Any], state: State) -> tuple[list[Change], dict[str, Any]]:
    """The changes, and what has been told after them.

    told: phase ("planned", "started" or None: nothing that still holds), start and end (ms), updates (count)
    A report alone ("reported") is not told: it may be one household's fuse. An end that nobody was waiting for is not
    either.
    """
    after, status, phase = dict(told), state.get("status"), told.get("phase")
    ahead = status == "planned" or (status == "updated" and bool(state.get("planned")))
    if ahead and phase is None:
        return _announce(after, state, "planned", Change.OUTAGE_PLANNED), after
    if status in ("confirmed", "updated") and not ahead and phase != "started":
        return _announce(after, state, "started", Change.OUTAGE_STARTED), after
    if phase is None:
        return [], after
    if status in ("restored", "closed"):
        after["phase"] = None
        return [Change.OUTAGE_FIXED], after
    if status == "cancelled":
        after["phase"] = None
        return [Change.OUTAGE_CANCELLED], after
    return _forecast(after, state), after


def _announce(told: dict[str, Any], state: State, phase: str, change: Change) -> list[Change]:
    told.update(phase=phase, updates=0, start=instant_ms(state.get("started_at")))
    told["end"] = instant_ms(state.get("expected_restoration"))
    return [change]


def _forecast(told: dict[str, Any], state: State) -> list[Change]:
    moved = _moves(told, "end", state.get("expected_restoration"))
    if told["phase"] == "planned":
        moved = _moves(told, "start", state.get("started_at")) or moved
    if not moved:
        return []
    told.update(
        start=instant_ms(state.get("started_at")),
        end=instant_ms(state.get("expected_restoration")),
        updates=told.get("updates", 0) + 1,
    )
    return [Change.OUTAGE_UPDATED]


def _moves(told: Mapping[str, Any], name: str, text: object) -> bool:
    """A forecast where there was none is news; one that moved by less than half an hour is not."""
    expected, known = instant_ms(text), told.get(name)
    return expected is not None and (known is None or abs(expected - known) >= FORECAST_MS)
