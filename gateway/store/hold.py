"""Whether this store was just brought back from a backup and nobody may be written to yet, agents' words included.

It is the stop of everything, pulled by `restore` and lifted by `resume all`, and beside it a mark that makes that stop stricter
than one that people pull: dispatch does not even begin. Receiving goes on, so that what the channel still has to say arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.store import keys
from gateway.store.brakes import BrakeBook
from gateway.store.reply import words
from gateway.store.senders import Stop

ALL = "all"
HELD = "held"


class Hold:
    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def put(self, clock: Clock, *, who: str, why: str, note: Mapping[str, str | int]) -> None:
        """Hold everything, and remember what was brought back. The mark first: it alone holds nothing, the stop alone does."""
        values = {HELD: "1", **{name: str(value) for name, value in note.items()}}
        await self._redis.hset(keys.RESTORED, mapping=values)
        await BrakeBook(self._redis, clock).stop(Stop(ALL, 0, who, why, clock.now_ms()))

    async def note(self) -> dict[str, str]:
        """What was brought back last; {} for a store that never was."""
        return {words(name): words(value) for name, value in (await self._redis.hgetall(keys.RESTORED)).items()}

    async def standing(self) -> bool:
        """Whether it holds. Seen lifted once, it is over: a stop that somebody pulls later is one like any other."""
        pipeline = self._redis.pipeline(transaction=False)  # the mark is read before the stop, as it is written
        pipeline.hexists(keys.RESTORED, HELD)
        pipeline.hexists(keys.STOPS, ALL)
        held, stopped = await pipeline.execute()
        if held and not stopped:
            await self._redis.hdel(keys.RESTORED, HELD)
        return bool(held and stopped)
