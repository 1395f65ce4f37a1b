"""From the event to the right person's chat: drawn, uploaded and sent, and what the phone got is read as a gate reads it."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader
from redis.asyncio import Redis

from gateway.dispatch.documents import DocumentDesk
from gateway.dispatch.sending import DOCUMENTS_LOOK_MS
from gateway.documents.forms import Form, Made
from gateway.documents.paper import Paper
from gateway.intake.role import make_waiting
from gateway.model.contact import Proof
from gateway.model.event import BusinessEvent
from gateway.model.pass_page import PassPage, PassState
from gateway.planning.waiting import Mended
from gateway.store.contacts import NOT_ME, FactChange
from gateway.store.outbox import open_message
from gateway.store.passes import Passes
from tests.integration.documents_stage import DocumentHouse, Here, bcbp, document_house
from tests.support.core import HOUR_MS, facts_of, iso
from tests.support.edge import refused
from tests.support.waiting import wait_until


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[DocumentHouse]:
    async with document_house(redis_url, data_dir) as found:
        yield found


async def test_a_pass_is_drawn_uploaded_and_read_at_the_gate(house: DocumentHouse) -> None:
    house.deliverer = house.make_deliverer()  # with the process that draws
    await house.booking(house.recipient(101))
    await house.tell(house.pass_of("Family101", "Given101"))
    assert await house.dispatch() == ["a"]
    (message,) = house.sent()
    assert message["template"]["name"] == "boarding_pass_issued_v2"
    assert message["template"]["components"][0]["parameters"][0]["type"] == "image"
    assert house.read(message) == bcbp("Family101", "Given101")
    page = message["template"]["components"][-1]
    assert (page["type"], page["sub_type"]) == ("button", "url")
    token = page["parameters"][0]["text"]
    found = await house.expander._s.passes.find(token)
    assert found is not None
    assert found.paper["legs"][0]["gate"] == "D18"


async def test_nine_on_one_number_get_nine_passes_in_order_and_one_notice_of_delay(house: DocumentHouse) -> None:
    nine = [
        house.recipient(
            101, customerId=f"C-{place}", passenger=f"P{place}", role="passenger" if place else "booker",
            name={"given": f"Given{place}", "family": "Jansen"},
        )
        for place in range(9)
    ]  # fmt: skip
    await house.booking(*nine)
    await house.tell(*[house.pass_of("JANSEN", f"GIVEN{place} MR", number=place) for place in range(9)])
    await house.tell(house.flight(late_min=40))
    await house.dispatch()
    passes = [one for one in house.sent() if one["template"]["name"] == "boarding_pass_issued_v2"]
    assert [house.read(one) for one in passes] == [bcbp("JANSEN", f"GIVEN{place} MR", number=place) for place in range(9)]
    assert [one["template"]["name"] for one in house.sent()].count("flight_delayed_v1") == 1
    pages = {one["template"]["components"][-1]["parameters"][0]["text"] for one in passes}
    first = await house.expander._s.passes.find(next(iter(pages)))
    assert first is not None
    beside = await house.expander._s.passes.beside(first)
    assert [one.paper["travellers"] for one in beside] == [[f"GIVEN{place} MR JANSEN"] for place in range(9)]


async def test_father_and_son_of_one_name_get_both_their_passes_and_a_new_one_replaces_its_own(house: DocumentHouse) -> None:
    jan = {"given": "Jan", "family": "Jansen"}
    both = [house.recipient(101, customerId=f"C-{key}", passenger=key, name=jan) for key in ("P1", "P2")]
    await house.booking(*both)
    for key, number in (("P1", 1), ("P2", 2), ("P1", 3)):
        await house.tell(house.pass_of("JANSEN", "JAN", number=number, person={"key": key}))
    await house.dispatch()
    assert [house.read(one) for one in house.sent()] == [bcbp("JANSEN", "JAN", number=number) for number in (2, 3)]


async def test_each_adult_gets_their_own_and_nobody_elses(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101), house.recipient(102, role="passenger"))
    await house.tell(house.pass_of("FAMILY102", "GIVEN102"), house.pass_of("Family101", "Given101"))
    await house.dispatch()
    assert {house.to(one): house.read(one) for one in house.sent()} == {
        102: bcbp("FAMILY102", "GIVEN102"), 101: bcbp("Family101", "Given101"),
    }  # fmt: skip


async def test_a_childs_pass_goes_to_the_booker(house: DocumentHouse) -> None:
    child = house.recipient(103, role="passenger", kind="child")
    await house.booking(house.recipient(102, role="passenger"), child, house.recipient(101))
    await house.tell(house.pass_of("Family103", "Given103"))
    await house.tell(house.pass_of("Baby", "Small", person={"kind": "infant"}))
    await house.dispatch()
    assert [house.to(one) for one in house.sent()] == [101, 101]


async def test_another_adults_pass_goes_to_the_booker_only_if_the_order_says_so(house: DocumentHouse) -> None:
    other = house.recipient(102, role="passenger", addresses=[], consents=[])
    await house.booking(house.recipient(101), other)
    await house.tell(house.pass_of("Family102", "Given102"), house.pass_of("Stranger", "Some"))
    await house.dispatch()
    assert house.sent() == []
    await house.tell(house.order(house.recipient(101), other, status="processing", version=2, share="booker"))
    await house.tell(house.pass_of("Family102", "Given102", gate="D19"), house.pass_of("Stranger", "Some", gate="D19"))
    await house.dispatch()
    assert [house.to(one) for one in house.sent()] == [101, 101]


async def test_without_a_proof_they_are_asked_first_and_the_pass_waits(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101, proof=None))
    await house.tell(house.pass_of("Family101", "Given101"))
    await house.dispatch()
    (asked,) = house.sent()
    assert asked["template"]["name"] == "address_check_v1"
    assert await house.told(101, "s") == ["boarding_pass_issued"]


async def test_the_newest_pass_is_the_last_on_the_phone(house: DocumentHouse, redis: Redis) -> None:
    await house.booking(house.recipient(101))
    for number in range(70, 78):  # all in one instant
        one = house.pass_of("Family101", "Given101", number=number, gate="C07")
        await house.tell(replace(one, occurred_at_ms=house.began_ms))
    await house.dispatch()
    (message,) = house.sent()
    assert house.read(message) == bcbp("Family101", "Given101", number=77)
    contact = await house.contact_of(101)
    passes = Passes(redis, house.clock, house.runtime.vault)
    (page,) = await passes.of_contact(contact.id)
    assert Paper.load(page.paper).legs[0].sequence == "77", "and it is the one behind its link"


async def test_a_cancelled_flight_ends_a_pass_that_is_still_queued(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101))
    await house.tell(house.pass_of("Family101", "Given101"), house.flight("cancelled"))
    assert await house.told(101, "e") == ["boarding_pass_issued"]


async def test_a_file_that_the_channel_dropped_is_uploaded_once_more_and_drawn_anew(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101))
    await house.tell(house.pass_of("Family101", "Given101"))
    house.edge.answers("314159265358979", refused(131000, status=500), refused(100, message="no such media"))
    outcomes = await house.dispatch()
    house.pass_ms(5000)
    assert outcomes + await house.dispatch() == ["r", "r", "a"]
    assert house.uploads() == 2
    assert house.read(house.sent()[-1]) == bcbp("Family101", "Given101")


async def test_a_file_that_the_channel_never_takes_is_a_dead_letter_after_a_second_try(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101))
    await house.tell(house.pass_of("Family101", "Given101"))
    house.edge.answers("314159265358979", *[refused(131053) for _ in range(4)])
    await house.dispatch()
    house.pass_ms(60_000)
    await house.dispatch()
    assert house.uploads() == 2
    assert await house.told(101, "d") == ["boarding_pass_issued"]


async def test_a_file_that_failed_afterwards_is_uploaded_anew_when_it_is_replayed(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101))
    await house.tell(house.pass_of("Family101", "Given101"))
    assert await house.dispatch() == ["a"]
    await house.failed(131053)
    assert await house.told(101, "f") == ["boarding_pass_issued"]
    (record,) = await house.messages(await house.find(101))
    assert (await house.dead_letters().replay(record.id, who="test")).queued
    assert await house.dispatch() == ["a"]
    assert house.uploads() == 2


async def test_a_code_that_cannot_be_drawn_is_a_dead_letter_that_says_so(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101))
    await house.tell(house.pass_of("Family101", "Given101"))
    house.here.fails = "unread"
    assert await house.dispatch() == ["x"]
    assert house.sent() == []
    assert await house.told(101, "d") == ["boarding_pass_issued"]
    (dead,) = [fact.detail["reason"] for fact in await facts_of(house.redis) if fact.kind == "dead"]
    assert dead == "document_missing it cannot be drawn: unread"


async def test_the_words_go_alone_inside_a_window_where_the_notification_says_so(
    house: DocumentHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = house.runtime.catalogue.get("boarding_pass_issued")
    assert issued is not None
    assert issued.document is not None
    found = {**house.runtime.catalogue._notifications}
    found["boarding_pass_issued"] = replace(issued, document=replace(issued.document, otherwise="words"))
    monkeypatch.setattr(house.runtime.catalogue, "_notifications", found)
    await house.booking(house.recipient(101))
    await house.wrote(101)
    await house.tell(house.pass_of("Family101", "Given101"))
    house.here.fails = "unread"
    assert await house.dispatch() == ["a"]
    (message,) = house.sent()
    assert "header" not in message["interactive"]
    assert "Given101 Family101" in message["interactive"]["body"]["text"]
    assert "/d/" in message["interactive"]["body"]["text"]


async def test_inside_a_window_the_picture_the_words_the_buttons_and_the_link_are_one_message(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101))
    await house.wrote(101)
    await house.tell(house.pass_of("Family101", "Given101"))
    assert await house.dispatch() == ["a"]
    (message,) = house.sent()
    assert house.read(message) == bcbp("Family101", "Given101")
    (record,) = await house.messages(await house.find(101))
    token = (await house.body(record))["document"]["page"]
    assert f"/d/{token}" in message["interactive"]["body"]["text"]
    assert len(message["interactive"]["action"]["buttons"]) == 2


async def test_not_me_ends_at_once_whatever_names_them(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101))
    contact = await house.contact_of(101)
    said = FactChange(f"p:{contact.profile.addresses[0].id}", NOT_ME, house.clock.now_ms(), "proof")
    await house.tell(house.pass_of("Family101", "Given101"))
    await house.runtime.contacts.change_facts(contact.id, [said])
    await house.dispatch()
    await house.tell(house.pass_of("Family101", "Given101", gate="C07"))
    await house.dispatch()
    assert house.sent() == []


async def test_a_ticket_with_two_codes_is_two_pictures_and_is_replaced_as_two(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101))

    def ticket(letter: str) -> BusinessEvent:
        code = {"format": "aztec", "bytes": base64.b64encode(f"#UT0{letter}".encode() + bytes(range(120))).decode()}
        other = {"format": "aztec", "bytes": base64.b64encode(f"#UT1{letter}".encode() + bytes(range(120))).decode()}
        document = {
            "kind": "rail_ticket", "id": "T-1", "title": "Utrecht - Brussels", "travellers": ["Eva Jansen", "Tom Bakker"],
            "legs": [{"carrier": "EXR", "number": "9221", "from": "Utrecht", "to": "Brussels", "seat": "61"}],
            "barcodes": [code, other],
        }  # fmt: skip
        data = {"orderNumber": "ZX7K2P", "brand": "zz", "document": document, "recipients": [{"customerId": "C-101"}]}
        return house.event_of("order.document", "ZX7K2P", data, source="/rail")

    await house.tell(ticket("A"), ticket("B"))
    await house.dispatch()
    assert [house.bytes(one)[:5] for one in house.sent()] == [b"#UT0B", b"#UT1B"]
    assert (await house.told(101, "r")) == ["journey_ticket_issued", "journey_ticket_issued"]


async def test_a_receipt_is_drawn_of_the_orders_goods_and_goes_to_who_ordered(house: DocumentHouse) -> None:
    goods = [{"name": "Rain coat", "quantity": 2}]
    await house.booking(house.recipient(101, purpose="service"), items=goods)
    data = {"orderNumber": "ZX7K2P", "brand": "zz", "document": {"kind": "receipt", "id": "R-1"}}
    await house.tell(house.event_of("order.document", "ZX7K2P", data, source="/shop"))
    assert await house.dispatch() == ["a"]
    (message,) = house.sent()
    assert message["template"]["name"] == "order_receipt_v2"
    text = PdfReader(io.BytesIO(house.shown(message))).pages[0].extract_text()
    assert "Rain coat" in text
    assert "318.40" in text


async def test_a_pass_of_nobody_we_know_shows_as_such(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101))
    await house.tell(house.pass_of("Stranger", "Some"))
    closed = [fact.detail.get("note") for fact in await facts_of(house.redis) if fact.kind == "closed"]
    assert closed[-1] == "nobody"


async def test_an_upload_without_an_answer_draws_nothing_twice(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101))
    await house.tell(house.pass_of("Family101", "Given101"))
    house.edge.answers("314159265358979", (503, {}), call="media")
    outcomes = await house.dispatch()
    house.pass_ms(60_000)
    assert outcomes + await house.dispatch() == ["r", "a"]
    assert house.here.drawn == 1
    assert house.read(house.sent()[-1]) == bcbp("Family101", "Given101")
    assert [name async for name in house.redis.scan_iter(match="*}doc:*")] == []


async def test_a_pass_that_waited_for_a_proof_says_the_gate_of_now(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101, proof=None))
    await house.tell(house.flight("scheduled", gate="D18"), house.pass_of("Family101", "Given101"))
    await house.tell(house.flight("scheduled", gate="E4", at_ms=1000))
    await house.dispatch()
    before = len(house.sent())

    contact = await house.contact_of(101)
    address = contact.profile.addresses[0].id
    await house.runtime.contacts.set_proof(contact.id, address, Proof.OTP, house.clock.now_ms())
    assert await make_waiting(house.runtime).revive(contact.id, address, Mended.PROOF) == 1
    await house.dispatch()
    (message,) = [one for one in house.sent()[before:] if one["template"]["name"].startswith("boarding_pass")]
    said = str(message["template"]["components"])
    assert ("E4" in said, "D18" in said) == (True, False)
    bodies = [await house.body(one) for one in await house.messages(contact.id)]
    (paper,) = [body["document"]["paper"] for body in bodies if body.get("document")]
    assert paper["legs"][0]["gate"] == "E4", "the picture says what the words say"


async def test_a_pass_that_waited_in_its_lane_says_the_gate_and_time_of_now(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101))
    await house.tell(house.flight("scheduled", gate="D18"), house.pass_of("Family101", "Given101"))
    house.edge.answers("314159265358979", (503, {}), call="media")  # drawn with the gate of before, and kept for the next try
    assert await house.dispatch() == ["r"]
    await house.tell(house.flight(late_min=40, gate="E4", at_ms=1000))
    house.pass_ms(60_000)
    await house.dispatch()
    (message,) = [one for one in house.sent() if one["template"]["name"].startswith("boarding_pass")]
    said = str(message["template"]["components"])
    assert ("E4" in said, "D18" in said) == (True, False)
    assert "boarding from" not in said, "the hour that was printed is not that of a later flight"
    (before, now) = (paper.legs[0] for paper in house.here.papers)
    assert (before.gate, now.gate, now.boards) == ("D18", "E4", ""), "drawn anew, although it lay there already"
    assert house.read(message) == bcbp("Family101", "Given101")
    messages = await house.messages((await house.contact_of(101)).id)
    (record,) = [one for one in messages if one.notification == "boarding_pass_issued"]
    box = await house.runtime.vault.contact_box(record.contact)
    found = await house.runtime.outbox.record(record.id)
    assert found is not None
    assert "E4" in open_message(box, *found)["text"], "who answers them reads what they read"


async def test_a_pass_that_waited_for_a_proof_goes_to_nobody_whose_flight_was_cancelled(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101, proof=None))
    await house.tell(house.pass_of("Family101", "Given101"), house.flight("cancelled"))
    contact = await house.contact_of(101)
    address = contact.profile.addresses[0].id
    await house.runtime.contacts.set_proof(contact.id, address, Proof.OTP, house.clock.now_ms())
    await make_waiting(house.runtime).revive(contact.id, address, Mended.PROOF)
    await house.dispatch()
    assert [one["template"]["name"] for one in house.sent() if "boarding" in one["template"]["name"]] == []


async def test_documents_that_hang_hold_up_nothing_that_needs_none(house: DocumentHouse) -> None:
    class Hanging(Here):
        go_on = asyncio.Event()

        async def make(self, paper: Paper, form: Form, language: str) -> Made:
            await self.go_on.wait()
            return await super().make(paper, form, language)

    maker, people = Hanging(), range(101, 106)
    desk = DocumentDesk(house.runtime.documents, (), allow_local=True, maker=maker, at_once=2)
    await house.booking(*(house.recipient(number) for number in (*people, 120)))
    await house.tell(*(house.pass_of(f"Family{number}", f"Given{number}") for number in people))
    stopping = asyncio.Event()
    dispatcher = house.make_dispatcher(house.make_deliverer(documents=desk), slots=4)
    running = asyncio.create_task(dispatcher.run(stopping, 5))

    async def held() -> bool:
        facts = await facts_of(house.redis)
        return len({one.id_of("m") for one in facts if one.detail.get("why") == "documents_busy"}) == len(people) - 2

    await wait_until(held)
    await house.tell(house.flight("delayed", late_min=90))

    async def heard() -> bool:
        return 120 in {house.to(one) for one in house.sent()}

    await wait_until(heard)
    assert maker.drawn == 0
    maker.go_on.set()
    house.pass_ms(2 * DOCUMENTS_LOOK_MS)

    async def all_there() -> bool:
        return maker.drawn == len(people)

    await wait_until(all_there)
    stopping.set()
    await running
    passes = [one for one in house.sent() if one["template"]["name"].startswith("boarding_pass")]
    assert sorted(house.to(one) for one in passes) == list(people)
    records = [one for number in people for one in await house.messages((await house.contact_of(number)).id)]
    assert {one.attempt for one in records} == {1}, "waiting for room costs no attempt"


async def test_a_receipt_long_after_its_order_comes_from_the_orders_brand(house: DocumentHouse) -> None:
    await house.booking(house.recipient(101, purpose="service"), brand="exr", itinerary=None, kind="goods")
    house.pass_ms(70 * 24 * HOUR_MS)
    document = {"kind": "receipt", "id": "R-1", "total": "12.50", "currency": "EUR"}
    for more in ({}, {"recipients": [{"customerId": "C-101"}]}):
        data = {"orderNumber": "ZX7K2P", "brand": "exr", "document": document} | more
        await house.tell(house.event_of("order.document", "ZX7K2P", data, source="/shop", at_ms=len(more)))
    contact = await house.contact_of(101)
    messages = [one for one in await house.messages(contact.id) if one.notification == "order_receipt"]
    assert {(await house.body(one))["brand"] for one in messages} == {"exr"}


async def test_each_of_two_tickets_follows_its_own_train(house: DocumentHouse, redis: Redis) -> None:
    there, back = (house.leg(f"EXR/{number}/2026-11-22", "trip") for number in (9221, 9250))
    back["times"] = {"departure": {"scheduled": iso(house.began_ms + 9 * HOUR_MS)}}
    await house.booking(house.recipient(101), itinerary=[there, back])
    for number, leg in (("9250", back), ("9221", there), ("7777", there)):
        one = {"carrier": "EXR", "number": number, "from": "Utrecht", "departs": leg["times"]["departure"]["scheduled"]}
        document = {
            "kind": "rail_ticket", "id": f"T-{number}", "legs": [one], "barcode": {"format": "qr", "message": f"code {number}"},
        }  # fmt: skip
        data = {"orderNumber": "ZX7K2P", "brand": "zz", "document": document, "recipients": [{"customerId": "C-101"}]}
        await house.tell(house.event_of("order.document", "ZX7K2P", data, source="/rail"))
    pages = await Passes(redis, house.clock, house.runtime.vault).of_contact((await house.contact_of(101)).id)
    train = {number: house.runtime.vault.subject_id("trip", f"EXR/{number}/2026-11-22") for number in ("9221", "9250")}
    assert {page.item: page.legs for page in pages} == {
        "T-9221": (train["9221"],), "T-9250": (train["9250"],), "T-7777": (pages[0].subject,),
    }  # fmt: skip
    train_of = {"operator": "EXR", "tripNumber": "9250", "operatingDay": "2026-11-22"}
    moved = {"trip": train_of, "status": "scheduled", "times": back["times"], "platform": {"planned": "5", "actual": "7b"}}
    await house.tell(house.event_of("trip.status", "EXR/9250/2026-11-22", moved))
    await house.dispatch()
    said = [one["template"] for one in house.sent() if one["template"]["name"] == "journey_ticket_issued_v1"]
    values = [{one["parameter_name"]: one["text"] for one in template["components"][1]["parameters"]} for template in said]
    shown = [one["shown"] for one in values]
    assert [("platform 7b" in text, "9250" in text) for text in shown] == [(True, True), (False, False), (False, False)]
    assert [paper.legs[0].gate for paper in house.here.papers] == ["7b", "", ""], "what waited shows the platform of now"


async def test_a_ticket_issued_again_with_fewer_codes_takes_the_others_along(house: DocumentHouse, redis: Redis) -> None:
    await house.booking(house.recipient(101))

    def ticket(*codes: str) -> BusinessEvent:
        barcodes = [{"format": "qr", "message": code} for code in codes]
        document = {"kind": "event_ticket", "id": "T-1", "title": "Museum night", "barcodes": barcodes}
        data = {"orderNumber": "ZX7K2P", "brand": "zz", "document": document, "recipients": [{"customerId": "C-101"}]}
        return house.event_of("order.document", "ZX7K2P", data, source="/shop")

    passes, contact = Passes(redis, house.clock, house.runtime.vault), await house.contact_of(101)
    await house.tell(ticket("A1", "A2", "A3"))
    before = await passes.of_contact(contact.id)
    await house.tell(ticket("B1"))
    await house.dispatch()
    assert [house.read(one) for one in house.sent()] == ["B1"]
    (page,) = await passes.of_contact(contact.id)
    states = [(await house_page(passes, one)).state(house.clock.now_ms()) for one in before]
    assert (page.item, states) == ("T-1", [PassState.REPLACED] * 3)
    assert {(await house_page(passes, one)).newest for one in before} == {page.id}

    await house.tell(ticket("C1", "C2", "C3"))
    await house.dispatch()
    assert [house.read(one) for one in house.sent()] == ["B1", "C1", "C2", "C3"]
    assert sorted(one.item for one in await passes.of_contact(contact.id)) == ["T-1", "T-1#2", "T-1#3"]


async def house_page(passes: Passes, one: PassPage) -> PassPage:
    found = await passes.find(one.token)
    assert found is not None
    return found
