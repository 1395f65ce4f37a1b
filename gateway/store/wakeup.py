"""How processes wake one another, and the turned clock of a demo. A lost publish costs a second and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from redis import exceptions
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.store import keys
from gateway.store.reply import words

CHANNEL = "thuisfront:wake"


def publish_to(redis: Redis) -> Callable[[str], Awaitable[None]]:
    async def publish(topic: str) -> None:
        try:
            await redis.publish(CHANNEL, topic)
        except (StoreError, exceptions.RedisError) as error:
            raise OSError(str(error)) from error

    return publish


async def listen(blocking: Redis, heard: Callable[[str], None], stopping: asyncio.Event) -> None:
    """Hear what other processes publish, connecting again for as long as it takes."""
    while not stopping.is_set():
        subscription = blocking.pubsub()
        try:
            await subscription.subscribe(CHANNEL)
            while not stopping.is_set():
                message = await subscription.get_message(ignore_subscribe_messages=True, timeout=1.0)
                if message is not None:
                    heard(words(message["data"]))
        except (StoreError, exceptions.RedisError, OSError):
            await asyncio.sleep(1.0)
        finally:
            try:
                await subscription.aclose()  # type: ignore[no-untyped-call]
            except (StoreError, exceptions.RedisError, OSError):
                pass


async def read_offset(redis: Redis) -> int:
    raw = await redis.get(keys.CLOCK)
    return int(words(raw)) if raw else 0


async def write_offset(redis: Redis, offset_ms: int) -> None:
    """Turn the clock of every process of this (demo) store."""
    await redis.set(keys.CLOCK, str(offset_ms))


async def follow_offset(redis: Redis, clock: Clock, stopping: asyncio.Event) -> None:
    """Keep this process's clock at the demo's."""
    while not stopping.is_set():
        try:
            clock.offset_ms = await read_offset(redis)
        except StoreError:
            pass
        try:
            async with asyncio.timeout(0.2):
                await stopping.wait()
        except TimeoutError:
            pass
