"""What somebody began and will come back for: a value under the hash of a token that only they have, taken once.

Sealed, for it holds what proves later that it was they. Ten minutes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from gateway.store.vault import Vault

KEEP_MS = 10 * 60 * 1000


class Pending:
    """kind: what was begun; a token of one kind opens nothing of another."""

    def __init__(self, redis: Redis, vault: Vault, kind: str) -> None:
        self._redis: Any = redis
        self._vault = vault
        self._kind = kind

    async def keep(self, token: str, value: Mapping[str, str]) -> None:
        name = self._name(token)
        await self._redis.set(name, self._vault.seal_about(name, dict(value)), px=KEEP_MS)

    async def take(self, token: str) -> dict[str, str] | None:
        """The value, for the first who asks; None when it was taken, or is too old, or was never there."""
        name = self._name(token)
        sealed = await self._redis.getdel(name)
        if sealed is None:
            return None
        found: dict[str, str] = self._vault.open_about(name, bytes(sealed))
        return found

    def _name(self, token: str) -> str:
        return f"pend:{hashlib.sha256(f'{self._kind}:{token}'.encode()).hexdigest()}"
