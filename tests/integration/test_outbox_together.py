"""Most messages of a claim are decided on, rendered and concluded together; what is promised of one alone holds all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.connector import RawResponse, RenderedRequest
from gateway.dispatch.ending import Delivered
from gateway.dispatch.outgoing import Alone, Outgoing, Posted
from gateway.dispatch.prepare import FRESH_MS
from gateway.model.contact import ConsentEntry
from gateway.model.ids import partition_of
from gateway.model.message import MessageState
from gateway.store.outbox import Claimed, ClaimWant, open_message
from gateway.wake import Ready
from tests.support.core import House, open_house

PEOPLE = (101, 102, 103)


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


@pytest.fixture
async def posts(house: House, monkeypatch: pytest.MonkeyPatch) -> list[RenderedRequest]:
    """What was handed to the wire; each is answered as accepted."""
    seen: list[RenderedRequest] = []

    async def send(request: RenderedRequest) -> RawResponse:
        seen.append(request)
        answer = b'{"messages":[{"id":"wamid.ANSWER%d","message_status":"accepted"}]}' % len(seen)
        return RawResponse(200, {}, answer)

    monkeypatch.setattr(house.runtime.connectors["whatsapp"], "send", send)
    return seen


async def claimed(house: House) -> list[Claimed]:
    """An order's confirmation to each of three people, claimed at once."""
    await house.tell(house.order(*[house.recipient(number) for number in PEOPLE]))
    await house.brakes.refresh()
    return sorted(await house.claim_all(), key=lambda one: one.id)


async def made(house: House, batch: list[Claimed]) -> list[Outgoing | Delivered | Alone]:
    return await house.deliverer.make(batch, await house.deliverer.prepare(batch))


async def test_a_claim_is_decided_on_rendered_and_settled_together(house: House, posts: list[RenderedRequest]) -> None:
    batch = await claimed(house)
    for one in await made(house, batch):
        assert isinstance(one, Outgoing)
        answered = await house.deliverer.post(one)
        assert isinstance(answered, Posted)
        delivered = house.deliverer.accepted(answered)
        assert delivered is not None
        await house.runtime.outbox.settle([delivered.settlement])
    assert len(posts) == len(PEOPLE)
    assert {one.state for one in await house.messages()} == {MessageState.ACCEPTED}


async def test_what_only_the_answer_told_is_kept_sealed_beside_the_words(house: House, posts: list[RenderedRequest]) -> None:
    (first, *_) = await claimed(house)
    sealed = first.body
    await house.runtime.outbox.settle([(await house.deliverer.deliver(first)).settlement])
    found = await house.runtime.outbox.record(first.id)
    assert found is not None
    record, kept = found
    assert kept == sealed, "the words stay as they were sealed when they were planned"
    assert "wamid" not in record.sent
    body = open_message(await house.runtime.vault.contact_box(record.contact), record, kept)
    assert (body["as"], body["id"]) == ("order_confirmed_v1", "wamid.ANSWER1")
    assert body["kind"] == "notification"


async def test_what_was_decided_on_too_long_ago_is_not_posted_and_decided_on_anew(
    house: House, posts: list[RenderedRequest]
) -> None:
    outgoing = (await made(house, await claimed(house)))[0]
    assert isinstance(outgoing, Outgoing)
    contact, body = outgoing.task.contact.id, outgoing.task.body
    stop = ConsentEntry(body["purpose"], "whatsapp", body["brand"], False, house.clock.now_ms() + 1, "stop_word")
    await house.runtime.contacts.set_consents(contact, [stop])
    house.pass_ms(FRESH_MS + 1)
    assert await house.deliverer.post(outgoing) is None
    again = await house.deliverer.deliver(outgoing.task.claimed)
    assert (again.settlement.reason, posts) == ("withdrawn", [])


async def test_what_was_read_beside_a_claim_is_as_old_as_the_claim(house: House, posts: list[RenderedRequest]) -> None:
    await house.tell(house.order(house.recipient(101)))
    await house.brakes.refresh()
    (record,) = await house.messages()
    hint = Ready(partition_of(record.id), record.sender, int(record.priority), record.id, record.contact, record.told)
    ahead = house.deliverer.ahead([hint])
    want = ClaimWant("t-1", hint.partition, record.sender, record.priority, 1)
    outbox, settings = house.runtime.outbox, house.runtime.settings
    batch = await outbox.claim(
        [want], worker="t", lease_ms=settings.lease_ms, evidence_ms=settings.evidence_ms, clock_ok=True, ahead=ahead
    )
    house.pass_ms(FRESH_MS + 1)  # replicas took their time
    (outgoing,) = await house.deliverer.make(batch, await house.deliverer.prepare(batch, ahead))
    assert isinstance(outgoing, Outgoing)
    assert await house.deliverer.post(outgoing) is None, "they may have stopped us meanwhile"
    assert posts == []


async def test_no_post_begins_with_little_of_the_lease_left(house: House, posts: list[RenderedRequest]) -> None:
    outgoing = (await made(house, await claimed(house)))[0]
    assert isinstance(outgoing, Outgoing)
    nearly_over = house.clock.now_ms() - house.runtime.settings.lease_ms + 2_000
    outgoing.task = replace(outgoing.task, claimed=replace(outgoing.task.claimed, leased_at_ms=nearly_over))
    assert await house.deliverer.post(outgoing) is None
    assert posts == []


async def test_people_of_a_claim_are_counted_against_the_tier_together(house: House, posts: list[RenderedRequest]) -> None:
    for sender in house.runtime.directory.ids:
        await house.runtime.senders.set_state(sender, {"tier": 2})
    batch = await claimed(house)
    found = await made(house, batch)
    later = [one.settlement for one in found if isinstance(one, Delivered)]
    assert sum(isinstance(one, Outgoing) for one in found) == 2
    assert [(one.outcome, one.reason) for one in later] == [("l", "tier")]


async def test_one_message_that_breaks_us_spoils_no_other_of_its_claim(
    house: House, posts: list[RenderedRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = await claimed(house)
    connector = house.runtime.connectors["whatsapp"]
    whole = connector.render

    def render(message: Any, sender: Any) -> Any:
        if message.id == batch[1].id:
            raise ZeroDivisionError
        return whole(message, sender)

    monkeypatch.setattr(connector, "render", render)
    assert [type(one) for one in await made(house, batch)] == [Outgoing, Alone, Outgoing]
