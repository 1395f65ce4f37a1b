"""Files that go out: fetched from a url while the send waits, uploaded beside it, or kept before under an attachment id.

Meta, "Saving assets" and "Attachment Upload API", 22 April 2026: 25 MB, images by url 8 MB, a video's url within 75 s,
ids for 90 days and for this Page only. What was delivered stays with the person.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import aiohttp

from sandbox.clock import DAY_MS
from sandbox.media import LINK_CACHED_MS, MB, base_type
from sandbox.messenger.errors import PageError
from sandbox.store import Json
from sandbox.world import World

KINDS = ("image", "audio", "video", "file")
MOST, IMAGE_BY_URL_MOST, PICTURE_MOST = 25 * MB, 8 * MB, 8 * MB
LIVES_MS = 90 * DAY_MS
REUSABLE = "attachment"  # the origin of a file that has an attachment id


@dataclass
class Bytes:
    mime: str
    data: bytes
    filename: str | None = None


@dataclass
class File:
    """One file of a message, by url, by upload or by id. ``media_id``: where its bytes are, once they are."""

    kind: str
    url: str | None = None
    upload: Bytes | None = None
    reusable: bool = False
    media_id: str | None = None


def check(kind: str, mime: str, size: int, *, by_url: bool) -> None:
    """raises: 100/2018047 for what is no such file, 100/2018109 for too many bytes"""
    if size == 0 or (kind != "file" and not base_type(mime).startswith(kind + "/")):
        raise PageError(100, 2018047)
    if size > (IMAGE_BY_URL_MOST if by_url and kind == "image" else MOST):
        raise PageError(100, 2018109)


def keep(world: World, page_id: str, content: Bytes, origin: str) -> str:
    """Keep a file for a Page; ``origin``: REUSABLE makes its id an attachment id. Returns the id."""
    media_id, now = world.ids.decimal(16, "12039"), world.clock.now_ms()
    gone = origin == REUSABLE and world.faults.take("media_gone", page_id) is not None
    world.store.run("INSERT INTO media VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", media_id, page_id, content.mime, content.filename,
                    hashlib.sha256(content.data).hexdigest(), origin, now, now if gone else now + LIVES_MS, content.data)
    return media_id


def of_id(world: World, page_id: str, attachment_id: object, kind: str) -> Json:
    """The kept file of an attachment id. raises: 100/2018074 (unknown, foreign, over), 100/2018047 (of another kind)"""
    row = world.store.row("SELECT id, mime, filename, origin, expires_ms FROM media WHERE id = ? AND phone_number_id = ?",
                          str(attachment_id), page_id)
    if row is None or row["origin"] != REUSABLE or row["expires_ms"] <= world.clock.now_ms():
        raise PageError(100, 2018074)
    if kind != "file" and not base_type(row["mime"]).startswith(kind + "/"):
        raise PageError(100, 2018047)
    return dict(row)


async def settle(world: World, page_id: str, file: File) -> None:
    """Bring a file's bytes here, whichever way they come. raises: 100/2018008, 2018047, 2018109, 2018294"""
    if file.media_id is not None:
        return
    origin = REUSABLE if file.reusable else "link"
    if file.upload is not None:
        check(file.kind, file.upload.mime, len(file.upload.data), by_url=False)
        file.media_id = keep(world, page_id, file.upload, origin)
    else:
        assert file.url is not None
        file.media_id = await _linked(world, page_id, file.url, file.kind, origin)


async def _linked(world: World, page_id: str, url: str, kind: str, origin: str) -> str:
    """A url's file, cached 10 minutes by exact url."""
    now = world.clock.now_ms()
    row = world.store.row("SELECT m.* FROM links l JOIN media m ON m.id = l.media_id WHERE l.url = ? AND l.fetched_ms > ?",
                          url, now - LINK_CACHED_MS)
    if row is not None:
        check(kind, row["mime"], len(row["data"]), by_url=True)
        if row["phone_number_id"] == page_id and row["origin"] == origin:
            return str(row["id"])
        return keep(world, page_id, Bytes(row["mime"], row["data"], row["filename"]), origin)
    content = await fetch(world, url, kind)
    media_id = keep(world, page_id, content, origin)
    world.store.run("INSERT INTO links VALUES (?, ?, ?) ON CONFLICT (url) DO UPDATE SET media_id = excluded.media_id, "
                    "fetched_ms = excluded.fetched_ms", url, media_id, now)
    return media_id


async def fetch(world: World, url: str, kind: str) -> Bytes:
    """raises: 100/2018008 (not there, not in time), 100/2018294 (a video not in time), 100/2018047, 100/2018109"""
    session = world.webhooks.session
    assert session is not None
    most = IMAGE_BY_URL_MOST if kind == "image" else MOST
    try:
        timeout = aiohttp.ClientTimeout(total=world.config.fetch_timeout_s)
        async with session.get(url, timeout=timeout) as reply:
            if reply.status != 200:
                raise PageError(100, 2018008)
            data = bytearray()
            async for piece in reply.content.iter_chunked(64 * 1024):
                data += piece
                if len(data) > most:
                    raise PageError(100, 2018109)
            mime = base_type(reply.headers.get("Content-Type", "")) or "application/octet-stream"
    except TimeoutError:
        raise PageError(100, 2018294 if kind == "video" else 2018008) from None
    except (aiohttp.ClientError, OSError, ValueError):
        raise PageError(100, 2018008) from None
    check(kind, mime, len(data), by_url=True)
    return Bytes(mime, bytes(data), url.split("?", 1)[0].rsplit("/", 1)[-1][:100] or None)


def shown(world: World, file: File) -> Json:
    """The file as a bubble shows it."""
    row = world.store.row("SELECT mime, filename FROM media WHERE id = ?", file.media_id)
    assert row is not None
    return {"type": file.kind, "url": f"/sandbox/media/{file.media_id}", "mime": row["mime"], "filename": row["filename"]}
