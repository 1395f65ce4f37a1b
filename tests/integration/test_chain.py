"""From an event that is kept to the POST that tells it, with nothing else to do: how often the store is asked in a row.

Each further write in a row is one more wait for the disk, and a look at all partitions costs more than all the rest; both come
back by one careless line. Taken is the best of some events: now and then a loop's own look falls in between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.intake import role
from gateway.intake.taking import Taking
from gateway.model.event import BusinessEvent
from gateway.store.apikeys import ApiKeys
from tests.integration.chain_stage import AT_ONCE, World, world_running
from tests.support.core import House, open_house
from tests.support.trips import Trip, Trips, in_a_row, recorded
from tests.support.waiting import wait_until

EVENTS = 6
CHAIN = ["event_append", "subject_apply", "outbox_put", "outbox_claim"]


@pytest.fixture
async def world() -> AsyncIterator[tuple[World, str]]:
    async with world_running() as running:
        yield running


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path, world: tuple[World, str]) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir, world[1]) as made:
        yield made


async def chains(
    house: House, world: World, trips: Trips, make: Callable[[int], BusinessEvent]
) -> list[list[Trip]]:
    """Per event the round trips from its door to its POST, while intake and dispatch run as they do in a process."""
    runtime = house.runtime
    taking = Taking(role.make_deps(runtime, ApiKeys(runtime.connection.redis, runtime.clock, None)))
    found = []
    intake = asyncio.create_task(role.run(runtime))
    dispatch = asyncio.create_task(house.make_dispatcher().run(runtime.stopping, 5.0))
    try:
        await wait_until(lambda: any("outbox_peek" in one.asked for one in trips.made))
        await wait_until(lambda: any("lease" in one.asked for one in trips.made))
        for number in range(EVENTS):
            already = len(world.came)
            event = make(number)
            began = time.monotonic()
            assert await taking.keep([event]) == ["new"]
            await wait_until(partial(_more, world, already))
            found.append(trips.between(began, world.came[already]))
            await wait_until(lambda: _quiet(trips))
    finally:
        runtime.stopping.set()
        runtime.wake.here("dispatch")
        runtime.wake.here("expand")
        async with asyncio.timeout(10):
            await asyncio.gather(intake, dispatch)
    return found


def _more(world: World, than: int) -> bool:
    return len(world.came) > than


def _quiet(trips: Trips) -> bool:
    last = max((one.ended for one in trips.made), default=0.0)
    return time.monotonic() - last > 0.05


def said(trips: list[Trip]) -> str:
    return " > ".join("+".join(dict.fromkeys(one.asked)) for one in trips)


@pytest.fixture
async def delays(
    house: House, world: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> list[list[Trip]]:
    """One person's flight, late by more each time."""
    await house.tell(house.order(house.recipient(101), status="processing"))
    with recorded(monkeypatch) as trips:
        return await chains(house, world[0], trips, lambda number: house.flight(late_min=40 + 15 * number, at_ms=number))


async def test_from_an_event_to_its_post_at_most_four_writes_follow_one_another(delays: list[list[Trip]]) -> None:
    rows = [in_a_row([one for one in chain if one.writes]) for chain in delays]
    best = min(rows, key=len)
    assert [name for one in best for name in one.writes] == CHAIN, said(best)


async def test_from_an_event_to_its_post_nobody_looks_at_all_partitions(delays: list[list[Trip]]) -> None:
    wide = [[one for one in chain if len({key[:6] for key in one.keys}) > AT_ONCE] for chain in delays]
    assert min(map(len, wide)) == 0, said(min(wide, key=len))


async def test_from_an_event_to_its_post_the_store_is_waited_for_six_times(delays: list[list[Trip]]) -> None:
    rows = [in_a_row(chain) for chain in delays]
    best = min(rows, key=len)
    assert len(best) <= 6, said(best)
