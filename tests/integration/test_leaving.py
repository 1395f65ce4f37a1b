"""Who stops following something hears no more of it: also of what is planned already, and of what is being planned just then."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.intake.role import make_waiting
from gateway.model.contact import Contact
from gateway.model.ids import ContactId
from gateway.model.message import MessageState
from gateway.planning.waiting import Mended
from tests.support.core import House, facts_of, iso, open_house
from tests.support.edge import Edge, edge_running

FLIGHT = "ZZ1007/2026-11-22/AMS"


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with edge_running() as made:
        yield made


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path, edge: Edge) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir, edge.url) as made:
        await made.tell(made.order(made.recipient(101), made.recipient(102)))
        yield made


async def leave(house: House, number: int) -> Contact:
    contact = await house.contact_of(number)
    assert await house.runtime.contacts.unsubscribe(contact.id, house.runtime.vault.subject_id("flight", FLIGHT), "tests")
    return contact


async def reasons(house: House, number: int) -> dict[str, str]:
    contact = await house.find(number)
    return {one.notification: one.reason for one in await house.messages(contact)}


async def test_what_was_planned_before_is_not_sent_and_says_why(house: House) -> None:
    await house.tell(house.flight(late_min=40))
    await leave(house, 101)
    await house.dispatch()
    assert (await reasons(house, 101))["flight_delayed"] == "left"
    assert (await reasons(house, 101))["order_confirmed"] == "", "that is about the order, which they still follow"
    assert (await reasons(house, 102))["flight_delayed"] == ""


async def test_who_leaves_between_being_read_and_being_planned_is_planned_anew_and_left_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = house.runtime.contacts
    whole, left = contacts.get_many, False

    async def get_many(people: Sequence[ContactId], **more: Any) -> list[Contact | None]:
        nonlocal left
        found = await whole(people, **more)
        if not left:
            left = True
            await leave(house, 101)
        return found

    await house.keep(house.flight(late_min=40))
    monkeypatch.setattr(contacts, "get_many", get_many)
    await house.expand()
    assert "flight_delayed" not in await reasons(house, 101)
    assert "flight_delayed" in await reasons(house, 102)


async def test_who_comes_back_hears_what_comes_after(house: House) -> None:
    contact = await leave(house, 101)
    subject = house.runtime.vault.subject_id("flight", FLIGHT)
    assert set((await house.contact_of(101)).facts.left) == {subject}
    await house.tell(house.order(house.recipient(101), house.recipient(102), version=2))
    assert (await house.contact_of(101)).facts.left == {}
    await house.tell(house.flight(late_min=40))
    await house.dispatch()
    assert (await reasons(house, 101))["flight_delayed"] == ""
    assert [fact.kind for fact in await facts_of(house.redis) if fact.id_of("c") == contact.id].count("unsubscribed") == 1


async def test_what_was_left_long_ago_is_forgotten_with_the_next_one(house: House) -> None:
    contact = await leave(house, 101)
    house.pass_ms(9 * 24 * 3600_000)
    order = house.runtime.vault.subject_id("order", "ZX7K2P")
    assert await house.runtime.contacts.unsubscribe(contact.id, order, "tests")
    assert set((await house.contact_of(101)).facts.left) == {order}


async def test_who_moves_out_of_an_area_hears_no_more_of_its_outage(house: House) -> None:
    service = {"name": "electricity", "area": {"country": "NL", "postcode": "3512AB"}}
    await house.tell(
        house.order(
            house.recipient(103, purpose="service"), number="SRV-1", kind="service", itinerary=None, status="processing",
            service=service,
        )
    )  # fmt: skip
    now = house.clock.now_ms()
    await house.tell(
        house.event(
            "ce-outage-started", affected={"postcodes": ["3511AA-3511GZ", "3512"]}, startedAt=iso(now - 3600_000),
            expectedRestoration=iso(now + 4 * 3600_000),
        )
    )  # fmt: skip
    assert "outage_started" in await reasons(house, 103)
    contact = await house.contact_of(103)
    (cell,) = [
        one.subject for one in await house.runtime.contacts.subscriptions(contact.id)
        if one.subject == house.runtime.vault.subject_id("area", "electricity/NL/3512")
    ]  # fmt: skip
    await house.runtime.contacts.unsubscribe(contact.id, cell, "tests")
    await house.dispatch()
    assert (await reasons(house, 103))["outage_started"] == "left"


async def test_what_waited_for_a_proof_does_not_come_back_for_who_has_left_meanwhile(house: House) -> None:
    await house.tell(house.order(house.recipient(104, proof=None), number="ZX104"))
    assert (await reasons(house, 104))["order_confirmed"] == "no_proof"
    contact, order = await house.contact_of(104), house.runtime.vault.subject_id("order", "ZX104")
    assert await house.runtime.contacts.unsubscribe(contact.id, order, "tests")
    await house.tell(house.order(house.recipient(104), number="ZX105", itinerary=None))
    await make_waiting(house.runtime).revive(contact.id, contact.profile.addresses[0].id, Mended.PROOF)
    await house.dispatch()
    found = [one for one in await house.messages(contact.id) if one.notification == "order_confirmed"]
    states = {one.subject == order: one.state for one in found}
    assert states == {True: MessageState.SUPPRESSED, False: MessageState.ACCEPTED}
