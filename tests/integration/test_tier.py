"""More people than the channel lets us write to in a day: who leaves first is told, of the others it is known at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.dispatch import looking
from gateway.store import keys
from tests.integration.pace_stage import Stage, pace_stage, sender_entry
from tests.support.core import NUMBER
from tests.support.edge import Edge, edge_running
from tests.support.waiting import wait_until

FLIGHT = "ZZ1007/2026-11-22/AMS"
SOONER = "ZZ2009/2026-11-22/AMS"
PER_SECOND = 8


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with edge_running() as made:
        yield made


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path, edge: Edge) -> AsyncIterator[Stage]:
    entry = sender_entry("zz-wa", "zz", PER_SECOND)
    async with pace_stage(redis_url, data_dir, entry, graph_url=edge.url) as made:
        yield made


async def dispatched(stage: Stage, within_s: float) -> float:
    """A dispatcher runs until nothing is left; how many seconds it took."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    begun = loop.time()
    running = asyncio.create_task(stage.house.make_dispatcher().run(stopping, 5))

    async def nothing_left() -> bool:
        return await stage.waiting() == 0

    try:
        await wait_until(nothing_left, timeout=within_s)
        return loop.time() - begun
    finally:
        stopping.set()
        stage.house.runtime.wake.here("dispatch")
        await running


async def test_the_sooner_flight_has_what_is_left_of_the_tier_and_the_others_know_at_once(stage: Stage, edge: Edge) -> None:
    await stage.house.runtime.senders.set_state(next(iter(stage.house.runtime.directory)).id, {"tier": 12})
    await stage.followers({FLIGHT: 120, SOONER: 12})
    await stage.house.keep(stage.cancelled(FLIGHT, 5), stage.cancelled(SOONER, 2))
    await stage.house.expand()
    took = await dispatched(stage, within_s=(132 - PER_SECOND) / PER_SECOND)
    ends = {one.contact: (one.subject, one.state.value, one.reason) for one in await stage.house.messages()}
    told = [subject for subject, state, _ in ends.values() if state == "a"]
    assert told == [stage.subject(SOONER)] * 12
    assert {one for one in ends.values() if one[1] != "a"} == {(stage.subject(FLIGHT), "s", "tier")}
    assert len(edge.sent(NUMBER)) == 12
    assert took < 60 / PER_SECOND, "who is not written to waits for no token"


async def test_a_place_that_falls_free_in_time_is_waited_for(stage: Stage, edge: Edge, redis: Redis) -> None:
    house = stage.house
    (sender,) = house.runtime.directory
    await house.runtime.senders.set_state(sender.id, {"tier": 1})
    almost = house.clock.now_ms() - keys.DAY_MS + 3600_000
    await redis.zadd(keys.people(sender.scope), {"a07somebodyelse00": almost})
    await redis.pexpire(keys.people(sender.scope), keys.DAY_MS)
    await stage.followers({FLIGHT: 1})
    await house.keep(stage.cancelled(FLIGHT, 5))
    await house.expand()
    assert await house.dispatch() == ["l"]
    house.pass_ms(3600_000)
    assert await house.dispatch() == ["a"]


async def test_who_waits_for_a_place_is_not_looked_at_for_each_that_falls_free(stage: Stage, redis: Redis) -> None:
    house = stage.house
    (sender,) = house.runtime.directory
    await house.runtime.senders.set_state(sender.id, {"tier": 1})
    soon = house.clock.now_ms() - keys.DAY_MS + 2_000
    await redis.zadd(keys.people(sender.scope), {"a07somebodyelse00": soon})
    await stage.followers({FLIGHT: 3})
    await house.keep(stage.cancelled(FLIGHT, 5))
    await house.expand()
    assert await house.dispatch() == ["l"] * 3
    house.pass_ms(5_000)
    assert await house.dispatch() == [], "a place is free since three seconds, and two of them would come in vain"
    house.pass_ms(5_500)
    assert sorted(await house.dispatch()) == ["a", "x", "x"]


async def test_a_tier_of_nobody_keeps_nothing_coming_back(stage: Stage) -> None:
    (sender,) = stage.house.runtime.directory
    await stage.house.runtime.senders.set_state(sender.id, {"tier": 0})
    await stage.followers({FLIGHT: 3})
    await stage.house.keep(stage.cancelled(FLIGHT, 5))
    await stage.house.expand()
    assert await stage.house.dispatch() == ["x"] * 3
    assert {one.reason for one in await stage.house.messages()} == {"tier"}




async def test_who_leaves_sooner_is_seen_at_once_though_the_last_look_serves_for_a_while(
    stage: Stage, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "REUSE_S", 60.0)
    house = stage.house
    await stage.followers({FLIGHT: 120, SOONER: 1})
    await house.keep(stage.cancelled(FLIGHT, 5))
    await house.expand()
    stopping = asyncio.Event()
    running = asyncio.create_task(house.make_dispatcher().run(stopping, 5))
    try:
        await wait_until(lambda: len(edge.sent(NUMBER)) >= PER_SECOND + 2)
        await house.keep(stage.cancelled(SOONER, 2))
        await house.expand()
        before = len(edge.sent(NUMBER))
        await wait_until(lambda: any("ZZ 2009" in str(body) for body in edge.sent(NUMBER)))
        assert len(edge.sent(NUMBER)) - before <= 6
    finally:
        stopping.set()
        house.runtime.wake.here("dispatch")
        await running
