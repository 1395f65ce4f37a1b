"""Meta's JSON about the account, its numbers and its tokens, as our reports. Pure; what is missing or strange is "not told"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.meta.faults import scrub
from connectors.meta.management import app_report as app
from connectors.meta.management import token_report as token
from connectors.meta.reading import maybe_listed, maybe_obj, maybe_text, word
from connectors.whatsapp.account import tier
from gateway.model.account import (
    AccountReport,
    Handed,
    NumberReport,
    Refused,
    Subscribers,
    Why,
)
from gateway.model.personal import Personal

__all__ = ["account", "app", "handed", "number", "numbers", "subscribers", "token"]

Json = Mapping[str, Any]


def account(account_id: str, answer: Json) -> AccountReport:
    status = maybe_text(answer.get("business_verification_status"))
    return AccountReport(account_id, maybe_text(answer.get("name")), status == "verified" if status else None)


def numbers(answer: Json) -> tuple[NumberReport, ...]:
    return tuple(number(maybe_obj(entry)) for entry in maybe_listed(answer.get("data")))


def number(entry: Json) -> NumberReport:
    verification = maybe_text(entry.get("code_verification_status"))
    mode = maybe_text(entry.get("account_mode"))
    configuration = maybe_obj(entry.get("webhook_configuration"))
    callbacks = (maybe_text(configuration.get(key)) for key in ("phone_number", "whatsapp_business_account", "application"))
    health = maybe_obj(entry.get("health_status"))
    return NumberReport(
        id=maybe_text(entry.get("id")),
        display=maybe_text(entry.get("display_phone_number")),
        name=maybe_text(entry.get("verified_name")),
        registered=_registered(entry),
        # EXPIRED says that the code was typed long ago, which a registered number may forget.
        verified=verification != "NOT_VERIFIED" if verification else None,
        test=mode == "SANDBOX" if mode else None,
        quality=word(entry.get("quality_rating") or "UNKNOWN"),
        tier=tier(entry.get("whatsapp_business_manager_messaging_limit")),
        name_status=maybe_text(entry.get("name_status")),
        callback=next(filter(None, callbacks), None),
        blocked=_hindrances(health, "BLOCKED"),
        limited=_hindrances(health, "LIMITED"),
    )


def _registered(entry: Json) -> bool:
    """Either field says so: a number in trouble is not CONNECTED and still registered, and `health_status` tells of it."""
    return maybe_text(entry.get("status")) == "CONNECTED" or maybe_text(entry.get("platform_type")) == "CLOUD_API"


def _hindrances(health: Json, state: str) -> tuple[str, ...]:
    """What keeps the number, account, business or app from sending, each with Meta's words and its solution."""
    found: list[str] = []
    for entity in map(maybe_obj, maybe_listed(health.get("entities"))):
        if maybe_text(entity.get("can_send_message")) != state:
            continue
        kind = word(entity.get("entity_type")).lower().replace("_", " ")
        errors = [maybe_obj(error) for error in maybe_listed(entity.get("errors"))] or [{}]
        for error in errors:
            words = [scrub(maybe_text(error.get(key))) for key in ("error_description", "possible_solution")]
            found.append(f"{kind}: {' '.join(filter(None, words)) or state.lower()}")
    return tuple(found)


def subscribers(answer: Json) -> Subscribers:
    apps: list[str] = []
    override = None
    for entry in map(maybe_obj, maybe_listed(answer.get("data"))):
        apps.append(maybe_text(maybe_obj(entry.get("whatsapp_business_api_data")).get("id")))
        override = override or maybe_text(entry.get("override_callback_uri")) or None
    return Subscribers(tuple(filter(None, apps)), override)


def handed(answer: Json) -> Handed | Refused:
    messages = [maybe_obj(entry) for entry in maybe_listed(answer.get("messages"))]
    channel_id = maybe_text(messages[0].get("id")) if messages else ""
    if not channel_id:
        return Refused(Why.OTHER, words="Meta took the message and gave it no id")
    return Handed(Personal(channel_id))
