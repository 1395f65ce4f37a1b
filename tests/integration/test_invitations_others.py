"""Who is not the first, comes too late, or comes without a link: nothing is handed out, and there is another way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.intake.orders import Orders
from gateway.model.conversation import Conversation, ConversationState, EntryKind
from gateway.model.ids import ContactId
from gateway.planning.waysin_bind import Binder
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
from tests.support.waiting import wait_until

MILA, NOOR = "+447700900301", "+447700900302"
TO = {"whatsapp": {"phone_number_id": "314159265358980"}, "messenger": {"channel": "messenger", "page_id": "141421356237302"}}
WHATSAPP = TO["whatsapp"]

pytestmark = pytest.mark.timeout(150)


async def contact_of(house: House, phone: str) -> dict[str, Any]:
    _, found = await house.post("/v1/contacts/search", {"address": {"channel": "whatsapp", "to": phone}})
    return dict(found["contacts"][0])


async def somebody(house: House, phone: str) -> bool:
    _, found = await house.post("/v1/contacts/search", {"address": {"channel": "whatsapp", "to": phone}})
    return bool(found["contacts"])


async def conversations(house: House, contact: str) -> list[Conversation]:
    assert house.runtime is not None
    store = house.runtime.conversations
    return [one for one in await store.get_many(await store.of_contact(ContactId(contact))) if one is not None]


async def queued(house: House, contact: str) -> bool:
    """Whether a conversation of this contact waits for a person."""
    return any(one.state is ConversationState.QUEUED for one in await conversations(house, contact))


async def lines(house: House, contact: str) -> int:
    """How many things they said."""
    assert house.runtime is not None
    found = [await house.runtime.conversations.thread(one) for one in await conversations(house, contact)]
    return len([entry for entries in found for entry in entries if entry.kind is EntryKind.IN])


@pytest.mark.parametrize("channel", [pytest.param("whatsapp", marks=pytest.mark.long), "messenger"])
async def test_a_second_person_gets_nothing_and_by_code_and_surname_comes_in_beside(data_dir: Path, channel: str) -> None:
    trip = Trip()
    async with rail_house(data_dir) as house:
        await house.handset(MILA, "Mila")
        await house.handset(NOOR, "Noor")
        invitation = await invited(house, trip)
        await tell(house, trip.order(), trip.ticket())
        await house.says(MILA, link=link(invitation, channel))
        before = await is_bound(house, invitation)
        await gets_ticket(house, MILA)

        await house.says(NOOR, link=link(invitation, channel))
        await hears(house, NOOR, "al een keer gebruikt")
        assert await state_of(house, invitation) == before, "nothing changes for the first"
        await house.says(NOOR, text="tr 55310", **TO[channel])
        await hears(house, NOOR, "achternaam bij deze")
        await house.says(NOOR, text="Jansen", **TO[channel])
        await hears(house, NOOR, "geen boeking of bestelling")
        assert tickets(await house.received(NOOR)) == []
        assert saying(await house.received(NOOR), "55310") == [], "no answer shows what it knows"
        await house.says(NOOR, text="Van den Berg", **TO[channel])
        await hears(house, NOOR, "Welkom bij Laagland Rail")

        await tell(house, trip.delay())
        await hears(house, NOOR, "vertrekt later")
        await hears(house, MILA, "vertrekt later")
        await tell(house, {**trip.order(2, "cancelled")})
        await hears(house, NOOR, "geannuleerd")
        await hears(house, MILA, "geannuleerd")
        assert len(saying(await house.received(MILA), "geannuleerd")) == 1
        assert len(tickets(await house.received(MILA))) == 1
        assert (await state_of(house, invitation))["contact"] == before["contact"]


async def test_a_typed_booking_code_and_the_surname_bring_the_waiting_ticket(data_dir: Path) -> None:
    trip = Trip()
    async with rail_house(data_dir) as house:
        await house.handset(MILA, "Mila")
        await tell(house, trip.order(), trip.ticket())
        await house.says(MILA, text="TR-55310", **WHATSAPP)
        await hears(house, MILA, "achternaam bij deze")
        await house.says(MILA, text="van den berg", **WHATSAPP)
        await gets_ticket(house, MILA)
        await hears(house, MILA, "bevestigd")
        contact = await contact_of(house, MILA)
        assert contact["addresses"][0]["proof"] == "link"
        _, said = await house.get(f"/v1/contacts/{contact['id']}/consents?reveal=true")
        assert [(one["purpose"], one["how"], one["granted"]) for one in said["ledger"]] == [("journey", "booking_code", True)]
        assert {state for name, state in await told(house, contact["id"])} == {"accepted"}
        await house.says(MILA, text="TR-55310", **WHATSAPP)  # their own order: now it is a question to people
        await wait_until(lambda: queued(house, contact["id"]), timeout=20)


@pytest.mark.parametrize("code", ["TR-55310", "TR-99999"])
async def test_no_answer_tells_whether_a_booking_code_exists(data_dir: Path, code: str) -> None:
    trip = Trip()
    async with rail_house(data_dir) as house:
        await house.handset(NOOR, "Noor")
        await tell(house, trip.order(), trip.ticket())
        await house.says(NOOR, text=f"Does {code} leave on time", **WHATSAPP)  # within a sentence it is for people

        async def known() -> bool:
            return await somebody(house, NOOR) and await queued(house, (await contact_of(house, NOOR))["id"])

        await wait_until(known, timeout=20)
        await house.says(NOOR, text=code, **WHATSAPP)
        await hears(house, NOOR, "achternaam bij deze")
        assert len(await house.received(NOOR)) == 1
        await house.says(NOOR, text="Jansen", **WHATSAPP)
        await hears(house, NOOR, "geen boeking of bestelling", 1)


async def test_five_wrong_surnames_and_people_take_over(data_dir: Path) -> None:
    trip = Trip()
    async with rail_house(data_dir) as house:
        await house.handset(NOOR, "Noor")
        await tell(house, trip.order(), trip.ticket())
        await house.says(NOOR, text="TR-55310", **WHATSAPP)
        await hears(house, NOOR, "achternaam bij deze")
        for count, name in enumerate(("Jansen", "Smit", "Visser", "de Boer"), start=1):
            await house.says(NOOR, text=name, **WHATSAPP)
            await hears(house, NOOR, "geen boeking of bestelling", count)
        contact = (await contact_of(house, NOOR))["id"]
        assert not await queued(house, contact)
        await house.says(NOOR, text="Bakker", **WHATSAPP)
        await hears(house, NOOR, "neemt het over")
        await wait_until(lambda: queued(house, contact), timeout=20)
        await house.says(NOOR, text="TR-55310", **WHATSAPP)
        await house.says(NOOR, text="van den Berg", **WHATSAPP)
        await house.says(NOOR, text="hallo?", **WHATSAPP)

        async def all_said() -> bool:
            return await lines(house, contact) >= 9

        await wait_until(all_said, timeout=20)
        assert tickets(await house.received(NOOR)) == []
        assert len(await house.received(NOOR)) == 6


@pytest.mark.parametrize("end", ["expired", pytest.param("revoked", marks=pytest.mark.long)])
async def test_a_link_that_has_ended_is_answered_kindly_and_people_see_it(data_dir: Path, end: str) -> None:
    trip = Trip()
    async with rail_house(data_dir) as house:
        assert house.runtime is not None
        await house.handset(MILA, "Mila")
        await tell(house, trip.order(), trip.ticket())
        soon = house.runtime.clock.now_ms() + 1500
        until = datetime.fromtimestamp(soon / 1000, UTC).isoformat()
        invitation = await invited(house, trip, **({"validUntil": until} if end == "expired" else {}))
        if end == "revoked":
            assert house.http is not None
            url = f"{house.internal}/v1/invitations/{invitation['id']}"
            async with house.http.delete(url, headers=house.headers) as answer:
                assert answer.status == 204
        clock = house.runtime.clock
        await wait_until(lambda: end == "revoked" or clock.now_ms() > soon + 1000)
        assert (await state_of(house, invitation))["state"] == end
        await house.says(MILA, link=link(invitation, "whatsapp"))
        await hears(house, MILA, "werkt niet meer")
        contact = (await contact_of(house, MILA))["id"]
        await wait_until(lambda: queued(house, contact), timeout=20)
        assert tickets(await house.received(MILA)) == []
        async with house.http.get(f"{house.public}/i/{invitation['link'].rpartition('/')[2]}") as page:  # type: ignore[union-attr]
            assert page.status == 410
        await house.says(MILA, text="TR-55310", **WHATSAPP)
        await hears(house, MILA, "achternaam bij deze")
        await house.says(MILA, text="Berg", **WHATSAPP)
        await gets_ticket(house, MILA)


async def test_killed_between_claim_and_bind_it_is_taken_up_and_told_once(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once before anything of the traveller was written, once after they had joined: the item is applied again."""
    trip = Trip()
    died: list[str] = []

    def dies_once(name: str) -> None:
        whole = getattr(Binder, name)

        async def dying(self: Binder, *args: Any, **more: Any) -> Any:
            if name not in died:
                died.append(name)
                raise RuntimeError("killed here")
            return await whole(self, *args, **more)

        monkeypatch.setattr(Binder, name, dying)

    dies_once("_facts")
    dies_once("_follow")
    async with rail_house(data_dir) as house:
        await house.handset(MILA, "Mila")
        await tell(house, trip.order(), trip.ticket())
        invitation = await invited(house, trip)
        await house.says(MILA, link=link(invitation, "whatsapp"))
        await is_bound(house, invitation)
        await gets_ticket(house, MILA)
        await hears(house, MILA, "bevestigd")
        await tell(house, trip.delay())
        await hears(house, MILA, "vertrekt later")
        bubbles = await house.received(MILA)
        assert died == ["_facts", "_follow"]
        assert len(tickets(bubbles)) == 1
        assert [len(saying(bubbles, words)) for words in ("Welkom", "bevestigd", "vertrekt later")] == [1, 1, 1]


async def test_a_chat_that_somebody_has_already_takes_the_traveller_over(data_dir: Path) -> None:
    """The address belongs to another customer: the traveller joins that contact, and the one who waited hears no more."""
    trip, own = Trip(), Trip("TR-90001", "C-90001", "3600", "Smit")
    address = {"channel": "whatsapp", "to": MILA, "proof": "otp", "givenBy": "self"}
    consent = {
        "purpose": "journey", "channel": "whatsapp", "granted": True, "at": "2026-11-18T08:03:30Z", "how": "checkbox",
        "wording": "journey-nl-3",
    }  # fmt: skip
    async with rail_house(data_dir) as house:
        await house.handset(MILA, "Mila")
        await tell(house, own.order(addresses=[address], consents=[consent]), trip.order(), trip.ticket())
        await hears(house, MILA, "TR-90001")
        waiting = (await house.post("/v1/contacts/search", {"customer": trip.customer}))[1]["contacts"][0]
        invitation = await invited(house, trip)
        await house.says(MILA, link=link(invitation, "whatsapp"))
        bound = await is_bound(house, invitation)
        assert bound["contact"] != waiting["id"]
        await gets_ticket(house, MILA)
        await hears(house, MILA, "TR-55310")
        await tell(house, trip.delay())
        await hears(house, MILA, "vertrekt later")
        _, left = await house.get(f"/v1/contacts/{waiting['id']}")
        assert left["orders"] == []
        _, known = await house.get(f"/v1/contacts/{bound['contact']}?reveal=true")
        assert sorted(one["number"] for one in known["orders"]) == ["TR-55310", "TR-90001"]
        assert len(tickets(await house.received(MILA))) == 1
        assert len(saying(await house.received(MILA), "vertrekt later")) == 1
        # A later version of the order finds them there, and brings the other contact nothing back.
        await tell(house, trip.order(2, "cancelled"))
        await hears(house, MILA, "geannuleerd")
        _, left = await house.get(f"/v1/contacts/{waiting['id']}")
        assert left["orders"] == []


async def test_who_comes_while_the_order_is_being_taken_in_is_told_once(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chat is opened after the order looked for invitations and before it has subscribed anybody."""
    trip = Trip()
    waiting: list[str] = []
    whole = Orders._subscribe
    async with rail_house(data_dir) as house:
        await house.handset(MILA, "Mila")
        await house.says(MILA, text="hallo", **WHATSAPP)  # somebody already, so not born in the contact that waits
        await wait_until(lambda: somebody(house, MILA), timeout=20)
        invitation = await invited(house, trip)

        async def meanwhile(self: Orders, event: Any, recipient: Any, contact: ContactId, *rest: Any) -> Any:
            if not waiting:
                waiting.append(contact)
                await house.says(MILA, link=link(invitation, "whatsapp"))
                await is_bound(house, invitation)
            return await whole(self, event, recipient, contact, *rest)

        monkeypatch.setattr(Orders, "_subscribe", meanwhile)
        await tell(house, trip.order(), trip.ticket(), trip.delay())
        await gets_ticket(house, MILA)
        await hears(house, MILA, "vertrekt later")
        contact = (await state_of(house, invitation))["contact"]
        assert waiting[0] != contact
        _, left = await house.get(f"/v1/contacts/{waiting[0]}")
        assert left["orders"] == []
        bubbles = await house.received(MILA)
        assert [len(saying(bubbles, words)) for words in ("Welkom", "bevestigd", "vertrekt later")] == [1, 1, 1]
        assert len(tickets(bubbles)) == 1
