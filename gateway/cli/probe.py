"""Does a public address answer the channel's handshake? Asked as the channel asks, from this machine."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp

from gateway.model.personal import Secret

TIMEOUT_S = 6.0
_BODY_MAX = 4096


class Answer(StrEnum):
    GOOD = "good"
    SILENT = "silent"
    """nobody answered there"""
    CERTIFICATE = "certificate"
    """its certificate is not accepted"""
    REFUSED = "refused"
    """it answers and does not know our verify token"""
    ELSE = "else"
    """something else answers there"""


@dataclass(frozen=True, slots=True)
class Shake:
    """words: what came, for people, without the verify token; certificate_ends_ms: of the certificate, None without one."""

    answer: Answer
    words: str
    certificate_ends_ms: int | None = None


async def shake(
    url: str, verify_token: Secret, *, tls: ssl.SSLContext | None = None, timeout_s: float = TIMEOUT_S
) -> Shake:
    """GET `url` with a challenge. tls: whom to trust, None = as browsers do. Follows no redirect, as the channel does not."""
    challenge = str(secrets.randbelow(10**10))
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token.reveal()}
    try:
        async with asyncio.timeout(timeout_s):
            async with aiohttp.ClientSession() as session:
                trust = tls if tls is not None else True
                async with session.get(url, params=query, allow_redirects=False, ssl=trust) as reply:
                    status, said = reply.status, await reply.content.read(_BODY_MAX)
            ends = await _certificate_ends(url, tls)
    except aiohttp.ClientConnectorCertificateError as error:
        return Shake(Answer.CERTIFICATE, _certificate_words(error.certificate_error))
    except aiohttp.ClientConnectorSSLError as error:
        return Shake(Answer.CERTIFICATE, f"no TLS there ({type(error.os_error).__name__})")
    except TimeoutError:
        return Shake(Answer.SILENT, f"no answer within {timeout_s:g} s")
    except aiohttp.ClientConnectorDNSError:
        return Shake(Answer.SILENT, "its name is not known to the DNS")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Shake(Answer.SILENT, f"nobody answers ({type(error).__name__})")
    if status == 200 and said.decode("utf-8", "replace") == challenge:
        return Shake(Answer.GOOD, "answers the handshake", ends)
    if status in (401, 403):
        return Shake(Answer.REFUSED, f"HTTP {status}", ends)
    return Shake(Answer.ELSE, f"HTTP {status}" + ("" if status != 200 else " without the challenge"), ends)


async def _certificate_ends(url: str, tls: ssl.SSLContext | None) -> int | None:
    """Asked on a connection of its own: the HTTP client lets go of its connection before anybody can look at it."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    context = tls or ssl.create_default_context()
    _, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=context, server_hostname=parts.hostname)
    try:
        ends = (writer.get_extra_info("peercert") or {}).get("notAfter")
    finally:
        writer.close()
    return int(ssl.cert_time_to_seconds(ends) * 1000) if isinstance(ends, str) else None


def _certificate_words(error: Exception) -> str:
    words = getattr(error, "verify_message", "") or type(error).__name__
    return f"its certificate is not accepted: {words}"
