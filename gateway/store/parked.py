"""What was set aside because it could not be handled, to be looked at: events, people of an event, and parts of webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.store import bulk, keys
from gateway.store.reply import words


@dataclass(frozen=True, slots=True)
class Parked:
    """kind: event, wording (what of an event could not be written), telling (one person of an event), item (a part of a webhook),
    webhook:<channel>; id: of the event, or ''
    """

    at_ms: int
    kind: str
    id: str
    why: str


async def listed(redis: Redis, clock: Clock, limit: int) -> list[Parked]:
    """The youngest first, at most `limit` of each partition. What it holds stays sealed. Raises StoreUnavailable."""
    asked: list[bulk.Command] = [
        ("XREVRANGE", keys.part(partition, "parked"), "+", "-", "COUNT", limit) for partition in keys.all_partitions()
    ]
    found = []
    for rows in await bulk.values(redis, asked):
        for place, raw in rows:
            entry = bulk.mapping(raw)
            at_ms = int(words(place).partition("-")[0]) + clock.offset_ms
            given = (entry.get(name, b"").decode() for name in (b"kind", b"id", b"why"))
            found.append(Parked(at_ms, *given))
    return sorted(found, key=lambda one: -one.at_ms)[:limit]
