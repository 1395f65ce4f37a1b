"""Signed links to what people sent: they need no token, end after a day, and then answer 403 as the real ones do."""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib

from aiohttp import web

from sandbox.clock import DAY_MS
from sandbox.keys import WORLD
from sandbox.store import Json
from sandbox.world import World

LIVES_MS = DAY_MS
_SIDE = 72


def url_of(world: World, media_id: str, base: str) -> str:
    """A link to a kept file: ``oe`` is the end in hex seconds, ``oh`` signs id and end."""
    row = world.store.row("SELECT filename FROM media WHERE id = ?", media_id)
    name = (row["filename"] if row is not None and row["filename"] else f"{media_id}_n").replace("/", "_").replace("?", "_")
    until = f"{(world.clock.now_ms() + LIVES_MS) // 1_000:X}"
    return f"{base}/messenger/cdn/{media_id}/{name}?_nc_cat=104&oh={_sign(world, media_id, until)}&oe={until}"


def sticker_url(base: str, sticker_id: int) -> str:
    return f"{base}/messenger/stickers/{sticker_id}.png"


def _sign(world: World, media_id: str, until: str) -> str:
    return "03_" + hmac.new(world.config.app_secret.encode(), f"{media_id}:{until}".encode(), hashlib.sha256).hexdigest()[:26]


async def get_file(request: web.Request) -> web.Response:
    """403 for a link that ended or was changed, 404 for a file that is gone."""
    world, media_id = request.app[WORLD], request.match_info["id"]
    until, given = request.query.get("oe", ""), request.query.get("oh", "")
    if not hmac.compare_digest(given.encode(), _sign(world, media_id, until).encode()):
        return web.Response(status=403, text="Bad URL hash")
    if int(until, 16) * 1_000 <= world.clock.now_ms():
        return web.Response(status=403, text="URL signature expired")
    row = world.store.row("SELECT * FROM media WHERE id = ?", media_id)
    if row is None:
        return web.Response(status=404)
    return web.Response(body=row["data"], headers=headers(dict(row)))


def headers(row: Json) -> dict[str, str]:
    return {"Content-Type": row["mime"], "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}


async def get_sticker(request: web.Request) -> web.Response:
    return web.Response(body=picture(), content_type="image/png")


def picture() -> bytes:
    """A plain disc on nothing, 72 x 72: every sticker of the sandbox looks like this."""
    rows = bytearray()
    for y in range(_SIDE):
        rows.append(0)
        for x in range(_SIDE):
            inside = (x - _SIDE / 2 + 0.5) ** 2 + (y - _SIDE / 2 + 0.5) ** 2 < (_SIDE / 2 - 4) ** 2
            rows += bytes((242, 172, 60, 255 if inside else 0))
    return (b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 6, 0, 0, 0))
            + _chunk(b"IDAT", zlib.compress(bytes(rows))) + _chunk(b"IEND", b""))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


ROUTES = [web.get("/messenger/cdn/{id}/{name}", get_file), web.get("/messenger/stickers/{id:\\d+}.png", get_sticker)]
