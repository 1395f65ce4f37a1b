"""Files, stickers, places and shares that a person sends: kept here, told to the Page as signed links."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from sandbox import media
from sandbox.control.problem import Problem
from sandbox.messenger import cdn, kinds
from sandbox.messenger.chat import Chat, Said
from sandbox.store import Json

BIGGEST = 25 * media.MB  # Meta, "Attachment Upload API", 22 April 2026
_SHARES = ("fallback", "post", "ig_post", "reel", "ig_reel")


def keep(chat: Chat, kind: str, asked: Any) -> tuple[Json, Json]:
    """Keep one file of {"mime", "data" (base64), "filename"?}: its attachment for the webhook and for the bubble.

    raises: Problem 400
    """
    if not isinstance(asked, dict) or not isinstance(asked.get("mime"), str):
        raise Problem(400, f'{kind} must be {{"mime": type, "data": base64, "filename"?}}')
    try:
        data = base64.b64decode(asked.get("data", ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Problem(400, f"{kind}.data must be base64") from None
    mime = media.base_type(asked["mime"])
    if not 0 < len(data) <= BIGGEST:
        raise Problem(400, f"a file has 1 to {BIGGEST} bytes")
    if kind != "file" and not mime.startswith(kind + "/"):
        raise Problem(400, f"{mime} is no {kind}")
    filename = asked.get("filename")
    media_id = media.save(chat.world, number_id=chat.page["id"], mime=mime, filename=filename, data=data, origin="inbound")
    shown = {"type": kind, "url": f"/sandbox/media/{media_id}", "mime": mime, "filename": filename}
    return kinds.file_attachment(kind, cdn.url_of(chat.world, media_id, chat.base)), shown


def _file(key: str, kind: str) -> Callable[[Chat], Said]:
    def said(chat: Chat) -> Said:
        told, shown = keep(chat, kind, chat.body[key])
        return chat.message({"attachments": [told]}, {"type": kind, "attachment": shown})

    return said


def _images(chat: Chat) -> Said:
    asked = chat.body["images"]
    if not isinstance(asked, list) or not 1 <= len(asked) <= 30:
        raise Problem(400, "images must be 1 to 30 pictures")
    kept = [keep(chat, "image", one) for one in asked]
    shown = [one for _, one in kept]
    return chat.message({"attachments": [told for told, _ in kept]},
                        {"type": "image", "attachment": shown[0], "attachments": shown})


def _sticker_of(chat: Chat, sticker_id: int) -> Said:
    url = cdn.sticker_url(chat.base, sticker_id)
    shown = {"type": "sticker", "url": f"/messenger/stickers/{sticker_id}.png", "mime": "image/png", "filename": None,
             "sticker_id": sticker_id}
    return chat.message(kinds.sticker_message(url, sticker_id, chat.page["legacy_stickers"]),
                        {"type": "sticker", "attachment": shown})


def _sticker(chat: Chat) -> Said:
    asked = chat.body["sticker"]
    asked = asked if isinstance(asked, dict) else {}
    sticker_id = asked.get("sticker_id", kinds.LIKES["small"])
    if not isinstance(sticker_id, int) or isinstance(sticker_id, bool) or sticker_id < 0:
        raise Problem(400, "sticker.sticker_id must be a number")
    return _sticker_of(chat, sticker_id)


def _like(chat: Chat) -> Said:
    size = "small" if chat.body["like"] is True else chat.body["like"]
    if size not in kinds.LIKES:
        raise Problem(400, f"like must be true or one of: {', '.join(kinds.LIKES)}")
    return _sticker_of(chat, kinds.LIKES[size])


def _location(chat: Chat) -> Said:
    asked = chat.object_of("location")
    lat, long = asked.get("latitude"), asked.get("longitude")
    if not all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in (lat, long)):
        raise Problem(400, "location must be {latitude, longitude}")
    shown = {"type": "location", "url": None, "mime": None, "filename": None, "latitude": lat, "longitude": long}
    return chat.message({"attachments": [{"type": "location", "payload": {"coordinates": {"lat": lat, "long": long}}}]},
                        {"type": "location", "attachment": shown})


def _share(chat: Chat) -> Said:
    """A shared post, reel or page; a fallback with text is the preview of a link in it."""
    asked = chat.object_of("share")
    kind, url = asked.get("type", "fallback"), asked.get("url")
    if kind not in _SHARES or not isinstance(url, str):
        raise Problem(400, f"share must be {{type, url, title?, id?, text?}}; type: {', '.join(_SHARES)}")
    payload: Json = {"url": url, "title": asked.get("title", "")}
    if kind in ("post", "ig_post"):
        payload["id"] = int(asked.get("id", chat.world.ids.decimal(16)))
    elif kind in ("reel", "ig_reel"):
        payload["reel_video_id"] = int(asked.get("id", chat.world.ids.decimal(15)))
    content: Json = {"attachments": [{"type": kind, "payload": payload}]}
    if asked.get("text"):
        content = {"text": str(asked["text"]), **content}
    shown = {"type": "fallback", "url": url, "mime": None, "filename": None, "title": payload["title"]}
    return chat.message(content, {"type": "text" if asked.get("text") else "fallback", "body": asked.get("text") or "",
                                  "attachment": shown})


def _unsupported(chat: Chat) -> Said:
    return chat.message({"attachments": [{"type": "fallback"}]},
                        {"type": "fallback", "attachment": {"type": "fallback", "url": None, "mime": None, "filename": None}})


SAYERS: dict[str, Callable[[Chat], Said]] = {
    **{kind: _file(kind, kind) for kind in ("image", "audio", "video", "file")}, "document": _file("document", "file"),
    "images": _images, "sticker": _sticker, "like": _like, "location": _location, "share": _share,
    "unsupported": _unsupported}
