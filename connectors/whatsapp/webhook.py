"""From the raw bytes of a webhook to inbound events. Pure, and never raises: what cannot be read becomes a BadItem.

Source: Meta, "Webhooks", 11 Sep 2026: {"object", "entry": [{"id": account, "time"?, "changes": [{"field", "value"}]}]}.
Updates may be batched; every entry, change and item stands for itself, so that one nobody can read costs only itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.meta.faults import read_fault
from connectors.meta.items import Item, read_each, refuse
from connectors.meta.reading import (
    Unreadable,
    listed,
    load,
    maybe_listed,
    maybe_obj,
    maybe_stamp_ms,
    maybe_text,
    obj,
    word,
)
from connectors.whatsapp import account, facts
from connectors.whatsapp.inbound import message_event
from connectors.whatsapp.statuses import status_event
from gateway.connector import BadItem, ErrorEvent, InboundEvent, UnknownEvent

Json = Mapping[str, Any]


def parse_webhook(raw: bytes) -> list[InboundEvent | BadItem]:
    """Every event in the order of the body; see the module."""
    try:
        body = obj(load(raw, max_bytes=facts.WEBHOOK_MAX), "$")
        if body.get("object") != "whatsapp_business_account":
            raise Unreadable("$.object", "not whatsapp_business_account")
        entries = listed(body.get("entry"), "$.entry")
    except Unreadable as error:
        return [BadItem(error.where, error.why, raw)]
    events: list[InboundEvent | BadItem] = []
    for number, entry in enumerate(entries):
        read_each(_changes(f"$.entry[{number}]", entry), events)
    return events


def _changes(where: str, entry: Any) -> Iterator[Item]:
    if not isinstance(entry, dict):
        yield where, entry, lambda: refuse("not an object")
        return
    waba = maybe_text(entry.get("id"))
    at_ms = maybe_stamp_ms(entry.get("time")) or 0
    changes = entry.get("changes")
    if not isinstance(changes, list):
        yield f"{where}.changes", entry, lambda: refuse("not a list")
        return
    for number, change in enumerate(changes):
        spot = f"{where}.changes[{number}]"
        value = change.get("value") if isinstance(change, dict) else None
        if not isinstance(value, dict):
            yield f"{spot}.value", change, lambda: refuse("not an object")
            continue
        yield from _items(f"{spot}.value", waba, maybe_text(maybe_obj(change).get("field")), value, at_ms)


def _items(where: str, waba: str, field: str, value: Json, at_ms: int) -> Iterator[Item]:
    number = maybe_text(maybe_obj(value.get("metadata")).get("phone_number_id"))
    if field == "messages":
        yield from _messages(where, number, value, at_ms)
    elif field == "user_preferences":
        yield from _listed(where, "user_preferences", value, lambda item: [account.preference(number or waba, item)])
    elif field == "user_id_update":
        yield from _listed(where, "user_id_update", value, lambda item: [account.user_id(number or waba, item)])
    elif field.startswith("group_"):
        yield from _listed(where, "groups", value, lambda item: [account.group(number or waba, word(field), item)])
    else:
        yield where, value, lambda: account.field_events(waba, field, value, at_ms)


def _messages(where: str, number: str, value: Json, at_ms: int) -> Iterator[Item]:
    contacts = maybe_listed(value.get("contacts"))
    if not any(key in value for key in ("messages", "statuses", "errors")):
        yield where, value, lambda: [UnknownEvent(number, "messages", at_ms)]
    yield from _listed(where, "messages", value, lambda item: [message_event(_known(number), item, contacts)])
    yield from _listed(where, "statuses", value, lambda item: [status_event(number, item, contacts)])
    yield from _listed(where, "errors", value, lambda item: [_error(number, item, at_ms)])


def _listed(where: str, key: str, value: Json, read: Callable[[Json], list[InboundEvent]]) -> Iterator[Item]:
    entries = value.get(key)
    if entries is not None and not isinstance(entries, list):
        yield f"{where}.{key}", entries, lambda: refuse("not a list")
        return
    for index, entry in enumerate(entries or []):
        yield f"{where}.{key}[{index}]", entry, _reader(read, entry)


def _reader(read: Callable[[Json], list[InboundEvent]], entry: Any) -> Callable[[], list[InboundEvent]]:
    return lambda: read(obj(entry, ""))


def _known(number: str) -> str:
    """Whom they wrote to: without it nobody could answer. A status finds its message by the opaque data instead."""
    if not number:
        raise Unreadable("", "no phone_number_id beside it")
    return number


def _error(number: str, error: Json, at_ms: int) -> ErrorEvent:
    """A fault that belongs to no message, e.g. 130429 of the number. Meta gives it no time."""
    fault = read_fault(error)
    if fault is None:
        raise Unreadable(".code", "not a number")
    return ErrorEvent(number, fault.code, maybe_stamp_ms(error.get("timestamp")) or at_ms, fault.detail)
