"""What time does at the desk, second by second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.conversation import AgentId, ConversationState
from gateway.model.webcare import Figures, Presence
from gateway.rules.presences import Reminder, flagged, gone, nudged, open_until_ms, reminder
from tests.support.team import NOW, waiting

G1 = AgentId("g1")
GIVEN = waiting(state=ConversationState.ASSIGNED, owner=G1, owner_since_ms=NOW)


@pytest.mark.parametrize(
    ("touched_s", "factor", "until_s"),
    [(-10, 1, 45), (0, 1, 45), (20, 1, 65), (74, 1, 119), (80, 1, 120), (500, 1, 120), (-10, 3, 135), (300, 3, 360)],
)
def test_the_time_to_open_runs_while_nothing_is_touched(touched_s: int, factor: int, until_s: int) -> None:
    presence = Presence(G1, touched_ms=NOW + touched_s * 1000)
    assert open_until_ms(GIVEN, presence, Figures(), factor=factor) == NOW + until_s * 1000


def test_who_works_elsewhere_is_nudged_and_who_does_nothing_is_not() -> None:
    busy, idle = Presence(G1, touched_ms=NOW + 40_000), Presence(G1, touched_ms=NOW - 1)
    assert [nudged(GIVEN, busy, Figures(), NOW + ms) for ms in (44_999, 45_000, 84_999, 85_000)] == [False, True, True, False]
    assert not nudged(GIVEN, idle, Figures(), NOW + 45_000)
    assert not nudged(replace(GIVEN, state=ConversationState.ACTIVE), busy, Figures(), NOW + 45_000)


def test_gone_after_two_minutes_and_only_who_was_here() -> None:
    assert [gone(Presence(G1, beat_ms=NOW), NOW + ms) for ms in (119_999, 120_000)] == [False, True]
    assert not gone(Presence(G1), NOW)


def test_reminders_of_an_answer_that_is_owed() -> None:
    owed = waiting(state=ConversationState.ACTIVE, owner=G1, owner_since_ms=NOW, waiting_since_ms=NOW - 99_000)
    said = [reminder(owed, NOW + ms) for ms in (299_999, 300_000, 479_999, 480_000)]
    assert said == [Reminder.NONE, Reminder.OWNER, Reminder.OWNER, Reminder.SUPERVISOR]
    assert reminder(replace(owed, waiting_since_ms=None), NOW + 900_000) is Reminder.NONE
    assert reminder(replace(owed, state=ConversationState.ASSIGNED), NOW + 900_000) is Reminder.NONE


def test_a_mark_for_the_supervisor_lasts_an_hour() -> None:
    assert [flagged(Presence(G1, warned_ms=NOW), NOW + ms) for ms in (0, 3_599_999, 3_600_000)] == [True, True, False]
    assert not flagged(Presence(G1), NOW)
