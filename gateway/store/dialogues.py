"""What we last asked somebody about their way in, per address, sealed; and how often wrong surnames were tried.

A dialogue is forgotten a day after its last step. What an inbound message led to is kept with it, so that the same message,
applied twice, gives the same answer and counts once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from redis.asyncio import Redis

from gateway.model.ids import AddressId, SubjectId
from gateway.store import keys
from gateway.store.reply import octets
from gateway.store.vault import Vault

TTL_MS = keys.DAY_MS
TRIES = 5
"""How many surnames one address may try."""
TRIES_OF_ORDER = 20
"""How many may be tried for one order in a day, by whomever."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """ask: code, surname, "" nothing any more; order, number: what the surname is asked for; tries: wrong ones so far

    last, answer, handled: the inbound message that was taken in last (keyed hash), what it was answered with, whether it needs
    no person
    """

    ask: str = ""
    order: str = ""
    number: str = ""
    tries: int = 0
    last: str = ""
    answer: str = ""
    handled: bool = True

    def step(self, key: str, answer: str, handled: bool, **changes: Any) -> Dialogue:
        return replace(self, last=key, answer=answer, handled=handled, **changes)


class Dialogues:
    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis = redis
        self._vault = vault

    async def get(self, address: AddressId) -> Dialogue:
        raw = await self._redis.get(keys.of(address, "wd"))
        return Dialogue(**self._vault.open_about(f"dialogue:{address}", octets(raw))) if raw else Dialogue()

    async def put(self, address: AddressId, dialogue: Dialogue) -> None:
        sealed = self._vault.seal_about(f"dialogue:{address}", asdict(dialogue))
        await self._redis.set(keys.of(address, "wd"), sealed, px=TTL_MS)

    async def wrong(self, order: SubjectId, key: str) -> None:
        """Count a wrong surname for an order. key: the inbound message, which counts once."""
        name = keys.of(order, "wt")
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.sadd(name, key)
        pipeline.pexpire(name, TTL_MS)
        await pipeline.execute()

    async def too_many(self, order: SubjectId) -> bool:
        return int(await self._redis.scard(keys.of(order, "wt"))) >= TRIES_OF_ORDER

    # booking codes

    async def set_booking(self, code: str, order: SubjectId, until_ms: int) -> None:
        """Let an order be found by its number as people type it."""
        await self._redis.set(self._booking(code), order, pxat=until_ms)

    async def booking(self, codes: list[str]) -> list[SubjectId | None]:
        """Per normalised code the order it belongs to."""
        if not codes:
            return []
        pipeline = self._redis.pipeline(transaction=False)
        for code in codes:
            pipeline.get(self._booking(code))
        return [SubjectId(octets(raw).decode()) if raw else None for raw in await pipeline.execute()]

    def _booking(self, code: str) -> str:
        return f"b:{self._vault.blind('booking', code)}"
