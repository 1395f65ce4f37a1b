"""Wakes a loop of this process at once, and those of others by a publish; every loop also looks by itself once a second.

Who wakes dispatch may say what there is to do (Ready), so that the loop need not ask all partitions for it. Hints are few: where
more come than the loop takes, it looks at everything, as it does for a wake without a hint. A lost publish, with or without a
hint, costs a second and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

TOPICS = ("expand", "dispatch", "webhooks", "inbox", "desk", "ways")
HINTS_MAX = 32


class Ready(NamedTuple):
    """A message that was just planned and may be sent now. told: its field of what its contact was told, "" = none.

    message "": something of this sender's in this partition may have become ready, of whatever priority
    """

    partition: int
    sender: str
    priority: int
    message: str
    contact: str
    told: str

    @classmethod
    def look(cls, partition: int, sender: str) -> Ready:
        """A hint that names no message."""
        return cls(partition, sender, -1, "", "", "")


Publish = Callable[[str, Sequence[Ready]], Awaitable[None]]


@dataclass(slots=True)
class _Topic:
    event: asyncio.Event = field(default_factory=asyncio.Event)
    everything: bool = False
    hints: list[Ready] = field(default_factory=list)
    listeners: list[Callable[[], None]] = field(default_factory=list)


class Wake:
    """publish: tells other processes; None where there are none."""

    def __init__(self, publish: Publish | None = None) -> None:
        self._topics = {topic: _Topic() for topic in TOPICS}
        self._publish = publish
        self._local: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, topic: str) -> None:
        """This process has a loop on the topic: others need not be told."""
        self._local.add(topic)

    def here(self, topic: str, hints: Sequence[Ready] = ()) -> None:
        """Wake this process's own loop. No hints: to look at everything."""
        one = self._topics.get(topic)
        if one is None:
            return
        if not hints or len(one.hints) + len(hints) > HINTS_MAX:
            one.everything = True
        else:
            one.hints += hints
        one.event.set()

    def all(self) -> None:
        """Wake every loop of this process once: it is stopping, and they need not sleep out their second."""
        for topic in TOPICS:
            self.here(topic)

    def heard(self, topic: str, hints: Sequence[Ready] = ()) -> None:
        """Another process has published this."""
        one = self._topics.get(topic)
        for listener in one.listeners if one is not None else ():
            listener()
        self.here(topic, hints)

    def listen(self, topic: str, listener: Callable[[], None]) -> None:
        """Called in the step in which another process is heard; what this process says itself it knows."""
        self._topics[topic].listeners.append(listener)

    def now(self, topic: str, hints: Sequence[Ready] = ()) -> None:
        """Wake the loop wherever it is."""
        self.here(topic, hints)
        if topic not in self._local and self._publish is not None:
            self._send(topic, hints)

    def _send(self, topic: str, hints: Sequence[Ready]) -> None:
        task = asyncio.get_running_loop().create_task(self._tell(topic, hints))
        self._tasks.add(task)  # held, so that it is not collected while it runs
        task.add_done_callback(self._tasks.discard)

    def everywhere(self, topic: str) -> None:
        """Wake the loops of all processes: there is work for those that hold a part of it."""
        self.here(topic)
        if self._publish is not None:
            self._send(topic, ())

    async def _tell(self, topic: str, hints: Sequence[Ready]) -> None:
        assert self._publish is not None
        try:
            async with asyncio.timeout(2):
                await self._publish(topic, hints if len(hints) <= HINTS_MAX else ())
        except (OSError, TimeoutError, RuntimeError):
            pass  # they look by themselves within a second

    async def wait(self, topic: str, seconds: float) -> bool:
        """Sleep until woken or for so long; True when woken."""
        event = self._topics[topic].event
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        finally:
            event.clear()
        return True

    def hints(self, topic: str) -> list[Ready] | None:
        """What was hinted at since this was last asked; None when there is, or may be, more than that."""
        one = self._topics[topic]
        found, everything = one.hints, one.everything
        one.hints, one.everything = [], False
        return None if everything else found
