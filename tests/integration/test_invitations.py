"""By a link into a chat, and the ticket is there: in every order of arrival, once, for the first and for nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.invitations_stage import (
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
    told,
)
from tests.support.house import House

CHANNELS = ("whatsapp", "messenger")
ORDERS = (
    ("order", "ticket", "invitation", "chat"),
    ("order", "invitation", "chat", "ticket"),
    ("invitation", "order", "chat", "ticket"),
    ("invitation", "order", "ticket", "chat"),
    ("invitation", "chat", "order", "ticket"),
)

pytestmark = pytest.mark.timeout(150)


async def play(house: House, trip: Trip, phone: str, channel: str, steps: tuple[str, ...], **more: Any) -> dict[str, Any]:
    invitation: dict[str, Any] = {}
    for step in steps:
        match step:
            case "order":
                await tell(house, trip.order())
            case "ticket":
                await tell(house, trip.ticket())
            case "invitation":
                invitation = await invited(house, trip, **more)
            case "chat":
                await house.says(phone, link=link(invitation, channel))
                await is_bound(house, invitation)
    return invitation


@pytest.mark.parametrize("channel", ["whatsapp", pytest.param("messenger", marks=pytest.mark.long)])
async def test_the_ticket_comes_once_in_whatever_order_things_happen(data_dir: Path, channel: str) -> None:
    async with rail_house(data_dir) as house:
        for place, steps in enumerate(ORDERS):
            trip, phone = Trip(f"TR-5531{place}", f"C-3100{place}", f"354{place}"), f"+44770090031{place}"
            await house.handset(phone, "Mila")
            invitation = await play(house, trip, phone, channel, steps)
            await gets_ticket(house, phone)
            await hears(house, phone, "bevestigd")
            await tell(house, trip.delay())
            await hears(house, phone, "vertrekt later")
            bubbles = await house.received(phone)
            assert len(tickets(bubbles)) == 1, steps
            for words in ("Welkom", "bevestigd", "automatische assistent"):
                assert len(saying(bubbles, words)) == 1, (words, steps)
            contact = (await state_of(house, invitation))["contact"]
            status, known = await house.get(f"/v1/contacts/{contact}")
            assert status == 200
            assert known["addresses"][0]["proof"] == "app_login", "the app made it for them a moment before"
            assert known["consents"][0]["granted"]
            assert {state for _, state in await told(house, contact)} == {"accepted"}, steps


async def test_only_the_passenger_is_known_and_the_chat_is_first(data_dir: Path) -> None:
    trip, phone = Trip(), "+447700900301"
    async with rail_house(data_dir) as house:
        await house.handset(phone, "Mila")
        other = {"customerId": "C-9", "name": {"given": "Ada", "family": "Smit"}, "role": "passenger", "passenger": "2"}
        status, invitation = await house.post("/v1/invitations", {
            key: value for key, value in trip.asked(passenger="1").items() if key != "customerId"})  # fmt: skip
        assert status == 201
        await house.says(phone, link=link(invitation, "whatsapp"))
        await is_bound(house, invitation)
        await tell(house, trip.order(others=[other]), trip.ticket())
        await gets_ticket(house, phone)
        contact = (await state_of(house, invitation))["contact"]
        _, known = await house.get(f"/v1/contacts/{contact}?reveal=true")
        assert [(one["given_name"], one["family_name"]) for one in known["travellers"]] == [("Mila", "van den Berg")]
        assert len(known["orders"]) == 1


async def test_a_flight_or_train_alone_is_followed_without_an_order(data_dir: Path) -> None:
    trip, phone = Trip(), "+447700900301"
    async with rail_house(data_dir) as house:
        await house.handset(phone, "Mila")
        status, invitation = await house.post("/v1/invitations", {
            **trip.asked(reason="updates", subject={"entity": trip.entity, "type": "trip"}, proof="otp", channels=["whatsapp"])
        })  # fmt: skip
        assert status == 201
        await house.says(phone, link=link(invitation, "whatsapp"))
        await is_bound(house, invitation)
        await tell(house, trip.delay())
        await hears(house, phone, "vertrekt later")


async def test_a_document_for_one_of_an_order_is_not_for_who_came_for_nobody_in_particular(data_dir: Path) -> None:
    """An invitation to an order of two that names neither: its bearer hears of the order, and gets nobody's ticket."""
    trip, phone = Trip(), "+447700900301"
    other = {"customerId": "C-9", "name": {"given": "Ada", "family": "Smit"}, "role": "passenger", "passenger": "2"}
    async with rail_house(data_dir) as house:
        await house.handset(phone, "Mila")
        status, invitation = await house.post(
            "/v1/invitations", {key: value for key, value in trip.asked().items() if key != "customerId"}
        )
        assert status == 201
        await house.says(phone, link=link(invitation, "whatsapp"))
        await is_bound(house, invitation)
        await tell(house, trip.ticket(), trip.order(others=[other]), trip.delay())
        await hears(house, phone, "vertrekt later")
        assert tickets(await house.received(phone)) == []
        contact = (await state_of(house, invitation))["contact"]
        _, known = await house.get(f"/v1/contacts/{contact}?reveal=true")
        assert [(one["given_name"], one["family_name"]) for one in known["travellers"]] == [(None, None)]
