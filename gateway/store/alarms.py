"""Which alerts fire now, as the watch last saw them, and who looks after each: for the board.

Whoever watches writes them all at every look, 15 s apart; the key ends after a minute. So an empty list means that all is well,
and no key that nobody watches, which is no good news. Who has an alert holds for that alert as it began then: the same one that
fires again tomorrow is nobody's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from redis.asyncio import Redis

from gateway.errors import NotFound
from gateway.store import keys
from gateway.store.reply import words

SHOWN_MS = 60_000
HAD_MS = 14 * 24 * 3600_000
SAME_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class Firing:
    """severity: page, tell; runbook: a path of our documentation; since_ms: since it was first found"""

    fingerprint: str
    name: str
    severity: str
    summary: str
    runbook: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Had:
    """An alert and who looks after it: an agent's id, "" nobody. aside_ms: put aside until then, 0 it is not."""

    firing: Firing
    owner: str = ""
    aside_ms: int = 0


class Alarms:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def show(self, firing: Sequence[Firing]) -> None:
        """What fires now is this, and nothing else."""
        await self._redis.set(keys.ALERTS_NOW, json.dumps([asdict(one) for one in firing]), px=SHOWN_MS)

    async def all(self) -> list[Had] | None:
        """What fires, with who has it; None where nobody watches."""
        raw = await self._redis.get(keys.ALERTS_NOW)
        if raw is None:
            return None
        firing = [Firing(**one) for one in json.loads(words(raw))]
        had = await self._redis.hgetall(keys.ALERTS_HAD) if firing else {}
        known = {words(name): json.loads(words(value)) for name, value in had.items()}
        return [_had(one, known.get(one.fingerprint)) for one in firing]

    async def take(self, fingerprint: str, owner: str, aside_ms: int = 0) -> Firing:
        """owner looks after it from now on. aside_ms: until when it need not stand first. Raises NotFound: it is over."""
        found = next((one.firing for one in await self.all() or () if one.firing.fingerprint == fingerprint), None)
        if found is None:
            raise NotFound("this alert is over")
        value = json.dumps({"owner": owner, "aside": aside_ms, "since": found.since_ms})
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.hset(keys.ALERTS_HAD, fingerprint, value)
        pipeline.pexpire(keys.ALERTS_HAD, HAD_MS)
        await pipeline.execute()
        return found


def _had(firing: Firing, known: dict[str, object] | None) -> Had:
    # A new watcher finds the same alert some moments later than the one before it: that is no new alert.
    if known is None or firing.since_ms - int(str(known["since"])) > SAME_MS:
        return Had(firing)
    return Had(firing, str(known["owner"]), int(str(known["aside"])))
