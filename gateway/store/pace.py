"""How fast a sender sends at present, and how much waits before it: for whoever asks how long something would take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import SenderId
from gateway.store import keys
from gateway.store.reply import words

LEAST = 0.5
"""Messages a second that a slowed sender still sends (lua/draw.lua)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """waiting: messages in lanes; share: of its own rate, below 1 while the channel has it send slower."""

    waiting: int
    share: float

    def seconds(self, messages: int, per_second: float) -> float:
        """How long until this many more are out, behind those that wait."""
        return (self.waiting + messages) / max(per_second * self.share, min(LEAST, per_second))


async def paces(redis: Redis, clock: Clock, senders: Sequence[SenderId]) -> dict[SenderId, Pace]:
    """Reads alone. Raises StoreUnavailable."""
    now = clock.now_ms() - clock.offset_ms
    found = {}
    for sender in senders:
        pipeline = redis.pipeline(transaction=False)
        pipeline.hmget(keys.bucket(sender), ["rate", "slow"])
        for partition in keys.all_partitions():
            pipeline.zcard(keys.part(partition, f"q:{sender}"))
        bucket, *waiting = await pipeline.execute()
        rate, slow = (words(one or b"") for one in bucket)
        found[sender] = Pace(sum(waiting), float(rate or 1) if int(slow or 0) > now else 1.0)
    return found
