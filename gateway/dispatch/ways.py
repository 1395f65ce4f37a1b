"""The loop that finds other ways for what failed or brought nothing in time. The work is planning's (planning/legs.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from gateway.errors import StoreError
from gateway.metrics import Metrics
from gateway.planning.legs import Legs
from gateway.store.ownership import Ownership
from gateway.wake import Wake

IDLE_S = 1.0

log = structlog.get_logger()


async def run_ways(
    legs: Legs, mine: Ownership, wake: Wake, metrics: Metrics, stopping: asyncio.Event, beat: Callable[[], None]
) -> None:
    """Until stopping. One worker a partition: who works on it says nothing about what may be written."""
    while not stopping.is_set():
        count = 0
        try:
            count = await legs.turn(await mine.mine())
            beat()
        except (StoreError, OSError, TimeoutError) as error:
            log.warning("ways.store_unavailable", error=type(error).__name__)
        except Exception as error:
            metrics.loop_failures.labels("ways").inc()
            log.exception("ways.failed", error=type(error).__name__)
        if not count:
            await wake.wait("ways", IDLE_S)
    await mine.release()
