"""Who may do one thing alone, and until when: a partition's fold, a job of the scheduler.

A lease is a key that ends by itself, so a killed process is followed after `ttl_ms` at the latest. It says who should work, not
who may write: a process that slept through its lease still believes in it, so what it then writes must be compared and set (the
fold) or be harmless twice. The time is the server's own; no clock of ours takes part.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from redis.asyncio import Redis

from gateway.store import keys, scripts

READY_MS = 5000


def new_token() -> str:
    """A name for one process's leases, never used again."""
    return secrets.token_hex(8)


class Leases:
    def __init__(self, redis: Redis, token: str | None = None) -> None:
        self._redis = redis
        self.token = token or new_token()

    async def acquire(self, names: Sequence[str], ttl_ms: int) -> list[bool]:
        """Take what is free, renew what is ours, in one round trip; per name whether we hold it now."""
        return await self._run("take", names, ttl_ms)

    async def renew(self, names: Sequence[str], ttl_ms: int) -> list[bool]:
        """Renew only; False where it ran out, also when nobody took it meanwhile."""
        return await self._run("keep", names, ttl_ms)

    async def release(self, names: Sequence[str]) -> list[bool]:
        """Give back; False where it was not ours any more."""
        return await self._run("free", names, 0)

    async def holder(self, name: str) -> str | None:
        """The token of whoever holds it."""
        raw = await self._redis.get(keys.lease(name))
        return raw.decode() if isinstance(raw, bytes) else None

    async def check_writable(self) -> None:
        """Whether the store takes a write from us: for readiness. Raises what the store raises."""
        await self._redis.set(keys.lease(f"ready.{self.token}"), "1", px=READY_MS)

    async def _run(self, operation: str, names: Sequence[str], ttl_ms: int) -> list[bool]:
        calls: list[scripts.Call] = [("lease", [keys.lease(name)], [operation, self.token, ttl_ms]) for name in names]
        return [bool(answer) for answer in await scripts.run_many(self._redis, calls)]
