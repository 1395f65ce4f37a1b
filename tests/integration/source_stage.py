"""A stage for the tests of the stream: intake over a real store, a stream on a real server, and readers of it.

As a program it is one reader that can be killed:  python -m tests.integration.source_stage STORE_URL STREAM_URL RING DIES
DIES: `before_kept` ends it (kill -9) between keeping and acknowledging, `at:ID` while it looks at the event of that id, `never`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from redis.asyncio import Redis

from gateway.intake.sources import Batch, pump
from gateway.intake.sources.pump import Pump
from gateway.intake.sources.redis_stream import RedisStream, reader_name
from gateway.intake.taking import Taking
from gateway.metrics import Metrics
from gateway.model.personal import Secret
from gateway.store.apikeys import ApiKey, Scope
from gateway.store.client import open_other
from gateway.store.events import Events
from gateway.store.leases import Leases
from gateway.store.sourcestream import SourceStream
from gateway.store.vault import KeyRing, Vault
from tests.integration.api_stage import Stage, sample

STREAM = "thuisfront:events"
GROUP = "thuisfront"
KEY = ApiKey("stream", frozenset({Scope.EVENTS}))
CLAIM_MS = 300


def event(number: int, **data: Any) -> dict[str, Any]:
    """A delayed flight of its own for each number."""
    value: dict[str, Any] = sample("ce-flight-delayed")
    value["id"] = f"e-{number}"
    value["data"] |= data
    return value


def structured(value: Any) -> dict[str, str]:
    return {"event": json.dumps(value)}


def staged(redis: Redis, ring: str) -> Stage:
    """The stage as another process has it: with this key ring, so that ids are the same."""
    stage = Stage(redis)
    stage.vault = Vault(KeyRing(Secret(ring)), redis)
    stage.events = Events(redis, stage.clock, stage.vault)
    return stage


class Reader:
    """One process's pump on the stream. Every wait is short, nothing of it is replaced."""

    def __init__(self, stage: Stage, url: str, *, delete: bool = True, look_s: float = 0.05) -> None:
        self.stage = stage
        self.metrics = Metrics()
        self.stopping = asyncio.Event()
        self.key: ApiKey | None = KEY
        self.beats = 0
        self.name = reader_name()
        stream = SourceStream(open_other(url, connections=4), stream=STREAM, group=GROUP, reader=self.name)
        self.source = RedisStream(stream, self.metrics, delete=delete, close=True, claim_ms=CLAIM_MS, look_s=look_s)
        self.taking = Taking(stage.door_deps())
        self.pump = Pump(
            source=self.source,
            taking=self.taking,
            key_of=self._key_of,
            metrics=self.metrics,
            stopping=self.stopping,
            writable=Leases(stage.redis).check_writable,
            beat=self._beat,
        )

    async def _key_of(self) -> ApiKey | None:
        return self.key

    def _beat(self) -> None:
        self.beats += 1

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Reader, None]:
        task = asyncio.create_task(self.pump.run())
        try:
            yield self
        finally:
            self.stopping.set()
            await task

    def counted(self, answer: str) -> float:
        return self.metrics.registry.get_sample_value(
            "thuisfront_source_entries_total", {"source": "redis_stream", "answer": answer}
        ) or 0.0  # fmt: skip


async def waiting(client: Redis) -> tuple[int, int, int]:
    """(entries in the stream, pending, dead letters)"""
    rows: Any = await client.xinfo_groups(STREAM) if await client.exists(STREAM) else []
    pending = sum(int(row["pending"]) for row in rows if row["name"] == GROUP.encode())
    return await client.xlen(STREAM), pending, await client.xlen(f"{STREAM}:dead")


async def letters(client: Redis) -> list[dict[str, str]]:
    rows: Any = await client.xrange(f"{STREAM}:dead")
    return [{name.decode(): value.decode("utf-8", "replace") for name, value in entry.items()} for _, entry in rows]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _program(store_url: str, stream_url: str, ring: str, dies: str) -> None:
    reader = Reader(staged(open_other(store_url, connections=8), ring), stream_url)
    if dies == "before_kept":

        async def kept(batch: Batch, dead: Mapping[str, str]) -> None:
            _die()

        reader.source.kept = kept  # type: ignore[method-assign]
    elif dies.startswith("at:"):
        look: Callable[..., Any] = reader.taking.look

        def poisoned(value: Any, key: ApiKey) -> Any:
            if value["id"] == dies[3:]:
                _die()
            return look(value, key)

        reader.taking.look = poisoned  # type: ignore[method-assign]
    await reader.pump.run()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    pump.RETRY_S = (0.05, 0.2)
    asyncio.run(_program(*sys.argv[1:5]))


