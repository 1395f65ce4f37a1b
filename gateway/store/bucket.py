"""A sender's rate over all processes: tokens from one bucket, slower when the channel says so, and up again in equal steps.

Additive up, multiplicative down: a refusal for the rate halves the share of its own rate that a sender may use (once a second at
most, never below the floor); from there it rises by two hundredths of the whole a second. Two senders at one limit of the
channel thus come to equal shares, and whoever was cut for nothing is back in half a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.model.ids import SenderId
from gateway.store import keys, scripts

FACTOR = 0.5
FLOOR = 0.05
UP_PER_S = 0.02
"""As lua/_bucket.lua has it."""
CUT_EVERY_MS = 1000
LEAST = 0.5
"""Messages a second that a slowed sender still sends (lua/draw.lua)."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens drawn per priority, and how long to wait for one more (ms)."""

    tokens: tuple[int, int, int, int]
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Speed:
    """share: of its own rate that a sender may use now; whole_ms: when it is back at all of it, 0 = it is."""

    share: float = 1.0
    whole_ms: int = 0

    def per_second(self, own: float) -> float:
        return max(own * self.share, min(LEAST, own))


def speed_of(rate: bytes | str | None, slow: bytes | str | None, now_ms: int) -> Speed:
    """The same sum as lua/_bucket.lua. now_ms: the server's own time, not a turned one."""
    until = int(slow) if slow else 0
    if until <= now_ms:
        return Speed()
    least = float(rate) if rate else 1.0
    return Speed(min(1.0, max(least, 1 - (until - now_ms) / 1000 * UP_PER_S)), until)


class Buckets:
    """turned_ms: an offset to the server's time. Only tests turn it: a turned clock makes no sender send faster."""

    def __init__(self, redis: Redis, turned_ms: int = 0) -> None:
        self._redis = redis
        self.turned_ms = turned_ms

    async def draw(self, sender: SenderId, per_second: float, wants: Sequence[int]) -> Grant:
        """Draw tokens before claiming. wants: per priority; the bucket holds one second's worth."""
        burst = max(per_second, 1.0)
        args: list[scripts.Part] = [self.turned_ms, per_second, burst, *wants]
        answer = await scripts.run(self._redis, "draw", [keys.bucket(sender)], args)
        return Grant((int(answer[0]), int(answer[1]), int(answer[2]), int(answer[3])), int(answer[4]))

    async def give_back(self, sender: SenderId, tokens: int) -> None:
        """Tokens drawn for what was not sent after all. What the bucket cannot hold is lost at the next draw."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hincrbyfloat(keys.bucket(sender), "level", tokens)
        pipeline.pexpire(keys.bucket(sender), keys.DAY_MS)
        await pipeline.execute()

    async def slow_down(self, sender: SenderId, stay_ms: int) -> float:
        """The channel said too fast. stay_ms: before the share rises again; returns the share now, in every process."""
        args: list[scripts.Part] = [self.turned_ms, FACTOR, FLOOR, stay_ms, CUT_EVERY_MS]
        return int(await scripts.run(self._redis, "slow_down", [keys.bucket(sender)], args)) / 1000
