"""The live connection of one page: numbered patches down, Server-Sent Events. What people do goes up as POSTs.

On connecting, the page says which version of each part it shows and is sent the parts that differ, then `caught-up`: that is the
replay, and it needs no memory of what was missed. After that each patch has the next number; a page that misses one loads again.
Delivery statuses are not in the feed, so an open thread is looked at every few moments too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.errors import NotFound
from gateway.model.conversation import Conversation
from gateway.model.ids import ConversationId, MessageId
from gateway.webcare import commands
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.pages import Pages, Part
from gateway.webcare.session import SECURITY_HEADERS, Asker

LOOK_S = 1.5
PACE_S = 0.15
"""Between two patches of one page: in a rush it draws what is true, not each step on the way there."""
BEAT_S = 10.0
WRITE_S = 10.0


@dataclass(slots=True)
class _Shown:
    """What the page has: versions of its parts and lines."""

    parts: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    number: int = 0


class Stream:
    def __init__(self, deps: WebcareDeps, pages: Pages, who: Asker, conversation: str) -> None:
        self._deps = deps
        self._pages = pages
        self._who = who
        self._conversation = conversation
        self._shown = _Shown()
        self._pulse: tuple[Sequence[MessageId], Any] = (), None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Until the page goes, the session ends, or we stop."""
        for name in ("lists", "head", "card"):
            self._shown.parts[name] = request.query.get(name, "")
        response = web.StreamResponse(
            headers={**SECURITY_HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        response.enable_chunked_encoding()
        await response.prepare(request)
        with self._deps.live.watch(self._who.agent.id) as watcher:
            try:
                await self._patch(response, lists=True)
                await self._send(response, "caught-up", {"now": self._deps.clock.now_ms()})
                beat_at = _now() + BEAT_S
                while True:
                    changed = await watcher.wait(LOOK_S)
                    if self._deps.live.stopping:
                        break
                    if changed or _now() >= beat_at or await self._moved():
                        await self._patch(response, lists=bool(changed))
                        await asyncio.sleep(PACE_S)
                    if _now() >= beat_at:
                        found = await self._deps.agents.sessions.get(self._who.token, alive=False)
                        if found is None or found[1].locked:
                            await self._send(response, "signed-out" if found is None else "locked", {})
                            break
                        await self._send(response, "beat", {"now": self._deps.clock.now_ms()})
                        beat_at = _now() + BEAT_S
            except (ConnectionError, TimeoutError):
                pass  # the page went, or could not keep up: it comes back and catches up
        return response

    async def parts(self) -> dict[str, Any]:
        """Everything at once, for proxies that let no stream through."""
        lists = await self._pages.lists(self._who.agent, self._conversation)
        answer: dict[str, Any] = {"now": self._deps.clock.now_ms(), "lists": _json(lists)}
        if self._conversation:
            one = await commands.readable(self._deps, self._who.agent, self._conversation)
            opened = await self._pages.opened(self._who.agent, one)
            answer |= {"head": _json(opened.head), "card": _json(opened.card)}
            answer["lines"] = {name: _json(part) for name, part in opened.lines.items()}
        return answer

    async def _patch(self, response: web.StreamResponse, *, lists: bool) -> None:
        if lists:
            await self._offer(response, "lists", await self._pages.lists(self._who.agent, self._conversation))
        if not self._conversation:
            return
        try:
            one = await commands.readable(self._deps, self._who.agent, self._conversation)
        except NotFound:  # erased, or forgotten: the page finds out when it is loaded again
            await self._send(response, "gone", {})
            self._conversation = ""
            return
        # Read before drawing: what changes in between is then seen at the next look. With other messages than last time it
        # says nothing, so that the next look draws once more.
        pulse = await self._pulse_of(one, self._pulse[0])
        opened = await self._pages.opened(self._who.agent, one)
        self._pulse = opened.messages, pulse if opened.messages == self._pulse[0] else None
        fresh = {name: part for name, part in opened.lines.items() if self._shown.lines.get(name) != part.version}
        if fresh or set(self._shown.lines) - set(opened.lines):
            self._shown.lines = {name: part.version for name, part in opened.lines.items()}
            lines = {name: _json(part) for name, part in fresh.items()}
            await self._number(response, "lines", {"order": list(opened.lines), "lines": lines})
        await self._offer(response, "card", opened.card)
        await self._offer(response, "head", opened.head)

    async def _moved(self) -> bool:
        """Whether something changed that the feed does not tell: a delivery status, a consent, the service window."""
        if not self._conversation:
            return False
        messages, pulse = self._pulse
        one = (await self._deps.conversations.get_many([ConversationId(self._conversation)]))[0]
        return one is None or await self._pulse_of(one, messages) != pulse

    async def _pulse_of(self, one: Conversation, messages: Sequence[MessageId]) -> Any:
        records = await self._deps.outbox.raw_records(messages)
        facts = await self._deps.contacts.facts_of([one.contact])
        return one.revision, [raw and raw.partition(b"\n")[0] for raw in records], facts

    async def _offer(self, response: web.StreamResponse, name: str, part: Part) -> None:
        if self._shown.parts.get(name) != part.version:
            self._shown.parts[name] = part.version
            await self._number(response, name, _json(part))

    async def _number(self, response: web.StreamResponse, part: str, content: dict[str, Any]) -> None:
        self._shown.number += 1
        patch = {"n": self._shown.number, "part": part, "now": self._deps.clock.now_ms(), **content}
        await self._send(response, "patch", patch)

    async def _send(self, response: web.StreamResponse, event: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, ensure_ascii=False)
        async with asyncio.timeout(WRITE_S):
            await response.write(f"event: {event}\ndata: {text}\n\n".encode())


def _json(part: Part) -> dict[str, Any]:
    return {"html": part.html, "version": part.version}


def _now() -> float:
    return asyncio.get_running_loop().time()
