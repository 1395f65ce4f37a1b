"""What became of agents' answers: one that did not arrive comes back to its agent, once, whoever dies meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.contact import Identifier
from gateway.model.conversation import AgentId, Conversation, ConversationState, InboundEntry
from gateway.model.ids import ContactId, ConversationId, MessageId, SenderId, partition_of
from gateway.model.message import DeliveryStatus, MessageState, Priority
from gateway.model.personal import Personal
from gateway.rules.verdict import Reason
from gateway.store import keys
from gateway.store.contacts import Contacts
from gateway.store.conversation_commands import Terms
from gateway.store.conversations import Command, Conversations
from gateway.store.outbox import ClaimWant, Outbox, Settlement
from gateway.store.vault import KeyRing, Vault

SENDER = SenderId("zz-wa")
SANNE = AgentId("g0000000000000001")
HOUR = 3600_000


@dataclass
class Stage:
    redis: Any
    clock: Clock
    conversations: Conversations
    outbox: Outbox
    contact: ContactId
    conversation: ConversationId
    push: bool = False

    async def now(self) -> Conversation:
        return await self.conversations.get(self.conversation)

    async def reply(self, key: str = "r1") -> MessageId:
        one = await self.now()
        done = await self.conversations.reply(
            Command(one.id, SANNE, one.epoch, key), Personal("yes"), author=Personal("Sanne"),
            deadline_ms=self.clock.now_ms() + 20 * HOUR,
        )  # fmt: skip
        return MessageId(done.message)

    async def goes(self, outcome: str = "a", reason: str = "", state: MessageState = MessageState.DEAD) -> None:
        want = ClaimWant(f"w{self.clock.now_ms()}", partition_of(self.contact), SENDER, Priority.AGENT, 10)
        (one,) = await self.outbox.claim([want], worker="w", lease_ms=10_000, evidence_ms=30_000, clock_ok=True)
        await self.outbox.settle([Settlement(one, outcome, 1, reason=reason, state=state, ttl_ms=40 * keys.DAY_MS)])

    async def says(self, message: MessageId, status: DeliveryStatus, *, failed: bool = False) -> None:
        found = await self.outbox.record(message)
        assert found is not None
        await self.outbox.evidence(
            found[0], attempt=1, status=status, failed=failed, at_ms=self.clock.now_ms(), ttl_ms=40 * keys.DAY_MS
        )

    async def look(self, later_ms: int = 1100) -> list[ConversationId]:
        self.clock.offset_ms += later_ms
        return await self.conversations.fates.look()

    async def watched(self) -> int:
        return int(await self.redis.zcard(keys.beside(self.contact, "vr")))


@pytest.fixture
async def stage(redis: Redis) -> Stage:
    clock = Clock()
    vault = Vault(KeyRing(KeyRing.generate()), redis)
    made: list[Stage] = []
    terms = Terms(push=lambda: any(one.push for one in made))
    contacts, conversations = Contacts(redis, clock, vault), Conversations(redis, clock, vault, terms=terms)
    contact, address = await contacts.reserve("whatsapp", Identifier("phone", "", Personal("+447700900101")))
    item = InboundEntry("k1", "text", Personal("where?"), clock.now_ms())
    conversation = await conversations.add_inbound(contact, "zz", address, SENDER, item=item)
    await conversations.take(Command(conversation, SANNE, 1, "t"))
    made.append(Stage(redis, clock, conversations, Outbox(redis, clock, {}), contact, conversation))
    return made[0]


async def test_an_answer_that_arrives_is_looked_at_no_more(stage: Stage) -> None:
    message = await stage.reply()
    assert await stage.look() == []
    await stage.goes()
    await stage.says(message, DeliveryStatus.SENT)
    assert await stage.look() == []
    assert await stage.watched() == 1
    await stage.says(message, DeliveryStatus.DELIVERED)
    assert await stage.look() == []
    assert await stage.watched() == 0
    await stage.says(message, DeliveryStatus.NONE, failed=True)  # a note, and no failure
    assert await stage.look() == []
    assert not (await stage.now()).undelivered


async def test_an_answer_that_fails_is_shown_to_its_agent_and_the_person_waits_again(stage: Stage) -> None:
    message = await stage.reply()
    await stage.goes()
    await stage.says(message, DeliveryStatus.NONE, failed=True)
    assert await stage.look() == [stage.conversation]
    one = await stage.now()
    assert list(one.undelivered) == [message]
    assert one.waiting_since_ms is not None
    assert (one.owner, one.state) == (SANNE, ConversationState.ACTIVE)
    assert await stage.look(HOUR) == []
    again = await stage.conversations.reply(
        Command(one.id, SANNE, one.epoch, "r2"), Personal("yes"), author=Personal("Sanne"),
        deadline_ms=stage.clock.now_ms() + HOUR, again=message,
    )  # fmt: skip
    after = await stage.now()
    assert not after.undelivered
    assert after.decided[message] == again.message
    assert after.waiting_since_ms is None


async def test_one_that_is_resolved_comes_back_to_the_same_agent_before_others_once(stage: Stage) -> None:
    message = await stage.reply()
    await stage.goes("d", Reason.REJECTED.value)
    one = await stage.now()
    await stage.conversations.finish(Command(one.id, SANNE, one.epoch, "f"))
    assert (await stage.now()).resolved
    assert await stage.look() == [stage.conversation]
    after = await stage.now()
    assert (after.state, after.sticky, after.boost_s, after.boost) == (ConversationState.QUEUED, SANNE, 900, "undelivered")
    assert dict(after.undelivered) == {message: "rejected"}
    facts = [bytes(row[b"f"]).decode() for _, row in await stage.redis.xrange(keys.beside(stage.contact, "facts"))]
    assert len([fact for fact in facts if "|undelivered|" in fact]) == 1


async def test_one_whose_reason_is_still_due_is_its_agents_again_and_keeps_its_slot(stage: Stage) -> None:
    stage.push = True
    message = await stage.reply()
    await stage.goes("d", Reason.REJECTED.value)
    one = await stage.now()
    await stage.conversations.finish(Command(one.id, SANNE, one.epoch, "f"))
    assert (await stage.now()).state is ConversationState.WRAPUP
    assert await stage.look() == [stage.conversation]
    after = await stage.now()
    assert (after.state, after.owner, after.wrapup_until_ms) == (ConversationState.ACTIVE, SANNE, 0)
    assert after.waiting_since_ms is not None
    assert list(after.undelivered) == [message]


async def test_an_old_one_stays_resolved_where_the_person_began_another_since(stage: Stage) -> None:
    await stage.reply()
    await stage.goes()
    one = await stage.now()
    await stage.conversations.finish(Command(one.id, SANNE, one.epoch, "f"))
    stage.clock.offset_ms += 73 * HOUR
    item = InboundEntry("k2", "text", Personal("something else"), stage.clock.now_ms())
    newer = await stage.conversations.add_inbound(stage.contact, "zz", one.address, SENDER, item=item)
    assert newer != one.id
    assert await stage.conversations.undelivered(one) is False
    assert (await stage.now()).resolved, "never two unresolved of one person, brand and address"


async def test_a_process_that_dies_between_mark_and_reopening_leaves_it_to_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.reply()
    await stage.goes("d", Reason.REJECTED.value)
    one = await stage.now()
    await stage.conversations.finish(Command(one.id, SANNE, one.epoch, "f"))

    async def dies(one: Conversation) -> bool:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(stage.conversations, "undelivered", dies)
        with pytest.raises(ConnectionError):
            await stage.look()
    assert (await stage.now()).resolved
    await stage.look()
    assert (await stage.now()).state is ConversationState.QUEUED


async def test_an_answer_of_which_nobody_knows_asks_its_agent_and_starts_no_clock(stage: Stage) -> None:
    message = await stage.reply()
    await stage.goes("d", Reason.UNCERTAIN_ASK.value)
    assert await stage.look() == [stage.conversation]
    one = await stage.now()
    assert dict(one.undelivered) == {message: "uncertain_ask"}
    assert one.waiting_since_ms is None
    await stage.conversations.leave(Command(one.id, SANNE, one.epoch, "l"), message)
    assert not (await stage.now()).undelivered


async def test_one_that_is_resolved_stays_so_where_nobody_knows_and_shows_it(stage: Stage) -> None:
    message = await stage.reply()
    await stage.goes("d", Reason.UNCERTAIN_ASK.value)
    one = await stage.now()
    await stage.conversations.finish(Command(one.id, SANNE, one.epoch, "f"))
    assert await stage.look() == [stage.conversation]
    one = await stage.now()
    assert (one.state, dict(one.undelivered)) == (ConversationState.RESOLVED, {message: "uncertain_ask"})
    assert await stage.watched() == 0


async def test_what_is_long_on_its_way_is_looked_at_less_and_less_and_at_last_no_more(stage: Stage) -> None:
    message = await stage.reply()
    await stage.goes()
    name = keys.beside(stage.contact, "vr")
    waits = []
    for later in (1100, 60_000, HOUR, 24 * HOUR):
        await stage.look(later)
        (next_look,) = [score for _, score in await stage.redis.zrange(name, 0, -1, withscores=True)]
        waits.append(round((next_look - stage.clock.now_ms()) / 1000))
    assert waits == [1, 2, 122, 600]
    await stage.look(31 * keys.DAY_MS)
    assert await stage.watched() == 0
    assert message
