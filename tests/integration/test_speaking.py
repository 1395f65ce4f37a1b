"""An agent's words on a channel that shows who speaks, keeps threads, and lets people answer longer than machines."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.capability import Capability, Finding
from gateway.model.contact import Contact
from gateway.model.ids import SenderId, message_id, partition_of
from gateway.model.message import MessageRecord, MessageState, Priority
from gateway.store.outbox import Plan, PlannedContact, PlannedMessage
from tests.integration.test_ways import MESSENGER, PAGE, Ways, house
from tests.support.core import HOUR_MS
from tests.support.edge import refused

__all__ = ["house"]

DAY_MS = 24 * HOUR_MS
HELD = refused(10, 2018300, "another app is controlling this thread")


async def reply(house: Ways, contact: Contact, text: str, author: str = "Sanne", **more: Any) -> MessageRecord:
    """An agent's words, put as the desk puts them."""
    address = next(one for one in contact.profile.addresses if one.channel == "messenger")
    message = message_id("v07", "reply", text, contact.id, 0)
    body = {"kind": "reply", "content": {"type": "text", "body": text}, "author": author, "purpose": "reply"} | more
    box = await house.runtime.vault.contact_box(contact.id)
    planned = PlannedMessage(
        id=message, contact=contact.id, sender=SenderId(MESSENGER), address=address.id, priority=Priority.AGENT, due_ms=0,
        deadline_ms=house.clock.now_ms() + HOUR_MS, told="", state=MessageState.QUEUED, reason="", notification="reply",
        body=box.seal_json(body, message),
    )  # fmt: skip
    facts = (await house.runtime.contacts.facts_of([contact.id]))[0]
    plan = Plan(partition_of(contact.id), "", 0, "", (PlannedContact(contact.id, facts.consent_version, (), (planned,)),))
    assert (await house.runtime.outbox.put(plan)).written
    await house.dispatch()
    found = await house.runtime.outbox.record(message)
    assert found is not None
    return found[0]


@pytest.fixture
async def anna(house: Ways) -> Contact:
    contact = await house.traveller("messenger")
    await house.wrote(contact)
    return contact


async def allow(house: Ways, able: bool | None) -> None:
    finding = Finding(able, house.clock.now_ms(), "test")
    await house.runtime.senders.note_finding(SenderId(MESSENGER), Capability.PERSON_WINDOW, finding)
    house.runtime.worlds.stale()


async def test_an_agent_speaks_under_her_first_name_made_once(house: Ways, anna: Contact) -> None:
    await reply(house, anna, "Hello")
    await reply(house, anna, "Anything else?")
    await reply(house, anna, "I take over", author="Joris")
    made = [body["name"] for body in house.edge.sent(PAGE, "personas")]
    assert made == ["Sanne", "Joris"]
    first, second, third = house.edge.sent(PAGE)
    assert first["persona_id"] == second["persona_id"] != third["persona_id"]
    assert first["messaging_type"] == "RESPONSE"


async def test_what_a_machine_says_stands_under_the_pages_own_name(house: Ways, anna: Contact) -> None:
    await house.delay()
    await house.dispatch()
    assert "persona_id" not in house.edge.sent(PAGE)[0]
    assert house.edge.sent(PAGE, "personas") == []


async def test_without_a_speaker_the_words_go_out_all_the_same(house: Ways, anna: Contact) -> None:
    house.edge.answers(PAGE, refused(100, 0, "(#100) personas are not available"), call="personas")
    record = await reply(house, anna, "Hello")
    assert record.state is MessageState.ACCEPTED
    assert "persona_id" not in house.edge.sent(PAGE)[0]


async def test_a_speaker_that_the_channel_forgot_is_made_anew_and_in_the_end_done_without(house: Ways, anna: Contact) -> None:
    gone = refused(100, 0, "(#100) Invalid persona_id")
    await reply(house, anna, "Hello")
    house.edge.answers(PAGE, gone)
    assert (await reply(house, anna, "Are you there?")).state is MessageState.ACCEPTED
    house.edge.answers(PAGE, gone, gone)
    assert (await reply(house, anna, "I am still here")).state is MessageState.ACCEPTED
    sent = house.edge.sent(PAGE)
    assert ["persona_id" in one for one in sent] == [True, True, True, True, True, False]
    assert len({one.get("persona_id") for one in sent}) == 4  # the first, two made anew, and none


async def test_a_person_may_answer_for_seven_days_where_the_page_may(house: Ways, anna: Contact) -> None:
    await allow(house, True)
    house.pass_ms(6 * DAY_MS)
    record = await reply(house, anna, "We found your suitcase")
    assert record.state is MessageState.ACCEPTED
    (sent,) = house.edge.sent(PAGE)
    assert (sent["messaging_type"], sent["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")
    house.pass_ms(2 * DAY_MS)
    assert (await reply(house, anna, "Are you still there?")).reason == "window_closed"


@pytest.mark.parametrize("able", [False, None])
async def test_where_the_page_may_not_or_nobody_knows_the_window_is_a_day(house: Ways, anna: Contact, able: bool | None) -> None:
    await allow(house, able)
    house.pass_ms(2 * DAY_MS)
    assert (await reply(house, anna, "Too late")).reason == "window_closed"
    assert house.edge.sent(PAGE) == []


async def test_a_machine_never_answers_as_a_person(house: Ways, anna: Contact) -> None:
    await allow(house, True)
    house.pass_ms(2 * DAY_MS)
    assert (await reply(house, anna, "I am a machine", author="", automatic=True)).reason == "window_closed"
    assert house.edge.sent(PAGE) == []


async def test_a_permission_that_turns_out_to_be_missing_is_remembered_and_the_agent_told(house: Ways, anna: Contact) -> None:
    await allow(house, True)
    house.pass_ms(2 * DAY_MS)
    house.edge.answers(PAGE, refused(100, 0, "Cannot tag messages with 'HUMAN_AGENT' without prior approval"))
    record = await reply(house, anna, "Hello")
    assert (record.state, record.reason) == (MessageState.DEAD, "window_closed")
    assert (await reply(house, anna, "Again")).reason == "window_closed"
    assert len(house.edge.sent(PAGE)) == 1


async def test_an_agents_words_take_a_thread_over(house: Ways, anna: Contact) -> None:
    house.edge.answers(PAGE, HELD)
    record = await reply(house, anna, "Here I am")
    assert record.state is MessageState.ACCEPTED
    assert [what for _, what, _ in house.edge.asked if what != "personas"] == ["messages", "take_thread_control", "messages"]


async def test_a_thread_that_cannot_be_taken_over_tells_the_agent_and_is_not_tried_for_ever(house: Ways, anna: Contact) -> None:
    house.edge.answers(PAGE, HELD, HELD, HELD, HELD)
    record = await reply(house, anna, "Here I am")
    assert (record.state, record.reason) == (MessageState.DEAD, "held_elsewhere")
    assert len(house.edge.sent(PAGE)) == 3


async def test_a_notification_never_takes_a_thread_over(house: Ways, anna: Contact) -> None:
    house.edge.answers(PAGE, HELD)
    await house.delay()
    await house.dispatch()
    assert house.edge.sent(PAGE, "take_thread_control") == []
