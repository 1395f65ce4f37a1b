"""Who answers somebody at home, and when nobody does by itself: crises, other programs, those who travel themselves, the desk."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gateway.connector import InboundKind, MessageEvent
from gateway.model.conversation import Agent, AgentId, Conversation, Entry
from gateway.model.personal import Personal
from gateway.store.incidents import Crisis, Incidents
from gateway.surface import webcare_deps
from gateway.webcare.pages import Pages
from gateway.webhooks.deps import Deps
from gateway.webhooks.family_questions import STATE, Asked, FamilyQuestions
from gateway.webhooks.origins import Origins
from tests.integration.family_stage import Stage
from tests.support.core import House, facts_of, open_house
from tests.support.meta import inbound_text, webhook

MUM, EVA = 7, 1
ACCOUNT = "314159265358979"
ENTITY, NUMBER = "ZZ1007/2026-11-22/AMS", "ZX7K2P"
SANNE = Agent(AgentId("a1"), Personal("sanne"), Personal("Sanne"))


async def says(house: House, number: int, text: str, **more: Any) -> tuple[Conversation, Entry]:
    """Somebody writes; their conversation, and the line as it was kept."""
    await house.runtime.webhooks.append("whatsapp", webhook(inbound_text(house, f"447700900{number:03d}", text, **more)))
    await house.take_webhooks()
    conversations = house.runtime.conversations
    found = await conversations.get((await conversations.of_contact((await house.contact_of(number)).id))[-1])
    return found, [one for one in await conversations.thread(found) if one.kind == "in"][-1]


async def answers(house: House, number: int) -> list[str]:
    contact = await house.contact_of(number)
    found = [one for one in await house.messages(contact.id) if one.notification == STATE]
    return [str((await house.body(one))["text"]) for one in found]


async def asked(house: House) -> list[str]:
    return [fact.detail["by"] for fact in await facts_of(house.redis) if fact.kind == "family_asked"]


async def drawn(house: House, conversation: Conversation) -> dict[str, str]:
    """The desk's page of a conversation as text."""
    pages = Pages(webcare_deps(house.runtime))
    opened, sides = await pages.opened(SANNE, conversation), await pages.sides(SANNE, "", "en")
    raw = {"head": opened.head.html, "card": opened.card.html, "waiting": sides["waiting"].html}
    raw["lines"] = " ".join(part.html for part in opened.lines.values())
    return {name: " ".join(re.sub(r"<[^>]+>", " ", html).split()) for name, html in raw.items()}


async def test_a_question_is_answered_once_and_anything_else_is_a_persons_who_sees_whose_family_it_is(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        stage = Stage(house)
        await stage.travels(EVA)
        await stage.joins(await stage.family(EVA), MUM)
        await house.tell(house.flight("departed", late_min=10, source="/feeds/elsewhere"))
        house.pass_ms(5 * 60_000)
        hook = webhook(inbound_text(house, f"447700900{MUM:03d}", "is it late?", wamid="wamid.ASKED"))
        for _ in range(2):  # a webhook comes twice, and is applied twice
            await house.runtime.webhooks.append("whatsapp", hook)
            await house.take_webhooks()
        (text,) = await answers(house, MUM)
        assert text.startswith("Flight ZZ 1007 from Amsterdam to London Heathrow: on its way.")
        assert "Source: Polderwind Air, 5 minutes ago." in text, "a source without a name of its own speaks for the brand"
        assert await asked(house) == ["answered"]
        # What is more than the question is read by a person.
        conversation, line = await says(house, MUM, "is it late? I have her insulin here")
        assert (conversation.state, conversation.queue) == ("queued", "general")
        assert line.family == "ZZ 1007 AMS–LHR 2026-11-22"
        assert (len(await answers(house, MUM)), await asked(house)) == (1, ["answered"])
        page = await drawn(house, conversation)
        assert "Family of a traveller on ZZ 1007 AMS–LHR 2026-11-22" in page["head"]
        assert "ZZ 1007 AMS–LHR 2026-11-22 under way hears all news" in page["card"]
        assert "Own orders None with Polderwind Air now." in page["card"]
        assert "as family: ZZ 1007 AMS–LHR 2026-11-22" in page["lines"]
        assert "Family Polderwind Air" in page["waiting"]
        assert not any(secret in said for said in page.values() for secret in (NUMBER, f"Given{EVA}", f"Family{EVA}", "C-1"))
        # A quarter of an hour without news: what is known, and a person.
        house.pass_ms(11 * 60_000)
        await says(house, MUM, "when do they land")
        assert "16 minutes ago. We have nothing newer." in (await answers(house, MUM))[-1]
        assert await asked(house) == ["answered", "person"]


async def test_nothing_is_answered_by_itself_in_a_crisis_or_where_another_program_holds_the_thread(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        stage = Stage(house)
        await stage.travels(EVA)
        await stage.joins(await stage.family(EVA), MUM)
        await house.tell(house.flight("departed"))
        contact = await house.contact_of(MUM)
        address = contact.profile.addresses[0].id
        questions = family_questions(house)
        event = MessageEvent(ACCOUNT, Personal("x"), (), house.clock.now_ms(), InboundKind.TEXT, Personal("where is it now"))
        heard = await questions.hear(contact, address, stage.sender, replace(event, standby=True), None)
        assert heard == Asked(True, False, "ZZ 1007 AMS–LHR 2026-11-22")
        held = replace(contact, facts=replace(
            contact.facts, held={f"{stage.sender.id}:{address}": (house.clock.now_ms() + 60_000, "")}))  # fmt: skip
        assert await questions.hear(held, address, stage.sender, event, None) == heard
        assert await answers(house, MUM) == []
        # The answer that still waits to be sent does not leave either: it is about the flight, and soon of no use.
        await says(house, MUM, "where is it now")
        subject = house.runtime.vault.subject_id("flight", ENTITY)
        crisis = Crisis(subject, (), f"flight:{ENTITY}", "care", "kim", "emergency landing", house.clock.now_ms())
        await Incidents(house.redis, house.clock).begin(crisis)
        house.pass_ms(1000)
        await house.dispatch()
        (waiting,) = [one for one in await house.messages(contact.id) if one.notification == STATE]
        assert waiting.state.value == "q"
        kinds = [fact.kind for fact in await facts_of(house.redis) if fact.id_of("m") == waiting.id]
        assert "later" in kinds, "it was held"
        assert "retry" not in kinds, "it was not tried"
        assert waiting.deadline_ms - house.clock.now_ms() < 10 * 60_000
        for text in ("is it still in the air", "what has happened?"):
            conversation, _ = await says(house, MUM, text)
            assert (conversation.state, conversation.queue) == ("queued", "care")
        assert len(await answers(house, MUM)) == 1
        assert await asked(house) == ["answered", "person"]


def family_questions(house: House) -> FamilyQuestions:
    """As the role makes it."""
    runtime = house.runtime
    deps = Deps(
        runtime.contacts, runtime.outbox, runtime.conversations, runtime.vault, runtime.worlds, runtime.directory, runtime.clock,
        runtime.wake, home=runtime.home,
    )  # fmt: skip
    return FamilyQuestions(deps, Origins(deps), runtime.home, runtime.subjects)


async def test_who_travels_too_asks_as_a_traveller_but_in_answer_to_what_they_heard_as_family(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        stage = Stage(house)
        await stage.travels(EVA)
        await house.tell(house.order(house.recipient(2), number="OTHER1", itinerary=[house.leg("ZZ2002/2026-11-22/AMS")]))
        await stage.joins(await stage.family(EVA), 2)
        await house.tell(house.flight("departed"), house.flight("delayed", entity="ZZ2002/2026-11-22/AMS", late_min=30))
        conversation, line = await says(house, 2, "is it late?")
        # Told of their own flight, as who travels, by the assistant: nothing of those whom they are family of.
        assert (conversation.state, line.family, await answers(house, 2)) == ("automated", "", [])
        # The same words under a message to them as family.
        contact = await house.contact_of(2)
        (news,) = [one for one in await house.messages(contact.id) if one.notification == "family_departed"]
        event = MessageEvent(ACCOUNT, Personal("y"), (), house.clock.now_ms(), InboundKind.TEXT, Personal("is it late?"))
        heard = await family_questions(house).hear(contact, news.address, stage.sender, event, news)
        assert heard == Asked(True, True, "ZZ 1007 AMS–LHR 2026-11-22")
        assert ["ZZ 1007" in text for text in await answers(house, 2)] == [True]


def heard_of(flights: int) -> str:
    """How the desk names these journeys."""
    return "; ".join(f"ZZ {number} AMS–LHR 2026-11-22" for number in ("1007", "2001", "2002", "2003")[:flights])


async def test_who_follows_several_is_told_of_each_and_who_names_a_flight_of_that_one(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        stage = Stage(house)
        entities = [ENTITY, *(f"ZZ200{n}/2026-11-22/AMS" for n in range(1, 4))]
        for place, entity in enumerate(entities):
            await house.tell(house.order(house.recipient(10 + place), number=f"ORDER{place}", itinerary=[
                house.leg(entity), house.leg(f"ZZ300{place}/2026-11-22/AMS")]))  # fmt: skip
            await stage.joins(await stage.family(10 + place), MUM)
            await house.tell(house.flight("departed" if place else "arrived", entity=entity))
        await says(house, MUM, "where are they")
        assert len(await answers(house, MUM)) == 3
        await says(house, MUM, "has ZZ 2003 left Amsterdam?")
        assert (await answers(house, MUM))[-1].startswith("Flight ZZ 2003 from Amsterdam to London Heathrow: on its way.")
        assert len(await answers(house, MUM)) == 4
        # The button below an answer asks as well; the one that wants a person does not.
        mum = await house.contact_of(MUM)
        for key, says_so in (("now", Asked(True, True, heard_of(4))), ("question", Asked(False, False, heard_of(4)))):
            pressed = MessageEvent(
                ACCOUNT, Personal(f"press {key}"), (), house.clock.now_ms(), InboundKind.BUTTON, Personal("?"),
                payload=f"{STATE}/{key}",
            )  # fmt: skip
            heard = await family_questions(house).hear(mum, mum.profile.addresses[0].id, stage.sender, pressed, None)
            assert heard == says_so
        assert len(await answers(house, MUM)) == 7
        # A leg that is further away than the one under way.
        await says(house, MUM, "when does 3003 land?")
        assert (await answers(house, MUM))[-1].startswith("Flight ZZ 3003 from Amsterdam to London Heathrow: no news yet.")
        # Who is nobody's family asks as anybody does.
        stranger, line = await says(house, 99, "where is it now")
        assert (stranger.state, line.family, await asked(house)) == ("queued", "", ["answered", "answered", "person"])
