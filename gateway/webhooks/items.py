"""Inbound events as the JSON that lies (sealed) in an inbox, and back. Pure.

N and N-1 read each other's items: what is new in a kind has a default, and what N-1 cannot know is parked there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.connector import (
    ArrivalEvent,
    EchoEvent,
    EditEvent,
    Holder,
    IdentityEvent,
    InboundKind,
    MediaRef,
    MessageEvent,
    Outcome,
    PreferenceEvent,
    ReceiptEvent,
    SendResult,
    StatusEvent,
    ThreadEvent,
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


def _dump_media(media: MediaRef | None) -> dict[str, Any] | None:
    if media is None:
        return None
    return {
        "id": media.channel_media_id.reveal(),
        "mime": media.mime,
        "filename": _text(media.filename),
        "sha256": media.sha256,
        "voice": media.voice,
    }


def _load_media(raw: Mapping[str, Any] | None) -> MediaRef | None:
    if raw is None:
        return None
    return MediaRef(Personal(raw["id"]), raw["mime"], _personal(raw["filename"]), raw["sha256"], raw["voice"])


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
            "media_problem": result.media_problem,
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
            media_problem=bool(raw.get("media_problem")),
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
    return {
        "kind": "message",
        **_whose(channel, event.account_id, contact, address, sender),
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
        "media": _dump_media(event.media),
        "more": [_dump_media(one) for one in event.more_media],
        "referral": _text(event.referral),
        "standby": event.standby,
    }


def load_message(value: Mapping[str, Any]) -> MessageEvent:
    more = (_load_media(one) for one in value.get("more", ()))
    return MessageEvent(
        account_id=value["account"],
        channel_id=Personal(value["id"]),
        identifiers=identifiers(value["ids"]),
        at_ms=value["at"],
        kind=InboundKind(value["what"]),
        text=Personal(value["text"]),
        payload=value["payload"],
        answers=_personal(value["answers"]),
        media=_load_media(value.get("media")),
        profile_name=_personal(value["name"]),
        detail=value["detail"],
        opens_window=value["opens"],
        more_media=tuple(one for one in more if one is not None),
        referral=_personal(value.get("referral")),
        standby=bool(value.get("standby")),
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


def _whose(channel: str, account: str, contact: str, address: str, sender: str) -> dict[str, Any]:
    return {"channel": channel, "account": account, "contact": contact, "address": address, "sender": sender}


def dump_receipt(channel: str, event: ReceiptEvent, contact: str, address: str, sender: str) -> dict[str, Any]:
    return {
        "kind": "receipt",
        **_whose(channel, event.account_id, contact, address, sender),
        "status": int(event.status),
        "until": event.until_ms,
        "at": event.at_ms,
    }


def dump_echo(channel: str, event: EchoEvent, contact: str, address: str, sender: str) -> dict[str, Any]:
    return {
        "kind": "echo",
        **_whose(channel, event.account_id, contact, address, sender),
        "id": event.channel_id.reveal(),
        "at": event.at_ms,
        "what": event.kind.value,
        "text": event.text.reveal(),
        "program": event.program,
        "person": event.person,
        "answers": _text(event.answers),
        "media": _dump_media(event.media),
    }


def load_echo(value: Mapping[str, Any]) -> EchoEvent:
    return EchoEvent(
        account_id=value["account"],
        channel_id=Personal(value["id"]),
        identifiers=(),
        at_ms=value["at"],
        text=Personal(value["text"]),
        kind=InboundKind(value["what"]),
        program=value["program"],
        person=value["person"],
        answers=_personal(value["answers"]),
        media=_load_media(value["media"]),
    )


def dump_edit(channel: str, event: EditEvent, contact: str, address: str, sender: str) -> dict[str, Any]:
    return {
        "kind": "edit",
        **_whose(channel, event.account_id, contact, address, sender),
        "id": event.channel_id.reveal(),
        "ids": _ids(event.identifiers),
        "at": event.at_ms,
        "text": event.text.reveal(),
        "edits": event.edits,
    }


def load_edit(value: Mapping[str, Any]) -> EditEvent:
    return EditEvent(
        account_id=value["account"],
        channel_id=Personal(value["id"]),
        identifiers=identifiers(value["ids"]),
        at_ms=value["at"],
        text=Personal(value["text"]),
        edits=value["edits"],
    )


def dump_thread(channel: str, event: ThreadEvent, contact: str, address: str, sender: str) -> dict[str, Any]:
    return {
        "kind": "thread",
        **_whose(channel, event.account_id, contact, address, sender),
        "holder": event.holder.value,
        "at": event.at_ms,
        "key": event.key,
        "program": event.program,
        "wanted": event.wanted,
    }


def load_thread(value: Mapping[str, Any]) -> ThreadEvent:
    return ThreadEvent(
        account_id=value["account"],
        identifiers=(),
        holder=Holder(value["holder"]),
        at_ms=value["at"],
        key=value["key"],
        program=value["program"],
        wanted=value["wanted"],
    )


def dump_arrival(channel: str, event: ArrivalEvent, contact: str, address: str, sender: str) -> dict[str, Any]:
    return {
        "kind": "arrival",
        **_whose(channel, event.account_id, contact, address, sender),
        "ids": _ids(event.identifiers),
        "at": event.at_ms,
        "referral": event.referral.reveal(),
        "key": event.key,
        "source": event.source,
        "opens": event.opens_window,
    }


def load_arrival(value: Mapping[str, Any]) -> ArrivalEvent:
    return ArrivalEvent(
        account_id=value["account"],
        identifiers=identifiers(value["ids"]),
        at_ms=value["at"],
        referral=Personal(value["referral"]),
        key=value["key"],
        source=value["source"],
        opens_window=value["opens"],
    )
