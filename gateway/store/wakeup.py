"""How processes wake one another, and the turned clock of a demo. A lost publish costs a second and nothing else.

A wake that says what there is goes out twice: with its hints on a channel of its own, then plainly for processes of the version
before, which know only that one. Who hears both leaves the plain one aside.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence

from redis import exceptions
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.store import keys
from gateway.store.reply import words
from gateway.wake import Publish, Ready

CHANNEL = "thuisfront:wake"
HINTS = "thuisfront:wake:hints"


def publish_to(redis: Redis) -> Publish:
    async def publish(topic: str, hints: Sequence[Ready]) -> None:
        try:
            pipeline = redis.pipeline(transaction=False)
            if hints:
                pipeline.publish(HINTS, json.dumps([topic, hints]))
            pipeline.publish(CHANNEL, topic)
            await pipeline.execute()
        except (StoreError, exceptions.RedisError) as error:
            raise OSError(str(error)) from error

    return publish


class Ears:
    """Tells apart a plain wake and the twin of one whose hints were heard. One for each subscription."""

    def __init__(self, heard: Callable[[str, Sequence[Ready]], None]) -> None:
        self._heard = heard
        self._twins: Counter[str] = Counter()

    def hear(self, channel: str, text: str) -> None:
        if channel != HINTS:
            if self._twins[text] > 0:
                self._twins[text] -= 1
            else:
                self._heard(text, ())
            return
        try:
            topic, rows = json.loads(text)
            known = self._twins[topic]
            hints = [Ready(int(row[0]), str(row[1]), int(row[2]), str(row[3]), str(row[4]), str(row[5])) for row in rows]
        except (ValueError, TypeError, IndexError):
            return  # a later version's: its twin is enough
        self._twins[topic] = known + 1
        self._heard(topic, hints)


async def listen(
    blocking: Redis, heard: Callable[[str, Sequence[Ready]], None], stopping: asyncio.Event
) -> None:
    """Hear what other processes publish, connecting again for as long as it takes."""
    while not stopping.is_set():
        subscription = blocking.pubsub()
        try:
            await subscription.subscribe(CHANNEL, HINTS)
            ears = Ears(heard)
            while not stopping.is_set():
                message = await subscription.get_message(ignore_subscribe_messages=True, timeout=1.0)
                if message is not None:
                    ears.hear(words(message["channel"]), words(message["data"]))
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
