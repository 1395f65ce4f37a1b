"""What became of our messages: one item of `value.statuses` as an inbound event.

Source: Meta, "Status messages", 11 Sep 2026. They come out of order, twice, and `delivered` may be skipped; nothing
here orders them. In groups one webhook holds a status for each member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.meta.reading import maybe_obj, maybe_text, stamp_ms, text, word
from connectors.whatsapp import facts
from connectors.whatsapp.classify import classify_errors
from connectors.whatsapp.people import named
from gateway.connector import StatusEvent, UnknownEvent
from gateway.model.contact import Identifier
from gateway.model.message import DeliveryStatus
from gateway.model.personal import Personal

Json = Mapping[str, Any]

_STATUSES = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.PLAYED,
    "failed": DeliveryStatus.NONE,
}


def status_event(account_id: str, status: Json, contacts: Sequence[Any]) -> StatusEvent | UnknownEvent:
    """One status; raises Unreadable with a path below it."""
    kind = maybe_text(status.get("status"))
    at_ms = stamp_ms(status.get("timestamp"), ".timestamp")
    channel_id = text(status.get("id"), ".id")
    rank = _STATUSES.get(kind)
    if rank is None:
        return UnknownEvent(account_id, f"messages.statuses.{word(kind)}", at_ms)
    failed = kind == "failed"
    opaque = maybe_text(status.get("biz_opaque_callback_data"))
    return StatusEvent(
        account_id=account_id,
        channel_id=Personal(channel_id),
        status=rank,
        failed=failed,
        at_ms=at_ms,
        opaque=opaque if 0 < len(opaque) <= facts.FACTS.opaque_max else None,
        identifiers=_recipient(status, contacts),
        result=classify_errors(status.get("errors")) if failed else None,
        pricing=_pricing(status.get("pricing")),
    )


def _recipient(status: Json, contacts: Sequence[Any]) -> tuple[Identifier, ...]:
    """The person, for a group the member; a group's own id names nobody."""
    if status.get("recipient_type") == "group":
        user = status.get("recipient_participant_user_id")
        phone = status.get("recipient_participant_id") or status.get("participant_recipient_id")
        parent = status.get("recipient_participant_parent_user_id")
    else:
        user = status.get("recipient_user_id")
        phone = status.get("recipient_id")
        parent = status.get("recipient_parent_user_id")
    ids = {maybe_text(user), maybe_text(phone)} - {""}
    for contact in contacts:
        found = maybe_obj(contact)
        wa_id, user_id = found.get("wa_id"), found.get("user_id")
        if ids & {maybe_text(wa_id), maybe_text(user_id)}:
            return named(user, phone, parent, user_id, wa_id, found.get("parent_user_id"))
    return named(user, phone, parent)


def _pricing(value: Any) -> dict[str, str]:
    """type, category, pricing_model as words, billable as "true" or "false"; {} where the webhook has none."""
    prices: dict[str, str] = {}
    for key, price in maybe_obj(value).items():
        if word(key) == "?":
            continue
        if isinstance(price, bool):
            prices[key] = "true" if price else "false"
        elif maybe_text(price):
            prices[key] = word(price)
    return prices
