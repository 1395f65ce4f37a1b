"""The door under fire: many at once, a store that dies or refuses, callers that go away. Answered 200 means kept, each time."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from gateway import http
from gateway.store import bulk, keys, scripts
from gateway.store.webhooks import KeptWebhook
from gateway.webhooks import api as door_api
from tests.support.core import House, open_house
from tests.support.embedded import record
from tests.support.meta import signed
from tests.support.waiting import wait_until


class Door:
    """The real routes of a house on a port of their own. answers: counted as the door counts."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.answers: Counter[str] = Counter()
        runtime = house.runtime
        self.app = http.make_app(largest=door_api.MAX_BYTES)
        deps = door_api.Deps(
            webhooks=runtime.webhooks, connectors=runtime.connectors, secrets=runtime.settings.app_secrets,
            verify_token=runtime.settings.verify_token, wake=runtime.wake, count=self.count,
        )  # fmt: skip
        door_api.add_routes(self.app, deps)
        self.url, self.port = "", 0

    def count(self, channel: str, answer: str) -> None:
        self.answers[answer] += 1

    async def kept(self) -> list[KeptWebhook]:
        """Whatever is in the logs, each log in its order."""
        found = await self.house.runtime.webhooks.kept(range(keys.WEBHOOK_LOGS), limit=5000)
        return sorted(found, key=lambda one: (one.log, *map(int, one.place.split("-"))))


@asynccontextmanager
async def opened(redis_url: str, data_dir: Path) -> AsyncIterator[Door]:
    async with open_house(redis_url, data_dir) as house:
        door = Door(house)
        async with TestServer(door.app) as server:
            door.url, door.port = str(server.make_url("/webhooks/whatsapp")), server.port or 0
            yield door


@pytest.fixture
async def door(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Door]:
    async with opened(redis_url, data_dir) as made:
        yield made


@pytest.fixture
async def callers() -> AsyncIterator[aiohttp.ClientSession]:
    """A connection for each who asks."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


def body(number: int) -> bytes:
    return b'{"object":"whatsapp_business_account","entry":[],"number":%d}' % number


async def post(callers: aiohttp.ClientSession, door: Door, raw: bytes) -> int:
    async with callers.post(door.url, data=raw, headers=signed(raw)) as answer:
        return answer.status


def request(raw: bytes, more: Sequence[str] = ()) -> bytes:
    """The same as bytes of a connection that stays open."""
    lines = ["POST /webhooks/whatsapp HTTP/1.1", "Host: localhost", f"Content-Length: {len(raw)}", *more]
    lines += [f"{name}: {value}" for name, value in signed(raw).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


async def test_a_thousand_at_once_are_each_kept_once_in_far_fewer_round_trips(door: Door, callers: aiohttp.ClientSession) -> None:
    forged = signed(b"something else")

    async def forge(number: int) -> int:
        async with callers.post(door.url, data=body(number), headers=forged) as answer:
            return answer.status

    before = await calls_of(door.house.redis)
    answers = await asyncio.gather(
        *(post(callers, door, body(number)) for number in range(900)), *(forge(number) for number in range(900, 1000))
    )
    assert Counter(answers) == {200: 900, 401: 100}
    assert sorted(one.raw for one in await door.kept()) == sorted(body(number) for number in range(900))
    assert door.answers == {"kept": 900, "bad_signature": 100}
    assert (await calls_of(door.house.redis)) - before < 600  # a script a log and write, where each webhook had its own


async def calls_of(redis: Redis) -> int:
    """How many scripts the server was asked to run."""
    stats = await redis.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])


async def test_what_comes_over_one_connection_stays_in_its_order(door: Door) -> None:
    async def sends(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        for number in range(first, first + 20):
            writer.write(request(body(number)))
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.close()

    await asyncio.gather(*(sends(first) for first in range(0, 200, 20)))
    kept = await door.kept()
    for first in range(0, 200, 20):
        mine = [one for one in kept if int(one.raw[:-1].rpartition(b":")[2]) in range(first, first + 20)]
        assert [one.raw for one in mine] == [body(number) for number in range(first, first + 20)]
        assert len({one.log for one in mine}) == 1
    assert len({one.log for one in kept}) > 1


async def test_a_log_that_cannot_be_written_is_told_to_its_own_callers_alone(door: Door, callers: aiohttp.ClientSession) -> None:
    assert await post(callers, door, body(1000)) == 200
    broken = keys.webhook_log((await door.kept())[0].log)  # one that this process writes
    await door.house.redis.delete(broken)
    await door.house.redis.set(broken, "not a log")
    answers = await asyncio.gather(*(post(callers, door, body(number)) for number in range(200)))
    await door.house.redis.delete(broken)
    good = [body(number) for number, answer in enumerate(answers) if answer == 200]
    assert Counter(answers).keys() == {200, 503}
    assert sorted(one.raw for one in await door.kept()) == sorted(good)


async def test_a_caller_who_goes_away_harms_nobody_who_came_with_it(door: Door, callers: aiohttp.ClientSession) -> None:
    impatient = []
    for number in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(request(body(number)))
        impatient.append(writer)
    half = request(body(999))[:-10]  # and one who never says all
    _, unfinished = await asyncio.open_connection("127.0.0.1", door.port)
    unfinished.write(half)
    staying = [asyncio.create_task(post(callers, door, body(number))) for number in range(20, 60)]
    for writer in (*impatient, unfinished):
        writer.transport.abort()
    assert await asyncio.gather(*staying) == [200] * 40
    kept = {one.raw for one in await door.kept()}
    assert {body(number) for number in range(20, 60)} <= kept
    assert body(999) not in kept


async def test_what_was_answered_200_before_the_store_died_is_there_when_it_is_back(
    data_dir: Path, callers: aiohttp.ClientSession
) -> None:
    async with opened("", data_dir) as door:  # a store of its own, which is killed in the middle
        answers: dict[int, int] = {}

        numbers = iter(range(150))

        async def one_after_another() -> None:
            for number in numbers:
                answers[number] = await post(callers, door, body(number))

        async def many() -> None:
            await asyncio.gather(*(one_after_another() for _ in range(40)))

        sending = asyncio.create_task(many())
        await wait_until(lambda: len(answers) > 20)
        os.kill(record(data_dir)["pid"], signal.SIGKILL)
        await sending
        assert set(answers.values()) == {200, 503}
        await door.house.runtime.connection.recover()
        assert await post(callers, door, body(1000)) == 200
        kept = {one.raw for one in await door.kept()}
        assert kept >= {body(number) for number, answer in answers.items() if answer == 200} | {body(1000)}


async def test_what_is_being_kept_is_finished_before_the_store_is_closed(
    door: Door, callers: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on, whole = asyncio.Event(), asyncio.Event(), bulk.each_script

    async def slow(redis: Redis, calls: Sequence[scripts.Call], **more: Any) -> list[Any]:
        reached.set()
        await go_on.wait()
        return await whole(redis, calls, **more)

    monkeypatch.setattr(bulk, "each_script", slow)
    caller = asyncio.create_task(post(callers, door, body(1)))
    await reached.wait()
    cleaning = asyncio.create_task(door.app.cleanup())
    assert (await asyncio.wait([cleaning], timeout=0.05))[0] == set()
    go_on.set()
    await cleaning
    assert await caller == 200
