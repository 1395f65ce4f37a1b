"""What time it is. Tests and the demo turn it; scripts in the store use the server's TIME plus the same offset."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """Wall time in milliseconds since the epoch, UTC, plus an offset (0 outside tests and the demo).

    `sleep` waits real time: a turned clock moves what is due, it does not make anybody wait shorter.
    """

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
