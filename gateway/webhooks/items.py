"""Inbound events as the JSON that lies (sealed) in an inbox, and back. Pure; N and N-1 read each other's items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.connector import (
    IdentityEvent,
    InboundKind,
    MediaRef,
    MessageEvent,
    Outcome,
    PreferenceEvent,
    SendResult,
    StatusEvent,
)
from gateway.model.contact import Identifier
from gateway.model.message import DeliveryStatus
from gateway.model.personal import Personal


def _ids(identifiers: tuple[Identifier, ...]) -> list[list[str]]:
    return [[one.kind, one.scope, one.value.reveal()] for one in identifiers]


def identifiers(value: Any) -> tuple[Identifier, ...]:
    return tuple(Identifier(kind, scope, Personal(text)) for kind, scope, text in value or [])


def _text(value: Personal | None) -> str | None:
    return value.reveal() if value is not None else None


def _personal(value: str | None) -> Personal | None:
    return Personal(value) if value is not None else None


def dump_status(channel: str, event: StatusEvent) -> dict[str, Any]:
    result = event.result
    return {
        "kind": "status",
        "channel": channel,
        "account": event.account_id,
        "id": event.channel_id.reveal(),
        "status": int(event.status),
        "failed": event.failed,
        "at": event.at_ms,
        "opaque": event.opaque,
        "ids": _ids(event.identifiers),
        "pricing": dict(event.pricing),
        "result": None
        if result is None
        else {
            "outcome": result.outcome.value,
            "code": result.code,
            "window_closed": result.window_closed,
            "template_problem": result.template_problem,
        },
    }


def load_status(value: Mapping[str, Any]) -> StatusEvent:
    raw = value.get("result")
    result = None
    if raw is not None:
        result = SendResult(
            Outcome(raw["outcome"]),
            code=raw["code"],
            window_closed=raw["window_closed"],
            template_problem=raw["template_problem"],
        )
    return StatusEvent(
        account_id=value["account"],
        channel_id=Personal(value["id"]),
        status=DeliveryStatus(value["status"]),
        failed=value["failed"],
        at_ms=value["at"],
        opaque=value["opaque"],
        identifiers=identifiers(value["ids"]),
        result=result,
        pricing=value["pricing"],
    )


def dump_message(channel: str, event: MessageEvent, contact: str, address: str, sender: str) -> dict[str, Any]:
    media = event.media
    return {
        "kind": "message",
        "channel": channel,
        "contact": contact,
        "address": address,
        "sender": sender,
        "account": event.account_id,
        "id": event.channel_id.reveal(),
        "ids": _ids(event.identifiers),
        "at": event.at_ms,
        "what": event.kind.value,
        "text": event.text.reveal(),
        "payload": event.payload,
        "answers": _text(event.answers),
        "name": _text(event.profile_name),
        "detail": event.detail,
        "opens": event.opens_window,
        "media": None
        if media is None
        else {
            "id": media.channel_media_id.reveal(),
            "mime": media.mime,
            "filename": _text(media.filename),
            "sha256": media.sha256,
            "voice": media.voice,
        },
    }


def load_message(value: Mapping[str, Any]) -> MessageEvent:
    media = value.get("media")
    return MessageEvent(
        account_id=value["account"],
        channel_id=Personal(value["id"]),
        identifiers=identifiers(value["ids"]),
        at_ms=value["at"],
        kind=InboundKind(value["what"]),
        text=Personal(value["text"]),
        payload=value["payload"],
        answers=_personal(value["answers"]),
        media=None
        if media is None
        else MediaRef(Personal(media["id"]), media["mime"], _personal(media["filename"]), media["sha256"], media["voice"]),
        profile_name=_personal(value["name"]),
        detail=value["detail"],
        opens_window=value["opens"],
    )


def dump_preference(channel: str, event: PreferenceEvent, contact: str, address: str) -> dict[str, Any]:
    return {
        "kind": "preference",
        "channel": channel,
        "contact": contact,
        "address": address,
        "account": event.account_id,
        "at": event.at_ms,
        "granted": event.granted,
        "purposes": list(event.purposes),
    }


def dump_identity(channel: str, event: IdentityEvent, contact: str, address: str) -> dict[str, Any]:
    return {
        "kind": "identity",
        "channel": channel,
        "contact": contact,
        "address": address,
        "previous": _ids(event.previous),
        "current": _ids(event.current),
        "at": event.at_ms,
        "changed": event.identity_changed,
    }
