"""How long somebody will wait, and when they are told again."""

from __future__ import annotations

import pytest

from gateway.model.webcare import Calendar, Interval
from gateway.rules.waits import UNKNOWN_STEP, Flow, step_of, tell_again
from tests.support.team import NOW


def steady(every_s: float, minutes: float) -> tuple[Flow, int]:
    """One conversation each so many seconds, for so long."""
    flow, now = Flow(), NOW
    while now <= NOW + minutes * 60_000:
        flow, now = flow.served(now), now + int(every_s * 1000)
    return flow, now - int(every_s * 1000)


@pytest.mark.parametrize(("every_s", "minutes"), [(30, 5), (30, 15), (30, 120), (6, 15), (120, 60)])
def test_the_wait_is_the_place_divided_by_the_speed(every_s: float, minutes: float) -> None:
    flow, now = steady(every_s, minutes)
    wait_s = flow.predicted_s(10, now)
    assert wait_s == pytest.approx(10 * every_s, rel=0.15)


def test_a_queue_that_slows_down_is_seen_to() -> None:
    fast, now = steady(10, 60)
    assert (fast.predicted_s(6, now + 600_000) or 0) > 1.5 * (fast.predicted_s(6, now) or 0)


def test_under_three_in_a_quarter_of_an_hour_nobody_knows() -> None:
    two = Flow().served(NOW).served(NOW + 100_000)
    assert two.predicted_s(1, NOW + 100_000) is None
    three = two.served(NOW + 200_000)
    assert three.predicted_s(1, NOW + 200_000) is not None
    assert three.predicted_s(1, NOW + 15 * 60_000) is not None
    assert three.predicted_s(1, NOW + 15 * 60_000 + 1) is None
    assert Flow().served(NOW, 5).predicted_s(1, NOW + 1000) is None, "a second is no average"


def test_who_would_be_next_after_it_closes_is_told_of_the_closed_hours_too() -> None:
    flow, now = steady(60, 30)
    from_four = Calendar("until-five", "UTC", ((Interval(8 * 60, 17 * 60),),) * 7)  # it is 16:30, a Monday
    assert flow.predicted_s(20, now, from_four) == flow.predicted_s(20, now)
    late = flow.predicted_s(40, now, from_four)
    assert late == (flow.predicted_s(40, now) or 0) + 15 * 3600
    assert step_of(late) == 5, "longer than half an hour"


def test_steps_and_that_only_a_worse_one_is_told_again() -> None:
    assert [step_of(s) for s in (0, 119, 120, 299, 300, 600, 900, 1799, 1800)] == [0, 0, 1, 1, 2, 3, 4, 4, 5]
    assert step_of(None) == UNKNOWN_STEP
    assert tell_again(None, 0)
    assert [tell_again(2, step) for step in (1, 2, 3)] == [False, False, True]
    assert [tell_again(UNKNOWN_STEP, step_of(s)) for s in (299, 899, 900)] == [False, False, True]
