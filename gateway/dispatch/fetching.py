"""An issuer's document by its URL. An event may not make us fetch what its sender could not reach, nor more than we can hold.

    where   only a host of GATEWAY_DOCUMENT_HOSTS, over https at its usual port ("host:8443" lists another); http only to this
            machine, where a sandbox runs. No name or password in the URL, no redirect followed, no proxy of the environment
    to whom the name is resolved once, by the connection itself, and only public addresses are handed to it: nothing can change
            between the look and the connection. An address that carries another one inside (IPv4 in IPv6, 6to4, Teredo, NAT64)
            counts as the one inside
    what    at most `largest` bytes, as they come: asked for unpacked, and refused when packed, so that none grows in memory
    when    20 s in all, and 5 s without a byte, which ends a body that drips or never ends; few at a time

What a second try may mend (no answer, 429, a 5xx) is `FetchAgain`; all else is `DocumentProblem`. Neither holds the URL.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gateway.errors import GatewayError

FETCH_S = 20
SILENT_S = 5
RESOLVE_S = 5
AT_ONCE = 8
LARGEST = 16_000_000
"""No travel document is larger, and eight of them must fit into memory."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL = ("127.0.0.1", "localhost", "::1")


class DocumentProblem(GatewayError):
    """The document could not be had, and trying again will not help. The text holds no URL and no name."""


class FetchAgain(GatewayError):
    """The document could not be had now. The text holds no URL and no name."""


class Fetcher:
    def __init__(self, hosts: tuple[str, ...], *, allow_local: bool) -> None:
        """hosts: GATEWAY_DOCUMENT_HOSTS; allow_local: towards a sandbox only."""
        self._hosts = frozenset(host.lower() for host in hosts)
        self._allow_local = allow_local
        self._room = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, url: str, largest: int) -> bytes:
        """The bytes behind a URL, at most `largest`. Raises DocumentProblem, FetchAgain."""
        place = self._allowed(url)
        local = self._is_local(place)
        most = min(largest, LARGEST)
        # One session a document: nothing of one issuer (cookies, connections) meets another's.
        connector = aiohttp.TCPConnector(resolver=PublicResolver(allow_local=local), use_dns_cache=False, force_close=True)
        timeout = aiohttp.ClientTimeout(total=FETCH_S, sock_connect=RESOLVE_S, sock_read=SILENT_S)
        try:
            async with (
                self._room,
                aiohttp.ClientSession(
                    connector=connector, timeout=timeout, trust_env=False, auto_decompress=False,
                    cookie_jar=aiohttp.DummyCookieJar(), headers={"Accept-Encoding": "identity"},
                ) as session,
                session.get(place, allow_redirects=False) as response,
            ):  # fmt: skip
                return await _read(response, most)
        except aiohttp.InvalidURL:
            raise DocumentProblem("the document's URL is none") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise FetchAgain(f"the document could not be fetched: {type(error).__name__}") from None

    def _allowed(self, url: str) -> URL:
        """The URL, read once: what is checked here is what is connected to. Raises DocumentProblem."""
        try:
            place = URL(url)
            host, port = (place.raw_host or "").lower(), place.port
        except ValueError:
            raise DocumentProblem("the document's URL is none") from None
        usual = port == (443 if place.scheme == "https" else 80)
        named = f"{host}:{port}"
        if named not in self._hosts and not (host in self._hosts and (usual or self._is_local(place))):
            raise DocumentProblem("the document's host is not listed in GATEWAY_DOCUMENT_HOSTS")
        if place.scheme != "https" and not (place.scheme == "http" and self._is_local(place)):
            raise DocumentProblem("the document's URL is not https")
        if place.user is not None or place.password is not None:
            raise DocumentProblem("the document's URL holds a name or a password")
        if (literal := _literal(host)) is not None:  # the connection asks no resolver for an address that is written out
            check_public(literal, allow_local=self._is_local(place))
        return place

    def _is_local(self, place: URL) -> bool:
        return self._allow_local and (place.raw_host or "") in _LOCAL


class NotPublic(DocumentProblem):
    """An address that an event may not lead us to. No OSError: the connection would call that a failure to resolve."""


class PublicResolver(AbstractResolver):
    """Resolves to public addresses only: the connection is made to what was looked at."""

    def __init__(self, *, allow_local: bool) -> None:
        self._allow_local = allow_local

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        async with asyncio.timeout(RESOLVE_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        answers: list[ResolveResult] = []
        for known, _, proto, _, place in found:
            address = str(place[0])
            check_public(ipaddress.ip_address(address), allow_local=self._allow_local)
            flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            answers.append(ResolveResult(hostname=host, host=address, port=port, family=known, proto=proto, flags=flags))
        return answers

    async def close(self) -> None:
        """Nothing is held."""


def check_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address, *, allow_local: bool = False) -> None:
    """Raises NotPublic for an address that is not everybody's, also when it stands inside another one."""
    inside: Any = address
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo
        inside = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
        if address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if allow_local and inside.is_loopback:
        return
    if not inside.is_global or inside.is_multicast or inside.is_reserved or inside.is_unspecified:
        raise NotPublic("the document's host is on a private network")


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    if response.status == 429 or response.status >= 500:
        raise FetchAgain(f"the document's host answered {response.status}")
    if response.status != 200:
        raise DocumentProblem(f"the document's host answered {response.status}")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise DocumentProblem("the document's host sent it packed, which was not asked for")
    if (response.content_length or 0) > most:
        raise DocumentProblem(f"the document is larger than {most // 1_000_000} MB")
    data = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        data += chunk
        if len(data) > most:
            raise DocumentProblem(f"the document is larger than {most // 1_000_000} MB")
    return bytes(data)
