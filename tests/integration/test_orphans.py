"""What a process leaves behind when it dies is gone on with by the others within seconds, and begun by one of them only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.intake.role import make_expander
from gateway.store import keys, ownership
from gateway.store.ownership import Ownership
from tests.support.core import House, facts_of, open_house
from tests.support.waiting import wait_until


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


async def test_a_new_event_that_waits_in_the_partition_of_another_is_taken_up_and_an_older_one_left_to_its_worker(
    house: House,
) -> None:
    await house.keep(house.order(house.recipient(101)))
    other = make_expander(house.runtime)
    everywhere = list(keys.all_partitions())
    assert await other.look_after(everywhere, late_ms=2000) == 0  # not late yet
    house.pass_ms(2100)
    assert await other.look_after(everywhere, late_ms=2000) == 1
    assert await house.told(101) == ["order_confirmed"]
    house.clock.offset_ms += 33_000  # told, and late to be closed
    third = make_expander(house.runtime)
    real = house.runtime.clock.offset_ms
    assert real
    await _age(house, 33_000)
    assert await third.look_after(everywhere, late_ms=2000) == 0


async def _age(house: House, ms: int) -> None:
    """Events lie in the stream under the store's own time: have them lie there longer."""
    for partition in keys.all_partitions():
        name = keys.part(partition, "evw")
        for member, score in await house.redis.zrange(name, 0, -1, withscores=True):
            event, _, place = bytes(member).decode().partition("|")
            at, _, number = place.partition("-")
            await house.redis.zrem(name, member)
            await house.redis.zadd(name, {f"{event}|{int(at) - ms}-{number}": score})


async def test_of_two_who_see_the_same_event_due_one_begins_it(house: House) -> None:
    await house.keep(house.order(house.recipient(101)))
    (seen,) = await house.runtime.events.due(keys.all_partitions(), limit=9)
    at = house.clock.now_ms() + 10_000
    tries = await asyncio.gather(*(house.runtime.events.begin(seen, look_again_ms=at + n) for n in range(3)))
    assert sorted(tries) == [0, 0, 1]
    winner = at + tries.index(1)
    assert await house.runtime.events.begin(seen, look_again_ms=winner) == 1, "a lost answer: asked again, told the same"
    assert [fact.kind for fact in await facts_of(house.redis)] == ["event"]


@pytest.fixture
def sooner(monkeypatch: pytest.MonkeyPatch) -> int:
    """A fifth of every time; how long a lease lasts (ms)."""
    for name in ("TTL_MS", "RENEW_MS", "GONE_MS"):
        monkeypatch.setattr(ownership, name, getattr(ownership, name) // 5)
    return ownership.TTL_MS


async def test_the_share_of_a_process_that_died_is_worked_on_within_its_lease(redis: Redis, sooner: int) -> None:
    clock = Clock()
    lives, dies = (Ownership(redis, clock, "expand", 64) for _ in range(2))
    await dies.mine()
    shared = await lives.mine()
    stopping = asyncio.Event()
    keeping = asyncio.create_task(lives.keep(stopping))
    began = asyncio.get_running_loop().time()
    try:
        await wait_until(lambda: len(lives.held) == 64, timeout=20)
    finally:
        stopping.set()
        await keeping
    took_ms = (asyncio.get_running_loop().time() - began) * 1000
    assert len(shared) < 64
    assert took_ms < 2 * sooner + 2000


async def test_a_long_turn_keeps_its_share(redis: Redis, sooner: int) -> None:
    clock = Clock()
    busy = Ownership(redis, clock, "expand", 64)
    stopping = asyncio.Event()
    keeping = asyncio.create_task(busy.keep(stopping))
    await wait_until(lambda: len(busy.held) == 64)
    other = Ownership(redis, clock, "inbox", 64)  # of another role: what it shows takes nothing away
    began = asyncio.get_running_loop().time()
    await wait_until(lambda: asyncio.get_running_loop().time() - began > 1.3 * sooner / 1000, timeout=20)
    assert len(await other.mine()) == 64
    left = [name async for name in redis.scan_iter(match="lease:expand-*")]
    assert len(left) == 64  # nobody asked for a turn, and no lease has run out
    stopping.set()
    await keeping
    await busy.release()
    assert busy.held == []
