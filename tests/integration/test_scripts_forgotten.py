"""A store that starts again while scripts are being loaded has forgotten them once more: they are loaded once more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.errors import StoreUnavailable
from gateway.store import bulk, keys, scripts

Runner = Callable[[Redis], Awaitable[list[Any]]]
TAKE: scripts.Call = ("lease", [keys.lease("forgotten")], ["take", "me", 60_000])


async def by_pipeline(redis: Redis) -> list[Any]:
    return await scripts.run_many(redis, [TAKE])


async def in_bulk(redis: Redis) -> list[Any]:
    return await bulk.run_scripts(redis, [TAKE])


def forgets(monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """The next so many times, whatever was loaded is gone at once, as after a start of the server. Returns a count of loads."""
    load_all, loads = scripts.load_all, [0]

    async def load(redis: Redis) -> None:
        loads[0] += 1
        await load_all(redis)
        if loads[0] <= times:
            await redis.script_flush()

    monkeypatch.setattr(scripts, "load_all", load)
    return loads


@pytest.mark.parametrize("run", [by_pipeline, in_bulk])
async def test_a_store_that_starts_again_while_scripts_are_loaded_gets_them_again(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, run: Runner
) -> None:
    await redis.script_flush()
    loads = forgets(monkeypatch, 1)
    assert await run(redis) == [1]
    assert loads == [2]


@pytest.mark.parametrize("run", [by_pipeline, in_bulk])
async def test_a_store_that_forgets_them_every_time_counts_as_gone(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, run: Runner
) -> None:
    await redis.script_flush()
    loads = forgets(monkeypatch, 99)
    with pytest.raises(StoreUnavailable):
        await run(redis)
    assert loads == [scripts.LOADS]
