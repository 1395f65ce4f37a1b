"""What happens, as a numbered stream: a ring of recent events and bounded queues of those who listen.

Who was away too long, or cannot keep up, gets ``reset`` and reads the handsets afresh.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

RING = 2_000
QUEUE = 500


@dataclass(frozen=True)
class Event:
    """``data`` may be a function: made when somebody reads it, and then of the newest state."""

    cursor: int
    name: str
    data: Any

    def told(self) -> Event:
        return Event(self.cursor, self.name, self.data()) if callable(self.data) else self


class Hub:
    """Cursors grow by one an event and start at the wall clock's milliseconds, so that they also grow over a restart."""

    def __init__(self) -> None:
        self.cursor = time.time_ns() // 1_000_000
        self._ring: deque[Event] = deque(maxlen=RING)
        self._queues: set[asyncio.Queue[Event]] = set()

    def publish(self, name: str, data: Any) -> None:
        """Keep and tell. ``data`` may be a function; it is called at once when anybody listens."""
        self.cursor += 1
        event = Event(self.cursor, name, data)
        if self._queues:
            event = event.told()
        self._ring.append(event)
        for queue in self._queues:
            told = event
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                told = Event(self.cursor, "reset", {"reason": "too slow"})
            queue.put_nowait(told)

    def after(self, cursor: int) -> list[Event]:
        """The events since ``cursor``; one ``reset`` when they are not all known any more."""
        if cursor == self.cursor:
            return []
        oldest = self._ring[0].cursor if self._ring else self.cursor + 1
        if cursor > self.cursor or cursor < oldest - 1:
            return [Event(self.cursor, "reset", {"reason": "unknown cursor"})]
        return [event.told() for event in self._ring if event.cursor > cursor]

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[Event]]:
        queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)
