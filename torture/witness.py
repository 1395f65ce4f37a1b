"""What the world answered to each attempt, out of its own log of requests: who gives a message up needs it as a witness."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from torture.balancer import parse_opaque
from torture.house import House
from torture.stage import ask

LOOK_S = 1.0


@dataclass
class Witness:
    """answers: (message, attempt) -> the status of each answer, 0 = none left the world. missed: requests forgotten unseen."""

    house: House
    http: aiohttp.ClientSession
    answers: dict[tuple[str, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    missed: int = 0
    _last: int = 0

    @property
    def refused(self) -> int:
        """Answers that were lost, or were none that a sender likes."""
        return sum(1 for statuses in self.answers.values() for status in statuses if status != 200)

    async def watch(self) -> None:
        """Look again and again, until cancelled: the world remembers the last few thousand requests."""
        while True:
            with contextlib.suppress(TimeoutError, aiohttp.ClientError):  # a world that is busy is asked again
                await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        found = await ask(self.http, self.house, "GET", f"requests?since={self._last}")
        requests = found["requests"]
        first = requests[0]["n"] if requests else found["last"] + 1
        self.missed += max(first - self._last - 1, 0)
        self._last = int(found["last"])
        for one in requests:
            message, attempt = parse_opaque(opaque_of(one["body"]))
            if message and one["method"] == "POST":
                self.answers[message, attempt].append(int(one["status"] or 0))


def opaque_of(body: Any) -> str:
    """What a sender gave along with a message; "" where it did not."""
    if not isinstance(body, Mapping):
        return ""
    message = body.get("message")
    given = message.get("metadata") if isinstance(message, Mapping) else body.get("biz_opaque_callback_data")
    return given if isinstance(given, str) else ""
