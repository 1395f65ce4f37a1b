"""Tells every open page of this process which conversations changed. One reader of the feed, however many pages.

A page that cannot keep up loses nothing and piles nothing up: what changed is a set, and a page draws what is true when it looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from gateway.model.agent import AgentId
from gateway.model.ids import ConversationId
from gateway.store.desk import Desk

_WAIT_MS = 1000
_AGAIN_S = 1.0
CHANGED_MAX = 500
LOOKING_MAX = 2_000


def being_cancelled() -> bool:
    """Whether somebody asked the present task to stop. The store's client can lose a cancellation that comes while it connects
    (seen with redis-py 8.1 on Python 3.11: the call goes on as if nothing had been said), so loops around it ask."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Watcher:
    """What one page has yet to look at."""

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self._changed: set[ConversationId] = set()
        self._event = asyncio.Event()

    def wake(self) -> None:
        self._event.set()

    def tell(self, conversation: ConversationId) -> None:
        if len(self._changed) < CHANGED_MAX:  # beyond, it is "a lot" either way: the page draws its list anew
            self._changed.add(conversation)
        self._event.set()

    async def wait(self, timeout_s: float) -> set[ConversationId]:
        """What changed since the last call; empty after `timeout_s` of quiet."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        self._event.clear()
        changed, self._changed = self._changed, set()
        return changed


class Live:
    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self.stopping = False
        self.changes = 0
        """how often something was told: what was read before the last time may be old"""
        self._looking: dict[tuple[str, str], tuple[int, int]] = {}

    @contextmanager
    def watch(self, agent: str) -> Iterator[Watcher]:
        """agent: whose page it is"""
        watcher = Watcher(agent)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    @property
    def pages(self) -> int:
        return len(self._watchers)

    @property
    def agents(self) -> int:
        """How many have the desk open at this process; one with five pages is one."""
        return len({watcher.agent for watcher in self._watchers})

    def tell(self, conversation: ConversationId) -> None:
        self.changes += 1
        for watcher in self._watchers:
            watcher.tell(conversation)

    def tell_all(self) -> None:
        """Something that is no conversation changed: somebody's status, for one."""
        for watcher in self._watchers:
            watcher.tell(ConversationId(""))

    def looks(self, conversation: str, agent: AgentId, now_ms: int, *, typing: bool) -> None:
        """Somebody reads a conversation, or types in its box; whoever else has it open sees that at their next look."""
        new = (conversation, agent) not in self._looking
        _, typed_ms = self._looking.get((conversation, agent), (0, 0))
        self._looking[conversation, agent] = now_ms, now_ms if typing else typed_ms
        if len(self._looking) > LOOKING_MAX:
            self._looking.pop(next(iter(self._looking)))
        if new or (typing and not typed_ms):
            self.tell(ConversationId(conversation))

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
                    for item in await desk.listen(since, _WAIT_MS):
                        since = item.id
                        self.tell(item.conversation)
            except Exception as error:  # the top of a loop
                structlog.get_logger().warning("desk.feed_lost", error=type(error).__name__)
                await asyncio.sleep(_AGAIN_S)
