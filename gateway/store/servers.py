"""What the servers behind a store say of themselves: one, or each primary of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from gateway.store.cluster import ClusterRedis

Info = dict[str, Any]


async def infos(redis: Redis, section: str) -> list[Info]:
    """INFO of a section, of each. Raises StoreUnavailable."""
    if isinstance(redis, ClusterRedis):
        return [redis.parsed("INFO", answer) for answer in (await redis.on_each("INFO", section)).values()]
    return [await redis.info(section)]


def share(info: Info) -> float:
    """What is used of what may be used (INFO memory), 0 where nobody set a limit."""
    most = int(info.get("maxmemory", 0))
    return int(info.get("used_memory", 0)) / most if most else 0.0


async def fullest(redis: Redis) -> Info:
    """INFO memory of whoever runs full first: a full primary refuses its own slots, whatever room the others have."""
    return max(await infos(redis, "memory"), key=lambda info: (share(info), int(info.get("used_memory", 0))))


def unwritten(found: Sequence[Info]) -> list[str]:
    """Which ways of writing to the disk failed last (INFO persistence)."""
    names = ("aof_last_write_status", "aof_last_bgrewrite_status")
    return [name for name in names if any(info.get(name, "ok") != "ok" for info in found)]
