"""The dead letters as the store has them: a list a partition, beside the message records themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import MessageId, partition_of
from gateway.model.message import MessageRecord
from gateway.store import audit, keys, scripts
from gateway.store.brakes import headers
from gateway.store.outbox import STUB_TTL_MS, Pair
from gateway.store.reply import words

_PAGE = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """record: its header; None when it has ended (8 days after it died) and only its name is left on the list."""

    message: MessageId
    died_at_ms: int
    record: MessageRecord | None


class DeadLetterBox:
    """pair: sender -> its channel's pair rate; needed to replay, not to look."""

    def __init__(self, redis: Redis, clock: Clock, pair: Mapping[str, Pair] | None = None) -> None:
        self._redis = redis
        self._clock = clock
        self._pair = pair or {}

    async def all(self) -> list[DeadLetter]:
        """Every one, the youngest first."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition in keys.all_partitions():
            pipeline.zrange(keys.part(partition, "dead"), 0, -1, withscores=True)
        rows = [(MessageId(words(name)), int(at)) for found in await pipeline.execute() for name, at in found]
        rows.sort(key=lambda row: (-row[1], row[0]))
        letters: list[DeadLetter] = []
        for begin in range(0, len(rows), _PAGE):
            page = rows[begin : begin + _PAGE]
            known = await headers(self._redis, [message for message, _ in page])
            letters += [DeadLetter(message, at, record) for (message, at), record in zip(page, known, strict=True)]
        return letters

    async def get(self, message: MessageId) -> DeadLetter | None:
        """None when it is not on the list."""
        at = await self._redis.zscore(keys.beside(message, "dead"), message)
        if at is None:
            return None
        return DeadLetter(message, int(at), (await headers(self._redis, [message]))[0])

    async def replay(self, record: MessageRecord, *, deadline_ms: int = 0, who: str) -> str:
        """Put one back into its lane; see lua/dead_replay.lua for the answers. deadline_ms: 0 = its own."""
        pair = self._pair.get(record.sender)
        names = [
            keys.beside(record.id, "facts"),
            keys.beside(record.id, "dead"),
            *keys.lane_keys(partition_of(record.id), record.sender),
            keys.of(record.id, "m"),
            keys.of(record.contact, "told"),
            keys.of(record.contact, "f"),
        ]
        tau = pair.tolerance_ms if pair else 0
        args: Sequence[scripts.Part] = [self._clock.offset_ms, tau, record.id, deadline_ms, STUB_TTL_MS, audit.plain(who)]
        return words(await scripts.run(self._redis, "dead_replay", names, args))

    async def discard(self, message: MessageId, *, who: str) -> str:
        """Take one off the list; see lua/dead_discard.lua for the answers."""
        names = [keys.beside(message, "facts"), keys.beside(message, "dead"), keys.of(message, "m")]
        args: Sequence[scripts.Part] = [self._clock.offset_ms, message, audit.plain(who)]
        return words(await scripts.run(self._redis, "dead_discard", names, args))
