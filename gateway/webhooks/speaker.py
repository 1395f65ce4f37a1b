"""GET /speaker.png: the picture beside an agent's first name, which a channel fetches when it makes a speaker.

A drawing of nobody: an agent's face is theirs. A Page with pictures of its own names one as `speaker_picture` in senders.yaml.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

PATH = "/speaker.png"
_FILE = Path(__file__).resolve().parents[2] / "console" / "public" / "speaker.png"


def add_routes(app: web.Application) -> None:
    picture = _FILE.read_bytes()

    async def get_speaker(request: web.Request) -> web.Response:
        headers = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=picture, content_type="image/png", headers=headers)

    app.router.add_get(PATH, get_speaker)
