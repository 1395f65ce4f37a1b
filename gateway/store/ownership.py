"""Which partitions (or logs) this process works on, for a role that needs one worker each.

Every process of a role shows itself in `workers`; each number belongs to the live process with the highest hash of both,
so that one that comes or goes moves only its own share. Work begins only under a lease, which ends by itself 5 s after its
holder was killed: the share of a process that dies waits no longer. It is renewed beside the turns (`keep`), as a turn may take
longer than that. A lease says who should work, not who may write: what the roles write is harmless twice.
"""

from __future__ import annotations

import asyncio
import hashlib

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.store import keys, scripts
from gateway.store.leases import Leases
from gateway.store.reply import words

TTL_MS = 5_000
RENEW_MS = 1_500
GONE_MS = 5_000
SHOWN_MS = 15_000
"""Who has shown itself within this time may still be at work: asked by those who must be alone."""


class Ownership:
    """Ask `mine()` before each turn, and let `keep` run beside them."""

    def __init__(self, redis: Redis, clock: Clock, role: str, count: int) -> None:
        self._redis = redis
        self._clock = clock
        self._role = role
        self._count = count
        self._leases = Leases(redis)
        self._mine: list[int] = []
        self._renewed_ms = 0
        self._stopped = False
        self._renewing = asyncio.Lock()

    @property
    def held(self) -> list[int]:
        return self._mine

    async def mine(self) -> list[int]:
        """The numbers this process holds now. Raises StoreUnavailable; then nothing is held."""
        async with self._renewing:
            return await self._renew()

    async def keep(self, stopping: asyncio.Event) -> None:
        """Renew in time, however long a turn takes, until stopping."""
        while not stopping.is_set():
            try:
                await self.mine()
            except (StoreError, OSError, TimeoutError):
                pass  # whoever asks for a turn is told
            try:
                async with asyncio.timeout(RENEW_MS / 1000):
                    await stopping.wait()
            except TimeoutError:
                pass

    async def _renew(self) -> list[int]:
        now = self._clock.now_ms() - self._clock.offset_ms
        if self._stopped or now - self._renewed_ms < RENEW_MS:
            return self._mine
        try:
            share = await self._share(now)
            given_up = [number for number in self._mine if number not in share]
            if given_up:
                await self._leases.release([self._name(number) for number in given_up])
            names = [self._name(number) for number in share]
            held = await self._leases.acquire(names, TTL_MS)
        except BaseException:
            self._mine = []
            raise
        self._mine = [number for number, ours in zip(share, held, strict=True) if ours]
        self._renewed_ms = now
        return self._mine

    async def served(self, role: str) -> bool:
        """Whether a process of another role has shown itself lately."""
        now = self._clock.now_ms() - self._clock.offset_ms
        rows = await self._redis.zrangebyscore(keys.WORKERS, now - GONE_MS, "+inf")
        return any(words(row).startswith(f"{role}:") for row in rows)

    async def release(self) -> None:
        """Give everything back, for the next process to go on at once."""
        async with self._renewing:
            self._stopped = True
            if self._mine:
                await self._leases.release([self._name(number) for number in self._mine])
            await self._redis.zrem(keys.WORKERS, self._member())
            self._mine = []

    def _name(self, number: int) -> str:
        return f"{self._role}-{number:02d}"

    def _member(self) -> str:
        return f"{self._role}:{self._leases.token}"

    async def _share(self, now: int) -> list[int]:
        args: list[scripts.Part] = [self._member(), now, now - 4 * SHOWN_MS, now - GONE_MS]
        rows = await scripts.run(self._redis, "workers_show", [keys.WORKERS], args)
        prefix = f"{self._role}:"
        live = [name for name in (words(row) for row in rows) if name.startswith(prefix)]

        def weight(member: str, number: int) -> bytes:
            return hashlib.blake2b(f"{member}|{number}".encode(), digest_size=8).digest()

        me = self._member()
        return [number for number in range(self._count) if max(live, key=lambda one: weight(one, number)) == me]
