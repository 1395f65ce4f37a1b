"""Whom the assistant answers and whom it leaves to people, its dialogs, and what becomes of an answer that comes too late."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from redis.asyncio import Redis

from gateway.assistant.hearing import Assistant, Turn
from gateway.assistant.lines import LANGUAGES
from gateway.assistant.open_things import OpenThings
from gateway.assistant.sources import FAILURES, REST_S, Sources
from gateway.connector import InboundKind, MessageEvent
from gateway.model.conversation import Agent, AgentId, Conversation, ConversationState, Entry
from gateway.model.media import PRIVATE_MS
from gateway.model.message import MessageState
from gateway.model.personal import Personal
from gateway.model.webcare import BrandPlan, Queue
from gateway.store.assistants import AssistantMemories
from gateway.store.conversations import Command
from gateway.store.media import PRIVATE
from gateway.surface import webcare_deps
from gateway.webcare import commands
from tests.integration.test_family_asked import says as says_now
from tests.support.core import House, facts_of, open_house
from tests.support.meta import inbound, inbound_text, webhook

EVA, TOM = 1, 2
ANN = Agent(AgentId("g1"), Personal("ann"), Personal("Ann Berg"))
AUTOMATED, QUEUED = ConversationState.AUTOMATED, ConversationState.QUEUED


async def says(house: House, number: int, text: str) -> tuple[Conversation, Entry]:
    """Somebody writes when what was said to them before has long gone: it is no longer joined."""
    house.pass_ms(6000)
    return await says_now(house, number, text)


async def said(house: House, number: int) -> list[dict[str, Any]]:
    """What the house said by itself, without what a later message took the place of."""
    contact = await house.contact_of(number)
    found = [one for one in await house.messages(contact.id) if one.notification == "said" and one.state is MessageState.QUEUED]
    return [dict(await house.body(one)) for one in found]


def assistant_of(house: House, things: OpenThings | None = None) -> Assistant:
    runtime = house.runtime
    found = things or OpenThings(runtime.subjects, runtime.contacts, runtime.worlds)
    return Assistant(runtime.conversations, AssistantMemories(house.redis, runtime.vault), found, runtime.lines)


async def turn(house: House, number: int, text: str, key: str) -> Turn:
    contact = await house.contact_of(number)
    event = MessageEvent("x", Personal(key), (), house.clock.now_ms(), InboundKind.TEXT, Personal(text))
    return Turn(contact, contact.profile.addresses[0].id, "zz", event, key)


async def started(house: House) -> None:
    """Eva and Tom have booked, Tom's number is nobody's proven one; the flight is late, as was said a minute ago."""
    await house.tell(house.order(house.recipient(EVA)))
    await house.tell(house.order(house.recipient(TOM, proof=None), number="ZX7K3P"))
    await house.tell(house.flight("delayed", late_min=45))
    house.pass_ms(60_000)


async def test_one_question_is_one_answer_and_those_who_are_left_to_people_have_none(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        await started(house)
        hook = webhook(inbound_text(house, f"447700900{EVA:03d}", "is my flight late?", wamid="wamid.ASKED"))
        for _ in range(2):  # a webhook comes twice, and is applied twice
            await house.runtime.webhooks.append("whatsapp", hook)
            await house.take_webhooks()
        (body,) = await said(house, EVA)
        assert "I am the automatic assistant of Polderwind Air." in body["text"]
        assert "delayed" in body["text"]
        assert "1 minute ago" in body["text"]
        assert [one["label"] for one in body["buttons"]] == ["Yes", "No, a person"]
        # Again in the same stretch: answered, and not introduced twice.
        conversation, _ = await says(house, EVA, "is my flight delayed?")
        assert conversation.state is AUTOMATED
        again = (await said(house, EVA))[-1]
        assert "I am the automatic assistant" not in again["text"]
        # Yes in words: done, by automation.
        conversation, _ = await says(house, EVA, "yes")
        assert (conversation.state, conversation.resolved_by) == (ConversationState.RESOLVED, "automation")
        # Words that cannot wait, a complaint, another question than a plain one: a person, and no automatic answer.
        spoken = len(await said(house, EVA))
        for text in (
            "I left my bag on the train, help I can't breathe", "I left my bag on the train, I want to file a complaint",
            "my bag is wet",
        ):  # fmt: skip
            conversation, _ = await says(house, EVA, text)
            assert conversation.state is QUEUED, text
            await house.runtime.conversations.close(conversation, "contact")
        assert len(await said(house, EVA)) == spoken
        # Tom's address nobody proved: what his order says is not told to it; a person, who sees what it was about.
        conversation, _ = await says(house, TOM, "is my flight late?")
        assert conversation.state is QUEUED
        assert [one["text"].splitlines()[0] for one in await said(house, TOM)] == ["_Automatic message_"]
        assert "delayed" not in (await said(house, TOM))[0]["text"]


async def test_an_answer_that_comes_after_somebody_took_over_is_dropped_and_a_brand_may_have_none(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        await started(house)
        runtime = house.runtime
        off = replace(runtime.lines.plan, brands={"zz": BrandPlan("zz", (Queue("general"),), automation=False)})
        silent = Assistant(
            runtime.conversations, AssistantMemories(house.redis, runtime.vault),
            OpenThings(runtime.subjects, runtime.contacts, runtime.worlds), replace(runtime.lines, plan=off),
        )  # fmt: skip
        assert await silent.hear(await turn(house, EVA, "status", "k1"), to_people=False) is None
        conversation, _ = await says(house, EVA, "is my flight late?")
        asked = await turn(house, EVA, "is my flight delayed?", "k2")
        assistant = assistant_of(house)
        decided = await assistant.hear(asked, to_people=False)
        assert decided is not None
        assert decided.handled
        ann = Command(conversation.id, AgentId("g1"), conversation.epoch, "take")
        await house.runtime.conversations.take(ann)
        before = len(await said(house, EVA))
        for _ in range(2):
            await assistant.speak(conversation.id, asked, decided)
        assert len(await said(house, EVA)) == before
        assert [fact.kind for fact in await facts_of(house.redis)].count("automation_late") == 1
        assert await assistant.hear(await turn(house, EVA, "status", "k3"), to_people=False) is None
        # Whoever took it is ushered in before their first words, once.
        epoch = (await runtime.conversations.get(conversation.id)).epoch
        for number, words in enumerate(("good morning", "and more")):
            body = {"epoch": epoch, "text": words}
            await commands.run(webcare_deps(runtime), ANN, conversation.id, "reply", f"r{number}", body)
        entries = [one for one in await runtime.conversations.thread(conversation) if one.kind == "out"]
        assert [one.text.reveal().splitlines()[-1] for one in entries[-3:]] == [
            "You now talk to Ann, a person.", "good morning", "and more",
        ]  # fmt: skip


async def test_a_dialog_collects_answers_for_the_card_and_a_person_is_had_at_any_step(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        await started(house)
        conversation, _ = await says(house, EVA, "I left my bag on the train")
        assert conversation.state is AUTOMATED
        assert "What is it?" in (await said(house, EVA))[-1]["text"]
        for answer in ("Bag or suitcase", "blue, with a red band", "9321 yesterday, coach 4"):
            conversation, _ = await says(house, EVA, answer)
        assert conversation.state is QUEUED
        card = await assistant_of(house).card(conversation)
        assert card.guess == "dialog: lost_item"
        assert [tuple(one) for one in card.answers] == [
            ("Lost", "Bag or suitcase"), ("Looks like", "blue, with a red band"), ("Train and seat", "9321 yesterday, coach 4"),
        ]  # fmt: skip
        assert "A person of" in (await said(house, EVA))[-1]["text"]
        # Tom: what is not understood is asked once more, then a person; "person" at once.
        await says(house, TOM, "lost property")
        conversation, _ = await says(house, TOM, "my umbrella?")
        assert conversation.state is AUTOMATED
        conversation, _ = await says(house, TOM, "hm")
        assert conversation.state is QUEUED
        await house.runtime.conversations.close(conversation, "contact")
        await says(house, TOM, "lost property")
        conversation, _ = await says(house, TOM, "Talk to a person please")
        assert conversation.state is QUEUED


async def test_a_document_that_a_dialog_asked_for_is_deleted_a_day_after_it_came(
    redis: Redis, redis_url: str, data_dir: Path, tmp_path: Path
) -> None:
    every = {one: "Please send a picture of your passport." for one in LANGUAGES}
    steps = {
        "begin": {"say": every, "card": "Passport", "go": "done", "document": True},
        "done": {"say": dict.fromkeys(LANGUAGES, "Thank you."), "end": "person"},
    }
    begins = {one: ["change .. name"] for one in LANGUAGES}
    (tmp_path / "dialogs").mkdir()
    (tmp_path / "dialogs" / "rename.yaml").write_text(yaml.safe_dump({"about": "a name", "begins": begins, "steps": steps}))
    async with open_house(redis_url, data_dir, GATEWAY_WORDS_DIR=str(tmp_path)) as house:
        await started(house)
        photo = {"type": "image", "image": {"id": "4711", "mime_type": "image/jpeg"}}
        await house.runtime.webhooks.append("whatsapp", webhook(inbound(house, "447700900001", photo)))
        await house.take_webhooks()
        await says(house, TOM, "change my name please")
        await house.runtime.webhooks.append("whatsapp", webhook(inbound(house, "447700900002", photo)))
        await house.take_webhooks()
        conversation, _ = await says(house, TOM, "is it sharp enough?")
        assert conversation.state is QUEUED, "the picture was the answer, and ended the dialog"
        passport, other = [str((await house.contact_of(number)).id) for number in (TOM, EVA)]
        raw: Any = redis
        due = await raw.zrange(PRIVATE, 0, -1, withscores=True)
        assert [member.decode().partition(":")[0] for member, _ in due] == [passport] != [other]
        assert 0 <= due[0][1] - house.clock.now_ms() + 10_000 - PRIVATE_MS < 20_000


async def test_a_source_that_is_late_is_left_out_and_after_some_failures_not_asked_for_a_while() -> None:
    clock, asked = [0.0], 0

    async def late() -> Sequence[str]:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()
        return ()

    async def there() -> Sequence[str]:
        return ("flight",)

    sources = Sources(limit_s=0.01, now=lambda: clock[0])
    for _ in range(FAILURES + 2):
        assert await sources.ask({"journey": there, "order": late}) == (["flight"], ["order"])
    assert asked == FAILURES
    clock[0] += REST_S
    await sources.ask({"order": late})
    assert asked == FAILURES + 1
