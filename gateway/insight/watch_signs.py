"""Each process says every ten seconds how it is: to /metrics, and under its name in the store for whoever watches.

A process that ends in good order takes its name out. One that is killed, or whose event loop hangs, falls silent, which is seen.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable

import structlog

from gateway.clock import Clock
from gateway.health import Beats
from gateway.insight.watch_gauges import begin_at_zero, look_at_self
from gateway.metrics import Metrics
from gateway.store.signs import Sample, Signs

EVERY_S = 10.0
STORE_S = 4.0

log = structlog.get_logger()


def instance_of(port: int) -> str:
    """host:port of the internal listener, as Prometheus calls it too: the same after a restart."""
    return f"{socket.gethostname()}:{port}"


def samples_of(metrics: Metrics, names: frozenset[str]) -> list[Sample]:
    """The figures with these names, now."""
    return [
        (sample.name, dict(sample.labels), float(sample.value))
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name in names
    ]


async def run_signs(
    signs: Signs,
    *,
    instance: str,
    names: frozenset[str],
    channels: Iterable[str],
    metrics: Metrics,
    beats: Beats,
    clock: Clock,
    stopping: asyncio.Event,
    every_s: float = EVERY_S,
) -> None:
    """Until stopping. names: the figures that alerts look at. A store that does not answer is tried again next time."""
    begin_at_zero(metrics, channels)
    shown: set[str] = set()

    async def store_ms() -> int:
        async with asyncio.timeout(STORE_S):
            return await signs.put(instance, samples_of(metrics, names))

    try:
        while not stopping.is_set():
            try:
                await look_at_self(metrics, beats, clock, store_ms, shown)
            except Exception as error:
                log.info("signs.not_put", error=type(error).__name__)
            await _wait(stopping, every_s)
    finally:
        try:
            async with asyncio.timeout(2):
                await asyncio.shield(signs.leave(instance))
        except Exception as error:
            log.info("signs.left", error=type(error).__name__)


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass
