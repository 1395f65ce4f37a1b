"""The ``message`` of a send, checked as Meta checks it; Meta, "Send a Message", 5 May 2026."""

from __future__ import annotations

from typing import Any

from sandbox.messenger import attachments, buttons, cards, utility
from sandbox.messenger.attachments import Bytes, File
from sandbox.messenger.draft import Draft
from sandbox.messenger.errors import PageError, invalid
from sandbox.messenger.reading import one_of, some, text, thing, truth, url
from sandbox.store import Json
from sandbox.world import World

TEXT_MOST, METADATA_MOST, IMAGES_MOST = 2_000, 1_000, 30
_KEYS = ("text", "attachment", "attachments", "template", "quick_replies", "metadata", "sticker_id")
_ONE_OF = ("text", "attachment", "attachments", "template", "sticker_id")


def read(world: World, page: Json, value: Any, upload: Bytes | None) -> Draft:
    """``upload``: the part ``filedata`` of a multipart request. raises: PageError"""
    message = thing(value, "message", _KEYS)
    kinds = [key for key in _ONE_OF if message.get(key) not in (None, "", [])]
    if not kinds:
        raise PageError(100, 2018034)
    if len(kinds) > 1:
        raise invalid(f"Params message[{kinds[0]}] and message[{kinds[1]}] cannot be sent together")
    draft = _READERS[kinds[0]](world, page, message, upload)
    draft.sent = {**message, **draft.sent}
    if message.get("quick_replies") not in (None, []):
        if kinds[0] not in ("text", "attachment"):
            raise invalid("Param message[quick_replies] must stand beside text or attachment")
        draft.bubble["quick_replies"] = buttons.quick_replies(message["quick_replies"])
    if message.get("metadata") is not None:
        draft.bubble["metadata"] = text(message["metadata"], "message[metadata]", METADATA_MOST)
    return draft


def _text(world: World, page: Json, message: Json, upload: Bytes | None) -> Draft:
    return Draft("text", {"body": text(message["text"], "message[text]", TEXT_MOST)})


def _sticker(world: World, page: Json, message: Json, upload: Bytes | None) -> Draft:
    if not str(message["sticker_id"]).isdigit():
        raise invalid("Param message[sticker_id] must be a number")
    sticker = int(message["sticker_id"])
    return Draft("sticker", {"body": "", "attachment": {
        "type": "sticker", "url": f"/messenger/stickers/{sticker}.png", "mime": "image/png", "filename": None,
        "sticker_id": sticker}}, sent={"sticker_id": sticker})


def _attachment(world: World, page: Json, message: Json, upload: Bytes | None) -> Draft:
    path = "message[attachment]"
    attachment = thing(message["attachment"], path, ("type", "payload"))
    kind = one_of(attachment.get("type"), f"{path}[type]", (*attachments.KINDS, "template"))
    payload = thing(attachment.get("payload") if attachment.get("payload") is not None else {}, f"{path}[payload]")
    if kind == "template":
        return cards.read(world, page, payload)
    return Draft(kind, {"body": ""}, [file_of(world, page, kind, payload, path, upload)])


def file_of(world: World, page: Json, kind: str, payload: Json, path: str, upload: Bytes | None) -> File:
    """A media payload: ``url``, ``attachment_id`` or the uploaded part, and ``is_reusable``. raises: 100, 100/2018074"""
    thing(payload, f"{path}[payload]", ("url", "attachment_id", "is_reusable"))
    reusable = truth(payload.get("is_reusable"))
    if payload.get("attachment_id") is not None:
        if payload.get("url") is not None:
            raise invalid(f"Param {path}[payload] must have either url or attachment_id")
        row = attachments.of_id(world, page["id"], payload["attachment_id"], kind)
        return File(kind, media_id=row["id"])
    if upload is not None and payload.get("url") is None:
        return File(kind, upload=upload, reusable=reusable)
    if payload.get("url") is None:
        raise invalid(f"Param {path}[payload] must have url, attachment_id or an uploaded file")
    return File(kind, url=url(payload["url"], f"{path}[payload][url]"), reusable=reusable)


def _images(world: World, page: Json, message: Json, upload: Bytes | None) -> Draft:
    """Several pictures in one message; since 19 March 2025."""
    files = []
    for place, one in enumerate(some(message["attachments"], "message[attachments]", 1, IMAGES_MOST)):
        path = f"message[attachments][{place}]"
        attachment = thing(one, path, ("type", "payload"))
        one_of(attachment.get("type"), f"{path}[type]", ("image",))
        files.append(file_of(world, page, "image", thing(attachment.get("payload"), f"{path}[payload]"), path, None))
    return Draft("image", {"body": ""}, files)


def _template(world: World, page: Json, message: Json, upload: Bytes | None) -> Draft:
    return utility.read(world, page, message["template"])


_READERS = {"text": _text, "sticker_id": _sticker, "attachment": _attachment, "attachments": _images, "template": _template}
