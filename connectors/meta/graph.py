"""The HTTP client towards the Graph API: carries one rendered request and says honestly how it broke.

The one question that matters after a failure is whether a byte of the request can have left us. If not, trying again is
safe; if so, the message may be on a phone already. aiohttp tells the two apart by the type of its exception: everything
that breaks while a connection is being made derives from `ClientConnectorError` or is a `ConnectionTimeoutError`. What
breaks later, a kept-alive connection found closed among it, counts as "may have left".
"""

from __future__ import annotations

import asyncio
import errno
import io
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from connectors.meta import multipart
from gateway.connector import RawResponse, RenderedRequest
from gateway.errors import GatewayError, TooLarge
from gateway.model.personal import Secret

USER_AGENT = "Thuisfront/0.1"
"""Some of Meta's media hosts were seen to refuse clients that name none."""

_CHUNK = 64 * 1024
_KEPT = 1000
"""Addresses and sets of headers kept for the next request; media ids are addresses too, and never come twice."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class TransportError(GatewayError):
    """A request brought no answer. The text names the kind of failure: never a URL, a header or a body."""


class NotSent(TransportError):
    """No byte of the request left us (refused, unknown host, TLS, no connection in time): safe to try again."""


class AnswerLost(TransportError):
    """Bytes left, and no whole answer came (time-out, reset, disconnect): it may have been carried out."""


class AnswerTooLarge(AnswerLost, TooLarge):
    """The answer was longer than we are willing to hold."""


class Graph:
    """One pool of connections to one base URL, opened by the first request and closed by `close`.

    base_url:           https://graph.facebook.com, a sandbox, or a proxy in front of Meta (may have a path of its own)
    connect_timeout_s:  for a free place in the pool, DNS, TCP and TLS together; must be shorter than timeout_s, since
                        running out of it is what proves that nothing was sent
    timeout_s:          for the whole of an ordinary call; transfer_timeout_s: for one that carries a file
    connections:        at most; no fewer than messages that are sent at a time, for what was decided on may not grow old in line
    auth_header:        "Authorization" sends "Bearer <token>"; any other header gets the bare token
    answer_max:         bytes of an ordinary answer after decompression; file_max: of a download
    """

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout_s: float = 5.0,
        timeout_s: float = 15.0,
        transfer_timeout_s: float = 120.0,
        auth_header: str = "Authorization",
        connections: int = 200,
        answer_max: int = 1024 * 1024,
        file_max: int = 100 * 1024 * 1024,
    ) -> None:
        if not connect_timeout_s < timeout_s <= transfer_timeout_s:
            raise ValueError("connect_timeout_s must be shorter than timeout_s, and that no longer than a transfer's")
        self._base = base_url.rstrip("/")
        self._origin = origin_of(self._base)
        if self._origin is None:
            raise ValueError("base_url must be an absolute http or https URL")
        self._auth_header = auth_header
        self._connections = connections
        self._answer_max = answer_max
        self._file_max = file_max
        self._ordinary = aiohttp.ClientTimeout(total=timeout_s, connect=connect_timeout_s)
        self._transfer = aiohttp.ClientTimeout(total=transfer_timeout_s, connect=connect_timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, URL] = {}
        self._headers: dict[tuple[str, bool, bool], CIMultiDict[str]] = {}
        self._closed = False

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base URL: a host that may be shown the token."""
        return self._origin or ""

    async def send(self, request: RenderedRequest) -> RawResponse:
        """Carry one request and read its whole answer, whatever its status.

        raises: NotSent, AnswerLost
        """
        url = self._url(request.path)
        headers = self._headers_of(request)
        data: bytes | aiohttp.FormData | None = None
        if request.file is not None and len(request.file.data) <= multipart.SMALL:
            data, kind = multipart.written(request.form, request.file)
            headers = CIMultiDict(headers, **{"Content-Type": kind})
        elif request.file is not None:
            data = _multipart(request)
        elif request.body is not None:
            data = request.raw if request.raw is not None else as_json(request.body)
        transfers = request.file is not None or request.wants_bytes
        limit = self._file_max if request.wants_bytes else self._answer_max
        session = self._open()
        # The failure is raised after the except block and not in it: aiohttp's exceptions hold the request with its
        # headers, and a chained exception would carry the token along into whatever prints it.
        failure: TransportError
        try:
            async with session.request(
                request.method,
                url,
                data=data,
                headers=headers,
                timeout=self._transfer if transfers else self._ordinary,
                allow_redirects=False,  # a redirect would take the token to another host
            ) as response:
                body = await _read(response, limit)
                if body is not None:
                    return RawResponse(status=response.status, headers=response.headers, body=body)
                failure = AnswerTooLarge(f"the answer is longer than {limit} bytes")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            failure = NotSent(f"no byte left: {_kind(error)}")
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            failure = AnswerLost(f"bytes left, no answer: {_kind(error)}")
        raise failure

    async def close(self) -> None:
        """Close the pool; what is still under way breaks as `AnswerLost`. May be called twice."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise NotSent("the client is closed")
        if self._session is None:
            # Made here and not in __init__, because a session belongs to the running loop.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _url(self, path: str) -> URL:
        if path.startswith("/"):
            url = self._urls.get(path)
            if url is None:
                url = URL(self._base + path, encoded=True)
                if len(self._urls) >= _KEPT:
                    self._urls.clear()
                self._urls[path] = url
            return url
        # The connector has checked the host; that a token never travels in the clear is checked here as well.
        if path.startswith("https://") or origin_of(path) == self._origin:
            return URL(path, encoded=True)
        raise NotSent("neither a path nor an https address")

    def _headers_of(self, request: RenderedRequest) -> CIMultiDict[str]:
        """Of a sender they are always the same: put together once, which takes a tenth of a POST, and used again."""
        is_json = request.file is None and request.body is not None
        kind = request.token.reveal(), is_json, _is_signed_address(request)
        headers = self._headers.get(kind)
        if headers is None:
            headers = CIMultiDict({"User-Agent": USER_AGENT, "Accept": "*/*"})
            if request.token or not _is_signed_address(request):
                headers[self._auth_header] = self._credential(request.token)
            if is_json:
                headers["Content-Type"] = "application/json"
            if len(self._headers) >= _KEPT:
                self._headers.clear()
            self._headers[kind] = headers
        return headers

    def _credential(self, token: Secret) -> str:
        text = token.reveal()
        if not text or not all("!" <= char <= "~" for char in text):
            # aiohttp would refuse it too, with the header in its words.
            raise NotSent("the token is empty or holds characters that no header may hold")
        return f"Bearer {text}" if self._auth_header.lower() == "authorization" else text


def as_json(body: Mapping[str, Any]) -> bytes:
    """A body as it goes over the wire."""
    return _ENCODER.encode(body).encode()


def _is_signed_address(request: RenderedRequest) -> bool:
    """A download from an address that is its own permit: it is asked without a token."""
    return request.wants_bytes and not request.path.startswith("/")


def origin_of(url: str) -> str | None:
    """scheme://host[:port] in lower case, without a default port; None when it is no absolute http(s) URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
        return None
    name = f"[{host}]" if ":" in host else host
    default = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{name}" + ("" if port in (None, default) else f":{port}")


def _multipart(request: RenderedRequest) -> aiohttp.FormData:
    assert request.file is not None
    form = aiohttp.FormData()
    for name, value in request.form.items():
        form.add_field(name, value)
    form.add_field(
        request.file.name,
        io.BytesIO(request.file.data),
        content_type=request.file.mime,
        filename=request.file.filename,
    )
    return form


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The body, or None when it is longer than the limit; counted after decompression, chunk by chunk."""
    length = response.content_length
    if length is not None and length <= limit and "Content-Encoding" not in response.headers:
        return await response.read()
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _kind(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    name = errno.errorcode.get(number, "") if isinstance(number, int) else ""
    return f"{type(error).__name__} {name}".rstrip()
