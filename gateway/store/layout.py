"""The layout version of the data, and whose data it is.

A store belongs to one environment and says so; a program of another environment, or one that knows another layout, refuses to
start. `MIGRATIONS` holds one step per version; each may run twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis

from gateway.errors import LayoutMismatch, StoreRefused
from gateway.settings import Environment
from gateway.store import keys
from gateway.store.reply import words

VERSION = 1

BODIES = "bodies"
PACKED = "packed"
"""Field and value: bodies of messages are written packed, and no program that cannot read that works here any more."""

Migration = Callable[[Redis, bool], Awaitable[int]]
"""(redis, dry run) -> how many keys it changes"""

MIGRATIONS: dict[int, tuple[str, Migration]] = {}
"""version it leads to -> (what it does, the step)"""


async def claim(redis: Redis, env: Environment, now_ms: int) -> None:
    """Stamp an empty store, or check that it is ours. Raises StoreRefused, LayoutMismatch."""
    stamp: dict[Any, Any] = {"version": str(VERSION), "env": env.value, "made": str(now_ms), BODIES: PACKED}
    if await redis.hsetnx(keys.LAYOUT, "env", env.value):
        await redis.hset(keys.LAYOUT, mapping=stamp)
    known = {words(name): words(value) for name, value in (await redis.hgetall(keys.LAYOUT)).items()}
    if known.get("env") != env.value:
        raise StoreRefused(
            f"this store belongs to the environment {known.get('env')!r} and GATEWAY_ENV is {env.value!r}: "
            "use another GATEWAY_REDIS_URL or GATEWAY_DATA_DIR for each environment"
        )
    version = int(known.get("version", str(VERSION)))
    if version < VERSION:
        raise LayoutMismatch(f"the store has layout {version}, this program {VERSION}: run `python main.py migrate`")
    if version > VERSION:
        raise LayoutMismatch(f"the store has layout {version}, newer than this program ({VERSION}): use a newer program")


async def packs_bodies(redis: Redis) -> bool:
    """Whether messages may be written packed (store/packing.py). Asked at the start; what is there is read in either form."""
    found = await redis.hget(keys.LAYOUT, BODIES)
    return found is not None and words(found) == PACKED


async def migrate(redis: Redis, *, dry_run: bool) -> list[str]:
    """Bring the store to this program's layout, one version after another; what was (or would be) done, in words."""
    raw = await redis.hget(keys.LAYOUT, "version")
    if raw is None:
        return ["the store is empty: nothing to do"]
    version = int(words(raw))
    done = []
    for target in range(version + 1, VERSION + 1):
        what, step = MIGRATIONS[target]
        count = await step(redis, dry_run)
        done.append(f"layout {target}: {what}: {count} keys")
        if not dry_run:
            await redis.hset(keys.LAYOUT, "version", str(target))
    if not await packs_bodies(redis):
        done.append("messages are written packed from the next start on: the program before this one cannot read them")
        if not dry_run:
            await redis.hset(keys.LAYOUT, BODIES, PACKED)
    return done or [f"layout {version} is current: nothing to do"]
