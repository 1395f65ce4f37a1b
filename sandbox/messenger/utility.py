"""``message.template``: an approved utility template filled with parameters.

Meta, "Send a utility message", 13 March 2026; characters, counts and refusals as observed in production, 2026. Buttons are
one component, by position, without an index; a parameter's text has no ``#``, ``%``, ``$`` and no emoji.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.messenger.attachments import File
from sandbox.messenger.buttons import PAYLOAD_MOST
from sandbox.messenger.draft import Draft
from sandbox.messenger.errors import PageError, invalid, no_permission, too_long
from sandbox.messenger.reading import one_of, some, text, thing, url
from sandbox.store import Json
from sandbox.world import World

PATH = "message[template]"
VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_FORBIDDEN = re.compile(
    "[#%$]|[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u231a-\u23ff\u200d\u20e3\ufe0f\U000e0020-\U000e007f]")
_LANGUAGE_KEYS = ("code", "policy")


def read(world: World, page: Json, value: Any) -> Draft:
    """raises: 10 (the Page may not), 100 "Template cannot be found.", 1893029, 1893043, and 100 for what does not fit"""
    template = thing(value, PATH, ("name", "language", "components"))
    name = text(template.get("name"), f"{PATH}[name]", 512)
    language = text(thing(template.get("language"), f"{PATH}[language]", _LANGUAGE_KEYS).get("code"),
                    f"{PATH}[language][code]", 16)
    if not page["utility"]:
        raise no_permission("pages_utility_messaging")
    row = world.store.row("SELECT id, doc FROM templates WHERE waba_id = ? AND name = ? AND language = ? AND status = "
                          "'APPROVED'", page["id"], name, language)
    if row is None:
        raise invalid("Template cannot be found.")
    doc = json.loads(row["doc"])
    given = _given(template.get("components"))
    draft = _fill({part["type"]: part for part in doc["components"]}, given, doc.get("parameter_format") == "NAMED")
    draft.private.update(template_id=row["id"], template=name)
    draft.bubble["template"] = {"name": name, "language": language, "category": "utility"}
    return draft


def _given(value: Any) -> dict[str, list[Json]]:
    """Component type (header, body, buttons) -> its parameters."""
    given: dict[str, list[Json]] = {}
    for place, one in enumerate(some(value if value is not None else [], f"{PATH}[components]", 0, 3)):
        path = f"{PATH}[components][{place}]"
        component = thing(one, path, ("type", "parameters"))
        kind = one_of(str(component.get("type") or "").lower(), f"{path}[type]", ("header", "body", "buttons"))
        if kind in given:
            raise invalid(f"Param {path}[type] stands there twice")
        given[kind] = [thing(parameter, f"{path}[parameters][{index}]")
                       for index, parameter in enumerate(some(component.get("parameters") or [], f"{path}[parameters]", 0, 50))]
    return given


def _fill(parts: dict[str, Json], given: dict[str, list[Json]], named: bool) -> Draft:
    draft = Draft("utility", {"header": None, "body": "", "buttons": []})
    for kind in given:
        if kind.upper() not in parts and given[kind]:
            raise invalid(f"The template has no {kind}")
    if "HEADER" in parts:
        draft.bubble["header"] = _header(parts["HEADER"], given.get("header", []), named, draft)
    draft.bubble["body"] = _substitute("body", parts["BODY"]["text"], given.get("body", []), named)
    draft.bubble["buttons"] = _buttons(parts.get("BUTTONS", {}).get("buttons", []), given.get("buttons", []))
    draft.sent = _as_echoed(draft.bubble)
    return draft


def _header(part: Json, parameters: list[Json], named: bool, draft: Draft) -> Json | None:
    if part["format"] == "TEXT":
        return {"type": "text", "text": _substitute("header", part["text"], parameters, named)}
    if parameters:
        parameter = thing(parameters[0], f"{PATH}[header]", ("type", "image"))
        image = thing(parameter.get("image"), f"{PATH}[header][image]", ("link",))
        draft.files.append(File("image", url=url(image.get("link"), f"{PATH}[header][image][link]")))
    return None


def _substitute(where: str, pattern: str, parameters: list[Json], named: bool) -> str:
    names = list(dict.fromkeys(VARIABLE.findall(pattern)))
    if len(parameters) != len(names):
        raise invalid(f"Number of parameters of the {where} ({len(parameters)}) does not match the expected number of "
                      f"parameters ({len(names)})")
    values: dict[str, str] = {}
    for place, parameter in enumerate(parameters):
        path = f"{PATH}[{where}][parameters][{place}]"
        thing(parameter, path, ("type", "text", "parameter_name"))
        one_of(str(parameter.get("type") or "").lower(), f"{path}[type]", ("text",))
        key = str(parameter.get("parameter_name") or "") if named else str(place + 1)
        if key not in names or key in values or (not named and parameter.get("parameter_name") is not None):
            raise invalid(f"Parameter name ({parameter.get('parameter_name')}) does not fit the {where} of the template")
        values[key] = text(parameter.get("text"), f"{path}[text]", 1_024)
        if _FORBIDDEN.search(values[key]):
            raise PageError(100, 1893043)
    return VARIABLE.sub(lambda match: values[match[1]], pattern)


def _buttons(buttons: list[Json], parameters: list[Json]) -> list[Json]:
    """One parameter for each POSTBACK and each URL with a placeholder; a fixed URL may have one or be passed over."""
    taking = [button for button in buttons if button["type"] == "POSTBACK" or VARIABLE.search(button.get("url", ""))]
    everyone = [button for button in buttons if button["type"] != "PHONE_NUMBER"]
    if len(parameters) < len(taking):
        raise PageError(100, 1893029, None if any(button["type"] == "POSTBACK" for button in taking) else
                        "User pass less payload than required for URL button")
    if len(parameters) not in (len(taking), len(everyone), len(buttons)):
        raise invalid(f"Number of button parameters ({len(parameters)}) does not match the template's buttons ({len(taking)})")
    takers = next(some for some in (taking, everyone, buttons) if len(some) == len(parameters))
    by_button = {id(button): parameter for button, parameter in zip(takers, parameters, strict=True)}
    return [_button(index, button, by_button.get(id(button))) for index, button in enumerate(buttons)]


def _button(index: int, button: Json, parameter: Json | None) -> Json:
    path, kind = f"{PATH}[buttons][parameters][{index}]", button["type"]
    shown: Json = {"index": index, "text": button["text"], "type": {"URL": "web_url"}.get(kind, kind.lower())}
    if parameter is not None:
        thing(parameter, path, ("type", "payload", "url"))
        one_of(str(parameter.get("type") or "").upper(), f"{path}[type]", (kind,))
    if kind == "POSTBACK":
        given = text((parameter or {}).get("payload"), f"{path}[payload]", PAYLOAD_MOST)
        pattern = button.get("payload") or "{{1}}"
        shown["payload"] = VARIABLE.sub(lambda _: given, pattern) if VARIABLE.search(pattern) else given
        if len(shown["payload"]) > PAYLOAD_MOST:
            raise too_long(f"{path}[payload]", PAYLOAD_MOST)
    elif kind == "URL":
        suffix = str((parameter or {}).get("url") or "")
        if VARIABLE.search(button["url"]):
            text(suffix, f"{path}[url]", 2_000)
        shown["url"] = VARIABLE.sub(lambda _: suffix, button["url"])
    else:
        shown["payload"] = button["phone_number"]
    return shown


def _as_echoed(bubble: Json) -> Json:
    """A body alone reads back as text; with a header or buttons as a generic template."""
    header = bubble["header"]
    if header is None and not bubble["buttons"]:
        return {"text": bubble["body"]}
    title = header["text"] if header is not None else bubble["body"]
    element: Json = {"title": title, **({"subtitle": bubble["body"]} if header is not None else {})}
    if bubble["buttons"]:
        element["buttons"] = [
            {"type": shown["type"], "title": shown["text"],
             **{key: shown[key] for key in ("url", "payload") if key in shown}} for shown in bubble["buttons"]]
    return {"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": [element]}}}
