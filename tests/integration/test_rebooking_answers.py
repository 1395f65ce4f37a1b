"""What a pressed button does: passed on once, confirmed without a claim; the last word of an order counts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.insight.hooks import webhook_of
from gateway.model.conversation import Agent, AgentId, ConversationState
from gateway.model.ids import MessageId, random_id
from gateway.model.personal import Personal
from gateway.rules.routing import AHEAD, GENERAL
from gateway.store.rebookings import Answer
from gateway.surface import webcare_deps
from gateway.webcare.lists import ListReader
from tests.integration.ladder_stage import ladder_running
from tests.integration.rebooking_stage import LATER_ENTITY, OLD, TOMORROW_ENTITY, Stage
from tests.support.meta import inbound_text, webhook


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with ladder_running(redis_url, data_dir) as made:
        yield Stage(made)


async def test_an_accepted_offer_is_passed_on_once_and_confirmed_without_a_claim(stage: Stage) -> None:
    await stage.ladder.follow(101)
    await stage.hears(stage.cancelled({**stage.later, "offer": "proposed"}))
    assert await stage.follows(101) == [OLD]
    await stage.press(101, "accept", times=3)
    assert await stage.names(101) == ["flight_rebooked", "rebooking_passed_on"]
    confirmation = await stage.text((await stage.records(101, "rebooking_passed_on"))[0])
    assert confirmation.startswith("We have passed on that you take flight ZZ 1009.")
    assert "once Polderwind Air has confirmed it" in confirmation
    assert await stage.passed_on() == ["rebooking.accepted"]
    await stage.press(101, "accept")
    assert await stage.passed_on() == ["rebooking.accepted"], "a second tap says nothing new"
    conversations = stage.ladder.house.runtime.conversations
    assert await conversations.desk.queue(AHEAD) == await conversations.desk.queue(GENERAL) == []


async def test_what_leaves_the_house_names_order_and_flight_by_our_ids_and_nothing_else(stage: Stage) -> None:
    await stage.ladder.follow(101)
    await stage.hears(stage.cancelled({**stage.later, "offer": "proposed"}))
    await stage.press(101, "accept")
    (fact,) = await stage.facts("rebooking_accept")
    made = webhook_of(fact, "flight_rebooked")
    assert made is not None
    data = json.loads(made.body)["data"]
    vault, contact = stage.ladder.house.runtime.vault, await stage.ladder.house.contact_of(101)
    assert data["order_id"] == vault.subject_id("order", "ZX101") == contact.profile.orders[0].order
    assert data["subject_id"] == vault.subject_id("flight", OLD)
    assert data["contact_id"] == contact.id
    assert data["offer"]
    for secret in ("ZX101", "447700900101", "Given101", "1007", "1009"):
        assert secret not in made.body.decode()


@pytest.mark.parametrize(("key", "kind", "words"), [
    ("other", "rebooking.other", "to travel in another way"), ("refund", "rebooking.refund", "your money back"),
])  # fmt: skip
async def test_who_wants_something_else_meets_a_person_ahead_of_others(stage: Stage, key: str, kind: str, words: str) -> None:
    await stage.ladder.follow(101, 102)
    house, conversations = stage.ladder.house, stage.ladder.house.runtime.conversations
    await house.runtime.webhooks.append("whatsapp", webhook(inbound_text(house, "447700900102", "I have a question")))
    await house.take_webhooks()
    await stage.hears(stage.cancelled(stage.later))
    await stage.press(101, key, times=2)
    assert await stage.passed_on() == [kind]
    said = await stage.text((await stage.records(101, "rebooking_to_a_person"))[0])
    assert words in said
    assert "flight ZZ 1007" in said
    (first,) = await conversations.desk.queue(AHEAD)
    found = await conversations.get(first)
    assert (found.contact, found.state) == (await house.find(101), ConversationState.QUEUED)
    (other,) = await conversations.desk.queue(GENERAL)
    shown = (await ListReader(webcare_deps(house.runtime)).waiting(Agent(AgentId("a1"), Personal("ann"), Personal("Ann")))).rows
    assert [row.id for row in shown] == [first, other], "before somebody who waits for longer"
    (line,) = [one for one in await conversations.thread(found) if one.origin]
    asking = (await stage.records(101, "flight_rebooked"))[0]
    assert line.origin == asking.id, "its agent sees which message, and so which flight, they answered"
    assert line.text.reveal() in ("Another flight", "My money back")


async def test_a_cancellation_without_an_offer_asks_too(stage: Stage) -> None:
    await stage.ladder.follow(101)
    await stage.hears(stage.cancelled())
    await stage.press(101, "refund")
    assert await stage.passed_on() == ["rebooking.refund"]
    assert await stage.names(101) == ["flight_cancelled", "rebooking_to_a_person"]


async def test_the_last_answer_counts_and_each_change_of_mind_is_passed_on(stage: Stage) -> None:
    await stage.ladder.follow(101)
    await stage.hears(stage.cancelled({**stage.later, "offer": "proposed"}))
    first = await stage.press(101, "accept")
    assert await stage.follows(101) == [OLD, LATER_ENTITY]
    await stage.press(101, "refund")
    assert await stage.follows(101) == [OLD]
    await stage.press(101, "accept", wamid=first)
    assert sorted(await stage.passed_on()) == ["rebooking.accepted", "rebooking.refund"], "an old webhook is no new answer"
    assert await stage.follows(101) == [OLD]
    await stage.press(101, "accept")
    assert sorted(await stage.passed_on()) == ["rebooking.accepted", "rebooking.accepted", "rebooking.refund"]
    assert await stage.follows(101) == [OLD, LATER_ENTITY]


async def test_answers_of_one_second_count_in_the_order_in_which_they_were_taken_and_each_once(stage: Stage) -> None:
    await stage.ladder.follow(101)
    contact, vault = await stage.ladder.house.contact_of(101), stage.ladder.house.runtime.vault
    order, journey, message = vault.subject_id("order", "ZX101"), vault.subject_id("flight", OLD), MessageId(random_id("m", 1))
    answers, at = stage.ladder.house.runtime.subjects.rebookings, stage.ladder.house.clock.now_ms()

    async def say(choice: str, key: str, at_ms: int = at) -> tuple[str, str]:
        given = Answer(choice, "f.1", at_ms)
        status, counts = await answers.say(order, journey, given, contact=contact.id, asked_by=message, key=key)
        return status, counts.choice

    assert await say("accept", "k1") == ("taken", "accept")
    assert await say("refund", "k2") == ("taken", "refund")
    assert await say("accept", "k1") == ("known", "refund"), "the same tap again, for its worker died"
    assert await say("refund", "k3") == ("same", "refund")
    assert await say("accept", "k4", at - 1000) == ("older", "refund")
    assert len(await stage.passed_on()) == 2


async def test_two_travellers_of_one_booking_are_one_answer_and_both_follow_what_was_accepted(stage: Stage) -> None:
    house = stage.ladder.house
    await house.tell(house.order(house.recipient(101), house.recipient(102, role="passenger")))
    await house.dispatch()
    await stage.hears(stage.cancelled({**stage.later, "offer": "proposed"}))
    await stage.press(101, "accept")
    await stage.press(102, "accept")
    assert await stage.passed_on() == ["rebooking.accepted"]
    assert await stage.names(102) == ["flight_rebooked", "rebooking_passed_on"]
    assert await stage.follows(101) == await stage.follows(102) == [OLD, LATER_ENTITY]
    await stage.press(102, "other")
    assert sorted(await stage.passed_on()) == ["rebooking.accepted", "rebooking.other"]
    assert await stage.follows(101) == await stage.follows(102) == [OLD]


async def test_an_answer_to_what_holds_no_more_says_what_holds_and_is_not_passed_on(stage: Stage) -> None:
    await stage.ladder.follow(101)
    await stage.hears(stage.cancelled({**stage.later, "offer": "proposed"}))
    (asking,) = await stage.records(101, "flight_rebooked")

    async def answered(key: str) -> str:
        await stage.press(101, key, asking)
        return await stage.text((await stage.records(101, "rebooking_outdated"))[-1])

    await stage.hears(stage.cancelled({**stage.tomorrow, "offer": "proposed"}))
    assert "there is a newer offer, flight ZZ 1001" in await answered("accept")
    await stage.hears(stage.cancelled([]))
    assert "taken back" in await answered("accept")
    await stage.hears(stage.flight("reinstated"))
    assert "flight ZZ 1007 goes after all, departure is at" in await answered("accept")
    assert await stage.passed_on() == []
    assert await stage.ladder.house.runtime.conversations.desk.queue(AHEAD) == []
    assert "goes after all" in await answered("refund")
    assert await stage.passed_on() == []
    assert len(await stage.ladder.house.runtime.conversations.desk.queue(AHEAD)) == 1, "a person sees it all the same"


async def test_once_the_order_says_what_they_fly_on_no_answer_is_taken_any_more(stage: Stage) -> None:
    house = stage.ladder.house
    await stage.ladder.follow(101)
    await stage.hears(stage.cancelled(stage.later))
    changed = house.order(house.recipient(101), number="ZX101", version=2, itinerary=[house.leg(LATER_ENTITY)])
    await stage.hears(changed)
    assert await stage.follows(101) == [LATER_ENTITY]
    await stage.press(101, "accept")
    assert await stage.passed_on() == []
    assert "your booking has been changed" in await stage.text((await stage.records(101, "rebooking_outdated"))[0])


async def test_words_of_their_own_are_for_people(stage: Stage) -> None:
    await stage.ladder.follow(101)
    await stage.hears(stage.cancelled({**stage.later, "offer": "proposed"}))
    house = stage.ladder.house
    await house.runtime.webhooks.append("whatsapp", webhook(inbound_text(house, "447700900101", "yes please take the later one")))
    await house.take_webhooks()
    assert await stage.passed_on() == []
    assert len(await house.runtime.conversations.desk.queue(GENERAL)) == 1
    assert await stage.follows(101) == [OLD]


async def test_a_button_of_somebody_else_s_message_answers_nothing(stage: Stage) -> None:
    await stage.ladder.follow(101, 102)
    await stage.hears(stage.cancelled({**stage.later, "offer": "proposed"}))
    theirs = (await stage.records(102, "flight_rebooked"))[0]
    await stage.press(101, "accept", theirs)
    assert await stage.passed_on() == []
    assert await stage.follows(101) == await stage.follows(102) == [OLD]
    assert TOMORROW_ENTITY not in await stage.follows(101)
