"""Signing in and out at the console: password, second factor, the lock.

A password that is right opens a session, or, for a supervisor, an admin and whoever set one up, leads to the page of the second
factor; nothing of theirs can be reached before. The lock is a state of the session (store/sessions.py): here are the two
requests that open and close it. Signing in by a provider is in providing.py, on the same pages.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import zxingcpp
from aiohttp import web

from gateway.errors import Conflict
from gateway.model.audit import Audited
from gateway.model.personal import Secret
from gateway.store.second import HALF_MS, SecondFactors
from gateway.store.sessions import PROVIDER, SESSION_MS, Halfway, SignedIn
from gateway.store.tries import Throttled
from gateway.webcare import here, session
from gateway.webcare.catalogue import locale_of
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.pages import Pages
from gateway.webcare.problems import body_of, problem
from gateway.webcare.session import SECURITY_HEADERS, Asker

WRONG = "Name or password is wrong."
WRONG_CODE = "This code is wrong, or was used before. Wait for the next one and try again."
OLD_FORM = "This page was open for too long. Please try again."
HALF_COOKIE = "desk-half"
_NEXT = re.compile(r"/(desk(/v\d\d[0-9a-z]{13})?|board|audit)")
_PATH = re.compile(r'<path d="([^"]+)"')
_SIZE = re.compile(r'width="(\d+)"')

Add = Callable[[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]], None]


def inside(path: str) -> str:
    """Where to go after signing in: only ever to our own pages."""
    return path if _NEXT.fullmatch(path) else "/desk"


def language_of(request: web.Request, chosen: str = "") -> str:
    """Theirs where it is known who they are, else what their browser asks for."""
    return locale_of(chosen, request.headers.get("Accept-Language", ""))


class Signing:
    def __init__(self, deps: WebcareDeps, pages: Pages) -> None:
        self._deps = deps
        self._pages = pages
        self._sessions = deps.agents.sessions

    def add_routes(self, add: Add) -> None:
        add("GET", "/login", self.get_login)
        add("POST", "/login", self.post_login)
        add("GET", "/login/second", self.get_second)
        add("POST", "/login/second", self.post_second)
        add("POST", "/logout", session.command(self._deps, self.post_logout, locked=True))
        add("POST", "/desk/lock", session.command(self._deps, self.post_lock))
        add("POST", "/desk/unlock", session.command(self._deps, self.post_unlock, locked=True))

    # name and password

    async def get_login(self, request: web.Request) -> web.StreamResponse:
        return self.login_page(request)

    def login_page(
        self, request: web.Request, said: str = "", status: int = 200, name: str = "", after: str = ""
    ) -> web.Response:
        """after: where they were going; without it what the address says"""
        after = inside(after or request.query.get("next", "/desk"))
        return self._form(request, "login.html", said, status, given=name, after=after, provider=self._deps.provider is not None)

    def _form(
        self, request: web.Request, template: str, said: str, status: int, chosen: str = "", **context: Any
    ) -> web.Response:
        """A page with a form that only this browser can send. chosen: their own language, where it is known who they are"""
        token = secrets.token_urlsafe(24)
        html = self._pages.draw(template, language_of(request, chosen), said=said, token=token, **context)
        response = web.Response(text=html, content_type="text/html", status=status, headers=SECURITY_HEADERS)
        session.set_cookie(self._deps, request, response, session.FORM_COOKIE, token)
        return response

    async def _fields(self, request: web.Request, *names: str) -> list[str] | None:
        """What the form holds; None when it was not this browser's own."""
        form = await request.post()
        given, expected = str(form.get("token", "")), request.cookies.get(session.FORM_COOKIE, "")
        if not session.from_here(request) or not expected or not hmac.compare_digest(given.encode(), expected.encode()):
            return None
        return [str(form.get(name, "")) for name in names]

    async def post_login(self, request: web.Request) -> web.StreamResponse:
        fields = await self._fields(request, "name", "password", "next", "start")
        if fields is None:
            return self.login_page(request, OLD_FORM, 403)
        name, password, after, start = fields
        try:
            signed = await self._sessions.sign_in(
                name[:200], Secret(password[:1000]), session.place_of(self._deps, request)
            )
        except Throttled as error:
            return self.login_page(request, wait(error), 429, name, after)
        if signed is None:
            return self.login_page(request, WRONG, 403, name, after)
        response = await self._signed(request, signed, after)
        if start != "yes":  # the desk's first page asks, once it is there
            session.set_cookie(self._deps, request, response, session.START_COOKIE, "no", max_age_s=session.START_S)
        return response

    async def _signed(self, request: web.Request, signed: SignedIn | Halfway, after: str) -> web.Response:
        if isinstance(signed, Halfway):
            response = web.Response(status=303, headers={**SECURITY_HEADERS, "Location": f"/login/second?next={inside(after)}"})
            token = signed.token.reveal()
            session.set_cookie(self._deps, request, response, HALF_COOKIE, token, max_age_s=HALF_MS // 1000)
            return response
        response = web.Response(status=303, headers={**SECURITY_HEADERS, "Location": inside(after)})
        self.let_in(request, response, signed)
        return response

    def let_in(self, request: web.Request, response: web.Response, signed: SignedIn) -> None:
        session.set_cookie(self._deps, request, response, session.COOKIE, signed.token.reveal(), max_age_s=SESSION_MS // 1000)
        for name in (session.FORM_COOKIE, HALF_COOKIE):
            response.del_cookie(name, path="/")

    # the second factor

    async def get_second(self, request: web.Request) -> web.StreamResponse:
        half = await self._sessions.halfway(request.cookies.get(HALF_COOKIE, ""))
        if half is None:
            raise web.HTTPSeeOther("/login", headers=SECURITY_HEADERS)
        return self._second_page(request, half)

    def _second_page(self, request: web.Request, half: Halfway, said: str = "", status: int = 200) -> web.Response:
        secret, drawn = "", None
        if half.secret is not None:
            secret = " ".join(re.findall(".{1,4}", half.secret.reveal()))
            drawn = picture(SecondFactors.address(half.secret, half.agent.name.reveal()))
        after = inside(request.query.get("next", "/desk"))
        return self._form(request, "second.html", said, status, half.agent.locale, secret=secret, picture=drawn, after=after)

    async def post_second(self, request: web.Request) -> web.StreamResponse:
        half = await self._sessions.halfway(request.cookies.get(HALF_COOKIE, ""))
        if half is None:
            return self.login_page(request, OLD_FORM, 403)
        fields = await self._fields(request, "code", "next")
        if fields is None:
            return self._second_page(request, half, OLD_FORM, 403)
        code, after = fields
        try:
            done = await self._sessions.finish(half, code[:40], session.place_of(self._deps, request))
        except Throttled as error:
            return self._second_page(request, half, wait(error), 429)
        except Conflict:
            return self.login_page(request, "A second factor was set up in another window. Sign in with it.", 409)
        if done is None:
            return self._second_page(request, half, WRONG_CODE, 403)
        signed, paper = done
        if paper:
            html = self._pages.draw("paper.html", language_of(request, half.agent.locale), codes=paper, after=inside(after))
            response = web.Response(text=html, content_type="text/html", headers=SECURITY_HEADERS)
        else:
            response = web.Response(status=303, headers={**SECURITY_HEADERS, "Location": inside(after)})
        self.let_in(request, response, signed)
        return response

    # out, and the lock

    async def post_logout(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """{"next": where to go}: their provider's own page, where it signed them in and has one."""
        await self._sessions.sign_out(who.token)
        elsewhere = any(one.agent == who.agent.id and not one.locked for one in await self._sessions.all())
        await here.depart(self._deps, who.agent, elsewhere=elsewhere)
        await self._deps.agents.audit(Audited.SIGNED_OUT, who.agent.id, place=session.place_of(self._deps, request))
        onward = "/login"
        if who.session.how == PROVIDER and self._deps.provider is not None:
            onward = await self._deps.provider.goodbye() or onward
        response = web.json_response({"next": onward}, headers=SECURITY_HEADERS)
        response.del_cookie(session.COOKIE, path="/")
        return response

    async def post_lock(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """POST /desk/lock: somebody goes away. Every page of this session is locked."""
        await self._sessions.lock(who.session)
        return web.json_response({"locked": True}, headers=SECURITY_HEADERS)

    async def post_unlock(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """POST /desk/unlock {"password"}; a provider's people are told where to go, in a window of its own: {"next": ...}."""
        if not who.session.locked:
            return web.json_response({"locked": False}, headers=SECURITY_HEADERS)
        if who.session.how == PROVIDER:
            return web.json_response({"locked": True, "next": "/login/provider?unlock=1"}, headers=SECURITY_HEADERS)
        password = (await body_of(request)).get("password")
        given = Secret(password[:1000] if isinstance(password, str) else "")
        try:
            right = await self._sessions.unlock(who.agent, who.session, given, session.place_of(self._deps, request))
        except Throttled as error:
            return problem(429, "throttled", wait(error), wait_ms=error.wait_ms)
        if not right:
            return problem(403, "wrong_password", "The password is wrong. Your words are kept.")
        return web.json_response({"locked": False, "now": self._deps.clock.now_ms()}, headers=SECURITY_HEADERS)


def wait(error: Throttled) -> str:
    return f"Too many tries. Try again in {max(1, round(error.wait_ms / 60_000))} min."


def picture(address: str) -> tuple[int, str]:
    """A QR code as the side of its square, quiet zone included, and one SVG path: it stands in the page, so that the secret is
    in no address that could be logged."""
    svg = zxingcpp.write_barcode_to_svg(zxingcpp.create_barcode(address, zxingcpp.BarcodeFormat.QRCode, ec_level="M"))
    drawn, side = _PATH.search(svg), _SIZE.search(svg)
    if drawn is None or side is None:
        raise ValueError("the picture of a second factor was not drawn as a path")
    return int(side[1]), drawn[1]
