"""The sandbox's own time: the machine's plus an offset that can be set, so that a day passes in one request."""

from __future__ import annotations

import time
from collections.abc import Callable

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class Clock:
    """Milliseconds since the epoch (UTC). Listeners are told when the offset changes, so that sleepers look again."""

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms
        self._listeners: list[Callable[[], None]] = []

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms

    def now_s(self) -> int:
        return self.now_ms() // 1_000

    def turn(self, offset_ms: int) -> None:
        self.offset_ms = offset_ms
        for listener in self._listeners:
            listener()

    def on_turn(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)
