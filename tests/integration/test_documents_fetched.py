"""An event's URL leads us nowhere that its sender could not go, and brings nothing that does not fit into memory."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.dispatch import fetching
from gateway.dispatch.fetching import DocumentProblem, FetchAgain, Fetcher, NotPublic, PublicResolver, check_public

PDF = b"%PDF-1.4 a ticket\n%%EOF\n"
MOST = 1_000_000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def issuer(handle: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{any:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/ticket.pdf"
    finally:
        await runner.cleanup()


def local() -> Fetcher:
    return Fetcher(("127.0.0.1", "localhost"), allow_local=True)


async def fetched(handle: Handler, most: int = MOST) -> bytes:
    async with issuer(handle) as url:
        return await local().fetch(url, most)


def answering(status: int = 200, body: bytes = PDF, header: tuple[str, str] = ("X-Issuer", "tests")) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=dict([header]))

    return handle


async def test_a_document_is_fetched_as_it_is() -> None:
    assert await fetched(answering()) == PDF


@pytest.mark.parametrize("url", [
    "https://elsewhere.example/t.pdf",
    "https://tickets.example.elsewhere.example/t.pdf",
    "https://tickets.example:8443/t.pdf",
    "https://tickets.example@elsewhere.example/t.pdf",
    "https://elsewhere.example#@tickets.example/t.pdf",
    "https://elsewhere.example\\@tickets.example/t.pdf",
    "https://me:secret@tickets.example/t.pdf",
    "http://tickets.example/t.pdf",
    "ftp://tickets.example/t.pdf",
    "file:///etc/passwd",
    "https://127.0.0.1/t.pdf",
    "https://[::1]/t.pdf",
    "https://tickets.example:port/t.pdf",
    "https://",
    "//tickets.example/t.pdf",
])  # fmt: skip
async def test_only_listed_hosts_over_https_are_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(aiohttp.ClientSession, "_request", never)
    with pytest.raises(DocumentProblem) as refused:
        await Fetcher(("tickets.example",), allow_local=False).fetch(url, MOST)
    assert "example" not in str(refused.value)


async def test_another_port_is_asked_only_where_it_is_listed() -> None:
    with pytest.raises(DocumentProblem, match="not listed"):
        await Fetcher(("tickets.example",), allow_local=False).fetch("https://tickets.example:8443/t", MOST)
    with pytest.raises(FetchAgain):  # allowed, and no such host
        await Fetcher(("tickets.invalid:8443",), allow_local=False).fetch("https://tickets.invalid:8443/t", MOST)


@pytest.mark.parametrize("address", [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.1.2.3", "::ffff:127.0.0.1",
    "64:ff9b::a00:1", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:db8::1",
])  # fmt: skip
def test_no_address_leads_to_us_or_to_our_network(address: str) -> None:
    with pytest.raises(NotPublic):
        check_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_public_addresses_are_everybodys(address: str) -> None:
    check_public(ipaddress.ip_address(address))


async def test_a_name_that_turns_private_between_two_looks_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one look only, and it is the connection's own: what it is handed was looked at."""
    looks: list[str] = []
    turns = iter(["93.184.216.34", "127.0.0.1"])

    async def getaddrinfo(self: Any, host: str, port: Any, **_: Any) -> list[Any]:
        looks.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(turns), port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)
    resolver = PublicResolver(allow_local=False)
    (first,) = await resolver.resolve("tickets.example", 443)
    assert first["host"] == "93.184.216.34"
    with pytest.raises(NotPublic):
        await resolver.resolve("tickets.example", 443)
    turns = iter(["10.0.0.1"])
    with pytest.raises(DocumentProblem, match="private"):
        await Fetcher(("tickets.example",), allow_local=False).fetch("https://tickets.example/t", MOST)
    assert looks == ["tickets.example"] * 3


async def test_one_private_address_among_public_ones_refuses_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(self: Any, host: str, port: Any, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)
    with pytest.raises(NotPublic):
        await PublicResolver(allow_local=False).resolve("tickets.example", 443)


async def test_a_redirect_is_not_followed() -> None:
    with pytest.raises(DocumentProblem, match="302"):
        await fetched(answering(302, header=("Location", "http://169.254.169.254/")))


@pytest.mark.parametrize(
    ("status", "kind"), [(404, DocumentProblem), (403, DocumentProblem), (429, FetchAgain), (503, FetchAgain)]
)
async def test_what_a_second_try_may_mend_is_told_apart(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await fetched(answering(status))


async def test_no_more_is_read_than_fits() -> None:
    with pytest.raises(DocumentProblem, match="larger"):
        await fetched(answering(body=bytes(2000)), 1000)


async def test_a_body_without_an_end_is_left_at_the_limit() -> None:
    written = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10_000):
            await response.write(bytes(65536))
            written += 65536
        return response

    with pytest.raises(DocumentProblem, match="larger"):
        await fetched(endless)
    assert written < 20_000_000


async def test_a_packed_body_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < MOST
    with pytest.raises(DocumentProblem, match="packed"):
        await fetched(answering(body=bomb, header=("Content-Encoding", "gzip")))


async def test_a_body_that_drips_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SILENT_S", 0.2)
    done = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"%PDF-")
        await done.wait()
        return response

    async with issuer(silent) as url:
        try:
            with pytest.raises(FetchAgain, match="Timeout"):
                await local().fetch(url, MOST)
        finally:
            done.set()
