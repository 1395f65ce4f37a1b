"""When the fuse blows: by the number that is set, and by what is usual."""

from __future__ import annotations

import pytest

from gateway.rules.fuse import LEAST_HOURS, LEAST_PEOPLE, Blown, Limits, judge, of_notifications, usual_hour

NOW = 500_000
LIMITS = Limits(people=10_000, second=50_000)


def hours(*counts: int) -> dict[int, int]:
    """The hours before this one, the last first."""
    return {NOW - 1 - place: count for place, count in enumerate(counts)}


@pytest.mark.parametrize(
    ("people", "counts", "why"),
    [
        (10_000, {}, ""),
        (10_001, {}, "number"),
        (5_000, {"gate_changed": hours(*[100] * LEAST_HOURS)}, "unusual"),
        (1_000, {"gate_changed": hours(*[100] * LEAST_HOURS)}, ""),
        (1_001, {"gate_changed": hours(*[100] * LEAST_HOURS)}, "unusual"),
        (5_000, {"gate_changed": hours(*[100] * (LEAST_HOURS - 1))}, ""),
        (600, {"gate_changed": {**hours(*[100] * LEAST_HOURS), NOW: 500}}, "unusual"),
        (LEAST_PEOPLE, {"gate_changed": hours(*[1] * LEAST_HOURS)}, ""),
        (LEAST_PEOPLE + 1, {"gate_changed": hours(*[1] * LEAST_HOURS)}, "unusual"),
        (5_000, {"a": hours(*[1000] * 30), "b": hours(*[1] * 30)}, "unusual"),
    ],
)
def test_it_blows_by_the_number_or_by_ten_times_the_usual(people: int, counts: dict[str, dict[int, int]], why: str) -> None:
    found = judge(people, LIMITS, counts, NOW)
    assert (found.why if found else "") == why


def test_a_notification_may_have_a_number_of_its_own_and_the_smallest_counts() -> None:
    assert of_notifications(LIMITS, [None, 200]).people == 200
    assert of_notifications(LIMITS, [60_000]).people == 60_000
    assert of_notifications(LIMITS, [60_000, None]) == LIMITS
    assert of_notifications(Limits(people=0), [200]).people == 0
    assert of_notifications(LIMITS, []) == LIMITS


def test_no_number_is_no_fuse() -> None:
    assert judge(10**9, Limits(people=0), {"a": hours(*[1] * 100)}, NOW) is None


def test_only_hours_of_the_last_two_weeks_in_which_anybody_was_told_are_usual() -> None:
    told = {NOW - 1 - place: 10 for place in range(LEAST_HOURS)}
    assert usual_hour(told, NOW) == 10
    assert usual_hour({**told, NOW - 2 * 24 * 14: 10**6, NOW: 10**6, NOW - 200: 0}, NOW) == 10


def test_it_says_why() -> None:
    assert Blown("number", 12_000, 10_000).sentence == "12,000 people, more than 10,000"
    assert "10 times its usual hour (100)" in Blown("unusual", 1_500, 1_000, "gate_changed").sentence
