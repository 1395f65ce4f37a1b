"""Documents on their way: bytes sealed under the contact's key in its partition, and the media id of each at each sender.

A media id is used for one person only and lives as long as the channel keeps it.
"""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from gateway.errors import Sealed
from gateway.model.ids import ContactId, SenderId
from gateway.model.personal import Personal
from gateway.store import bulk, keys
from gateway.store.reply import octets
from gateway.store.vault import Vault


class Documents:
    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis = redis
        self._vault = vault

    async def put(self, contact: ContactId, ref: str, data: bytes, *, ttl_ms: int) -> None:
        """Keep a document for one contact. ref: 32 characters, a keyed hash of what it is."""
        box = await self._vault.contact_box(contact, create=True)
        await self._redis.set(keys.in_partition_of(contact, "doc", ref), box.seal(data, f"doc:{ref}"), px=ttl_ms)

    async def get(self, contact: ContactId, ref: str) -> bytes | None:
        return await self._data(contact, ref, await self._redis.get(keys.in_partition_of(contact, "doc", ref)))

    async def _data(self, contact: ContactId, ref: str, raw: Any) -> bytes | None:
        if raw is None:
            return None
        try:
            return (await self._vault.contact_box(contact)).open(octets(raw), f"doc:{ref}")
        except Sealed:
            return None

    async def forget(self, contact: ContactId, ref: str) -> None:
        await self._redis.unlink(keys.in_partition_of(contact, "doc", ref))

    async def found(self, contact: ContactId, ref: str, sender: SenderId) -> tuple[Personal | None, bytes | None]:
        """`media_id` and `get` in one round trip."""
        names = [keys.in_partition_of(contact, "media", f"{ref}:{sender}"), keys.in_partition_of(contact, "doc", ref)]
        (answer,) = await bulk.values(self._redis, [("MGET", *names)])
        media, data = await self._media(contact, ref, answer[0]), await self._data(contact, ref, answer[1])
        return media, data

    async def media_id(self, contact: ContactId, ref: str, sender: SenderId) -> Personal | None:
        """What the channel called this document when it was uploaded for this contact."""
        raw = await self._redis.get(keys.in_partition_of(contact, "media", f"{ref}:{sender}"))
        return await self._media(contact, ref, raw)

    async def _media(self, contact: ContactId, ref: str, raw: Any) -> Personal | None:
        if raw is None:
            return None
        return Personal((await self._vault.contact_box(contact)).open(octets(raw), f"media:{ref}").decode())

    async def set_media_id(self, contact: ContactId, ref: str, sender: SenderId, media: Personal, *, ttl_ms: int) -> None:
        box = await self._vault.contact_box(contact)
        name = keys.in_partition_of(contact, "media", f"{ref}:{sender}")
        sealed = box.seal(media.reveal().encode(), f"media:{ref}")
        await bulk.values(self._redis, [("SET", name, sealed, "PX", ttl_ms)])

    async def forget_media_id(self, contact: ContactId, ref: str, sender: SenderId) -> None:
        await self._redis.delete(keys.in_partition_of(contact, "media", f"{ref}:{sender}"))
