"""Messenger through the whole house: into the chat, ticket, delay days later, answer at the desk, and where a Page may not."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.store.agents import Agents
from gateway.surface import webcare_deps
from tests.support.house import NOON, House, house_running
from tests.support.waiting import wait_until

PAGE = "141421356237302"
RAIL = "141421356237302"
ANNA = "+447700900321"
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer<<>>\n%%EOF\n").decode()


def iso(at: datetime) -> str:
    return at.isoformat()


def order(psid: str, *, whatsapp: bool = False, day: datetime = NOON) -> dict[str, Any]:
    addresses = [{"channel": "messenger", "to": psid, "proof": "app_login", "givenBy": "self"}]
    if whatsapp:
        addresses.append({"channel": "whatsapp", "to": ANNA, "proof": "otp", "givenBy": "self"})
    leaves = day + timedelta(days=3, hours=2)
    return {
        "specversion": "1.0", "type": "org.example.order.status.v1", "source": "/rail/orders", "subject": "RX2K7P", "id": "o-1",
        "sequence": "0000000001",
        "data": {
            "orderNumber": "RX2K7P", "kind": "rail", "brand": "exr", "status": "confirmed", "placedAt": iso(day),
            "itinerary": [
                {
                    "entity": f"EXR/3542/{leaves:%Y-%m-%d}", "type": "trip",
                    "from": {"code": "UT", "name": "Utrecht", "timezone": "Europe/Amsterdam"},
                    "to": {"code": "EHV", "name": "Eindhoven", "timezone": "Europe/Amsterdam"},
                    "times": {
                        "departure": {"scheduled": iso(leaves)}, "arrival": {"scheduled": iso(leaves + timedelta(minutes=50))},
                    },
                }
            ],
            "recipients": [
                {
                    "customerId": "R-77", "name": {"given": "Anna", "family": "Example"}, "role": "booker", "locale": "en-GB",
                    "timezone": "Europe/Amsterdam", "addresses": addresses,
                    "consents": [
                        {
                            "purpose": "journey", "channel": one["channel"], "granted": True, "at": iso(day - timedelta(hours=1)),
                            "how": "booking-checkbox",
                        }
                        for one in addresses
                    ],
                }
            ],
        },
    }  # fmt: skip


def ticket() -> dict[str, Any]:
    return {
        "specversion": "1.0", "type": "org.example.order.document.v1", "source": "/rail/orders", "subject": "RX2K7P", "id": "d-1",
        "sequence": "0000000001",
        "data": {
            "orderNumber": "RX2K7P", "brand": "exr",
            "document": {
                "id": "T-1", "kind": "ticket", "title": "Utrecht - Eindhoven", "mime": "application/pdf", "content": PDF,
            },
            "recipients": [{"customerId": "R-77"}],
        },
    }  # fmt: skip


def delay(day: datetime, minutes: int, version: int) -> dict[str, Any]:
    leaves = day + timedelta(days=3, hours=2)
    return {
        "specversion": "1.0", "type": "org.example.trip.status.v1", "source": "/rail/traffic", "id": f"t-{version}",
        "subject": f"EXR/3542/{leaves:%Y-%m-%d}", "sequence": f"{version:010d}",
        "data": {
            "trip": {
                "operator": "EXR", "tripNumber": "3542", "operatingDay": f"{leaves:%Y-%m-%d}",
                "from": {"code": "UT", "name": "Utrecht", "timezone": "Europe/Amsterdam"},
                "to": {"code": "EHV", "name": "Eindhoven", "timezone": "Europe/Amsterdam"},
            },
            "status": "delayed", "delayMinutes": minutes,
            "times": {"departure": {"scheduled": iso(leaves), "estimated": iso(leaves + timedelta(minutes=minutes))}},
        },
    }  # fmt: skip


async def bubbles(house: House, channel: str) -> list[dict[str, Any]]:
    """What Anna received by one channel, oldest first."""
    assert house.http is not None
    async with house.http.get(f"{house.sandbox}/sandbox/handsets/{ANNA.lstrip('+')}") as answer:
        value = await answer.json()
    found = [one for thread in value["threads"] if thread["channel"] == channel for one in thread["bubbles"]]
    return [one for one in sorted(found, key=lambda one: one["at_ms"]) if one["kind"] == "received"]


async def wait_for(house: House, channel: str, count: int) -> list[dict[str, Any]]:
    """What Anna received since she was greeted, once it is so many."""

    async def news() -> list[dict[str, Any]]:
        return (await bubbles(house, channel))[1 if channel == "messenger" else 0 :]

    async def there() -> bool:
        return len(await news()) >= count

    await wait_until(there, timeout=20)
    found = await news()
    assert len(found) == count, [one["body"] for one in found]
    return found


async def in_the_chat(house: House) -> str:
    """Anna opens the Page's chat by its link, taps Get Started, and is greeted."""
    await house.handset(ANNA, "Anna")
    await house.says(ANNA, link=f"https://m.me/{RAIL}")

    async def greeted() -> bool:
        return ["Laagland Rail" in one["body"] for one in await bubbles(house, "messenger")] == [True]

    await wait_until(greeted, timeout=20)
    return await house.psid(ANNA, RAIL)


async def test_a_ticket_arrives_as_words_and_file_a_delay_days_later_as_utility_message(tmp_path: Path) -> None:
    async with house_running(tmp_path, pages=True) as house:
        psid = await in_the_chat(house)
        status, taken = await house.event(order(psid))
        assert (status, taken["answer"]) == (202, "new"), taken
        await house.event(ticket())
        first = await wait_for(house, "messenger", 3)
        assert [one["type"] for one in first] == ["button", "button", "file"]
        assert "Utrecht - Eindhoven" in first[1]["body"]
        assert first[2]["attachment"]["mime"] == "application/pdf"

        later = NOON + timedelta(days=3)
        await house.turn_clock(later)
        status, taken = await house.event(delay(NOON, 25, 1))
        assert status == 202, taken
        (*_, told) = await wait_for(house, "messenger", 4)
        assert told["type"] == "utility"
        assert "Eindhoven" in told["body"]

        await house.says(ANNA, channel="messenger", text="Will the connection wait?")

        async def waits() -> bool:
            _, found = await house.get("/v1/messages?contact=" + await contact_of(house, psid))
            return any(one["notification"] == "trip_delayed" and one["status"] == "read" for one in found["messages"])

        await wait_until(waits, timeout=20)


async def contact_of(house: House, psid: str) -> str:
    assert house.runtime is not None
    identifier = house.runtime.connectors["messenger"].identify(psid, RAIL)
    (found,) = await house.runtime.contacts.find("messenger", [identifier])
    assert found is not None
    return found[0]


async def test_where_the_page_may_not_use_templates_the_delay_goes_by_whatsapp(tmp_path: Path) -> None:
    async with house_running(tmp_path, pages=True) as house:
        psid = await in_the_chat(house)
        await house.event(order(psid, whatsapp=True))
        await wait_for(house, "messenger", 1)
        await house.page(RAIL, utility=False)
        await house.turn_clock(NOON + timedelta(days=3))
        await house.event(delay(NOON, 25, 1))
        (told,) = await wait_for(house, "whatsapp", 1)
        assert "Eindhoven" in told["body"]
        assert len(await bubbles(house, "messenger")) == 2  # the greeting and the confirmation


async def test_an_agent_answers_in_the_chat_under_her_first_name_and_a_week_later_as_a_person(tmp_path: Path) -> None:
    async with house_running(tmp_path, pages=True) as house:
        await in_the_chat(house)
        await house.says(ANNA, channel="messenger", text="Is there a lift at the station?")
        await answer(house, "Yes, at platform 5.", "first")
        (first,) = [one for one in await wait_for(house, "messenger", 1) if one["by"] == "page"]
        assert (first["body"], first["persona"]["name"]) == ("Yes, at platform 5.", "Sanne")

        await house.turn_clock(NOON + timedelta(days=5))
        assert house.runtime is not None
        # What the page may do was found out five days ago by that clock: a person's longer window counts once it was asked again.
        await wait_until(webcare_deps(house.runtime).person_windows, timeout=30)
        await answer(house, "The lift works again.", "second")
        assert (await wait_for(house, "messenger", 2))[1]["body"] == "The lift works again."
        sent = (await house.graph_requests())[-1]["body"]
        assert (sent["messaging_type"], sent["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")


async def answer(house: House, text: str, key: str) -> None:
    """Sanne answers the one conversation, taking it first if nobody has it."""
    assert house.runtime is not None
    runtime = house.runtime
    agent = Agents(runtime.connection.redis, runtime.clock, runtime.vault).agent_id("sanne")
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        for query in ("queue=general", f"agent={agent}"):
            _, value = await house.get(f"/v1/conversations?{query}")
            found[:] = value["conversations"] or found
        return bool(found)

    await wait_until(there, timeout=15)
    conversation = found[0]
    for command, body in (("take", {}), ("reply", {"text": text})):
        if command == "take" and conversation["agent"] == agent:
            continue
        status, conversation = await house.post(
            f"/v1/conversations/{conversation['id']}/{command}",
            {"agent": agent, "epoch": conversation["epoch"], **body},
            **{"Idempotency-Key": f"{key}-{command}"},
        )
        assert status == 200, conversation
