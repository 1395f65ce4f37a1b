"""The /phones page: what customers see, live, one phone beside the other.

What flows through: the browser loads one HTML page and its modules from here, reads `GET /sandbox/handsets` once, then
follows `GET /sandbox/stream`. What a person does on a phone goes back as `POST /sandbox/handsets/{address}/say`, and the
page shows it only when it comes back over the stream: the page holds no truth of its own. A phone has chats of two
apps, with numbers and with Pages; what Meta's settings say of each Page stands behind one button (`GET /sandbox/pages`).

`/side` shows the phones and one more page, say the desk that answers them, in two frames: who tries things out plays the customer
on the left and whoever answers on the right. The other page decides by its own headers whether it may be framed.

This package only serves files. It knows nothing of handsets, so that it runs beside anything that speaks the contract.

What may fail: a file that is not part of the page is a 404; a phone that does not exist is said by the page itself,
because a phone may appear while the page is open.

What is promised: a strict Content-Security-Policy. No script and no style stands in the HTML, nothing is loaded from
another host, and a message's text can therefore never run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

__all__ = ["add_routes"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HERE: Final = Path(__file__).parent
_PAGE: Final = _HERE / "phones.html"
_SIDE: Final = _HERE / "side.html"
_STATIC: Final = _HERE / "static"

_MIME: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Always asked again (304 by ETag): a page of yesterday with modules of today is a puzzle at three in the morning.
    "Cache-Control": "no-cache",
}


def add_routes(app: web.Application, beside_url: str | None = None) -> None:
    """Serve GET /phones (all phones), GET /phones/{name} (one alone), GET /side and GET /phones/static/{file}; / leads there.

    beside_url: what /side shows beside the phones; None: it leads to the phones alone
    """
    side = _side(beside_url) if beside_url else _to_page
    app.router.add_get("/side", side)
    app.router.add_get("/", _to_page)
    app.router.add_get("/phones", _get_page)
    app.router.add_get("/phones/", _get_page)
    app.router.add_get("/phones/static/{file}", _get_static)
    app.router.add_get("/phones/{name}", _get_page)


async def _to_page(_: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/phones")


async def _get_page(request: web.Request) -> web.StreamResponse:
    """The same page for all phones and for one: its own address tells it which."""
    return web.FileResponse(_PAGE, headers={**_HEADERS, "Content-Type": "text/html; charset=utf-8"})


def _side(url: str) -> Handler:
    parts = urlsplit(url)
    policy = _HEADERS["Content-Security-Policy"].replace(
        "frame-ancestors 'self'", f"frame-ancestors 'none'; frame-src 'self' {parts.scheme}://{parts.netloc}"
    )
    page = _SIDE.read_text("utf-8").replace("{beside}", escape(url))

    async def get_side(_: web.Request) -> web.StreamResponse:
        headers = {**_HEADERS, "Content-Security-Policy": policy}
        return web.Response(text=page, content_type="text/html", headers=headers)

    return get_side


async def _get_static(request: web.Request) -> web.StreamResponse:
    """One file of the page. The folder is flat, so a name with a separator in it is never ours."""
    name = request.match_info["file"]
    mime = _MIME.get(Path(name).suffix)
    path = _STATIC / name
    if mime is None or path.name != name or not path.is_file():
        raise web.HTTPNotFound(text=f"no file {name} belongs to this page", headers=_HEADERS)
    return web.FileResponse(path, headers={**_HEADERS, "Content-Type": mime})
