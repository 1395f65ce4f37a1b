"""How far a long piece of work came, so that it goes on there after it was interrupted."""

from __future__ import annotations

import json
from collections.abc import Mapping

from redis.asyncio import Redis

from gateway.store import keys
from gateway.store.reply import octets

KEEP_MS = 30 * keys.DAY_MS


class ImportPositions:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def read(self, digest: str) -> Mapping[str, int]:
        """What was kept about a file, {} for nothing. digest: 32 hexadecimal digits of its content."""
        raw = await self._redis.get(f"import:{digest}")
        found: dict[str, int] = json.loads(octets(raw)) if raw is not None else {}
        return found

    async def write(self, digest: str, position: Mapping[str, int]) -> None:
        await self._redis.set(f"import:{digest}", json.dumps(dict(position)), px=KEEP_MS)
