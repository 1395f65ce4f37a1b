"""A Page's Messenger profile: what its chat offers before anybody spoke. Limits: Meta, Messenger Profile API, v25.0."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.messenger import buttons
from sandbox.messenger.errors import invalid
from sandbox.messenger.reading import one_of, some, text, thing, url
from sandbox.store import Json

_LOCALE = re.compile(r"(default|[a-z]{2,3}_[A-Z]{2})\Z")
READ_ONLY = "subject_to_new_eu_privacy_rules"


def _locales(value: Any, name: str, most: int = 100) -> list[Json]:
    """A list with one entry per locale, ``default`` among them."""
    entries = [thing(one, f"{name}[{place}]") for place, one in enumerate(some(value, name, 1, most))]
    seen = [text(entry.get("locale"), f"{name}[{place}][locale]", 10) for place, entry in enumerate(entries)]
    for locale in seen:
        if not _LOCALE.match(locale):
            raise invalid(f"Param {name}[locale] must be default or a locale such as en_US")
    if "default" not in seen or len(set(seen)) != len(seen):
        raise invalid(f"Param {name} must have one default locale and every locale once")
    return entries


def _get_started(value: Any) -> Any:
    text(thing(value, "get_started", ("payload",)).get("payload"), "get_started[payload]", 1_000)
    return value


def _greeting(value: Any) -> Any:
    for entry in _locales(value, "greeting"):
        text(entry.get("text"), "greeting[text]", 160)
    return value


def _ice_breakers(value: Any) -> Any:
    """With locales, or the flat form of before."""
    flat = isinstance(value, list) and value and isinstance(value[0], dict) and "question" in value[0]
    groups = [value] if flat else [entry.get("call_to_actions") for entry in _locales(value, "ice_breakers")]
    for group in groups:
        for place, one in enumerate(some(group, "ice_breakers[call_to_actions]", 1, 4)):
            path = f"ice_breakers[call_to_actions][{place}]"
            breaker = thing(one, path, ("question", "payload"))
            text(breaker.get("question"), f"{path}[question]", 80)
            text(breaker.get("payload"), f"{path}[payload]", 1_000)
    return value


def check_menu(value: Any) -> Any:
    """No nesting since v8; the menu needs Get Started."""
    for entry in _locales(value, "persistent_menu"):
        thing(entry, "persistent_menu", ("locale", "composer_input_disabled", "call_to_actions", "disabled_surfaces"))
        for place, one in enumerate(some(entry.get("call_to_actions") or [], "persistent_menu[call_to_actions]", 0, 20)):
            _menu_item(one, f"persistent_menu[call_to_actions][{place}]")
    return value


def _menu_item(value: Any, path: str) -> None:
    """raises: 100, with 2018040 and 2018041 as for buttons"""
    item = thing(value, path)
    kind = one_of(item.get("type"), f"{path}[type]", ("postback", "web_url"))
    text(item.get("title"), f"{path}[title]", 30)
    if kind == "postback":
        buttons.payload(item.get("payload"), path)
    else:
        buttons.web_url(item, path)


def _commands(value: Any) -> Any:
    for entry in _locales(value, "commands"):
        for place, one in enumerate(some(entry.get("commands"), "commands[commands]", 1, 20)):
            command = thing(one, f"commands[commands][{place}]", ("name", "description"))
            text(command.get("name"), f"commands[commands][{place}][name]", 32)
            text(command.get("description"), f"commands[commands][{place}][description]", 64)
    return value


def _domains(value: Any) -> Any:
    for place, one in enumerate(some(value, "whitelisted_domains", 1, 50)):
        if not url(one, f"whitelisted_domains[{place}]").startswith("https://"):
            raise invalid(f"Param whitelisted_domains[{place}] must begin with https://")
    return value


def _linking(value: Any) -> Any:
    return url(value, "account_linking_url")


CHECKS: dict[str, Callable[[Any], Any]] = {
    "get_started": _get_started, "greeting": _greeting, "ice_breakers": _ice_breakers, "persistent_menu": check_menu,
    "commands": _commands, "whitelisted_domains": _domains, "account_linking_url": _linking}


def put(profile: Json, body: Json) -> Json:
    """The profile with the named properties replaced. raises: 100"""
    asked = {name: value for name, value in body.items() if name in CHECKS}
    if not asked or any(name == READ_ONLY for name in body):
        raise invalid(f"Requires one of the params: {', '.join(CHECKS)}")
    after = {**profile, **{name: CHECKS[name](value) for name, value in asked.items()}}
    if "persistent_menu" in after and "get_started" not in after:
        raise invalid("You must set a Get Started button if you also wish to use persistent menu")
    return after


def drop(profile: Json, fields: Any) -> Json:
    """raises: 100 for unknown names, or Get Started while the menu needs it"""
    names = [one_of(name, "fields", tuple(CHECKS)) for name in some(fields, "fields", 1, len(CHECKS))]
    after = {name: value for name, value in profile.items() if name not in names}
    if "persistent_menu" in after and "get_started" not in after:
        raise invalid("You must set a Get Started button if you also wish to use persistent menu")
    return after


def view(page: Json, names: list[str]) -> Json:
    """The asked properties that are set. raises: 100"""
    whole = {**page["profile"], READ_ONLY: bool(page["european"])}
    for name in names:
        one_of(name, "fields", (*CHECKS, READ_ONLY))
    return {name: whole[name] for name in names if name in whole}
