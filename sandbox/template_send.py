"""A template message: the named template is found, its parameters are checked one by one, and its text is put together."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.content import Draft, files, location_text, only
from sandbox.errors import GraphError, invalid, missing
from sandbox.store import Json
from sandbox.world import World

VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
HEADER_MOST, BODY_MOST, BODY_ONLY_MOST, PAYLOAD_MOST, CODE_MOST = 60, 1_024, 32_768, 256, 15
_SPACES = re.compile(r"[\n\t]| {5,}")
_DAY_MS = 86_400_000
_STATUS_ERRORS = {"PAUSED": 132015, "DISABLED": 132016}
SENDABLE = ("APPROVED",)


def read(world: World, number: Json, thing: Any) -> Draft:
    whole = only(thing, ("name", "language", "components", "namespace"), "template")
    if not isinstance(whole.get("name"), str) or not whole["name"]:
        raise missing("template.name")
    language = only(whole.get("language") or {}, ("code", "policy"), "template.language")
    if not isinstance(language.get("code"), str):
        raise missing("template.language.code")
    if language.get("policy", "deterministic") != "deterministic":
        raise invalid("template.language.policy must be 'deterministic'")
    template = find(world, number["waba_id"], whole["name"], language["code"])
    given = whole.get("components") or []
    if not isinstance(given, list):
        raise invalid("Parameter 'template.components' must be an array")
    draft = Draft("template", {}, is_template=True, category=template["category"].lower())
    draft.bubble["template"] = {key: template[key] for key in ("name", "language", "category")}
    draft.private["template_id"] = template["id"]
    draft.held = template.get("held", False)
    ttl = template.get("message_send_ttl_seconds") or (600 if template["category"] == "AUTHENTICATION" else -1)
    draft.ttl_ms = 30 * _DAY_MS if ttl == -1 else ttl * 1_000
    _fill(world, number, template, _by_type(given), draft)
    return draft


def find(world: World, waba_id: str, name: str, language: str) -> Json:
    """The approved template. raises: 132001 unknown or not approved, 132015 paused, 132016 disabled"""
    row = world.store.row("SELECT * FROM templates WHERE waba_id = ? AND name = ? AND language = ?", waba_id, name, language)
    if row is None:
        raise GraphError(132001, f"template name ({name}) does not exist in {language}")
    if row["status"] in _STATUS_ERRORS:
        raise GraphError(_STATUS_ERRORS[row["status"]])
    if row["status"] not in SENDABLE:
        raise GraphError(132001, f"template name ({name}) is not approved in {language}")
    return {**json.loads(row["doc"]), "id": row["id"], "name": name, "language": language}


def _by_type(given: list[Any]) -> dict[str, Any]:
    """header, body, limited_time_offer -> parameters; button -> {index: (sub_type, parameters)}"""
    found: dict[str, Any] = {"button": {}}
    for entry in given:
        component = only(entry, ("type", "sub_type", "index", "parameters", "cards"), "template.components")
        kind = str(component.get("type", "")).lower()
        parameters = component.get("parameters") or []
        if not isinstance(parameters, list) or not all(isinstance(item, dict) for item in parameters):
            raise invalid("Parameter 'template.components.parameters' must be an array of objects")
        if kind == "button":
            index = str(component.get("index", ""))
            if not index.isdigit():
                raise missing("template.components.index")
            found["button"][int(index)] = (str(component.get("sub_type", "")).lower(), parameters)
        elif kind in ("header", "body", "limited_time_offer"):
            found[kind] = parameters
        elif kind == "carousel":
            raise GraphError(131051, "Carousel templates are not supported for this account.")
        else:
            raise GraphError(100, f'Unexpected component type "{kind}" on param "template".')
    return found


def _fill(world: World, number: Json, template: Json, given: dict[str, Any], draft: Draft) -> None:
    named = template.get("parameter_format", "POSITIONAL") == "NAMED"
    parts = {component["type"]: component for component in template["components"]}
    bubble = draft.bubble
    header = parts.get("HEADER")
    if header is not None:
        bubble["header"] = _header(world, number, header, given.get("header", []), named, draft)
    elif given.get("header"):
        raise _count("header", len(given["header"]), 0)
    body = parts["BODY"]
    pattern = body.get("text") or "{{1}} is your verification code."
    bubble["body"] = _substitute("body", pattern, given.get("body", []), named)
    most = BODY_ONLY_MOST if len(parts) == 1 else BODY_MOST
    if len(bubble["body"]) > most:
        raise GraphError(132005, f"body: rendered text is too long ({len(bubble['body'])} > {most})")
    if "FOOTER" in parts:
        minutes = parts["FOOTER"].get("code_expiration_minutes")
        bubble["footer"] = parts["FOOTER"].get("text") or f"This code expires in {minutes} minutes."
    if "LIMITED_TIME_OFFER" in parts and not given.get("limited_time_offer"):
        raise _count("limited_time_offer", 0, 1)
    bubble["buttons"] = _buttons(parts.get("BUTTONS", {}).get("buttons", []), given["button"], draft)


def _count(where: str, got: int, expected: int) -> GraphError:
    return GraphError(132000, f"{where}: number of localizable_params ({got}) does not match the expected number of params "
                              f"({expected})")


def value_of(parameter: Json, where: str) -> str:
    """The text of one parameter. raises: 132012 for a wrong kind, 132018 for line breaks, tabs, long gaps"""
    kind = parameter.get("type")
    if kind == "text":
        value = parameter.get("text")
    elif kind in ("currency", "date_time"):
        value = (parameter.get(kind) or {}).get("fallback_value")
    else:
        raise GraphError(132012, f"{where}: Format mismatch, expected TEXT, received {str(kind).upper()}")
    if not isinstance(value, str) or value == "":
        raise GraphError(131008, f"{where}: Parameter of type text is missing text value")
    if _SPACES.search(value):
        raise GraphError(132018)
    return value


def _substitute(where: str, pattern: str, parameters: list[Json], named: bool) -> str:
    names = list(dict.fromkeys(VARIABLE.findall(pattern)))
    if len(parameters) != len(names):
        raise _count(where, len(parameters), len(names))
    values: dict[str, str] = {}
    for place, parameter in enumerate(parameters):
        only(parameter, ("type", "text", "parameter_name", "currency", "date_time"), f"template.components.{where}")
        name = parameter.get("parameter_name")
        if named != (name is not None):
            raise GraphError(132012, f"{where}: Parameter name is missing or empty" if named else
                             f"{where}: parameter_name is not allowed for a template with positional parameters")
        key = str(name) if named else str(place + 1)
        if key not in names:
            raise GraphError(132012, f"{where}: Parameter name ({key}) does not exist in the template")
        values[key] = value_of(parameter, where)
    if set(values) != set(names):
        raise _count(where, len(values), len(names))
    return VARIABLE.sub(lambda match: values[match[1]], pattern)


def _header(world: World, number: Json, header: Json, parameters: list[Json], named: bool, draft: Draft) -> Json:
    wanted = header["format"]
    if wanted == "TEXT":
        text = _substitute("header", header["text"], parameters, named)
        if len(text) > HEADER_MOST:
            raise GraphError(132005, f"header: rendered text is too long ({len(text)} > {HEADER_MOST})")
        return {"type": "text", "text": text}
    got = str(parameters[0].get("type", "UNKNOWN")).upper() if parameters else "UNKNOWN"
    if got != wanted or len(parameters) != 1:
        raise GraphError(132012, f"header: Format mismatch, expected {wanted}, received {got}")
    kind = wanted.lower()
    if kind == "location":
        return location_text(parameters[0].get("location"), "template.components.header.location")
    thing = only(parameters[0].get(kind) or {}, ("id", "link", "filename"), f"template.components.header.{kind}")
    found = files(world, number, kind, thing, draft, f"template.components.header.{kind}")
    if kind == "document" and found["mime"] not in (None, "application/pdf"):
        draft.fail = (131053, "Only PDF documents are supported in template headers.")
    return found


_SHOWN = {"QUICK_REPLY": "quick_reply", "URL": "url", "PHONE_NUMBER": "phone", "OTP": "url", "COPY_CODE": "reply"}


def _buttons(buttons: list[Json], given: dict[int, tuple[str, list[Json]]], draft: Draft) -> list[Json]:
    for index in given:
        if index >= len(buttons):
            raise GraphError(132012, f"button: index {index} does not exist in the template")
    return [_button(index, button, given.get(index), draft) for index, button in enumerate(buttons)]


_SUB_TYPES = {"QUICK_REPLY": ("quick_reply",), "URL": ("url",), "OTP": ("url",), "COPY_CODE": ("copy_code",)}


def _button(index: int, button: Json, given: tuple[str, list[Json]] | None, draft: Draft) -> Json:
    kind = button["type"]
    where = f"button at index {index}"
    shown: Json = {"index": index, "type": _SHOWN.get(kind, "reply"), "text": button.get("text") or "Copy code"}
    if given is not None and given[0] not in _SUB_TYPES.get(kind, ()):
        raise GraphError(132012, f"{where}: sub_type {given[0] or 'missing'} does not fit a {kind} button")
    parameter = given[1][0] if given is not None and given[1] else None
    if given is not None and len(given[1]) > 1:
        raise _count(where, len(given[1]), 1)
    if kind == "QUICK_REPLY":
        shown["payload"] = button["text"]
        if parameter is not None:
            payload = parameter.get("payload")
            if parameter.get("type") != "payload" or not isinstance(payload, str) or not 0 < len(payload) <= PAYLOAD_MOST:
                raise GraphError(132012, f"{where}: expected a payload of 1 to {PAYLOAD_MOST} characters")
            shown["payload"] = payload
    elif kind == "URL":
        variable = VARIABLE.search(button["url"])
        if (variable is None) != (parameter is None):
            raise _count(where, 0 if parameter is None else 1, 0 if variable is None else 1)
        suffix = "" if parameter is None else value_of(parameter, where)
        shown["url"] = VARIABLE.sub(lambda _: suffix, button["url"])
    elif kind == "OTP":
        if parameter is None:
            raise _count(where, 0, 1)
        code = value_of(parameter, where)
        if len(code) > CODE_MOST:
            raise GraphError(132005, f"{where}: a code has at most {CODE_MOST} characters")
        shown["payload"] = code
    elif kind == "COPY_CODE":
        coupon = None if parameter is None else parameter.get("coupon_code")
        if not isinstance(coupon, str) or not 0 < len(coupon) <= CODE_MOST:
            raise GraphError(132012, f"{where}: expected a coupon_code of 1 to {CODE_MOST} characters")
        shown["payload"] = coupon
    elif kind == "PHONE_NUMBER":
        shown["url"] = f"tel:{button['phone_number']}"
    return shown
