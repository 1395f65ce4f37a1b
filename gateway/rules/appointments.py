"""What is news about an appointment at somebody's home to somebody who was told the last news.

An appointment has a window: somebody comes between two times. It is booked wide (a morning), and gets narrower as the day
comes and again as they are on their way, by a little with each report of where they are. People plan their day by it, so they
are told when it becomes another window than they know of, and when it has become narrower by an amount worth a message:

    told 08:00-12:00    now 08:00-11:30    nothing: half an hour of four
    told 08:00-12:00    now 10:00-12:00    narrowed: two hours of four
    told 10:00-12:00    now 11:40-12:05    narrowed: five minutes outside are no other window
    told 10:00-12:00    now 12:00-12:30    moved: whoever goes by 12:00 is in for a wait

What was not told is not forgotten: it counts against the window that was, so a window that creeps is told as soon as it has crept
far enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.rules.states import State, instant_ms
from gateway.rules.words import Change

OUTSIDE_MS = 15 * 60_000
"""By so much a window may begin earlier or end later than was told, and still be that window."""
NARROWER_MS = 15 * 60_000
NARROWER_PART = 4
"""Narrower is told from a quarter of the window that was told, and from a quarter of an hour."""

AHEAD = ("booked", "moved", "confirmed")
_OVER = {"done": Change.APPOINTMENT_DONE, "missed": Change.APPOINTMENT_MISSED}


def tell(before: Mapping[str, Any], told: Mapping[str, Any], state: State) -> tuple[list[Change], dict[str, Any]]:
    """The changes, and what has been told after them.

    told: phase ("ahead", "under_way", "done", "missed", "cancelled"; absent: nothing yet), from, to (the window, as written),
          old_from, old_to (the one before it), rounds (how often it was another one than people had agreed to; absent: never)
    An appointment that is over is told so once; whatever its source says of its window after that is no news.
    """
    changes, after = _tell(told, state)
    if Change.APPOINTMENT_MOVED in changes or (Change.APPOINTMENT_BOOKED in changes and told.get("phase") is not None):
        after["rounds"] = rounds(told) + 1
    return changes, after


def rounds(told: Mapping[str, Any]) -> int:
    """How often an appointment has moved or was made anew: who said yes to a window before has not said yes to it now."""
    return int(told.get("rounds", 0))


def _tell(told: Mapping[str, Any], state: State) -> tuple[list[Change], dict[str, Any]]:
    after, status, phase = dict(told), state.get("status"), told.get("phase")
    if status == "cancelled":
        after["phase"] = "cancelled"
        return [Change.CANCELLED] if phase in ("ahead", "under_way") else [], after
    over = _OVER.get(str(status))
    if over is not None:
        after["phase"] = status
        return [over] if phase != status else [], after
    if status == "on_the_way":
        return _under_way(after, state, phase), after
    if status in AHEAD:
        return _ahead(after, state, phase), after
    return [], after


def shown(told: Mapping[str, Any], state: State) -> dict[str, Any]:
    """What has been told after a message that is no change of its own, a reminder: it says the window as it is by now."""
    after = dict(told)
    if told.get("phase") in ("ahead", "under_way") and window_ms(state.get("window") or {}) is not None:
        _keep(after, state, forget=True)
    return after


def window_ms(window: Mapping[str, Any]) -> tuple[int, int] | None:
    """(from, to) of a window; None while an end is not known, or where they are the wrong way round."""
    begins, ends = instant_ms(window.get("from")), instant_ms(window.get("to"))
    return None if begins is None or ends is None or ends < begins else (begins, ends)


def _ahead(told: dict[str, Any], state: State, phase: str | None) -> list[Change]:
    if phase == "ahead":
        return _window(told, state)
    if phase == "under_way":
        # They turned round: who stays at home for them must know, and a later "on the way" is news again.
        told["phase"] = "ahead"
        changes = _window(told, state)
        if not changes:
            _keep(told, state, forget=True)
        return changes or [Change.APPOINTMENT_BOOKED]
    # New, made anew after it was missed, done or called off: nobody goes by the old window any more.
    told["phase"] = "ahead"
    _keep(told, state, forget=True)
    return [Change.REINSTATED, Change.APPOINTMENT_BOOKED] if phase == "cancelled" else [Change.APPOINTMENT_BOOKED]


def _under_way(told: dict[str, Any], state: State, phase: str | None) -> list[Change]:
    if phase == "under_way":
        return _window(told, state)
    told["phase"] = "under_way"
    _keep(told, state, forget=phase != "ahead")
    return [Change.ON_THE_WAY]


def _window(told: dict[str, Any], state: State) -> list[Change]:
    """What a new window is to somebody who goes by the one that was told."""
    now, known = window_ms(state.get("window") or {}), window_ms(told)
    if now is None:
        return []
    if known is None:
        _keep(told, state, forget=False)
        return [Change.WINDOW_NARROWED]  # a time at last
    if known[0] - now[0] >= OUTSIDE_MS or now[1] - known[1] >= OUTSIDE_MS:
        _keep(told, state, forget=False)
        return [Change.APPOINTMENT_MOVED]
    width = known[1] - known[0]
    if width - (now[1] - now[0]) >= max(NARROWER_MS, width // NARROWER_PART):
        _keep(told, state, forget=False)
        return [Change.WINDOW_NARROWED]
    return []


def _keep(told: dict[str, Any], state: State, *, forget: bool) -> None:
    """The window of the state is the one that is told now. forget: the one before it says nothing to anybody."""
    window = state.get("window") or {}
    before = {} if forget else {name: told[name] for name in ("from", "to") if name in told}
    for name in ("from", "to"):
        for key, value in ((name, window.get(name)), (f"old_{name}", before.get(name))):
            told.pop(key, None)
            if value is not None:
                told[key] = value
