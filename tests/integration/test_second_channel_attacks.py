"""What somebody who wished it ill tried on two channels to one person, and what holds now."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis.asyncio import Redis

from gateway.insight.unreached import Book
from gateway.model.contact import ConsentEntry
from gateway.model.ids import SenderId
from gateway.model.message import DeliveryStatus
from gateway.planning.waiting import Mended
from tests.integration.invitations_stage import (
    SENDERS,
    TOKEN,
    Trip,
    gets_ticket,
    hears,
    invited,
    is_bound,
    link,
    rail_house,
    saying,
    tell,
    tickets,
    told,
)
from tests.integration.test_invitations_others import contact_of
from tests.integration.test_ways import BLOCKED, MESSENGER, PAGE, PSID, WHATSAPP, Ways, ticket
from tests.integration.test_ways import house as house
from tests.support.core import HOUR_MS, NUMBER, facts_of, iso
from tests.support.edge import edge_running, refused
from tests.support.page import INBOX_APP, open_page_house

MILA, NOOR = "+447700900301", "+447700900302"


def in_time(house: Ways) -> None:
    """Let the time pass after which another way is due."""
    known = house.runtime.catalogue.get("flight_delayed")
    assert known is not None
    house.pass_ms(known.another_way_ms + 1)


# another way, and a stop


async def test_who_stopped_us_before_the_other_way_was_due_is_not_told_by_it(house: Ways) -> None:
    contact = await house.traveller("messenger", "whatsapp")
    await house.delay()
    await house.dispatch()
    stop = ConsentEntry("journey", "messenger", "zz", False, house.clock.now_ms(), "stop_word")
    await house.runtime.contacts.set_consents(contact.id, [stop])
    in_time(house)
    assert await house.look_for_ways() == 1
    await house.dispatch()
    assert house.edge.sent(NUMBER) == []
    assert await house.facts("other_way") == []
    assert await house.look_for_ways() == 0


async def test_an_opt_out_told_after_the_channel_took_it_ends_the_wait_for_another_way(house: Ways) -> None:
    await house.traveller("whatsapp", "messenger")
    await house.delay()
    await house.dispatch()
    (first,) = await house.about("flight_delayed")
    await house.runtime.webhooks.append("whatsapp", failed(house, first.id, 131050))
    assert await house.take_webhooks() == 1
    in_time(house)
    assert await house.look_for_ways() == 0
    await house.dispatch()
    assert house.edge.sent(PAGE) == []
    assert [one.state.value for one in await house.about("flight_delayed")] == ["f"]


def failed(house: Ways, message: str, code: int) -> bytes:
    status: dict[str, Any] = {
        "id": "wamid.OUT1", "status": "failed", "timestamp": str(house.clock.now_ms() // 1000), "recipient_id": "447700900001",
        "biz_opaque_callback_data": f"{message}.1.{WHATSAPP}", "errors": [{"code": code, "title": "refused"}],
    }  # fmt: skip
    metadata = {"display_phone_number": "12025550143", "phone_number_id": NUMBER}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]}
    entry = {"id": "271828182845904", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


# another way, and what became of the first


async def test_evidence_that_a_dead_message_left_after_all_ends_the_search_for_another_way(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    house.edge.answers(PAGE, BLOCKED)
    await house.delay()
    await house.dispatch()
    (first,) = await house.about("flight_delayed")
    assert first.state.value == "d"
    await house.runtime.outbox.evidence(
        first, attempt=1, status=DeliveryStatus.SENT, failed=False, at_ms=house.clock.now_ms()
    )
    assert await house.look_for_ways() == 0
    await house.dispatch()
    assert house.edge.sent(NUMBER) == []


async def test_of_three_ways_the_last_is_tried_too_when_the_second_brings_nothing_in_time(house: Ways) -> None:
    to = (("messenger", PSID), ("whatsapp", "+447700900001"), ("whatsapp", "+447700900002"))
    addresses = [{"channel": channel, "to": value, "proof": "otp", "givenBy": "self"} for channel, value in to]
    at = iso(house.clock.now_ms() - 60_000)
    consents = [
        {"purpose": "journey", "channel": one, "granted": True, "at": at, "how": "booking-checkbox"}
        for one in ("messenger", "whatsapp")
    ]
    await house.tell(house.order(house.recipient(1, addresses=addresses, consents=consents), status="placed"))
    await house.delay()
    await house.dispatch()
    told = []
    for _ in range(3):
        in_time(house)
        await house.look_for_ways()
        await house.dispatch()
        told.append([body["to"] for body in house.edge.sent(NUMBER)])
    one, two = "+447700900001", "+447700900002"
    assert told == [[one], [one, two], [one, two]]
    assert len(house.edge.sent(PAGE)) == 1


async def test_news_refused_for_a_held_thread_waits_for_the_thread_where_there_is_no_other_way(house: Ways) -> None:
    contact = await house.traveller("messenger")
    house.edge.answers(PAGE, refused(10, 2018300, "another app is controlling this thread"))
    await house.delay()
    await house.dispatch()
    assert await house.states() == [(MESSENGER, "s", "held_elsewhere")]
    address, now = contact.profile.addresses[0].id, house.clock.now_ms()
    await house.runtime.contacts.set_holder(contact.id, SenderId(MESSENGER), address, program=None, until_ms=0, at_ms=now + 1)
    for _ in range(2):
        await house.waiting.revive(contact.id, address, Mended.WINDOW)
        await house.dispatch()
    assert await house.states() == [(MESSENGER, "a", "")]
    assert len(house.edge.sent(PAGE)) == 2


# another way that is not there any more


async def unreached(house: Ways, notification: str = "flight_delayed") -> list[str]:
    """Why nobody was told, as reports and webhooks say it."""
    book = Book()
    for fact in await facts_of(house.redis):
        book.take_in(fact, lambda name: name == notification)
    return [one.reason for one in book.due(house.clock.now_ms() + HOUR_MS)]


async def test_a_way_that_is_looked_for_too_late_counts_as_nobody_told(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    house.edge.answers(PAGE, BLOCKED)
    await house.delay()
    await house.dispatch()
    assert await unreached(house) == []  # it named the way that takes over, and whoever looks for it was away until
    house.pass_ms(12 * HOUR_MS)
    assert await house.look_for_ways() == 1
    await house.dispatch()
    assert house.edge.sent(NUMBER) == []
    assert await house.states() == [(MESSENGER, "d", "unreachable"), (WHATSAPP, "s", "expired")]
    assert await unreached(house) == ["expired"]
    assert await house.look_for_ways() == 0


async def test_a_way_whose_address_was_taken_away_meanwhile_counts_as_nobody_told(house: Ways) -> None:
    contact = await house.traveller("messenger", "whatsapp")
    house.edge.answers(PAGE, BLOCKED)
    await house.delay()
    await house.dispatch()
    kept = tuple(one for one in contact.profile.addresses if one.channel == "messenger")
    await house.runtime.contacts.change(contact.id, lambda profile: replace(profile, addresses=kept))
    assert await house.look_for_ways() == 1
    await house.dispatch()
    assert house.edge.sent(NUMBER) == []
    assert await unreached(house) == ["no_address"]


async def test_what_was_taken_in_time_is_not_counted_when_its_other_way_comes_too_late(house: Ways) -> None:
    await house.traveller("messenger", "whatsapp")
    await house.delay()
    await house.dispatch()
    house.pass_ms(12 * HOUR_MS)
    assert await house.look_for_ways() == 1
    assert [one.state.value for one in await house.about("flight_delayed")] == ["a"]
    assert await unreached(house) == []


async def test_a_file_and_its_words_that_both_failed_are_one_piece_of_news(house: Ways) -> None:
    contact = await house.traveller("messenger")
    await house.wrote(contact)
    house.edge.answers(PAGE, BLOCKED, BLOCKED)
    await house.tell(ticket(house))
    await house.dispatch()
    assert [one.state.value for one in await house.about("ticket_issued")] == ["d", "s"]
    assert await unreached(house, "ticket_issued") == ["unreachable"]


async def test_who_got_the_file_without_its_words_was_told(house: Ways) -> None:
    contact = await house.traveller("messenger")
    await house.wrote(contact)
    house.edge.answers(PAGE, refused(100, 0, "Invalid parameter"))
    await house.tell(ticket(house))
    await house.dispatch()
    assert sorted(one.state.value for one in await house.about("ticket_issued")) == ["a", "d"]
    assert await unreached(house, "ticket_issued") == []


# an invitation, and what the order's own source knows


@pytest.mark.long
async def test_a_later_version_of_an_order_with_its_own_address_leaves_the_chat_that_was_asked_for(data_dir: Path) -> None:
    """The source goes on naming the number it knows; whoever came by the link hears in the chat that they chose."""
    trip = Trip()
    address = {"channel": "whatsapp", "to": MILA, "proof": "otp", "givenBy": "self"}
    consent = {
        "purpose": "journey", "channel": "whatsapp", "granted": True, "at": "2026-11-18T08:03:30Z", "how": "checkbox",
        "wording": "journey-nl-3",
    }  # fmt: skip
    known: dict[str, Any] = {"addresses": [address], "consents": [consent]}
    async with rail_house(data_dir) as house:
        await house.handset(MILA, "Mila")
        await house.handset(NOOR, "Mila's other phone")
        invitation = await invited(house, trip)
        await house.says(NOOR, link=link(invitation, "messenger"))
        await is_bound(house, invitation)
        await tell(house, trip.order(**known), trip.ticket())  # the chat came first, the order's own number after it
        await gets_ticket(house, NOOR)
        await tell(house, trip.order(2, **known), Trip("TR-70007", trip.customer, "3600").order(**known), trip.delay())
        await hears(house, NOOR, "vertrekt later")
        assert saying(await house.received(MILA), "vertrekt later") == []
        assert tickets(await house.received(MILA)) == []
        _, contact = await house.get(f"/v1/contacts/{(await is_bound(house, invitation))['contact']}?reveal=true")
        (traveller,) = contact["travellers"]
        channels = {one["id"]: one["channel"] for one in contact["addresses"]}
        assert [channels[one] for one in traveller["addresses"]] == ["messenger", "whatsapp"]


async def test_an_erased_person_leaves_no_invitation_and_no_dialogue(data_dir: Path) -> None:
    trip = Trip()
    async with rail_house(data_dir) as house:
        assert house.runtime is not None
        await house.handset(MILA, "Mila")
        await tell(house, trip.order())
        unused, used = await invited(house, trip, reason="updates"), await invited(house, trip)
        await house.says(MILA, link=link(used, "messenger"))
        bound = await is_bound(house, used)
        await house.says(MILA, link=link(used, "whatsapp"))  # their other chat is somebody else to us: asked for the code
        await hears(house, MILA, "al een keer gebruikt")
        contacts = [bound["contact"], (await contact_of(house, MILA))["id"]]
        for contact in contacts:
            assert house.http is not None
            async with house.http.delete(f"{house.internal}/v1/contacts/{contact}", headers=house.headers) as answer:
                assert answer.status == 200
        left = [bytes(name).decode() async for name in house.runtime.connection.redis.scan_iter(count=1000)]
        kinds = ("iv:", "ij:", "wd:", "rc:")
        assert [name for name in left if name.partition("}")[2].startswith(kinds)] == []
        for invitation in (unused, used):
            assert (await house.get(f"/v1/invitations/{invitation['id']}"))[0] == 404
        await house.says(MILA, link=link(unused, "messenger"))
        await hears(house, MILA, "werkt niet meer")


# a thread that another program held


async def test_who_writes_to_us_directly_frees_the_thread_and_gets_what_waited_for_it(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    """Nobody tells that a thread fell back to nobody: their next message does, be it within a window that was open already."""
    async with edge_running() as edge, open_page_house(redis_url, data_dir, edge.url) as house:
        await house.tell(house.order(house.traveller(), status="placed"))
        await house.hear(house.said("hello"), house.takes(INBOX_APP))
        await house.tell(house.flight(late_min=60))
        await house.dispatch()
        assert edge.asked == []
        house.pass_ms(1000)
        await house.hear(house.said("are you there?"))
        await house.dispatch()
        assert [(one.notification, one.state.value) for one in await house.messages()] == [("flight_delayed", "a")]
        assert len(edge.sent(PAGE)) == 1


# two brands that number alike


@pytest.mark.parametrize("first", ["order", "chat"])
async def test_an_invitation_of_one_brand_brings_nothing_of_an_order_that_another_brand_numbers_alike(
    data_dir: Path, first: str
) -> None:
    trip = Trip()
    other = {
        "id": "air", "channel": "whatsapp", "brand": "zz", "portfolio": "test", "token": TOKEN,
        "account": {"phone_number_id": "314159265358979", "waba_id": "271828182845904", "number": "+12025550142"},
    }  # fmt: skip
    senders = data_dir / "three.yaml"
    senders.write_text(yaml.safe_dump({"senders": [*SENDERS["senders"], other]}))
    address = {"channel": "whatsapp", "to": MILA, "proof": "otp", "givenBy": "self"}
    consent = {
        "purpose": "journey", "channel": "whatsapp", "granted": True, "at": "2026-11-18T08:03:30Z", "how": "checkbox",
        "wording": "journey-nl-3",
    }  # fmt: skip
    order = trip.order(addresses=[address], consents=[consent])
    order["data"]["brand"] = "zz"
    async with rail_house(data_dir, GATEWAY_SENDERS_FILE=str(senders)) as house:
        await house.handset(MILA, "Mila")
        await house.handset(NOOR, "Noor")
        if first == "order":
            await tell(house, order)
        invitation = await invited(house, trip)  # of exr, for the same order number and the same customer number
        await house.says(NOOR, link=link(invitation, "whatsapp"))
        await is_bound(house, invitation)
        if first == "chat":
            await tell(house, order)
        await hears(house, MILA, "TR-55310")
        await tell(house, trip.delay())
        await hears(house, MILA, "vertrekt later")
        bound = (await is_bound(house, invitation))["contact"]
        assert (await contact_of(house, MILA))["id"] != bound
        assert await told(house, bound) == []
        assert [one["body"] for one in await house.received(NOOR) if "Welkom" not in one["body"]] == []
        _, known = await house.get(f"/v1/contacts/{bound}?reveal=true")
        assert [one["family_name"] for one in known["travellers"]] == [None]
