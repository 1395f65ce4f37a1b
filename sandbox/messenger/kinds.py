"""The shapes of what goes through a Messenger chat: attachments, reactions, what an echo repeats, what a profile offers.

Facts: Meta, webhook references of messages (27 March 2026, with its sticker revision) and message_echoes (18 March 2026).
"""

from __future__ import annotations

from typing import Any

from sandbox.store import Json

# The thumbs-up in its three sizes.
LIKES = {"small": 369239263222822, "medium": 369239343222814, "large": 369239383222810}
_REACTIONS = {"😆": "smile", "😂": "smile", "😄": "smile", "😀": "smile", "😠": "angry", "😡": "angry", "😢": "sad", "😭": "sad",
              "😮": "wow", "😲": "wow", "❤": "love", "😍": "love", "👍": "like", "👎": "dislike"}
_MEDIA = ("image", "audio", "video", "file")


def reaction_name(emoji: str) -> str:
    """Meta's word for an emoji, whatever its skin or style; "other" for most."""
    bare = emoji.replace("\ufe0f", "")
    return _REACTIONS.get(bare) or _REACTIONS.get(bare[:1], "other")


def file_attachment(kind: str, url: str) -> Json:
    return {"type": kind, "payload": {"url": url}}


def sticker_message(url: str, sticker_id: int, form: Any) -> Json:
    """A sticker as the message's keys; ``form``: False, or "legacy" and "transition" as before 30 August 2026."""
    payload = {"url": url, "sticker_id": sticker_id}
    new, old = {"type": "sticker", "payload": payload}, {"type": "image", "payload": payload}
    if form == "legacy":
        return {"sticker_id": sticker_id, "attachments": [old]}
    return {"attachments": [old, new] if form == "transition" else [new]}


def echoed(message: Json) -> Json:
    """What an echo says of a message: its words or its attachments.

    ``message``: the row; its private part holds under ``message`` what was sent (Send API), if it came by API.
    """
    sent, bubble = message["private"].get("message") or {}, message["bubble"]
    if isinstance(sent.get("text"), str):
        return {"text": sent["text"]}
    attachments = sent.get("attachments") or ([sent["attachment"]] if sent.get("attachment") else [])
    if attachments:
        return {"attachments": [_echoed_attachment(one, bubble) for one in attachments]}
    if "sticker_id" in sent:
        shown = bubble.get("attachment") or {}
        return sticker_message(shown.get("url") or "", sent["sticker_id"], False)
    return {"text": bubble["body"]}


def _echoed_attachment(sent: Json, bubble: Json) -> Json:
    payload = sent.get("payload") or {}
    if sent.get("type") in _MEDIA:
        shown = bubble.get("attachment") or {}
        return {"type": sent["type"], "payload": {"url": payload.get("url") or shown.get("url")}}
    elements = payload.get("elements")
    title = elements[0].get("title") if isinstance(elements, list) and elements else payload.get("text", bubble["body"])
    told = {"template_type": payload.get("template_type"), "sharable": bool(payload.get("sharable", False))}
    told.update({key: value for key, value in payload.items() if key not in told})
    return {"title": title, "url": None, "type": sent["type"], "payload": told}


def _by_locale(entries: Any) -> Json:
    """The entry of the default locale, else the first."""
    found = [entry for entry in entries or [] if isinstance(entry, dict)]
    return next((entry for entry in found if entry.get("locale", "default") == "default"), found[0] if found else {})


def ice_breakers(profile: Json) -> list[Json]:
    """[{question, payload}]: with locales, or in the older flat form."""
    entries = profile.get("ice_breakers") or []
    if entries and isinstance(entries[0], dict) and "question" in entries[0]:
        return list(entries)
    return list(_by_locale(entries).get("call_to_actions") or [])


def menu(profile: Json) -> list[Json]:
    """The persistent menu as buttons [{index, type, text, url?, payload?}]."""
    items = _by_locale(profile.get("persistent_menu")).get("call_to_actions") or []
    return [{"index": index, "type": one.get("type"), "text": one.get("title"),
             **{key: one[key] for key in ("url", "payload") if key in one}} for index, one in enumerate(items)]
