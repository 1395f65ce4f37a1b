"""The console listener's routes: /desk, /login, /logout. What a partner site's agents may reach, and nothing else."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.errors import NotFound
from gateway.model.audit import Audited
from gateway.model.personal import Secret
from gateway.rules.rights import Reading, reading
from gateway.store.agents import Throttled
from gateway.webcare import commands, files, session
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.pages import Pages, static_file
from gateway.webcare.problems import answering, body_of
from gateway.webcare.session import SECURITY_HEADERS, Asker
from gateway.webcare.stream import Stream

_NEXT = re.compile(r"/desk(/v\d\d[0-9a-z]{13})?")
WRONG = "Name or password is wrong."


def add_console_routes(app: web.Application, deps: WebcareDeps) -> None:
    """Add /desk and sign-in to the console listener. `webcare.run` must run beside it, else pages are late by 1.5 s."""
    console = Console(deps)

    def add(method: str, path: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        app.router.add_route(method, path, answering(deps, handler))

    add("GET", "/", console.get_root)
    add("GET", "/login", console.get_login)
    add("POST", "/login", console.post_login)
    add("POST", "/logout", session.command(deps, console.post_logout))
    add("GET", "/desk/static/{file}", console.get_static)
    add("GET", "/desk/live", session.data(deps, console.get_live, alive=False))
    add("GET", "/desk/parts", session.data(deps, console.get_parts, alive=False))
    add("GET", "/desk/alive", session.data(deps, console.post_seen, alive=False))
    add("POST", "/desk/seen", session.command(deps, console.post_seen))
    add("GET", "/desk", session.page(deps, console.get_desk))
    add("GET", "/desk/{conversation}", session.page(deps, console.get_desk))
    add("GET", "/desk/{conversation}/files/{file}", session.data(deps, console.get_file))
    add("POST", "/desk/{conversation}/{command}", session.command(deps, console.post_command))

    async def let_go(app: web.Application) -> None:
        deps.live.stop()

    app.on_shutdown.append(let_go)


def _inside(path: str) -> str:
    """Where to go after signing in: only ever to the desk."""
    return path if _NEXT.fullmatch(path) else "/desk"


class Console:
    def __init__(self, deps: WebcareDeps) -> None:
        self._deps = deps
        self._pages = Pages(deps)

    async def get_root(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther("/desk", headers=SECURITY_HEADERS)

    async def get_static(self, request: web.Request) -> web.StreamResponse:
        path, mime = static_file(request.match_info["file"])
        # Always asked again (304 by ETag): a page of yesterday with modules of today is a puzzle.
        return web.FileResponse(path, headers={**SECURITY_HEADERS, "Content-Type": mime, "Cache-Control": "no-cache"})

    # signing in and out

    async def get_login(self, request: web.Request) -> web.StreamResponse:
        return self._login_page(request, "", 200)

    def _login_page(self, request: web.Request, said: str, status: int, name: str = "") -> web.Response:
        token = secrets.token_urlsafe(24)
        after = request.query.get("next", "/desk")
        html = self._pages.draw("login.html", said=said, token=token, given=name, after=_inside(after))
        response = web.Response(text=html, content_type="text/html", status=status, headers=SECURITY_HEADERS)
        session.set_cookie(self._deps, request, response, session.FORM_COOKIE, token)
        return response

    async def post_login(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        name, password, token = (str(form.get(field, "")) for field in ("name", "password", "token"))
        expected = request.cookies.get(session.FORM_COOKIE, "")
        if not session.from_here(request) or not expected or not hmac.compare_digest(token.encode(), expected.encode()):
            return self._login_page(request, "This page was open for too long. Please try again.", 403, name)
        place = session.place_of(self._deps, request)
        try:
            signed = await self._deps.agents.sign_in(name[:200], Secret(password[:1000]), place)
        except Throttled as error:
            minutes = max(1, round(error.wait_ms / 60_000))
            return self._login_page(request, f"Too many tries. Try again in {minutes} min.", 429, name)
        if signed is None:
            return self._login_page(request, WRONG, 403, name)
        after = str(form.get("next", "/desk"))
        response = web.Response(status=303, headers={**SECURITY_HEADERS, "Location": _inside(after)})
        session.set_cookie(self._deps, request, response, session.COOKIE, signed.token.reveal())
        response.del_cookie(session.FORM_COOKIE, path="/")
        return response

    async def post_logout(self, request: web.Request, who: Asker) -> web.StreamResponse:
        await self._deps.agents.sign_out(who.token)
        response = web.json_response({"next": "/login"}, headers=SECURITY_HEADERS)
        response.del_cookie(session.COOKIE, path="/")
        return response

    async def post_seen(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """POST /desk/seen: somebody is at the keyboard, the session lasts on. GET /desk/alive only asks whether it lives."""
        return web.json_response({"now": self._deps.clock.now_ms()}, headers=SECURITY_HEADERS)

    async def get_file(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """A file of a conversation that they may read; `?save` as a download."""
        one = await commands.readable(self._deps, who.agent, request.match_info["conversation"])
        return await files.get_file(self._deps, one, request.match_info["file"], save="save" in request.query)

    # the desk

    async def get_desk(self, request: web.Request, who: Asker) -> web.StreamResponse:
        identifier = request.match_info.get("conversation", "")
        opened, status = None, 200
        if identifier:
            try:
                one = await commands.readable(self._deps, who.agent, identifier)
                opened = await self._pages.opened(who.agent, one)
                if one.owner != who.agent.id:  # reading what is one's own leaves its trace in what one does
                    outside = reading(who.agent, one) is Reading.OUTSIDE
                    what = Audited.READ_OUTSIDE if outside else Audited.READ
                    await self._deps.agents.audit(what, who.agent.id, one.id, place=session.place_of(self._deps, request))
            except NotFound:
                status = 404
        lists = await self._pages.lists(who.agent, identifier)
        html = self._pages.draw(
            "desk.html",
            agent=who.agent,
            csrf=who.session.csrf,
            lists=lists,
            opened=opened,
            missing=status == 404,
            now_ms=self._deps.clock.now_ms(),
        )
        return web.Response(text=html, content_type="text/html", status=status, headers=SECURITY_HEADERS)

    def _stream(self, request: web.Request, who: Asker) -> Stream:
        return Stream(self._deps, self._pages, who, request.query.get("conversation", ""))

    async def get_live(self, request: web.Request, who: Asker) -> web.StreamResponse:
        return await self._stream(request, who).serve(request)

    async def get_parts(self, request: web.Request, who: Asker) -> web.StreamResponse:
        return web.json_response(await self._stream(request, who).parts(), headers=SECURITY_HEADERS)

    async def post_command(self, request: web.Request, who: Asker) -> web.StreamResponse:
        what = request.match_info["command"]
        key = request.headers.get("Idempotency-Key")
        body = await body_of(request)
        done, after = await commands.run(self._deps, who.agent, request.match_info["conversation"], what, key, body)
        answer = {
            "revision": done.revision,
            "epoch": after.epoch,
            "state": after.state,
            "entry": done.entry or None,
            "message": done.message or None,
            "repeated": done.repeated,
        }
        return web.json_response(answer, headers=SECURITY_HEADERS)
