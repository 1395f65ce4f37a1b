"""The live connection of one tab: a WebSocket; numbered patches down, beats and what the agent does up. Commands are POSTs.

On connecting, a tab says the last number it has and which versions it shows. It is sent what it missed (tabs.py) or told `view`:
your view is too old, here is everything that differs. Then `caught-up`, and from there each patch has the next number; a tab that
finds one missing connects again. A tab that reads too slowly is let go, and comes back to a whole view: nothing piles up for it.

The same by GET (`poll`), for proxies that let no WebSocket through: the number is the cursor.

A page is told which of its parts may have changed (live.py), and draws those alone: words in the open conversation draw its
thread, and a colleague's conversation draws neither that nor the agent's own lists. Delivery statuses are not in the feed, so
each open conversation is looked at every few moments, all of a process's at the same moment in the same round trips (pulse.py).
With each beat all is drawn, whatever was told: a page takes a beat for the word that what it shows is still so.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from gateway.errors import NotFound
from gateway.model.ids import ContactId, ConversationId, MessageId
from gateway.webcare import commands
from gateway.webcare.catalogue import locale_of
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.here import heard
from gateway.webcare.live import EVERYTHING, News, Watcher
from gateway.webcare.pages import Pages, Part
from gateway.webcare.pulse import Open, Pulse, next_look
from gateway.webcare.session import SECURITY_HEADERS, Asker, from_here
from gateway.webcare.tabs import Sent, Tabs, number_of

BEAT_S = 10.0
WRITE_S = 10.0
SAID_MAX = 4096
"""What a page may say at once, in bytes."""
HEARD_EVERY_S = 1.0
"""What a page says of one kind oftener than this is not acted on."""
KINDS = ("beat", "typing", "read")


class Stream:
    PARTS: tuple[str, ...] = ("top", "own", "waiting", "head", "card")

    def __init__(
        self, deps: WebcareDeps, pages: Pages, tabs: Tabs, who: Asker, query: Mapping[str, str], *, unseen: bool = False
    ) -> None:
        """query: conversation ("" none), tab, last, lang, and the version of each part that the page shows

        unseen: others who have the conversation open are not shown that this page has it
        """
        self._kinds = ("beat",) if unseen else KINDS
        self._deps = deps
        self._pages = pages
        self._tabs = tabs
        self._who = who
        self._name = query.get("tab", "")
        self._conversation = query.get("conversation", "")
        self._locale = locale_of(query.get("lang", ""), "")
        shown = {part: query[part][:64] for part in self.PARTS if part in query}
        self._tab, self._missed = tabs.attach(
            self._name, who.agent.id, self._conversation, number_of(query.get("last", "")), shown, tuple(who.agent.rights)
        )
        self._holder = self._tab.holder
        self._pulse: Pulse | None = None
        self._messages: Sequence[MessageId] = ()
        self._contact = ContactId("")
        self._watcher: Watcher | None = None
        self._handed: frozenset[ConversationId] = frozenset()
        self._fresh: list[Sent] = []
        self._gone = False
        self._heard_s: dict[str, float] = {}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Until the page goes, the session ends, or we stop."""
        if not from_here(request):
            return web.Response(status=403, text="This came from another site, and is refused.", headers=SECURITY_HEADERS)
        socket = web.WebSocketResponse(max_msg_size=SAID_MAX, compress=False, timeout=2.0)
        for name, value in SECURITY_HEADERS.items():
            socket.headers[name] = value
        await socket.prepare(request)
        listening = asyncio.create_task(self._listen(socket), name="desk.listen")
        speaking = asyncio.create_task(self._speak(socket), name="desk.speak")
        try:
            await asyncio.wait([listening, speaking], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (listening, speaking):
                task.cancel()
            await asyncio.gather(listening, speaking, return_exceptions=True)
        if not speaking.cancelled() and (error := speaking.exception()) is not None:
            # The page went, or could not keep up, or the store is away: it comes back to a whole view.
            self._tabs.drop(self._name, self._tab)
            if not isinstance(error, ConnectionError | TimeoutError):
                structlog.get_logger().warning("desk.stream_lost", error=type(error).__name__)
        await socket.close(code=WSCloseCode.GOING_AWAY)
        return socket

    async def poll(self) -> dict[str, Any]:
        """What the page missed and what changed since, at once."""
        missed = self._missed
        await self._draw(EVERYTHING)
        patches = [*(missed or ()), *self._fresh]
        return {
            "view": missed is None,
            "patches": [json.loads(one.text) for one in patches],
            "last": self._tab.number,
            "gone": self._gone,
            "now": self._deps.clock.now_ms(),
        }

    # up

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                return
            try:
                said = json.loads(message.data)
                kind = said["t"]
            except (ValueError, KeyError, TypeError):
                return
            if kind in self._kinds and _now() - self._heard_s.get(kind, 0.0) >= HEARD_EVERY_S:
                self._heard_s[kind] = _now()
                await heard(self._deps, self._who.agent, self._conversation, said)

    # down

    async def _speak(self, socket: web.WebSocketResponse) -> None:
        with self._deps.live.watch(self._who.agent.id, self._conversation) as watcher:
            self._watcher = watcher
            if self._missed is None:
                await self._send(socket, json.dumps({"t": "view"}))
            for one in self._missed or ():
                await self._send(socket, one.text)
            await self._tell(socket, EVERYTHING)
            await self._send(socket, json.dumps({"t": "caught-up", "n": self._tab.number, "now": self._deps.clock.now_ms()}))
            await self._follow(socket, watcher)

    async def _follow(self, socket: web.WebSocketResponse, watcher: Watcher) -> None:
        beat_at, look_at = _now() + BEAT_S, next_look()
        while True:
            news = await watcher.wait(min(look_at, beat_at) - _now())
            if self._deps.live.stopping or self._tab.holder != self._holder:
                return
            beat = _now() >= beat_at
            if beat:
                news = EVERYTHING
            if _now() >= look_at:
                look_at = next_look()
                if not news.thread and await self._moved():
                    news = replace(news, thread=True)
            if news:
                await self._tell(socket, news)
            if beat:
                self._tabs.touch(self._name, self._tab)
                found = await self._deps.agents.sessions.get(self._who.token, alive=False)
                if found is None or found[1].locked:
                    await self._send(socket, json.dumps({"t": "signed-out" if found is None else "locked"}))
                    return
                if found[0] != self._who.agent:  # a right that was taken away: what it showed goes from the page now
                    self._who = replace(self._who, agent=found[0])
                    self._tab.turn(tuple(found[0].rights))
                    await self._tell(socket, EVERYTHING)
                await self._send(socket, json.dumps({"t": "beat", "now": self._deps.clock.now_ms()}))
                beat_at = _now() + BEAT_S

    async def _tell(self, socket: web.WebSocketResponse, news: News) -> None:
        for part in news.in_turn():
            await self._draw(part)
            for one in self._fresh:
                await self._send(socket, one.text)
        if self._gone:
            self._gone = False
            await self._send(socket, json.dumps({"t": "gone"}))

    async def _send(self, socket: web.WebSocketResponse, text: str) -> None:
        async with asyncio.timeout(WRITE_S):
            await socket.send_str(text)

    # what differs

    async def _draw(self, news: News) -> None:
        """Put what changed since the last time into the tab's log, and into `_fresh`."""
        self._fresh = []
        if news.thread and self._conversation:
            await self._draw_opened()
        if news.own:
            await self._draw_own()
        if news.elsewhere:
            # One page each turn of the loop: a hundred in one would keep the router, and who was just written to, from theirs.
            async with self._deps.live.in_turn:
                side = await self._pages.waiting(self._who.agent, self._conversation, self._locale)
                self._offer("waiting", side.parts["waiting"])
                await asyncio.sleep(0)
            if side.handed != self._handed:
                await self._draw_own()
            if not side.fresh and self._watcher is not None:
                self._watcher.look_elsewhere()

    async def _draw_own(self) -> None:
        side = await self._pages.own(self._who.agent, self._conversation, self._locale)
        self._handed = side.handed
        if self._watcher is not None:
            self._watcher.shows(side.conversations)
        for name, part in side.parts.items():
            self._offer(name, part)

    async def _draw_opened(self) -> None:
        try:
            one = await commands.readable(self._deps, self._who.agent, self._conversation)
        except NotFound:  # erased, or forgotten: the page finds out when it is loaded again
            self._conversation, self._gone = "", True
            return
        # Read before drawing: what changes in between is then seen at the next look. With other messages than last time it
        # says nothing, so that the next look draws once more.
        pulse = await self._pages.pulses.of(Open(one.id, one.contact, tuple(self._messages)))
        opened = await self._pages.opened(self._who.agent, one, self._locale)
        self._pulse = pulse if opened.messages == self._messages else None
        self._messages, self._contact = opened.messages, one.contact
        had = self._tab.lines
        fresh = {name: part for name, part in opened.lines.items() if had.get(name) != part.version}
        if fresh or set(had) - set(opened.lines):
            self._tab.lines = {name: part.version for name, part in opened.lines.items()}
            lines = {name: {"html": part.html, "version": part.version} for name, part in fresh.items()}
            self._number("lines", _json({"order": list(opened.lines), "lines": lines}))
        self._offer("card", opened.card)
        self._offer("head", opened.head)

    async def _moved(self) -> bool:
        """Whether something changed that the feed does not tell."""
        if not self._conversation or not self._contact:
            return False
        found = await self._pages.pulses.of(Open(ConversationId(self._conversation), self._contact, tuple(self._messages)))
        return found != self._pulse

    def _offer(self, name: str, part: Part) -> None:
        if self._tab.shown.get(name) != part.version:
            self._tab.shown[name] = part.version
            self._number(name, _encoded(part))

    def _number(self, part: str, content: str) -> None:
        """content: an object in JSON, whose members become the patch's."""
        now = self._deps.clock.now_ms()

        def text(number: int) -> str:
            return f"{_json({'t': 'patch', 'n': number, 'part': part, 'now': now})[:-1]}, {content[1:]}"

        self._fresh.append(self._tab.add(text))


@functools.lru_cache(maxsize=256)
def _encoded(part: Part) -> str:
    """A part in JSON: the list of what waits is the same for many pages."""
    return _json({"html": part.html, "version": part.version})


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False)


def _now() -> float:
    return asyncio.get_running_loop().time()
