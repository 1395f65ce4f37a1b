"""The console listener's routes: /desk, /login, /logout. What a partner site's agents may reach, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property

from aiohttp import web

from gateway.errors import NotFound
from gateway.model.agent import Permission
from gateway.prices.amount import exact
from gateway.rules.reasons import ReasonRules
from gateway.store.sessions import PROVIDER
from gateway.webcare import choices, commands, files, own, replying, session
from gateway.webcare.audit_page import AuditRoutes
from gateway.webcare.board_page import BoardRoutes
from gateway.webcare.canned_own import OwnCannedRoutes
from gateway.webcare.catalogue import locale_of, words_in
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.here import arrive, choose, heard
from gateway.webcare.leaving import LeavingRoutes
from gateway.webcare.looks import Looks
from gateway.webcare.pages import KEY_LIST, Pages, static_file
from gateway.webcare.problems import answering, body_of
from gateway.webcare.providing import Providing
from gateway.webcare.searching import Searching, card_past, prices
from gateway.webcare.session import SECURITY_HEADERS, Asker
from gateway.webcare.several_page import SeveralRoutes
from gateway.webcare.signing import Signing
from gateway.webcare.stream import Stream
from gateway.webcare.tabs import Tabs

UNSEEN = "unseen"
"""In the address of a conversation: a supervisor looks along without being shown."""
TIMELINE = 12
"""What passed before, on the card: so much at most."""


def add_console_routes(app: web.Application, deps: WebcareDeps, *, framed_by: str = "") -> None:
    """Add /desk and sign-in to the console listener. `webcare.run` must run beside it, else pages are late by 1.5 s.

    framed_by: the only place whose pages may show the desk in a frame; "" none
    """
    if framed_by:
        app.on_response_prepare.append(session.framed_by(framed_by))
    pages = Pages(deps)
    console = Console(deps, pages)

    def add(method: str, path: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        app.router.add_route(method, path, answering(deps, handler))

    add("GET", "/", console.get_root)
    signing = Signing(deps, pages)
    signing.add_routes(add)
    if deps.provider is not None:
        Providing(deps, pages, signing, deps.provider).add_routes(add)
    add("GET", "/desk/static/{file}", console.get_static)
    add("GET", "/desk/live", session.data(deps, console.get_live, alive=False))
    add("GET", "/desk/parts", session.data(deps, console.get_parts, alive=False))
    add("GET", "/desk/alive", session.data(deps, console.post_seen, alive=False))
    add("POST", "/desk/seen", session.command(deps, console.post_seen))
    add("POST", "/desk/status", session.command(deps, console.post_status))
    board = BoardRoutes(deps, pages)
    board.add_routes(add)
    AuditRoutes(deps, pages).add_routes(add)
    own_canned = OwnCannedRoutes(deps)
    add("GET", "/desk/own/canned", session.data(deps, own_canned.get_own))
    add("POST", "/desk/own/canned", session.command(deps, own_canned.post_own))
    add("POST", "/desk/own", session.command(deps, console.post_own))
    searching = Searching(deps)
    add("POST", "/desk/search", session.command(deps, searching.post_search))
    add("GET", "/desk/past/{conversation}", session.data(deps, searching.get_past))
    SeveralRoutes(deps, pages, console.looks).add_routes(add)
    LeavingRoutes(deps, pages).add_routes(add)
    add("GET", "/desk", session.page(deps, console.get_desk))
    add("GET", "/desk/{conversation}", session.page(deps, console.get_desk))
    # What the page asks for by itself, a picture that came in, say, is no sign that somebody is there.
    add("GET", "/desk/{conversation}/past", session.data(deps, console.get_past, alive=False))
    add("GET", "/desk/{conversation}/prices", session.data(deps, console.get_prices, alive=False))
    add("GET", "/desk/{conversation}/why", session.data(deps, console.get_why))
    add("GET", "/desk/{conversation}/files/{file}", session.data(deps, console.get_file, alive=False))
    add("GET", "/desk/{conversation}/draft", session.data(deps, console.get_drafts))
    add("POST", "/desk/{conversation}/draft", session.command(deps, console.post_draft))
    add("GET", "/desk/{conversation}/canned", session.data(deps, console.get_canned))
    add("GET", "/desk/{conversation}/templates", session.data(deps, console.get_templates, alive=False))
    add("POST", "/desk/{conversation}/files", session.command(deps, console.post_file))
    add("POST", "/desk/{conversation}/{command}", session.command(deps, console.post_command))

    async def let_go(app: web.Application) -> None:
        deps.live.stop()
        board.stop()

    app.on_shutdown.append(let_go)


class Console:
    def __init__(self, deps: WebcareDeps, pages: Pages) -> None:
        self._deps = deps
        self._pages = pages
        self.looks = Looks(deps.agents)
        self._tabs = Tabs()

    @cached_property
    def _reasons(self) -> ReasonRules:
        """Understood when first asked for: a process that shows no conversation need not."""
        return ReasonRules(self._deps.plan.reasons)

    async def get_root(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther("/desk", headers=SECURITY_HEADERS)

    async def get_static(self, request: web.Request) -> web.StreamResponse:
        path, mime = static_file(request.match_info["file"])
        # Always asked again (304 by ETag): a page of yesterday with modules of today is a puzzle.
        return web.FileResponse(path, headers={**SECURITY_HEADERS, "Content-Type": mime, "Cache-Control": "no-cache"})

    async def post_seen(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """POST /desk/seen: somebody is at the keyboard, the session lasts on. GET /desk/alive only asks whether it lives."""
        return web.json_response({"now": self._deps.clock.now_ms()}, headers=SECURITY_HEADERS)

    async def get_file(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """A file of a conversation that they may read; `?save` as a download."""
        one = await commands.readable(self._deps, who.agent, request.match_info["conversation"])
        await self.looks.note(who.agent, one, session.place_of(self._deps, request))
        return await files.get_file(self._deps, one, request.match_info["file"], save="save" in request.query)

    async def get_drafts(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """What colleagues left unsent here."""
        one = await commands.readable(self._deps, who.agent, request.match_info["conversation"])
        await self.looks.note(who.agent, one, session.place_of(self._deps, request))
        return web.json_response({"unsent": await replying.unsent(self._deps, one, who.agent)}, headers=SECURITY_HEADERS)

    async def post_draft(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """What they have written so far, for whoever has the conversation next. Sends nothing."""
        one = await commands.readable(self._deps, who.agent, request.match_info["conversation"])
        await replying.keep_draft(self._deps, one, who.agent, await body_of(request))
        return web.json_response({}, headers=SECURITY_HEADERS)

    async def get_canned(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """What is said often, filled in for this customer."""
        one = await commands.readable(self._deps, who.agent, request.match_info["conversation"])
        await self.looks.note(who.agent, one, session.place_of(self._deps, request))
        found = await replying.canned(self._deps, one, who.agent)
        return web.json_response({"canned": found}, headers=SECURITY_HEADERS)

    async def get_templates(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """What may be said to them while the service window is shut: words, blanks to fill in, price."""
        one = await commands.readable(self._deps, who.agent, request.match_info["conversation"])
        found = await replying.offered(self._deps, one)
        return web.json_response({"templates": found}, headers=SECURITY_HEADERS)

    async def post_file(self, request: web.Request, who: Asker) -> web.StreamResponse:
        return await files.post_file(self._deps, request, who.agent, headers=SECURITY_HEADERS)

    # the desk

    async def get_desk(self, request: web.Request, who: Asker) -> web.StreamResponse:
        identifier = request.match_info.get("conversation", "")
        opened, status, unseen = None, 200, False
        locale = locale_of(who.agent.locale, request.headers.get("Accept-Language", ""))
        if request.cookies.get(session.START_COOKIE) != "no":
            await arrive(self._deps, who.agent, self._deps.agents.sessions.age_ms(who.session))
        if identifier:
            try:
                one = await commands.readable(self._deps, who.agent, identifier)
                unseen = UNSEEN in request.query
                if unseen and not self.looks.unseen(who.agent, one):
                    raise web.HTTPSeeOther(f"/desk/{one.id}", headers=SECURITY_HEADERS)
                opened = await self._pages.opened(who.agent, one, locale)
                await self.looks.note(who.agent, one, session.place_of(self._deps, request), page=True, unseen=unseen)
            except NotFound:
                status = 404
        offered = await choices.choices(self._deps, self._reasons, who.agent, opened.conversation, locale) if opened else None
        sides = await self._pages.sides(who.agent, identifier, locale)
        html = self._pages.draw(
            "desk.html",
            locale,
            agent=who.agent,
            csrf=who.session.csrf,
            own=own.shown(who.agent),
            by_provider=who.session.how == PROVIDER,
            sides=sides,
            top=sides["top"],
            key_list=KEY_LIST,
            choices=offered,
            opened=opened,
            missing=status == 404,
            unseen=unseen,
            brands=[brand for brand in self._deps.brands if who.agent.may(Permission.READ, brand)],
            audits=self._pages.audits(who.agent),
            now_ms=self._deps.clock.now_ms(),
        )
        return web.Response(text=html, content_type="text/html", status=status, headers=SECURITY_HEADERS)

    async def _stream(self, request: web.Request, who: Asker) -> Stream:
        unseen = False
        if request.query.get("conversation"):
            try:
                one = await commands.readable(self._deps, who.agent, request.query["conversation"])
                unseen = UNSEEN in request.query and self.looks.unseen(who.agent, one)
                await self.looks.note(who.agent, one, session.place_of(self._deps, request), unseen=unseen)
            except NotFound:
                pass  # the stream shows nothing of it either, and says so
        return Stream(self._deps, self._pages, self._tabs, who, request.query, unseen=unseen)

    async def get_live(self, request: web.Request, who: Asker) -> web.StreamResponse:
        return await (await self._stream(request, who)).serve(request)

    async def get_parts(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """The live connection by GET, for proxies that let no WebSocket through; a beat too."""
        await heard(self._deps, who.agent, "", {"t": "beat", "touched": request.query.get("touched") == "yes"})
        return web.json_response(await (await self._stream(request, who)).poll(), headers=SECURITY_HEADERS)

    async def get_why(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """Why this agent: for supervisors."""
        one = await commands.readable(self._deps, who.agent, request.match_info["conversation"])
        if not who.agent.may(Permission.FORCE, one.brand, one.queue):
            raise NotFound("no such page")
        found = await choices.why(self._deps, one)
        html = self._pages.draw("why.html", locale_of(request.query.get("lang", ""), ""), decisions=found, hows=choices.HOWS)
        return web.Response(text=html, content_type="text/html", headers=SECURITY_HEADERS)

    async def get_past(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """The part of the customer card that the history knows."""
        one = await commands.readable(self._deps, who.agent, request.match_info["conversation"])
        await self.looks.note(who.agent, one, session.place_of(self._deps, request))
        found = await card_past(self._deps, who.agent, one, limit=TIMELINE)
        locale = locale_of(request.query.get("lang", ""), "")
        html = self._pages.draw("past.html", locale, past=found, now_ms=self._deps.clock.now_ms())
        return web.Response(text=html, content_type="text/html", headers=SECURITY_HEADERS)

    async def get_prices(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """What messages of ours in the thread are expected to cost, in words; those of which it is not known are left out."""
        one = await commands.readable(self._deps, who.agent, request.match_info["conversation"])
        said = words_in(locale_of(request.query.get("lang", ""), ""))
        found = {
            message: f"{currency} {exact(expected)}" if expected else said.t("line.free")
            for message, (currency, expected) in (await prices(self._deps, one)).items()
        }
        return web.json_response({"prices": found}, headers=SECURITY_HEADERS)

    async def post_status(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """{"status": available | busy | break | offline, "kind": of a break}"""
        body = await body_of(request)
        await choose(self._deps, who.agent, str(body.get("status", "")), str(body.get("kind", "")))
        return web.json_response({"now": self._deps.clock.now_ms()}, headers=SECURITY_HEADERS)

    async def post_own(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """What they choose for themselves: {"send_key"?, "locale"?, "keys"?}."""
        after = await own.change(self._deps, who.agent, await body_of(request))
        return web.json_response(own.shown(after), headers=SECURITY_HEADERS)

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
