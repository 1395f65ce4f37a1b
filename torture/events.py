"""The events as a source would send them: CloudEvents about orders, flights and documents."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

BRAND = "zz"
DAYS_AHEAD = 5
"""Far enough that no deadline comes near and nobody's night is that of a departure."""
AGREED_AT = "2026-01-01T00:00:00Z"
PDF = base64.b64encode(b"%PDF-1.4\n%torture\n").decode()


def by_day() -> str:
    """A zone in which it is early afternoon now, so that nobody's night is in the way. (Etc/GMT-3 is three hours ahead.)"""
    ahead = (13 - datetime.now(UTC).hour + 12) % 24 - 12
    return "Etc/GMT" if ahead == 0 else f"Etc/GMT{'-' if ahead > 0 else '+'}{abs(ahead)}"


def travel_day() -> date:
    return (datetime.now(UTC) + timedelta(days=DAYS_AHEAD)).date()


def entity(number: str, day: date) -> str:
    return f"ZZ{number}/{day.isoformat()}/AMS"


def departure(day: date, minutes: int = 0) -> str:
    return (datetime.fromisoformat(f"{day.isoformat()}T10:00:00+01:00") + timedelta(minutes=minutes)).isoformat()


def recipient(customer: str, channel: str, to: str, zone: str) -> dict[str, Any]:
    """A person who agreed to news on this channel, at an address that is proven to be theirs."""
    return {
        "customerId": customer,
        "role": "customer",
        "name": {"given": "Alex", "family": "Example"},
        "locale": "en-GB",
        "timezone": zone,
        "addresses": [{"channel": channel, "to": to, "proof": "otp", "givenBy": "self"}],
        "consents": [
            {
                "purpose": "journey",
                "channel": channel,
                "granted": True,
                "at": AGREED_AT,
                "how": "booking-checkbox",
                "wording": "journey-en-3",
            }
        ],
    }


def booking(order: str, flight: str, day: date, person: Mapping[str, Any]) -> dict[str, Any]:
    """The order that brings a person and makes them follow a flight."""
    leg = {
        "entity": entity(flight, day),
        "type": "flight",
        "from": {"code": "AMS", "name": "Amsterdam", "timezone": "Europe/Amsterdam"},
        "to": {"code": "LHR", "name": "London Heathrow", "timezone": "Europe/London"},
        "times": {"departure": {"scheduled": departure(day)}},
    }
    data = {"orderNumber": order, "kind": "flight", "brand": BRAND, "status": "confirmed"}
    return _event("/booking/orders", "order.status", order, 1, {**data, "itinerary": [leg], "recipients": [dict(person)]})


def goods(order: str, version: int, status: str, carrier: str, person: Mapping[str, Any]) -> dict[str, Any]:
    data = {"orderNumber": order, "kind": "goods", "brand": BRAND, "status": status, "total": "12.00", "currency": "EUR"}
    return _event(
        "/shop/orders",
        "order.status",
        order,
        version,
        {**data, "shipment": {"carrier": carrier}, "recipients": [dict(person)]},
    )


def flight(number: str, day: date, version: int, *, status: str, gate: str, reason: str, late: int) -> dict[str, Any]:
    """The whole state of a flight, as feeds send it. late: minutes; reason: words that only this version has."""
    expected = {"estimated": departure(day, late)} if late else {}
    data = {
        "leg": {"carrier": "ZZ", "flightNumber": number, "originDate": day.isoformat(), "from": "AMS", "to": "LHR"},
        "status": status,
        "gate": gate,
        "reason": {"text": {"en": reason}},
        "times": {"departure": {"scheduled": departure(day), **expected}},
    }
    return _event("/ops/flights", "flight.status", entity(number, day), version, data)


def document(number: str, order: str, title: str, people: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A ticket for people whose booking is known."""
    data = {
        "orderNumber": order,
        "brand": BRAND,
        "document": {"id": number, "kind": "ticket", "title": title, "mime": "application/pdf", "content": PDF},
        "recipients": [{"customerId": one["customerId"], "addresses": one["addresses"]} for one in people],
    }
    return _event("/tickets", "order.document", number, 1, data)


def _event(source: str, kind: str, subject: str, version: int, data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{subject}-{version}",
        "source": source,
        "type": f"org.example.{kind}.v1",
        "subject": subject,
        "sequence": str(version),
        "datacontenttype": "application/json",
        "data": dict(data),
    }
