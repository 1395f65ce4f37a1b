"""What was spent, month by month: added up in the very scripts that learn that a channel took a message.

That is why a counter is right without a list of messages: a message is accepted once, by its settle or by evidence, in one step
with its price; both may run twice, and the second time find it accepted. The counters are spread over the partitions like
the messages, so that a script touches its own partition only; who reads adds them up, in one round trip.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.prices.budgets import fields
from gateway.prices.model import Charge
from gateway.store import audit, bulk, keys

KEEP_MS = 63 * keys.DAY_MS
"""A month's counters outlast the month after it."""


@dataclass(frozen=True, slots=True)
class Spend:
    """What one message adds. month: 2026-11; fields: counters of that month; amount: millionths of the currency."""

    month: str
    fields: tuple[str, ...]
    amount: int

    @classmethod
    def of(cls, charge: Charge) -> Spend | None:
        """None for what is free, or of which nobody knows what it costs."""
        return cls(charge.month, fields(charge), charge.expected) if charge.expected else None


class Spending:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def read(self, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """(month, field) -> what was spent, over all partitions. Raises StoreUnavailable."""
        by_month: dict[str, list[str]] = {}
        for month, name in sorted(set(wanted)):
            by_month.setdefault(month, []).append(name)
        asked = [(month, names, part) for month, names in by_month.items() for part in keys.all_partitions()]
        commands: list[bulk.Command] = [("HMGET", keys.spent(part, month), *names) for month, names, part in asked]
        found = dict.fromkeys(wanted, 0)
        for (month, names, _), amounts in zip(asked, await bulk.values(self._redis, commands), strict=True):
            for name, amount in zip(names, amounts, strict=True):
                found[month, name] += int(amount or 0)
        return found

    async def tell_once(self, clock: Clock, month: str, said: str, kind: str, detail: Mapping[str, str]) -> bool:
        """Write a fact unless this was said in this month before; whether it was written. Killed in between, nobody says it."""
        name = keys.spent(audit.PARTITION, month)
        new = bool(await self._redis.hsetnx(name, f"said:{said}", "1"))
        if new:
            await self._redis.pexpire(name, KEEP_MS)
            await audit.write_fact(self._redis, clock, kind, detail=detail)
        return new
