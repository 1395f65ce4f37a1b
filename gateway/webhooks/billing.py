"""What a message should cost of which the channel's own word is the first that it was taken: its settle was lost or is late."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.model.contact import Contact, Identifier
from gateway.model.message import MessageRecord
from gateway.prices.country import country_of
from gateway.prices.model import SERVICE, Charge, charge
from gateway.prices.tariffs import Tariffs


def charge_of(
    tariffs: Tariffs,
    channel: str,
    body: Mapping[str, Any],
    identifiers: Iterable[Identifier],
    *,
    category: str,
    at_ms: int,
) -> Charge:
    """category: "" where nothing tells; the price is unknown then."""
    return charge(
        tariffs.book,
        channel=channel,
        brand=str(body.get("brand", "")),
        country=country_of(identifiers),
        category=category,
        at_ms=at_ms,
    )


def category_of(body: Mapping[str, Any], record: MessageRecord, contact: Contact, window_ms: int, at_ms: int) -> str:
    """What it went out as, told by the service window at that time: free words inside, its template outside."""
    opened = contact.facts.window_opened_at(record.sender, record.address)
    forms = body.get("forms") or []
    if body.get("kind") == "reply" or not forms or (opened is not None and at_ms - opened < window_ms):
        return SERVICE
    return str(forms[0].get("category", ""))
