"""The switchboard between a player outside, who drives a story, and the page, which shows it and presses its keys."""

from __future__ import annotations

import asyncio

from sandbox.store import Json, Store
from sandbox.stream import Hub

ACTIONS = ("play", "pause", "step", "speed", "restart")
KEPT = 100


class Story:
    def __init__(self, store: Store, hub: Hub) -> None:
        self._store, self._hub = store, hub
        self._actions: list[Json] = []
        self._count = 0
        self._pressed = asyncio.Event()

    def get(self) -> Json | None:
        found: Json | None = self._store.get("story")
        return found

    def put(self, story: Json | None) -> None:
        self._store.put("story", story)
        self._hub.publish("story", story)

    def forget(self) -> None:
        self._actions.clear()

    def press(self, action: Json) -> int:
        self._count += 1
        self._actions = [*self._actions[-KEPT + 1:], {**action, "n": self._count}]
        self.release()
        return self._count

    def release(self) -> None:
        """Whoever waits looks again."""
        self._pressed.set()
        self._pressed = asyncio.Event()

    async def pressed(self, since: int, wait_s: float) -> Json:
        """Actions numbered above ``since``; waits up to ``wait_s`` for the first. Above the count means: from now on."""
        if since > self._count:
            since = self._count
        if since == self._count and wait_s > 0:
            try:
                async with asyncio.timeout(wait_s):
                    await self._pressed.wait()
            except TimeoutError:
                pass
        return {"since": self._count, "actions": [action for action in self._actions if action["n"] > since]}
