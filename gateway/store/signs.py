"""What each process last said of itself, and which alerts somebody was told of: so that one process can watch for all.

A process puts a few figures under its name every ten seconds, and takes its name out when it ends in good order. Whoever watches
reads them all; one that went silent is seen by the age of its word, and forgotten after a quarter of an hour. Times are the
server's: a process whose clock is wrong is seen, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.store import keys, scripts
from gateway.store.reply import words

FORGET_MS = 15 * 60 * 1000
SILENT_MS = 35_000
"""Three words missed."""
ROLE = "thuisfront_role"
"""The figure by which a process says what it does: label `role`."""

Sample = tuple[str, Mapping[str, str], float]
"""(name, labels, value) of one figure, as in the text format of Prometheus"""


@dataclass(frozen=True, slots=True)
class Sign:
    """age_ms: how long ago it spoke. samples: its figures then."""

    instance: str
    age_ms: int
    samples: tuple[Sample, ...]

    @property
    def alive(self) -> bool:
        return self.age_ms <= SILENT_MS

    @property
    def roles(self) -> frozenset[str]:
        """What it does, as far as it says so: a process of an older version does not."""
        return frozenset(labels["role"] for name, labels, value in self.samples if name == ROLE and value)


class Signs:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def put(self, instance: str, samples: Sequence[Sample]) -> int:
        """Say how this process is; the server's time in ms. Raises what the store raises."""
        raw = json.dumps([[name, dict(labels), value] for name, labels, value in samples], separators=(",", ":"))
        return int(await scripts.run(self._redis, "signs_put", [keys.SIGNS], [instance, raw, FORGET_MS]))

    async def leave(self, instance: str) -> None:
        """This process ends in good order: nobody need look for it."""
        await scripts.run(self._redis, "signs_put", [keys.SIGNS], [instance, "", FORGET_MS])

    async def all(self) -> list[Sign]:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.time()
        pipeline.hgetall(keys.SIGNS)
        (seconds, micros), found = await pipeline.execute()
        now = int(seconds) * 1000 + int(micros) // 1000
        return [_sign(words(name), words(raw), now) for name, raw in sorted(found.items())]

    # what somebody was told of

    async def told(self) -> dict[str, str]:
        """Fingerprint of an alert that fires -> what the watch keeps of it (JSON)."""
        return {words(name): words(value) for name, value in (await self._redis.hgetall(keys.ALERTS)).items()}

    async def keep_told(self, changed: Mapping[str, str], ended: Sequence[str]) -> None:
        pipeline = self._redis.pipeline(transaction=True)
        for name, value in changed.items():
            pipeline.hset(keys.ALERTS, name, value)
        if ended:
            pipeline.hdel(keys.ALERTS, *ended)
        await pipeline.execute()


def _sign(instance: str, raw: str, now_ms: int) -> Sign:
    at, _, rest = raw.partition(" ")
    samples = tuple((name, labels, float(value)) for name, labels, value in json.loads(rest))
    return Sign(instance, max(now_ms - int(at), 0), samples)
