"""What time does to agents and to what they have: not opened, gone, back again; a test for each row of the edge cases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.model.conversation import ConversationState
from gateway.model.webcare import AgentStatus
from gateway.rules.presences import flagged
from gateway.store.presence import FORGOTTEN_MS
from tests.integration.router_stage import House
from tests.support.waiting import wait_until

ASSIGNED, ACTIVE, WAITING, QUEUED = (
    ConversationState.ASSIGNED, ConversationState.ACTIVE, ConversationState.WAITING, ConversationState.QUEUED,
)  # fmt: skip


@pytest.fixture
async def house(redis: Any) -> House:
    return House(redis)


async def test_t6_what_is_not_opened_in_45_s_goes_to_somebody_else_with_its_age(house: House) -> None:
    ann = await house.agent("ann")
    conversation = await house.writes()
    await house.router.turn()
    given = await house.get(conversation)
    assert (given.state, given.owner) == (ASSIGNED, ann.id)
    tom = await house.agent("tom")
    await house.pass_s(44, ann.id, tom.id)
    await house.router.turn()
    assert await house.owner(conversation) == ann.id
    await house.pass_s(2, ann.id, tom.id)
    await house.router.turn()
    back = await house.get(conversation)
    assert (back.state, back.epoch, back.waiting_since_ms) == (QUEUED, given.epoch + 1, given.waiting_since_ms)
    assert (await house.book.get(ann.id)).status is AgentStatus.NOT_RESPONDING
    await house.book.choose(ann.id, AgentStatus.AVAILABLE)
    await house.router.turn()
    assert await house.owner(conversation) == tom.id
    (newest, _) = await house.conversations.decisions(conversation)
    assert {one.agent: one.why for one in newest.left_out} == {ann.id: "excluded"}


async def test_t6_who_works_elsewhere_has_two_minutes_and_who_opens_keeps_it(house: House) -> None:
    ann = await house.agent("ann")
    conversation = await house.writes()
    await house.router.turn()
    for _ in range(11):
        await house.pass_s(10)
        await house.book.beat(ann.id, touched=True)
        await house.router.turn()
    assert (await house.get(conversation)).state is ASSIGNED
    seen = await house.get(conversation)
    await house.opens(conversation, ann)
    assert not await house.conversations.requeue(seen, "not_opened"), "opened in the moment in which it was to be taken"
    await house.pass_s(20, ann.id)
    await house.router.turn()
    assert ((await house.get(conversation)).state, (await house.book.get(ann.id)).status) == (ACTIVE, AgentStatus.AVAILABLE)


async def test_e11_the_second_time_within_an_hour_the_supervisor_sees_it(house: House) -> None:
    ann = await house.agent("ann")
    for expected in (False, True):
        await house.writes()
        await house.book.choose(ann.id, AgentStatus.AVAILABLE)
        await house.router.turn()
        await house.pass_s(46, ann.id)
        await house.router.turn()
        assert flagged(await house.book.get(ann.id), house.clock.now_ms()) is expected


async def test_e1_who_is_gone_for_two_minutes_loses_what_waits_for_them_and_it_goes_first(house: House) -> None:
    ann = await house.agent("ann")
    conversation = await house.writes()
    await house.router.turn()
    await house.opens(conversation, ann)
    await house.answers(conversation, ann)
    await house.writes_again(conversation)
    tom = await house.agent("tom", status=AgentStatus.BREAK)
    await house.pass_s(119, tom.id)
    await house.router.turn()
    assert await house.owner(conversation) == ann.id
    before = await house.get(conversation)
    await house.pass_s(2, tom.id)
    await house.router.turn()
    back = await house.get(conversation)
    assert (back.state, back.boost, back.boost_s) == (QUEUED, "unreachable", 600)
    assert back.waiting_since_ms == before.waiting_since_ms
    assert [(one, line) for one, line, _, _ in house.said] == [(conversation, "took_over")]
    newer = await house.writes()
    await house.book.choose(tom.id, AgentStatus.AVAILABLE)
    await house.router.turn()
    assert (await house.owner(conversation), await house.owner(newer)) == (tom.id, None)


async def test_e1_nobody_is_told_of_a_colleague_where_no_person_had_spoken(house: House) -> None:
    ann = await house.agent("ann")
    conversation = await house.writes()
    await house.router.turn()
    await house.opens(conversation, ann)
    await house.pass_s(121)
    await house.router.turn()
    assert ((await house.get(conversation)).state, house.said) == (QUEUED, [])


async def test_e2_what_was_answered_stays_and_goes_to_the_queue_only_when_they_write(house: House) -> None:
    ann = await house.agent("ann")
    conversation = await house.writes()
    await house.router.turn()
    await house.opens(conversation, ann)
    await house.answers(conversation, ann)
    await house.pass_s(121)
    await house.router.turn()
    resting = await house.get(conversation)
    assert (resting.state, resting.owner) == (WAITING, ann.id)
    assert (await house.conversations.slots.loads([ann.id]))[ann.id].live == 0
    await house.writes_again(conversation)
    await house.router.turn()
    await house.router.turn()
    assert ((await house.get(conversation)).state, house.said) == (QUEUED, [])


async def test_e2_who_is_back_by_then_has_it_again_under_the_same_epoch(house: House) -> None:
    ann = await house.agent("ann")
    conversation = await house.writes()
    await house.router.turn()
    await house.opens(conversation, ann)
    await house.answers(conversation, ann)
    await house.pass_s(121)
    await house.router.turn()
    resting = await house.get(conversation)
    await house.pass_s(60, ann.id)
    await house.writes_again(conversation)
    await house.router.turn()
    back = await house.get(conversation)
    assert (back.state, back.owner, back.epoch) == (ACTIVE, ann.id, resting.epoch)


async def test_who_comes_back_to_an_agent_who_is_not_seen_at_all_does_not_wait(house: House) -> None:
    ann = await house.agent("ann")
    conversation = await house.writes()
    await house.router.turn()
    await house.opens(conversation, ann)
    await house.answers(conversation, ann)
    await house.pass_s(121)
    await house.router.turn()
    await house.pass_s(FORGOTTEN_MS / 1000)
    await house.router.turn()
    assert await house.book.here() == []
    assert (await house.book.get(ann.id)).status is AgentStatus.OFFLINE
    running = asyncio.create_task(house.router.run())
    try:
        await wait_until(lambda: house.router._leading and house.router._seen)
        await house.writes_again(conversation)

        async def queued() -> bool:
            return (await house.get(conversation)).state is QUEUED

        await wait_until(queued, timeout=5)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
