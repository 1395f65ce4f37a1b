"""What is the same for all pages of a process: read once for all of them, when something changed since the last reading.

A reading rests ten times as long as it took. So it takes a tenth of a process at most, and whoever is behind reads less often: a
page that was given an older reading is told so, and looks once more. While somebody reads, the others have what was read last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gateway.webcare.live import Live

REST = 10.0
OLD_S = 1.5
"""How old a reading may be where nobody said that anything changed."""

Found = TypeVar("Found")


class Shared(Generic[Found]):
    def __init__(self, live: Live, read: Callable[[], Awaitable[Found]]) -> None:
        self._live = live
        self._read = read
        self._reading = asyncio.Lock()
        self._found: Found | None = None
        self._changes = -1
        self._next_s = 0.0
        self._old_s = 0.0

    async def get(self) -> tuple[Found, bool]:
        """And whether nothing has changed since it was read. Raises what reading raises."""
        if self._found is None or not self._reading.locked():
            async with self._reading:
                began_s, changes = time.monotonic(), self._live.changes
                if self._found is None or began_s >= (self._old_s if changes == self._changes else self._next_s):
                    self._found, self._changes = await self._read(), changes
                    ended_s = time.monotonic()
                    self._next_s, self._old_s = ended_s + REST * (ended_s - began_s), ended_s + OLD_S
        return self._found, self._changes == self._live.changes
