"""Webhook fields besides `messages`: templates, numbers and accounts, people's preferences and user ids, groups.

Source: Meta, "Webhooks" and the pages of the fields, 11 Sep 2026; "Business-scoped user IDs", June 2026; "Webhooks for
Groups API", Feb 2026. Account-level events carry the account's id (WABA) as account_id; where Meta gives no time, at_ms
is 0. What we do not act on becomes an UnknownEvent: counted, never lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from connectors.meta.faults import scrub
from connectors.meta.items import key_of
from connectors.meta.reading import (
    dump,
    listed,
    maybe_int,
    maybe_obj,
    maybe_stamp_ms,
    maybe_text,
    stamp_ms,
    text,
    word,
)
from connectors.whatsapp.people import named
from gateway.connector import IdentityEvent, InboundEvent, PreferenceEvent, SenderEvent, TemplateEvent, UnknownEvent

Json = Mapping[str, Any]

_TIER = re.compile(r"(?:TIER_)?([0-9]+)(K?)")


def template_status(account_id: str, value: Json, at_ms: int) -> TemplateEvent:
    category = maybe_text(value.get("message_template_category"))
    reasons = [
        scrub(maybe_text(value.get("reason"))),
        scrub(maybe_text(maybe_obj(value.get("other_info")).get("title"))),
        scrub(maybe_text(maybe_obj(value.get("rejection_info")).get("reason"))),
    ]
    return TemplateEvent(
        account_id,
        *_template(value),
        at_ms,
        status=word(text(value.get("event"), ".event")),
        category=word(category) if category else None,
        reason=": ".join(reason for reason in reasons if reason not in ("", "NONE")),
    )


def template_quality(account_id: str, value: Json, at_ms: int) -> TemplateEvent:
    return TemplateEvent(
        account_id, *_template(value), at_ms, quality=word(text(value.get("new_quality_score"), ".new_quality_score"))
    )


def template_category(account_id: str, value: Json, at_ms: int) -> TemplateEvent:
    """A change that has happened sets `category`; the notice 24 h before it says only where it leads, in `becomes`."""
    correct = maybe_text(value.get("correct_category"))
    if correct:
        return TemplateEvent(account_id, *_template(value), at_ms, reason=f"becomes {word(correct)}", becomes=word(correct))
    category = word(text(value.get("new_category"), ".new_category"))
    return TemplateEvent(account_id, *_template(value), at_ms, category=category)


def template_components(account_id: str, value: Json, at_ms: int) -> TemplateEvent:
    """Its text was edited at Meta: nothing to read here, but what we believe about it is out of date."""
    return TemplateEvent(account_id, *_template(value), at_ms, reason="components changed", edited=True)


def number_quality(account_id: str, value: Json, at_ms: int) -> SenderEvent:
    event = word(value.get("event"))
    what = {"THROUGHPUT_UPGRADE": "throughput", "FLAGGED": "quality", "UNFLAGGED": "quality"}.get(event, "tier")
    limit = value.get("max_daily_conversations_per_business", value.get("current_limit"))
    return SenderEvent(account_id, what, event, at_ms, tier=tier(limit))


def capability(account_id: str, value: Json, at_ms: int) -> SenderEvent:
    limit = value.get("max_daily_conversations_per_business", value.get("max_daily_conversation_per_phone"))
    return SenderEvent(account_id, "tier", word(limit), at_ms, tier=tier(limit))


def tier(value: Any) -> int | None:
    """Distinct people in 24 h from TIER_250, TIER_2K, TIER_UNLIMITED, 2000 or "2000"; -1 unlimited, None not told."""
    if maybe_int(value) == -1 or maybe_text(value) in ("TIER_UNLIMITED", "UNLIMITED"):
        return -1
    match = _TIER.fullmatch(maybe_text(value))
    return int(match[1]) * (1000 if match[2] else 1) if match and len(match[1]) < 10 else None


def account_update(account_id: str, value: Json, at_ms: int) -> list[InboundEvent]:
    event = word(value.get("event"))
    if event == "ACCOUNT_RESTRICTION":
        restrictions = [maybe_obj(entry) for entry in listed(value.get("restriction_info"), ".restriction_info")]
        return [
            SenderEvent(
                account_id,
                "restriction",
                word(restriction.get("restriction_type")),
                at_ms,
                until_ms=maybe_stamp_ms(restriction.get("expiration")),
            )
            for restriction in restrictions or [{}]
        ]
    if event == "ACCOUNT_VIOLATION":
        violation = maybe_obj(value.get("violation_info")).get("violation_type")
        return [SenderEvent(account_id, "violation", word(violation), at_ms)]
    if event == "DISABLED_UPDATE":
        state = word(maybe_obj(value.get("ban_info")).get("waba_ban_state"))
        what = {"REINSTATE": "reinstated", "SCHEDULE_FOR_DISABLE": "disable_scheduled"}.get(state, "disabled")
        return [SenderEvent(account_id, what, state, at_ms)]
    ends = {"ACCOUNT_DELETED": "disabled", "ACCOUNT_OFFBOARDED": "disabled", "ACCOUNT_RECONNECTED": "reinstated"}
    return [SenderEvent(account_id, ends.get(event, "account"), event, at_ms)]


def group(account_id: str, field: str, entry: Json) -> UnknownEvent:
    """Groups' life, members and settings: we run none, so they are only counted."""
    at_ms = maybe_stamp_ms(entry.get("timestamp")) or 0
    return UnknownEvent(account_id, f"{field}.{word(entry.get('type'))}", at_ms)


def preference(account_id: str, entry: Json) -> PreferenceEvent | UnknownEvent:
    """The person's own switch for marketing inside WhatsApp: stop, resume, signup."""
    at_ms = stamp_ms(entry.get("timestamp"), ".timestamp")
    category, choice = word(entry.get("category")), maybe_text(entry.get("value"))
    if category != "marketing_messages" or choice not in ("stop", "resume", "signup"):
        return UnknownEvent(account_id, f"user_preferences.{category}.{word(choice)}", at_ms)
    return PreferenceEvent(
        account_id,
        named(entry.get("user_id"), entry.get("wa_id"), entry.get("parent_user_id")),
        at_ms,
        granted=choice != "stop",
        purposes=("offers",),
        key=key_of(account_id, "user_preferences", dump(entry).decode()),
    )


def user_id(account_id: str, entry: Json) -> IdentityEvent:
    """A person's user id changed, as it does with their number; wa_id is the number they have now."""
    at_ms = stamp_ms(entry.get("timestamp"), ".timestamp")
    user, parent = maybe_obj(entry.get("user_id")), maybe_obj(entry.get("parent_user_id"))
    return IdentityEvent(
        account_id,
        previous=named(user.get("previous"), parent.get("previous")),
        current=named(user.get("current"), entry.get("wa_id"), parent.get("current")),
        at_ms=at_ms,
        key=key_of(account_id, "user_id_update", dump(entry).decode()),
    )


def field_events(account_id: str, field: str, value: Json, at_ms: int) -> list[InboundEvent]:
    """An account-level field; unknown ones are told as such."""
    one = _FIELDS.get(field)
    if one is not None:
        return [one(account_id, value, at_ms)]
    if field == "account_update":
        return account_update(account_id, value, at_ms)
    if field in _WORDS:
        what, key = _WORDS[field]
        return [SenderEvent(account_id, what, word(value.get(key)), at_ms)]
    return [UnknownEvent(account_id, word(field), at_ms)]


_FIELDS: dict[str, Callable[[str, Json, int], InboundEvent]] = {
    "message_template_status_update": template_status,
    "message_template_quality_update": template_quality,
    "message_template_components_update": template_components,
    "template_category_update": template_category,
    "phone_number_quality_update": number_quality,
    "business_capability_update": capability,
}
_WORDS = {
    "phone_number_name_update": ("name", "decision"),
    "business_username_updates": ("username", "status"),
    "account_review_update": ("review", "decision"),
    "account_alerts": ("alert", "alert_type"),
    "security": ("security", "event"),
}


def _template(value: Json) -> tuple[str, str]:
    name = text(value.get("message_template_name"), ".message_template_name")
    # Written en-US in some webhooks, en_US in the API.
    return name, maybe_text(value.get("message_template_language")).replace("-", "_")
