"""A store whose memory is full: work is refused whole, promises are kept. On a server of its own with a limit."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.errors import StoreUnavailable
from gateway.model.contact import Consent
from gateway.model.ids import SenderId
from gateway.model.message import DeliveryStatus, Priority
from gateway.store import keys, scripts
from gateway.store.client import connect
from gateway.store.ownership import Ownership
from gateway.store.senders import Senders
from tests.support.core import House, Lanes, open_house, settings_for
from tests.support.meta import inbound_text, status_of, webhook
from tests.support.server import StoreServer

LIMIT = 64 * 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[StoreServer]:
    made = StoreServer({"maxmemory-policy": "noeviction"})
    yield made
    made.close()


@pytest.fixture
async def house(server: StoreServer) -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory(prefix="thuisfront-full-") as name:
        async with open_house(server.url, Path(name)) as made:
            await relieve(made.redis)
            await made.redis.flushall()
            await made.approve()
            yield made
            await relieve(made.redis)


async def fill(redis: Redis) -> None:
    """From now on every write that asks for memory is refused."""
    await redis.config_set("maxmemory", 1_000_000)
    with pytest.raises(StoreUnavailable):
        await redis.set("lease:full", "x")


async def relieve(redis: Redis) -> None:
    await redis.config_set("maxmemory", 0)


@pytest.fixture
async def lanes(house: House) -> Lanes:
    return Lanes(house.redis)


async def every_value(redis: Redis) -> dict[bytes, bytes | None]:
    return {bytes(name): await redis.dump(name) async for name in redis.scan_iter(count=1000)}


async def test_a_plan_is_refused_whole_and_nothing_of_it_is_written(lanes: Lanes) -> None:
    old = lanes.message("gate")
    await lanes.put(old, n=1)
    before = await every_value(lanes.redis)
    await fill(lanes.redis)
    fresh = [lanes.message("landed", item=str(number)) for number in range(3)]
    with pytest.raises(StoreUnavailable):
        await lanes.put(*fresh, n=2)
    assert await every_value(lanes.redis) == before
    await relieve(lanes.redis)
    assert (await lanes.put(*fresh, n=2)).messages == ("queued",) * 3


async def test_a_plan_that_takes_out_older_news_is_written_whole_or_not_at_all(lanes: Lanes) -> None:
    old, new = lanes.message(), lanes.message()
    await lanes.put(old, n=1)
    await fill(lanes.redis)
    try:
        await lanes.put(new, n=2)
        assert (await lanes.state(old.id), await lanes.state(new.id)) == ("r", "q")
    except StoreUnavailable:
        assert await lanes.state(old.id) == "q"
        assert await lanes.outbox.record(new.id) is None


async def test_what_was_claimed_is_renewed_and_settled_and_the_next_one_is_sent(lanes: Lanes) -> None:
    first, second = await lanes.queue("first", "second")
    claimed = await lanes.one()
    await fill(lanes.redis)
    assert await lanes.outbox.renew([claimed], lease_ms=10_000) == [True]
    assert await lanes.settle(claimed, stub=b"x" * 500, channel_hash="1" * 32) == "settled"
    assert await lanes.state(first) == "a"
    assert await lanes.send() == second, "sending is what makes room: it must not stop when there is none"


async def test_tokens_are_handed_out(house: House) -> None:
    await fill(house.redis)
    senders = Senders(house.redis, house.clock)
    assert sum((await senders.draw(SenderId("zz-wa"), 80, [1, 1, 1, 1])).tokens) == 4
    assert (await senders.people("tests", 250, ["a" * 16]))[1] == [True]


async def test_evidence_is_taken_in(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.settle(await lanes.one(Priority.NORMAL), "u")
    await fill(lanes.redis)
    assert await lanes.evidence(first, DeliveryStatus.DELIVERED) == "settled"
    assert await lanes.state(first) == "a"


async def test_a_webhook_is_kept_split_and_a_stop_in_it_takes_effect(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    contact = await house.contact_of(101)
    assert contact.facts.consents["journey.whatsapp.zz"].granted
    await house.take_webhooks()
    await fill(house.redis)
    raw = webhook(inbound_text(house, "447700900101", "stop"))
    await house.runtime.webhooks.append("whatsapp", raw)
    with pytest.raises(StoreUnavailable):  # the conversation has no room; the stop asked for none
        await house.take_webhooks()
    contact = await house.contact_of(101)
    assert contact.facts.consents["journey.whatsapp.zz"] == Consent(False, contact.facts.consents["journey.whatsapp.zz"].at_ms)
    assert not contact.facts.consents["journey.whatsapp.zz"].granted
    await relieve(house.redis)
    await house.take_webhooks()
    assert await house.parked() == []
    assert "stop_confirmed" in await house.told(101)


async def test_waiting_for_room_never_parks_an_item(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    await fill(house.redis)
    await house.runtime.webhooks.append("whatsapp", webhook(inbound_text(house, "447700900101", "where is my gate?")))
    for _ in range(6):
        with pytest.raises(StoreUnavailable):
            await house.take_webhooks()
    await relieve(house.redis)
    assert await house.take_webhooks() == 1
    assert await house.parked() == []


async def test_a_message_without_room_does_not_keep_back_the_statuses_of_other_partitions(house: House) -> None:
    await house.tell(house.order(*(house.recipient(number) for number in range(101, 121))))
    claimed = await house.claim_all()
    assert len(claimed) == 20
    bodies = [inbound_text(house, "447700900101", "hello?")]
    bodies += [status_of(house, one, "sent", f"wamid.{number}") for number, one in enumerate(claimed)]
    await house.runtime.webhooks.append("whatsapp", webhook(*bodies))
    await fill(house.redis)
    writer = await house.find(101)
    mine = next(one for one in claimed if one.record.contact == writer)
    await house.apply_turn()
    states = {one.id: (await house.runtime.outbox.record(one.id))[0].state.value for one in claimed}  # type: ignore[index]
    others = [state for message, state in states.items() if message[1:3] != mine.id[1:3]]
    assert others == ["a"] * len(others)
    await relieve(house.redis)


async def test_processes_go_on_owning_their_share(house: House) -> None:
    ownership = Ownership(house.redis, house.clock, "split", keys.WEBHOOK_LOGS)
    await fill(house.redis)
    assert await ownership.mine() == list(range(keys.WEBHOOK_LOGS))


async def test_an_event_is_refused_whole(house: House) -> None:
    before = await every_value(house.redis)
    await fill(house.redis)
    with pytest.raises(StoreUnavailable):
        await house.keep(house.flight(late_min=30))
    assert {name for name in await every_value(house.redis)} - set(before) <= {b"workers"}
    assert await house.runtime.events.depth() == 0


async def test_a_client_of_the_settings_says_store_unavailable_for_a_full_store(server: StoreServer, tmp_path: Path) -> None:
    connection = await connect(settings_for(server.url, tmp_path, "http://127.0.0.1:9"))
    try:
        await scripts.load_all(connection.redis)
        await fill(connection.redis)
        with pytest.raises(StoreUnavailable):
            await connection.redis.set(keys.lease("x"), "1")
    finally:
        await relieve(connection.redis)
        await connection.close()

