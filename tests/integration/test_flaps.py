"""A value that goes back and forth within three minutes: the first change at once, then only what it has settled at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.insight.kinds import KINDS
from gateway.intake.dryrun import Rehearsal
from gateway.model.event import EventType
from tests.integration.ladder_stage import Ladder, ladder_running
from tests.support.edge import refused


@pytest.fixture
async def ladder(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Ladder]:
    async with ladder_running(redis_url, data_dir) as made:
        await made.follow(101)
        await made.hears(made.house.flight("scheduled", gate="D5"))
        assert made.phone() == []
        yield made


async def gate(ladder: Ladder, value: str) -> None:
    """The gate is known to be this, and everybody who may be told at once is."""
    await ladder.hears(ladder.house.flight("scheduled", gate=value))


async def unsent(ladder: Ladder, value: str) -> None:
    """Planned, and nothing handed over yet."""
    await ladder.house.tell(ladder.house.flight("scheduled", gate=value))


async def test_a_gate_that_comes_back_before_it_was_told_is_told_to_nobody(ladder: Ladder) -> None:
    await unsent(ladder, "D7")
    await gate(ladder, "D5")
    assert await ladder.stands("gate_changed") == ["r:replaced", "q:settling"]
    await ladder.minutes(3)
    assert await ladder.stands("gate_changed") == ["r:replaced", "s:already_known"]
    assert ladder.gates() == []


async def test_a_gate_that_comes_back_after_it_was_told_waits_until_three_minutes_after_it_first_changed(ladder: Ladder) -> None:
    await gate(ladder, "D7")
    assert ladder.gates() == ["D7"], "the first change is told at once"
    await ladder.minutes(1)
    await gate(ladder, "D5")
    assert ladder.gates() == ["D7"]
    await ladder.minutes(1.9)
    assert ladder.gates() == ["D7"]
    await ladder.minutes(0.2)
    assert ladder.gates() == ["D7", "D5"]


async def test_a_gate_that_flaps_on_and_settles_where_it_was_told_is_told_no_more(ladder: Ladder) -> None:
    await gate(ladder, "D7")
    for value in ("D5", "D7", "D5", "D7"):
        await ladder.minutes(0.5)
        await gate(ladder, value)
    await ladder.minutes(3)
    assert ladder.gates() == ["D7"]
    assert await ladder.stands("gate_changed") == ["a:", "r:replaced", "r:replaced", "r:replaced", "s:already_known"]


async def test_a_third_gate_meanwhile_is_told_at_once(ladder: Ladder) -> None:
    await gate(ladder, "D7")
    await gate(ladder, "D5")
    await gate(ladder, "E1")
    assert ladder.gates() == ["D7", "E1"]
    await ladder.minutes(4)
    assert ladder.gates() == ["D7", "E1"]


async def test_each_is_told_by_what_their_own_phone_says(ladder: Ladder) -> None:
    await ladder.follow(102)
    await unsent(ladder, "D7")
    await ladder.send_to(101)
    await gate(ladder, "D5")
    await ladder.minutes(3)
    assert (ladder.gates(101), ladder.gates(102)) == (["D7", "D5"], [])
    assert await ladder.stands("gate_changed", 102) == ["r:replaced", "s:already_known"]


async def test_who_comes_while_it_flaps_hears_of_what_it_settles_at_only_where_that_was_news(ladder: Ladder) -> None:
    await gate(ladder, "D7")
    await gate(ladder, "D5")
    await ladder.follow(102)
    assert ladder.gates(102) == []
    await ladder.minutes(3)
    assert (ladder.gates(101), ladder.gates(102)) == (["D5"], []), "D5 it was, and D5 it is"
    await ladder.minutes(10)
    await gate(ladder, "E1")
    await gate(ladder, "D5")
    ladder.edge.asked.clear()
    await ladder.house.tell(ladder.house.order(ladder.house.recipient(103), number="ZX103"))
    await ladder.house.dispatch()
    await ladder.minutes(3)
    assert ladder.gates(103) == ["D5"], "told as a change before, and they were not there"


async def test_a_cancellation_meanwhile_is_told_at_once_and_ends_what_waits(ladder: Ladder) -> None:
    await gate(ladder, "D7")
    await gate(ladder, "D5")
    cancelled = ladder.house.flight("cancelled")
    await ladder.hears(cancelled)
    assert ladder.names() == ["gate_changed", "flight_cancelled"]
    assert await ladder.stands("gate_changed") == ["a:", "e:ended"]
    assert [fact.detail["by"] for fact in await ladder.facts("ended")] == [cancelled.id]
    await ladder.minutes(5)
    assert ladder.names() == ["gate_changed", "flight_cancelled"]


async def test_what_would_be_of_no_use_after_the_wait_is_told_at_once(ladder: Ladder) -> None:
    await ladder.minutes(5 * 60 - 12)  # the gate is of use until ten minutes before
    await gate(ladder, "D7")
    await gate(ladder, "D5")
    assert ladder.gates() == ["D7", "D5"]


async def test_a_send_without_an_answer_may_have_arrived_and_the_settled_value_is_told(ladder: Ladder) -> None:
    await unsent(ladder, "D7")
    assert [one.record.notification for one in await ladder.house.claim_all()] == ["gate_changed"]
    await unsent(ladder, "D5")
    assert await ladder.stands("gate_changed") == ["q:", "q:settling"]
    ladder.house.pass_ms(5 * 60_000)  # its worker is gone, and nothing is ever heard of it
    await ladder.house.dispatch()
    await ladder.minutes(2)
    await ladder.minutes(2)
    assert ladder.gates() == ["D5"]
    assert await ladder.stands("gate_changed") == ["r:replaced", "a:"]


async def test_what_the_channel_took_and_could_not_deliver_is_on_no_phone(ladder: Ladder) -> None:
    await gate(ladder, "D7")
    (record,) = await ladder.records("gate_changed")
    await ladder.house.runtime.outbox.evidence(
        record, attempt=1, status=record.status, failed=True, at_ms=ladder.house.clock.now_ms(), code=131026
    )
    await gate(ladder, "D5")
    await ladder.minutes(3)
    assert ladder.gates() == ["D7", "D5"], "what they know is not certain, so they are told"


async def test_a_refused_try_is_no_news_on_a_phone_but_counts_as_doubt(ladder: Ladder) -> None:
    ladder.edge.answers("314159265358979", refused(131000, message="something went wrong", status=500))
    await gate(ladder, "D7")
    await gate(ladder, "D5")
    await ladder.minutes(3)
    assert ladder.gates()[-1] == "D5"


async def test_a_delay_that_comes_and_goes_is_one_value_whatever_tells_it(ladder: Ladder) -> None:
    await ladder.hears(ladder.house.flight(late_min=40, gate="D5"))
    await ladder.hears(ladder.house.flight("scheduled", gate="D5"))
    await ladder.hears(ladder.house.flight(late_min=40, gate="D5"))
    assert ladder.names() == ["flight_delayed"]
    await ladder.hears(ladder.house.flight("scheduled", gate="D5"))
    await ladder.minutes(3)
    assert ladder.names() == ["flight_delayed", "flight_on_time_again"]
    assert await ladder.stands("flight_on_time_again") == ["e:ended", "a:"]


async def test_a_delay_that_was_taken_back_before_it_left_reaches_nobody(ladder: Ladder) -> None:
    await ladder.house.tell(ladder.house.flight(late_min=40, gate="D5"))
    await ladder.hears(ladder.house.flight("scheduled", gate="D5"))
    await ladder.minutes(3)
    assert ladder.phone() == []
    assert await ladder.stands("flight_on_time_again") == ["s:already_known"]


async def test_what_is_held_back_is_no_unreached_person_and_says_why(ladder: Ladder) -> None:
    await gate(ladder, "D7")
    await gate(ladder, "D5")
    planned = next(fact for fact in reversed(await ladder.facts("enqueued")) if fact.detail["nt"] == "gate_changed")
    assert planned.detail["why"] == "settling"
    assert "when it has settled" in KINDS["enqueued"].say(planned, str)


async def test_a_dry_run_sees_the_same_wait(ladder: Ladder) -> None:
    await gate(ladder, "D7")
    back = ladder.house.flight("scheduled", gate="D5")
    (line,) = (await Rehearsal(ladder.house.runtime).of(back)).lines
    assert (line.notification, line.answer, line.reason) == ("gate_changed", "later", "settling")
    await ladder.house.tell(back)
    record = (await ladder.records("gate_changed"))[-1]
    assert (record.due_at_ms, record.reason) == (line.due_ms, "settling")


async def test_an_event_taken_up_again_after_a_crash_waits_no_longer(ladder: Ladder) -> None:
    await gate(ladder, "D7")
    back = ladder.house.flight("scheduled", gate="D5")
    await ladder.house.keep(back)
    await ladder.house.expand()
    due = (await ladder.records("gate_changed"))[-1].due_at_ms
    for _ in range(3):
        await ladder.minutes(0.5)
        await ladder.house.expander.expand(back)
    assert [one.due_at_ms for one in await ladder.records("gate_changed")][1:] == [due]
    await ladder.minutes(3)
    assert ladder.gates() == ["D7", "D5"]


async def test_an_operator_may_switch_it_off(ladder: Ladder, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = ladder.house.runtime.catalogue
    one = catalogue.get("gate_changed")
    assert one is not None
    off = replace(one, watch=replace(one.watch, window_ms=0))
    monkeypatch.setitem(catalogue._notifications, "gate_changed", off)
    monkeypatch.setitem(catalogue._by_event, EventType.FLIGHT_STATUS, tuple(
        off if known is one else known for known in catalogue.for_event(EventType.FLIGHT_STATUS)
    ))  # fmt: skip
    await gate(ladder, "D7")
    await gate(ladder, "D5")
    assert ladder.gates() == ["D7", "D5"]
