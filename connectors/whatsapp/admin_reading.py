"""Meta's JSON about the account, its numbers and its tokens, as our reports. Pure; what is missing or strange is "not told"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.meta.faults import scrub
from connectors.meta.reading import maybe_int, maybe_listed, maybe_obj, maybe_text, word
from connectors.whatsapp.account import tier
from gateway.connector import RawResponse
from gateway.model.account import (
    AccountReport,
    AppReport,
    Handed,
    NumberReport,
    Refused,
    Subscribers,
    TokenReport,
    Why,
)
from gateway.model.personal import Personal

Json = Mapping[str, Any]


def body_of(response: RawResponse) -> Json:
    """The answer's object; {} for what is none."""
    try:
        return maybe_obj(json.loads(response.body))
    except (ValueError, RecursionError):
        return {}


def app(answer: Json, object_name: str, wanted: tuple[str, ...]) -> AppReport:
    """From /{app-id}/subscriptions: the entry of our kind of object; an inactive one is none."""
    for entry in map(maybe_obj, maybe_listed(answer.get("data"))):
        if entry.get("object") == object_name and entry.get("active") is not False:
            # Listed as objects with a version, or as bare names in older answers.
            names = (maybe_text(maybe_obj(one).get("name")) or maybe_text(one) for one in maybe_listed(entry.get("fields")))
            fields = frozenset(filter(None, names))
            missing = tuple(name for name in wanted if name not in fields)
            return AppReport(maybe_text(entry.get("callback_url")) or None, fields, missing)
    return AppReport(None, frozenset(), wanted)


def token(answer: Json, needed: tuple[str, ...]) -> TokenReport:
    """From debug_token. `expires_at` 0 is never; `data_access_expires_at` is about people's data and does not count."""
    data = maybe_obj(answer.get("data"))
    scopes = frozenset(maybe_text(one) for one in maybe_listed(data.get("scopes")))
    accounts: list[str] = []
    sees_all = False
    for grant in map(maybe_obj, maybe_listed(data.get("granular_scopes"))):
        scope, targets = maybe_text(grant.get("scope")), grant.get("target_ids")
        scopes |= {scope}
        if scope not in needed:
            continue
        # Without target_ids the scope holds for every account of the owner.
        sees_all |= targets is None
        accounts += [maybe_text(one) for one in maybe_listed(targets)]
    expires_s = maybe_int(data.get("expires_at")) or 0
    error = maybe_obj(data.get("error"))
    return TokenReport(
        valid=data.get("is_valid") is True,
        app_id=maybe_text(data.get("app_id")),
        expires_ms=expires_s * 1000 if expires_s > 0 else None,
        scopes=scopes,
        missing=tuple(name for name in needed if name not in scopes),
        accounts=tuple(dict.fromkeys(filter(None, accounts))),
        sees_all=sees_all,
        why=scrub(maybe_text(error.get("message"))),
    )


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
