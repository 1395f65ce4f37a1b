"""How long somebody who asked waits for a source of ours: LIMIT_S each, all beside one another; one that fails rests for a while.

A source that does not answer in time is left out of the answer and said to be unknown. After FAILURES in a row it is not asked
for REST_S: the next who asks is not kept waiting for what will not come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from gateway.errors import GatewayError

LIMIT_S = 0.3
FAILURES = 3
REST_S = 30.0

T = TypeVar("T")


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    rests_until: float = 0.0


@dataclass(slots=True)
class Sources:
    """limit_s: for each; now: a clock that only goes forward, s"""

    limit_s: float = LIMIT_S
    now: Callable[[], float] | None = None
    _breakers: dict[str, _Breaker] = field(default_factory=dict)

    async def ask(self, asked: Mapping[str, Callable[[], Awaitable[Sequence[T]]]]) -> tuple[list[T], list[str]]:
        """(all that they found, the names of those that did not answer in time)."""
        answers = await asyncio.gather(*(self._one(name, ask) for name, ask in asked.items()))
        found = [one for answer in answers if answer is not None for one in answer]
        return found, [name for name, answer in zip(asked, answers, strict=True) if answer is None]

    async def _one(self, name: str, ask: Callable[[], Awaitable[Sequence[T]]]) -> Sequence[T] | None:
        breaker = self._breakers.setdefault(name, _Breaker())
        now = (self.now or asyncio.get_running_loop().time)()
        if now < breaker.rests_until:
            return None
        try:
            async with asyncio.timeout(self.limit_s):
                answer = await ask()
        except (TimeoutError, OSError, GatewayError) as error:
            breaker.failures += 1
            if breaker.failures >= FAILURES:
                breaker.failures, breaker.rests_until = 0, now + REST_S
            structlog.get_logger().warning("assistant.source_late", source=name, error=type(error).__name__)
            return None
        breaker.failures = 0
        return answer
