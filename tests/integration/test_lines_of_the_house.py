"""What the house says by itself in a conversation: lines of a moment are one message, once, never after it changed hands."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from connectors.whatsapp.facts import FACTS
from gateway.assistant import lines
from gateway.assistant.saying import Said, SystemLines, Words
from gateway.model.ids import ConversationId, partition_of
from gateway.model.message import Priority
from gateway.model.webcare import SILENCEABLE, BrandPlan, DeskPlan, Figures, Queue
from gateway.store.contacts import Contacts, FactChange
from gateway.store.conversation_commands import Terms
from gateway.store.conversations import Conversations
from gateway.store.outbox import Claimed, ClaimWant, Pair
from gateway.webcare.presence import TOOK_OVER
from gateway.webcare.queue_words import QueueWords
from gateway.webcare.told import CLOSED, FULL
from tests.integration.test_conversations import ANN, HOUR, SENDER, World, world

__all__ = ["world"]


class Stage:
    def __init__(self, world: World, **plan: Any) -> None:
        self.world, self.claims = world, 0
        contacts = Contacts(world.redis, world.clock, world.vault)
        brand = BrandPlan("zz", (Queue("general"),), **plan)
        self.lines = SystemLines(
            world.conversations, contacts, world.clock, replace(DeskPlan.plain(), brands={"zz": brand}), {"zz": "Zilverzwaan"},
            {SENDER: FACTS},
        )  # fmt: skip
        self.contacts = contacts

    async def asked(self) -> ConversationId:
        """Somebody wrote a moment ago, so their window is open."""
        opened = FactChange(f"w:{SENDER}:{self.world.address}", "", self.world.clock.now_ms(), "later")
        conversation = await self.world.says("hello")
        await self.contacts.change_facts(self.world.contact, [opened])
        return conversation

    async def goes(self, later_ms: int = 0, priority: Priority = Priority.URGENT) -> list[Claimed]:
        self.world.clock.offset_ms += later_ms
        self.claims += 1
        want = ClaimWant(f"w{self.claims}", partition_of(self.world.contact), SENDER, priority, 10)
        return await self.world.outbox.claim([want], worker="w", lease_ms=60_000, evidence_ms=30_000, clock_ok=True)

    async def texts(self, claimed: Sequence[Claimed]) -> list[str]:
        box = await self.world.vault.contact_box(self.world.contact)
        return [box.open_json(one.body, one.id)["content"]["body"] for one in claimed]


async def test_lines_within_five_seconds_are_one_message_and_one_line_in_the_thread(world: World) -> None:
    stage = Stage(world)
    conversation = await stage.asked()
    assert await stage.lines.say(conversation, lines.TO_PERSON, key="1") is Said.SAID
    assert await stage.goes(3000) == []
    assert await stage.lines.say(conversation, lines.CLOSED, {"when": "08:00"}, key="2") is Said.JOINED
    assert await stage.goes(1900) == []
    (text,) = await stage.texts(await stage.goes(200))
    assert text.startswith("_Automatic message_")
    assert "A person of Zilverzwaan will answer you" in text
    assert "From 08:00 a person answers" in text
    said = [one for one in await world.conversations.thread(await world.conversations.get(conversation)) if one.kind == "out"]
    assert [one.text.reveal() for one in said] == [text]
    assert (await world.kinds()).count("said") == 2


async def test_what_answers_them_goes_at_once_and_takes_along_what_waits(world: World) -> None:
    stage = Stage(world)
    conversation = await stage.asked()
    await stage.lines.say(conversation, lines.CLOSED, {"when": "08:00"}, key="1")
    button = {"kind": "reply", "label": "Yes", "payload": "x/yes"}
    said = [Words(lines.ANSWER, {"text": "It is late."}), Words(lines.HELPED, buttons=(button,))]
    assert await stage.lines.say_many(conversation, said, key="2", at_once=True) is Said.JOINED
    claimed = await stage.goes()
    (text,) = await stage.texts(claimed)
    assert text.index("From 08:00") < text.index("It is late.") < text.index("Did this help?")
    body = (await world.vault.contact_box(world.contact)).open_json(claimed[0].body, claimed[0].id)
    assert body["automatic"] is True
    assert body["buttons"] == [button]
    # It is in somebody's hand: a further line is a message of its own.
    assert await stage.lines.say(conversation, lines.TOOK_OVER, key="3") is Said.SAID
    assert await stage.goes(6000) == []  # the lane waits for the one that is out; nothing was said twice
    assert await world.outbox.record(claimed[0].id) is not None


async def test_a_line_is_said_once_for_its_key_however_many_ask_at_once(world: World) -> None:
    stage = Stage(world)
    conversation = await stage.asked()
    every = [stage.lines.say(conversation, lines.TOOK_OVER, key="same") for _ in range(4)]
    others = [stage.lines.say(conversation, lines.FULL, {"wait": "less than 10 minutes"}, key="other") for _ in range(3)]
    answers = await asyncio.gather(*every, *others)
    assert sorted(answers).count(Said.AGAIN) == 5
    (text,) = await stage.texts(await stage.goes(5100))
    assert text.count("A colleague takes over.") == 1
    assert text.count("less than 10 minutes") == 1
    assert await stage.lines.say(conversation, lines.TOOK_OVER, key="same") is Said.AGAIN


async def test_what_was_made_under_another_epoch_is_dropped_and_noted_once(world: World) -> None:
    stage = Stage(world)
    conversation = await stage.asked()
    epoch = (await world.conversations.get(conversation)).epoch
    await world.take(conversation, ANN)
    for _ in range(2):
        assert await stage.lines.say(conversation, lines.CLOSED, {"when": "08:00"}, key="1", epoch=epoch) is Said.LATE
    assert (await world.kinds()).count("automation_late") == 1
    assert await stage.goes(6000) == []


async def test_who_is_ushered_in_comes_before_their_own_words(world: World) -> None:
    stage = Stage(world)
    conversation = await stage.asked()
    await world.take(conversation, ANN)
    await stage.lines.say(conversation, lines.HUMAN, {"name": "Ann"}, key="1")
    await world.reply(conversation, ANN, (await world.conversations.get(conversation)).epoch, "r1", "good morning")
    (text,) = await stage.texts(await stage.goes(0, Priority.AGENT))
    assert "You now talk to Ann, a person." in text


async def test_a_shut_window_and_a_brand_that_is_silent_are_said_so(world: World) -> None:
    stage = Stage(world, silent=frozenset({lines.CLOSED}))
    conversation = await world.says("hello")
    assert await stage.lines.say(conversation, lines.TO_PERSON, key="1") is Said.SHUT
    conversation = await stage.asked()
    assert await stage.lines.say(conversation, lines.CLOSED, {"when": "08:00"}, key="2") is Said.OFF
    assert await stage.lines.say(conversation, lines.TO_PERSON, key="3") is Said.SAID


def test_what_law_or_the_channel_demands_cannot_be_switched_off() -> None:
    assert {name for name, line in lines.LINES.items() if not line.demanded} == SILENCEABLE


@pytest.mark.parametrize("name", lines.LINES)
def test_every_line_is_there_in_four_languages_with_the_same_values(name: str) -> None:
    texts = lines.LINES[name].texts
    assert set(texts) == set(lines.LANGUAGES)
    assert len({frozenset(re.findall(r"{(\w+)}", text)) for text in texts.values()}) == 1


async def test_who_waits_in_a_queue_is_told_once_and_not_when_they_have_somebody_by_then(world: World) -> None:
    stage = Stage(world)
    words = QueueWords(stage.lines)
    conversation = await stage.asked()
    one = await world.conversations.get(conversation)
    opens = {"opens_ms": world.clock.now_ms() + 7 * 86_400_000, "timezone": "Europe/Amsterdam"}
    for _ in range(2):  # a router that died after saying says it again, under the same key
        await words(one, CLOSED, opens, "closed:0")
    await words(one, FULL, {"minutes": 5}, "full:1")
    (text,) = await stage.texts(await stage.goes(5001))
    assert text.count("We are closed now. From ") == 1
    assert "It takes less than 5 minutes until a person answers you" in text
    assert await words(one, CLOSED, {"opens_ms": 0, "timezone": "UTC"}, "closed:1") is None, "no time, no promise"
    assert await words(replace(one, epoch=one.epoch + 1), FULL, {"minutes": 10}, "full:2") is Said.LATE
    assert await words(one, TOOK_OVER, {}, "1") in (Said.SAID, Said.JOINED)


@pytest.mark.parametrize("asked_for", [True, False])
async def test_who_was_answered_and_is_silent_hears_once_that_it_ends_and_it_ends_when_it_would_have(
    world: World, asked_for: bool
) -> None:
    figures = Figures(closing_line=asked_for)
    world.conversations = Conversations(
        world.redis, world.clock, world.vault, pair={SENDER: Pair(6000, 45)}, terms=Terms(lambda brand: figures)
    )
    stage = Stage(world)
    world.conversations.ending = stage.lines.ending
    conversation = await stage.asked()
    await world.take(conversation, ANN)
    await world.reply(conversation, ANN, 2, "r")

    async def passes(ms: int) -> list[str]:
        world.clock.offset_ms += ms
        await world.conversations.repair(everything=True)
        found = await world.conversations.get(conversation)
        thread = await world.conversations.thread(found)
        return [found.state.value, *(one.text.reveal().splitlines()[-1][:29] for one in thread if one.author == "automation")]

    said = ["We have not heard from you si"] if asked_for else []
    assert await passes(HOUR) == ["waiting"]
    assert await passes(21 * HOUR) == ["waiting"]
    for ms in (HOUR + 60_000, 60_000, 60_000):
        assert await passes(ms) == ["waiting", *said]
    assert await passes(HOUR) == ["resolved", *said]
