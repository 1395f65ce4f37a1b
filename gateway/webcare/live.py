"""Tells every open page of this process what changed that concerns it. One reader of the feed, however many pages.

Three things can be new for a page. Its *thread*: the conversation that is open on it. Its *own* lists: a conversation that stands
in them, or that comes to this agent. And something *elsewhere*: the queue that everybody sees grew, a colleague took something.
The first two are told at once. The third happens all the time to all pages, so it is told at most once in a while, longer the
more pages there are; what it changes is read and drawn once for all of them (shared.py, pages.py).

A page that cannot keep up loses nothing and piles nothing up: what is new is three marks, and a page draws what is true when it
looks.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import structlog

from gateway.model.agent import AgentId
from gateway.model.ids import ConversationId
from gateway.store.desk import Desk

_WAIT_MS = 1000
_AGAIN_S = 1.0
_GATHER_S = 0.02
"""What comes within so long is told at once: in a rush a thousand things a second change."""
_MINE = "mine:"
LOOKING_MAX = 2_000
LATELY_MAX = 500
PACE_S = 0.15
"""Between two looks of one page at the same: in a rush it draws what is true, not each step on the way there."""
ELSEWHERE_S = 0.1
"""What happens elsewhere is told to a page this often at most,"""
A_PAGE_S = 0.01
"""and so much less often for each page there is: forty pages hear of it twice a second, a hundred once."""


def being_cancelled() -> bool:
    """Whether somebody asked the present task to stop. The store's client can lose a cancellation that comes while it connects
    (seen with redis-py 8.1 on Python 3.11: the call goes on as if nothing had been said), so loops around it ask."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@dataclass(frozen=True, slots=True)
class News:
    """What a page has to look at anew."""

    thread: bool = False
    own: bool = False
    elsewhere: bool = False

    def __bool__(self) -> bool:
        return self.thread or self.own or self.elsewhere

    def in_turn(self) -> Iterator[News]:
        """What somebody said is drawn and sent before any list is read."""
        if self.thread:
            yield News(thread=True)
        if self.own or self.elsewhere:
            yield News(own=self.own, elsewhere=self.elsewhere)


EVERYTHING = News(thread=True, own=True, elsewhere=True)


class Watcher:
    """What one page has yet to look at.

    opened: the conversation that it shows, "" none
    """

    def __init__(self, agent: str, opened: str, live: Live) -> None:
        self.agent = agent
        self._shown: Set[ConversationId] = frozenset()
        self._lately: set[ConversationId] = set()
        """what changed since it looked last: it may not have seen that"""
        self._opened = opened
        self._live = live
        self._event = asyncio.Event()
        self._thread = self._own = self._elsewhere = False
        self._near_at_s = self._elsewhere_at_s = 0.0
        """when it may be told next"""
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at_s = math.inf

    def wake(self) -> None:
        self._event.set()

    def tell(self, changed: Set[ConversationId], agents: Set[str] = frozenset()) -> None:
        """changed: conversations of which something is new; agents: to whom one of them came, or who changed themselves"""
        self._thread = self._thread or self._opened in changed
        self._own = self._own or self.agent in agents or not self._shown.isdisjoint(changed)
        self._elsewhere = True
        if len(self._lately) < LATELY_MAX:
            self._lately |= changed
        self._ring()

    def shows(self, own: Set[ConversationId]) -> None:
        """The conversations that stand in its agent's lists, as it has just drawn them."""
        self._shown = own
        if len(self._lately) >= LATELY_MAX or not own.isdisjoint(self._lately):
            self._own = True
            self._ring()

    def look_elsewhere(self) -> None:
        """Not all that is elsewhere was seen: when its time has come again it is looked at once more."""
        self._elsewhere = True
        self._ring()

    async def wait(self, timeout_s: float) -> News:
        """What is new since the last call; nothing after `timeout_s` of quiet."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(timeout_s, 0)):
                await self._event.wait()
        self._event.clear()
        self._lately.clear()
        now_s, news = asyncio.get_running_loop().time(), News()
        if now_s >= self._near_at_s and (self._thread or self._own):
            news = News(self._thread, self._own)
            self._thread = self._own = False
            self._near_at_s = now_s + PACE_S
        if now_s >= self._elsewhere_at_s and self._elsewhere:
            news = replace(news, elsewhere=True)
            self._elsewhere = False
            self._elsewhere_at_s = now_s + self._live.elsewhere_s
        self._ring()
        return news

    def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()

    def _ring(self) -> None:
        """Wake who waits as soon as something may be told: now, or by an alarm."""
        near_s = self._near_at_s if self._thread or self._own else math.inf
        due_s = min(near_s, self._elsewhere_at_s if self._elsewhere else math.inf)
        loop = asyncio.get_running_loop()
        if due_s <= loop.time():
            self._event.set()
        elif due_s < self._alarm_at_s:
            self.close()
            self._alarm_at_s = due_s
            self._alarm = loop.call_at(due_s, self._rung)

    def _rung(self) -> None:
        self._alarm_at_s = math.inf
        self._event.set()


class Live:
    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self.stopping = False
        self.in_turn = asyncio.Semaphore(1)
        """held by the page that draws what is elsewhere"""
        self.changes = 0
        """how often something was told: what was read before the last time may be old"""
        self._looking: dict[tuple[str, str], tuple[int, int]] = {}

    @contextmanager
    def watch(self, agent: str, opened: str = "") -> Iterator[Watcher]:
        """agent: whose page it is; opened: the conversation that it shows"""
        watcher = Watcher(agent, opened, self)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            watcher.close()

    @property
    def pages(self) -> int:
        return len(self._watchers)

    @property
    def agents(self) -> int:
        """How many have the desk open at this process; one with five pages is one."""
        return len({watcher.agent for watcher in self._watchers})

    @property
    def elsewhere_s(self) -> float:
        """How often a page hears at most of what happens elsewhere."""
        return ELSEWHERE_S + A_PAGE_S * len(self._watchers)

    def tell(self, changed: Set[ConversationId], agents: Set[str] = frozenset()) -> None:
        """changed: conversations of which something is new; agents: to whom one of them came, or who changed themselves"""
        self.changes += 1
        for watcher in self._watchers:
            watcher.tell(changed, agents)

    def looks(self, conversation: str, agent: AgentId, now_ms: int, *, typing: bool) -> None:
        """Somebody reads a conversation, or types in its box; whoever else has it open sees that at their next look."""
        new = (conversation, agent) not in self._looking
        _, typed_ms = self._looking.get((conversation, agent), (0, 0))
        self._looking[conversation, agent] = now_ms, now_ms if typing else typed_ms
        if len(self._looking) > LOOKING_MAX:
            self._looking.pop(next(iter(self._looking)))
        if new or (typing and not typed_ms):
            self.tell({ConversationId(conversation)})

    def lookers(self, conversation: str, now_ms: int, looked_ms: int, typed_ms: int) -> dict[AgentId, bool]:
        """Who read it within `looked_ms`, and whether they typed within `typed_ms`."""
        for key, (seen, _) in list(self._looking.items()):
            if now_ms - seen > looked_ms:
                del self._looking[key]
        return {
            AgentId(who): now_ms - typed < typed_ms
            for (what, who), (_, typed) in self._looking.items()
            if what == conversation
        }

    def stop(self) -> None:
        """Let every page go: they come back to another process, or to this one when it is up again."""
        self.stopping = True
        for watcher in self._watchers:
            watcher.wake()

    async def run(self, desk: Desk) -> None:
        """Read the feed until cancelled. A store that is away is asked again: pages also look by themselves meanwhile."""
        since = ""
        while not being_cancelled():
            try:
                since = since or await desk.newest()
                async with asyncio.timeout(_WAIT_MS / 1000 + 5):
                    items = await desk.listen(since, _WAIT_MS)
                if items:
                    since = items[-1].id
                    came = {one.place.removeprefix(_MINE) for one in items if one.place.startswith(_MINE)}
                    self.tell({one.conversation for one in items}, came)
                    await asyncio.sleep(_GATHER_S)
            except Exception as error:  # the top of a loop
                structlog.get_logger().warning("desk.feed_lost", error=type(error).__name__)
                await asyncio.sleep(_AGAIN_S)
