"""One lane's trouble is its own: a head that is tried again, a person who is refused, a send that hangs, delay nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.model.ids import AddressId, MessageId
from gateway.model.message import Priority
from tests.integration.ladder_stage import ladder_running
from tests.support.core import LEASE_MS, NUMBER, Lanes
from tests.support.edge import refused


@pytest.fixture
def lanes(redis: Redis) -> Lanes:
    return Lanes(redis)


async def queue(lanes: Lanes, address: AddressId, *names: str) -> list[MessageId]:
    made = [lanes.message(name, told=False, address=address) for name in names]
    for one in made:
        await lanes.put(one)
    return [one.id for one in made]


@pytest.mark.parametrize("outcome", ["r", "h", "u"])
async def test_a_head_that_waits_for_another_try_holds_back_its_own_lane_and_no_other(lanes: Lanes, outcome: str) -> None:
    other = AddressId(f"a07{2:013d}")
    first, behind = await queue(lanes, lanes.address, "delay", "gate")
    theirs = await queue(lanes, other, "delay", "gate")
    claimed = {one.id: one for one in await lanes.claim()}
    assert set(claimed) == {first, theirs[0]}
    await lanes.settle(claimed[first], outcome, at_ms=20_000)
    await lanes.settle(claimed[theirs[0]])
    assert await lanes.send() == theirs[1]
    assert await lanes.claim() == [], "what stands behind it waits"
    lanes.pass_ms(20_001)
    assert [await lanes.send(), await lanes.send()] == [first, behind]


async def test_a_send_that_hangs_keeps_its_lease_and_the_next_lane_is_served(lanes: Lanes) -> None:
    other = AddressId(f"a07{2:013d}")
    (slow,) = await queue(lanes, lanes.address, "delay")
    hanging = await lanes.one()
    (theirs,) = await queue(lanes, other, "delay")
    for _ in range(5):  # longer than a lease, renewed as a worker does
        lanes.pass_ms(LEASE_MS // 2)
        assert await lanes.outbox.renew([hanging], lease_ms=LEASE_MS) == [True]
    assert await lanes.send() == theirs
    assert await lanes.settle(hanging) == "settled"
    assert await lanes.kinds(slow) == ["enqueued", "claimed", "accepted"], "never taken for lost"


async def test_a_late_settle_after_a_lost_lease_changes_nothing_twice(lanes: Lanes) -> None:
    first, second = await queue(lanes, lanes.address, "delay", "gate")
    lost = await lanes.one()
    lanes.pass_ms(LEASE_MS + 1)
    assert await lanes.claim() == []
    for outcome in ("r", "h", "l", "x"):
        assert await lanes.settle(lost, outcome, at_ms=1000) == "old"
    assert [await lanes.settle(lost), await lanes.settle(lost)] == ["evidence", "settled"]
    assert await lanes.send() == second
    assert await lanes.settle(lost) == "settled"
    assert (await lanes.kinds(first)).count("accepted") == 1


async def test_urgent_news_and_an_agents_words_pass_what_is_not_leased(lanes: Lanes) -> None:
    made = {}
    for priority in (Priority.BULK, Priority.NORMAL, Priority.URGENT, Priority.AGENT):
        (made[priority],) = await lanes.queue("delay", priority=priority)
    sent = [await lanes.send(priority) for priority in Priority]
    assert sent == [made[priority] for priority in Priority]


async def test_a_person_who_is_refused_again_and_again_delays_nobody(
    redis: Redis, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.dispatch.afterwards.random.random", lambda: 0.9)  # a wait may fall to nothing by chance
    async with ladder_running(redis_url, data_dir) as ladder:
        await ladder.follow(101, 102)
        await ladder.house.tell(ladder.house.flight(late_min=40))
        ladder.edge.answers(NUMBER, refused(131000, message="something went wrong", status=500))
        await ladder.house.dispatch()
        assert sorted([*ladder.names(101), *ladder.names(102)]) == ["flight_delayed"] * 2, "one of them was refused"
        states = sorted(one.state.value for one in await ladder.house.messages() if one.notification == "flight_delayed")
        assert states == ["a", "q"]
        await ladder.minutes(1)
        states = sorted(one.state.value for one in await ladder.house.messages() if one.notification == "flight_delayed")
        assert states == ["a", "a"]
