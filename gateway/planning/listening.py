"""How long somebody hears of what their order brought them to.

An order says until when, by what was planned then (intake/orders.py): two days past the last arrival. What it is about may take
longer: a flight leaves three days late, an appointment is made for a day in spring. So whoever is still subscribed hears of it
as long as it is not over, by what is known of it now, whatever was planned; the news that it is over is the last. Nothing is
written for that: a flight that moves changes no contact.

A subject that never says how it ended is left alone a month after its order ended, but an order itself: its news are about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.model.event import EventType
from gateway.rules.states import instant_ms

DAY_MS = 24 * 3600_000
AFTER_MS = 2 * DAY_MS
"""So long after the end that is known people still hear, of a belt for instance."""
LATEST_MS = 30 * DAY_MS

_OVER: Mapping[EventType, frozenset[str]] = {
    EventType.FLIGHT_STATUS: frozenset(("arrived", "cancelled")),
    EventType.FLIGHT_BOARDINGPASS: frozenset(("arrived", "cancelled")),
    EventType.TRIP_STATUS: frozenset(("arrived", "cancelled")),
    EventType.APPOINTMENT_STATUS: frozenset(("done", "missed", "cancelled")),
    EventType.ORDER_STATUS: frozenset(("delivered", "returned", "refunded", "cancelled")),
}
"""An outage has no end of its own here: its people listen by their contract."""


def listens(
    until_ms: int, type_: EventType, before: Mapping[str, Any], state: Mapping[str, Any], now_ms: int
) -> bool:
    """Whether who listens until then by their order is told what an event did.

    type_: of the event; before, state: of its subject, before and after it; a document's is that of its flight, or {}
    """
    if until_ms >= now_ms or type_ is EventType.ORDER_DOCUMENT:  # it names whose it is
        return True
    over = _OVER.get(type_)
    if over is None:
        return False
    end_ms = ends_ms(state)
    if end_ms is not None and end_ms + AFTER_MS >= now_ms:
        return True
    was_over = before.get("status", state.get("status")) in over
    return not was_over and (type_ is EventType.ORDER_STATUS or until_ms + LATEST_MS >= now_ms)


def ends_ms(state: Mapping[str, Any]) -> int | None:
    """When a flight, trip or appointment ends, by what is known of it (UTC ms)."""
    window_to = instant_ms((state.get("window") or {}).get("to"))
    if window_to is not None:
        return window_to
    for end in ("arrival", "departure"):
        times = state.get(end) or {}
        for name in ("actual", "estimated", "scheduled"):
            if (found := instant_ms(times.get(name))) is not None:
                return found
    return None
