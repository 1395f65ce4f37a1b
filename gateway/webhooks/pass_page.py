"""/d/{token}: the page behind the link of a pass or ticket.

    GET, HEAD /d/T            before the proof: who sends it, "your travel document", a form; after it: the document
    POST      /d/T            the answer to the form; a right one opens the page on this device, and there alone
    GET       /d/T/live       what has changed, for the page that is open
    GET       /d/T/apple ...  a wallet pass, a wallet link, a calendar entry
    POST      /d/T/close      the device lets go of it, so that another one may prove itself

Getting consumes nothing and shows nothing of anybody: chats fetch each link to make a preview of it, and links are forwarded.
What a stranger is told of a token that is wrong, over or replaced says nothing of whose it was. The store has keyed hashes of
devices' secrets (pass_device.py) and of wrong answers, never what was said.

Nothing is kept in the browser but the cookie: no-store, and no service worker, for a copy of a pass that the person cannot see
outlasts an erasure, a replacement and the phone's owner. What is on the screen stays there without a network; who wants it to
outlast the tab takes it into a wallet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from aiohttp import web

from gateway.clock import Clock
from gateway.documents.paper import Paper, PaperKind, Symbol
from gateway.documents.symbols import symbol_svg
from gateway.documents.wallet_now import paper_now, seen_on
from gateway.documents.wallets import WalletKind, Wallets
from gateway.errors import CannotDraw, CannotWrap, Sealed, StoreError
from gateway.http import caller
from gateway.model.event import EventType
from gateway.model.pass_page import Answer, Device, PassPage, PassState
from gateway.notifications.brands import Look
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.formats import Reader
from gateway.rules import changes, lightproof
from gateway.store.passes import Passes
from gateway.store.subjects import Subjects
from gateway.store.vault import Vault
from gateway.webhooks import pass_device, pass_html
from gateway.webhooks.invite import Limit
from gateway.webhooks.pass_html import Around, Form, Frame
from gateway.webhooks.pass_view import State, View, ends_ms, view
from gateway.webhooks.pass_words import language_of

PATH = "/d/{token}"
DRAW_S = 10.0
GUESSES = 60
"""Tokens that nobody made, a minute by one prefix."""
ASKS = 120
"""Everything else, a minute by one prefix for one page: all of a gate, and half of a phone network, are behind one address, each
looks every minute, and who knows a token guessed none."""

log = structlog.get_logger()

_STATES = {PaperKind.BOARDING_PASS: EventType.FLIGHT_STATUS.value, PaperKind.RAIL_TICKET: EventType.TRIP_STATUS.value}


@dataclass(frozen=True, slots=True)
class Deps:
    """plain: the page is reached without TLS (a sandbox, this machine), so that its cookie must work there too"""

    passes: Passes
    subjects: Subjects
    wallets: Wallets
    catalogue: Catalogue
    vault: Vault
    clock: Clock
    trusted_proxies: Sequence[str]
    default_brand: str
    plain: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: for which page, from which device.

    token:     "" for one that we never made; page: None where there is none (any more)
    paper:     None where nobody can read it any more
    states:    per leg what its flight or train is doing, {} where nobody has said
    secret:    the device's; brought: whether its browser had it already
    languages: what was wished for, the best first
    """

    token: str
    secret: str
    brought: bool
    languages: tuple[str, str]
    page: PassPage | None = None
    paper: Paper | None = None
    states: tuple[State, ...] = ()


Work = Callable[[web.Request, Asked], Awaitable[web.StreamResponse]]


class PassPages:
    def __init__(self, deps: Deps, *, guesses: Limit | None = None, asks: Limit | None = None) -> None:
        self._deps = deps
        self._guesses = guesses or Limit(GUESSES)
        self._asks = asks or Limit(ASKS)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(PATH, self._served(self.get_page), allow_head=True)
        app.router.add_post(PATH, self._served(self.post_answer))
        app.router.add_post(f"{PATH}/close", self._served(self.post_close))
        app.router.add_get(f"{PATH}/live", self._served(self.get_live), allow_head=False)
        app.router.add_get(PATH + "/{kind:apple|google|calendar}", self._served(self.get_offer), allow_head=False)

    def _served(self, work: Work) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """What every route has: who asks too often waits, and so does everybody while the store is away."""

        async def serve(request: web.Request) -> web.StreamResponse:
            token, brought = request.match_info["token"], pass_device.secret_of(request, plain=self._deps.plain)
            made = self._deps.passes.is_token(token)
            wishes = request.query.get("lang", ""), request.headers.get("Accept-Language", "")
            asked = Asked(token if made else "", brought or pass_device.new_secret(), bool(brought), wishes)
            limit = self._asks if made else self._guesses
            if not limit.allows(caller(request, self._deps.trusted_proxies), time.monotonic(), asked.token):
                return self._closed(asked, "busy", 429, {"Retry-After": "60"})
            try:
                asked = await self._read(asked)
                return await work(request, asked)
            except (StoreError, OSError, TimeoutError):
                return self._closed(asked, "busy", 503, {"Retry-After": "5"})

        return serve

    async def _read(self, asked: Asked) -> Asked:
        page = await self._deps.passes.find(asked.token) if asked.token else None
        if page is None or page.erased:
            return replace(asked, page=page)
        try:
            paper = Paper.load(page.paper)
        except (KeyError, ValueError, TypeError) as error:  # of a newer version than ours, which answers the next time
            raise StoreError("a paper in a form that this program does not know") from error
        return replace(asked, page=page, paper=paper, states=await self._states(page, paper))

    async def _states(self, page: PassPage, paper: Paper) -> tuple[State, ...]:
        """What each leg is doing. Whatever goes wrong here costs the news, and not the page."""
        name = _STATES.get(paper.kind)
        if name is None:
            return ()
        try:
            found = [changes.state_of((await self._deps.subjects.read(leg, name)).memory) for leg in page.legs]
        except (StoreError, Sealed, OSError, TimeoutError):
            return ()
        if paper.kind is not PaperKind.RAIL_TICKET:
            return tuple(found)
        return tuple(seen_on(leg, state) if state else state for leg, state in zip(paper.legs, found, strict=False))

    # requests

    async def get_page(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        answer = await self._shown(asked, _number(request.query.get("code", "1")))
        if not asked.brought and asked.page is not None and request.method == "GET":
            pass_device.hand(request, answer, asked.secret, plain=self._deps.plain, keep=False)
        return answer

    async def post_answer(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        form, page, passes = await pass_device.read_form(request), asked.page, self._deps.passes
        if form is None:
            return self._closed(asked, "missing", 400)
        if page is None or self._state(asked) is not PassState.VALID:
            return await self._shown(asked)
        if not asked.brought or not pass_device.is_ours(self._deps.vault.blind, asked.token, asked.secret, form, request):
            answer = self._ask(asked, page, "again", 403)
            pass_device.hand(request, answer, asked.secret, plain=self._deps.plain, keep=False)
            return answer
        said = form.get("said", "")
        known = lightproof.canonical(said)
        if not known:
            return self._ask(asked, page, "empty", 403)
        right = lightproof.opens(said, page.name_proofs, page.digits)
        beside = await passes.beside(page) if right else []
        others = [one for one in beside if lightproof.opens(said, one.name_proofs, one.digits)]
        word, left = await passes.prove(page, asked.secret, known, right=right, beside=others)
        if word is Answer.OPENED:
            answer = web.Response(status=303, headers={**self._headers(asked), "Location": self._path(asked, asked.token)})
            pass_device.hand(request, answer, asked.secret, plain=self._deps.plain, keep=True)
            return answer
        if word is Answer.WRONG:
            return self._ask(asked, page, "wrong" if left > 1 else "wrong_last", 403, left=left)
        return await self._shown(await self._read(asked))

    async def post_close(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        form, page = await pass_device.read_form(request), asked.page
        ours = form is not None and pass_device.is_ours(self._deps.vault.blind, asked.token, asked.secret, form, request)
        if page is None or not self._mine(asked) or not ours:
            return await self._shown(asked)
        await self._deps.passes.let_go(page, asked.secret)
        return self._closed(asked, "let_go_done", 200)

    async def get_live(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        if asked.paper is None or asked.page is None or not self._mine(asked):
            return web.Response(status=404, headers=self._headers(asked))
        if self._state(asked) is PassState.ENDED:
            return web.Response(status=410, headers=self._headers(asked))
        around = Around((), newest=await self._newest(asked, asked.page))
        return self._html(asked, pass_html.live(self._frame(asked), self._view(asked, asked.paper), around), 200)

    async def get_offer(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        page = asked.page
        if page is None or asked.paper is None or not self._mine(asked) or self._state(asked) is not PassState.VALID:
            return await self._shown(asked)
        kind, now_ms = WalletKind(request.match_info["kind"]), self._deps.clock.now_ms()
        paper = self._now(asked, asked.paper)
        if paper is None:
            return await self._shown(asked)
        try:
            # Beside the loop: a signature takes milliseconds, and the first entry of a process a fifteenth of a second to import.
            handed = await asyncio.to_thread(
                self._deps.wallets.make, kind, paper, self._language(asked), now_ms=now_ms, about=page.field
            )
        except CannotWrap:
            return self._closed(asked, "missing", 404)
        if handed.location:
            return web.Response(status=303, headers={**self._headers(asked), "Location": handed.location})
        named = {"Content-Type": handed.mime, "Content-Disposition": f'attachment; filename="{handed.filename}"'}
        return web.Response(body=handed.body, headers={**self._headers(asked), **named})

    # pages

    async def _shown(self, asked: Asked, first: int = 0) -> web.Response:
        """The page as this device may see it. first: the number of the code that it begins with, from 0"""
        page, state = asked.page, self._state(asked)
        if page is None:
            return self._closed(asked, "missing", 404)
        if asked.paper is None or state is PassState.ENDED:
            return self._closed(asked, "ended", 410)
        stands = self._stands(asked)
        if stands is Device.MINE:
            return await self._open(asked, page, asked.paper, first)
        if state is PassState.REPLACED:
            return self._closed(asked, "replaced", 410)
        if stands is Device.OTHER:
            return self._closed(asked, "other", 403)
        if stands is Device.SHUT:
            return self._closed(asked, "shut", 403)
        if not (page.name_proofs or page.digits):
            return self._closed(asked, "unknown", 403)
        return self._ask(asked, page, "", 200)

    def _ask(self, asked: Asked, page: PassPage, problem: str, status: int, left: int = 0) -> web.Response:
        frame = self._frame(asked)
        label = "both" if page.name_proofs and page.digits else "name" if page.name_proofs else "digits"
        form = Form(label, self._key(asked), frame.say(problem, left=left) if problem else "")
        return self._html(asked, pass_html.closed(frame, "title", form=form), status)

    async def _open(self, asked: Asked, page: PassPage, paper: Paper, first: int) -> web.Response:
        passes, shown = self._deps.passes, self._view(asked, paper)
        mine = [one for one in await passes.beside(page) if passes.stands(one, asked.secret) is Device.MINE]
        paths = [self._path(asked, one.token) for one in mine]
        place = next((number for number, one in enumerate(mine) if one.id == page.id), None)
        newest = await self._newest(asked, page)
        now = self._now(asked, paper) if not newest else None
        codes = [] if newest else await self._codes(page, paper, shown.labels)
        around = Around(
            codes=codes,
            first=min(first, max(0, len(codes) - 1)),
            place=place + 1 if place is not None else 1,
            count=len(mine) if place is not None else 1,
            previous=paths[place - 1] if place else "",
            following=paths[place + 1] if place is not None and place + 1 < len(mine) else "",
            offers={kind.value: f"/d/{asked.token}/{kind.value}" for kind in self._deps.wallets.offers(now)} if now else {},
            newest=newest,
            key=self._key(asked),
            no_code=bool(paper.symbols) and not codes and not newest,
        )
        return self._html(asked, pass_html.opened(self._frame(asked), shown, around), 200)

    async def _codes(self, page: PassPage, paper: Paper, labels: Sequence[str]) -> list[str]:
        """Every symbol as SVG, drawn and read back beside the loop; "" for one that cannot be drawn, [] where none can."""

        def draw(symbol: Symbol, label: str) -> str:
            try:
                return symbol_svg(symbol, label)
            except CannotDraw as error:
                log.warning("pass_page.code_not_drawn", page=page.id, problem=error.why)
                return ""

        def draw_all() -> list[str]:
            return [draw(symbol, label) for symbol, label in zip(paper.symbols, labels, strict=True)]

        try:
            async with asyncio.timeout(DRAW_S):
                codes = await asyncio.to_thread(draw_all)
        except TimeoutError:
            log.warning("pass_page.code_not_drawn", page=page.id, problem="late")
            return []
        return codes if any(codes) else []

    async def _newest(self, asked: Asked, page: PassPage) -> str:
        """Where the issue that took its place is, for a device that has it open; "" where it is the newest itself."""
        newest = await self._deps.passes.newest(page) if page.newest != page.id else None
        return self._path(asked, newest.token) if newest is not None and newest.token else ""

    # what they have in common

    def _state(self, asked: Asked) -> PassState:
        if asked.page is None or asked.paper is None:
            return PassState.ERASED
        return asked.page.state(self._deps.clock.now_ms(), ends_ms(asked.paper, asked.states))

    def _stands(self, asked: Asked) -> Device:
        return self._deps.passes.stands(asked.page, asked.secret if asked.brought else "") if asked.page else Device.NONE

    def _mine(self, asked: Asked) -> bool:
        return asked.paper is not None and self._stands(asked) is Device.MINE

    def _now(self, asked: Asked, paper: Paper) -> Paper | None:
        """What is taken along: nothing strikes out there what was so before. None where a leg is cancelled."""
        return paper_now(paper, asked.states, places=self._deps.catalogue.places, now_ms=self._deps.clock.now_ms())

    def _view(self, asked: Asked, paper: Paper) -> View:
        brand = self._deps.catalogue.brands.get(paper.brand)
        language, zone = self._language(asked), brand.timezone if brand else "UTC"
        return view(paper, asked.states, Reader(language, language, zone, self._deps.clock.now_ms(), self._deps.catalogue.places))

    def _brand(self, asked: Asked) -> tuple[str, str, str, Look]:
        """(name, language, where people help, how it looks) of the page's brand, else of the house's."""
        brands = self._deps.catalogue.brands
        brand = brands.get(asked.page.brand if asked.page else "") or brands.get(self._deps.default_brand)
        return (brand.name, brand.language, brand.support_url, brand.look) if brand else ("", "", "", Look())

    def _language(self, asked: Asked) -> str:
        wish, accepted = asked.languages
        return language_of(wish, asked.page.language if asked.page else "", accepted, self._brand(asked)[1])

    def _frame(self, asked: Asked) -> Frame:
        name, _, support, look = self._brand(asked)
        return Frame(self._language(asked), name, look, support, f"/d/{asked.token or '-'}")

    def _headers(self, asked: Asked) -> dict[str, str]:
        return pass_html.headers(self._brand(asked)[3])

    def _html(self, asked: Asked, text: str, status: int, more: Mapping[str, str] | None = None) -> web.Response:
        return web.Response(
            status=status, text=text, content_type="text/html", headers={**self._headers(asked), **(more or {})}
        )

    def _closed(self, asked: Asked, what: str, status: int, more: Mapping[str, str] | None = None) -> web.Response:
        return self._html(asked, pass_html.closed(self._frame(asked), what), status, more)

    def _key(self, asked: Asked) -> str:
        return pass_device.key_of(self._deps.vault.blind, asked.token, asked.secret)

    def _path(self, asked: Asked, token: str) -> str:
        return f"/d/{token}?lang={self._language(asked)}"


def _number(text: str) -> int:
    return int(text) - 1 if text.isascii() and text.isdigit() and len(text) < 3 and int(text) > 0 else 0
