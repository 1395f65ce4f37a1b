"""What is told of an appointment: a window that gets narrower by an amount worth a message, that moves, and how it ended."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.intake import schemas
from gateway.model.event import EventType
from gateway.rules import appointments
from gateway.rules.changes import Memory, facts, state_of, step
from tests.support.notifications import catalogue
from tests.unit.changes_support import remember, tell

APPOINTMENT = EventType.APPOINTMENT_STATUS


def at(status: str, window: str = "", **more: Any) -> dict[str, Any]:
    """window: "08:00-12:00", of 23 November; "" = the event leaves it out"""
    data: dict[str, Any] = {"appointmentId": "A-1", "status": status, **more}
    if window:
        begins, ends = window.split("-")
        data["window"] = {"from": f"2026-11-23T{begins}:00+01:00", "to": f"2026-11-23T{ends}:00+01:00"}
    return data


BOOKED = at("booked", "08:00-12:00")


@pytest.mark.parametrize(
    ("window", "changes"),
    [
        ("08:00-12:00", set()),
        ("08:00-11:30", set()),  # half an hour of four
        ("08:10-12:14", set()),  # a little outside is still that window
        ("07:46-11:55", set()),
        ("08:00-11:00", {"window_narrowed"}),  # a quarter of it
        ("10:00-12:00", {"window_narrowed"}),
        ("11:30-12:10", {"window_narrowed"}),  # much narrower, and ten minutes outside
        ("08:15-12:15", {"appointment_moved"}),
        ("07:45-11:45", {"appointment_moved"}),
        ("12:00-12:30", {"appointment_moved"}),
        ("13:00-15:00", {"appointment_moved"}),
        ("06:00-18:00", {"appointment_moved"}),  # wider is another window too: it may be before what they go by
    ],
)
def test_a_window_is_told_when_it_moves_or_gets_narrower_by_an_amount_worth_a_message(window: str, changes: set[str]) -> None:
    assert tell(APPOINTMENT, BOOKED, at("booked", window)) == [{"appointment_booked"}, changes]


def test_a_window_that_creeps_is_told_once_it_has_crept_far_enough() -> None:
    steps = [at("on_the_way", f"14:{minute:02d}-15:00") for minute in range(0, 31, 5)]
    assert tell(APPOINTMENT, *steps) == [{"on_the_way"}, set(), set(), {"window_narrowed"}, set(), set(), {"window_narrowed"}]


def test_a_quarter_of_an_hour_is_the_least_that_is_told() -> None:
    first = at("on_the_way", "14:00-14:30")
    assert tell(APPOINTMENT, first, at("on_the_way", "14:10-14:25")) == [{"on_the_way"}, {"window_narrowed"}]
    assert tell(APPOINTMENT, first, at("on_the_way", "14:10-14:26")) == [{"on_the_way"}, set()]


def test_the_whole_ladder_is_told_step_by_step() -> None:
    assert tell(
        APPOINTMENT, BOOKED, at("moved", "13:00-17:00"), at("on_the_way", "15:00-16:00"), at("on_the_way", "15:30-15:45"),
        at("on_the_way", "16:00-16:20"), at("done"),
    ) == [
        {"appointment_booked"}, {"appointment_moved"}, {"on_the_way"}, {"window_narrowed"}, {"appointment_moved"},
        {"appointment_done"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "data", "changes"),
    [
        ([], at("confirmed", "08:00-12:00"), {"appointment_booked"}),
        ([BOOKED], at("confirmed"), set()),  # their own yes comes back
        ([BOOKED], at("cancelled"), {"cancelled"}),
        ([], at("cancelled"), set()),  # nobody was told that there was one
        ([BOOKED, at("cancelled")], BOOKED, {"reinstated", "appointment_booked"}),
        ([BOOKED, at("missed", missedBy="us")], at("booked", "09:00-10:00"), {"appointment_booked"}),
        ([BOOKED, at("done")], at("on_the_way", "11:00-11:30"), {"on_the_way"}),
        ([BOOKED, at("missed")], at("missed", missedBy="customer"), set()),
        ([BOOKED, at("on_the_way", "09:00-10:00")], at("booked"), {"appointment_booked"}),  # they turned round
        ([at("booked")], at("booked", "08:00-12:00"), {"window_narrowed"}),  # a time at last
        ([BOOKED, at("done")], at("done", "08:00-09:00"), set()),
    ],
)
def test_each_ending_and_beginning_is_told_once(before: list[dict[str, Any]], data: dict[str, Any], changes: set[str]) -> None:
    assert tell(APPOINTMENT, *before, data)[-1] == changes


def shown(*events: dict[str, Any]) -> dict[str, Any]:
    return facts(APPOINTMENT, remember(APPOINTMENT, *events))


def test_a_moved_appointment_knows_its_old_window_and_a_new_one_has_none() -> None:
    moved = shown(BOOKED, at("moved", "13:00-17:00"))
    assert (moved["old_from"], moved["old_to"]) == ("2026-11-23T08:00:00+01:00", "2026-11-23T12:00:00+01:00")
    assert shown(BOOKED) == {"old_from": "", "old_to": "", "has_window": True}
    anew = shown(BOOKED, at("cancelled"), at("booked", "13:00-17:00"))
    assert anew["old_from"] == "", "nobody goes by the window of what was called off"


def test_who_missed_it_says_nothing_of_the_next_appointment() -> None:
    memory: Memory = remember(APPOINTMENT, BOOKED, at("missed", missedBy="us"))
    assert memory["missed_by"] == "us"
    memory, _ = step(APPOINTMENT, memory, BOOKED)
    assert "missed_by" not in memory


def test_an_appointment_that_named_people_is_theirs_from_then_on() -> None:
    memory = remember(APPOINTMENT, {**BOOKED, "orderNumber": "SO-1"})
    assert "named" not in memory
    memory, _ = step(APPOINTMENT, memory, {**BOOKED, "recipients": [{"customerId": "C-1"}]})
    memory, _ = step(APPOINTMENT, memory, at("done"))
    assert memory["named"] is True
    assert "recipients" not in memory


def test_a_window_that_ends_before_it_begins_is_refused_by_its_name() -> None:
    _, problems = schemas.check(APPOINTMENT, at("booked", "12:00-08:00"))
    assert [(one.field, one.message) for one in problems] == [("data.window", "`to` should not be before `from`")]
    assert schemas.check(APPOINTMENT, BOOKED)[1] == []


def test_who_is_told_that_they_turned_round_goes_by_the_window_of_that_message() -> None:
    back = [BOOKED, at("on_the_way", "09:00-10:00"), at("booked", "09:00-09:50"), at("booked", "09:00-10:05")]
    assert tell(APPOINTMENT, *back)[2:] == [{"appointment_booked"}, {"appointment_moved"}]


def test_a_reminder_says_the_window_and_what_comes_after_is_measured_by_it() -> None:
    memory = remember(APPOINTMENT, BOOKED, at("booked", "08:00-11:30"))
    memory["told"] = appointments.shown(memory["told"], state_of(memory))
    _, changes = step(APPOINTMENT, memory, at("booked", "08:00-12:00"))
    assert "appointment_moved" in changes, "they read 11:30 the evening before"


def test_a_reminder_without_a_window_says_none() -> None:
    memory = remember(APPOINTMENT, at("booked"))
    assert appointments.shown(memory["told"], state_of(memory)) == memory["told"]


@pytest.mark.parametrize(
    ("name", "waiting"),
    [
        ("appointment_booked", "appointment_on_the_way"),  # they turned round
        ("appointment_moved", "appointment_on_the_way"),  # and come another day
        ("appointment_window", "appointment_booked"),  # booked at night, narrower before the morning
        ("appointment_on_the_way", "appointment_missed"),
        ("appointment_on_the_way", "appointment_cancelled"),
        ("appointment_done", "appointment_cancelled"),
    ],
)
def test_what_waits_is_not_told_after_what_made_it_wrong(name: str, waiting: str) -> None:
    one = catalogue().get(name)
    assert one is not None
    assert waiting in one.ends
