"""A message's document: from the store or from its issuer's URL, to a media id at the sender.

A URL is fetched only from a host of GATEWAY_DOCUMENT_HOSTS, over https (http only to this machine, where a sandbox runs), without
following redirects, and never from a private address: an event may not make us fetch what its sender could not.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from gateway.connector import Connector, FilePart, Outcome, Sender, SendResult
from gateway.errors import GatewayError
from gateway.model.ids import ContactId
from gateway.model.message import Document
from gateway.model.personal import Personal
from gateway.store.documents import Documents

FETCH_S = 20
_MAGIC = {"application/pdf": b"%PDF-", "image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


class DocumentProblem(GatewayError):
    """The document could not be had, and trying again will not help. The text holds no URL and no name."""


class UploadProblem(GatewayError):
    """The channel did not take the document; `result` says whether to try again."""

    def __init__(self, result: SendResult) -> None:
        super().__init__(f"upload: {result.outcome.value} {result.code}")
        self.result = result


async def _resolved(host: str, *, allow_local: bool) -> None:
    """Refuse a host that resolves to a private or local address."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(5):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError) as error:
        raise DocumentProblem("the document's host has no address") from error
    for *_, place in found:
        address = ipaddress.ip_address(place[0])
        if address.is_loopback and allow_local:
            continue
        if not address.is_global:
            raise DocumentProblem("the document's host is on a private network")


def check(data: bytes, mime: str, sizes: Mapping[str, int]) -> None:
    """Type by its first bytes and size by the channel's facts. Raises DocumentProblem."""
    if mime not in sizes:
        raise DocumentProblem(f"the channel takes no {mime}")
    if len(data) > sizes[mime]:
        raise DocumentProblem(f"the document is larger than {sizes[mime] // 1_000_000} MB")
    if not data.startswith(_MAGIC.get(mime, b"")):
        raise DocumentProblem(f"the document is no {mime}")


class DocumentDesk:
    """Gives deliver a media id. hosts: GATEWAY_DOCUMENT_HOSTS; allow_local: towards a sandbox only."""

    def __init__(self, documents: Documents, hosts: tuple[str, ...], *, allow_local: bool) -> None:
        self._documents = documents
        self._hosts = hosts
        self._allow_local = allow_local

    async def media(
        self, spec: Mapping[str, Any], contact: ContactId, connector: Connector, sender: Sender
    ) -> tuple[Document, Personal]:
        """The document and its media id for this contact at this sender. Raises DocumentProblem, UploadProblem."""
        document = Document(spec["ref"], spec["mime"], spec["filename"])
        known = await self._documents.media_id(contact, document.ref, sender.id)
        if known is not None:
            return document, known
        data = await self._documents.get(contact, document.ref)
        if data is None and spec.get("url"):
            data = await self._fetch(str(spec["url"]), connector.facts.document_mimes.get(document.mime, 0))
        if data is None:
            raise DocumentProblem("the document's bytes are gone")
        check(data, document.mime, connector.facts.document_mimes)
        request = connector.render_upload(sender, FilePart("file", document.filename, document.mime, data))
        try:
            result = connector.classify(await connector.send(request))
        except (OSError, TimeoutError, GatewayError) as error:
            result = connector.classify(error)
        if result.outcome is not Outcome.ACCEPTED or result.channel_id is None:
            # An upload that got no answer may be repeated: a file nobody refers to harms nobody.
            raise UploadProblem(result)
        # A day less than the channel keeps it, so that none ends on the way.
        ttl = max(connector.facts.media_ttl_ms - 24 * 3600_000, 3600_000)
        await self._documents.set_media_id(contact, document.ref, sender.id, result.channel_id, ttl_ms=ttl)
        return document, result.channel_id

    async def forget(self, spec: Mapping[str, Any], contact: ContactId, sender: Sender) -> None:
        """The channel lost the file: the next attempt uploads again."""
        await self._documents.forget_media_id(contact, spec["ref"], sender.id)

    async def _fetch(self, url: str, largest: int) -> bytes:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host not in self._hosts:
            raise DocumentProblem("the document's host is not listed in GATEWAY_DOCUMENT_HOSTS")
        local = self._allow_local and host in ("127.0.0.1", "localhost", "::1")
        if parts.scheme != "https" and not local:
            raise DocumentProblem("the document's URL is not https")
        await _resolved(host, allow_local=local)
        timeout = aiohttp.ClientTimeout(total=FETCH_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.get(url, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise DocumentProblem(f"the document's host answered {response.status}")
                data = bytearray()
                async for chunk in response.content.iter_chunked(65536):
                    data += chunk
                    if len(data) > largest:
                        raise DocumentProblem("the document is larger than the channel takes")
                return bytes(data)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DocumentProblem(f"the document could not be fetched: {type(error).__name__}") from None
