"""A store that runs full under the whole house: new work is refused first, promises are kept, and all goes on after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.support.house import House, house_running
from tests.support.server import StoreServer
from tests.support.waiting import wait_until

EVA = "+447700900123"


@pytest.fixture
async def house(data_dir: Path) -> AsyncIterator[House]:
    server = StoreServer()
    try:
        async with house_running(data_dir, GATEWAY_REDIS_URL=server.url) as made:
            yield made
    finally:
        server.close()


async def limit(house: House, share: float) -> None:
    """Let what is used now be this share of what may be used; 0 is no limit."""
    redis: Redis = house.runtime.connection.redis  # type: ignore[union-attr]
    used = int((await redis.info("memory"))["used_memory"])
    await redis.config_set("maxmemory", int(used / share) if share else 0)


async def refused(house: House) -> str:
    status, answer = await house.event("ce-flight-delayed.json", id="probe")
    return str(answer.get("code")) if status in (429, 503) else ""


@pytest.mark.timeout(90)
async def test_new_work_is_refused_from_four_fifths_and_a_stop_is_heard_when_nothing_fits_any_more(house: House) -> None:
    assert (await house.event("ce-order-confirmed-flight.json"))[0] == 202
    shown = await house.wait_for(EVA, 1)

    async def memory() -> bool:
        await limit(house, 0.85)  # anew each time: the buffers of idle clients are a tenth of so small a store, and go
        return await refused(house) == "memory"

    await wait_until(memory, timeout=15)
    await limit(house, 1.02)  # over the limit: every write that asks for room is refused by the store itself
    await house.says(EVA, text="stop")

    async def confirmed() -> bool:
        return len(await house.received(EVA)) > len(shown)

    runtime = house.runtime
    assert runtime is not None

    async def stopped() -> bool:
        connector = runtime.connectors["whatsapp"]
        (found,) = await runtime.contacts.find("whatsapp", [connector.identify(EVA, "")])
        facts = (await runtime.contacts.get(found[0])).facts if found else None
        return facts is not None and any(not entry.granted for entry in facts.consents.values())

    await wait_until(stopped, timeout=20)
    await limit(house, 0)
    await wait_until(confirmed, timeout=20)

    async def taken() -> bool:
        return not await refused(house)

    await wait_until(taken, timeout=15)
