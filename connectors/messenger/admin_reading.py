"""Meta's JSON about Pages as our reports, and our wishes as Meta's JSON. Pure; what is missing or strange is "not told"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.meta.reading import maybe_listed, maybe_obj, maybe_text, word
from gateway.model.account import PageReport, Reviewed, Screen, Subscribers
from gateway.model.personal import Secret

Json = Mapping[str, Any]

NOT_THE_DEFAULT = frozenset({(10, 2018300), (100, 2018300), (100, 2534037), (2018300, 0)})
"""(code, subcode) of a call that only the default app, or who holds the thread, may make."""
INBOXES = frozenset({"263902037430900", "26390203743090", "1217981644879628"})
"""Where people answer: the Page's inbox (one page of Meta's prints it without its last digit), and Instagram's."""
_DEFAULT = "default"
"""The locale that counts where no other fits."""


def pages(answer: Json) -> tuple[PageReport, ...]:
    found = (page(maybe_obj(entry)) for entry in maybe_listed(answer.get("data")))
    return tuple(one for one in found if one.id)


def page(entry: Json) -> PageReport:
    token = maybe_text(entry.get("access_token"))
    return PageReport(
        id=maybe_text(entry.get("id")),
        name=maybe_text(entry.get("name")),
        username=maybe_text(entry.get("username")),
        token=Secret(token) if token else None,
    )


def subscribers(answer: Json, app_id: str, wanted: tuple[str, ...]) -> Subscribers:
    """`subscribed_fields` is listed per app; ours counts."""
    apps: list[str] = []
    others: list[str] = []
    fields: frozenset[str] = frozenset()
    for entry in map(maybe_obj, maybe_listed(answer.get("data"))):
        app = maybe_text(entry.get("id"))
        apps.append(app)
        if app == app_id:
            listed = maybe_listed(entry.get("subscribed_fields"))
            fields = frozenset(maybe_text(maybe_obj(one).get("name")) or maybe_text(one) for one in listed)
        else:
            others.append(maybe_text(entry.get("name")) or app)
    missing = tuple(name for name in wanted if name not in fields)
    return Subscribers(tuple(filter(None, apps)), fields=fields, missing=missing, others=tuple(filter(None, others)))


def screen(answer: Json) -> Screen:
    """From messenger_profile: one object in `data`, empty where nothing was ever set."""
    data = maybe_listed(answer.get("data"))
    found = maybe_obj(data[0]) if data else {}
    european = found.get("subject_to_new_eu_privacy_rules")
    return Screen(
        get_started=maybe_text(maybe_obj(found.get("get_started")).get("payload")) or None,
        greeting=maybe_text(_localised(found.get("greeting")).get("text")) or None,
        openers=_openers(found.get("ice_breakers")),
        menu=_menu(_localised(found.get("persistent_menu"))),
        european=european if isinstance(european, bool) else None,
    )


def _localised(value: Any) -> Json:
    """The entry of the default locale, else the first."""
    entries = [maybe_obj(entry) for entry in maybe_listed(value)]
    ours = (entry for entry in entries if maybe_text(entry.get("locale")) == _DEFAULT)
    return next(ours, entries[0] if entries else {})


def _openers(value: Any) -> tuple[str, ...]:
    """Listed by locale with `call_to_actions`, or flat as in older answers."""
    flat = [maybe_obj(entry) for entry in maybe_listed(value)]
    inner = maybe_listed(_localised(value).get("call_to_actions"))
    asked = [maybe_obj(entry) for entry in inner] or flat
    return tuple(filter(None, (maybe_text(entry.get("question")) for entry in asked)))


def _menu(entry: Json) -> tuple[tuple[str, str], ...]:
    items = [maybe_obj(one) for one in maybe_listed(entry.get("call_to_actions"))]
    return tuple((maybe_text(one.get("title")), maybe_text(one.get("payload")) or maybe_text(one.get("url"))) for one in items)


def profile_body(wish: Screen) -> dict[str, Any]:
    """The body of POST messenger_profile for what the wish names; {} for nothing."""
    body: dict[str, Any] = {}
    if wish.get_started is not None:
        body["get_started"] = {"payload": wish.get_started}
    if wish.greeting is not None:
        body["greeting"] = [{"locale": _DEFAULT, "text": wish.greeting}]
    if wish.menu:
        items = [_menu_item(label, target) for label, target in wish.menu]
        body["persistent_menu"] = [{"locale": _DEFAULT, "composer_input_disabled": False, "call_to_actions": items}]
    return body


def _menu_item(label: str, target: str) -> Json:
    if target.startswith("https://"):
        return {"type": "web_url", "title": label, "url": target, "webview_height_ratio": "full"}
    return {"type": "postback", "title": label, "payload": target}


def routed(answer: Json) -> bool | None:
    """From messaging_feature_status: whether Conversation Routing, or several apps on a thread, is switched on."""
    status = maybe_obj(answer.get("messaging_feature_status"))
    flags = [_flag(status.get(name)) for name in ("hop_v2", "msgr_multi_app")]
    told = [flag for flag in flags if flag is not None]
    return any(told) if told else None


def receivers(answer: Json) -> dict[str, str]:
    """From secondary_receivers: id -> name, without the inboxes for people."""
    entries = [maybe_obj(entry) for entry in maybe_listed(answer.get("data"))]
    found = {maybe_text(entry.get("id")): maybe_text(entry.get("name")) for entry in entries}
    return {program: name or program for program, name in found.items() if program and program not in INBOXES}


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"enabled": True, "true": True, "disabled": False, "false": False}.get(maybe_text(value).lower())


def reviewed(answer: Json) -> Reviewed:
    """From messaging_feature_review: [{feature, status}], features as Meta shows them or as it writes them."""
    found: dict[str, str] = {}
    for entry in map(maybe_obj, maybe_listed(answer.get("data"))):
        name = maybe_text(entry.get("feature")).strip().lower().replace(" ", "_")
        if name:
            found[name] = word(entry.get("status")).upper()
    return Reviewed(found)


def approved(answer: Json) -> int:
    entries = [maybe_obj(entry) for entry in maybe_listed(answer.get("data"))]
    return sum(maybe_text(entry.get("status")).upper() == "APPROVED" for entry in entries)
