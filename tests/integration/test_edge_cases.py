"""What meets whom at the desk, each case by its number: those that no other test shows (docs/desk.md has the table)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.model.conversation import Agent, AgentId, ConversationState, EntryKind, InboundEntry
from gateway.model.ids import ConversationId
from gateway.model.message import MessageState
from gateway.model.personal import Personal
from gateway.model.webcare import AgentStatus, Heard
from gateway.rules.presences import Reminder, reminder
from gateway.store import keys
from gateway.store.conversations import Command
from gateway.webcare import here
from gateway.webcare.views import marks
from tests.integration.router_stage import SENDER, House
from tests.integration.test_assistant_decides import said, started
from tests.integration.test_webhooks import accept
from tests.support import core
from tests.support.meta import inbound_text, webhook

DELAYED = "flight_delayed"
ACTIVE, QUEUED = ConversationState.ACTIVE, ConversationState.QUEUED
EVA = 1


@pytest.fixture
async def house(redis: Any) -> House:
    return House(redis)


async def hears(house: House, conversation: ConversationId, language: str) -> None:
    """They write once more, in a language."""
    one = await house.get(conversation)
    item = InboundEntry(f"wamid.{one.inbound + 1}", "text", Personal("..."), house.clock.now_ms())
    await house.conversations.add_inbound(one.contact, "zz", one.address, SENDER, item=item, heard=Heard(language=language))


async def test_e3_whoever_has_one_tab_open_is_here_and_who_signs_out_of_the_last_is_given_nothing_more(house: House) -> None:
    class Deps:
        presence = house.book

    ann = await house.agent("ann")
    for _ in range(10):  # of two tabs one sleeps; the other one beats
        await house.pass_s(15, ann.id)
        await house.router.turn()
    await here.depart(Deps(), ann, elsewhere=True)  # type: ignore[arg-type]
    first = await house.writes()
    await house.router.turn()
    assert await house.owner(first) == ann.id
    await house.pass_s(3, ann.id)
    await here.depart(Deps(), ann, elsewhere=False)  # type: ignore[arg-type]
    second = await house.writes()
    await house.router.turn()
    assert (await house.book.get(ann.id)).status is AgentStatus.OFFLINE
    assert await house.owner(second) is None, "though their last beat was a moment ago"


async def test_e12_who_opened_and_does_not_answer_is_reminded_then_shown_and_keeps_it(house: House) -> None:
    ann = await house.agent("ann")
    tom = await house.agent("tom", status=AgentStatus.BREAK)
    conversation = await house.writes()
    await house.router.turn()
    await house.opens(conversation, ann)
    await house.book.choose(tom.id, AgentStatus.AVAILABLE)
    seen = []
    for seconds in (290, 20, 180, 1200):
        await house.pass_s(seconds, ann.id, tom.id)
        await house.router.turn()
        one = await house.get(conversation)
        seen.append((reminder(one, house.clock.now_ms()), one.owner, one.state))
    assert [word for word, *_ in seen] == [Reminder.NONE, Reminder.OWNER, Reminder.SUPERVISOR, Reminder.SUPERVISOR]
    assert {(owner, state) for _, owner, state in seen} == {(ann.id, ACTIVE)}, "nobody takes it away by itself"


async def test_e17_a_language_that_changed_finds_another_agent_in_the_queue_and_none_for_who_has_one(house: House) -> None:
    nell, tom = await house.agent("nell"), await house.agent("tom", status=AgentStatus.BREAK)
    await house.agents.change(nell.id, languages=["nl"])
    await house.agents.change(tom.id, languages=["en"])
    waiting, held = await house.writes(heard=Heard(language="nl")), await house.writes(heard=Heard(language="nl"))
    await house.conversations.take(await house.command(held, nell))
    await house.book.choose(nell.id, AgentStatus.BREAK)
    for _ in range(2):
        await hears(house, waiting, "en")
        await hears(house, held, "en")
    await house.book.choose(nell.id, AgentStatus.AVAILABLE)
    await house.book.choose(tom.id, AgentStatus.AVAILABLE)
    await house.pass_s(3, nell.id, tom.id)
    await house.router.turn()
    assert [(await house.get(one)).language for one in (waiting, held)] == ["en", "en"]
    assert (await house.owner(waiting), await house.owner(held)) == (tom.id, nell.id)


async def test_e19_more_than_twenty_messages_a_minute_are_one_conversation_and_one_alert(house: House) -> None:
    conversation = await house.writes()
    for _ in range(44):
        await house.writes_again(conversation)
    one = await house.get(conversation)
    assert (one.inbound, one.state) == (45, QUEUED)
    assert await house.conversations.desk.queue("general") == [conversation]

    async def alerts() -> int:
        rows = await house.redis.xrange(keys.beside(one.contact, "facts"))
        return sum(b"|flood|" in row[b"f"] for _, row in rows)

    assert await alerts() == 1
    assert "flood" in marks(one), "whoever looks at the lists or the board sees it"
    await house.pass_s(120)
    for _ in range(25):
        await house.writes_again(conversation)
    assert await alerts() == 1, "nobody is told again within the hour"
    await house.pass_s(3600)
    for _ in range(20):
        await house.writes_again(conversation)
    assert await alerts() == 1, "twenty are none"
    assert "flood" not in marks(await house.get(conversation))
    await house.writes_again(conversation)
    assert await alerts() == 2


ROUTES = """
brands:
  zz:
    queues: [{name: delays}, {name: complaints}]
    routes: [{complaint: true, queue: complaints}, {notification: flight_delayed, queue: delays}]
"""


async def test_e22_an_answer_to_a_message_of_ours_waits_in_its_queue_and_keeps_which_it_was(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / "webcare.yaml").write_text(ROUTES)
    async with core.open_house(redis_url, data_dir, GATEWAY_WEBCARE=str(data_dir / "webcare.yaml")) as house:
        await started(house)
        contact = await house.contact_of(EVA)
        claimed = await house.claim_all()
        (news,) = [one for one in claimed if (one.record.contact, one.record.notification) == (contact.id, DELAYED)]
        await accept(house, news, "wamid.NEWS")
        text = inbound_text(house, f"447700900{EVA:03d}", "can I still come along?", answers="wamid.NEWS")
        await house.runtime.webhooks.append("whatsapp", webhook(text))
        await house.take_webhooks()
        conversations = house.runtime.conversations
        (identifier,) = await conversations.of_contact(contact.id)
        one = await conversations.get(identifier)
        assert (one.state, one.queue) == (QUEUED, "delays")
        assert [line.origin for line in await conversations.thread(one) if line.kind is EntryKind.IN] == [news.id]
        # What they say next makes it a complaint: it waits with those, where the table says so.
        text = inbound_text(house, f"447700900{EVA:03d}", "I want to file a complaint", wamid="wamid.NEXT")
        await house.runtime.webhooks.append("whatsapp", webhook(text))
        await house.take_webhooks()
        assert (await conversations.get(identifier)).queue == "complaints"


async def test_e5_who_asks_for_a_person_and_writes_on_has_one_and_no_automatic_answer(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with core.open_house(redis_url, data_dir) as house:
        await started(house)
        before = len(await said(house, EVA))
        first, second = (
            inbound_text(house, f"447700900{EVA:03d}", text, wamid=f"wamid.{text[:4]}")
            for text in ("I want to talk to a person", "is my flight late?")
        )
        first["messages"] += second["messages"]
        await house.runtime.webhooks.append("whatsapp", webhook(first))
        await house.take_webhooks()
        conversations = house.runtime.conversations
        (identifier,) = await conversations.of_contact((await house.contact_of(EVA)).id)
        one = await conversations.get(identifier)
        assert (one.state, one.inbound) == (QUEUED, 2)
        assert [line.text.reveal() for line in await conversations.thread(one) if line.kind is EntryKind.IN] == [
            "I want to talk to a person", "is my flight late?",
        ]  # fmt: skip
        assert not [body for body in (await said(house, EVA))[before:] if "delayed" in str(body)], "their flight is delayed"


async def test_e16_a_stop_withdraws_first_and_the_conversation_goes_on(redis: Redis, redis_url: str, data_dir: Path) -> None:
    async with core.open_house(redis_url, data_dir) as house:
        await started(house)
        contact = await house.contact_of(EVA)
        ann = Agent(AgentId("g1"), Personal("ann"), Personal("Ann Berg"))
        conversations = house.runtime.conversations

        async def writes(text: str, wamid: str) -> None:
            hook = webhook(inbound_text(house, f"447700900{EVA:03d}", text, wamid=wamid))
            await house.runtime.webhooks.append("whatsapp", hook)
            await house.take_webhooks()

        await writes("my bag is wet", "wamid.A")
        (identifier,) = await conversations.of_contact(contact.id)
        one = await conversations.get(identifier)
        await conversations.take(Command(identifier, ann.id, one.epoch, "take"))
        await writes("stop", "wamid.B")
        taken = await conversations.get(identifier)
        assert (taken.state, taken.owner) == (ACTIVE, ann.id)
        (facts,) = await house.runtime.contacts.facts_of([contact.id])
        assert not facts.consents["journey.whatsapp.zz"].granted
        done = await conversations.reply(
            Command(identifier, ann.id, taken.epoch, "reply"), Personal("which bag is it?"), author=ann.first_name,
            deadline_ms=house.clock.now_ms() + 3_600_000,
        )  # fmt: skip
        assert done.message
        (reply,) = [one for one in await house.messages(contact.id) if one.id == done.message]
        assert reply.state is MessageState.QUEUED, "their own question is answered"
