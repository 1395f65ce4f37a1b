"""Fan-outs under way: which events still have contacts to tell in which partition.

A cursor is the last contact seen (an id, never a number and never a scan cursor), so that contacts may come and go meanwhile. It
is moved by the script that writes the messages (lua/outbox_put.lua).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.model.ids import EventId, SubjectId
from gateway.store import keys, scripts
from gateway.store.reply import words


@dataclass(frozen=True, slots=True)
class FanOut:
    """One event's fan-out in one partition. rank: priority, then deadline; lower goes first."""

    partition: int
    event: EventId
    subject: SubjectId
    sequence: int
    rank: float

    @property
    def member(self) -> str:
        return f"{self.subject}:{self.sequence:010d}:{self.event}"


@dataclass(frozen=True, slots=True)
class Cursor:
    """after: the last contact seen ("" = none); done_ms: when the last chunk was written, 0 = not done."""

    after: str
    done_ms: int


def _cursor(raw: bytes) -> Cursor:
    after, _, done = raw.decode().partition("|")
    return Cursor(after, int(done))


class FanOuts:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def open(self, fans: Sequence[FanOut]) -> list[Cursor]:
        """Begin (or find) an event's fan-out in each partition; one round trip."""
        calls: list[scripts.Call] = []
        for fan in fans:
            names = [keys.part(fan.partition, "fan"), keys.part(fan.partition, "fanc")]
            calls.append(("fan_open", names, [fan.event, fan.member, fan.rank]))
        return [_cursor(raw) for raw in await scripts.run_many(self._redis, calls)]

    async def under_way(self, partitions: Sequence[int]) -> list[FanOut]:
        """All fan-outs that are not done, in the order they should go on: by rank, but one subject in its own sequence."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition in partitions:
            pipeline.zrange(keys.part(partition, "fan"), 0, -1, withscores=True)
        found = []
        for partition, rows in zip(partitions, await pipeline.execute() if partitions else [], strict=True):
            fans = []
            for member, score in rows:
                subject, sequence, event = words(member).split(":")
                fans.append(FanOut(partition, EventId(event), SubjectId(subject), int(sequence), float(score)))
            first = {fan.subject: min(one.sequence for one in fans if one.subject == fan.subject) for fan in fans}
            found += [fan for fan in fans if fan.sequence == first[fan.subject]]
        return sorted(found, key=lambda fan: (fan.rank, fan.sequence))

    async def cursors(self, event: EventId, partitions: Sequence[int]) -> dict[int, Cursor | None]:
        pipeline = self._redis.pipeline(transaction=False)
        for partition in partitions:
            pipeline.hget(keys.part(partition, "fanc"), event)
        rows = await pipeline.execute() if partitions else []
        return {partition: _cursor(raw) if raw else None for partition, raw in zip(partitions, rows, strict=True)}

    async def finish(self, fan: FanOut, done_ms: int) -> None:
        """A fan-out without anybody left: done without a message."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hset(keys.part(fan.partition, "fanc"), fan.event, f"|{done_ms}")
        pipeline.zrem(keys.part(fan.partition, "fan"), fan.member)
        await pipeline.execute()

    async def forget(self, event: EventId, partitions: Sequence[int]) -> None:
        """The cursors of a closed event."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition in partitions:
            pipeline.hdel(keys.part(partition, "fanc"), event)
        if partitions:
            await pipeline.execute()
