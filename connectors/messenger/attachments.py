"""What a message brings besides its words: files, stickers, places, shared pages, appointments.

Source: Meta, webhook reference of messages, 27 Mar 2026 and its revision for stickers (since 30 Aug 2026 only type "sticker";
before that an image with a sticker_id, for three months both at once). Files lie at signed addresses that need no token and
end after days: the address itself is the media id. Types that nobody has seen yet keep their name.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from connectors.meta.reading import maybe_int, maybe_listed, maybe_obj, maybe_stamp_ms, maybe_text, word
from gateway.connector import InboundKind, MediaRef
from gateway.model.personal import Personal

_FILES = {"image": "image/jpeg", "audio": "audio/mp4", "video": "video/mp4", "file": "", "sticker": "image/png"}
"""The MIME type where the address does not tell: the webhook names none."""
_SHARES = ("fallback", "share", "reel", "ig_reel", "post", "ig_post", "story_mention")
_THUMBS = {"369239263222822", "369239343222814", "369239383222810"}
"""The like button in its three sizes: a sticker, and an answer."""


@dataclass(slots=True)
class Attached:
    """kind, detail: of the message, if it has no words; lines: to show below its words; unseen: a share Meta does not show."""

    media: list[MediaRef] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    kind: InboundKind = InboundKind.OTHER
    detail: str = ""
    unseen: bool = False


def read_attachments(attachments: Sequence[Any], *, has_words: bool) -> Attached:
    """All attachments of one message. has_words: then the preview of a link among them says nothing new."""
    found = Attached()
    stickers: set[str] = set()
    for attachment in attachments:
        given = maybe_obj(attachment)
        kind = maybe_text(given.get("type"))
        payload = maybe_obj(given.get("payload"))
        sticker = maybe_text(payload.get("sticker_id"))
        url = maybe_text(payload.get("url")) or maybe_text(given.get("url"))
        if kind in _FILES and url:
            kind = "sticker" if sticker else kind
            if kind == "sticker" and sticker in stickers:
                continue  # the same one in its old and its new form
            stickers.add(sticker)
            found.media.append(_file(kind, url))
            found.detail = found.detail or kind
            if sticker in _THUMBS:
                found.lines.append("👍")
        elif kind == "location":
            _location(found, given, payload)
        elif kind in _SHARES:
            _share(found, kind, given, payload, url, has_words)
        elif kind == "appointment_booking":
            found.detail = kind
            found.lines.append(_appointment(payload))
        elif kind == "template":
            found.detail = found.detail or kind
            found.lines.extend(template_lines(given, payload))
        else:
            found.detail = found.detail or word(kind)
    if found.media:
        found.kind = InboundKind.MEDIA
    return found


def template_lines(given: Any, payload: Any) -> list[str]:
    """The words of a structured message, as an echo or a shared product shows it."""
    lines = [maybe_text(payload.get("text")), maybe_text(payload.get("intro_message"))]
    elements = maybe_listed(payload.get("elements")) or maybe_listed(maybe_obj(payload.get("product")).get("elements"))
    for element in elements:
        lines += [maybe_text(maybe_obj(element).get(key)) for key in ("title", "subtitle")]
    said = [line for line in lines if line]
    return said or [title for title in (maybe_text(given.get("title")),) if title]


def _file(kind: str, url: str) -> MediaRef:
    try:
        name = unquote(urlsplit(url).path).rsplit("/", 1)[-1][:240]
    except ValueError:
        name = ""
    guessed, _ = mimetypes.guess_type(name)
    mime = guessed or _FILES[kind] or "application/octet-stream"
    if kind == "audio" and not mime.startswith("audio/"):
        mime = _FILES[kind]  # a voice note is called .mp4
    return MediaRef(
        channel_media_id=Personal(url),
        mime=mime,
        filename=Personal(name) if kind == "file" and name else None,
        voice=kind == "audio" and name.startswith("audioclip"),
    )


def _location(found: Attached, given: Any, payload: Any) -> None:
    spot = maybe_obj(payload.get("coordinates"))
    numbers = [spot.get("lat"), spot.get("long")]
    if not all(isinstance(number, int | float | str) and not isinstance(number, bool) for number in numbers):
        found.detail = found.detail or "location"
        return
    found.kind = InboundKind.LOCATION
    title = maybe_text(given.get("title"))
    found.lines += [*([title] if title else []), f"{numbers[0]}, {numbers[1]}"]


def _share(found: Attached, kind: str, given: Any, payload: Any, url: str, has_words: bool) -> None:
    title = maybe_text(payload.get("title")) or maybe_text(given.get("title"))
    if kind == "fallback" and has_words:
        return
    found.detail = found.detail or kind
    if not title and not url:
        found.unseen = True
        return
    found.lines += [line for line in (title, url) if line]


def _appointment(payload: Any) -> str:
    """Its state and its time, in the time zone that was booked."""
    times = [_local(payload.get(key), maybe_text(payload.get("timezone"))) for key in ("start_time", "end_time")]
    return " ".join(part for part in (word(payload.get("status")), " - ".join(time for time in times if time)) if part)


def _local(value: Any, zone: str) -> str:
    at_ms = maybe_stamp_ms(value)
    if at_ms is None or maybe_int(at_ms) is None:
        return ""
    try:
        place = ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        place = ZoneInfo("UTC")
    return datetime.fromtimestamp(at_ms / 1000, place).isoformat(timespec="minutes")
