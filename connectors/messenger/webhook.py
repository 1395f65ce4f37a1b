"""From the raw bytes of a webhook to inbound events. Pure, and never raises: what cannot be read becomes a BadItem.

Source: Meta, "Webhooks for the Messenger Platform", 2025, and the references of the fields: {"object": "page", "entry": [{"id":
page, "time", "messaging" | "standby" | "changes": [...]}]}; handovers were also seen in an array of their own. One POST may hold
entries of several Pages. The test button of Meta's dashboard wraps an item as a change ({"field", "value"}), which real traffic
does not. Each item stands for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from connectors.messenger import account, arrivals, echoes, facts, inbound, receipts, threads
from connectors.messenger.item import Item, Json, read_item
from connectors.meta.items import Item as Reader
from connectors.meta.items import read_each, refuse
from connectors.meta.reading import Unreadable, listed, load, maybe_obj, maybe_stamp_ms, maybe_text, obj, word
from gateway.connector import BadItem, InboundEvent, UnknownEvent

_ARRAYS = ("messaging", "standby", "messaging_handovers")
_SAID = frozenset({"sender", "recipient", "timestamp", "prior_message"})
"""Keys that every item may have; what is left names its kind."""


def parse_webhook(raw: bytes, app_id: str) -> list[InboundEvent | BadItem]:
    """Every event in the order of the body. app_id: our own, "" unknown; it tells our threads and echoes from others'."""
    try:
        body = obj(load(raw, max_bytes=facts.WEBHOOK_MAX), "$")
        if body.get("object") != "page":
            raise Unreadable("$.object", "not page")
        entries = listed(body.get("entry"), "$.entry")
    except Unreadable as error:
        return [BadItem(error.where, error.why, raw)]
    events: list[InboundEvent | BadItem] = []
    for number, entry in enumerate(entries):
        read_each(_entry(f"$.entry[{number}]", entry, app_id), events)
    return events


def _entry(where: str, entry: Any, app_id: str) -> Iterator[Reader]:
    if not isinstance(entry, dict):
        yield where, entry, lambda: refuse("not an object")
        return
    page = maybe_text(entry.get("id"))
    at_ms = maybe_stamp_ms(entry.get("time")) or 0
    if not page:
        yield where, entry, lambda: refuse("no Page named")
        return
    arrays = [key for key in (*_ARRAYS, "changes") if entry.get(key) is not None]
    if not arrays:
        yield where, entry, lambda: [UnknownEvent(page, "entry", at_ms)]
    for key in arrays:
        if not isinstance(entry[key], list):
            yield f"{where}.{key}", entry[key], lambda: refuse("not a list")
            continue
        for number, item in enumerate(entry[key]):
            spot = f"{where}.{key}[{number}]"
            if key == "changes":
                yield _change(spot, page, at_ms, item, app_id)
            else:
                yield spot, item, _reader(page, at_ms, item, app_id, key == "standby")


def _change(where: str, page: str, at_ms: int, change: Any, app_id: str) -> Reader:
    value = maybe_obj(change).get("value")
    field = maybe_text(maybe_obj(change).get("field"))
    if not isinstance(value, dict):
        return f"{where}.value", change, lambda: refuse("not an object")
    if "sender" in value or "recipient" in value:
        return f"{where}.value", value, _reader(page, at_ms, value, app_id, field == "standby")
    return f"{where}.value", value, lambda: [account.field_event(page, field, value, at_ms)]


def _reader(page: str, at_ms: int, item: Any, app_id: str, standby: bool) -> Callable[[], list[InboundEvent]]:
    return lambda: _events(read_item(page, at_ms, obj(item, ""), standby=standby), app_id)


def _events(item: Item, app_id: str) -> list[InboundEvent]:
    """One item. What leaves the Page is an echo, whatever else it says: nobody speaks to themselves."""
    body = item.body
    if "message" in body:
        said: Json = maybe_obj(body["message"])
        if said.get("is_echo") is True or item.from_page:
            return [echoes.echo(item, app_id)]
        return [inbound.message(item)]
    if item.from_page:
        return [UnknownEvent(item.page, f"own.{_kind(body)}", item.at_ms)]
    if "delivery" in body:
        return receipts.delivery(item)
    for key, one in _READERS.items():
        if key in body:
            return [one(item)]
    for move in threads.MOVES:
        if move in body:
            return [threads.moved(item, move, app_id)]
    if "account_linking" in body:
        state = word(maybe_obj(body["account_linking"]).get("status"))
        return [UnknownEvent(item.page, f"account_linking.{state}", item.at_ms)]
    return [UnknownEvent(item.page, _kind(body), item.at_ms)]


def _kind(body: Json) -> str:
    return word(next((key for key in body if key not in _SAID), ""))


_READERS: dict[str, Callable[[Item], InboundEvent]] = {
    "postback": inbound.postback,
    "read": receipts.read,
    "reaction": inbound.reaction,
    "message_edit": inbound.edit,
    "referral": arrivals.referral,
    "optin": arrivals.optin,
    "request_thread_control": threads.wanted,
    "messaging_feedback": inbound.feedback,
    "response_feedback": inbound.response_feedback,
    "policy_enforcement": account.enforcement,
    "policy-enforcement": account.enforcement,
}
