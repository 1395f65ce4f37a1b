"""What the assistant makes of words and buttons that come late: an older question's answer, a webhook that comes again, a message
that comes when its answer may no longer be said, or when somebody takes over between hearing and keeping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.assistant.hearing import Assistant
from gateway.model.conversation import AgentId, Conversation, ConversationState
from gateway.model.message import MessageState
from gateway.model.personal import Secret
from gateway.store.conversations import Command
from gateway.store.outbox import Settlement
from tests.integration.test_assistant_decides import EVA, assistant_of, said, says, started
from tests.integration.test_family_asked import says as says_now
from tests.support.core import House, facts_of, open_house
from tests.support.meta import inbound, inbound_text, webhook

PHONE = f"447700900{EVA:03d}"
AUTOMATED, QUEUED, RESOLVED = ConversationState.AUTOMATED, ConversationState.QUEUED, ConversationState.RESOLVED
HOUR_MS = 3600_000


async def presses(house: House, payload: str) -> Conversation:
    reply = {"type": "button_reply", "button_reply": {"id": payload, "title": "Yes"}}
    return await hears(house, webhook(inbound(house, PHONE, {"type": "interactive", "interactive": reply})))


async def hears(house: House, raw: bytes) -> Conversation:
    house.pass_ms(6000)
    await house.runtime.webhooks.append("whatsapp", raw)
    await house.take_webhooks()
    conversations = house.runtime.conversations
    return await conversations.get((await conversations.of_contact((await house.contact_of(EVA)).id))[-1])


async def buttons(house: House) -> tuple[str, str]:
    """What yes and no under the last automatic message say."""
    yes, no = [str(one["payload"]) for one in (await said(house, EVA))[-1]["buttons"]]
    return yes, no


async def helped(house: House) -> list[str]:
    return [fact.detail["answer"] for fact in await facts_of(house.redis) if fact.kind == "helped"]


async def test_the_yes_of_an_older_answer_closes_nothing_and_the_same_yes_counts_once(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        await started(house)
        await says(house, EVA, "is my flight late?")
        older, older_no = await buttons(house)
        await says(house, EVA, "is my flight delayed?")
        newer, _ = await buttons(house)
        spoken = len(await said(house, EVA))
        conversation = await presses(house, older)
        assert (conversation.state, await helped(house)) == (AUTOMATED, [])
        assert len(await said(house, EVA)) == spoken, "nothing is asked or answered by it"
        conversation = await presses(house, newer)
        assert (conversation.state, await helped(house)) == (RESOLVED, ["yes"])
        conversation = await presses(house, newer)
        assert (conversation.state, conversation.reopened, await helped(house)) == (RESOLVED, 0, ["yes"])
        # An older "no" is somebody who wants a person all the same; it says nothing of the newer answer.
        conversation = await presses(house, older_no)
        assert (conversation.state, await helped(house)) == (QUEUED, ["yes"])
        # Given back to automation by an agent: the yes of before is not about that.
        await house.runtime.conversations.take(Command(conversation.id, AgentId("g1"), conversation.epoch, "take"))
        epoch = (await house.runtime.conversations.get(conversation.id)).epoch
        await house.runtime.conversations.hand_back(Command(conversation.id, AgentId("g1"), epoch, "back"))
        assert (await presses(house, newer)).state is AUTOMATED


async def test_a_yes_the_day_after_silence_closed_it_still_counts(redis: Redis, redis_url: str, data_dir: Path) -> None:
    async with open_house(redis_url, data_dir) as house:
        await started(house)
        await says(house, EVA, "is my flight late?")
        yes, _ = await buttons(house)
        house.pass_ms(25 * HOUR_MS)
        await house.runtime.conversations.repair(everything=True)
        conversation = await presses(house, yes)
        assert (conversation.state, conversation.reopened, await helped(house)) == (RESOLVED, 0, ["yes"])


@pytest.mark.parametrize("keeps", [0, 6])
async def test_a_message_that_comes_again_after_a_newer_one_is_no_answer_to_the_newer_one(
    redis: Redis, redis_url: str, data_dir: Path, keeps: int
) -> None:
    async with open_house(redis_url, data_dir) as house:
        await started(house)
        await says(house, EVA, "is my flight late?")
        yes = webhook(inbound_text(house, PHONE, "yes"))
        assert (await hears(house, yes)).state is RESOLVED
        for text in ("is my flight delayed?",) * keeps + ("lost property", "Bag or suitcase"):
            await says(house, EVA, text)
        spoken = len(await said(house, EVA))
        await hears(house, yes)
        assert (await helped(house), len(await said(house, EVA))) == (["yes"], spoken)
        conversation, _ = await says(house, EVA, "blue, with a red band")
        card = await assistant_of(house).card(conversation)
        assert [tuple(one) for one in card.answers] == [("Lost", "Bag or suitcase"), ("Looks like", "blue, with a red band")]


async def test_what_could_not_be_answered_any_more_waits_for_a_person(redis: Redis, redis_url: str, data_dir: Path) -> None:
    async with open_house(redis_url, data_dir) as house:
        await started(house)
        # We were away for a day: their words come when the window that they opened is shut again.
        conversation = await hears(house, webhook(inbound_text(house, PHONE, "is my flight late?", at_ms=-25 * HOUR_MS)))
        assert (await said(house, EVA), conversation.state) == ([], QUEUED)
        await house.runtime.conversations.close(conversation, "contact")
        conversation = await hears(house, webhook(inbound_text(house, PHONE, "is my flight delayed?", at_ms=-25 * HOUR_MS)))
        assert (await said(house, EVA), conversation.state) == ([], QUEUED), "kept with what was done, where nobody looks"


@pytest.mark.parametrize("resolved", [False, True])
async def test_whose_automatic_answer_did_not_arrive_waits_for_a_person(
    redis: Redis, redis_url: str, data_dir: Path, resolved: bool
) -> None:
    async with open_house(redis_url, data_dir) as house:
        await started(house)
        store, outbox = house.runtime.conversations, house.runtime.outbox
        conversation, _ = await says(house, EVA, "my bag is wet" if resolved else "is my flight late?")
        if resolved:
            await store.close(conversation, "contact")
            await says(house, EVA, "is my flight late?")
        ours = {one.id for one in await house.messages(conversation.contact) if one.notification == "said"}
        while out := await house.claim_all():  # a lane has one out at a time
            for one in out:
                state = MessageState.DEAD if one.id in ours else MessageState.ACCEPTED
                how = "d" if one.id in ours else "a"
                await outbox.settle([Settlement(one, how, 1, reason="rejected", state=state, ttl_ms=HOUR_MS)])
        house.pass_ms(1100)
        for _ in range(2):
            await store.fates.look()
        found = await store.get(conversation.id)
        assert (found.state, found.queued_ms is not None) == (QUEUED, True)


async def test_whoever_takes_it_between_hearing_and_keeping_sees_that_they_wait(
    redis: Redis, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(redis_url, data_dir) as house:
        await started(house)
        conversation, _ = await says(house, EVA, "is my flight late?")
        hear = Assistant.hear

        async def taken_meanwhile(self: Assistant, *args: Any, **more: Any) -> Any:
            decided = await hear(self, *args, **more)
            await house.runtime.conversations.take(Command(conversation.id, AgentId("g1"), conversation.epoch, "take"))
            return decided

        monkeypatch.setattr(Assistant, "hear", taken_meanwhile)
        spoken = len(await said(house, EVA))
        house.pass_ms(6000)
        now, entry = await says_now(house, EVA, "is my flight delayed?")
        assert (now.state, len(await said(house, EVA))) == (ConversationState.ACTIVE, spoken)
        assert now.waiting_since_ms == entry.at_ms, "its agent is told by the clock that somebody waits"
        assert now.owner == AgentId("g1")


async def test_a_code_that_is_typed_as_an_answer_to_a_dialog_is_covered_on_the_card_too(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        await started(house)
        store = house.runtime.conversations
        conversation, _ = await says(house, EVA, "is my flight late?")

        def command(key: str, epoch: int) -> Command:
            return Command(conversation.id, AgentId("g1"), epoch, key)

        await store.take(command("take", conversation.epoch))
        _, token = await store.ask_identity(command("ask", conversation.epoch + 1))
        now = await store.get(conversation.id)
        assert (await store.code_sent(now, token.reveal(), Secret("204816"))).word == "sent"
        await store.hand_back(command("back", now.epoch))
        for text in ("lost property", "Bag or suitcase", "blue, the code is 204 816"):
            conversation, entry = await says(house, EVA, text)
        card = await assistant_of(house).card(conversation)
        assert card.answers[-1][1] == "blue, the code is ••••"
        assert entry.text.reveal() == "blue, the code is ••••"
        assert list(entry.hidden) == ["code"]


async def test_that_they_took_something_back_long_after_begins_no_conversation(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        await started(house)
        conversation, _ = await says(house, EVA, "my bag is wet")
        await house.runtime.conversations.close(conversation, "contact")
        house.pass_ms(100 * HOUR_MS)
        back = {"type": "revoke", "revoke": {"original_message_id": "wamid.OLD"}}
        now = await hears(house, webhook(inbound(house, PHONE, back)))
        assert (now.id, now.state, now.reopened) == (conversation.id, RESOLVED, 0)
