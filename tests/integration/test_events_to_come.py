"""Events that a version to come has kept while it runs beside this one: left to it, and in nobody's way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from gateway.intake.role import make_expander
from gateway.store import keys
from tests.support.core import House, open_house


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


async def test_events_of_a_type_to_come_stand_before_nobody_and_keep_no_process_busy(house: House) -> None:
    boat = cast(Any, SimpleNamespace(value="boat.status"))
    strange = [replace(house.flight(entity="ZZ1007/2026-11-22/AMS", gate=f"D{n}"), type=boat) for n in range(40)]
    assert await house.keep(*strange) == ["new"] * 40
    flight = house.flight("delayed", late_min=40)
    order = house.order(house.recipient(101))
    assert await house.keep(order, flight) == ["new", "new"]
    expander = make_expander(house.runtime)
    for _ in range(12):
        await expander.look(keys.all_partitions())
        await expander.chunks(keys.all_partitions())
    assert "flight_delayed" in await house.told(101)
    assert await expander.look(keys.all_partitions()) == 0, "else its loop would turn without end"
    assert await house.runtime.events.depth() >= 40, "they wait for the version that can read them"
