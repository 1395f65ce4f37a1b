"""The HTTP client against servers that misbehave: was a byte sent or not?"""

from __future__ import annotations

import asyncio
import gzip
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import BodyPartReader, web

from connectors.meta import multipart
from connectors.meta.graph import AnswerLost, AnswerTooLarge, Graph, NotSent, TransportError, origin_of
from gateway.connector import FilePart, RenderedRequest
from gateway.model.ids import SenderId
from gateway.model.personal import Secret

TOKEN = "EAAtokenThatMustNotShow"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def request(path: str = "/v25.0/1/messages", **more: Any) -> RenderedRequest:
    given: dict[str, Any] = {"method": "POST", "body": {"text": "Zoë 🌿"}, "token": Secret(TOKEN), **more}
    return RenderedRequest(path=path, sender=SenderId("zz"), **given)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[str]:
    """A bare TCP server, for what no HTTP server would do."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def client(base_url: str, **options: Any) -> AsyncIterator[Graph]:
    graph = Graph(base_url, **{"connect_timeout_s": 2.0, "timeout_s": 5.0, **options})
    try:
        yield graph
    finally:
        await graph.close()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_request_is_carried_as_it_was_rendered() -> None:
    seen: dict[str, Any] = {}

    async def handler(got: web.Request) -> web.Response:
        seen.update(method=got.method, path=got.raw_path, headers=dict(got.headers), body=await got.read())
        return web.json_response({"ok": True}, headers={"X-FB-Trace-Id": "abc"})

    async with serving(handler) as url, client(url + "/prefix/") as graph:
        response = await graph.send(request())
    assert (seen["method"], seen["path"]) == ("POST", "/prefix/v25.0/1/messages")
    assert seen["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert seen["headers"]["Content-Type"] == "application/json"
    assert seen["headers"]["User-Agent"].startswith("Thuisfront/")
    assert seen["body"] == '{"text":"Zoë 🌿"}'.encode()
    assert (response.status, response.body) == (200, b'{"ok": true}')
    assert response.headers["x-fb-trace-id"] == "abc"


async def test_a_proxy_may_want_the_token_in_a_header_of_its_own() -> None:
    seen: dict[str, str] = {}

    async def handler(got: web.Request) -> web.Response:
        seen.update(got.headers)
        return web.Response()

    async with serving(handler) as url, client(url, auth_header="X-Api-Key") as graph:
        await graph.send(request())
    assert seen["X-Api-Key"] == TOKEN
    assert "Authorization" not in seen


@pytest.mark.parametrize("small", [multipart.SMALL, 0], ids=["in one piece", "piece by piece"])
async def test_a_file_goes_as_multipart(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "SMALL", small)
    seen: list[tuple[str | None, str | None, str | None, bytes]] = []

    async def handler(got: web.Request) -> web.Response:
        async for part in await got.multipart():
            assert isinstance(part, BodyPartReader)
            seen.append((part.name, part.filename, part.headers.get("Content-Type"), bytes(await part.read())))
        return web.json_response({"id": "7"})

    file = FilePart("file", 'p"äs; s.png', "image/png", b"\x89PNG" * 1000)
    async with serving(handler) as url, client(url) as graph:
        await graph.send(request(body=None, form={"messaging_product": "whatsapp"}, file=file))
    assert seen[0][0] == "messaging_product"
    assert seen[0][3] == b"whatsapp"
    assert seen[1] == ("file", "p%22%C3%A4s%3B%20s.png", "image/png", file.data), "its name as RFC 7578 has it"
    assert len(seen) == 2


@pytest.mark.parametrize("status", [200, 302, 400, 429, 500, 502])
async def test_every_status_comes_back_as_an_answer(status: int) -> None:
    async def handler(got: web.Request) -> web.Response:
        return web.Response(status=status, text="words", headers={"Location": "http://127.0.0.1:9/elsewhere"})

    async with serving(handler) as url, client(url) as graph:
        response = await graph.send(request())
    assert (response.status, response.body) == (status, b"words")


async def test_a_refused_connection_sent_nothing() -> None:
    async with client(f"http://127.0.0.1:{unused_port()}") as graph:
        with pytest.raises(NotSent, match="ECONNREFUSED"):
            await graph.send(request())


async def test_an_unknown_host_sent_nothing() -> None:
    async with client("http://no-such-host.invalid") as graph:
        with pytest.raises(NotSent):
            await graph.send(request())


async def test_a_failed_tls_handshake_sent_nothing() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 this is no TLS\r\n\r\n")
        writer.close()

    async with talking(talk) as url, client(url.replace("http:", "https:")) as graph:
        with pytest.raises(NotSent):
            await graph.send(request())


async def test_a_handshake_that_hangs_sent_nothing() -> None:
    done = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    async with talking(talk) as url, client(url.replace("http:", "https:"), connect_timeout_s=0.2) as graph:
        with pytest.raises(NotSent):
            await graph.send(request())
        done.set()


async def test_no_free_connection_in_time_sent_nothing() -> None:
    arrived, done = asyncio.Event(), asyncio.Event()
    count = 0

    async def handler(got: web.Request) -> web.Response:
        nonlocal count
        count += 1
        arrived.set()
        await done.wait()
        return web.Response()

    async with (
        serving(handler) as url,
        client(url, connections=1, connect_timeout_s=0.3) as graph,
        asyncio.TaskGroup() as group,
    ):
        first = group.create_task(graph.send(request()))
        await arrived.wait()
        with pytest.raises(NotSent):
            await graph.send(request())
        done.set()
    assert first.result().status == 200
    assert count == 1


async def test_a_reset_after_the_request_is_a_lost_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with talking(talk) as url, client(url) as graph:
        with pytest.raises(AnswerLost):
            await graph.send(request())


async def test_a_disconnect_without_an_answer_is_a_lost_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with talking(talk) as url, client(url) as graph:
        with pytest.raises(AnswerLost):
            await graph.send(request())


async def test_a_kept_connection_found_closed_is_a_lost_answer_and_not_tried_again() -> None:
    requests = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(len('{"text":"Zoë 🌿"}'.encode()))
            except asyncio.IncompleteReadError:
                break
            requests += 1
            if requests > 1:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()
        writer.close()

    async with talking(talk) as url, client(url) as graph:
        assert (await graph.send(request())).body == b"{}"
        with pytest.raises(AnswerLost):
            await graph.send(request())
    assert requests == 2


async def test_half_an_answer_is_a_lost_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"messages":')
        await writer.drain()
        writer.close()

    async with talking(talk) as url, client(url) as graph:
        with pytest.raises(AnswerLost):
            await graph.send(request())


async def test_no_http_is_a_lost_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x00\x01\x02 good morning\r\n\r\n")
        await writer.drain()
        writer.close()

    async with talking(talk) as url, client(url) as graph:
        with pytest.raises(AnswerLost):
            await graph.send(request())


async def test_an_answer_that_is_too_slow_is_lost() -> None:
    done = asyncio.Event()

    async def handler(got: web.Request) -> web.Response:
        await done.wait()
        return web.Response()

    async with serving(handler) as url, client(url, connect_timeout_s=0.2, timeout_s=0.4) as graph:
        with pytest.raises(AnswerLost):
            await graph.send(request())
        done.set()


async def test_a_huge_answer_is_not_read_to_its_end() -> None:
    async def handler(got: web.Request) -> web.Response:
        return web.Response(body=b"x" * 300_000)

    async with serving(handler) as url, client(url, answer_max=100_000, file_max=400_000) as graph:
        with pytest.raises(AnswerTooLarge):
            await graph.send(request())
        download = await graph.send(request(method="GET", body=None, wants_bytes=True))
    assert len(download.body) == 300_000


async def test_a_compressed_answer_is_unpacked_within_the_limit() -> None:
    bodies = {"/small": b'{"ok":true}' * 100, "/bomb": b"\0" * 50_000_000}

    async def handler(got: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(bodies[got.path], 1), headers={"Content-Encoding": "gzip"})

    async with serving(handler) as url, client(url) as graph:
        assert (await graph.send(request("/small"))).body == bodies["/small"]
        with pytest.raises(AnswerTooLarge):
            await graph.send(request("/bomb"))


async def test_being_cancelled_is_let_through() -> None:
    arrived = asyncio.Event()

    async def handler(got: web.Request) -> web.Response:
        arrived.set()
        await asyncio.Event().wait()
        return web.Response()

    async with serving(handler) as url, client(url) as graph:
        task = asyncio.create_task(graph.send(request()))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_closed_client_sends_nothing() -> None:
    graph = Graph("http://127.0.0.1:9")
    await graph.close()
    await graph.close()
    with pytest.raises(NotSent):
        await graph.send(request())


@pytest.mark.parametrize("token", ["", "two words", "line\r\nX-Evil: 1", "tokén"])
async def test_a_token_that_no_header_may_hold_is_not_sent_and_not_shown(token: str) -> None:
    async with client("http://127.0.0.1:9") as graph:
        with pytest.raises(NotSent) as caught:
            await graph.send(request(token=Secret(token)))
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("path", ["http://other.example/file", "ftp://other.example/file", "messages", ""])
async def test_the_token_goes_nowhere_but_by_https_or_to_our_base(path: str) -> None:
    async with client("http://127.0.0.1:9") as graph:
        with pytest.raises(NotSent, match="neither"):
            await graph.send(request(path))


async def test_no_failure_carries_token_or_address() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    failures: list[TransportError] = []
    async with talking(talk) as url:
        for base in (url, f"http://127.0.0.1:{unused_port()}", "http://no-such-host.invalid"):
            async with client(base) as graph:
                with pytest.raises(TransportError) as caught:
                    await graph.send(request("/v25.0/314159265358979/messages"))
                failures.append(caught.value)
    assert len(failures) == 3
    for failure in failures:
        assert failure.__cause__ is None
        assert failure.__context__ is None
        printed = "".join(traceback.format_exception_only(failure)) + repr(failure.args)
        for mark in (TOKEN, "314159265358979", "no-such-host", "Bearer"):
            assert mark not in printed


def test_a_connect_limit_that_could_hide_behind_the_total_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Graph("https://graph.example", connect_timeout_s=10, timeout_s=10)
    with pytest.raises(ValueError, match="absolute"):
        Graph("graph.example")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://graph.facebook.com/v25.0/x", "https://graph.facebook.com"),
        ("HTTPS://Graph.Facebook.com:443/", "https://graph.facebook.com"),
        ("http://127.0.0.1:8090", "http://127.0.0.1:8090"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://lookaside.fbsbx.com.evil.example/x", "https://lookaside.fbsbx.com.evil.example"),
        ("https://lookaside.fbsbx.com@evil.example/x", None),
        ("https://:secret@lookaside.fbsbx.com/x", None),
        ("//lookaside.fbsbx.com/x", None),
        ("ftp://lookaside.fbsbx.com/x", None),
        ("https://", None),
        ("https://host:99999/", None),
        ("https://[half/", None),
    ],
)
def test_the_origin_of_an_address_is_exact(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin
