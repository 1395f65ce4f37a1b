"""What a scanner may answer: two words are verdicts, everything else is none, and no file is shown by it."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.webcare.scan import HookScanner, NotScanned

NONSENSE = [
    (200, b'{"verdict": "probably fine"}'),
    (200, b'{"verdict": ["clean"]}'),
    (200, b'["clean"]'),
    (200, b"clean"),
    (200, b"\xff\xfe"),
    (200, b"[" * 4000),
    (200, b'{"verdict": "clean", "pad": "' + b"x" * 9000 + b'"}'),
    (200, b""),
    (302, b'{"verdict": "clean"}'),
    (503, b'{"verdict": "clean"}'),
]


async def test_only_two_words_are_a_verdict() -> None:
    answers = [*NONSENSE, (200, b'{"verdict": "clean"}'), (200, b'{"verdict": "infected"}')]
    seen: list[tuple[bytes, str]] = []

    async def scan(request: web.Request) -> web.StreamResponse:
        seen.append((await request.read(), request.headers["Content-Type"]))
        status, body = answers[len(seen) - 1]
        answer = web.StreamResponse(status=status)
        await answer.prepare(request)
        for start in range(0, len(body), 1000):  # in pieces, as networks do
            await answer.write(body[start : start + 1000])
        return answer

    app = web.Application()
    app.router.add_post("/", scan)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        scanner = HookScanner(http, str(server.make_url("/")))
        for nonsense in NONSENSE:
            with pytest.raises(NotScanned):
                assert not await scanner.clean(b"bytes", "image/png"), nonsense
        assert await scanner.clean(b"bytes", "") is True
        assert await scanner.clean(b"bytes", "image/png") is False
    assert seen[-2:] == [(b"bytes", "application/octet-stream"), (b"bytes", "image/png")]


async def test_a_scanner_that_is_slow_or_away_gives_no_verdict() -> None:
    held = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        await held.wait()
        return web.json_response({"verdict": "clean"})

    app = web.Application()
    app.router.add_post("/", wait)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        url = str(server.make_url("/"))
        with pytest.raises(NotScanned):
            await HookScanner(http, url, timeout_s=0.05).clean(b"bytes", "")
        held.set()
    async with aiohttp.ClientSession() as http:
        with pytest.raises(NotScanned) as away:
            await HookScanner(http, url).clean(b"bytes", "")
    assert url not in str(away.value)
