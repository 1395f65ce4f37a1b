"""What is news about a flight or trip to somebody who was told the last news."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway.rules import rebooking
from gateway.rules.states import BEFORE_DEPARTURE, UNDER_WAY, State, instant_ms
from gateway.rules.words import Change

LATE_MS = 5 * 60_000
ARRIVAL_MS = 15 * 60_000


def tell(before: Mapping[str, Any], told: Mapping[str, Any], state: State) -> tuple[list[Change], dict[str, Any]]:
    """The changes, and what has been told after them.

    told: cancelled ("cancelled", or the stops left out), offers (order -> id of what it is offered, rules/rebooking.py),
          offerings (how often anything was), late, departure (ms; None: told without a time), scheduled
          (ms), end (whose times these are: see main_end), minutes (a delay told without a time), worst_minutes, arrival
          (ms), gate, terminal, platform, belt, diverted, departed, landed, check_in, boarding (ms)
    """
    after = dict(told)
    changes = _cancellation(after, state)
    changes += _journey(after, state)
    if state.get("status") in BEFORE_DEPARTURE:
        changes += _places(after, state)
        changes += _departure_time(after, state)
        changes += _calls(before, after, state)
    else:
        changes += _arrival(after, state)
    return changes, after


def delay_ms(state: Mapping[str, Any], end: str) -> int | None:
    """How much later than scheduled (negative: earlier) the departure or arrival is expected, or was; None = not
    known."""
    times = state.get(end) or {}
    scheduled = instant_ms(times.get("scheduled"))
    expected = instant_ms(times.get("actual")) or instant_ms(times.get("estimated"))
    return None if scheduled is None or expected is None else expected - scheduled


def main_end(state: Mapping[str, Any]) -> str:
    """The end whose time travellers go by: departure, or arrival where no departure is known."""
    times = state.get("departure") or {}
    return "departure" if {"scheduled", "estimated"} & set(times) or not state.get("arrival") else "arrival"


def platform_of(state: Mapping[str, Any]) -> str | None:
    platform = state.get("platform") or {}
    return platform.get("actual") or platform.get("planned")


def _cancellation(told: dict[str, Any], state: State) -> list[Change]:
    status, was = state.get("status"), told.get("cancelled")
    if status == "cancelled":
        told["cancelled"] = "cancelled"
        before: Mapping[str, str] = told.get("offers", {}) if was == "cancelled" else {}
        count = told.get("offerings", 0)
        told["offers"] = rebooking.numbered(state.get("rebookings") or (), before, count)
        if is_new := any(one.endswith(f".{count + 1}") for one in told["offers"].values()):
            told["offerings"] = count + 1
        if was != "cancelled":
            return [Change.CANCELLED]
        return [Change.REBOOKED] if is_new else []
    if status == "partly_cancelled":
        told["cancelled"] = stops = json.dumps(state.get("cancelled_stops"), sort_keys=True)
        return [] if was == stops else [Change.PARTLY_CANCELLED]
    if was is None:
        return []
    told["cancelled"] = None
    if status not in BEFORE_DEPARTURE:
        return []
    # A cancellation wipes the time out of people's minds. What is told now counts against the timetable, so that a
    # delay that lasts is told again; where no time comes with it, the time stays open until one does.
    _, scheduled, expected = _times(state)
    if expected is None:
        told["departure"] = None
    else:
        told.update(departure=scheduled, late=False)
    return [Change.REINSTATED]


def _journey(told: dict[str, Any], state: State) -> list[Change]:
    status = state.get("status")
    changes: list[Change] = []
    if status in BEFORE_DEPARTURE:
        # Back at the gate: leaving again is news again.
        told.update(departed=False, landed=False, diverted=None)
    if status in ("departed", "en_route") and not told.get("departed"):
        told["departed"] = True
        told["arrival"] = _arrival_ms(state)
        changes.append(Change.DEPARTED)
    if status == "diverted":
        where = (state.get("diverted_to") or {}).get("code", "")
        if told.get("diverted") != where:
            told.update(diverted=where, arrival=_arrival_ms(state))
            changes.append(Change.DIVERTED)
    if status == "arrived":
        if not told.get("landed"):
            told.update(landed=True, belt=state.get("belt"))
            changes.append(Change.LANDED)
        elif state.get("belt") not in (None, told.get("belt")):
            told["belt"] = state["belt"]
            changes.append(Change.BELT)
    return changes


def _places(told: dict[str, Any], state: State) -> list[Change]:
    changes: list[Change] = []
    for field, change in (("gate", Change.GATE), ("terminal", Change.TERMINAL)):
        value = state.get(field)
        if value is not None:
            if told.get(field) not in (None, value):
                changes.append(change)
            told[field] = value
    platform = platform_of(state)
    if platform is not None:
        # What the timetable prints counts as told: another platform than planned is news at first sight.
        known = told.get("platform") or (state.get("platform") or {}).get("planned")
        if known not in (None, platform):
            changes.append(Change.PLATFORM)
        told["platform"] = platform
    return changes


def _times(state: State) -> tuple[bool, int | None, int | None]:
    """Whether it is late, the scheduled time, and the time now expected (ms); None where nothing can be said."""
    end = main_end(state)
    times = state.get(end) or {}
    scheduled, estimated = instant_ms(times.get("scheduled")), instant_ms(times.get("estimated"))
    if scheduled is not None and estimated is not None:
        return estimated - scheduled >= LATE_MS, scheduled, estimated
    late = state.get("status") == "delayed"
    if estimated is None and state.get("status") in (None, "scheduled", "early"):
        # Only "as planned" vouches for the timetable. Boarding, or "delayed" without a time, says nothing of the hour.
        return late, scheduled, scheduled
    return late, scheduled, estimated


def _departure_time(told: dict[str, Any], state: State) -> list[Change]:
    late, scheduled, expected = _times(state)
    if told.get("end") != main_end(state):
        # From now on another end is what they go by; times of the old one compare with nothing.
        told["end"] = main_end(state)
        told.pop("departure", None)
    if "departure" not in told and scheduled is not None:
        told.update(departure=scheduled, scheduled=scheduled)
    moved = scheduled is not None and abs(scheduled - (told.get("scheduled") or scheduled)) >= LATE_MS
    if expected is None:
        if not moved:
            return _delay_without_time(told, state, late)
        told.update(departure=None, scheduled=scheduled)
        return [Change.RESCHEDULED, *_delay_without_time(told, state, late)]
    known = told.get("departure")
    if known is not None and abs(expected - known) < LATE_MS:
        if moved:
            # The timetable has followed what was told: no news, and from now on the one to compare with.
            told.update(scheduled=scheduled, late=late)
        return []
    if known is None and not late and not told.get("late"):
        told.update(departure=expected, scheduled=scheduled)
        return []
    offset_ms = 0 if scheduled is None else expected - scheduled
    was_late = bool(told.get("late"))
    told.update(departure=expected, scheduled=scheduled, late=late, minutes=0)
    if late:
        told["worst_minutes"] = max(told.get("worst_minutes", 0) if was_late else 0, offset_ms // 60_000)
        return [Change.DELAY]
    if offset_ms <= -LATE_MS:
        return [Change.EARLY]
    return [Change.RESCHEDULED if moved else Change.ON_TIME_AGAIN]


def _delay_without_time(told: dict[str, Any], state: State, late: bool) -> list[Change]:
    """A source that says "delayed" or so many minutes, and no time to set it against."""
    minutes = state.get("delay_minutes")
    if minutes is None:
        if not late or told.get("late"):
            return []
        told.update(late=True, departure=None)
        return [Change.DELAY]
    known = told.get("minutes", 0)
    if abs(minutes - known) * 60_000 < LATE_MS:
        return []
    late = minutes * 60_000 >= LATE_MS
    worst = told.get("worst_minutes", 0) if told.get("late") else 0
    told.update(minutes=minutes, late=late, departure=None, worst_minutes=max(worst, minutes))
    return [Change.DELAY if late else Change.ON_TIME_AGAIN]


def _calls(before: Mapping[str, Any], told: dict[str, Any], state: State) -> list[Change]:
    """Check-in, boarding, gate closed: each once, boarding again when it goes at another time than was called for."""
    status = state.get("status")
    if status == "check_in" and not told.get("check_in"):
        told["check_in"] = True
        return [Change.CHECK_IN]
    if status == "boarding":
        called, now = told.get("boarding"), told.get("departure")
        if called is None or (now is not None and called != now and before.get("status") != "boarding"):
            told["boarding"] = now or 0
            return [Change.BOARDING]
    if status == "gate_closed" and before.get("status") != "gate_closed":
        return [Change.GATE_CLOSED]
    return []


def _arrival_ms(state: State) -> int | None:
    times = state.get("arrival") or {}
    return instant_ms(times.get("estimated")) or instant_ms(times.get("scheduled"))


def _arrival(told: dict[str, Any], state: State) -> list[Change]:
    if state.get("status") not in UNDER_WAY:
        return []
    expected, known = _arrival_ms(state), told.get("arrival")
    if expected is None or (known is not None and abs(expected - known) < ARRIVAL_MS):
        return []
    told["arrival"] = expected
    return [] if known is None else [Change.ARRIVAL_MOVED]
