"""Slots: nobody has more live conversations than they may, whoever gives at once, and what a crash left is mended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.clock import Clock
from gateway.model.conversation import AgentId, ConversationState, InboundEntry
from gateway.model.ids import ConversationId, SenderId, new_address_id, new_contact_id
from gateway.model.personal import Personal
from gateway.model.webcare import Assignment, Boost, Decision, LeftOut, Load
from gateway.store import keys
from gateway.store.conversations import Command, Conversations
from gateway.store.slots import Want
from gateway.store.vault import KeyRing, Vault

ANN, TOM = AgentId("g1"), AgentId("g2")
SENDER = SenderId("zz-wa")


class World:
    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.clock = Clock()
        self.conversations = Conversations(redis, self.clock, Vault(KeyRing(KeyRing.generate()), redis))

    async def somebody_writes(self) -> ConversationId:
        contact = new_contact_id()
        item = InboundEntry("wamid.1", "text", Personal("where is it?"), self.clock.now_ms())
        return await self.conversations.add_inbound(contact, "zz", new_address_id(contact), SENDER, item=item)

    async def here(self, agent: AgentId, status: str = "available") -> None:
        await self.redis.hset(keys.presence(agent), mapping={"st": status, "b": self.clock.now_ms()})
        await self.redis.pexpire(keys.presence(agent), keys.KEEP_MS)

    async def give(self, conversation: ConversationId, agent: AgentId, **more: Any) -> str:
        found = await self.conversations.get(conversation)
        asked = Assignment(conversation, agent, found.epoch, **{"capacity": 2, "owned_max": 8, **more})
        return (await self.conversations.give([asked]))[0]

    async def load(self, agent: AgentId) -> Load:
        return (await self.conversations.slots.loads([agent]))[agent]


@pytest.fixture
async def world(redis: Any) -> World:
    return World(redis)


async def test_a_conversation_that_is_given_is_assigned_and_takes_a_slot(world: World) -> None:
    await world.here(ANN)
    conversation = await world.somebody_writes()
    assert await world.give(conversation, ANN) == "given"
    found = await world.conversations.get(conversation)
    assert (found.state, found.owner, found.epoch) == (ConversationState.ASSIGNED, ANN, 2)
    assert await world.conversations.desk.mine(ANN) == [conversation]
    assert await world.conversations.desk.queue("general") == []
    assert await world.load(ANN) == Load(1, 1)
    assert await world.redis.zcard(keys.RESERVATIONS) == 0


async def test_whoever_gives_at_once_nobody_is_over_capacity(world: World) -> None:
    await world.here(ANN)
    waiting = [await world.somebody_writes() for _ in range(6)]
    said = await asyncio.gather(*(world.give(one, ANN) for one in waiting))
    assert sorted(said) == ["full"] * 4 + ["given"] * 2
    assert await world.load(ANN) == Load(2, 2)


async def test_a_batch_is_given_in_order_until_there_is_no_slot(world: World) -> None:
    await world.here(ANN)
    waiting = [await world.somebody_writes() for _ in range(3)]
    assert await world.conversations.give([Assignment(one, ANN, 1, 2) for one in waiting]) == ["given", "given", "full"]


async def test_two_who_give_one_conversation_give_it_once(world: World) -> None:
    await world.here(ANN)
    await world.here(TOM)
    conversation = await world.somebody_writes()
    said = await asyncio.gather(world.give(conversation, ANN), world.give(conversation, TOM))
    assert sorted(said) in (["given", "taken"], ["given", "moved"])
    loads = await world.conversations.slots.loads([ANN, TOM])
    assert sorted(load.live for load in loads.values()) == [0, 1]


@pytest.mark.parametrize("status", ["", "busy", "break", "offline", "not_responding"])
async def test_who_is_not_available_is_given_nothing_by_the_router(world: World, status: str) -> None:
    if status:
        await world.here(ANN, status)
    assert await world.give(await world.somebody_writes(), ANN) == "away"
    assert await world.load(ANN) == Load(0, 0)


async def test_who_was_not_seen_for_45_seconds_is_given_nothing(world: World) -> None:
    await world.here(ANN)
    world.clock.offset_ms += (45_000)
    assert await world.give(await world.somebody_writes(), ANN) == "away"


async def test_between_two_there_are_three_seconds(world: World) -> None:
    await world.here(ANN)
    first, second = await world.somebody_writes(), await world.somebody_writes()
    assert await world.give(first, ANN, gap_ms=3000) == "given"
    assert await world.give(second, ANN, gap_ms=3000) == "gap"
    world.clock.offset_ms += (3000)
    assert await world.give(second, ANN, gap_ms=3000) == "given"


async def test_what_is_theirs_is_counted_beside_what_is_live(world: World) -> None:
    await world.here(ANN)
    await world.redis.zadd(keys.mine(ANN), {f"v07{n}": n for n in range(8)})
    assert await world.give(await world.somebody_writes(), ANN) == "owned"


async def test_a_reservation_that_is_too_old_binds_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.here(ANN)
    conversation = await world.somebody_writes()
    reserve = world.conversations.slots.reserve

    async def slowly(wanted: Any) -> Any:
        answers = await reserve(wanted)
        world.clock.offset_ms += (5001)
        return answers

    monkeypatch.setattr(world.conversations.slots, "reserve", slowly)
    assert await world.give(conversation, ANN) == "moved"
    assert (await world.conversations.get(conversation)).owner is None
    assert await world.load(ANN) == Load(0, 0)


async def test_why_this_agent_is_kept_with_the_conversation(world: World) -> None:
    await world.here(ANN)
    conversation = await world.somebody_writes()
    left = (LeftOut(TOM, "full"),)
    decision = Decision(conversation, ANN, 5, "idle", "general", 0, (ANN, TOM), left, TOM, "v1", 1200, Boost.REOPENED)
    assert await world.give(conversation, ANN, decision=decision) == "given"
    assert await world.conversations.decisions(conversation) == [decision]


async def test_a_slot_that_falls_free_says_when(world: World) -> None:
    await world.here(ANN)
    conversation = await world.somebody_writes()
    await world.give(conversation, ANN)
    found = await world.conversations.get(conversation)
    await world.conversations.release(Command(found.id, ANN, found.epoch, "k1"))
    assert await world.load(ANN) == Load(0, 0)
    assert abs(int(await world.redis.hget(keys.presence(ANN), "f")) - world.clock.now_ms()) < 5000


async def test_a_reservation_that_somebody_died_with_is_swept_after_a_minute(world: World) -> None:
    await world.here(ANN)
    conversation = await world.somebody_writes()
    await world.conversations.slots.reserve([Want(ANN, conversation)])
    assert await world.load(ANN) == Load(1, 1)
    world.clock.offset_ms += 59_000
    await world.conversations.repair()
    assert await world.load(ANN) == Load(1, 1)
    world.clock.offset_ms += 2_000
    await world.conversations.repair()
    assert await world.load(ANN) == Load(0, 0)
    assert await world.redis.zcard(keys.RESERVATIONS) == 0


async def test_who_dies_behind_the_bind_leaves_a_slot_that_stays_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.here(ANN)
    conversation = await world.somebody_writes()

    async def dies(conversations: Any, *more: Any) -> Any:
        raise ConnectionError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(world.conversations.desk, "settle_many", dies)
        with pytest.raises(ConnectionError):
            await world.give(conversation, ANN)
    assert await world.load(ANN) == Load(1, 1)
    world.clock.offset_ms += 61_000
    await world.conversations.repair()
    assert await world.redis.hgetall(keys.slots(ANN)) == {conversation.encode(): b"l"}
    assert await world.conversations.desk.mine(ANN) == [conversation]
