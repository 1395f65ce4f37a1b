"""Which versions of the key ring the store needs, and moving data keys to the newest.

Wrapped by the ring: a data key per contact, a key per day. Sealed under a key derived from it: agents' records, and what is known
of flights, orders, trips and outages; the last are left as they are, for they end by themselves 30 days after their subject.
A data key is wrapped anew, never changed: nothing that it seals is touched.

Contacts are walked by `all`, by last seen and not by place: whoever is seen meanwhile moves on, to be met again, and nobody is
left out. Counting looks at every key of the store instead, so that a key which no contact names any more is counted too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from gateway.store import keys, promised, scripts
from gateway.store.reply import octets, words
from gateway.store.vault import Box, KeyMissing, KeyRing, Vault

PAGE = 500


@dataclass(frozen=True, slots=True)
class Usage:
    """Per version how many wrapped or derived keys use it."""

    contacts: Counter[int] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)
    agents: Counter[int] = field(default_factory=Counter)
    subjects: Counter[int] = field(default_factory=Counter)

    @property
    def versions(self) -> list[int]:
        return sorted({*self.contacts, *self.days, *self.agents, *self.subjects})

    def total(self, version: int) -> int:
        return self.contacts[version] + self.days[version] + self.agents[version] + self.subjects[version]

    def movable(self, version: int) -> int:
        """What `rewrap` moves away from it."""
        return self.total(version) - self.subjects[version]


async def usage(redis: Redis, told: Callable[[int], None] = lambda count: None) -> Usage:
    """Look at every key of the store once. told: how many keys were looked at so far."""
    found, looked, cursor = Usage(), 0, 0
    while True:
        cursor, names = await redis.scan(cursor, count=2 * PAGE)
        await _count(redis, [words(name) for name in names], found)
        looked += len(names)
        told(looked)
        if cursor == 0:
            break
    for name in (keys.AGENTS, keys.SECONDS, keys.CANNED):
        for sealed in (await redis.hgetall(name)).values():
            found.agents[version_of(octets(sealed))] += 1
    return found


async def _count(redis: Redis, names: list[str], found: Usage) -> None:
    wrapped = [name for name in names if _is_wrapped(name)]
    subjects = [name for name in names if "}j:j" in name]
    if wrapped:
        for name, raw in zip(wrapped, await redis.mget(wrapped), strict=True):
            if raw is not None:
                (found.days if name.startswith("{k:") else found.contacts)[version_of(octets(raw))] += 1
    if subjects:
        pipeline = redis.pipeline(transaction=False)
        for name in subjects:
            pipeline.hgetall(name)
        for raw in await pipeline.execute():
            for version in subject_versions(raw):
                found.subjects[version] += 1


def _is_wrapped(name: str) -> bool:
    return name.startswith("{k:") or "}k:c" in name


def version_of(wrapped: bytes) -> int:
    """The version that a wrapped key or sealed record names in front."""
    return int(wrapped.partition(b"|")[0])


def subject_versions(raw: Mapping[bytes, bytes]) -> set[int]:
    """The versions that seal parts of a subject's memory: s:NAME and base directly, r:EVENT and nt:NAME behind a number."""
    found = set()
    for name, value in raw.items():
        kind = name.partition(b":")[0]
        if kind == b"s" or name == b"base":
            found.add(version_of(value))
        elif kind in (b"r", b"nt"):
            found.add(version_of(value.partition(b"|")[2]))
    return found


class Rewrap:
    """Moves what older versions wrap to the ring's newest. May be stopped at any time and begun again."""

    def __init__(self, redis: Redis, ring: KeyRing, vault: Vault) -> None:
        self._redis = redis
        self._ring = ring
        self._vault = vault
        self.looked = 0
        self.moved = 0

    async def run(self, told: Callable[[int, int], None] = lambda looked, total: None) -> int:
        """How many were moved. told: (keys looked at, contacts in all).

        raises: KeyMissing for a version that the ring lacks; StoreUnavailable, also where replicas lack what was moved now or
                before: the old key may be thrown away only after a run that came to its end
        """
        since = promised.turns_of(self._redis)
        pipeline = self._redis.pipeline(transaction=False)
        for partition in keys.all_partitions():
            pipeline.zcard(keys.part(partition, "all"))
        total = sum(await pipeline.execute())
        for partition in keys.all_partitions():
            async for contacts in self.pages(partition):
                await self._keys({keys.of(contact, "k"): contact for contact in contacts})
                told(self.looked, total)
        # The keys of the days, and those of contacts that no list names any more.
        cursor = 0
        while True:
            cursor, names = await self._redis.scan(cursor, count=2 * PAGE)
            found = [words(name) for name in names]
            await self._keys({name: _about(name) for name in found if _is_wrapped(name)})
            if cursor == 0:
                break
        await self._agents()
        # What an earlier run moved was not written again by this one.
        everywhere = [keys.part(partition, "all") for partition in keys.all_partitions()]
        await promised.stand(self._redis, *everywhere, keys.AGENTS, keys.SECONDS, keys.CANNED, since=since)
        return self.moved

    async def pages(self, partition: int) -> AsyncIterator[list[str]]:
        """A partition's contacts in pages, by last seen; those of one moment together, so that none falls between two pages."""
        name, after = keys.part(partition, "all"), "-inf"
        while True:
            page: Any = await self._redis.zrange(name, after, "+inf", byscore=True, offset=0, num=PAGE, withscores=True)
            if not page:
                return
            last = f"{page[-1][1]:.0f}"
            together = await self._redis.zrange(name, last, last, byscore=True)
            yield sorted({words(row[0]) for row in page} | {words(member) for member in together})
            after = f"({last}"

    async def _keys(self, about: Mapping[str, str]) -> None:
        if not about:
            return
        calls: list[scripts.Call] = []
        for name, raw in zip(about, await self._redis.mget(list(about)), strict=True):
            self.looked += 1
            if raw is not None and (fresh := self._rewrapped(octets(raw), about[name])) is not None:
                calls.append(("key_swap", [name], ["", octets(raw), fresh]))
        self.moved += sum(await scripts.run_many(self._redis, calls))

    async def _agents(self) -> None:
        calls: list[scripts.Call] = []
        for name, kind in ((keys.AGENTS, "agent"), (keys.SECONDS, "second"), (keys.CANNED, "canned")):
            for raw_name, raw in (await self._redis.hgetall(name)).items():
                sealed, about = octets(raw), f"{kind}:{words(raw_name)}"
                if version_of(sealed) != self._ring.current:
                    fresh = self._vault.seal_about(about, self._vault.open_about(about, sealed))
                    calls.append(("key_swap", [name], [words(raw_name), sealed, fresh]))
        self.moved += sum(await scripts.run_many(self._redis, calls))

    def _rewrapped(self, wrapped: bytes, about: str) -> bytes | None:
        """The same data key under the newest version; None where it is already. Raises KeyMissing, Sealed."""
        version, _, sealed = wrapped.partition(b"|")
        if int(version) == self._ring.current:
            return None
        old = self._ring.wrapping.get(int(version))
        if old is None:
            raise KeyMissing(f"key {int(version)} is missing from GATEWAY_KEYS: without it what it wraps cannot be moved")
        key = Box(old).open(sealed, about)
        return str(self._ring.current).encode() + b"|" + Box(self._ring.wrapping[self._ring.current]).seal(key, about)


def _about(name: str) -> str:
    """What a wrapped key is bound to: its contact's id, or its day."""
    return name[3:-1] if name.startswith("{k:") else name.rpartition(":")[2]
