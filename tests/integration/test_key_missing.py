"""GATEWAY_KEYS lacks a wrapping key that is in use: an operator's mistake, by which nobody is erased and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from redis.asyncio import Redis

from gateway.api.problems import answering
from gateway.dispatch.sending import KEY_LOOK_MS
from gateway.model.ids import ContactId
from gateway.model.message import MessageState
from gateway.store import keys
from gateway.store.vault import KeyMissing, KeyRing
from tests.support.core import House, open_house
from tests.support.waiting import wait_until


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


class Lacking:
    """The house's ring without the key that wraps everything, until `mend`. What was read before is forgotten."""

    def __init__(self, house: House, *contacts: ContactId) -> None:
        ring = house.runtime.ring
        self._ring, self._wrapping, self._current = ring, dict(ring.wrapping), ring.current
        ring.wrapping, ring.current = {9: KeyRing(KeyRing.generate()).wrapping[1]}, 9
        for contact in contacts:
            house.runtime.vault.forget(contact)

    def mend(self) -> None:
        self._ring.wrapping, self._ring.current = self._wrapping, self._current


@asynccontextmanager
async def dispatching(house: House) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(house.make_dispatcher().run(stopping, 5.0))
    try:
        yield
    finally:
        stopping.set()
        house.runtime.wake.here("dispatch")
        async with asyncio.timeout(15):
            await task


@pytest.mark.parametrize("people", [1, 3])
async def test_a_message_waits_for_the_key_and_says_so(house: House, people: int) -> None:
    await house.tell(house.order(*(house.recipient(101 + number) for number in range(people))))
    contacts = {one.contact for one in await house.messages()}
    lacking = Lacking(house, *contacts)

    async def stand(reason: str) -> bool:
        found = await house.messages()
        return [(one.state, one.reason) for one in found] == [(MessageState.QUEUED, reason)] * people

    async with dispatching(house):
        await wait_until(lambda: stand("key_missing"))
    lacking.mend()
    house.pass_ms(KEY_LOOK_MS)
    assert await house.dispatch() == ["r"] * people, "it is sent, to a channel that nobody answers for here"
    assert await stand("retry")


async def test_nobody_is_taken_for_erased(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    (message,) = await house.messages()
    lacking = Lacking(house, message.contact)

    async def get(request: web.Request) -> web.StreamResponse:
        return web.json_response({"addresses": len((await house.runtime.contacts.get(message.contact)).profile.addresses)})

    request: web.Request = None  # type: ignore[assignment]
    answer = await answering(get)(request)
    assert isinstance(answer, web.Response)
    assert answer.status == 503
    assert "key 1 is missing from GATEWAY_KEYS" in str(answer.text)
    with pytest.raises(KeyMissing):
        await house.runtime.contacts.get_many([message.contact])
    lacking.mend()
    assert (await answering(get)(request)).status == 200
    assert await house.redis.exists(keys.of(message.contact, "k")) == 1
