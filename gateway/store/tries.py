"""How often somebody may guess: counts that end by themselves, kept by keyed hashes of what they are about."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from gateway.errors import Conflict
from gateway.store import scripts
from gateway.store.vault import Vault

WINDOW_MS = 15 * 60 * 1000


class Throttled(Conflict):
    """Too many failed tries, by name or by place; says nothing about whether the name exists."""

    def __init__(self, wait_ms: int) -> None:
        super().__init__(f"too many tries: wait {wait_ms // 1000} s")
        self.wait_ms = wait_ms


class Tries:
    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis: Any = redis
        self._vault = vault

    async def count(self, kind: str, about: str, most: int) -> None:
        """Count one, before it is looked at: many at once are no more than many in a row. Raises Throttled beyond `most`."""
        name = self._name(kind, about)
        if int(await scripts.run(self._redis, "conv_try", [name], [WINDOW_MS])) > most:
            raise Throttled(max(await self._redis.pttl(name), 1000))

    async def check(self, kind: str, about: str, most: int) -> None:
        """Raises Throttled when `most` were counted."""
        name = self._name(kind, about)
        count = await self._redis.get(name)
        if count is not None and int(count) >= most:
            raise Throttled(max(await self._redis.pttl(name), 1000))

    async def forget(self, kind: str, about: str) -> None:
        """It was right: what was counted before it is forgiven."""
        await self._redis.delete(self._name(kind, about))

    def _name(self, kind: str, about: str) -> str:
        return f"try:{self._vault.blind('try', kind, about)}"
