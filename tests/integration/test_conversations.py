"""Conversations in the store: one a person and brand, one owner, every reply one message, and lists that heal."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound, StoreUnavailable
from gateway.model.conversation import AgentId, ConversationState, EntryKind, InboundEntry, is_courtesy
from gateway.model.ids import (
    AddressId,
    ContactId,
    ConversationId,
    MessageId,
    SenderId,
    message_id,
    new_address_id,
    new_contact_id,
    partition_of,
)
from gateway.model.message import MessageState, Priority
from gateway.model.personal import Personal
from gateway.store import bulk, keys, scripts
from gateway.store.conversations import Command, CommandRefused, Conversations, Done
from gateway.store.outbox import ClaimWant, Outbox, Pair
from gateway.store.vault import KeyRing, Vault

ANN, TOM = AgentId("g1"), AgentId("g2")
SENDER = SenderId("zz-wa")
HOUR = 3_600_000
DAY = 24 * HOUR


@dataclass
class World:
    redis: Any
    clock: Clock
    vault: Vault
    conversations: Conversations
    outbox: Outbox
    contact: ContactId
    address: AddressId
    said: int = 0

    async def says(
        self, text: str, *, key: str = "", kind: str = "text", needs: bool = True, brand: str = "zz"
    ) -> ConversationId:
        self.said += 1
        item = InboundEntry(
            key or f"wamid.{self.said}", kind, Personal(text), self.clock.now_ms(), channel_message_id=Personal("wamid.X")
        )
        return await self.conversations.add_inbound(
            self.contact, brand, self.address, SENDER, item=item, needs_person=needs
        )

    async def take(self, conversation: ConversationId, agent: AgentId) -> Done:
        found = await self.conversations.get(conversation)
        return await self.conversations.take(Command(conversation, agent, found.epoch, f"take-{agent}-{found.epoch}"))

    async def reply(self, conversation: ConversationId, agent: AgentId, epoch: int, key: str, text: str = "hello") -> Done:
        return await self.conversations.reply(
            Command(conversation, agent, epoch, key),
            Personal(text),
            author=Personal("Ann"),
            deadline_ms=self.clock.now_ms() + HOUR,
        )

    async def facts(self) -> list[str]:
        rows = await self.redis.xrange(keys.beside(self.contact, "facts"))
        return [bytes(row[b"f"]).decode() for _, row in rows]

    async def kinds(self) -> list[str]:
        return [fact.split("|")[2] for fact in await self.facts()]


@pytest.fixture
async def world(redis: Any) -> AsyncIterator[World]:
    clock = Clock()
    vault = Vault(KeyRing(KeyRing.generate()), redis)
    pair: dict[str, Pair] = {SENDER: Pair(6000, 45)}
    contact = new_contact_id()
    yield World(
        redis, clock, vault, Conversations(redis, clock, vault, pair=pair), Outbox(redis, clock, pair),
        contact, new_address_id(contact),
    )  # fmt: skip
    for name in await redis.keys():
        kind = keys.kind_of(name.decode())
        assert kind is not None, f"nobody knows the key {name!r}"
        assert (await redis.type(name)).decode() == kind.type
        if kind.ttl is not None:
            assert ((await redis.pttl(name)) > 0) == kind.ttl, name


async def test_an_album_of_five_messages_at_once_opens_one_conversation(world: World) -> None:
    opened = await asyncio.gather(*(world.says(f"picture {n}", key=f"k{n}", kind="media") for n in range(5)))
    assert len(set(opened)) == 1
    thread = await world.conversations.thread(await world.conversations.get(opened[0]))
    assert sorted(entry.text.reveal() for entry in thread) == [f"picture {n}" for n in range(5)]
    assert await world.conversations.desk.queue("general") == [opened[0]]
    assert (await world.kinds()).count("opened") == 1


async def test_the_same_message_twice_is_one_line_and_the_same_conversation(world: World) -> None:
    first = await world.says("hello", key="wamid.1")
    again = await world.says("hello", key="wamid.1")
    found = await world.conversations.get(first)
    assert first == again
    assert found.inbound == 1
    assert len(await world.conversations.thread(found)) == 1


async def test_brands_and_addresses_have_conversations_of_their_own(world: World) -> None:
    one, other = await world.says("hello"), await world.says("hello", brand="exr")
    world.address = new_address_id(world.contact)
    assert len({one, other, await world.says("hello")}) == 3
    assert len(await world.conversations.of_contact(world.contact)) == 3


async def test_texts_and_channel_ids_are_sealed_and_facts_hold_neither(world: World) -> None:
    conversation = await world.says("my secret question 0042")
    await world.take(conversation, ANN)
    await world.reply(conversation, ANN, 2, "r1", "my secret answer 0042")
    await world.conversations.mention(
        world.contact, "zz", world.address, SENDER, MessageId("m" + world.contact[1:3] + "x" * 20), "gate_changed",
        Personal("secret gate 0042"), 1,
    )  # fmt: skip
    for name in await world.redis.keys():
        raw = await world.redis.dump(name)
        assert b"0042" not in raw
        assert b"wamid" not in raw + name
    assert "wamid" not in "".join(await world.facts())


async def test_of_two_who_take_at_once_one_becomes_the_owner_and_the_other_hears_who(world: World) -> None:
    conversation = await world.says("hello")
    results = await asyncio.gather(
        *(world.conversations.take(Command(conversation, agent, 1, "t")) for agent in (ANN, TOM)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, CommandRefused)]
    owner = (await world.conversations.get(conversation)).owner
    assert len(refused) == 1
    assert refused[0].code == "owner_changed"
    assert refused[0].owner == owner
    assert refused[0].since_ms > 0
    assert await world.conversations.desk.queue("general") == []
    assert await world.conversations.desk.mine(owner or ANN) == [conversation]


async def test_a_reply_is_one_message_with_agents_priority_in_the_outbox(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    done = await world.reply(conversation, ANN, 2, "r1", "good morning")
    want = ClaimWant("w1", partition_of(world.contact), SENDER, Priority.AGENT, 10)
    claimed = await world.outbox.claim([want], worker="w", lease_ms=10_000, evidence_ms=30_000, clock_ok=True)
    assert [one.id for one in claimed] == [done.message]
    assert claimed[0].record.conversation == conversation
    assert claimed[0].record.priority is Priority.AGENT
    body = (await world.vault.contact_box(world.contact)).open_json(claimed[0].body, str(done.message))
    assert body["kind"] == "reply"
    assert body["content"] == {"type": "text", "body": "good morning"}
    assert body["author"] == "Ann"
    assert body["reply_to"] is None
    assert {"enqueued", "replied", "claimed"} <= set(await world.kinds())


async def test_the_same_reply_twice_is_the_same_message_even_after_the_conversation_moved_on(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    first = await world.reply(conversation, ANN, 2, "r1")
    await world.conversations.finish(Command(conversation, ANN, 2, "f1"))
    again = await world.reply(conversation, ANN, 2, "r1")
    assert again.repeated
    assert again.message == first.message
    assert len([e for e in await world.conversations.thread(await world.conversations.get(conversation)) if e.message]) == 1


async def test_a_key_that_stood_for_other_words_is_refused(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    await world.reply(conversation, ANN, 2, "r1", "yes")
    with pytest.raises(CommandRefused) as refused:
        await world.reply(conversation, ANN, 2, "r1", "no")
    assert refused.value.code == "key_reused"


async def test_a_reply_script_that_runs_twice_after_a_lost_answer_makes_one_message(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    real = bulk.run_scripts

    async def twice(redis: Redis, calls: Sequence[scripts.Call], **more: Any) -> list[Any]:
        if calls[0][0] == "conv_reply":
            await real(redis, calls, **more)
        return await real(redis, calls, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "run_scripts", twice)
        done = await world.reply(conversation, ANN, 2, "r1")
    assert done.repeated
    assert await world.redis.zcard(keys.lane_keys(partition_of(world.contact), SENDER)[0]) == 1


async def test_nothing_is_sent_under_a_stale_epoch(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    await world.conversations.release(Command(conversation, ANN, 2, "back"))
    await world.take(conversation, TOM)
    with pytest.raises(CommandRefused) as refused:
        await world.reply(conversation, ANN, 2, "late")
    assert (refused.value.code, refused.value.owner) == ("owner_changed", TOM)
    assert await world.redis.zcard(keys.lane_keys(partition_of(world.contact), SENDER)[0]) == 0


async def test_a_reply_after_the_window_closed_is_refused(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    with pytest.raises(CommandRefused) as refused:
        await world.conversations.reply(
            Command(conversation, ANN, 2, "r"), Personal("late"), author=Personal("Ann"), deadline_ms=world.clock.now_ms() - 1
        )
    assert refused.value.code == "window_closed"


async def test_a_person_who_is_being_erased_is_neither_heard_nor_answered(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    await world.redis.hset(keys.of(world.contact, "f"), "erasing", "1")
    with pytest.raises(CommandRefused) as refused:
        await world.reply(conversation, ANN, 2, "r")
    assert refused.value.code == "erasing"
    with pytest.raises(NotFound):
        await world.says("are you there?")


async def test_who_finishes_has_read_everything(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    await world.says("and another thing")
    with pytest.raises(CommandRefused) as refused:
        await world.conversations.finish(Command(conversation, ANN, 2, "f"), inbound_seen=1)
    assert refused.value.code == "they_wrote"
    await world.conversations.finish(Command(conversation, ANN, 2, "f"), inbound_seen=2)
    found = await world.conversations.get(conversation)
    assert (found.state, found.owner, found.resolved_by) == (ConversationState.RESOLVED, None, ANN)
    assert await world.conversations.desk.resolved() == [conversation]
    assert await world.conversations.desk.unresolved() == []


async def test_thanks_leaves_a_finished_conversation_finished_and_a_question_reopens_it(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    await world.conversations.finish(Command(conversation, ANN, 2, "f"))
    assert await world.says("Thank you!") == conversation
    assert (await world.conversations.get(conversation)).state is ConversationState.RESOLVED
    assert await world.says("One more thing?") == conversation
    found = await world.conversations.get(conversation)
    assert (found.state, found.reopened, found.epoch) == (ConversationState.QUEUED, 1, 4)
    assert await world.redis.pttl(keys.of(conversation, "cv")) == -1
    assert await world.conversations.desk.queue("general") == [conversation]


async def test_after_three_days_new_words_are_a_new_conversation_linked_to_the_old(world: World) -> None:
    old = await world.says("hello")
    await world.take(old, ANN)
    await world.conversations.finish(Command(old, ANN, 2, "f"))
    world.clock.offset_ms += 73 * HOUR
    new = await world.says("hello again")
    assert new != old
    assert (await world.conversations.get(new)).previous == old
    assert await world.redis.pttl(keys.of(old, "cv")) > 0


async def test_what_handled_itself_is_kept_and_queues_nobody_until_they_ask(world: World) -> None:
    conversation = await world.says("STOP", needs=False)
    found = await world.conversations.get(conversation)
    assert (found.state, found.waiting_since_ms) == (ConversationState.AUTOMATED, None)
    assert await world.conversations.desk.queue("general") == []
    await world.says("but my order?")
    assert (await world.conversations.get(conversation)).state is ConversationState.QUEUED
    assert await world.conversations.desk.queue("general") == [conversation]


async def test_given_back_it_keeps_its_age(world: World) -> None:
    conversation = await world.says("hello")
    waiting = (await world.conversations.get(conversation)).waiting_since_ms
    await world.take(conversation, ANN)
    await world.conversations.release(Command(conversation, ANN, 2, "b"))
    found = await world.conversations.get(conversation)
    assert found.waiting_since_ms == waiting
    assert await world.redis.zscore("{desk}q:general", conversation) == waiting


async def test_silence_makes_an_answered_conversation_wait_and_then_resolves_it(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    await world.reply(conversation, ANN, 2, "r")
    world.clock.offset_ms += 11 * 60_000
    await world.conversations.repair(everything=True)
    assert (await world.conversations.get(conversation)).state is ConversationState.WAITING
    await world.says("I am back")
    assert (await world.conversations.get(conversation)).state is ConversationState.ACTIVE
    await world.reply(conversation, ANN, 2, "r2")
    world.clock.offset_ms += 11 * 60_000
    await world.conversations.repair(everything=True)
    world.clock.offset_ms += 25 * HOUR
    await world.conversations.repair(everything=True)
    found = await world.conversations.get(conversation)
    assert (found.state, found.resolved_by) == (ConversationState.RESOLVED, "silence")
    assert await world.conversations.desk.mine(ANN) == []


async def test_who_waits_for_an_answer_is_never_resolved_by_time(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    world.clock.offset_ms += 10 * DAY
    await world.conversations.repair(everything=True)
    assert (await world.conversations.get(conversation)).state is ConversationState.ACTIVE


async def test_a_crash_between_the_conversation_and_the_desk_is_mended(world: World) -> None:
    desk = world.conversations.desk

    async def crash(*told: object) -> None:
        raise ConnectionError("killed here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "settle_many", crash)
        with pytest.raises(ConnectionError):
            await world.says("hello", key="k")
    assert await desk.queue("general") == []
    assert await world.conversations.repair() == 1
    queued = await desk.queue("general")
    assert len(queued) == 1
    assert await world.conversations.repair() == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "settle_many", crash)
        with pytest.raises(ConnectionError):
            await world.conversations.take(Command(queued[0], ANN, 1, "t"))
    assert await world.says("hello", key="k") == queued[0]  # its worker tries again, which settles too
    assert await desk.mine(ANN) == queued
    assert await desk.queue("general") == []


async def test_a_desk_that_lost_everything_is_built_again(world: World) -> None:
    mine = await world.says("hello")
    await world.take(mine, ANN)
    waiting = await world.says("hello", brand="exr")
    for name in await world.redis.keys("{desk}*"):
        await world.redis.delete(name)
    assert await world.conversations.repair(everything=True) == 2
    assert await world.conversations.desk.mine(ANN) == [mine]
    assert await world.conversations.desk.queue("general") == [waiting]


async def test_the_desk_believes_the_newest_revision_whatever_the_order(world: World) -> None:
    conversation = await world.says("hello")
    old = await world.conversations.get(conversation)
    await world.take(conversation, ANN)
    await world.conversations.desk.settle(old)
    assert await world.conversations.desk.queue("general") == []
    assert await world.conversations.desk.mine(ANN) == [conversation]


async def test_an_uncertain_reply_is_sent_again_only_once_and_only_when_its_agent_says_so(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    first = MessageId(str((await world.reply(conversation, ANN, 2, "r")).message))

    async def again(key: str) -> Done:
        return await world.conversations.reply(
            Command(conversation, ANN, 2, key), Personal("hello"), author=Personal("Ann"),
            deadline_ms=world.clock.now_ms() + HOUR, again=first,
        )  # fmt: skip

    results = await asyncio.gather(again("a1"), again("a2"), return_exceptions=True)
    assert len([result for result in results if isinstance(result, Done)]) == 1
    refused = [result for result in results if isinstance(result, CommandRefused)]
    assert [one.code for one in refused] == ["decided"]
    with pytest.raises(CommandRefused):
        await world.conversations.leave(Command(conversation, ANN, 2, "l"), first)


async def test_ten_proactive_messages_are_remembered_once_each_and_for_their_brand(world: World) -> None:
    conversation = await world.says("hello")
    for number in range(12):
        message = message_id("e", "gate_changed", str(number), world.contact, 0)
        brand = "exr" if number == 11 else "zz"
        for _ in range(2):
            await world.conversations.mention(
                world.contact, brand, world.address, SENDER, message, "gate_changed", Personal(f"gate {number}"), number
            )
    found = await world.conversations.mentions(await world.conversations.get(conversation))
    assert [mention.text.reveal() for mention in found] == [f"gate {number}" for number in range(2, 11)]


async def test_automatic_answers_and_notes_stand_in_the_thread_once(world: World) -> None:
    conversation = await world.says("hello", needs=False)
    answer = message_id("e", "answer", "", world.contact, 0)
    for _ in range(2):
        await world.conversations.add_out(conversation, answer, Personal("Your gate is D24"), "automation")
        await world.conversations.note(Command(conversation, TOM, 0, "n"), Personal("seen"))
    thread = await world.conversations.thread(await world.conversations.get(conversation))
    assert [(entry.kind, entry.author) for entry in thread] == [
        (EntryKind.IN, ""), (EntryKind.OUT, "automation"), (EntryKind.NOTE, TOM)
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await world.conversations.add_out(ConversationId("v00" + "0" * 13), answer, Personal("x"), "automation")


async def test_erasing_leaves_no_word_and_no_place_in_a_list(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    await world.conversations.mention(
        world.contact, "zz", world.address, SENDER, message_id("e", "n", "", world.contact, 0), "n", Personal("x"), 1
    )
    assert await world.conversations.erase(world.contact) == 1
    left = {name.decode() for name in await world.redis.keys()}
    assert not [name for name in left if re.search(r"\}(cv|ct|co|vs|pm):", name)]
    assert await world.conversations.desk.mine(ANN) == []
    assert await world.conversations.erase(world.contact) == 0
    with pytest.raises(NotFound):
        await world.conversations.get(conversation)


async def test_a_key_destroyed_first_shows_an_empty_thread_and_breaks_no_list(world: World) -> None:
    conversation = await world.says("hello")
    await world.redis.delete(keys.of(world.contact, "k"))
    world.vault.forget(world.contact)
    found = await world.conversations.get(conversation)
    assert await world.conversations.thread(found) == []
    assert await world.conversations.last_entries([found]) == [None]
    assert await world.conversations.mentions(found) == []


async def test_the_feed_tells_what_changed_in_order(world: World) -> None:
    since = await world.conversations.desk.newest()
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    heard = await world.conversations.desk.listen(since, 10)
    assert [(item.conversation, item.place) for item in heard] == [
        (conversation, "q:general"), (conversation, f"mine:{ANN}")
    ]  # fmt: skip


async def test_facts_say_who_did_what_without_personal_data(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    await world.reply(conversation, ANN, 2, "r")
    await world.conversations.note(Command(conversation, TOM, 0, "n"), Personal("note"))
    await world.conversations.finish(Command(conversation, ANN, 2, "f"))
    kinds = await world.kinds()
    assert kinds == ["opened", "inbound", "assigned", "enqueued", "replied", "noted", "resolved"]
    for fact in await world.facts():
        assert conversation in fact.split("|")[3].split(" ")


async def test_a_reply_waits_in_its_lane_behind_nothing_but_agents(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    done = [await world.reply(conversation, ANN, 2, f"r{n}", f"line {n}") for n in range(3)]
    records = [await world.outbox.record(MessageId(str(one.message))) for one in done]
    assert [record[0].sequence for record in records if record] == [1, 2, 3]
    assert all(record and record[0].state is MessageState.QUEUED for record in records)


@pytest.mark.parametrize(
    ("kind", "text", "courtesy"),
    [
        ("text", "Thanks!", True),
        ("text", "Dank je wel 🙏", True),
        ("text", "👍", True),
        ("text", "👍🏽👍🏽", True),
        ("reaction", "", True),
        ("text", "Thanks, but where is my bag?", False),
        ("text", "ok?? no", False),
        ("text", "?", False),
        ("text", "", False),
        ("media", "thanks", False),
    ],
)
def test_only_thanks_and_emoji_ask_for_nothing(kind: str, text: str, courtesy: bool) -> None:
    assert is_courtesy(kind, Personal(text)) is courtesy


async def test_a_conflict_is_what_callers_of_the_store_catch(world: World) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    with pytest.raises(Conflict, match="owner g1"):
        await world.conversations.take(Command(conversation, TOM, 2, "t"))


def test_what_conflicts_say_is_for_logs_and_holds_ids_alone() -> None:
    text = str(CommandRefused("owner_changed", ANN, 12, "active", 3))
    assert json.dumps(text).isascii()
    assert "g1" in text


async def test_words_that_no_replica_has_are_not_answered_and_once_asked_again_sent_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await world.says("hello")
    await world.take(conversation, ANN)
    monkeypatch.setattr(bulk, "ACKS_TIMEOUT_MS", 50)
    monkeypatch.setattr(world.conversations, "_acks", 2)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="of 2 replicas"):
            await world.reply(conversation, ANN, 2, "r1")
    monkeypatch.setattr(world.conversations, "_acks", 0)
    assert (await world.reply(conversation, ANN, 2, "r1")).repeated
    assert await world.redis.zcard(keys.lane_keys(partition_of(world.contact), SENDER)[0]) == 1
