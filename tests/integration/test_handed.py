"""What may be on a phone, as `told` keeps it: the message that a value which went back and forth is compared with."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from gateway.model.ids import MessageId
from gateway.model.message import MessageState
from gateway.store import keys
from gateway.store.outbox import Claimed
from tests.support.core import EVIDENCE_MS, LEASE_MS, Lanes, facts_of


@pytest.fixture
def lanes(redis: Redis) -> Lanes:
    return Lanes(redis)


async def told(lanes: Lanes, version: int) -> MessageId:
    """Newer news of the value."""
    message = lanes.message("gate")
    await lanes.put(message, n=version)
    return message.id


async def before(lanes: Lanes, message: MessageId) -> str | None:
    return await lanes.outbox.handed_before(await lanes.record(message))


async def unsure(lanes: Lanes) -> Claimed:
    """The next one left without an answer, and is handed out again."""
    await lanes.settle(await lanes.one(), "u")
    lanes.pass_ms(EVIDENCE_MS + 1)
    return await lanes.one()


async def test_nothing_was_handed_over_before_the_first(lanes: Lanes) -> None:
    assert await before(lanes, await told(lanes, 1)) == ""


async def test_what_was_taken_back_before_it_was_tried_leaves_what_was_there(lanes: Lanes) -> None:
    first = await told(lanes, 1)
    assert await lanes.send() == first
    await told(lanes, 2)
    assert await before(lanes, await told(lanes, 3)) == first


async def test_what_is_on_its_way_may_arrive(lanes: Lanes) -> None:
    first = await told(lanes, 1)
    await lanes.one()
    second = await told(lanes, 2)
    assert await before(lanes, second) == first
    lanes.pass_ms(LEASE_MS + 1)
    await lanes.claim()
    assert await before(lanes, await told(lanes, 3)) == first, "and so may what nobody answers for"


async def test_what_was_sent_without_an_answer_and_then_dropped_may_be_there(lanes: Lanes) -> None:
    first = await told(lanes, 1)
    again = await unsure(lanes)
    await lanes.settle(again, "x", attempt=0, state=MessageState.SUPPRESSED, reason="withdrawn")
    assert await before(lanes, await told(lanes, 2)) == first


async def test_what_was_sent_without_an_answer_and_then_refused_may_be_there(lanes: Lanes) -> None:
    first = await told(lanes, 1)
    await lanes.settle(await unsure(lanes), "r", at_ms=5000)
    assert await before(lanes, await told(lanes, 2)) == first


async def test_a_lost_lease_that_ends_without_another_try_may_be_there(lanes: Lanes) -> None:
    first = await told(lanes, 1)
    await lanes.one()
    lanes.pass_ms(LEASE_MS + 1)
    await lanes.claim()
    lanes.pass_ms(EVIDENCE_MS + 1)
    await lanes.settle(await lanes.one(), "x", attempt=0, state=MessageState.EXPIRED, reason="expired")
    assert await before(lanes, await told(lanes, 2)) == first


async def test_what_was_suppressed_changes_nothing_on_a_phone(lanes: Lanes) -> None:
    first = await told(lanes, 1)
    await lanes.send()
    held = lanes.message("gate", state=MessageState.SUPPRESSED, reason="no_consent")
    await lanes.put(held, n=2)
    assert await before(lanes, await told(lanes, 3)) == first


async def test_an_entry_of_the_version_before_says_nothing_for_certain(lanes: Lanes) -> None:
    first = await told(lanes, 1)
    field = (await lanes.record(first)).told
    await lanes.redis.hset(keys.of(lanes.contact, "told"), field, f"1|{first}|zz-wa|s")
    assert await before(lanes, await told(lanes, 2)) is None


async def test_the_end_of_a_message_on_its_way_is_told_with_what_ended_it(lanes: Lanes) -> None:
    message = await told(lanes, 1)
    claimed = await lanes.one()
    newer = await told(lanes, 2)
    assert await lanes.settle(claimed, "r", at_ms=1000) == "replaced"
    facts = [fact for fact in await facts_of(lanes.redis) if fact.kind == "replaced"]
    assert [(fact.id_of("m"), fact.detail["by"]) for fact in facts] == [(message, newer)]
    taken = await lanes.one()
    await lanes.put(n=3, ends=("gate",), event="e07cancelled")
    assert await lanes.settle(taken, "r", at_ms=1000) == "ended"
    assert [fact.detail["by"] for fact in await facts_of(lanes.redis) if fact.kind == "ended"] == ["e07cancelled"]
