"""The formulas of webcare, each with a row of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gateway.cli import report
from gateway.insight.webcare_report import steps_of
from gateway.model.webcare import Calendar, Interval
from gateway.rules.measures import HALF_HOUR_MS, Measures, Step, by_queue, measure, total

SECOND, MINUTE, HOUR = 1000, 60_000, 3600_000
DAY = 24 * HOUR
BEGIN = 100 * DAY
NOW = BEGIN + 10 * DAY


def enters(conversation: str, at: int, queue: str = "general", brand: str = "zz") -> Step:
    return Step(BEGIN + at, conversation, "enters", brand, queue)


def step(conversation: str, at: int, kind: str, **more: str) -> Step:
    return Step(BEGIN + at, conversation, kind, **more)  # type: ignore[arg-type]


def of(*steps: Step, now: int = NOW, until: int = DAY) -> Measures:
    ordered = sorted(steps, key=lambda one: one.at_ms)
    return total(measure(ordered, since_ms=BEGIN, until_ms=BEGIN + until, now_ms=now).values())


def test_service_level_is_who_was_answered_in_time_of_all_who_were_or_should_have_been() -> None:
    found = of(
        enters("v1", 0), step("v1", 120 * SECOND, "replied"),
        enters("v2", 0), step("v2", 121 * SECOND, "replied"),
        enters("v3", 0), step("v3", 20 * SECOND, "resolved", by="contact"),
        enters("v4", 0), step("v4", 60 * SECOND, "resolved", by="contact"),
        enters("v5", 0), step("v5", 200 * SECOND, "resolved", by="contact"),
    )  # fmt: skip
    assert (found.answered, found.within, found.abandoned, found.late_abandoned) == (2, 1, 2, 1)
    assert found.service_level == 1 / 3
    assert found.asa_ms == 120_500
    assert found.longest_ms == 200 * SECOND


def test_closed_hours_are_nobodys_wait() -> None:
    """In by 17:59 and answered at 08:01; gone by themselves in the night; waiting since the evening."""
    office = Calendar("office", "UTC", ((Interval(8 * 60, 18 * 60),),) * 7)
    evening, morning = 17 * HOUR + 59 * MINUTE, 32 * HOUR + 30 * SECOND
    steps = [
        enters("v1", evening), enters("v2", evening, queue="always"), enters("v3", evening), enters("v4", evening),
        enters("v5", 19 * HOUR), step("v5", 19 * HOUR + 5 * MINUTE, "replied"),
        step("v3", 20 * HOUR, "resolved", by="contact"), step("v1", morning, "replied"), step("v2", morning, "replied"),
        step("v1", 60 * HOUR, "wrote"),
    ]  # fmt: skip
    found = by_queue(
        measure(
            steps, since_ms=BEGIN, until_ms=BEGIN + DAY, now_ms=BEGIN + morning + HOUR,
            hours=lambda brand, queue: office if queue == "general" else None,
        )
    )  # fmt: skip
    general, always = found["zz", "general"], found["zz", "always"]
    assert (general.answered, general.within, general.wait_ms) == (2, 2, 90 * SECOND), "one of them while it was closed"
    assert (general.abandoned, general.late_abandoned) == (1, 0), "a minute of theirs"
    assert (general.waiting, general.longest_ms) == (1, HOUR + 90 * SECOND)
    assert (always.within, always.wait_ms) == (0, morning - evening)


def test_a_share_of_nothing_is_unknown() -> None:
    found = of()
    assert (found.service_level, found.asa_ms, found.hand_over_rate, found.reopen_rate) == (None, None, None, None)


@pytest.mark.parametrize(
    ("wait", "wrote", "abandoned"),
    [(31 * MINUTE, None, 1), (31 * MINUTE, 2 * HOUR, 0), (31 * MINUTE, 26 * HOUR, 1), (29 * MINUTE, None, 0)],
)
def test_who_was_answered_late_and_is_silent_since_had_gone(wait: int, wrote: int | None, abandoned: int) -> None:
    more = [step("v1", wrote, "wrote")] if wrote is not None else []
    found = of(enters("v1", 0), step("v1", wait, "replied"), *more)
    assert (found.abandoned, found.answered) == (abandoned, 1 - abandoned)
    early = of(enters("v1", 0), step("v1", wait, "replied"), *more, now=BEGIN + wait + HOUR)
    assert early.answered == 1, "a day has not passed yet"


def test_only_the_first_words_of_a_person_end_a_wait_and_a_transfer_begins_none() -> None:
    found = of(
        enters("v1", 0), step("v1", 10 * SECOND, "transferred"), enters("v1", 20 * SECOND, "second"),
        step("v1", 50 * SECOND, "replied"), step("v1", 900 * SECOND, "replied"),
    )  # fmt: skip
    assert (found.began, found.answered, found.wait_ms) == (1, 1, 50 * SECOND)


def test_who_waits_now_counts_for_the_longest_wait_alone() -> None:
    found = of(enters("v1", 0), now=BEGIN + 5 * MINUTE)
    assert (found.waiting, found.longest_ms, found.service_level) == (1, 5 * MINUTE, None)


def test_hand_over_and_reopening_are_of_what_people_resolved() -> None:
    found = of(
        enters("v1", 0), step("v1", 1, "replied"), step("v1", 2, "transferred"), step("v1", 3, "resolved", by="g1"),
        step("v1", DAY, "reopened"),
        enters("v2", 0), step("v2", 1, "replied"), step("v2", 2, "resolved", by="silence"),
        step("v2", 4 * DAY, "reopened"),
        step("v3", 1, "opened"), step("v3", 2, "resolved", by="automation"),
        enters("v4", 0), step("v4", HOUR, "resolved", by="contact"),
    )  # fmt: skip
    assert (found.resolved, found.transferred, found.reopened, found.automated) == (2, 1, 1, 1)
    assert (found.hand_over_rate, found.reopen_rate) == (0.5, 0.5)


def test_each_half_hour_queue_and_brand_has_its_own() -> None:
    steps = [
        enters("v1", 0), enters("v2", HALF_HOUR_MS), enters("v3", HALF_HOUR_MS, "baggage"), enters("v4", -1),
        enters("v5", DAY), enters("v6", 5, brand="yy"),
    ]  # fmt: skip
    found = measure(sorted(steps, key=lambda one: one.at_ms), since_ms=BEGIN, until_ms=BEGIN + DAY, now_ms=NOW)
    assert {key: one.began for key, one in found.items()} == {
        ("zz", "general", BEGIN): 1,
        ("zz", "general", BEGIN + HALF_HOUR_MS): 1,
        ("zz", "baggage", BEGIN + HALF_HOUR_MS): 1,
        ("yy", "general", BEGIN): 1,
    }
    assert by_queue(found)["zz", "general"].began == 2


def test_the_report_says_what_is_not_known_with_a_dash() -> None:
    text = report._webcare_text({("zz", "general"): Measures(answered=2, within=1, wait_ms=250_000, longest_ms=200_000)})
    assert "50.0 %" in text
    assert "2:05" in text
    assert "3:20" in text
    assert " - " in text


@dataclass
class Row:
    at_ms: int
    kind: str
    ids: str
    detail: dict[str, str] = field(default_factory=dict)


def test_facts_become_steps_and_the_wait_is_the_one_that_the_script_knew() -> None:
    rows = [
        Row(1, "opened", "v1 c1", {"st": "automated", "q": "general", "brand": "zz"}),
        Row(2, "queued", "v1 c1", {"q": "general", "brand": "zz"}),
        Row(3, "replied", "m1 c1 v1", {"wait": "7"}),
        Row(4, "outside", "v1 c1", {"by": "program"}),
        Row(5, "resolved", "v1 c1", {"by": "g1"}),
        Row(6, "replied", "m2 c1"),
    ]
    found = list(steps_of(rows))
    assert [(one.kind, one.wait_ms, one.by) for one in found] == [
        ("opened", None, ""), ("enters", None, ""), ("replied", 7, ""), ("resolved", None, "g1"),
    ]  # fmt: skip
    measured = total(measure(found, since_ms=0, until_ms=10, now_ms=DAY).values())
    assert (measured.answered, measured.wait_ms, measured.resolved) == (1, 7, 1)
