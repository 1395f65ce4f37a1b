"""What concerns the Page and no person: templates, restrictions, comments, fields we do not act on.

Source: Meta, webhook references of the fields; message_template_status_update as its users read it (Aug 2026), the same shape as
WhatsApp's.
"""

from __future__ import annotations

from connectors.messenger.item import Item, Json
from connectors.meta.faults import scrub
from connectors.meta.reading import maybe_obj, maybe_text, text, word
from gateway.connector import InboundEvent, SenderEvent, TemplateEvent, UnknownEvent

_ENFORCED = {"warning": "violation", "block": "restriction", "unblock": "reinstated"}


def enforcement(item: Item) -> SenderEvent:
    """Meta warns, blocks or frees the Page. Older webhooks write the key with a dash."""
    given = maybe_obj(item.body.get("policy_enforcement")) or maybe_obj(item.body.get("policy-enforcement"))
    action = word(text(given.get("action"), ".policy_enforcement.action"))
    return SenderEvent(item.page, _ENFORCED.get(action, "policy"), action, item.at_ms)


def field_event(page: str, field: str, value: Json, at_ms: int) -> InboundEvent:
    """One of an entry's `changes` that is no item of a conversation."""
    if field == "message_template_status_update":
        return _template(page, value, at_ms)
    if field == "feed":
        return UnknownEvent(page, f"feed.{word(value.get('item'))}.{word(value.get('verb'))}", at_ms)
    return UnknownEvent(page, word(field), at_ms)


def _template(page: str, value: Json, at_ms: int) -> TemplateEvent:
    reason = scrub(maybe_text(value.get("reason")))
    return TemplateEvent(
        page,
        text(value.get("message_template_name"), ".message_template_name"),
        maybe_text(value.get("message_template_language")).replace("-", "_"),
        at_ms,
        status=word(text(value.get("event"), ".event")),
        reason="" if reason == "NONE" else reason,
    )
