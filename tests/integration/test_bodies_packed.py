"""Whether bodies are written packed is the store's word: a new store says so at once, an older one when `migrate` is run."""

from __future__ import annotations

from redis.asyncio import Redis

from gateway.settings import Environment
from gateway.store import keys, layout


async def test_a_new_store_lets_bodies_be_packed(redis: Redis) -> None:
    assert not await layout.packs_bodies(redis)
    await layout.claim(redis, Environment.STAGING, 1)
    assert await layout.packs_bodies(redis)


async def test_an_older_store_lets_them_be_packed_only_after_migrate(redis: Redis) -> None:
    await redis.hset(keys.LAYOUT, mapping={"version": "1", "env": "staging", "made": "1"})
    await layout.claim(redis, Environment.STAGING, 2)
    assert not await layout.packs_bodies(redis)
    assert "written packed" in (await layout.migrate(redis, dry_run=True))[0]
    assert not await layout.packs_bodies(redis)
    await layout.migrate(redis, dry_run=False)
    assert await layout.packs_bodies(redis)
    assert "nothing to do" in (await layout.migrate(redis, dry_run=False))[0]
