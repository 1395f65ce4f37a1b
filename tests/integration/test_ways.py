"""Two ways to one person: which is taken, when the other follows, and that the same news is not told twice.

A real store, both connectors, a Graph API that answers as each test says.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.cli.contacts import people_of
from gateway.insight.unreached import Book
from gateway.model.contact import ConsentEntry, Contact
from gateway.model.ids import SenderId
from gateway.model.message import DeliveryStatus, MessageRecord
from gateway.model.personal import Personal
from gateway.planning.legs import Deps, Legs
from gateway.planning.telling import Teller
from gateway.planning.waiting import Mended, Waiting
from gateway.store import keys
from gateway.store.contacts import FactChange
from gateway.store.facts import Fact
from tests.support.core import HOUR_MS, NUMBER, SANDBOX, House, facts_of, iso, open_house
from tests.support.edge import Edge, edge_running, refused

PAGE = "141421356237301"
PSID = "6100000000000001"
WHATSAPP, MESSENGER = "zz-wa", "zz-me"
BLOCKED = refused(551, 1545041, "This person isn't available right now")
NOT_ALLOWED = refused(10, 0, "Requires pages_utility_messaging permission to manage the object")


class Ways(House):
    """A house with a number and a Page, and one traveller whom both reach."""

    edge: Edge
    legs: Legs
    waiting: Waiting

    async def traveller(self, *channels: str, **more: Any) -> Contact:
        """Somebody with addresses on these channels, in this order, each proven and consented to, on one flight."""
        to = {"messenger": PSID, "whatsapp": "+447700900001"}
        at = iso(self.clock.now_ms() - 60_000)
        addresses = [{"channel": one, "to": to[one], "proof": "otp", "givenBy": "self"} for one in channels]
        consents = [
            {"purpose": "journey", "channel": one, "granted": True, "at": at, "how": "booking-checkbox"} for one in channels
        ]
        recipient = self.recipient(1, **{"addresses": addresses, "consents": consents} | more)
        await self.tell(self.order(recipient, status="placed"))
        (found,) = await self.runtime.contacts.find(
            channels[0], [self.runtime.connectors[channels[0]].identify(to[channels[0]], PAGE)]
        )
        assert found is not None
        return await self.runtime.contacts.get(found[0])

    async def delay(self, minutes: int = 60, **more: Any) -> None:
        await self.tell(self.flight(late_min=minutes, **more))

    async def about(self, notification: str) -> list[MessageRecord]:
        return [one for one in await self.messages() if one.notification == notification]

    async def states(self, notification: str = "flight_delayed") -> list[tuple[str, str, str]]:
        """(sender, state, reason) of each message of a notification, the first leg first."""
        found = [(one.sender, one.state.value, one.reason) for one in await self.about(notification)]
        return sorted(found, key=lambda one: one[0] != MESSENGER)

    async def look_for_ways(self) -> int:
        return await self.legs.turn(keys.all_partitions())

    async def facts(self, kind: str) -> list[Fact]:
        return [fact for fact in await facts_of(self.redis) if fact.kind == kind]

    async def wrote(self, contact: Contact, channel: str = "messenger") -> None:
        """They just wrote to us there."""
        address = next(one for one in contact.profile.addresses if one.channel == channel)
        sender = SenderId(MESSENGER if channel == "messenger" else WHATSAPP)
        await self.runtime.contacts.open_window(contact.id, sender, address.id, self.clock.now_ms())


@pytest.fixture
async def house(redis_url: str, redis: Redis, tmp_path: Path) -> AsyncIterator[Ways]:
    senders = tmp_path / "two.json"
    account = {"phone_number_id": NUMBER, "waba_id": "271828182845904"}
    entries = [
        {"id": WHATSAPP, "channel": "whatsapp", "brand": "zz", "portfolio": "tests", "token": SANDBOX.token, "account": account},
        {"id": MESSENGER, "channel": "messenger", "brand": "zz", "token": SANDBOX.token, "account": {"page_id": PAGE}},
    ]
    senders.write_text(json.dumps({"senders": entries}))
    async with edge_running() as edge, open_house(redis_url, tmp_path, edge.url, GATEWAY_SENDERS_FILE=str(senders)) as made:
        ways = Ways(made.runtime)
        ways.edge = edge
        runtime = made.runtime
        ways.legs = Legs(
            Deps(
                runtime.outbox, runtime.contacts, runtime.vault, runtime.worlds, runtime.directory, runtime.connectors,
                runtime.clock, runtime.wake,
            )
        )  # fmt: skip
        teller = Teller(
            runtime.contacts, runtime.subjects, runtime.outbox, runtime.vault, runtime.worlds, runtime.wake, runtime.untold
        )
        ways.waiting = Waiting(
            runtime.outbox, runtime.contacts, runtime.vault, teller, runtime.clock, runtime.wake
        )
        yield ways


async def test_the_first_way_is_taken_and_the_other_left_alone(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    await house.delay()
    await house.dispatch()
    assert len(house.edge.sent(PAGE)) == 1
    assert house.edge.sent(NUMBER) == []
    assert await house.look_for_ways() == 0


async def test_an_unreachable_address_leads_to_the_next_with_the_same_words(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    house.edge.answers(PAGE, BLOCKED)
    await house.delay()
    await house.dispatch()
    (first,) = await house.about("flight_delayed")
    assert (first.sender, first.reason) == (MESSENGER, "unreachable")
    assert await house.look_for_ways() == 1
    await house.dispatch()
    assert await house.states() == [(MESSENGER, "d", "unreachable"), (WHATSAPP, "a", "")]
    (ours,) = house.edge.sent(NUMBER)
    (tried,) = house.edge.sent(PAGE)
    told = {one["parameter_name"]: one["text"] for one in ours["template"]["components"][0]["parameters"]}
    assert told == {one["parameter_name"]: one["text"] for one in tried["message"]["template"]["components"][0]["parameters"]}
    (other,) = await house.facts("other_way")
    second = next(one for one in await house.about("flight_delayed") if one.sender == WHATSAPP)
    assert (other.id_of("m"), other.detail) == (first.id, {"next": second.id, "why": "unreachable"})
    (planned,) = [one for one in await house.facts("enqueued") if one.id_of("m") == second.id]
    assert (planned.detail["b"], planned.detail["after"]) == ("zz", first.id), "whose news it is: its brand's desk may read it"


async def test_a_second_look_after_a_crash_finds_the_same_message(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    house.edge.answers(PAGE, BLOCKED)
    await house.delay()
    await house.dispatch()
    (first,) = await house.about("flight_delayed")
    found = await house.legs._open(first.id)
    assert found is not None
    await house.legs._take(found)  # and here the process dies, before the entry is taken out
    await house.dispatch()
    assert await house.look_for_ways() == 1
    await house.dispatch()
    assert len(house.edge.sent(NUMBER)) == 1
    assert len(await house.about("flight_delayed")) == 2
    assert await house.look_for_ways() == 0


async def test_a_way_that_is_known_to_be_impossible_is_passed_over_and_named(house: Ways) -> None:
    contact = await house.traveller("messenger", "whatsapp")
    address = next(one for one in contact.profile.addresses if one.channel == "messenger")
    await house.runtime.contacts.change_facts(
        contact.id, [FactChange(f"un:{address.id}", "", house.clock.now_ms(), "later")]
    )
    await house.delay()
    (only,) = await house.about("flight_delayed")
    assert only.sender == WHATSAPP
    (fact,) = [one for one in await house.facts("enqueued") if one.id_of("m") == only.id]
    assert fact.detail["past"] == "messenger:unreachable"


async def test_a_refusal_for_good_is_remembered_and_everybody_else_goes_the_other_way_at_once(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    house.edge.answers(PAGE, NOT_ALLOWED)
    await house.delay()
    await house.dispatch()
    await house.look_for_ways()
    await house.dispatch()
    assert await house.states() == [(MESSENGER, "s", "templates_not_allowed"), (WHATSAPP, "a", "")]
    assert len(house.edge.sent(PAGE)) == 1
    house.pass_ms(60_000)
    await house.delay(90)
    newest = (await house.about("flight_delayed"))[-1]
    assert newest.sender == WHATSAPP  # planned there: nobody asks the Page again today


async def test_who_can_be_reached_by_that_page_alone_is_told_when_they_write(house: Ways) -> None:
    contact = await house.traveller("messenger")
    house.edge.answers(PAGE, NOT_ALLOWED)
    await house.delay()
    await house.dispatch()
    assert await house.states() == [(MESSENGER, "s", "templates_not_allowed")]
    address = contact.profile.addresses[0]
    await house.wrote(contact)
    assert await house.waiting.revive(contact.id, address.id, Mended.WINDOW) == 1
    assert await house.waiting.revive(contact.id, address.id, Mended.WINDOW) == 0
    await house.dispatch()
    assert await house.states() == [(MESSENGER, "a", "")]
    free = house.edge.sent(PAGE)[-1]
    assert free["messaging_type"] == "UPDATE"
    assert "template" not in free["message"]


async def test_what_was_overtaken_while_it_waited_is_not_brought_back(house: Ways) -> None:
    contact = await house.traveller("messenger")
    house.edge.answers(PAGE, NOT_ALLOWED)
    await house.delay()
    await house.dispatch()
    house.pass_ms(1000)
    await house.tell(house.flight("cancelled"))
    await house.wrote(contact)
    await house.waiting.revive(contact.id, contact.profile.addresses[0].id, Mended.WINDOW)
    await house.dispatch()
    assert [one.state.value for one in await house.about("flight_delayed")] == ["e"]
    assert [one.state.value for one in await house.about("flight_cancelled")] == ["a"]


async def test_not_delivered_in_time_another_way_is_tried_and_a_late_delivery_is_noted(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    await house.delay()
    await house.dispatch()
    (first,) = await house.about("flight_delayed")
    assert await house.look_for_ways() == 0
    house.pass_ms(house.runtime.catalogue.get("flight_delayed").another_way_ms + 1)  # type: ignore[union-attr]
    assert await house.look_for_ways() == 1
    await house.dispatch()
    assert [one["why"] for one in [fact.detail for fact in await house.facts("other_way")]] == ["not_delivered"]
    assert len(house.edge.sent(NUMBER)) == 1
    await house.runtime.outbox.evidence(
        first, attempt=1, status=DeliveryStatus.DELIVERED, failed=False, at_ms=house.clock.now_ms()
    )
    assert await house.look_for_ways() == 0
    assert [fact.id_of("m") for fact in await house.facts("delivered")] == [first.id]


async def test_what_is_delivered_after_all_is_not_repeated(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    await house.delay()
    await house.dispatch()
    (first,) = await house.about("flight_delayed")
    house.pass_ms(house.runtime.catalogue.get("flight_delayed").another_way_ms + 1)  # type: ignore[union-attr]
    await house.look_for_ways()
    await house.runtime.outbox.evidence(
        first, attempt=1, status=DeliveryStatus.READ, failed=False, at_ms=house.clock.now_ms()
    )
    await house.dispatch()
    assert house.edge.sent(NUMBER) == []
    assert await house.states() == [(MESSENGER, "a", ""), (WHATSAPP, "s", "told_elsewhere")]


async def test_delivered_in_time_ends_the_wait(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    await house.delay()
    await house.dispatch()
    (first,) = await house.about("flight_delayed")
    await house.runtime.outbox.evidence(
        first, attempt=1, status=DeliveryStatus.DELIVERED, failed=False, at_ms=house.clock.now_ms()
    )
    house.pass_ms(HOUR_MS)
    assert await house.look_for_ways() == 0


async def test_what_still_waits_in_a_stuck_lane_is_dropped_when_the_other_way_had_it(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    pause = house.clock.now_ms() + 2 * HOUR_MS
    house.edge.answers(PAGE, refused(190, 0, "Error validating access token", 401))
    await house.runtime.senders.set_state(SenderId(MESSENGER), {"paused": pause, "why": "test"})
    await house.delay()
    await house.dispatch()
    house.pass_ms(house.runtime.catalogue.get("flight_delayed").another_way_ms + 60_000)  # type: ignore[union-attr]
    await house.look_for_ways()
    await house.dispatch()
    assert len(house.edge.sent(NUMBER)) == 1
    await house.runtime.senders.set_state(SenderId(MESSENGER), {"paused": 0, "why": ""})
    house.pass_ms(HOUR_MS)
    before = len(house.edge.sent(PAGE))
    await house.dispatch()
    assert len(house.edge.sent(PAGE)) == before
    assert await house.states() == [(MESSENGER, "s", "told_elsewhere"), (WHATSAPP, "a", "")]


async def test_who_stopped_us_on_one_channel_does_not_get_the_same_by_another(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    house.edge.answers(PAGE, refused(10, 1893015, "This person has stopped these notifications"))
    await house.delay()
    await house.dispatch()
    assert await house.look_for_ways() == 0
    assert house.edge.sent(NUMBER) == []


async def test_when_every_way_fails_each_is_on_record_with_its_reason(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    house.edge.answers(PAGE, BLOCKED)
    house.edge.answers(NUMBER, refused(131026, 0, "Message undeliverable"))
    await house.delay()
    for _ in range(3):
        await house.dispatch()
        await house.look_for_ways()
    assert await house.states() == [(MESSENGER, "d", "unreachable"), (WHATSAPP, "d", "unreachable")]
    ends = {fact.id_of("m"): fact.detail.get("next") for fact in await house.facts("dead")}
    first, second = await house.about("flight_delayed")
    assert {first.id, second.id} == set(ends)
    assert sorted(ends.values(), key=bool) == [None, next(one.id for one in (first, second) if one.sender == WHATSAPP)]


async def test_nobody_counts_as_unreached_while_another_way_is_tried_and_everybody_does_after_the_last(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    house.edge.answers(PAGE, BLOCKED)
    house.edge.answers(NUMBER, refused(131026, 0, "Message undeliverable"))
    await house.delay()

    async def unreached() -> list[str]:
        book = Book()
        for fact in await facts_of(house.redis):
            book.take_in(fact, lambda name: name == "flight_delayed")
        return [one.reason for one in book.due(house.clock.now_ms() + HOUR_MS)]

    await house.dispatch()
    assert await unreached() == []  # the end of the first names what takes over
    await house.look_for_ways()
    assert await unreached() == []
    await house.dispatch()
    assert await unreached() == ["unreachable"]


async def test_a_thread_that_another_program_holds_sends_news_the_other_way(house: Ways) -> None:
    contact = await house.traveller("messenger", "whatsapp")
    house.edge.answers(PAGE, refused(10, 2018300, "another app is controlling this thread"))
    await house.delay()
    await house.dispatch()
    await house.look_for_ways()
    await house.dispatch()
    assert await house.states() == [(MESSENGER, "d", "held_elsewhere"), (WHATSAPP, "a", "")]
    assert house.edge.sent(PAGE, "take_thread_control") == []
    known = await house.runtime.contacts.get(contact.id)
    address = next(one for one in known.profile.addresses if one.channel == "messenger")
    assert known.facts.held_elsewhere(SenderId(MESSENGER), address.id, house.clock.now_ms())


async def test_a_thread_known_to_be_held_is_passed_over_at_once(house: Ways) -> None:
    contact = await house.traveller("messenger", "whatsapp")
    address = next(one for one in contact.profile.addresses if one.channel == "messenger")
    now = house.clock.now_ms()
    await house.runtime.contacts.set_holder(
        contact.id, SenderId(MESSENGER), address.id, program="inbox", until_ms=now + HOUR_MS, at_ms=now
    )
    await house.delay()
    await house.dispatch()
    assert await house.states() == [(WHATSAPP, "a", "")]
    (fact,) = [one for one in await house.facts("enqueued") if one.detail.get("nt") == "flight_delayed"]
    assert fact.detail["past"] == "messenger:held_elsewhere"


async def test_the_persons_wish_and_what_they_read_last_say_which_way_comes_first(house: Ways) -> None:
    contact = await house.traveller("messenger", "whatsapp")
    await house.runtime.contacts.change_facts(contact.id, [FactChange("wish", "whatsapp", 0, "set")])
    await house.delay()
    assert [one.sender for one in await house.about("flight_delayed")] == [WHATSAPP]
    await house.runtime.contacts.change_facts(contact.id, [FactChange("wish", "", 0, "set")])
    house.pass_ms(1000)
    await house.delay(90)
    assert {one.sender for one in await house.about("flight_delayed")} == {WHATSAPP, MESSENGER}


async def test_reading_is_remembered_by_address(house: Ways) -> None:
    contact = await house.traveller("messenger", "whatsapp")
    await house.delay()
    await house.dispatch()
    (record,) = await house.about("flight_delayed")
    at_ms = house.clock.now_ms() + 5
    await house.runtime.outbox.evidence(record, attempt=1, status=DeliveryStatus.READ, failed=False, at_ms=at_ms)
    assert (await house.runtime.contacts.get(contact.id)).facts.read_at == {record.address: at_ms}


# what waits for a word from somewhere else


async def test_a_proof_or_consent_that_comes_by_the_api_sends_what_waited_for_it(house: Ways) -> None:
    people = people_of(house.runtime)
    contact = await house.traveller("whatsapp", consents=[])
    await house.tell(ticket(house))
    await house.dispatch()
    assert house.edge.sent(NUMBER) == []
    at = house.clock.now_ms()
    consent = ConsentEntry("journey", "whatsapp", "zz", True, at, "telephone", "w1", Personal("call 7"))
    await people.set_consents(await house.runtime.contacts.get(contact.id), [consent])
    await house.dispatch()
    assert [one["template"]["name"] for one in house.edge.sent(NUMBER)] == ["ticket_file_v2"]  # whose header is a PDF
    await people.set_consents(contact, [consent])
    await house.dispatch()
    assert len(house.edge.sent(NUMBER)) == 1


# documents


def ticket(house: Ways, **more: Any) -> Any:
    document = {
        "id": "T-1", "kind": "ticket", "title": "Amsterdam - London", "mime": "application/pdf",
        "content": base64.b64encode(b"%PDF-1.4 ticket").decode(),
    }  # fmt: skip
    data = {"orderNumber": "ZX7K2P", "brand": "zz", "document": document, "recipients": [{"customerId": "C-1"}]} | more
    return house.event_of("order.document", "ZX7K2P", data, source="/booking/orders")


async def test_a_channel_without_captions_gets_the_words_and_then_the_file(house: Ways) -> None:
    contact = await house.traveller("messenger", "whatsapp")
    await house.wrote(contact)
    await house.tell(ticket(house))
    await house.dispatch()
    words, file = house.edge.sent(PAGE)
    assert "Amsterdam - London" in json.dumps(words, ensure_ascii=False)
    assert file["message"]["attachment"]["type"] == "file"
    assert len(house.edge.sent(PAGE, "message_attachments")) == 1
    assert house.edge.sent(NUMBER) == []


async def test_what_is_drawn_follows_its_words_as_a_picture_where_there_are_no_captions(house: Ways) -> None:
    contact = await house.traveller("messenger")
    code = {"format": "qr", "message": "T-88120-2-9F3A61C0"}
    document = {"id": "T-1", "kind": "event_ticket", "title": "Museum night", "venue": "Example Hall", "barcode": code}
    await house.tell(ticket(house, document=document))
    await house.dispatch()
    assert await house.states("ticket_issued") == [(MESSENGER, "s", "template_no_document")]
    await house.wrote(contact)
    await house.waiting.revive(contact.id, contact.profile.addresses[0].id, Mended.WINDOW)
    await house.dispatch()
    words, picture = house.edge.sent(PAGE)
    assert "Museum night" in json.dumps(words)
    assert "/d/" in json.dumps(words)
    assert picture["message"]["attachment"]["type"] == "image"


async def test_outside_the_window_a_document_goes_by_the_channel_whose_templates_carry_one(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    await house.tell(ticket(house))
    await house.dispatch()
    assert house.edge.sent(PAGE) == []
    (sent,) = house.edge.sent(NUMBER)
    assert sent["template"]["components"][0]["type"] == "header"
    (record,) = await house.about("ticket_issued")
    (fact,) = [one for one in await house.facts("enqueued") if one.id_of("m") == record.id]
    assert fact.detail["past"] == "messenger:template_no_document"


async def test_a_file_that_one_channel_refuses_goes_whole_by_the_other(house: Ways) -> None:
    contact = await house.traveller("messenger", "whatsapp")
    await house.wrote(contact)
    house.edge.answers(PAGE, (200, {"recipient_id": PSID, "message_id": "m_WORDS"}), BLOCKED)
    await house.tell(ticket(house))
    await house.dispatch()
    await house.look_for_ways()
    await house.dispatch()
    (sent,) = house.edge.sent(NUMBER)
    assert sent["template"]["components"][0]["parameters"][0]["type"] == "document"
    assert await house.look_for_ways() == 0


async def test_a_ticket_waits_for_the_window_of_its_only_way_and_goes_once(house: Ways) -> None:
    contact = await house.traveller("messenger")
    await house.tell(ticket(house))
    await house.dispatch()
    assert house.edge.sent(PAGE) == []
    assert await house.states("ticket_issued") == [(MESSENGER, "s", "template_no_document")]
    await house.wrote(contact)
    for _ in range(2):
        await house.waiting.revive(contact.id, contact.profile.addresses[0].id, Mended.WINDOW)
        await house.dispatch()
    kinds = [body["message"].get("attachment", {}).get("type", "text") for body in house.edge.sent(PAGE)]
    assert len(kinds) == 2
    assert kinds[1] == "file"
