"""Wakes a loop of this process at once, and those of others by a publish; every loop also looks by itself once a second.

So a lost publish costs a second and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

TOPICS = ("expand", "dispatch", "webhooks", "inbox", "desk", "ways")

Publish = Callable[[str], Awaitable[None]]


class Wake:
    """One asyncio.Event a topic. publish: tells other processes; None where there are none."""

    def __init__(self, publish: Publish | None = None) -> None:
        self._events = {topic: asyncio.Event() for topic in TOPICS}
        self._publish = publish
        self._local: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, topic: str) -> None:
        """This process has a loop on the topic: others need not be told."""
        self._local.add(topic)

    def here(self, topic: str) -> None:
        """Wake this process's own loop."""
        if topic in self._events:
            self._events[topic].set()

    def now(self, topic: str) -> None:
        self.here(topic)
        if topic not in self._local and self._publish is not None:
            task = asyncio.get_running_loop().create_task(self._tell(topic))
            self._tasks.add(task)  # held, so that it is not collected while it runs
            task.add_done_callback(self._tasks.discard)

    async def _tell(self, topic: str) -> None:
        assert self._publish is not None
        try:
            async with asyncio.timeout(2):
                await self._publish(topic)
        except (OSError, TimeoutError, RuntimeError):
            pass  # they look by themselves within a second

    async def wait(self, topic: str, seconds: float) -> bool:
        """Sleep until woken or for so long; True when woken."""
        event = self._events[topic]
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        finally:
            event.clear()
        return True
