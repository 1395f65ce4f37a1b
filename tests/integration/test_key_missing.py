"""GATEWAY_KEYS lacks a wrapping key that is in use: an operator's mistake, by which nobody is erased and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from redis.asyncio import Redis

from gateway.api.problems import answering
from gateway.dispatch.sending import KEY_LOOK_MS
from gateway.errors import NotReplicated
from gateway.intake.expand import LOOK_AGAIN_MS, TRIES
from gateway.model.ids import ContactId, MessageId
from gateway.model.message import MessageState
from gateway.planning.legs import Legs
from gateway.store import keys, scripts
from gateway.store.erasure import Erasure
from gateway.store.reply import octets
from gateway.store.vault import KeyMissing, KeyRing
from tests.integration.pace_stage import ALL, pace_stage
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
async def lacking_for(house: House, contact: ContactId) -> AsyncIterator[None]:
    """The ring lacks what wraps the key of this one person, until the end of this."""
    name = keys.of(contact, "k")
    wrapped = octets(await house.redis.get(name))
    await house.redis.set(name, b"7|" + wrapped.partition(b"|")[2])
    house.runtime.vault.forget(contact)
    try:
        yield
    finally:
        await house.redis.set(name, wrapped)


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
    assert set(await house.dispatch()) == {"r"}, "it is sent, to a channel that nobody answers for here"
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


async def test_an_event_waits_for_the_key_of_one_of_its_people_and_no_other_event_does(house: House) -> None:
    other = "ZZ2009/2026-11-22/AMS"
    theirs = house.order(house.recipient(102), number="TF-2", itinerary=[house.leg(other)])
    await house.tell(house.order(house.recipient(101)), theirs)
    contact = (await house.contact_of(101)).id
    event, behind = house.flight(late_min=45), house.flight(late_min=45, entity=other)
    async with lacking_for(house, contact):
        await house.keep(event)
        await house.keep(behind)
        for _ in range(TRIES + 1):
            house.pass_ms(LOOK_AGAIN_MS + 1)
            await house.expander.look(keys.all_partitions())
        assert "flight_delayed" in await house.told(102)
    assert await house.parked() == []
    house.pass_ms(LOOK_AGAIN_MS + 1)
    await house.expand()
    assert "flight_delayed" in await house.told(101)


async def test_an_event_is_not_parked_for_replicas_that_are_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*given: object, **named: object) -> None:
        raise NotReplicated

    event = house.order(house.recipient(101))
    await house.keep(event)
    with monkeypatch.context() as patch:
        patch.setattr(house.runtime.contacts, "change", away)
        for _ in range(TRIES + 1):
            house.pass_ms(LOOK_AGAIN_MS + 1)
            with pytest.raises(NotReplicated):
                await house.expander.look(keys.all_partitions())
    assert await house.parked() == []
    house.pass_ms(LOOK_AGAIN_MS + 1)
    await house.expand()
    assert len(await house.messages()) == 1


async def test_a_fan_out_that_waits_for_a_key_lets_the_others_go_on(redis: Redis, redis_url: str, data_dir: Path) -> None:
    first, other = "ZZ1007/2026-11-22/AMS", "ZZ2009/2026-11-22/AMS"
    async with pace_stage(redis_url, data_dir) as stage:
        house = stage.house
        await stage.followers({first: 30})
        (victim, *_) = [one for number in ALL for one in await house.runtime.contacts.walk(number, "", 99)]
        await stage.followers({other: 30})
        await house.keep(stage.cancelled(first, 3), stage.cancelled(other, 5))
        await house.expander.look(ALL)
        async with lacking_for(house, ContactId(victim)):
            while await house.expander.chunks(ALL):
                pass
            assert await stage.planned(stage.subject(other)) == 30
        house.expander.fan.turns._aside.clear()  # five seconds later
        await house.expand()
        assert await stage.planned(stage.subject(first)) == 30
        assert await house.parked() == []


async def test_another_way_that_waits_for_a_key_lets_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = MessageId("m1"), MessageId("m2")
    done: list[tuple[str, MessageId]] = []

    class Outbox:
        async def ways_due(self, partitions: object) -> list[MessageId]:
            return [first, other]

        async def way_later(self, message: MessageId, at_ms: int) -> None:
            done.append(("later", message))

        async def way_done(self, message: MessageId) -> None:
            done.append(("done", message))

    async def open_(message: MessageId) -> None:
        if message == first:
            raise KeyMissing("key 7 is missing from GATEWAY_KEYS")

    deps: Any = SimpleNamespace(outbox=Outbox(), clock=SimpleNamespace(now_ms=lambda: 0))
    legs = Legs(deps)
    monkeypatch.setattr(legs, "_open", open_)
    assert await legs.turn([0]) == 2
    assert done == [("later", first), ("done", other)]


async def test_an_erasure_that_waits_for_a_key_lets_the_others_be_finished(house: House) -> None:
    await house.tell(house.order(house.recipient(101), house.recipient(102)))
    waits, other = sorted([(await house.contact_of(number)).id for number in (101, 102)])
    runtime = house.runtime
    erasure = Erasure(
        house.redis, house.clock, runtime.vault, runtime.contacts, runtime.conversations, runtime.directory.ids, runtime.pairs
    )
    for contact in (waits, other):  # begun, and left by whoever began it
        names = [keys.of(contact, "f"), keys.beside(contact, "erase"), keys.beside(contact, "facts")]
        await scripts.run(house.redis, "contact_erasing", names, [0, contact, ""])
    async with lacking_for(house, waits):
        assert await erasure.sweep() == 2
        assert await house.redis.exists(keys.of(other, "k")) == 0
    assert await house.redis.exists(keys.of(waits, "k")) == 1
    await erasure.sweep()
    assert await house.redis.exists(keys.of(waits, "k")) == 0
