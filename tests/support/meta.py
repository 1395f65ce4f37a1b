"""WhatsApp webhooks as Meta writes them, for the house's one number."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from typing import Any

from gateway.store.outbox import Claimed
from sandbox.account import WABA_ID
from tests.support.core import NUMBER, SANDBOX, House

_ids = itertools.count(1)


def webhook(*values: dict[str, Any]) -> bytes:
    """One POST with each value as a change of its own."""
    changes = [{"field": one.pop("_field", "messages"), "value": one} for one in map(dict, values)]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": WABA_ID, "changes": changes}]}).encode()


def signed(raw: bytes) -> dict[str, str]:
    digest = hmac.new(SANDBOX.app_secret.encode(), raw, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}


def _head() -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "12025550100", "phone_number_id": NUMBER},
    }


def inbound(
    house: House, phone: str | None, content: dict[str, Any], *, user: str | None = None, name: str = "Ghost",
    wamid: str = "", at_ms: int = 0, answers: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A message from a person. phone: digits, None for one who hides it; user: a BSUID; at_ms: from now, told in seconds"""
    person: dict[str, Any] = {"profile": {"name": name}}
    message: dict[str, Any] = {
        "id": wamid or f"wamid.IN{next(_ids):06d}", "timestamp": str((house.clock.now_ms() + at_ms) // 1000), **content,
    }  # fmt: skip
    if phone:
        message["from"] = person["wa_id"] = phone
    if user:
        message["from_user_id"] = person["user_id"] = user
    if answers:
        message["context"] = {"from": "12025550100", "id": answers}
    return {**_head(), "contacts": [person], "messages": [message]}


def inbound_text(house: House, phone: str | None, text: str, **more: Any) -> dict[str, Any]:
    return inbound(house, phone, {"type": "text", "text": {"body": text}}, **more)


def status_of(
    house: House, claimed: Claimed, status: str, wamid: str, *, phone: str | None = None, attempt: int = 0, **more: Any
) -> dict[str, Any]:
    """A status of a message that was sent as this claim."""
    opaque = f"{claimed.id}.{attempt or claimed.attempt}.{claimed.sender}"
    told = {
        "id": wamid, "status": status, "timestamp": str(house.clock.now_ms() // 1000), "biz_opaque_callback_data": opaque,
        "recipient_id": phone or "447700900999", **more,
    }  # fmt: skip
    if phone is None:
        told.pop("recipient_id")
    return {**_head(), "statuses": [told]}
