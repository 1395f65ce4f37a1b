"""Interactive messages: buttons, lists, a link, a request for a place or a number; their limits and their bubbles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.content import Draft, files, only, text
from sandbox.errors import GraphError, invalid, missing
from sandbox.store import Json
from sandbox.world import World

BUTTONS_MOST, TITLE_MOST, ID_MOST = 3, 20, 256
ROWS_MOST, SECTIONS_MOST, ROW_ID, ROW_TITLE, ROW_TEXT = 10, 10, 200, 24, 72
HEADER_MOST = FOOTER_MOST = 60
# Known to Meta, not played here: the honest answer is the documented one for what an account cannot send.
NOT_HERE = ("flow", "product", "product_list", "catalog_message", "carousel", "address_message", "voice_call",
            "call_permission_request")
_HEADERS = {"button": ("text", "image", "video", "document"), "cta_url": ("text", "image", "video", "document"),
            "list": ("text",)}


def read(world: World, number: Json, thing: Any) -> Draft:
    whole = only(thing, ("type", "header", "body", "footer", "action"), "interactive")
    kind = whole.get("type")
    if kind in NOT_HERE:
        raise GraphError(131051, f"Interactive messages of type {kind} are not supported for this account.")
    if kind not in _ACTIONS:
        raise GraphError(100, message="(#100) Param interactive['type'] must be one of {button, list, cta_url, "
                                      "location_request_message, request_contact_info}.")
    action = whole.get("action")
    if not isinstance(action, dict):
        raise missing("interactive.action")
    most = 4_096 if kind == "list" else 1_024
    body = only(whole.get("body") or {}, ("text",), "interactive.body")
    draft = Draft("interactive", {"body": text(body, "text", "interactive['body']['text']", most)})
    draft.private["interactive"] = kind
    if whole.get("footer") is not None:
        footer = only(whole["footer"], ("text",), "interactive.footer")
        draft.bubble["footer"] = text(footer, "text", "interactive['footer']['text']", FOOTER_MOST)
    if whole.get("header") is not None:
        draft.bubble["header"] = _header(world, number, kind, whole["header"], draft)
    _ACTIONS[kind](action, draft)
    return draft


def _header(world: World, number: Json, kind: str, thing: Any, draft: Draft) -> Json:
    header = only(thing, ("type", "text", "image", "video", "document", "sub_text"), "interactive.header")
    allowed = _HEADERS.get(kind, ())
    if header.get("type") not in allowed:
        raise invalid(f"Header type of an interactive {kind} message must be one of: {', '.join(allowed) or 'none'}")
    if header["type"] == "text":
        return {"type": "text", "text": text(header, "text", "interactive['header']['text']", HEADER_MOST)}
    what = only(header.get(header["type"]) or {}, ("id", "link", "filename"), f"interactive.header.{header['type']}")
    return files(world, number, header["type"], what, draft, f"interactive['header']['{header['type']}']")


def sized(value: Any, name: str, most: int) -> str:
    """A label of 1 to ``most`` characters. raises: 131009"""
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise invalid(f"{name} length invalid. Min length: 1, Max length: {most}")
    return value


def _button(action: Json, draft: Draft) -> None:
    asked = only(action, ("buttons",), "interactive.action").get("buttons")
    if not isinstance(asked, list) or not 1 <= len(asked) <= BUTTONS_MOST:
        raise invalid(f"Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: {BUTTONS_MOST}")
    buttons: list[Json] = []
    for index, entry in enumerate(asked):
        button = only(entry, ("type", "reply"), "interactive.action.buttons")
        if button.get("type") != "reply":
            raise invalid("Button type must be 'reply'")
        reply = only(button.get("reply") or {}, ("id", "title"), "interactive.action.buttons.reply")
        title = sized(reply.get("title"), "Button title", TITLE_MOST)
        button_id = sized(reply.get("id"), "Button id", ID_MOST)
        if button_id != button_id.strip():
            raise invalid("Button id must not begin or end with a space")
        buttons.append({"index": index, "type": "reply", "text": title, "id": button_id})
    for key, name in (("id", "ids"), ("text", "titles")):
        if len({button[key] for button in buttons}) != len(buttons):
            raise invalid(f"Duplicate button {name}: every button needs its own")
    draft.bubble["buttons"] = buttons


def _list(action: Json, draft: Draft) -> None:
    only(action, ("button", "sections"), "interactive.action")
    label = sized(action.get("button"), "List button", TITLE_MOST)
    asked = action.get("sections")
    if not isinstance(asked, list) or not 1 <= len(asked) <= SECTIONS_MOST:
        raise invalid(f"Invalid sections count. Min: 1, Max: {SECTIONS_MOST}")
    sections, index, seen = [], 0, set()
    for entry in asked:
        section = only(entry, ("title", "rows"), "interactive.action.sections")
        title = section.get("title")
        if title is not None or len(asked) > 1:
            title = sized(title, "Section title", ROW_TITLE)
        rows = []
        if not isinstance(section.get("rows"), list) or not section["rows"]:
            raise invalid("Every section needs at least one row")
        for item in section["rows"]:
            row = only(item, ("id", "title", "description"), "interactive.action.sections.rows")
            row_id = sized(row.get("id"), "Row id", ROW_ID)
            if row_id in seen:
                raise invalid(f"Duplicate row id: {row_id}")
            seen.add(row_id)
            shown: Json = {"index": index, "id": row_id, "title": sized(row.get("title"), "Row title", ROW_TITLE)}
            if row.get("description") not in (None, ""):
                shown["description"] = sized(row["description"], "Row description", ROW_TEXT)
            rows.append(shown)
            index += 1
        sections.append({"title": title, "rows": rows})
    if index > ROWS_MOST:
        raise invalid(f"Total row count exceeds the limit: {index}. Max: {ROWS_MOST}")
    draft.bubble["list"] = {"button": label, "sections": sections}


def _cta_url(action: Json, draft: Draft) -> None:
    only(action, ("name", "parameters"), "interactive.action")
    if action.get("name") != "cta_url":
        raise invalid("interactive.action.name must be 'cta_url'")
    parameters = only(action.get("parameters") or {}, ("display_text", "url"), "interactive.action.parameters")
    label = sized(parameters.get("display_text"), "Button display_text", TITLE_MOST)
    url = parameters.get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise invalid("interactive.action.parameters.url must be a valid URL")
    draft.bubble["buttons"] = [{"index": 0, "type": "cta_url", "text": label, "url": url}]


def _named(name: str, label: str) -> Callable[[Json, Draft], None]:
    def check(action: Json, draft: Draft) -> None:
        if only(action, ("name",), "interactive.action").get("name") != name:
            raise invalid(f"interactive.action.name must be '{name}'")
        draft.bubble["buttons"] = [{"index": 0, "type": "reply", "text": label, "id": name}]

    return check


_ACTIONS: dict[str, Callable[[Json, Draft], None]] = {
    "button": _button, "list": _list, "cta_url": _cta_url,
    "location_request_message": _named("send_location", "Send location"),
    "request_contact_info": _named("request_contact_info", "Share contact info")}
