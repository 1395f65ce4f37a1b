"""Clocks that are set back or forward: leases end late or uncertain and are never sent again at once, deadlines are kept, nothing
stands still for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.dispatch.brakes import Brakes
from gateway.dispatch.clocks import earlier
from gateway.dispatch.deliver import TIER_LOOK_MS
from gateway.model.message import DeliveryStatus, MessageState, Priority
from gateway.store import keys, scripts
from gateway.store.outbox import Settlement
from gateway.store.senders import Senders, Stop
from tests.integration.ladder_stage import Ladder, ladder_running
from tests.support.core import EVIDENCE_MS, HOUR_MS, LEASE_MS, NUMBER, SENDER, Lanes
from tests.support.edge import refused


@pytest.fixture
def lanes(redis: Redis) -> Lanes:
    return Lanes(redis)


async def set_back(lanes: Lanes, ms: int) -> None:
    """The store's clock was so far ahead when something happened in this partition, and has been set right since."""
    seconds, micros = await lanes.redis.time()
    future = seconds * 1000 + micros // 1000 + ms
    await lanes.redis.xadd(keys.part(lanes.partition, "facts"), {"f": f"1|{future}|claimed||"}, id=f"{future}-0")


# the store's clock


async def test_a_store_whose_clock_jumps_forward_hands_nothing_out_twice_at_once(lanes: Lanes) -> None:
    (message,) = await lanes.queue("delay")
    first = await lanes.one()
    lanes.pass_ms(HOUR_MS)
    assert await lanes.claim() == [], "the lease is over, and bytes may have left"
    assert await lanes.claim() == []
    assert await lanes.kinds(message) == ["enqueued", "claimed", "uncertain"]
    lanes.pass_ms(EVIDENCE_MS + 1)
    second = await lanes.one()
    assert (second.attempt, second.resend) == (2, True)
    assert (await lanes.settle(first), await lanes.settle(second)) == ("evidence", "double"), "both had it, and that is known"


async def test_a_store_whose_clock_was_set_back_sends_what_is_new_at_once(lanes: Lanes) -> None:
    await set_back(lanes, HOUR_MS)
    made = await lanes.queue("delay", "gate")
    assert [await lanes.send(), await lanes.send()] == made
    assert await lanes.outbox.depth([SENDER]) == 0


async def test_a_lease_of_a_store_whose_clock_was_set_back_ends_late_and_not_never(lanes: Lanes) -> None:
    (message,) = await lanes.queue("delay")
    await set_back(lanes, HOUR_MS)
    await lanes.one()  # its worker dies
    lanes.clock.offset_ms += LEASE_MS - 1
    assert await lanes.claim() == []
    lanes.pass_ms(2)
    assert await lanes.claim() == [], "late, and uncertain: evidence is waited for"
    lanes.pass_ms(EVIDENCE_MS + 1)
    again = await lanes.one()
    assert (again.id, again.resend) == (message, True)


async def test_evidence_frees_a_lane_whatever_the_clock_says(lanes: Lanes) -> None:
    first, second = await lanes.queue("delay", "gate")
    await set_back(lanes, HOUR_MS)
    await lanes.one()
    assert await lanes.evidence(first, DeliveryStatus.DELIVERED) == "settled"
    assert await lanes.send() == second


async def test_what_is_due_later_is_neither_early_nor_lost_when_the_clock_goes_back_and_forth(lanes: Lanes) -> None:
    planned = lanes.message(due_ms=600_000)
    await lanes.put(planned)
    for jump in (-HOUR_MS, HOUR_MS):
        lanes.pass_ms(jump)
        assert await lanes.claim() == []
    lanes.pass_ms(601_000)
    assert await lanes.send() == planned.id


async def test_a_retry_is_not_repeated_in_a_hurry_after_the_clock_went_back(lanes: Lanes) -> None:
    await lanes.queue("delay")
    claimed = await lanes.one()
    await lanes.settle(claimed, "r", at_ms=5000, reason="retry")
    lanes.pass_ms(-HOUR_MS)
    assert await lanes.claim() == []
    lanes.pass_ms(HOUR_MS + 5001)
    assert (await lanes.one()).attempt == 2


# a process's clock


class Wrong(Clock):
    """A wall clock that is wrong; what the scripts are told (the offset) is not."""

    wrong_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.wrong_ms


@pytest.fixture
async def ladder(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Ladder]:
    async with ladder_running(redis_url, data_dir) as made:
        await made.follow(101)
        yield made


def with_clock(ladder: Ladder, wrong_ms: int) -> Wrong:
    """The dispatching process's own clock is wrong from now on; the store's and everybody else's are right."""
    clock = Wrong(ladder.house.clock.offset_ms)
    clock.wrong_ms = wrong_ms
    house = ladder.house
    house.runtime.outbox._clock = clock
    house.brakes = Brakes(house.runtime.senders, house.runtime.directory, clock, house.runtime.vault)
    house.deliverer = house.make_deliverer(clock=clock)
    return clock


def turn(ladder: Ladder, clock: Wrong, ms: int) -> None:
    ladder.house.pass_ms(ms)
    clock.offset_ms = ladder.house.clock.offset_ms


async def test_a_process_that_lives_in_the_past_sends_nothing_that_is_over(ladder: Ladder) -> None:
    clock = with_clock(ladder, -8 * HOUR_MS)
    await ladder.house.tell(ladder.house.flight(late_min=40))
    turn(ladder, clock, 6 * HOUR_MS)  # it has left
    await ladder.house.dispatch()
    assert ladder.phone() == []
    assert await ladder.stands("flight_delayed") == ["q:clocks_differ"]
    clock.wrong_ms = 0
    turn(ladder, clock, 60_000)
    await ladder.house.dispatch()
    assert await ladder.stands("flight_delayed") == ["x:expired"]
    assert ladder.phone() == []


async def test_a_process_that_lives_in_the_future_drops_nothing_that_is_still_of_use(ladder: Ladder) -> None:
    clock = with_clock(ladder, 8 * HOUR_MS)
    await ladder.house.tell(ladder.house.flight(late_min=40))
    await ladder.house.dispatch()
    assert await ladder.stands("flight_delayed") == ["q:clocks_differ"]
    clock.wrong_ms = 0
    turn(ladder, clock, 31_000)
    await ladder.house.dispatch()
    assert ladder.names() == ["flight_delayed"]


@pytest.mark.parametrize("wrong_ms", [-HOUR_MS, -60_000, 60_000, HOUR_MS])
async def test_a_wrong_clock_changes_nothing_far_from_a_deadline(ladder: Ladder, wrong_ms: int) -> None:
    with_clock(ladder, wrong_ms)
    await ladder.house.tell(ladder.house.flight(late_min=40))
    await ladder.house.dispatch()
    assert ladder.names() == ["flight_delayed"]
    (record,) = await ladder.records("flight_delayed")
    assert (record.state, record.attempt, record.priority) == (MessageState.ACCEPTED, 1, Priority.URGENT)


async def test_a_clock_that_jumps_while_a_message_is_out_settles_it_once(ladder: Ladder) -> None:
    clock = with_clock(ladder, 0)
    await ladder.house.tell(ladder.house.flight(late_min=40))
    (claimed,) = await ladder.house.claim_all()
    clock.wrong_ms = HOUR_MS
    settlement = (await ladder.house.deliverer.deliver(claimed)).settlement
    await ladder.house.runtime.outbox.settle([settlement])
    clock.wrong_ms = 0
    await ladder.house.dispatch()
    await ladder.minutes(2)
    assert ladder.names() == ["flight_delayed"]


@pytest.mark.parametrize("outcome", ["l", "h"])
async def test_a_process_whose_clock_is_behind_does_not_put_off_in_a_circle(lanes: Lanes, outcome: str) -> None:
    (message,) = await lanes.queue("delay")
    await lanes.settle(await lanes.one(), outcome, at_ms=-60_000, reason="stopped")  # "in five seconds", by a clock 65 s behind
    assert await lanes.claim() == [], "handed out and put off again, as fast as the store writes"
    lanes.pass_ms(1_001)
    assert (await lanes.one()).id == message


@pytest.mark.parametrize("wrong_ms", [-HOUR_MS, HOUR_MS])
async def test_a_retry_waits_its_back_off_and_neither_an_hour_nor_nothing(
    ladder: Ladder, monkeypatch: pytest.MonkeyPatch, wrong_ms: int
) -> None:
    monkeypatch.setattr("gateway.dispatch.afterwards.random.random", lambda: 0.75)
    clock = with_clock(ladder, wrong_ms)
    ladder.edge.answers(NUMBER, refused(131000, message="something went wrong", status=500))
    await ladder.house.tell(ladder.house.flight(late_min=40))
    await ladder.house.dispatch()
    (retry,) = await ladder.facts("retry")
    assert int(retry.detail["at"]) - retry.at_ms == 750
    turn(ladder, clock, 751)
    await ladder.house.dispatch()
    (record,) = await ladder.records("flight_delayed")
    assert (record.state, record.attempt) == (MessageState.ACCEPTED, 2)


async def test_a_process_that_lives_in_the_future_goes_on_trying_until_the_deadline(ladder: Ladder) -> None:
    clock = with_clock(ladder, 6 * HOUR_MS)
    await ladder.house.tell(ladder.house.flight(late_min=40))
    (claimed,) = await ladder.house.claim_all()
    right = ladder.house.clock.now_ms()
    assert right < claimed.record.deadline_ms < clock.now_ms(), "over by its own clock alone"
    assert abs(earlier(claimed, clock.now_ms()) - right) < 5_000
    again = Settlement(claimed, "r", claimed.attempt, wait_ms=500, reason="retry")
    assert await ladder.house.runtime.outbox.settle([again]) == ["settled"]
    assert await ladder.stands("flight_delayed") == ["q:retry"]


@pytest.mark.parametrize("wrong_ms", [-HOUR_MS, HOUR_MS])
async def test_what_waits_for_its_time_is_looked_at_then_by_whatever_clock(ladder: Ladder, wrong_ms: int) -> None:
    clock = with_clock(ladder, wrong_ms)
    await ladder.house.tell(ladder.house.flight(late_min=40))
    (claimed,) = await ladder.house.claim_all()
    outbox = ladder.house.runtime.outbox
    await outbox.settle([Settlement(claimed, "r", claimed.attempt, wait_ms=60_000, reason="retry")])
    one = ladder.house.make_dispatcher()
    one._claiming._clock = clock
    claimed_again, wait_s = await one._turn()
    assert (claimed_again, wait_s) == ([], 1.0), "it would look without a pause for an hour"
    turn(ladder, clock, 60_001)
    assert (await one._turn())[1] == 0.0, "it is due: what frees it is asked for, and then it is claimed"
    (again,), _ = await one._turn()
    assert (again.id, again.attempt) == (claimed.id, 2)


async def test_a_process_that_lives_in_the_future_ends_nothing_behind_a_brake(ladder: Ladder) -> None:
    clock = with_clock(ladder, 8 * HOUR_MS)
    await ladder.house.runtime.senders.stop(Stop("all", 0, "ann", "", ladder.house.clock.now_ms()))
    await ladder.house.tell(ladder.house.flight(late_min=40))
    await ladder.house.dispatch()
    assert await ladder.stands("flight_delayed") == ["q:stopped"]
    clock.wrong_ms = 0
    turn(ladder, clock, 8 * HOUR_MS)
    await ladder.house.dispatch()
    assert await ladder.stands("flight_delayed") == ["x:expired"], "by both clocks"


@pytest.mark.parametrize("wrong_ms", [-HOUR_MS, HOUR_MS])
async def test_a_place_of_a_tier_is_waited_for_by_the_stores_clock(ladder: Ladder, wrong_ms: int) -> None:
    house = ladder.house
    with_clock(ladder, wrong_ms)
    sender = next(one for one in house.runtime.directory if one.channel == "whatsapp")
    await house.runtime.senders.set_state(sender.id, {"tier": 1})
    soon = house.clock.now_ms() - keys.DAY_MS + 2_000
    await house.redis.zadd(keys.people(sender.scope), {"a07somebodyelse00": soon})
    await house.tell(house.flight(late_min=40))
    await house.dispatch()
    (record,) = await ladder.records("flight_delayed")
    assert record.reason == "tier"
    assert abs(record.due_at_ms - house.clock.now_ms() - TIER_LOOK_MS) < 3_000


async def test_a_process_that_lives_in_the_future_lifts_nobodys_brake(redis: Redis) -> None:
    right, ahead = Clock(), Wrong()
    ahead.wrong_ms = 2 * HOUR_MS
    stop = Stop("all", right.now_ms() + HOUR_MS, "ann", "", right.now_ms())
    await Senders(redis, right).stop(stop)
    assert await Senders(redis, ahead).stops() == [stop]
    assert await Senders(redis, right).stops() == [stop]
    right.offset_ms = HOUR_MS + 1
    assert await Senders(redis, right).stops() == []
    assert await redis.exists(keys.STOPS) == 0


async def test_a_brake_that_is_pulled_again_as_its_time_ends_stays(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    senders, now = Senders(redis, Clock()), Clock().now_ms()
    longer = Stop("all", now + HOUR_MS, "bob", "", now)
    await senders.stop(Stop("all", now - 1, "ann", "", now - HOUR_MS))
    run = scripts.run

    async def pulled_meanwhile(*given: Any) -> Any:
        await senders.stop(longer)
        return await run(*given)

    monkeypatch.setattr(scripts, "run", pulled_meanwhile)
    assert await senders.stops() == [], "as it was when it looked"
    assert await senders.stops() == [longer]
