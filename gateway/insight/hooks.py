"""Which facts leave the house as webhooks, and what they say. Pure: a fact goes in, a signed body comes out.

What is told of conversations, and to whom, is desk_hooks.py's.

Nothing personal is in it: our ids, a reason of the closed list, a sentence.

Standard Webhooks: headers webhook-id, webhook-timestamp (seconds) and webhook-signature, "v1," and the base64 of
HMAC-SHA256(secret, "id.timestamp.body"); while a secret is being replaced, one signature for each, with a blank between.
Source: the Standard Webhooks specification (github.com/standard-webhooks), as its package standardwebhooks 1.1.0 verifies it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import SettingsError
from gateway.insight import desk_hooks
from gateway.insight.desk_hooks import Desks
from gateway.insight.kinds import sentence_of
from gateway.insight.unreached import ENDS, reason_of
from gateway.model.personal import Secret
from gateway.store.facts import Fact
from gateway.store.outgoing import Webhook

TYPES: Mapping[str, str] = {
    "accepted": "message.accepted",
    "delivered": "message.delivered",
    "read": "message.read",
    "failed": "message.failed",
    "dead": "message.failed",
    "suppressed": "message.suppressed",
    "expired": "message.expired",
    "unreached": "message.unreached",
    "rebooking_accept": "rebooking.accepted",
    "rebooking_other": "rebooking.other",
    "rebooking_refund": "rebooking.refund",
    "appointment_confirm": "appointment.confirmed",
    "appointment_move": "appointment.move",
    "appointment_call_me": "appointment.call",
    "safety": "conversation.safety",
    "flood": "conversation.flood",
    **desk_hooks.TYPES,
}
"""Kind of fact -> type of webhook. Given up before the channel took it and failed at the channel are both `message.failed`."""

DEFAULT_TYPES = frozenset(TYPES.values()) - {"message.accepted", "message.read"}

_SENTENCES = {
    "accepted": "the channel took it",
    "delivered": "it is on their phone",
    "read": "they have read it",
    "unreached": "nobody was told by any channel in time",
    "rebooking_accept": "they take the other journey that was offered",
    "rebooking_other": "they want another journey",
    "rebooking_refund": "they want their money back",
    "appointment_confirm": "the time of the appointment suits them",
    "appointment_move": "they want another time for the appointment",
    "appointment_call_me": "they want to be called about the appointment",
    "safety": "words that cannot wait",
    "flood": "more than twenty messages within a minute",
}

OF_CONVERSATIONS = frozenset({"safety", "flood"})
"""Kinds that are about a conversation, of whatever desk: they leave the house whether or not they name a message."""

NO_DESKS = Desks()
"""Every queue is our own desk's: nobody else is told of conversations."""


def kinds_of(types: Collection[str]) -> frozenset[str]:
    """The kinds of facts behind these types. Raises SettingsError for a type that does not exist."""
    unknown = sorted(set(types) - set(TYPES.values()))
    if unknown:
        known = ", ".join(sorted(set(TYPES.values())))
        raise SettingsError([f"GATEWAY_WEBHOOK_TYPES: {', '.join(unknown)} is none of {known}"])
    return frozenset(kind for kind, name in TYPES.items() if name in types)


def leaves(fact: Fact, desks: Desks) -> bool:
    """Whether a webhook is sent about a fact, if its type is asked for."""
    if fact.kind in desk_hooks.TYPES:
        return desks.hear(fact)
    return fact.kind in TYPES and bool(fact.id_of("m") or fact.kind in OF_CONVERSATIONS)


def webhook_of(fact: Fact, notification: str, desks: Desks = NO_DESKS) -> Webhook | None:
    """What is sent about one fact, None when it does not leave the house. Made twice, it is the same to a byte.

    notification: of the message, for facts that do not name it ("" = not known any more); desks: who is told of conversations
    """
    if not leaves(fact, desks):
        return None
    at = datetime.fromtimestamp(fact.at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = desk_hooks.data_of(fact, desks, at) if fact.kind in desk_hooks.TYPES else _data(fact, notification)
    body = {"type": TYPES[fact.kind], "timestamp": at, "data": data}
    name = re.sub(r"[^0-9a-z]", "x", f"{fact.partition:02d}-{fact.stream_id}")
    return Webhook(name, json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())


def _data(fact: Fact, notification: str) -> dict[str, Any]:
    """Of a fact of a message, or one of the conversation of which everybody is told."""
    reason = (reason_of(fact) or None) if fact.kind in ENDS or fact.kind == "unreached" else None
    sentence = _SENTENCES.get(fact.kind, "")
    if reason is not None:
        sentence = f"{sentence}: {sentence_of(reason)}" if sentence else sentence_of(reason)
    return {
        "message_id": fact.id_of("m") or None,
        "contact_id": fact.id_of("c") or None,
        "notification": fact.detail.get("nt") or notification or None,
        "event_id": fact.id_of("e") or None,
        "subject_id": fact.id_of("j") or None,
        "conversation_id": fact.id_of("v") or None,
        "reason": reason,
        "sentence": sentence,
        **_rebooking(fact),
        **({"kind": fact.detail.get("kind") or None} if fact.kind == "safety" else {}),
    }


def _rebooking(fact: Fact) -> dict[str, str | None]:
    """Of an answer about a cancelled journey: the order it is of (`subject_id` is the journey), and which offer it is about."""
    if not fact.kind.startswith("rebooking_"):
        return {}
    subjects = [one for one in fact.ids if one.startswith("j")]
    return {"order_id": subjects[1] if len(subjects) > 1 else None, "offer": fact.detail.get("offer")}


def webhook_id(webhook: Webhook) -> str:
    """As it stands in the header."""
    return f"msg_{webhook.id}"


class Signer:
    """Signs with one secret, or with the new and the old one while receivers change over."""

    def __init__(self, secret: Secret) -> None:
        """secret: whsec_<base64 of 24 to 64 bytes>, two of them with a blank or comma between. Raises SettingsError."""
        self._keys = [_key(text) for text in re.split(r"[\s,]+", secret.reveal().strip()) if text]
        if not self._keys:
            raise SettingsError(["GATEWAY_WEBHOOK_SECRET is empty: whsec_ and the base64 of 24 to 64 random bytes"])

    def headers(self, identifier: str, timestamp_s: int, body: bytes) -> dict[str, str]:
        signed = f"{identifier}.{timestamp_s}.".encode() + body
        signatures = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in self._keys]
        return {
            "webhook-id": identifier,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
        }


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix("whsec_") + "==", validate=False)
    except binascii.Error:
        key = b""
    if not text.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise SettingsError(["GATEWAY_WEBHOOK_SECRET: should be whsec_ and the base64 of 24 to 64 random bytes"])
    return key


def check_targets(urls: Sequence[str]) -> dict[str, str]:
    """Targets by their short name (eight hexadecimal digits of the URL's hash). Raises SettingsError naming each wrong one."""
    problems, found = [], {}
    for number, url in enumerate(urls, 1):
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            problems.append(f"GATEWAY_WEBHOOK_TARGETS: entry {number} should be an http:// or https:// URL")
            continue
        found[hashlib.blake2b(url.encode(), digest_size=4).hexdigest()] = url
    if problems:
        raise SettingsError(problems)
    return found
