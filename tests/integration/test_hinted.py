"""Dispatch claims what it is told of where it lies; told wrongly, late, twice or not at all, it still sends everything once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.connector import Outcome, RawResponse, SendResult
from gateway.dispatch.hinted import places_of
from gateway.model.ids import SenderId
from gateway.model.personal import Personal
from gateway.store.senders import Stop
from gateway.store.wakeup import listen, publish_to
from gateway.wake import Ready, Wake
from tests.support.core import House, facts_of, open_house
from tests.support.waiting import wait_until


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


@pytest.fixture
def posts(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of what was posted."""
    found: list[str] = []
    connector: Any = house.runtime.connectors["whatsapp"]
    render = connector.render

    def noting(message: Any, sender: Any) -> Any:
        found.append(message.id)
        return render(message, sender)

    async def send(request: Any) -> RawResponse:
        return RawResponse(200, {}, b"{}")

    monkeypatch.setattr(connector, "render", noting)
    monkeypatch.setattr(connector, "send", send)
    monkeypatch.setattr(
        connector, "classify", lambda outcome: SendResult(Outcome.ACCEPTED, channel_id=Personal(f"id-{len(found)}"))
    )
    return found


@asynccontextmanager
async def dispatching(house: House, count: int = 1) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(house.make_dispatcher().run(stopping, 5.0)) for _ in range(count)]
    try:
        yield
    finally:
        stopping.set()
        house.runtime.wake.here("dispatch")
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks)


async def test_a_hint_that_is_lost_costs_a_second_and_nothing_else(
    house: House, posts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell(house.order(house.recipient(101), status="processing"))
    async with dispatching(house):
        monkeypatch.setattr(house.runtime.wake, "now", lambda *_: None)
        await house.tell(house.flight(late_min=40))
        await wait_until(lambda: posts, timeout=5)
    assert len(posts) == 1


def _posted(posts: list[str], count: int) -> bool:
    return len(set(posts)) >= count


async def test_one_hint_to_three_dispatchers_is_one_message(
    house: House, posts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its own wake, and hears what all do."""
    await house.tell(house.order(house.recipient(101), status="processing"))
    wakes = [Wake() for _ in range(3)]
    stopping = asyncio.Event()
    tasks = []
    for wake in wakes:
        dispatcher = house.make_dispatcher()
        monkeypatch.setattr(dispatcher, "_wake", wake)
        tasks.append(asyncio.create_task(dispatcher.run(stopping, 5.0)))

    def tell_all(topic: str, hints: Sequence[Ready] = ()) -> None:
        for wake in wakes:
            wake.here(topic, hints)

    monkeypatch.setattr(house.runtime.wake, "now", tell_all)
    for number in range(5):
        await house.tell(house.flight(late_min=40 + 15 * number, at_ms=number))
        await wait_until(partial(_posted, posts, number + 1))
    stopping.set()
    tell_all("dispatch")
    async with asyncio.timeout(10):
        await asyncio.gather(*tasks)
    assert set(Counter(posts).values()) == {1}


async def test_a_stopped_sender_is_not_claimed_for_by_a_hint(house: House, posts: list[str]) -> None:
    await house.tell(house.order(house.recipient(101), status="processing"))
    now = house.clock.now_ms()
    await house.runtime.senders.stop(Stop("all", 0, "tests", "a test", now))
    house.brakes.stale()
    async with dispatching(house):
        await house.tell(house.flight(late_min=40))
        hint = Ready(0, "zz-wa", 2, "", "", "")
        house.runtime.wake.here("dispatch", [hint])
        await wait_until(lambda: house.brakes.stopped(SenderId("zz-wa")))
        assert not any(fact.kind == "claimed" for fact in await facts_of(house.redis))
        await house.runtime.senders.resume("all")
        house.brakes.stale()
        await wait_until(lambda: len(posts) == 1, timeout=10)


async def test_a_hint_without_a_message_finds_what_is_ready_there_and_when_the_rest_is_due(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    (record,) = await house.messages()
    partition = int(record.id[1:3])
    sender = SenderId("zz-wa")
    found = await places_of(house.runtime.outbox, [Ready.look(partition, sender)], heads=8)
    assert found.ready[sender][int(record.priority)] == {partition: 1}
    named = Ready(partition, sender, int(record.priority), record.id, record.contact, record.told)
    both = await places_of(house.runtime.outbox, [named, Ready.look(partition, sender)], heads=8)
    assert both.ready == found.ready, "named and seen is one"
    await house.claim_all()
    later = await places_of(house.runtime.outbox, [Ready.look(partition, sender)], heads=8)
    assert later.ready == {}
    assert later.due_in_ms is not None
    assert (await places_of(house.runtime.outbox, [Ready.look(partition, sender)], heads=0)).more


async def test_hints_reach_another_process_and_one_of_the_version_before_hears_the_plain_word(
    house: House, redis: Redis
) -> None:
    heard: list[tuple[str, Sequence[Ready]]] = []
    stopping = asyncio.Event()
    listening = asyncio.create_task(
        listen(house.runtime.connection.blocking, lambda topic, hints: heard.append((topic, hints)), stopping)
    )
    old = redis.pubsub()
    await old.subscribe("thuisfront:wake")
    hint = Ready(7, "zz-wa", 2, "m07", "c07", "x:y")
    publish = publish_to(house.redis)

    async def both_listen() -> bool:
        await publish("desk", ())
        return bool(heard)

    await wait_until(both_listen)
    await publish("dispatch", [hint])
    await publish("inbox", ())
    await wait_until(lambda: ("inbox", ()) in heard)
    assert [one for one in heard if one[0] != "desk"] == [("dispatch", [hint]), ("inbox", ())]
    words: list[Any] = []
    while b"inbox" not in words:
        message = await old.get_message(timeout=5.0)
        assert message is not None, words
        words += [message["data"]] if message["type"] == "message" else []
    assert [word for word in words if word != b"desk"] == [b"dispatch", b"inbox"]
    stopping.set()
    await old.aclose()  # type: ignore[no-untyped-call]
    async with asyncio.timeout(10):
        await listening
