"""webcare.yaml: what it means, and that each mistake is named with its mend."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from gateway import desk_plan
from gateway.errors import SettingsError
from gateway.model.webcare import DeskPlan, Figures, Interval, Reason
from gateway.settings import read

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "webcare.yaml"


def of(text: str) -> DeskPlan:
    return desk_plan.plan_of(yaml.safe_load(text), "w.yaml")


def loaded(path: Path) -> DeskPlan:
    return desk_plan.read(read({"GATEWAY_WEBCARE": str(path)}, None))


def test_without_a_file_there_is_one_queue_always_open_and_the_router_gives() -> None:
    plan = desk_plan.read(read({}, None))
    assert plan.push
    assert [one.name for one in plan.of("anything").queues] == ["general"]
    assert plan.calendar("anything", "general") is None


def test_the_example_says_what_its_comments_say() -> None:
    plan = loaded(EXAMPLE)
    brand = plan.of("polderwind")
    assert [one.name for one in brand.queues] == ["cancelled", "groups", "complaints", "general"]
    assert (brand.queue("cancelled").calendar, brand.queue("general").calendar) == ("", "office")
    assert (brand.figures.service_level_s, plan.figures.service_level_s, brand.figures.capacity) == (60, 120, 2)
    office, night = plan.calendars["office"], plan.calendars["night"]
    assert [len(day) for day in office.week] == [2, 2, 2, 2, 2, 1, 0]
    assert office.special[date(2026, 12, 25)] == ()
    assert night.week[0] == (Interval(0, 360), Interval(1320, 1440)), "what is past midnight is the next day's"
    assert plan.of("another").figures == plan.figures


def test_the_version_is_the_meaning_and_not_the_spelling(tmp_path: Path) -> None:
    first = of("brands: {a: {queues: [{name: x}, {name: y, required: [q, p]}]}}")
    again = of("# said otherwise\nbrands:\n  a:\n    queues: [{name: x}, {required: [p, q], name: y}]\n")
    other = of("brands: {a: {queues: [{name: y, required: [q, p]}, {name: x}]}}")
    assert first.version == again.version != other.version
    assert replace(first, version="") == replace(again, version="")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("figures: {capacity: 0}", "figures.capacity: Input should be greater than or equal to 1"),
        ("figures: {capacity: two}", "figures.capacity: Input should be a valid integer"),
        ("figures: {capacity: 5, owned_max: 4}", "figures.owned_max: should be at least capacity"),
        ("brands: {a: {figures: {preferred_s: 300}}}", "brands.a.figures.optional_s: should be at least preferred_s"),
        ("figurs: {}", "figurs: Extra inputs are not permitted"),
        ("routing: shove", "routing: String should match"),
        ("[]", "the file: Input should be a valid dictionary"),
        ("brands: {a: {calendar: office}}", "brands.a.calendar: 'office' is no calendar: one of always"),
        ("brands: {a: {queues: [{name: x}, {name: x}]}}", "brands.a.queues[1].name: 'x' stands twice"),
        ("brands: {a: {queues: [{name: general, required: [x]}]}}", "'general' takes everybody"),
        ("brands: {a: {queues: [{name: x, desk: theirs}]}}", "brands.a.queues[0].desk: String should match"),
        ("brands: {a: {routes: [{queue: x}]}}", "brands.a.routes[0].queue: 'x' is no queue of a: one of general, rebooking"),
        ("brands: {a: {routes: [{queue: general}, {queue: general, language: de}]}}", "brands.a.routes[0]: matches everything"),
        ("calendars: {c: {timezone: Amsterdam, week: {}}}", "calendars.c.timezone: 'Amsterdam' is no time zone"),
        ("calendars: {c: {timezone: UTC, week: {someday: []}}}", "calendars.c.week.someday: should be a day or days"),
        ("calendars: {c: {timezone: UTC, week: {mon: ['8-12']}}}", "calendars.c.week.mon: '8-12' should be hours such as"),
        ("calendars: {c: {timezone: UTC, week: {mon: ['08:00-24:30']}}}", "'08:00-24:30' should be hours"),
        ("calendars: {c: {timezone: UTC, week: {mon: ['08:00-08:00']}}}", "'08:00-08:00' should be hours"),
        ("calendars: {c: {timezone: UTC, week: {mon: ['08:00-12:00', '11:00-13:00']}}}", "week.monday: two of its hours overlap"),
        ("calendars: {c: {timezone: UTC, week: {mon: ['22:00-02:00'], tue: ['01:00-03:00']}}}", "week.tuesday: two of its hours"),
        ("calendars: {c: {timezone: UTC, week: {mon-fri: [], tue: []}}}", "tuesday has its hours under 'mon-fri' already"),
        ("calendars: {c: {timezone: UTC, week: {}, dates: {2026-12-31: ['22:00-02:00']}}}", "dates.2026-12-31: ends at midnight"),
    ],
)
def test_each_mistake_is_named_with_its_place(text: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        of(text)
    assert any(says in one for one in refused.value.problems), refused.value.problems


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        of("brands: {a: {calendar: x, routes: [{queue: y}]}, b: {calendar: z}}")
    assert len(refused.value.problems) == 3


def test_a_reason_that_nobody_knows_is_named() -> None:
    raw = {"brands": {"a": {"routes": [{"queue": "general", "reason": "refnd"}]}}}
    reasons = [Reason("refund_late", "refund", {}, "rfl")]
    with pytest.raises(SettingsError, match="'refnd' is no reason"):
        desk_plan.plan_of(raw, "w.yaml", reasons)
    raw["brands"]["a"]["routes"][0]["reason"] = "refund"
    assert desk_plan.plan_of(raw, "w.yaml", reasons).figures == Figures()


def test_a_key_that_stands_twice_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    twice = tmp_path / "twice.yaml"
    twice.write_text("calendars:\n  c:\n    timezone: UTC\n    week:\n      mon: []\n      mon: ['08:00-09:00']\n")
    with pytest.raises(SettingsError, match="line 6: 'mon' stands twice"):
        loaded(twice)
    with pytest.raises(SettingsError, match="cannot be read"):
        loaded(tmp_path / "nowhere.yaml")
