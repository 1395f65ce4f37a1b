"""Which device asks for a travel page, and whether the form it sends is one of ours.

A device is known by a random secret in one cookie: HttpOnly, and SameSite=Lax, for a link that is followed from a chat in a
browser must bring it. With TLS its name begins with __Host-, so that no other host of the domain can set it, and no other
name counts: a secret that a neighbouring host chose and set before the proof would open the page there too after it. It is handed
out with the first page, for as long as the browser is open, and kept once a page was opened on it.

A form holds a key, a keyed hash of the token and this secret: another site knows neither, and makes nobody's browser answer.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from aiohttp import web

KEEP_S = 180 * 24 * 3600
LARGEST = 4096
READ_S = 5.0
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_NAMES = ("__Host-travel", "travel")

Blind = Callable[..., str]


def secret_of(request: web.Request, *, plain: bool) -> str:
    """The secret that the browser brought, "" for none. plain: no TLS is expected, so that the unguarded name counts as well"""
    names = _NAMES if plain else _NAMES[:1]
    found = next((request.cookies[name] for name in names if name in request.cookies), "")
    return found if _SECRET.fullmatch(found) else ""


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def hand(request: web.Request, answer: web.StreamResponse, secret: str, *, plain: bool, keep: bool) -> None:
    """Let the browser keep a secret. plain: where no TLS is expected, a cookie that asks for it would be thrown away"""
    secure = not plain or request.secure or request.headers.get("X-Forwarded-Proto") == "https"
    name, longest = _NAMES[0 if secure else 1], KEEP_S if keep else None
    answer.set_cookie(name, secret, max_age=longest, httponly=True, samesite="Lax", secure=secure, path="/")


def key_of(blind: Blind, token: str, secret: str) -> str:
    return blind("pass form", token, secret)


def is_ours(blind: Blind, token: str, secret: str, form: Mapping[str, str], request: web.Request) -> bool:
    """Whether the form was made for this device, and sent from a page of ours."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none") or not secret:
        return False
    return hmac.compare_digest(form.get("key", "").encode(), key_of(blind, token, secret).encode())


async def read_form(request: web.Request) -> dict[str, str] | None:
    """A small form's fields; None for one that is too large, too slow, or no form."""
    if (request.content_length or 0) > LARGEST or request.content_type != "application/x-www-form-urlencoded":
        return None
    raw = b""
    try:
        async with asyncio.timeout(READ_S):
            while len(raw) <= LARGEST and (more := await request.content.read(LARGEST + 1 - len(raw))):
                raw += more
        fields = parse_qs(raw.decode(), keep_blank_values=True, max_num_fields=8) if len(raw) <= LARGEST else None
    except (TimeoutError, ValueError):  # UnicodeDecodeError is one
        return None
    return None if fields is None else {name: values[0] for name, values in fields.items()}
