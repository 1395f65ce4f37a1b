"""When a family is over, and when somebody looks again whether it is."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.rules.family_end import AFTER_MS, HOUR_MS, SILENT_MS, SOON_MS, Leg, ends_ms, leg_of, look_ms

AT = 1_795_521_600_000
"""2026-11-24 12:00 UTC"""
NOON, LATE = "2026-11-24T12:00:00Z", "2026-11-24T14:00:00Z"
UNTIL = AT + 100 * HOUR_MS


@pytest.mark.parametrize(
    ("state", "leg"),
    [
        ({}, Leg(None, False, False)),
        ({"arrival": {"scheduled": NOON}}, Leg(AT, False, False)),
        ({"status": "departed", "arrival": {"scheduled": NOON, "estimated": LATE}}, Leg(AT + 2 * HOUR_MS, False, False)),
        ({"status": "arrived", "arrival": {"scheduled": LATE, "actual": NOON}}, Leg(AT, True, True)),
        # Where a cancelled one would have been by now, nobody flew: what counts is when it was to arrive.
        ({"status": "cancelled", "arrival": {"scheduled": NOON, "estimated": LATE}}, Leg(AT, True, False)),
        ({"status": "cancelled", "departure": {"scheduled": NOON}}, Leg(AT, True, False)),
    ],
)
def test_what_a_leg_says(state: dict[str, Any], leg: Leg) -> None:
    assert leg_of(state) == leg


def test_it_is_over_a_day_after_the_last_of_all_legs() -> None:
    out, back = Leg(AT, True, True), Leg(AT + 50 * HOUR_MS, False, False)
    assert ends_ms([out], UNTIL) == AT + AFTER_MS
    assert ends_ms([out, back], UNTIL) == AT + 50 * HOUR_MS + SILENT_MS
    assert ends_ms([out, Leg(None, False, False)], UNTIL) == UNTIL
    assert ends_ms([], UNTIL) == UNTIL


def test_looks_become_fewer_and_end() -> None:
    waiting = [Leg(AT, False, False)]
    assert look_ms(waiting, UNTIL, AT - 5 * HOUR_MS) == AT + SOON_MS
    now, looks = AT + SOON_MS, 0
    while now < AT + SILENT_MS:
        later = look_ms(waiting, UNTIL, now)
        assert later > now
        now, looks = later, looks + 1
    assert (now, looks <= 8) == (AT + SILENT_MS, True)
    assert look_ms([Leg(AT, True, True)], UNTIL, AT + HOUR_MS) == AT + AFTER_MS
    assert look_ms([Leg(AT, True, True)], UNTIL, UNTIL) == UNTIL, "never in the past"
