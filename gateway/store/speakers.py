"""Who is shown to speak, at channels that can show it: a name at a sender -> the channel's id of it.

Kept by the keyed hash of the name: an agent's first name is theirs. Losing the key costs one more speaker at the channel.
"""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from gateway.model.ids import SenderId
from gateway.model.personal import Personal
from gateway.store import keys
from gateway.store.reply import words
from gateway.store.vault import Vault


class Speakers:
    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis = redis
        self._vault = vault

    def _field(self, name: Personal) -> str:
        return self._vault.blind("speaker", name.reveal())[:16]

    async def get(self, sender: SenderId, name: Personal) -> Personal | None:
        raw = await self._redis.hget(keys.speakers(sender), self._field(name))
        return Personal(words(raw)) if raw else None

    async def keep(self, sender: SenderId, name: Personal, channel_id: Personal) -> None:
        mapping: dict[Any, Any] = {self._field(name): channel_id.reveal()}
        await self._redis.hset(keys.speakers(sender), mapping=mapping)

    async def forget(self, sender: SenderId, name: Personal) -> None:
        """The channel does not know it any more."""
        await self._redis.hdel(keys.speakers(sender), self._field(name))
