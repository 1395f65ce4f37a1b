"""What is known of events by their ids: kept before or not, acknowledged by replicas, set aside and taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.model.event import BusinessEvent
from gateway.model.ids import EventId
from gateway.store import keys, scripts
from gateway.store.durability import judge_acks, queue_acks
from gateway.store.events import digest_of
from gateway.store.reply import fields, octets, words
from gateway.store.subjects import SUBJECT_KEEP_MS
from gateway.store.untold import WORDING

_PARKED_PAGE = 500


class Kept:
    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis: Any = redis
        self._clock = clock

    async def known(self, events: Sequence[BusinessEvent]) -> list[str]:
        """Per event what keeping it would answer: new, same or other. Keeps nothing."""
        pipeline = self._redis.pipeline(transaction=False)
        for event in events:
            pipeline.get(keys.of(event.id, "e"))
        answers = []
        for event, raw in zip(events, await pipeline.execute() if events else [], strict=True):
            if raw is None:
                answers.append("new")
            else:
                answers.append("same" if words(raw).partition("|")[0] == digest_of(event) else "other")
        return answers

    async def wait_acks(self, events: Sequence[EventId], replicas: int) -> None:
        """Return once `replicas` replicas have these kept events. Raises StoreUnavailable when they do not in time.

        WAIT counts from the last write of its own connection, and the append may have used another one. So each event's
        key is touched again in the same pipeline: replicas take writes in order, so whoever has the touch has the
        event. A touch that finds no key means that a failover lost the event between the two.
        """
        if not replicas or not events:
            return
        pipeline = self._redis.pipeline(transaction=False)
        for event in events:
            pipeline.pexpire(keys.of(event, "e"), keys.KEEP_MS)
        queue_acks(pipeline, replicas)
        *touched, acknowledged = await pipeline.execute(raise_on_error=False)
        judge_acks(acknowledged, replicas)
        if not all(one == 1 for one in touched):
            raise StoreUnavailable("a kept event is gone again: the store failed over, send it once more")

    async def take_up_again(self, event: EventId) -> bool:
        """Put a parked event back among the open ones, to be looked at now. False when it is not parked (any more)."""
        parked = keys.beside(event, "parked")
        start = "-"
        while True:
            rows = await self._redis.xrange(parked, min=start, max="+", count=_PARKED_PAGE)
            for place, raw in rows:
                entry = fields(raw)
                if words(entry.get(b"kind", b"")) in ("event", WORDING) and entry.get(b"id") == event.encode():
                    if b"r" in entry:  # it was told but for some notifications: what it did is known again
                        subject = keys.of(words(entry[b"j"]), "j")
                        await self._redis.hsetnx(subject, f"r:{event}", entry[b"r"])
                        await self._redis.pexpire(subject, SUBJECT_KEEP_MS, nx=True)  # it may have been forgotten meanwhile
                    return await self._unpark(event, words(place), octets(entry[b"b"]))
            if len(rows) < _PARKED_PAGE:
                return False
            start = f"({words(rows[-1][0])}"

    async def _unpark(self, event: EventId, place: str, blob: bytes) -> bool:
        names = [keys.beside(event, name) for name in ("facts", "parked", "ev", "evw", "evt")]
        names.append(keys.of(event, "e"))
        args: list[scripts.Part] = [self._clock.offset_ms, event, place, blob, keys.KEEP_MS]
        return bool(await scripts.run(self._redis, "event_unpark", names, args))
