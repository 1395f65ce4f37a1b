"""Fan-outs under way: which events still have contacts to tell in which partition.

A cursor is a place in the audience and the last contact seen there (an id, never a number and never a scan cursor), so that
contacts may come and go meanwhile. It is moved by the script that writes the messages (lua/outbox_put.lua), and only from where
the mover began: two processes at one fan-out, for a moment of a lease that moved, cannot take it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import EventId, SubjectId
from gateway.store import audit, bulk, keys, scripts
from gateway.store.reply import words

PRIORITY_STEP = 1e11
"""A rank is priority times this, and a deadline in seconds."""


def rank_of(priority: int, deadline_ms: int) -> float:
    """Urgent before normal before bulk, then the earlier deadline. Lower goes first."""
    return priority * PRIORITY_STEP + max(deadline_ms, 0) // 1000


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
    """after: "place.contact", the last contact seen of the audience's subject at that place ("" = nobody yet).

    done_ms: when the last chunk was written, 0 = not done
    """

    after: str
    done_ms: int

    @property
    def place(self) -> int:
        return int(self.after.partition(".")[0] or 0)

    @property
    def contact(self) -> str:
        return self.after.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Progress:
    """people: who listens now, all partitions; done: those whom the cursors have passed; open: partitions not done.

    done_ms: when the last partition was done, 0 = not all are
    """

    people: int
    done: int
    open: int
    done_ms: int = 0


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
        return [_cursor(raw) for raw in await bulk.run_scripts(self._redis, calls)]

    async def under_way(self, partitions: Sequence[int]) -> list[FanOut]:
        """All fan-outs that are not done, the most urgent first; one round trip."""
        commands: list[bulk.Command] = [
            ("ZRANGE", keys.part(partition, "fan"), 0, -1, "WITHSCORES") for partition in partitions
        ]
        found = []
        for partition, answer in zip(partitions, await bulk.values(self._redis, commands), strict=True):
            for member, score in _scored(answer):
                subject, sequence, event = words(member).split(":")
                found.append(FanOut(partition, EventId(event), SubjectId(subject), int(sequence), float(score)))
        return sorted(found, key=lambda fan: (fan.rank, fan.sequence, fan.partition))

    async def cursors(self, event: EventId, partitions: Sequence[int]) -> dict[int, Cursor | None]:
        return dict(zip(partitions, await self.cursors_of([(event, one) for one in partitions]), strict=True))

    async def cursors_of(self, places: Sequence[tuple[EventId, int]]) -> list[Cursor | None]:
        """Of several (event, partition), in one round trip."""
        commands: list[bulk.Command] = [("HGET", keys.part(partition, "fanc"), event) for event, partition in places]
        return [_cursor(raw) if raw else None for raw in await bulk.values(self._redis, commands)]

    async def finish(self, fans: Sequence[FanOut], done_ms: int) -> None:
        """Fan-outs without anybody left to tell: done without a message."""
        pipeline = self._redis.pipeline(transaction=False)
        for fan in fans:
            pipeline.hset(keys.part(fan.partition, "fanc"), fan.event, f"|{done_ms}")
            pipeline.zrem(keys.part(fan.partition, "fan"), fan.member)
        if fans:
            await pipeline.execute()

    async def forget(self, event: EventId, partitions: Sequence[int]) -> None:
        """The cursors of a closed event."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition in partitions:
            pipeline.hdel(keys.part(partition, "fanc"), event)
        if partitions:
            await pipeline.execute()

    async def progress(self, event: EventId, audience: Sequence[SubjectId], partitions: Sequence[int]) -> Progress:
        """How far an event has come. Whoever listens to several of its subjects counts for each. Two round trips."""
        cursors = await self.cursors(event, partitions)
        commands: list[bulk.Command] = []
        shares: list[tuple[int, int]] = []
        """per count (people, done): what it adds to them, as factors"""
        for partition, cursor in cursors.items():
            for place, subject in enumerate(audience):
                name = keys.part(partition, f"su:{subject}")
                passed = cursor is not None and (bool(cursor.done_ms) or place < cursor.place)
                commands.append(("ZCARD", name))
                shares.append((1, int(passed)))
                if cursor is not None and not passed and place == cursor.place and cursor.contact:
                    commands.append(("ZLEXCOUNT", name, "-", f"[{cursor.contact}"))
                    shares.append((0, 1))
        counts = [int(count) for count in await bulk.values(self._redis, commands)]
        done = [cursor.done_ms if cursor is not None else 0 for cursor in cursors.values()]
        return Progress(
            people=sum(count * share[0] for count, share in zip(counts, shares, strict=True)),
            done=sum(count * share[1] for count, share in zip(counts, shares, strict=True)),
            open=done.count(0),
            done_ms=max(done) if done and all(done) else 0,
        )

    async def note(
        self, clock: Clock, kind: str, event: EventId, subject: SubjectId, detail: Mapping[str, str | int]
    ) -> None:
        """A fact about a fan-out as a whole: it is begun, it is done."""
        await audit.write_fact(self._redis, clock, kind, ids=[event, subject], detail=detail)


def _scored(answer: Sequence[object]) -> list[tuple[bytes, bytes]]:
    """ZRANGE WITHSCORES: pairs in RESP3, a flat list in RESP2."""
    if answer and isinstance(answer[0], list):
        return [(pair[0], pair[1]) for pair in answer if isinstance(pair, list)]
    return list(zip(answer[::2], answer[1::2], strict=True))  # type: ignore[arg-type]
