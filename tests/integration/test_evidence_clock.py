"""The evidence clock: it runs only while our own webhooks keep up, and is long until the way in is known to be open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.dispatch.evidence import LOOK_MS, EvidenceClock
from gateway.store import keys
from gateway.store.ownership import Ownership
from tests.support.core import House, open_house
from tests.support.meta import inbound_text, webhook

WAIT_MS = 30_000


@pytest.fixture
async def house(redis_url: str, redis: Redis, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, tmp_path, GATEWAY_EVIDENCE_MS=str(WAIT_MS)) as made:
        yield made


def clock_of(house: House) -> EvidenceClock:
    return EvidenceClock(house.runtime.webhooks, house.clock, WAIT_MS)


async def look(house: House, clock: EvidenceClock, after_ms: int = LOOK_MS + 1) -> None:
    house.pass_ms(after_ms)
    await clock.look()


async def test_it_waits_twice_as_long_until_the_first_webhook_since_the_start(house: House) -> None:
    await house.runtime.webhooks.append("whatsapp", b"{}")  # before this process
    await house.take_webhooks()
    clock = clock_of(house)
    clock._started_ms += 1  # the same millisecond is no later one
    await look(house, clock)
    assert (clock.heard, clock.wait_ms) == (False, 2 * WAIT_MS)
    await house.runtime.webhooks.append("whatsapp", b"{}")
    await house.take_webhooks()  # gone from its log, and heard of all the same
    await look(house, clock)
    assert (clock.heard, clock.wait_ms) == (True, WAIT_MS)


async def test_it_stands_still_while_webhooks_are_behind(house: House) -> None:
    clock = clock_of(house)
    await house.runtime.webhooks.append("whatsapp", b"{}")
    await look(house, clock)
    assert clock.runs  # it has only just come
    (name,) = [name for name in map(keys.webhook_log, range(keys.WEBHOOK_LOGS)) if await house.redis.xlen(name)]
    ((place, entry),) = await house.redis.xrange(name)
    await house.redis.delete(name)
    old = f"{int(place.split(b'-')[0]) - 5000}-0"
    await house.redis.xadd(name, entry, id=old)
    await look(house, clock)
    assert not clock.runs
    await house.take_webhooks()
    await look(house, clock)
    assert clock.runs


async def test_it_stands_still_before_its_first_look(house: House) -> None:
    assert not clock_of(house).runs


async def test_what_was_split_late_is_behind_though_it_is_young_in_its_inbox(house: House) -> None:
    clock = clock_of(house)
    await house.tell(house.order(house.recipient(101)))
    await house.runtime.webhooks.append("whatsapp", webhook(inbound_text(house, "447700900101", "hello")))
    house.pass_ms(60_000)  # it waits in its log, and whoever has it comes late
    assert await house.splitter.turn(range(keys.WEBHOOK_LOGS)) == 1
    count, age_ms = await house.runtime.webhooks.backlog()
    assert count == 1
    assert age_ms >= 60_000
    await look(house, clock)
    assert not clock.runs
    await house.take_webhooks()
    await look(house, clock)
    assert clock.runs


async def test_it_stands_still_while_nobody_takes_webhooks(house: House) -> None:
    processes = Ownership(house.redis, house.clock, "split", keys.WEBHOOK_LOGS)
    asked = Ownership(house.redis, house.clock, "ways", 64)

    async def served() -> bool:
        return await asked.served("split")

    clock = EvidenceClock(house.runtime.webhooks, house.clock, WAIT_MS, served)
    await look(house, clock)
    assert not clock.runs
    await processes.mine()
    await look(house, clock)
    assert clock.runs
    await processes.release()
    await look(house, clock)
    assert not clock.runs
