"""Processes that come and go while events flow: SIGTERM drains, another takes over, and nobody is told twice or not at all."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.crash.plant import Plant, plant_running, windows
from tests.support.server import StoreServer, free_port
from tests.support.waiting import wait_until

ORDERS = 24
PEOPLE = [f"4477009001{number:02d}" for number in range(1, ORDERS + 1)]
"""One order each: whoever gets two within some seconds is written to no more for as many times six."""


@pytest.fixture
async def plant(data_dir: Path) -> AsyncIterator[Plant]:
    """On a store that outlives every gateway; each send takes a while, so that some are always on their way."""
    server = StoreServer()
    try:
        async with plant_running(data_dir, store=server.url, more={"GATEWAY_DRAIN_S": "20"}) as made:
            for person in PEOPLE[1:]:
                await made.meet(person)
            await wait_until(lambda: _known(made), timeout=20)
            await made.sandbox("PUT", "faults", {"name": "slow", "ms": 150})
            yield made
    finally:
        server.close()


def another(plant: Plant, name: str) -> Plant:
    """A second process beside the first, behind the same front door or not."""
    return replace(plant, name=name, process=None, public=free_port(), internal=free_port())


async def _known(plant: Plant) -> bool:
    return await windows(plant) == len(PEOPLE)


async def shown(plant: Plant, prefix: str, people: Sequence[str] = PEOPLE) -> list[str]:
    """The orders on the phones, each as often as it came."""
    bubbles = [bubble for person in people for bubble in await plant.bubbles(person)]
    found: list[Any] = [re.search(rf"{prefix}-\d{{3}}", str(one)) for one in bubbles]
    return [one[0] for one in found if one]


@pytest.mark.timeout(180)
async def test_what_one_process_leaves_at_sigterm_another_goes_on_with_and_nobody_is_told_twice(plant: Plant) -> None:
    async with AsyncExitStack() as stack:
        doors = [plant]
        taken: list[str] = []

        async def feed() -> None:
            for number in range(ORDERS):
                name = f"TAKE-{number:03d}"
                while True:  # as a source does: until somebody says 202
                    try:
                        if await doors[-1].order(name, PEOPLE[number]) == 202:
                            break
                    except (OSError, aiohttp.ClientError, TimeoutError):
                        pass
                    await asyncio.sleep(0.05)
                taken.append(name)

        feeding = asyncio.create_task(feed())
        for turn in range(2):
            await wait_until(lambda least=6 * (turn + 1): len(taken) >= least, timeout=60)
            fresh = another(plant, f"gateway-{turn}")
            await fresh.start()
            stack.push_async_callback(fresh.end)
            old = doors[-1]
            doors.append(fresh)
            assert await old.stop() == 0
            assert "dispatch.left_behind" not in old.log.read_text()
        await feeding
        await wait_until(lambda: _all(plant, taken), timeout=90)
        assert sorted(await shown(plant, "TAKE")) == sorted(taken)
        kinds = [fact.kind for fact in await plant.facts()]
        assert "uncertain" not in kinds  # what was on its way was waited for, not given up
        assert "double" not in kinds


@pytest.mark.timeout(180)
async def test_a_stop_silences_every_process_within_two_seconds_and_one_that_starts_later(plant: Plant) -> None:
    async with AsyncExitStack() as stack:
        second = another(plant, "second")
        await second.start()
        stack.push_async_callback(second.end)
        names = [f"HUSH-{number:03d}" for number in range(ORDERS)]

        async def feed() -> None:
            for number, name in enumerate(names):
                assert await second.order(name, PEOPLE[number]) == 202
                await asyncio.sleep(0.5)  # a stream of orders, not a wait for something

        feeding = asyncio.create_task(feed())
        await wait_until(lambda: _some(plant), timeout=40)
        assert "Stopped" in await plant.command("stop", "all", "--why", "a test", "--until", "2h")
        silent_ms = time.time() * 1000 + 2000
        await wait_until(lambda: time.time() * 1000 > silent_ms + 500)  # what was on its way has been answered
        await plant.kill(store=False)
        await plant.start()
        await feeding
        await wait_until(lambda: _planned(plant), timeout=40)
        assert [one for one in await plant.posts() if one["at_ms"] > silent_ms] == []
        assert len(await shown(plant, "HUSH")) < ORDERS

        await plant.command("resume", "all", "--yes")
        await wait_until(lambda: _all(plant, names), timeout=60)
        assert sorted(await shown(plant, "HUSH")) == names


async def _some(plant: Plant) -> bool:
    return len(await shown(plant, "HUSH")) >= 3


async def _planned(plant: Plant) -> bool:
    return sum(fact.kind == "enqueued" for fact in await plant.facts()) >= ORDERS


async def _all(plant: Plant, taken: list[str]) -> bool:
    return len(await shown(plant, taken[0][:4])) >= len(taken)
