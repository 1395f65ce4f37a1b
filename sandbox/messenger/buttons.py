"""Buttons and quick replies of one message; Meta, button reference and quick replies (17 June 2026)."""

from __future__ import annotations

from typing import Any

from sandbox.messenger.errors import PageError, invalid, too_long
from sandbox.messenger.reading import maybe, one_of, some, text, thing, truth, url
from sandbox.store import Json

TITLE_MOST, PAYLOAD_MOST, QUICK_REPLIES_MOST = 20, 1_000, 13
_KEYS = ("type", "title", "payload", "url", "webview_height_ratio", "messenger_extensions", "fallback_url",
         "webview_share_button", "game_metadata")
_TYPES = ("postback", "web_url", "phone_number", "account_link", "account_unlink", "game_play", "audio_call")
_UNTITLED = {"account_link": "Log in", "account_unlink": "Log out"}


def read_all(value: Any, path: str, least: int, most: int, first_index: int = 0,
             types: tuple[str, ...] = _TYPES) -> list[Json]:
    """The buttons as a bubble shows them, numbered from ``first_index``. raises: 100, with 2018040, 2018041, 2018053"""
    return [read_one(one, f"{path}[{place}]", first_index + place, types)
            for place, one in enumerate(some(value, path, least, most))]


def read_one(value: Any, path: str, index: int, types: tuple[str, ...] = _TYPES) -> Json:
    button = thing(value, path, _KEYS)
    kind = one_of(button.get("type"), f"{path}[type]", types)
    shown: Json = {"index": index, "type": kind, "text": _UNTITLED.get(kind, "")}
    if kind not in _UNTITLED:
        shown["text"] = _title(button.get("title"), path)
    if kind == "postback":
        shown["payload"] = payload(button.get("payload"), path)
    elif kind == "web_url":
        shown["url"] = web_url(button, path)
    elif kind == "phone_number":
        number = text(button.get("payload"), f"{path}[payload]", 40)
        if not number.startswith("+") or not number[1:].replace(" ", "").isdigit():
            raise invalid(f"Param {path}[payload] must be a phone number with + and the country's code")
        shown["payload"] = number
    elif kind == "account_link":
        shown["url"] = web_url(button, path)
    elif kind == "game_play":
        maybe(button.get("payload"), f"{path}[payload]", PAYLOAD_MOST)
    return shown


def _title(value: Any, path: str) -> str:
    if value is None or value == "":
        raise PageError(100, 2018053)
    return text(value, f"{path}[title]", TITLE_MOST)


def payload(value: Any, path: str) -> str:
    """raises: 100/2018040 when there is none"""
    if value is None or value == "":
        raise PageError(100, 2018040)
    return text(value, f"{path}[payload]", PAYLOAD_MOST)


def web_url(button: Json, path: str) -> str:
    """raises: 100/2018041 when there is none, 100 for unknown heights"""
    if not button.get("url"):
        raise PageError(100, 2018041)
    if button.get("webview_height_ratio") is not None:
        one_of(button["webview_height_ratio"], f"{path}[webview_height_ratio]", ("compact", "tall", "full"))
    if button.get("webview_share_button") not in (None, "hide", "show"):
        raise invalid(f"Param {path}[webview_share_button] must be one of {{hide}}")
    if truth(button.get("messenger_extensions")) and button.get("fallback_url") is not None:
        url(button["fallback_url"], f"{path}[fallback_url]")
    return url(button["url"], f"{path}[url]")


def quick_replies(value: Any) -> list[Json]:
    """At most 13; a text one has a title (or a picture) and a payload; ``location`` is gone since 2019."""
    path = "message[quick_replies]"
    shown = []
    for index, one in enumerate(some(value, path, 1, QUICK_REPLIES_MOST)):
        where = f"{path}[{index}]"
        reply = thing(one, where, ("content_type", "title", "payload", "image_url"))
        kind = one_of(reply.get("content_type"), f"{where}[content_type]", ("text", "user_phone_number", "user_email"))
        entry: Json = {"index": index, "content_type": kind, "title": "", "payload": ""}
        if reply.get("image_url"):
            entry["image_url"] = url(reply["image_url"], f"{where}[image_url]")
        if kind == "text":
            if "image_url" not in entry or reply.get("title"):
                entry["title"] = text(reply.get("title"), f"{where}[title]", TITLE_MOST)
            entry["payload"] = text(reply.get("payload"), f"{where}[payload]", PAYLOAD_MOST)
        elif isinstance(reply.get("payload"), str) and len(reply["payload"]) > PAYLOAD_MOST:
            raise too_long(f"{where}[payload]", PAYLOAD_MOST)
        shown.append(entry)
    return shown
