"""Media: what types and sizes are taken, uploaded files, files fetched from links, and the short-lived urls to them."""

from __future__ import annotations

import base64
import hashlib

import aiohttp

from sandbox.clock import DAY_MS, MINUTE_MS
from sandbox.store import Json
from sandbox.world import World

MB = 1024 * 1024
UPLOAD_DAYS, INBOUND_DAYS = 30, 7
URL_LIVES_MS = 5 * MINUTE_MS
LINK_CACHED_MS = 10 * MINUTE_MS
_OFFICE = "application/vnd.openxmlformats-officedocument."
# MIME -> (kind, most bytes); Meta's "Media" page, September 2026
TYPES: dict[str, tuple[str, int]] = {
    **{f"audio/{name}": ("audio", 16 * MB) for name in ("aac", "amr", "mpeg", "mp4", "ogg")},
    **{name: ("document", 100 * MB) for name in (
        "text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
        _OFFICE + "wordprocessingml.document", _OFFICE + "spreadsheetml.sheet", _OFFICE + "presentationml.presentation")},
    "image/jpeg": ("image", 5 * MB), "image/png": ("image", 5 * MB), "image/webp": ("sticker", 500 * 1024),
    "video/mp4": ("video", 16 * MB), "video/3gpp": ("video", 16 * MB)}
# Any MIME type may be sent as a document; the list says what Meta promises to show.
BIGGEST = 100 * MB


class FetchFailed(Exception):
    """A link that could not be fetched; the text goes into the failed status 131053."""


def base_type(mime: str) -> str:
    return mime.split(";", 1)[0].strip().lower()


def misfit(mime: str, size: int, kind: str | None = None) -> str | None:
    """Why this file cannot be taken (as ``kind``), or None."""
    known = TYPES.get(base_type(mime))
    if known is None:
        return f"Unsupported media type {base_type(mime) or 'unknown'}."
    if kind is not None and known[0] != kind and kind != "document":
        return f"Unsupported {kind} mime type {base_type(mime)}."
    most = BIGGEST if kind == "document" else known[1]
    if size > most:
        return f"The file has {size} bytes; at most {most} are supported for {base_type(mime)}."
    if size == 0:
        return "The file is empty."
    return None


def save(world: World, *, number_id: str, mime: str, filename: str | None, data: bytes, origin: str) -> str:
    """Keep a file; ``origin``: upload (30 days), inbound (7 days), link. Returns its id."""
    media_id = world.ids.decimal(16, "1003")
    days = INBOUND_DAYS if origin == "inbound" else UPLOAD_DAYS
    now = world.clock.now_ms()
    world.store.run("INSERT INTO media VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", media_id, number_id, mime, filename,
                    hashlib.sha256(data).hexdigest(), origin, now, now + days * DAY_MS, data)
    return media_id


def get(world: World, media_id: str, number_id: str | None = None) -> Json | None:
    """The file's row without its bytes, if it still lives (and belongs to ``number_id``)."""
    row = world.store.row("SELECT id, phone_number_id, mime, filename, sha256, origin, expires_ms, length(data) AS size "
                          "FROM media WHERE id = ?", media_id)
    if row is None or row["expires_ms"] <= world.clock.now_ms() or number_id not in (None, row["phone_number_id"]):
        return None
    return dict(row)


def drop(world: World, media_id: str) -> None:
    """The id is gone at once; phones keep what they have."""
    world.store.run("UPDATE media SET expires_ms = 0 WHERE id = ?", media_id)


def url_of(world: World, media_id: str, base: str, source: str) -> str:
    """A url on this host that lives 5 minutes and needs the token."""
    until = world.clock.now_ms() + URL_LIVES_MS
    token = "AR" + world.ids.hex_lower(32)
    world.store.run("DELETE FROM media_urls WHERE expires_ms <= ?", world.clock.now_ms())
    world.store.run("INSERT INTO media_urls VALUES (?, ?, ?)", token, media_id, until)
    return (f"{base}/whatsapp_business/attachments/?mid={media_id}&source={source}&ext={until // 1_000}&hash={token}")


def webhook_object(world: World, media_id: str, base: str) -> Json:
    """The parts of an inbound media object that describe the file; sha256 is base64 here, hex in the API."""
    row = get(world, media_id)
    assert row is not None
    digest = base64.b64encode(bytes.fromhex(row["sha256"])).decode()
    return {"mime_type": row["mime"], "sha256": digest, "id": media_id, "url": url_of(world, media_id, base, "webhook")}


async def fetch(world: World, message_id: str, link: str, kind: str) -> str:
    """The media id of a link's file, cached 10 minutes by exact url. raises: FetchFailed"""
    now = world.clock.now_ms()
    row = world.store.row("SELECT * FROM links WHERE url = ? AND fetched_ms > ?", link, now - LINK_CACHED_MS)
    if row is not None and (known := get(world, row["media_id"])) is not None:
        if (why := misfit(known["mime"], known["size"], kind)) is not None:
            raise FetchFailed(why)
        return str(row["media_id"])
    message = world.handsets.message(message_id)
    mime, data = await _download(world, link, kind)
    if (why := misfit(mime, len(data), kind)) is not None:
        raise FetchFailed(why)
    media_id = save(world, number_id=message["phone_number_id"] if message else "", mime=mime, filename=None, data=data,
                    origin="link")
    world.store.run("INSERT INTO links VALUES (?, ?, ?) ON CONFLICT (url) DO UPDATE SET media_id = excluded.media_id, "
                    "fetched_ms = excluded.fetched_ms", link, media_id, now)
    return media_id


async def _download(world: World, link: str, kind: str) -> tuple[str, bytes]:
    session = world.webhooks.session
    assert session is not None
    most = BIGGEST if kind == "document" else max(size for its_kind, size in TYPES.values() if its_kind == kind)
    try:
        timeout = aiohttp.ClientTimeout(total=world.config.fetch_timeout_s)
        async with session.get(link, timeout=timeout) as reply:
            if reply.status != 200:
                raise FetchFailed(f"Downloading media from weblink failed with http code {reply.status}, "
                                  f"status message {reply.reason}")
            data = bytearray()
            async for piece in reply.content.iter_chunked(64 * 1024):
                data += piece
                if len(data) > most:
                    raise FetchFailed(f"The file is larger than {most} bytes.")
            return base_type(reply.headers.get("Content-Type", "")), bytes(data)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise FetchFailed(f"Downloading media from weblink failed: {type(error).__name__}") from error
