"""Who is asking: the session cookie, and what a request must bring along to be believed.

The cookie is HttpOnly and SameSite=Strict, so no other site's page can use it; a command also needs the session's own token in
a header, and a browser that says where the request comes from (Sec-Fetch-Site, Origin) must say: from here.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from aiohttp import web

from gateway.http import caller, is_proxied
from gateway.model.conversation import Agent
from gateway.store.sessions import SESSION_MS, Session
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.problems import problem

COOKIE = "desk"
FORM_COOKIE = "desk-form"
START_COOKIE = "desk-start"
"""no: who signed in does not want to be available at once"""
START_S = 120
"""So long after signing in the first page of the desk counts as arriving."""
CSRF_HEADER = "X-Desk-Token"

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def framed_by(url: str) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """For `on_response_prepare`: pages of this place may show ours in a frame. url: the host is what counts"""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))

    async def allow(request: web.Request, response: web.StreamResponse) -> None:
        policy = response.headers.get("Content-Security-Policy", "")
        if "frame-ancestors 'none'" in policy:
            response.headers["Content-Security-Policy"] = policy.replace("frame-ancestors 'none'", f"frame-ancestors {origin}")

    return allow


@dataclass(frozen=True, slots=True)
class Asker:
    agent: Agent
    session: Session
    token: str


Inside = Callable[[web.Request, Asker], Awaitable[web.StreamResponse]]


async def asker(deps: WebcareDeps, request: web.Request, *, alive: bool = True) -> Asker | None:
    token = request.cookies.get(COOKIE, "")
    found = await deps.agents.sessions.get(token, alive=alive) if token else None
    return Asker(found[0], found[1], token) if found else None


def page(deps: WebcareDeps, handler: Inside) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A page for people: whoever is not signed in, or whose desk is locked, is sent to /login and back."""

    async def run(request: web.Request) -> web.StreamResponse:
        who = await asker(deps, request)
        if who is None or who.session.locked:
            raise web.HTTPSeeOther(f"/login?next={quote(request.path)}", headers=SECURITY_HEADERS)
        return await handler(request, who)

    return run


def data(
    deps: WebcareDeps, handler: Inside, *, alive: bool = True, locked: bool = False
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """An answer for the page's own program: 401 for whoever is not signed in, 423 while the desk is locked.

    alive: that it is asked for shows that somebody is there; locked: also for a locked desk
    """

    async def run(request: web.Request) -> web.StreamResponse:
        who = await asker(deps, request, alive=alive)
        if who is None:
            return problem(401, "signed_out", "You are signed out. Your words are kept on this page; sign in again.")
        if who.session.locked and not locked:
            return problem(423, "locked", "The desk is locked. Your words are kept on this page.", how=who.session.how)
        return await handler(request, who)

    return run


def command(
    deps: WebcareDeps, handler: Inside, *, locked: bool = False
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Something that changes something: from our own page, with the session's token. locked: also for a locked desk."""

    async def inside(request: web.Request, who: Asker) -> web.StreamResponse:
        if not from_here(request):
            return problem(403, "foreign", "This came from another site, and is refused.")
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), who.session.csrf.encode()):
            return problem(403, "token", "This page belongs to another session: reload it. Your words are kept.")
        return await handler(request, who)

    return data(deps, inside, locked=locked)


def form(deps: WebcareDeps, handler: Inside) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """`command` for a form that is sent without a script: the session's token is its field `token`."""

    async def inside(request: web.Request, who: Asker) -> web.StreamResponse:
        if not from_here(request):
            return problem(403, "foreign", "This came from another site, and is refused.")
        given = str((await request.post()).get("token", ""))
        if not hmac.compare_digest(given.encode(), who.session.csrf.encode()):
            return problem(403, "token", "This page belongs to another session: reload it. Your words are kept.")
        return await handler(request, who)

    return page(deps, inside)


def from_here(request: web.Request) -> bool:
    """Whether the browser says that the request comes from our own page. A program that says nothing is no browser."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def place_of(deps: WebcareDeps, request: web.Request) -> str:
    """Where a request came from: the peer, or what a trusted proxy says of it (the last hop it added)."""
    return caller(request, deps.trusted_proxies)


def set_cookie(
    deps: WebcareDeps, request: web.Request, response: web.StreamResponse, name: str, value: str,
    *, max_age_s: int = SESSION_MS // 1000, samesite: str = "Strict",
) -> None:  # fmt: skip
    proxied = is_proxied(request, deps.trusted_proxies)
    secure = request.secure or (proxied and request.headers.get("X-Forwarded-Proto") == "https")
    response.set_cookie(name, value, max_age=max_age_s, httponly=True, samesite=samesite, secure=secure, path="/")
