"""/board: the supervisor's page, on the console's listener. The desk's frame, stream, session and words; other parts.

Whoever is a supervisor or an auditor somewhere may look; what they see is theirs (board.py). Whoever may not is told that
there is no such page. Commands ask for their right again, whatever the page showed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from gateway.errors import BadInput, NotFound, Problem
from gateway.model.audit import Audited
from gateway.model.conversation import AgentId
from gateway.model.webcare import AgentStatus
from gateway.store.presence import BREAKS
from gateway.webcare import session
from gateway.webcare.board import BoardReader, may_brake, may_look, may_steer, next_shares
from gateway.webcare.board_hands import Hands, ask, do_it
from gateway.webcare.board_line import line, what
from gateway.webcare.catalogue import locale_of, words_in
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.here import choose, heard
from gateway.webcare.live import News
from gateway.webcare.pages import Pages, Part
from gateway.webcare.problems import body_of
from gateway.webcare.session import SECURITY_HEADERS, Asker
from gateway.webcare.stream import Stream
from gateway.webcare.tabs import Tabs

ASIDE_MS = 3600_000
"""How long an alert is put aside."""
GOAL = 0.8
STATUSES = ("available", "busy", *(f"break:{kind}" for kind in BREAKS), "offline")


class BoardPages:
    """Draws the parts of the board for one person."""

    def __init__(self, deps: WebcareDeps, pages: Pages) -> None:
        self._deps = deps
        self._pages = pages
        self.reader = BoardReader(deps)

    async def parts(self, who: Asker, locale: str) -> dict[str, Part]:
        found, now, words = await self.reader.board(who.agent), self._deps.clock.now_ms(), words_in(locale)
        said = line(
            words, found.day, found.alarms, found.names, now, missing=found.missing, pulled=found.brakes.pulled
        )
        alarms = [(one, what(words, one), found.names.get(one.owner, "–") if one.owner else "") for one in found.alarms or ()]
        part = self._pages.part
        return {
            "line": part("board_line.html", (said, alarms), locale, line=said, alarms=alarms, may=found.brakes.may),
            "now": part("board_now.html", found.now, locale, now=found.now, goal=GOAL),
            "agents": part("board_agents.html", found.now.agents, locale, agents=found.now.agents, statuses=STATUSES),
            "brakes": part(
                "board_brakes.html", (found.brakes, found.names), locale, brakes=found.brakes, names=found.names,
                shares={one.name: next_shares(one) for one in found.brakes.rollouts}, me=who.agent.id,
            ),
        }  # fmt: skip


class BoardStream(Stream):
    """The live connection of a board: looked at anew every moment, as most of it is not in the desk's feed."""

    PARTS = ("line", "now", "agents", "brakes")

    def __init__(self, boards: BoardPages, *args: Any) -> None:
        super().__init__(*args)
        self._boards = boards

    async def _draw(self, news: News) -> None:
        self._fresh = []
        if not may_look(self._who.agent):  # their right was taken away while they looked
            self._gone = True
            return
        for name, part in (await self._boards.parts(self._who, self._locale)).items():
            self._offer(name, part)

    async def _moved(self) -> bool:
        return True


class BoardRoutes:
    def __init__(self, deps: WebcareDeps, pages: Pages) -> None:
        self._deps = deps
        self._pages = pages
        self._boards = BoardPages(deps, pages)
        self._tabs = Tabs()

    def add_routes(self, add: Callable[[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]], None]) -> None:
        deps = self._deps
        add("GET", "/board", session.page(deps, self.get_board))
        add("GET", "/board/live", session.data(deps, self.get_live, alive=False))
        add("GET", "/board/parts", session.data(deps, self.get_parts, alive=False))
        add("POST", "/board/ask", session.command(deps, self.post_ask))
        add("POST", "/board/do", session.command(deps, self.post_do))
        add("POST", "/board/agents/{agent}/status", session.command(deps, self.post_status))
        add("POST", "/board/alarms/{alarm}", session.command(deps, self.post_alarm))

    def stop(self) -> None:
        self._boards.reader.stop()

    async def get_board(self, request: web.Request, who: Asker) -> web.StreamResponse:
        _looks(who)
        locale = locale_of(who.agent.locale, request.headers.get("Accept-Language", ""))
        html = self._pages.draw(
            "board.html", locale, agent=who.agent, csrf=who.session.csrf, now_ms=self._deps.clock.now_ms(),
            parts=await self._boards.parts(who, locale), may=may_brake(who.agent) and self._deps.hands is not None,
            audits=self._pages.audits(who.agent),
        )  # fmt: skip
        return web.Response(text=html, content_type="text/html", headers=SECURITY_HEADERS)

    def _stream(self, who: Asker, query: Mapping[str, str]) -> BoardStream:
        _looks(who)
        own = {name: value for name, value in query.items() if name != "conversation"}
        return BoardStream(self._boards, self._deps, self._pages, self._tabs, who, own)

    async def get_live(self, request: web.Request, who: Asker) -> web.StreamResponse:
        return await self._stream(who, request.query).serve(request)

    async def get_parts(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """The live connection by GET, for proxies that let no WebSocket through."""
        stream = self._stream(who, request.query)
        await heard(self._deps, who.agent, "", {"t": "beat", "touched": request.query.get("touched") == "yes"})
        return web.json_response(await stream.poll(), headers=SECURITY_HEADERS)

    # brakes

    async def post_ask(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """What a brake would do, and to how many. {"do", "target"}; the answer is the words of the question."""
        hands, body = self._hands(who), await body_of(request)
        found = await ask(hands, who.agent.id, str(body.get("do", "")), str(body.get("target", "")))
        words = words_in(locale_of(str(body.get("lang", "")), ""))
        places = dict(found.places)
        if places.get("what") == "all":
            places["what"] = words.t("board.everything")
        answer = {
            "title": words.t(f"board.do.{found.do}"),
            "says": words.t(f"board.ask.{found.key}", **places),
            "revision": found.revision,
            "wants": found.wants,
        }
        return web.json_response(answer, headers=SECURITY_HEADERS)

    async def post_do(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """{"do", "target", "why"}, of a crisis "subject", of a roll-out "revision". 202: somebody else must confirm."""
        hands, body = self._hands(who), await body_of(request)
        did = await do_it(hands, who.agent.id, str(body.get("do", "")), str(body.get("target", "")), body)
        self._boards.reader.forget()
        words = words_in(locale_of(str(body.get("lang", "")), ""))
        said = words.t(f"board.did.{did.key}" if did.done else "board.did.asked")
        return web.json_response({"said": said, "done": did.done}, status=200 if did.done else 202, headers=SECURITY_HEADERS)

    def _hands(self, who: Asker) -> Hands:
        if self._deps.hands is None or not may_brake(who.agent):
            raise NotFound("no such page")
        return self._deps.hands

    # alerts and people

    async def post_alarm(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """{"aside": true | false}: who asks looks after it; put aside, it does not stand first for an hour."""
        hands, body = self._hands(who), await body_of(request)
        aside = self._deps.clock.now_ms() + ASIDE_MS if body.get("aside") is True else 0
        await hands.alarms.take(request.match_info["alarm"], who.agent.id, aside)
        self._boards.reader.forget()
        return web.json_response({}, headers=SECURITY_HEADERS)

    async def post_status(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """Another's status: {"status", "kind"}. Written down as theirs who did it."""
        deps, body = self._deps, await body_of(request)
        name = AgentId(request.match_info["agent"])
        other = (await deps.agents.many([name])).get(name)
        if other is None or deps.presence is None or deps.hands is None or not may_steer(deps, who.agent, other):
            raise NotFound("no such person")
        status, kind = str(body.get("status", "")), str(body.get("kind", ""))
        if f"{status}:{kind}".removesuffix(":") not in STATUSES:
            raise BadInput([Problem("status", f"should be one of {', '.join(STATUSES)}")])
        before = await deps.presence.get(name)
        if before.status is AgentStatus.OFFLINE and not before.reachable(deps.clock.now_ms()):
            raise BadInput([Problem("status", "cannot be changed: they are not here")])
        place = session.place_of(deps, request)
        # Written down first: what somebody does to another's day does not go unnoticed.
        await deps.hands.audit.write(
            Audited.AGENT_CHANGED, who.agent.id, target=name, place=place, old=before.status.value, new=status
        )
        await choose(deps, other, status, kind)
        self._boards.reader.forget()
        return web.json_response({}, headers=SECURITY_HEADERS)


def _looks(who: Asker) -> None:
    if not may_look(who.agent):
        raise NotFound("no such page")


