"""/audit: the auditors' page, on the console's listener: who did what, when, from where, what it was before; and out as a table.

A page that needs no script: filters in its address, which hold ids and days and nobody's name, and links from page to page. Its
one script only takes the page away when the desk is locked. Whoever may not read the audit is told that there is no such page.
The look is written down before anything is shown, the table before its first line leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from gateway.errors import NotFound, StoreUnavailable
from gateway.insight.past import Past
from gateway.model.agent import Permission
from gateway.model.audit import Audited
from gateway.webcare import audit_table, session
from gateway.webcare.audit_rows import Row, rows
from gateway.webcare.auditing import VIEW_MS, WORDS, Asked, Question, Sight, Turned, page_at, sight_of, understood
from gateway.webcare.catalogue import locale_of, words_in
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.pages import Pages
from gateway.webcare.session import SECURITY_HEADERS, Asker
from gateway.webcare.signing import Add

PAGE = 50
LABELLED = frozenset(
    {
        "target", "person", "asked", "why", "how", "count", "terms", "brand", "left", "scope", "until", "people", "act", "from",
        "to", "older",
    }
)  # fmt: skip
"""Words of an entry that have a word of the page; others are shown as they stand."""


class AuditRoutes:
    def __init__(self, deps: WebcareDeps, pages: Pages) -> None:
        self._deps = deps
        self._pages = pages

    def add_routes(self, add: Add) -> None:
        add("GET", "/audit", session.page(self._deps, self.get_audit))
        add("POST", "/audit/table", session.form(self._deps, self.post_table))

    async def get_audit(self, request: web.Request, who: Asker) -> web.StreamResponse:
        past, sight = await self._open(who)
        try:
            question = await understood(request.query, sight, past, self._deps.agents, who.agent)
        except StoreUnavailable:
            return self._page(request, who, sight, Question(Asked(), wrong={"page": "late"}), 503)
        if question.wrong:
            return self._page(request, who, sight, question, 422)
        viewed_ms = await self._viewed(request, who, question)
        try:
            found, older = await self._read(past, sight, question)
        except StoreUnavailable:
            return self._page(request, who, sight, Question(question.asked, wrong={"page": "late"}), 503)
        turn = page_at(self._deps.agents, who.agent, question.asked, Turned(older, viewed_ms)) if older else ""
        return self._page(request, who, sight, question, 200, found, turn)

    async def post_table(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """All that the filters find, as CSV; how many is in the audit before the first line leaves."""
        past, sight = await self._open(who)
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        form.pop("page", None)
        try:
            question = await understood(form, sight, past, self._deps.agents, who.agent)
            if not question.wrong:
                return await self._table(request, who, past, sight, question.asked)
        except StoreUnavailable:
            return self._page(request, who, sight, Question(Asked(), wrong={"page": "late"}), 503)
        return self._page(request, who, sight, question, 422)

    async def _table(self, request: web.Request, who: Asker, past: Past, sight: Sight, asked: Asked) -> web.StreamResponse:
        until_ms = min(asked.until_ms, self._deps.clock.now_ms() + 1)
        count = await audit_table.count(past, sight, asked, until_ms)
        if count > audit_table.MOST:
            return self._page(request, who, sight, Question(asked, wrong={"page": "many"}), 422)
        await self._write(request, who, asked, Audited.AUDIT_EXPORTED, count=str(count))
        return await audit_table.send(request, past, sight, asked, until_ms)

    async def _open(self, who: Asker) -> tuple[Past, Sight]:
        if self._deps.past is None or not self._pages.audits(who.agent):
            raise NotFound("no such page")
        return self._deps.past, await sight_of(self._deps.agents, who.agent)

    async def _read(self, past: Past, sight: Sight, question: Question) -> tuple[list[Row], str]:
        """A page of entries, and where the next one begins, "" for the end."""
        found = await audit_table.read(past, sight, question.asked, before=question.turned.place, limit=PAGE + 1)
        return rows(found[:PAGE], sight.names), found[PAGE - 1].place if len(found) > PAGE else ""

    async def _viewed(self, request: web.Request, who: Asker, question: Question) -> int:
        """When this view was written down: now, where it begins, or began an hour ago and more."""
        now, viewed_ms = self._deps.clock.now_ms(), question.turned.viewed_ms
        if now - viewed_ms < VIEW_MS:
            return viewed_ms
        await self._write(request, who, question.asked, Audited.AUDIT_READ)
        return now

    async def _write(self, request: web.Request, who: Asker, asked: Asked, what: Audited, **more: str) -> None:
        query = asked.query
        about = query.pop("conversation", "")
        place = session.place_of(self._deps, request)
        await self._deps.agents.audit(what, who.agent.id, about, place=place, **query, **more)

    def _page(
        self, request: web.Request, who: Asker, sight: Sight, question: Question, status: int, found: list[Row] | None = None,
        turn: str = "",
    ) -> web.Response:  # fmt: skip
        """found: None where nothing was looked for"""
        locale, asked = locale_of(who.agent.locale, request.headers.get("Accept-Language", "")), question.asked
        said = words_in(locale).words
        brands = None if sight.brands is None else [self._deps.brands.get(one, one) for one in sorted(sight.brands)]
        html = self._pages.draw(
            "audit.html", locale, agent=who.agent, csrf=who.session.csrf, asked=asked, wrong=question.wrong, found=found,
            older=address({**asked.query, "page": turn}) if turn else "", newest=address(asked.query),
            turned=bool(question.turned.place), people=sight.people, others=others(sight, asked), acts=sight.acts, brands=brands,
            of=lambda person: address({"person": person}), may_read=who.agent.may(Permission.READ),
            brand_of=lambda one: self._deps.brands.get(one, one), labelled=LABELLED,
            what_of=lambda kind: said.get(f"audit.what.{kind}", kind.replace("_", " ")),
        )  # fmt: skip
        return web.Response(text=html, content_type="text/html", status=status, headers=SECURITY_HEADERS)


def address(query: Mapping[str, str]) -> str:
    return f"/audit?{urlencode(query)}" if query else "/audit"


def others(sight: Sight, asked: Asked) -> tuple[str, ...]:
    """Who can be chosen beside the agents: the command line, the provider, and whom the address names."""
    known = {*WORDS, *(one.id for one in sight.people), ""}
    return WORDS if asked.person in known else (*WORDS, asked.person)

