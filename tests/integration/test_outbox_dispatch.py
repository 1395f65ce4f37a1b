"""The dispatcher itself, towards a channel that breaks in every way: what may have left is never sent again on a guess."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.connector import Outcome, RawResponse, RenderedRequest, Scope, SendResult
from gateway.dispatch.documents import Brought
from gateway.errors import StoreUnavailable
from gateway.model.contact import ConsentEntry
from gateway.model.message import Document, MessageRecord
from gateway.model.personal import Personal
from gateway.store.senders import Stop
from tests.support.core import House, facts_of, open_house
from tests.support.waiting import wait_until


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir, GATEWAY_LEASE_MS="4000", GATEWAY_EVIDENCE_MS="60000") as made:
        yield made


class Channel:
    """Stands in for the wire of the WhatsApp connector; all else of it is real."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house = house
        self.posts: list[str] = []
        self.answer: Callable[[], SendResult] = lambda: SendResult(
            Outcome.ACCEPTED, channel_id=Personal(f"wamid.{len(self.posts)}")
        )
        self.hold = asyncio.Event()
        self.hold.set()
        connector = house.runtime.connectors["whatsapp"]
        monkeypatch.setattr(connector, "send", self.send)
        monkeypatch.setattr(connector, "classify", self.classify)

    async def send(self, request: RenderedRequest) -> RawResponse:
        assert request.body is not None
        self.posts.append(str(request.body["biz_opaque_callback_data"]).split(".")[0])
        await self.hold.wait()
        return RawResponse(200, {}, b"{}")

    def classify(self, outcome: Any) -> SendResult:
        return self.answer()


@pytest.fixture
def channel(house: House, monkeypatch: pytest.MonkeyPatch) -> Channel:
    return Channel(house, monkeypatch)


async def run_until(house: House, true: Callable[[], Any], **changes: Any) -> None:
    """One dispatcher at work until something is so."""
    dispatcher = house.make_dispatcher(**changes)
    stopping = asyncio.Event()
    task = asyncio.create_task(dispatcher.run(stopping, 5.0))
    try:
        await wait_until(true, timeout=30)
    finally:
        stopping.set()
        house.runtime.wake.here("dispatch")
        async with asyncio.timeout(10):
            await task


async def record_of(house: House, number: int = 101) -> MessageRecord:
    (record,) = await house.messages(await house.find(number))
    return record


async def in_state(house: House, *states: str) -> bool:
    return (await record_of(house)).state.value in states


async def has_fact(house: House, *kinds: str) -> bool:
    return any(fact.kind in kinds for fact in await facts_of(house.redis))


async def test_what_is_due_is_sent_once_by_three_dispatchers_at_once(house: House, channel: Channel) -> None:
    people = [house.recipient(number) for number in range(101, 131)]
    await house.tell(house.order(*people))
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(house.make_dispatcher().run(stopping, 5.0)) for _ in range(3)]
    try:
        await wait_until(lambda: len(channel.posts) >= 30)
    finally:
        stopping.set()
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks)
    assert set(Counter(channel.posts).values()) == {1}
    assert {one.state.value for one in await house.messages()} == {"a"}


async def test_each_refusal_for_the_rate_in_a_row_waits_four_times_as_long(house: House, channel: Channel) -> None:
    await house.tell(house.order(house.recipient(101)))
    taken = channel.answer
    channel.answer = lambda: SendResult(Outcome.THROTTLED, scope=Scope.PAIR, code=131056)
    for _ in range(3):
        assert await house.dispatch() == ["h"]
        house.pass_ms(60_000)
    channel.answer = taken
    assert await house.dispatch() == ["a"]
    waits = [int(fact.detail["at"]) - fact.at_ms for fact in await facts_of(house.redis) if fact.kind == "held"]
    assert [round(wait, -3) for wait in waits] == [1000, 4000, 16_000]
    assert (await record_of(house)).attempt == 1


async def test_a_mistake_of_ours_after_the_send_is_uncertain_and_not_a_retry(house: House, channel: Channel) -> None:
    await house.tell(house.order(house.recipient(101)))

    def broken() -> SendResult:
        raise ValueError("nobody foresaw this answer")

    channel.answer = broken
    await run_until(house, lambda: has_fact(house, "uncertain", "retry"))
    assert len(channel.posts) == 1
    assert await has_fact(house, "uncertain")
    house.pass_ms(10_000)
    assert await house.claim_all() == [], "it waits for evidence"


async def test_a_store_that_is_gone_before_the_send_costs_no_attempt_and_no_certainty(
    house: House, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell(house.order(house.recipient(101)))
    failures = iter(range(3))
    whole = house.deliverer._d.preparer.one

    async def one(claimed: Any) -> Any:
        if next(failures, None) is not None:
            raise StoreUnavailable("gone for a moment")
        return await whole(claimed)

    async def many(batch: Any) -> Any:
        return [None] * len(batch)

    monkeypatch.setattr(house.deliverer._d.preparer, "one", one)
    monkeypatch.setattr(house.deliverer._d.preparer, "many", many)
    await run_until(house, lambda: in_state(house, "a"))
    record = await record_of(house)
    assert (record.state.value, record.attempt) == ("a", 1)
    assert len(channel.posts) == 1
    assert not await has_fact(house, "uncertain")


async def test_a_store_that_is_gone_after_the_send_does_not_change_what_became_of_it(
    house: House, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell(house.order(house.recipient(101)))

    async def gone(*_: Any) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(house.runtime.contacts, "change_facts", gone)
    channel.answer = lambda: SendResult(Outcome.UNREACHABLE, code=131026)
    await run_until(house, lambda: in_state(house, "d"))
    assert (await record_of(house)).reason == "unreachable"
    assert len(channel.posts) == 1


@pytest.mark.long
async def test_a_message_that_cannot_be_handled_is_poisoned_after_some_tries_and_frees_its_lane(
    house: House, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell(house.order(house.recipient(101)))
    await house.tell(house.flight(late_min=40))

    def render(message: Any, sender: Any) -> Any:
        raise ZeroDivisionError

    connector = house.runtime.connectors["whatsapp"]
    whole = connector.render
    bad = next(one.id for one in await house.messages() if one.notification == "order_confirmed")
    monkeypatch.setattr(connector, "render", lambda message, sender: (
        render(message, sender) if message.id == bad else whole(message, sender)))  # fmt: skip

    settled = [0]

    async def turned() -> bool:
        found = await house.messages()
        tried = next(one.attempt for one in found if one.id == bad)
        if tried != settled[0]:  # not while it is out: its lease would end by our turning the clock
            settled[0] = tried
            house.pass_ms(5_100)
        return {one.state.value for one in found} == {"a", "d"}

    await run_until(house, turned)
    reasons = {one.notification: one.reason for one in await house.messages()}
    assert reasons["order_confirmed"] == "poisoned"
    assert len(channel.posts) == 1


async def test_a_claim_whose_answer_was_lost_is_asked_for_again_and_sent_once(
    house: House, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell(house.order(house.recipient(101)))
    outbox = house.runtime.outbox
    whole = outbox.claim
    lost: list[int] = []

    async def claim(wants: Any, **more: Any) -> Any:
        claimed = await whole(wants, **more)
        if claimed and not lost:
            lost.append(len(claimed))
            raise StoreUnavailable("the answer was lost")
        return claimed

    monkeypatch.setattr(outbox, "claim", claim)
    await run_until(house, lambda: in_state(house, "a"))
    assert lost == [1]
    assert len(channel.posts) == 1
    assert not await has_fact(house, "uncertain")


async def test_a_slow_send_keeps_its_lease_and_stopping_waits_for_it(house: House, channel: Channel) -> None:
    await house.tell(house.order(house.recipient(101)))
    channel.hold.clear()
    dispatcher = house.make_dispatcher()
    stopping = asyncio.Event()
    task = asyncio.create_task(dispatcher.run(stopping, 5.0))
    await wait_until(lambda: channel.posts)
    stopping.set()
    house.runtime.wake.here("dispatch")
    await asyncio.sleep(0)
    assert not task.done()
    channel.hold.set()
    async with asyncio.timeout(10):
        await task
    assert (await record_of(house)).state.value == "a"


async def test_a_stop_said_while_a_document_was_on_its_way_up_holds_the_message_back(
    house: House, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell(house.order(house.recipient(101), status="processing"))
    ticket = house.event_of(
        "order.document", "ZX7K2P",
        {
            "orderNumber": "ZX7K2P", "document": {"id": "T1", "kind": "ticket", "title": "Ticket", "content": "JVBERi0xLjQK"},
            "recipients": [{"customerId": "C-101", "addresses": house.recipient(101)["addresses"]}],
        },
        source="/ticketing",
    )  # fmt: skip
    await house.tell(ticket)

    async def slow(spec: Any, contact: Any, *_: Any) -> Any:
        said = ConsentEntry("journey", "whatsapp", "zz", False, house.clock.now_ms(), "stop_word")
        await house.runtime.contacts.set_consents(contact, [said])
        house.pass_ms(3000)
        return Brought(Document(spec["ref"], "application/pdf", "ticket.pdf"), Personal("media-1"))

    monkeypatch.setattr(house.deliverer._d.documents, "media", slow)
    (claimed,) = await house.claim_all()
    settlement = (await house.deliverer.deliver(replace(claimed, leased_at_ms=house.clock.now_ms()))).settlement
    assert settlement.reason == "withdrawn"
    assert channel.posts == []


async def test_what_has_been_stopped_for_long_is_looked_at_rarely_and_goes_within_a_minute_of_its_release(
    house: House, channel: Channel
) -> None:
    await house.tell(house.order(house.recipient(101)))
    await house.runtime.senders.stop(Stop("notification:order_confirmed", 0, "test", "wrong words", house.clock.now_ms()))
    looks = []
    for step_ms in (0, 5_001, 600_000, 5_001, 30_000, 26_000):
        house.pass_ms(step_ms)
        looks.append(await house.dispatch())
    assert looks == [["l"], ["l"], ["l"], [], [], ["l"]]
    await house.runtime.senders.resume("notification:order_confirmed")
    house.pass_ms(60_001)
    assert await house.dispatch() == ["a"]
    assert len(channel.posts) == 1


async def test_a_stopped_message_expires_at_its_deadline_and_does_not_come_back_for_ever(house: House, channel: Channel) -> None:
    await house.tell(house.order(house.recipient(101)))
    await house.runtime.senders.stop(Stop("notification:order_confirmed", 0, "test", "wrong words", house.clock.now_ms()))
    house.brakes.stale()
    assert await house.dispatch() == ["l"]
    (message,) = await house.messages()
    house.pass_ms(message.deadline_ms - house.clock.now_ms() + 1)
    assert await house.dispatch() == ["x"]
    (message,) = await house.messages()
    assert (message.state.value, message.reason) == ("x", "expired")
    assert channel.posts == []
