"""What a store says of itself before anybody may rely on its layout, and who works on it."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.store import keys
from gateway.store.ownership import SHOWN_MS
from gateway.store.reply import words


@dataclass(frozen=True, slots=True)
class Stamp:
    env: str
    version: int


async def read_stamp(redis: Redis) -> Stamp | None:
    """None for an empty store."""
    env, version = await redis.hmget(keys.LAYOUT, "env", "version")
    if env is None and version is None:
        return None
    return Stamp(words(env) if env is not None else "", int(words(version)) if version is not None else 0)


async def at_work(redis: Redis) -> int:
    """How many processes have shown themselves at work in the last quarter of a minute (intake and webhooks do)."""
    seconds, _ = await redis.time()
    members = await redis.zrangebyscore(keys.WORKERS, int(seconds) * 1000 - SHOWN_MS, "+inf")
    return len({words(member).rpartition(":")[2] for member in members})
