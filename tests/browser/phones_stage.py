"""A stage for the /phones page: a small server that speaks the sandbox's JSON contract, with a day's worth of data.

It holds what a test needs to turn: what is on the phones, what was posted, whether posts are refused, and a way to
break every open stream. It runs in a thread of its own, so that tests can drive a browser in theirs.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from aiohttp import web

from sandbox.phones import add_routes

Json = dict[str, Any]
T = TypeVar("T")


class Stage:
    """One server on a free port. `handsets`, `story` and `refuse` may be changed before the page is opened."""

    def __init__(self, handsets: list[Json], story: Json | None, now_ms: int) -> None:
        self.handsets = handsets
        self.story = story
        self.pages: list[Json] = []  # what stands in Meta's settings of each Page
        self.links: dict[str, Json] = {}  # link -> what opening it answers
        self.now_ms = now_ms
        self.refuse: tuple[int, Json] | None = None
        self.posts: list[tuple[str, Json]] = []
        self.seen_last_ids: list[str] = []
        self.log: list[tuple[str, Any]] = []
        self.replay_all = False
        self.closed = False
        self.url = ""
        self._streams: set[web.StreamResponse] = set()
        self._changed: asyncio.Condition
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner
        self._thread = threading.Thread(target=self._loop.run_forever, name="phones-stage", daemon=True)

    # What a test calls, from its own thread.

    def start(self) -> Stage:
        self._thread.start()
        self._call(self._start())
        return self

    def stop(self) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()

    def send(self, event: str, data: Any) -> None:
        """Keep an event and tell it to every open stream."""
        self._call(self._send(event, data))

    def send_bubbles(self, handset: Json, *bubbles: Json, thread: int = 0, keep: bool = True) -> None:
        """New or changed bubbles of one phone, kept in its thread as the sandbox would keep them."""
        known = handset["threads"][thread]
        if keep:
            ids = {bubble["id"] for bubble in bubbles}
            known["bubbles"] = [each for each in known["bubbles"] if each["id"] not in ids] + list(bubbles)
        fields = {key: value for key, value in handset.items() if key != "threads"}
        sender = {key: known[key] for key in ("phone_number_id", "channel", "sender_id") if key in known}
        told = [{**bubble, **sender} for bubble in bubbles]
        self.send("handset", {"address": handset["address"], "bubbles": told, "handset": fields})

    def break_streams(self, *, closed: bool = False) -> None:
        """Cut every open stream; with `closed`, refuse new ones (502) until opened again by `closed = False`."""
        self.closed = closed
        self._call(self._break())

    @property
    def open_streams(self) -> int:
        return len(self._streams)

    # The server.

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return future.result(timeout=10)

    async def _start(self) -> None:
        self._changed = asyncio.Condition()
        app = web.Application()
        add_routes(app)
        app.router.add_get("/sandbox/handsets", self._get_handsets)
        app.router.add_get("/sandbox/handsets/{address}", self._get_handset)
        app.router.add_post("/sandbox/handsets/{address}/say", self._take)
        app.router.add_patch("/sandbox/handsets/{address}/state", self._change_state)
        app.router.add_post("/sandbox/story/control", self._take)
        app.router.add_get("/sandbox/pages", self._get_pages)
        app.router.add_put("/sandbox/pages/{id}", self._put_page)
        app.router.add_get("/sandbox/stream", self._get_stream)
        app.router.add_get("/sandbox/media/{id}", self._get_media)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = site.name if not site.name.endswith(":0") else f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await self._break()
        await self._runner.cleanup()

    async def _send(self, event: str, data: Any) -> None:
        async with self._changed:
            self.log.append((event, data))
            self._changed.notify_all()

    async def _break(self) -> None:
        for stream in list(self._streams):
            if stream._req is not None and stream._req.transport is not None:
                stream._req.transport.abort()

    async def _get_handsets(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"cursor": len(self.log), "now_ms": self.now_ms, "handsets": self.handsets, "story": self.story}
        )

    async def _get_handset(self, request: web.Request) -> web.Response:
        wanted = request.match_info["address"]
        for handset in self.handsets:
            if wanted in (handset["address"], handset["name"]):
                return web.json_response(handset)
        return web.json_response({"title": "No such handset", "status": 404}, status=404)

    async def _take(self, request: web.Request) -> web.Response:
        if self.refuse is not None:
            status, problem = self.refuse
            return web.json_response(problem, status=status, content_type="application/problem+json")
        body = await request.json()
        self.posts.append((request.path, body))
        return web.json_response(self.links.get(body.get("link"), {"success": True}))

    async def _get_pages(self, request: web.Request) -> web.Response:
        return web.json_response({"pages": self.pages})

    async def _put_page(self, request: web.Request) -> web.Response:
        change = await request.json()
        self.posts.append((request.path, change))
        if self.refuse is not None:
            status, problem = self.refuse
            return web.json_response(problem, status=status, content_type="application/problem+json")
        page = next(each for each in self.pages if each["id"] == request.match_info["id"])
        page.update(change)
        return web.json_response(page)

    async def _change_state(self, request: web.Request) -> web.Response:
        change = await request.json()
        self.posts.append((request.path, change))
        handset = next(each for each in self.handsets if each["address"] == request.match_info["address"])
        handset.update(change)
        return web.json_response(handset)

    async def _get_media(self, request: web.Request) -> web.Response:
        return web.Response(text=_PICTURE, content_type="image/svg+xml")

    async def _get_stream(self, request: web.Request) -> web.StreamResponse:
        if self.closed:
            raise web.HTTPBadGateway(text="<html>bad gateway</html>")
        last = request.headers.get("Last-Event-ID", "")
        self.seen_last_ids.append(last)
        at = 0 if self.replay_all else int(last or request.query["since"])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(b"retry: 100\n\n")
        self._streams.add(response)
        try:
            while True:
                for event, data in self.log[at:]:
                    at += 1
                    await response.write(f"id: {at}\nevent: {event}\ndata: {json.dumps(data)}\n\n".encode())
                async with self._changed:
                    await self._changed.wait_for(lambda: len(self.log) > at)  # noqa: B023 - read anew each time
        except ConnectionError:
            return response
        finally:
            self._streams.discard(response)


_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 300" preserveAspectRatio="xMidYMid slice">
<defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="#27476b"/><stop offset=".55" stop-color="#e0916b"/>
<stop offset="1" stop-color="#f5d19a"/></linearGradient></defs><rect width="560" height="300" fill="url(#s)"/>
<circle cx="410" cy="196" r="44" fill="#fff3d8" opacity=".85"/>
<path d="M0 232 90 204l80 22 120-46 110 44 80-20 80 22v74H0Z" fill="#3c4a63" opacity=".75"/>
<path d="M0 264 140 240l150 26 140-22 130 24v32H0Z" fill="#1e2b3d"/>
<path d="m128 142 150-42c13-3 28 1 31 7 2 7-9 16-22 19l-49 14-43 57-17 4 17-52-40 11-15 18-11 3 4-25-15-18 11-3Z"
 fill="#f8f6f0"/></svg>"""
