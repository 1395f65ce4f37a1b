"""How fast a sender sends at present, and how much waits before it: for planning, and whoever asks how long something takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import SenderId
from gateway.store import bulk, keys
from gateway.store.bucket import Speed, speed_of


@dataclass(frozen=True, slots=True)
class Pace:
    """waiting: messages in lanes; share: of its own rate, below 1 while the channel has it send slower."""

    waiting: int
    share: float

    def seconds(self, messages: int, per_second: float) -> float:
        """How long until this many more are out, behind those that wait."""
        return (self.waiting + messages) / Speed(self.share).per_second(per_second)


async def paces(redis: Redis, clock: Clock, senders: Sequence[SenderId]) -> dict[SenderId, Pace]:
    """Reads alone. Raises StoreUnavailable."""
    found = {}
    known = await speeds(redis, clock, senders)
    for sender in senders:
        pipeline = redis.pipeline(transaction=False)
        for partition in keys.all_partitions():
            pipeline.zcard(keys.part(partition, f"q:{sender}"))
        found[sender] = Pace(sum(await pipeline.execute()), known[sender].share)
    return found


async def speeds(redis: Redis, clock: Clock, senders: Sequence[SenderId]) -> dict[SenderId, Speed]:
    """How fast each may send now. Reads alone. Raises StoreUnavailable."""
    now = clock.now_ms() - clock.offset_ms
    pipeline = redis.pipeline(transaction=False)
    for sender in senders:
        pipeline.hmget(keys.bucket(sender), ["rate", "slow"])
    rows = await pipeline.execute() if senders else []
    return {sender: speed_of(rate, slow, now) for sender, (rate, slow) in zip(senders, rows, strict=True)}


async def lanes_before(redis: Redis, sender: SenderId, priority: int, deadline_s: int) -> int:
    """How many lanes of a sender may send now and come before a message of this priority and deadline, or with it.

    In one round trip over all partitions. What waits for its time (a night, a retry, the pair rate) is before nobody.
    """
    commands: list[bulk.Command] = []
    for partition in keys.all_partitions():
        *_, ready0, ready1, ready2, ready3, _, _, _, _ = keys.lane_keys(partition, sender)
        ready = (ready0, ready1, ready2, ready3)
        commands += [("ZCARD", one) for one in ready[:priority]]
        commands.append(("ZCOUNT", ready[priority], "-inf", deadline_s))
    return sum(int(one) for one in await bulk.values(redis, commands))
