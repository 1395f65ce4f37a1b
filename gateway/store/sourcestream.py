"""A Redis stream that others fill with events, read by a consumer group: the commands, and what they mean for a promise.

It may lie on the gateway's own store or on any other server of Redis 7.0, Valkey 7.2 or newer. Nothing here is atomic with what
the gateway keeps, and need not be: an entry is handed out again until it is acknowledged.

Redis hands an entry to one reader and remembers it as pending. A reply that is lost on the way leaves the entry pending at a
reader that never saw it, which redis-py's own repeating hides; so a reader looks through its pending entries from time to time.
Handing out adds one to an entry's deliveries, and so does claiming it from a dead reader; looking through one's own (`mine`) does
not. Claiming is done one entry at a time: one that kills its worker then ends nobody's entry but its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis import exceptions
from redis.asyncio import Redis

from gateway.errors import SourceUnavailable, StoreError
from gateway.store import keys, scripts
from gateway.store.reply import fields, words

DEAD_MAX = 10_000
DEAD_KEEP_MS = keys.KEEP_MS
GONE_MS = keys.DAY_MS
"""A reader that holds nothing and was not seen for this long is taken out of the group."""

Fields = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """fields: None where the stream was cut before anybody read it; deliveries: readers that were handed it and did not give it
    back, this one included"""

    id: str
    fields: Fields | None
    deliveries: int


@dataclass(frozen=True, slots=True)
class Letter:
    """An entry that was not taken. reason: nothing of its content"""

    id: str
    reason: str
    deliveries: int
    fields: Fields | None


@dataclass(frozen=True, slots=True)
class StreamDepth:
    """waiting: handed to nobody yet, None where the server cannot say (somebody deletes from the stream)
    pending: handed out and not acknowledged; oldest_ms: age of the oldest of both, 0 for none
    dead: dead letters; readers: in the group; groups: of the stream, ours included
    """

    waiting: int | None
    pending: int
    dead: int
    oldest_ms: int
    readers: int
    groups: int


class SourceStream:
    """reader: a name for this process that no other has, now or later."""

    def __init__(self, redis: Redis, *, stream: str, group: str, reader: str) -> None:
        self._redis: Any = redis
        self.stream, self.group, self.reader = stream, group, reader
        self.dead = f"{stream}:dead"

    async def open(self) -> bool:
        """Make stream and group where they are not there, to be read from its beginning; whether other groups read it too."""
        with _asking():
            try:
                await self._redis.xgroup_create(self.stream, self.group, id="0", mkstream=True)
            except exceptions.ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise
            return len(await self._redis.xinfo_groups(self.stream)) > 1

    async def fresh(self, limit: int, *, block_ms: int) -> list[StreamEntry]:
        """Entries that nobody was handed yet, oldest first; waits up to `block_ms` (under 5 s) for the first."""
        with _asking():
            answer = await self._redis.xreadgroup(
                self.group, self.reader, {self.stream: ">"}, count=limit, block=block_ms
            )
        return [StreamEntry(words(name), fields(entry), 1) for _, rows in _rows(answer) for name, entry in rows]

    async def mine(self, limit: int) -> list[StreamEntry]:
        """Entries that this reader holds, oldest first. They stay its own for another while; no delivery is counted."""
        with _asking():
            rows = await self._redis.xpending_range(
                self.stream, self.group, min="-", max="+", count=limit, consumername=self.reader
            )
            names = [words(row["message_id"]) for row in rows]
            if not names:
                return []
            pipeline = self._redis.pipeline(transaction=False)
            for name in names:
                pipeline.xrange(self.stream, name, name)
            # Last, because on a server from 7.0 it forgets what is not in the stream any more.
            pipeline.xclaim(self.stream, self.group, self.reader, 0, names, justid=True)
            *found, _ = await pipeline.execute()
        return [
            StreamEntry(name, fields(one[0][1]) if one else None, int(row["times_delivered"]))
            for name, row, one in zip(names, rows, found, strict=True)
        ]

    async def claim(self, idle_ms: int) -> StreamEntry | None:
        """One entry of a reader that did nothing with it for so long; None where there is none."""
        with _asking():
            late = await self._redis.xpending_range(self.stream, self.group, min="-", max="+", count=1, idle=idle_ms)
            if not late:
                return None
            begin = words(late[0]["message_id"])
            _, rows, gone = await self._redis.xautoclaim(
                self.stream, self.group, self.reader, idle_ms, start_id=begin, count=1
            )
            if gone:
                return StreamEntry(words(gone[0]), None, int(late[0]["times_delivered"]))
            if not rows:
                return None  # another process was faster
            name = words(rows[0][0])
            known = await self._redis.xpending_range(self.stream, self.group, min=name, max=name, count=1)
        return StreamEntry(name, fields(rows[0][1]), int(known[0]["times_delivered"]) if known else 1)

    async def bury(self, letters: Sequence[Letter]) -> None:
        """Lay entries among the dead letters: at most 10,000 of them, for eight days."""
        if not letters:
            return
        with _asking():
            for letter in letters:
                entry: dict[Any, Any] = {
                    "dead-reason": letter.reason, "dead-entry": letter.id, "dead-deliveries": letter.deliveries
                }  # fmt: skip
                await self._redis.xadd(self.dead, entry | (letter.fields or {}), maxlen=DEAD_MAX)
            await self._redis.pexpire(self.dead, DEAD_KEEP_MS)

    async def acknowledge(self, names: Sequence[str], *, delete: bool) -> None:
        """They need not come again. delete: nor stay in the stream."""
        if not names:
            return
        with _asking():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.xack(self.stream, self.group, *names)
            if delete:
                pipeline.xdel(self.stream, *names)
            await pipeline.execute()

    async def tidy(self) -> None:
        """Drop dead letters past their time, and readers that are long gone and hold nothing."""
        with _asking():
            seconds, _ = await self._redis.time()
            await self._redis.xtrim(self.dead, minid=str(int(seconds) * 1000 - DEAD_KEEP_MS))
            for row in await self._redis.xinfo_consumers(self.stream, self.group):
                if int(row["pending"]) == 0 and int(row["idle"]) > GONE_MS:
                    await self._leave(words(row["name"]), GONE_MS)

    async def leave(self, *, idle_ms: int) -> None:
        """Let others claim at once what this reader holds; without anything held, take it out of the group."""
        with _asking():
            rows = await self._redis.xpending_range(
                self.stream, self.group, min="-", max="+", count=1000, consumername=self.reader
            )
            if rows:
                # Whoever gives back has lived: this delivery does not count among those that somebody ended with.
                pipeline = self._redis.pipeline(transaction=False)
                for row in rows:
                    count = max(int(row["times_delivered"]) - 1, 0)
                    pipeline.xclaim(
                        self.stream, self.group, self.reader, 0, [words(row["message_id"])],
                        idle=idle_ms, retrycount=count, justid=True,
                    )  # fmt: skip
                await pipeline.execute()
            else:
                await self._leave(self.reader, 0)

    async def _leave(self, reader: str, idle_ms: int) -> None:
        await scripts.run(self._redis, "source_leave", [self.stream], [self.group, reader, idle_ms])

    async def depth(self) -> StreamDepth:
        """What waits. A stream or group that is not there yet is an empty one."""
        with _asking():
            if not await self._redis.exists(self.stream):
                return StreamDepth(0, 0, await self._redis.xlen(self.dead), 0, 0, 0)
            groups: list[Any] = list(await self._redis.xinfo_groups(self.stream))
            ours = next((row for row in groups if words(row["name"]) == self.group), None)
            after = words(ours["last-delivered-id"]) if ours else "0-0"
            first = await self._redis.xrange(self.stream, f"({after}", "+", count=1)
            pending: Any = await self._redis.xpending(self.stream, self.group) if ours else {"pending": 0, "min": None}
            lag: Any = ours.get("lag") if ours else await self._redis.xlen(self.stream)
            places = [words(row[0]) for row in first] + ([words(pending["min"])] if pending["min"] else [])
            seconds, micros = await self._redis.time()
            now = int(seconds) * 1000 + int(micros) // 1000
            return StreamDepth(
                waiting=0 if not first else int(lag) if lag is not None else None,
                pending=pending["pending"],
                dead=await self._redis.xlen(self.dead),
                oldest_ms=max((now - int(place.partition("-")[0]) for place in places), default=0),
                readers=int(ours["consumers"]) if ours else 0,
                groups=len(groups),
            )

    async def close(self) -> None:
        await self._redis.aclose()


def _rows(answer: Any) -> list[Any]:
    """[[stream, entries]], as a list (RESP2) or a dict (RESP3); nothing where nothing came."""
    return list(answer.items()) if isinstance(answer, dict) else list(answer or [])


@contextmanager
def _asking() -> Iterator[None]:
    """Whatever goes wrong with the server is one thing to whoever reads: not now."""
    try:
        yield
    except exceptions.ResponseError as error:
        # The server's own words. NOGROUP among them: it was flushed or failed over behind us; `open` makes the group again.
        raise SourceUnavailable(f"the source's server says: {str(error)[:120]}") from error
    except (exceptions.RedisError, StoreError, OSError) as error:
        kind = type(error.__cause__ or error).__name__
        raise SourceUnavailable(f"the source's server does not answer ({kind})") from error
