"""From a kept event to the messages it makes: who hears what, once, whoever comes when and whatever comes twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.errors import NotFound
from gateway.intake.role import make_expander
from gateway.model.contact import Address, ConsentEntry, Profile, Proof, Subscription
from gateway.model.ids import ContactId, partition_of, random_id
from gateway.store import keys
from gateway.store.contacts import FactChange
from tests.support.core import HOUR_MS, House, iso, open_house


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


# once


async def test_an_event_is_told_once_to_each_of_its_people(house: House) -> None:
    await house.tell(house.order(house.recipient(101), house.recipient(102)), house.flight(late_min=40))
    for number in (101, 102):
        assert await house.told(number) == ["order_confirmed", "flight_delayed"]


async def test_the_same_event_again_is_known_and_tells_nobody_again(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    late = house.flight(late_min=40)
    await house.tell(late)
    assert await house.keep(late) == ["same"]
    await house.expand()
    assert (await house.told(101)).count("flight_delayed") == 1


async def test_two_expanders_at_once_make_one_message_each(house: House) -> None:
    people = [house.recipient(number) for number in range(101, 121)]
    others = [make_expander(house.runtime) for _ in range(3)]
    await house.keep(house.order(*people))
    await asyncio.gather(*(house.expand(one) for one in others))
    await house.keep(house.flight(late_min=40))
    await asyncio.gather(*(house.expand(one) for one in others))
    counts = Counter((one.contact, one.notification) for one in await house.messages())
    assert set(counts.values()) == {1}
    assert len(counts) == 40


async def test_an_older_version_is_kept_shown_and_tells_nobody(house: House) -> None:
    await house.tell(house.order(house.recipient(101)), house.flight(late_min=40, version=7))
    await house.tell(house.flight("cancelled", version=6))
    assert "flight_cancelled" not in await house.told(101)
    assert await house.runtime.events.depth() <= 2


async def test_two_changes_told_in_the_same_second_by_a_source_without_numbers_are_both_told(house: House) -> None:
    await house.tell(house.order(house.recipient(101)), house.flight("scheduled", gate="D1", at_ms=-2000))
    second = house.clock.now_ms() // 1000 * 1000
    for event in (house.flight("scheduled", gate="D2"), house.flight(late_min=40, gate="D2")):
        await house.tell(replace(event, occurred_at_ms=second))
    assert (await house.told(101))[1:] == ["gate_changed", "flight_delayed"]


async def test_between_sources_the_time_decides(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    await house.tell(house.flight(late_min=40, version=3, source="/ops/a", at_ms=-1000))
    await house.tell(house.flight("scheduled", version=900, source="/ops/b", at_ms=-60_000))
    assert (await house.told(101))[1:] == ["flight_delayed"]


async def test_news_that_takes_another_place_does_so_in_the_lane(house: House) -> None:
    await house.tell(house.order(house.recipient(101)), house.flight(late_min=40), house.flight(late_min=90))
    records = [one for one in await house.messages(await house.find(101)) if one.notification == "flight_delayed"]
    assert [one.state.value for one in records] == ["r", "q"]


async def test_a_cancellation_ends_the_delay_of_everybody(house: House) -> None:
    order = house.order(house.recipient(101), house.recipient(102))
    await house.tell(order, house.flight(late_min=40), house.flight("cancelled"))
    for number in (101, 102):
        assert await house.told(number, "e") == ["flight_delayed"]
        assert "flight_cancelled" in await house.told(number, "q")


# who comes when


async def test_who_books_after_the_delay_hears_of_it_once(house: House) -> None:
    await house.tell(house.order(house.recipient(101)), house.flight(late_min=40))
    await house.tell(house.order(house.recipient(102), number="ZX8M4Q"))
    assert Counter(await house.told(102)) == {"order_confirmed": 1, "flight_delayed": 1}
    await house.tell(house.order(house.recipient(102), number="ZX8M4Q", version=2, status="processing"))
    assert (await house.told(102)).count("flight_delayed") == 1


async def test_who_books_while_the_delay_is_told_hears_of_it_once(house: House) -> None:
    await house.tell(house.order(*(house.recipient(number) for number in range(101, 131))))
    await house.keep(house.flight(late_min=40), house.order(house.recipient(201), number="ZX8M4Q"))
    await asyncio.gather(house.expand(), house.expand(make_expander(house.runtime)))
    assert (await house.told(201)).count("flight_delayed") == 1


async def test_who_books_after_an_on_time_again_does_not_hear_of_the_old_delay(house: House) -> None:
    await house.tell(house.order(house.recipient(101)), house.flight(late_min=40), house.flight("scheduled", late_min=0))
    await house.tell(house.order(house.recipient(102), number="ZX8M4Q"))
    assert "flight_delayed" not in await house.told(102)


async def test_a_customer_of_another_order_is_not_told_what_is_limited_to_named_bookings(house: House) -> None:
    await house.tell(house.order(house.recipient(101)), house.order(house.recipient(102), number="ZX8M4Q"))
    await house.tell(house.flight(late_min=40, audience={"kind": "bookings", "refs": ["ZX7K2P"]}))
    assert "flight_delayed" in await house.told(101)
    assert "flight_delayed" not in await house.told(102)


# a thousand


async def test_a_thousand_subscribers_are_told_in_chunks_and_an_interrupted_fan_out_goes_on_where_it_was(house: House) -> None:
    await crowd(house, 1000, partitions=4)
    await house.keep(house.flight(late_min=40))
    await house.expander.look(keys.all_partitions())
    assert await house.messages() == [], "each partition has more people than one chunk"
    for turn in range(1, 5):
        await make_expander(house.runtime).chunks(keys.all_partitions(), turns=3)
        assert len(await house.messages()) == 75 * turn
    await house.expand(make_expander(house.runtime))
    counts = Counter(one.contact for one in await house.messages())
    assert (len(counts), set(counts.values())) == (1000, {1})


async def test_one_crowded_partition_is_told_in_chunks_of_twenty_five(house: House) -> None:
    await crowd(house, 70)
    await house.keep(house.flight(late_min=40))
    await house.expander.look(keys.all_partitions())
    assert await house.messages() == []
    told = []
    while await house.expander.chunks(keys.all_partitions(), turns=1):
        told.append(len(await house.messages()))
    assert told == [25, 50, 70]


async def test_a_newer_event_waits_for_the_fan_out_of_the_older_one_and_takes_out_what_it_planned(house: House) -> None:
    await crowd(house, 30)
    await house.keep(house.flight("scheduled", gate="D1"))
    await house.expander.look(keys.all_partitions())
    await house.keep(house.flight("scheduled", gate="D2"))
    await house.expand()
    late = house.flight(late_min=40, gate="D2")
    await house.keep(late)
    await house.expander.look(keys.all_partitions())
    await house.expander.chunks(keys.all_partitions(), turns=1)
    await house.keep(house.flight("cancelled", gate="D2"))
    await house.expand()
    by_contact: dict[str, list[tuple[str, str]]] = {}
    for one in await house.messages():
        by_contact.setdefault(one.contact, []).append((one.notification, one.state.value))
    assert len(by_contact) == 30
    for told in by_contact.values():
        assert dict(told)["flight_cancelled"] == "q"
        assert dict(told)["gate_changed"] == "e"
    # Who was not told of the delay when the cancellation came is told the cancellation alone.
    assert Counter(dict(told).get("flight_delayed") for told in by_contact.values()) == {"e": 25, None: 5}


async def crowd(house: House, count: int, partitions: int = 1) -> None:
    """So many subscribers of the flight, spread over a few partitions, each with an address, a proof and a consent."""
    contacts, now = house.runtime.contacts, house.clock.now_ms()
    elsewhere = [{"channel": "whatsapp", "to": "+12025550199", "proof": "otp"}]
    await house.tell(house.order(house.recipient(999, addresses=elsewhere), status="processing"))
    found = await contacts.find("whatsapp", [house.runtime.connectors["whatsapp"].identify("+12025550199", "")])
    assert found[0] is not None
    model = await contacts.get(found[0][0])
    (link,) = model.profile.orders
    for subject in (link.order, *link.subjects):
        await contacts.unsubscribe(model.id, subject, "tests")
    connector = house.runtime.connectors["whatsapp"]
    for partition in range(partitions):
        for subject in link.subjects:
            await contacts.open_subject(subject, 11 + partition, b"", now + 10 * HOUR_MS)

    async def one(number: int) -> None:
        contact = ContactId(random_id("c", 11 + number % partitions))
        identifier = connector.identify(f"+447700900{number:03d}", "")
        owner, address = await contacts.reserve("whatsapp", identifier, contact)
        assert owner == contact
        profile = Profile((Address(address, "whatsapp", (identifier,)),), (), (replace(link, traveller=f"t{number}"),))
        await contacts.change(contact, lambda _: profile)
        consent = await contacts.consent_changes(contact, [ConsentEntry("journey", "whatsapp", "zz", True, now, "tests")])
        await contacts.change_facts(contact, [*consent, FactChange(f"p:{address}", Proof.OTP.value, now, "proof")])
        for subject in link.subjects:
            await contacts.subscribe(Subscription(contact, subject, (link.order,), now + 10 * HOUR_MS))

    for first in range(0, count, 20):
        await asyncio.gather(*(one(number) for number in range(first, min(first + 20, count))))


# orders


async def test_a_later_version_of_an_order_that_leaves_somebody_out_unsubscribes_them(house: House) -> None:
    await house.tell(house.order(house.recipient(101), house.recipient(102)))
    await house.tell(house.order(house.recipient(101), version=2))
    await house.tell(house.flight(late_min=40))
    assert "flight_delayed" in await house.told(101)
    assert "flight_delayed" not in await house.told(102)
    gone = await house.find(102)
    assert gone is not None
    assert await house.runtime.contacts.subscriptions(gone) == []
    assert (await house.contact_of(102)).profile.orders == ()


async def test_a_traveller_who_is_left_out_leaves_the_others_of_the_same_address_their_news(house: House) -> None:
    eva, tom = house.recipient(101), house.recipient(101, customerId="C-102")
    await house.tell(house.order(eva, tom), house.order(eva, version=2))
    contact = await house.contact_of(101)
    assert len(contact.profile.orders) == 1
    await house.tell(house.flight(late_min=40))
    assert (await house.told(101)).count("flight_delayed") == 1


async def test_a_version_that_names_no_recipients_leaves_everybody_subscribed(house: House) -> None:
    await house.tell(house.order(house.recipient(101)), house.order(version=2, status="processing", recipients=None))
    await house.tell(house.flight(late_min=40))
    assert "flight_delayed" in await house.told(101)


async def test_a_rebooked_leg_is_left_and_the_new_one_heard_of(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    await house.tell(house.order(house.recipient(101), version=2, itinerary=[house.leg("ZZ2002/2026-11-22/AMS")]))
    await house.tell(house.flight(late_min=40))
    assert "flight_delayed" not in await house.told(101)
    await house.tell(house.flight(late_min=40, entity="ZZ2002/2026-11-22/AMS"))
    assert "flight_delayed" in await house.told(101)


async def test_nine_travellers_on_one_address_hear_of_a_delay_once_and_get_nine_passes(house: House) -> None:
    nine = [house.recipient(101, customerId=f"C-{900 + place}", passenger=f"P{place}", role="passenger") for place in range(9)]
    await house.tell(house.order(*nine), house.flight(late_min=40))
    assert (await house.told(101)).count("flight_delayed") == 1
    for place, person in enumerate(nine):
        await house.tell(boarding_pass(house, person, f"TKT{place}"))
    passes = [one for one in await house.messages(await house.find(101)) if one.notification == "boarding_pass_issued"]
    assert len(passes) == 9
    assert {one.state.value for one in passes} == {"q"}


async def test_a_document_for_two_people_of_one_partition_is_kept_for_each(house: House) -> None:
    people = [house.recipient(number, role="passenger") for number in range(101, 111)]
    connector = house.runtime.connectors["whatsapp"]
    for number in range(101, 111):
        contact = ContactId(random_id("c", 11))
        await house.runtime.contacts.reserve("whatsapp", connector.identify(f"+447700900{number:03d}", ""), contact)
    await house.tell(house.order(*people, status="processing"))
    ticket = house.event_of(
        "order.document", "ZX7K2P",
        {
            "orderNumber": "ZX7K2P", "document": {"id": "T1", "kind": "ticket", "title": "Ticket", "content": "JVBERi0xLjQK"},
            "recipients": [{"customerId": one["customerId"], "addresses": one["addresses"]} for one in people],
        },
        source="/ticketing",
    )  # fmt: skip
    await house.tell(ticket)
    for number in range(101, 111):
        contact = (await house.contact_of(number)).id
        (record,) = await house.messages(contact)
        assert record.state.value == "q", record.reason
        ref = (await house.body(record))["document"]["ref"]
        assert await house.runtime.documents.get(contact, ref) == b"%PDF-1.4\n"


def boarding_pass(house: House, person: dict[str, Any], ticket: str) -> Any:
    leg = {"carrier": "ZZ", "flightNumber": "1007", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"}
    recipient = {"customerId": person["customerId"], "addresses": person["addresses"]}
    data = {
        "leg": leg, "passenger": {"surname": "Family", "givenNames": "Given", "ticketNumber": ticket},
        "checkin": {"seat": "12C"}, "times": {"scheduledOff": iso(house.clock.now_ms() + 5 * HOUR_MS)},
        "document": {"id": ticket, "content": "JVBERi0xLjQK", "mime": "application/pdf"}, "recipients": [recipient],
    }  # fmt: skip
    return house.event_of("flight.boardingpass", "ZZ1007/2026-11-22/AMS", data, source="/dcs")


async def test_a_customer_who_gives_the_address_of_another_joins_that_contact(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    child = house.recipient(101, customerId="C-555", name={"given": "Child", "family": "Family101"})
    await house.tell(house.order(child, number="ZX8M4Q"))
    contact = await house.contact_of(101)
    assert len(contact.profile.addresses) == 1
    assert len(contact.profile.travellers) == 2
    assert {link.number.reveal() for link in contact.profile.orders} == {"ZX7K2P", "ZX8M4Q"}


async def test_nobody_consents_for_somebody_else(house: House) -> None:
    given = {"channel": "whatsapp", "to": "+447700900103", "givenBy": "booker", "proof": "otp"}
    await house.tell(house.order(house.recipient(103, addresses=[given])), house.flight(late_min=40))
    contact = await house.contact_of(103)
    assert contact.facts.consents == {}
    records = await house.messages(contact.id)
    assert {(one.state.value, one.reason) for one in records} == {("s", "no_consent")}


async def test_a_withdrawal_counts_whoever_brings_it(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    no = {"purpose": "journey", "channel": "whatsapp", "granted": False, "at": iso(house.clock.now_ms()), "how": "by-phone"}
    given = {"channel": "whatsapp", "to": "+447700900101", "givenBy": "agency"}
    await house.tell(house.order(house.recipient(101, addresses=[given], consents=[no]), version=2))
    await house.tell(house.flight(late_min=40))
    assert await house.told(101, "s") == ["flight_delayed"]


async def test_an_erased_recipient_is_passed_over_and_the_others_are_told(house: House) -> None:
    await house.tell(house.order(house.recipient(101), house.recipient(102), status="processing"))
    contact = await house.find(101)
    assert contact is not None
    await house.redis.hset(keys.of(contact, "f"), "erasing", str(house.clock.now_ms()))
    await house.tell(house.order(house.recipient(101), house.recipient(102), version=2))
    assert await house.parked() == []
    assert await house.told(102) == ["order_confirmed"]
    assert await house.told(101) == []


async def test_an_event_that_fails_does_not_keep_its_neighbours_and_is_parked_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell(house.order(house.recipient(101)))
    poisoned, good = house.flight(late_min=40, source="/poisoned"), house.flight(late_min=40, gate="E4", at_ms=1)
    whole = house.expander.expand

    async def expand(event: Any, *more: Any) -> Any:
        if event.source == "/poisoned":
            raise NotFound("as if somebody had been erased")
        return await whole(event, *more)

    monkeypatch.setattr(house.expander, "expand", expand)
    await house.keep(poisoned, good)
    for _ in range(7):
        await house.expander.look(keys.all_partitions())
        house.pass_ms(11_000)
    assert (await house.told(101)).count("flight_delayed") == 1
    assert await house.parked() == ["event"]


# proof


async def test_without_proof_the_address_is_asked_first_and_nothing_personal_is_sent(house: House) -> None:
    await house.tell(house.order(house.recipient(101, proof=None)))
    contact = await house.contact_of(101)
    records = {one.notification: one for one in await house.messages(contact.id)}
    assert (records["order_confirmed"].state.value, records["order_confirmed"].reason) == ("s", "no_proof")
    check = records["address_check"]
    assert check.state.value == "q"
    said = str(await house.body(check))
    assert not any(word in said for word in ("Given101", "Family101", "ZX7K2P", "318"))


async def test_the_question_is_asked_once_however_much_waits_for_its_answer(house: House) -> None:
    await house.tell(house.order(house.recipient(101, proof=None)))
    await house.tell(house.order(house.recipient(101, proof=None), number="ZX8M4Q"))
    assert (await house.told(101)).count("address_check") == 1


# areas


def service_order(house: House, number: int, postcode: str) -> Any:
    service = {"name": "electricity", "area": {"country": "NL", "postcode": postcode}}
    person = house.recipient(number, purpose="service", role="customer")
    return house.order(
        person, number=f"SV-{number}", kind="service", brand="zz", service=service, itinerary=None, status="processing"
    )


async def test_an_outage_reaches_the_postcodes_it_names_and_no_others(house: House) -> None:
    inside = {101: "3511AA", 102: "3511 gz", 103: "3511CD", 104: "3512ZZ", 105: "3520AA", 106: "3525AB"}
    outside = {111: "3511HA", 112: "3513AA", 113: "3519ZZ", 114: "3526AA"}
    for number, postcode in {**inside, **outside}.items():
        await house.tell(service_order(house, number, postcode))
    outage = house.event(
        "ce-outage-started", affected={"postcodes": ["3511AA-3511GZ", "3512", "3520-3525"]},
        startedAt=iso(house.clock.now_ms() - HOUR_MS), expectedRestoration=iso(house.clock.now_ms() + 4 * HOUR_MS),
    )  # fmt: skip
    await house.tell(outage)
    for number in inside:
        assert await house.told(number) == ["outage_started"], inside[number]
    for number in outside:
        assert await house.told(number) == [], outside[number]


async def test_a_range_over_two_cells_leaves_out_what_lies_before_and_behind_it(house: House) -> None:
    inside = {101: "3511XA", 102: "3512AB"}
    outside = {111: "3511AA", 112: "3512ZZ"}
    for number, postcode in {**inside, **outside}.items():
        await house.tell(service_order(house, number, postcode))
    await house.tell(
        house.event(
            "ce-outage-started", affected={"postcodes": ["3511XA-3512CC"]}, startedAt=iso(house.clock.now_ms() - HOUR_MS),
            expectedRestoration=iso(house.clock.now_ms() + 4 * HOUR_MS),
        )
    )
    for number in inside:
        assert await house.told(number) == ["outage_started"], inside[number]
    for number in outside:
        assert await house.told(number) == [], outside[number]


async def test_a_new_customer_in_an_area_without_power_hears_of_the_outage(house: House) -> None:
    await house.tell(service_order(house, 101, "3511AB"))
    await house.tell(
        house.event(
            "ce-outage-started", startedAt=iso(house.clock.now_ms() - HOUR_MS),
            expectedRestoration=iso(house.clock.now_ms() + 4 * HOUR_MS),
        )
    )
    await house.tell(service_order(house, 102, "3511AC"))
    assert await house.told(102) == ["outage_started"]


# closing, replay


async def test_an_event_is_closed_by_a_second_look_and_leaves_nothing_behind(house: House) -> None:
    await house.tell(house.order(house.recipient(101)), house.flight(late_min=40))
    assert await house.runtime.events.depth() == 2
    house.pass_ms(31_000)
    await house.expand()
    assert await house.runtime.events.depth() == 0
    for partition in keys.all_partitions():
        for name in ("fan", "fanc", "evt", "evw", "ev"):
            key = keys.part(partition, name)
            kind = (await house.redis.type(key)).decode()  # type: ignore[union-attr]
            left = await house.redis.xlen(key) if kind == "stream" else int(kind != "none")
            assert left == 0, (key, kind)


async def test_an_event_that_is_replayed_tells_who_was_missed_and_nobody_twice(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    late = house.flight(late_min=40)
    await house.tell(late)
    contact = await house.find(101)
    assert contact is not None
    await house.redis.delete(*[keys.of(one.id, "m") for one in await house.messages(contact) if one.event == late.id])
    assert await house.runtime.events.reopen(late.id)
    await house.expand(make_expander(house.runtime))
    assert (await house.told(101)).count("flight_delayed") == 1
    assert await house.runtime.events.reopen(late.id)
    await house.expand(make_expander(house.runtime))
    assert (await house.told(101)).count("flight_delayed") == 1


async def test_a_contact_lives_in_the_partition_that_its_id_names(house: House) -> None:
    await house.tell(house.order(*(house.recipient(number) for number in range(101, 141))))
    for number in range(101, 141):
        contact = await house.contact_of(number)
        assert all(partition_of(address.id) == partition_of(contact.id) for address in contact.profile.addresses)
        assert all(partition_of(one.id) == partition_of(contact.id) for one in await house.messages(contact.id))


async def test_the_same_customer_number_at_another_brand_is_another_person(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    stranger = house.recipient(102) | {"customerId": "C-101"}
    await house.tell(house.order(stranger, number="OTHER1", brand="exr"))
    first, second = await house.find(101), await house.find(102)
    assert first is not None
    assert second is not None
    assert first != second
    profile = (await house.runtime.contacts.get(first)).profile
    assert len(profile.addresses) == 1, "no stranger's address at the first brand's customer"


async def test_a_customer_who_books_again_with_a_new_number_stays_one_contact(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    await house.tell(house.order(house.recipient(102) | {"customerId": "C-101"}, number="AGAIN1"))
    assert await house.find(101) == await house.find(102)
