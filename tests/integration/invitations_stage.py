"""The whole house with ways in: both channels of one brand, a rail order whose traveller has no address, and its ticket."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from gateway.store.facts import START, Facts
from tests.support.house import House, house_running
from tests.support.waiting import wait_until

ENDS = {
    "from": {"code": "xmp:UT", "name": "Utrecht", "timezone": "Europe/Amsterdam"},
    "to": {"code": "xmp:EHV", "name": "Eindhoven", "timezone": "Europe/Amsterdam"},
}
TOKEN = "sandbox-system-user-token"
NUMBER, PAGE = "12025550143", "141421356237302"
PDF = b"%PDF-1.4 a ticket"
SENDERS = {
    "senders": [
        {
            "id": "rail",
            "channel": "whatsapp",
            "brand": "exr",
            "account": {"phone_number_id": "314159265358980", "waba_id": "271828182845904", "number": f"+{NUMBER}"},
            "portfolio": "test",
            "token": TOKEN,
        },
        {"id": "rail-page", "channel": "messenger", "brand": "exr", "account": {"page_id": PAGE}, "token": TOKEN},
    ]
}


@dataclass(frozen=True)
class Trip:
    """One traveller's rail journey: the events about it, and the invitation to it. They gave no address."""

    number: str = "TR-55310"
    customer: str = "C-31007"
    train: str = "3542"
    family: str = "van den Berg"

    @property
    def entity(self) -> str:
        return f"EXR/{self.train}/2026-11-22"

    def order(self, sequence: int = 1, status: str = "confirmed", others: Sequence[Any] = (), **recipient: Any) -> dict[str, Any]:
        name = {"given": "Mila", "family": self.family}
        who = {"customerId": self.customer, "name": name, "role": "booker", "passenger": "1", "locale": "nl-NL"}
        return {
            "specversion": "1.0",
            "id": f"{self.number}-{sequence}",
            "type": "org.example.order.status.v1",
            "source": "/booking/orders",
            "subject": self.number,
            "sequence": str(sequence),
            "data": {
                "orderNumber": self.number,
                "kind": "rail",
                "brand": "exr",
                "status": status,
                "version": sequence,
                "itinerary": [
                    {
                        "entity": self.entity,
                        "type": "trip",
                        **ENDS,
                        "times": {
                            "departure": {"scheduled": "2026-11-22T19:03:00+01:00"},
                            "arrival": {"scheduled": "2026-11-22T19:52:00+01:00"},
                        },
                    }
                ],
                "recipients": [{**who, **recipient}, *others],
            },
        }

    def ticket(self) -> dict[str, Any]:
        document = {"kind": "rail_ticket", "id": f"{self.number}-t", "title": "Utrecht - Eindhoven", "mime": "application/pdf"}
        return {
            "specversion": "1.0",
            "id": f"{self.number}-ticket",
            "type": "org.example.order.document.v1",
            "source": "/ticketing/events",
            "subject": f"{self.number}-t",
            "data": {
                "orderNumber": self.number,
                "brand": "exr",
                "document": {**document, "content": base64.b64encode(PDF).decode()},
                "recipients": [{"customerId": self.customer}],
            },
        }

    def delay(self, minutes: int = 15) -> dict[str, Any]:
        departure = {"scheduled": "2026-11-22T19:03:00+01:00", "estimated": f"2026-11-22T19:{3 + minutes:02d}:00+01:00"}
        return {
            "specversion": "1.0",
            "id": f"{self.number}-delay-{minutes}",
            "type": "org.example.trip.status.v1",
            "source": "/ops/trips",
            "subject": self.entity,
            "sequence": str(minutes),
            "data": {
                "trip": {"operator": "EXR", "tripNumber": self.train, "operatingDay": "2026-11-22", **ENDS},
                "status": "delayed",
                "version": minutes,
                "delayMinutes": minutes,
                "times": {"departure": departure},
            },
        }

    def asked(self, **more: Any) -> dict[str, Any]:
        """The body of POST /v1/invitations that a booking page sends."""
        return {
            "origin": "booking_page",
            "reason": "ticket",
            "subject": {"order": self.number},
            "customerId": self.customer,
            "language": "nl",
            "brand": "exr",
            "proof": "app_login",
            "consents": [{"purpose": "journey", "wording": "journey-nl-3"}],
            **more,
        }


@asynccontextmanager
async def rail_house(data_dir: Path, **more: Any) -> AsyncIterator[House]:
    data_dir.mkdir(parents=True, exist_ok=True)
    senders = data_dir / "ways-in.yaml"
    senders.write_text(yaml.safe_dump(SENDERS))
    settings = {"GATEWAY_SENDERS_FILE": str(senders), "GATEWAY_PUBLIC_URL": "https://news.example.org", **more}
    async with house_running(data_dir, pages=True, **settings) as house:
        yield house


async def tell(house: House, *events: dict[str, Any]) -> None:
    """Hand events in, and wait until each was planned for somebody."""
    for event in events:
        status, answer = await house.event(event)
        assert status == 202, answer
        await wait_until(partial(_planned, house, answer["event"]), timeout=20)


async def _planned(house: House, event: str) -> bool:
    assert house.runtime is not None
    found = await Facts(house.runtime.connection.redis).unfolded(dict.fromkeys(range(64), START))
    return any(fact.kind in ("enqueued", "suppressed", "closed") and event in fact.ids for fact in found)


async def invited(house: House, trip: Trip, **more: Any) -> dict[str, Any]:
    status, answer = await house.post("/v1/invitations", trip.asked(**more))
    assert status == 201, answer
    return answer


def link(invitation: dict[str, Any], channel: str) -> str:
    return next(str(one["url"]) for one in invitation["links"] if one["channel"] == channel)


async def state_of(house: House, invitation: dict[str, Any]) -> dict[str, Any]:
    status, answer = await house.get(f"/v1/invitations/{invitation['id']}")
    assert status == 200, answer
    return dict(answer)


async def is_bound(house: House, invitation: dict[str, Any]) -> dict[str, Any]:
    async def there() -> dict[str, Any] | None:
        found = await state_of(house, invitation)
        return found if found["state"] == "bound" else None

    found = await wait_until(there, timeout=20)
    assert isinstance(found, dict)
    return found


async def told(house: House, contact: str) -> list[tuple[str, str]]:
    """(notification, state) of everything a contact was or is to be told."""
    status, answer = await house.get(f"/v1/messages?contact={contact}")
    assert status == 200, answer
    return [(one["notification"], one["state"]) for one in answer["messages"]]


def tickets(bubbles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bubbles that bring a file: in a header where words stand beside it, else by itself."""
    return [one for one in bubbles if one["type"] == "file" or (one.get("header") or {}).get("type") == "document"]


def saying(bubbles: list[dict[str, Any]], words: str) -> list[dict[str, Any]]:
    return [one for one in bubbles if words.lower() in str(one["body"]).lower()]


async def hears(house: House, phone: str, words: str, count: int = 1) -> list[dict[str, Any]]:
    async def there() -> list[dict[str, Any]] | None:
        found = saying(await house.received(phone), words)
        return found if len(found) >= count else None

    found = await wait_until(there, timeout=20)
    assert isinstance(found, list)
    return found


async def gets_ticket(house: House, phone: str) -> None:
    async def there() -> bool:
        return bool(tickets(await house.received(phone)))

    await wait_until(there, timeout=20)
