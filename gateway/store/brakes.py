"""Pulling and releasing a brake, and how many messages wait behind it.

The brake itself is a field of `stops`, read by every process twice a second; the fact about it lies in the subject's partition,
or in the first. They cannot be one step: the brake goes first, for a stop without its fact is better than the other way round.
Both are answered once replicas have them (promised.py). A stop that they do not have is in force here all the same; nothing is
lifted where they do not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import MessageId, SubjectId
from gateway.model.message import MessageRecord
from gateway.store import audit, keys, promised
from gateway.store.outbox import parse_record
from gateway.store.reply import words
from gateway.store.senders import Senders, Stop

HEADER_BYTES = 512
"""A message record's header fits in this; its sealed body is not fetched."""
_PAGE = 500


class BrakeBook:
    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._senders = Senders(redis, clock)

    async def stops(self) -> list[Stop]:
        """In force, oldest first."""
        return sorted(await self._senders.stops(), key=lambda stop: stop.at_ms)

    async def stop(self, stop: Stop, ids: Sequence[str] = ()) -> None:
        """ids: what it is about, where that is an id of ours.

        raises: StoreUnavailable, also where it is in force and replicas do not have it: a failover would lift it, pull it again
        """
        since = promised.turns_of(self._redis)
        await self._senders.stop(stop)
        detail: dict[str, str | int] = {"scope": stop.scope, "until": stop.until_ms or "", "who": stop.who, "why": stop.why}
        await audit.write_fact(self._redis, self._clock, "stopped", ids=ids, detail=detail)
        await self._stands(ids, since)

    async def resume(self, scope: str, *, who: str, why: str = "", ids: Sequence[str] = ()) -> bool:
        """False: nothing was stopped. Raises StoreUnavailable; where replicas do not answer, nothing is lifted."""
        since = promised.turns_of(self._redis)
        await self._stands(ids, since)
        if not await self._senders.resume(scope):
            return False
        await audit.write_fact(self._redis, self._clock, "resumed", ids=ids, detail={"scope": scope, "who": who, "why": why})
        await self._stands(ids, since)
        return True

    async def _stands(self, ids: Sequence[str], since: int) -> None:
        await promised.stand(self._redis, keys.STOPS, audit.stream_of(ids), since=since)

    async def known(self, subjects: Sequence[SubjectId]) -> list[SubjectId]:
        """Those that any event was ever about, within their time."""
        pipeline = self._redis.pipeline(transaction=False)
        for subject in subjects:
            pipeline.exists(keys.of(subject, "j"))
        answers = await pipeline.execute() if subjects else []
        return [subject for subject, found in zip(subjects, answers, strict=True) if found]

    async def waiting(self, senders: Iterable[str], wanted: Callable[[MessageRecord], bool] | None = None) -> int:
        """How many messages of these senders wait in lanes and `later`; with `wanted`, those it says yes to."""
        count = 0
        for sender in senders:
            for partition in keys.all_partitions():
                names = [keys.part(partition, f"{kind}:{sender}") for kind in ("q", "later")]
                if wanted is None:
                    pipeline = self._redis.pipeline(transaction=False)
                    for name in names:
                        pipeline.zcard(name)
                    count += sum(await pipeline.execute())
                    continue
                for name in names:
                    count += await self._counted(name, wanted)
        return count

    async def _counted(self, name: str, wanted: Callable[[MessageRecord], bool]) -> int:
        members = [MessageId(words(member)[39:]) for member in await self._redis.zrange(name, 0, -1)]
        count = 0
        for begin in range(0, len(members), _PAGE):
            for record in await headers(self._redis, members[begin : begin + _PAGE]):
                count += record is not None and wanted(record)
        return count


async def headers(redis: Redis, messages: Sequence[MessageId]) -> list[MessageRecord | None]:
    """The headers of message records, without their sealed bodies; None for one that is forgotten."""
    if not messages:
        return []
    pipeline = redis.pipeline(transaction=False)
    for message in messages:
        pipeline.getrange(keys.of(message, "m"), 0, HEADER_BYTES - 1)
    return [
        parse_record(message, bytes(raw))[0] if raw else None
        for message, raw in zip(messages, await pipeline.execute(), strict=True)
    ]
