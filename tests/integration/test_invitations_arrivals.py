"""Ways in on a channel that brings the token by itself: into a chat that is there already, and where the token is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.model.conversation import ConversationState
from gateway.model.ids import ContactId
from tests.integration.invitations_stage import (
    PAGE,
    Trip,
    gets_ticket,
    hears,
    invited,
    is_bound,
    link,
    rail_house,
    saying,
    state_of,
    tell,
    tickets,
)
from tests.support.house import House
from tests.support.waiting import wait_until

MILA, NOOR = "+447700900301", "+447700900302"
HERE = {"channel": "messenger", "page_id": PAGE}

pytestmark = pytest.mark.timeout(150)


async def waits_for_a_person(house: House, contact: str) -> bool:
    assert house.runtime is not None
    store = house.runtime.conversations
    found = await store.get_many(await store.of_contact(ContactId(contact)))
    return any(one is not None and one.state is ConversationState.QUEUED for one in found)


async def opens(house: House, phone: str, made: dict[str, Any], channel: str = "messenger") -> None:
    """Open a link; on a chat that is there already nothing is said."""
    assert house.http is not None
    url = f"{house.sandbox}/sandbox/handsets/{phone.lstrip('+')}/say"
    async with house.http.post(url, json={"link": link(made, channel)}) as answer:
        assert answer.status < 300, await answer.text()


async def test_a_second_journey_is_bound_by_opening_its_link_in_the_chat_that_is_there(data_dir: Path) -> None:
    trip, next_trip = Trip(), Trip("TR-60001", "C-31007", "3600")
    async with rail_house(data_dir) as house:
        await house.handset(MILA, "Mila")
        await tell(house, trip.order(), trip.ticket())
        first = await invited(house, trip)
        await opens(house, MILA, first)
        contact = (await is_bound(house, first))["contact"]
        await gets_ticket(house, MILA)

        second = await invited(house, next_trip, customerId="C-77777")
        await opens(house, MILA, second)
        assert (await is_bound(house, second))["contact"] == contact
        await tell(house, next_trip.order(customerId="C-77777"), {
            **next_trip.ticket(), "data": {**next_trip.ticket()["data"], "recipients": [{"customerId": "C-77777"}]},
        })  # fmt: skip
        await hears(house, MILA, "TR-60001")

        async def two_tickets() -> bool:
            return len(tickets(await house.received(MILA))) == 2

        await wait_until(two_tickets, timeout=20)
        assert not await waits_for_a_person(house, contact)

        await opens(house, MILA, second)  # once more: all is done, nothing is said again
        gone = await invited(house, next_trip, customerId="C-88888")
        assert house.http is not None
        await house.http.delete(f"{house.internal}/v1/invitations/{gone['id']}", headers=house.headers)
        await opens(house, MILA, gone)
        await hears(house, MILA, "werkt niet meer")

        async def seen() -> bool:
            return await waits_for_a_person(house, contact)

        await wait_until(seen, timeout=20)
        bubbles = await house.received(MILA)
        assert (len(saying(bubbles, "Welkom")), len(tickets(bubbles))) == (2, 2)


async def test_where_the_token_is_lost_a_booking_code_and_a_surname_lead_in(data_dir: Path) -> None:
    trip = Trip()
    async with rail_house(data_dir) as house:
        await house.page(PAGE, ref_lost=True)
        await house.handset(MILA, "Mila")
        made = await invited(house, trip, proof="none")
        await tell(house, trip.order(), trip.ticket())
        await opens(house, MILA, made)
        await hears(house, MILA, "boekingsnummer of bestelnummer")
        assert (await state_of(house, made))["state"] == "open"
        await house.says(MILA, text="tr55310", **HERE)
        await hears(house, MILA, "achternaam bij deze")
        await house.says(MILA, text="Mila van den Berg", **HERE)
        await gets_ticket(house, MILA)
        await hears(house, MILA, "bevestigd")
        assert len(tickets(await house.received(MILA))) == 1

        await house.page(PAGE, ref_lost=False)
        await house.handset(NOOR, "Noor")
        await opens(house, NOOR, made)  # never used: whoever holds it comes in beside her, and shows first who they are
        assert (await is_bound(house, made))["contact"] is not None
        await hears(house, NOOR, "is dit nummer van jou")
        await tell(house, trip.delay())
        await hears(house, MILA, "vertrekt later")
        await hears(house, NOOR, "vertrekt later")  # news of a train names nobody
        assert tickets(await house.received(NOOR)) == []
        assert saying(await house.received(NOOR), trip.number) == []
