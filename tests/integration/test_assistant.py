"""Who asks "status?" is answered by itself, on both channels: how it stands, by whom, how old; then a person is one word away.

One house and one day: a flight, an order and an outage; answers on buttons and in words; those who are left to people.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.assistant.hearing import Card
from gateway.model.conversation import Conversation, ConversationState
from gateway.store import keys
from gateway.store.assistants import AssistantMemories
from gateway.store.facts import parse_detail
from tests.integration.test_family_questions import PAGE, TO_NUMBER, Stage
from tests.support.house import NOON, House, house_running
from tests.support.waiting import wait_until

EVA, NOOR = "+447700900123", "+447700900125"
AUTOMATED, QUEUED, RESOLVED = ConversationState.AUTOMATED, ConversationState.QUEUED, ConversationState.RESOLVED
LABELS = ("_Automatic message_", "_Automatisch bericht_", "_Automatische Nachricht_", "_Message automatique_")


class Chat(Stage):
    """One person's chat with the assistant."""

    def __init__(self, house: House, number: str, **to: str) -> None:
        super().__init__(house)
        self.number, self.to = number, to
        self.heard = 0

    async def automatic(self, more: int = 1) -> list[dict[str, Any]]:
        """The automatic messages since last time, once there are so many more."""
        found: list[dict[str, Any]] = []

        async def there() -> bool:
            found[:] = [one for one in await self.house.received(self.number) if str(one["body"]).startswith(LABELS)]
            return len(found) >= self.heard + more

        await wait_until(there)
        new = found[self.heard :]
        self.heard = len(found)
        return new

    async def asks(self, text: str) -> str:
        await self.house.says(self.number, text=text, **self.to)
        return str((await self.automatic())[0]["body"])

    async def card(self, conversation: Conversation) -> Card:
        memory = AssistantMemories(self.runtime.connection.redis, self.runtime.vault)
        found = await memory.get(conversation.address, conversation.brand)
        return Card(found.guess, found.answers)

    async def state(self, wanted: ConversationState) -> Conversation:
        found: list[Conversation] = []

        async def there() -> bool:
            contact, _ = await self.who(self.to.get("channel", "whatsapp"), self.number)
            ids = await self.runtime.conversations.of_contact(contact.id)
            found[:] = [await self.runtime.conversations.get(ids[-1])] if ids else []
            return bool(found) and found[0].state is wanted

        await wait_until(there)
        return found[0]


def titles(bubble: dict[str, Any]) -> list[str]:
    return [str(one.get("title") or one.get("text")) for one in bubble["buttons"]]


LEAVES = {"scheduled": "2026-11-22T10:55:00+01:00", "estimated": "2026-11-22T11:40:00+01:00"}
LANDS = {"scheduled": "2026-11-22T11:20:00+00:00", "estimated": "2026-11-22T12:02:00+00:00"}


async def helped(chat: Chat) -> list[str]:
    """What they said of the automatic answers."""
    found: list[str] = []
    redis: Any = chat.runtime.connection.redis
    contact, _ = await chat.who("whatsapp", chat.number)
    for _, fields in await redis.xrange(keys.beside(contact.id, "facts")):
        parts = bytes(fields[b"f"]).decode().split("|")
        found += [parse_detail(parts[-1])["answer"]] if parts[2] == "helped" else []
    return found


@pytest.mark.long
async def test_a_plain_question_is_answered_with_source_and_age_and_a_person_is_one_word_away(tmp_path: Path) -> None:
    async with house_running(tmp_path, pages=True, GATEWAY_IDLE_SLEEP_MS="50") as house:
        await house.event("ce-order-confirmed-flight.json")
        await house.wait_for(EVA, 1)
        eva = Chat(house, EVA, **TO_NUMBER)

        # Nobody has said anything of it yet: the planned times, and a person. Who waits for one is not answered again.
        said = await eva.asks("status?")
        assert "Ik ben de automatische assistent van" in said
        assert "Vlucht ZZ 1007 van Amsterdam naar Londen Heathrow: nog geen nieuws." in said
        assert "geholpen" not in said
        waits = await eva.state(QUEUED)
        await eva.says("whatsapp", EVA, "status")
        assert (await eva.state(QUEUED)).epoch == waits.epoch

        # Once that is done, and a source has spoken: answered, and asked whether it helped. Yes is the end of it.
        assert await eva.runtime.conversations.close(waits, "contact")
        await eva.flight("delayed", 1, LEAVES, LANDS)
        await house.turn_clock(NOON + timedelta(minutes=4, seconds=30))
        await house.says(EVA, text="Is my flight delayed?", **TO_NUMBER)
        (bubble,) = await eva.automatic()
        assert "I am the automatic assistant of" in bubble["body"]
        assert "Flight ZZ 1007 from Amsterdam to London Heathrow: delayed, has not left yet." in bubble["body"]
        assert "Source: the airport, 4 minutes ago." in bubble["body"]
        assert bubble["body"].endswith("Did this help?")
        assert titles(bubble) == ["Yes", "No, a person"]
        await eva.state(RESOLVED)
        await house.says(EVA, button={"bubble": bubble["id"], "index": 0}, **TO_NUMBER)
        assert "Good to hear." in (await eva.automatic())[0]["body"]
        assert await helped(eva) == ["yes"]

        # Asked again on its own, and it did not help: a person, who sees what was guessed; the last line names the hand-off.
        await house.says(EVA, text="has flight ZZ 1007 left?", **TO_NUMBER)
        (bubble,) = await eva.automatic()
        await house.says(EVA, button={"bubble": bubble["id"], "index": 1}, **TO_NUMBER)
        waits = await eva.state(QUEUED)
        assert waits.waiting_since_ms is not None
        card = await eva.card(waits)
        assert card.guess == "journey: ZZ 1007 AMS–LHR"
        await house.turn_clock(NOON + timedelta(minutes=5))
        assert "A person of" in (await eva.automatic())[0]["body"]
        assert await helped(eva) == ["yes", "no"]

        # On the other channel: a dialog by buttons and words, its last line after a pause, the answers on the card.
        await house.handset(NOOR, "Noor")
        await house.says(NOOR, link=f"https://m.me/{PAGE}")
        noor = Chat(house, NOOR, channel="messenger")
        await house.says(NOOR, text="I lost my bag in the train", **noor.to)
        (bubble,) = await noor.automatic()
        assert "I am the automatic assistant of" in bubble["body"]
        assert titles(bubble) == ["Bag or suitcase", "Phone or laptop", "Something else"]
        await house.says(NOOR, button={"bubble": bubble["id"], "index": 0}, **noor.to)
        assert "What does it look like?" in (await noor.automatic())[0]["body"]
        assert "Which train was it" in await noor.asks("blue")
        await house.says(NOOR, text="9321", **noor.to)
        card = await noor.card(await noor.state(QUEUED))
        assert [said for _, said in card.answers] == ["Bag or suitcase", "blue", "9321"]
        await house.turn_clock(NOON + timedelta(minutes=6))
        assert "A person of" in (await noor.automatic())[0]["body"]
