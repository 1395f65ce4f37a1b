"""The role's two loops: kept webhooks into inboxes, inboxes applied in order. One worker a log, one a partition.

An item is half a dozen round trips, three of them written to disk, and a process owns many partitions: one after another they
would mostly wait. So several partitions are at it at once, each in its own order.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

import structlog

from gateway.crashpoint import crash_point
from gateway.errors import NotReplicated, StoreError
from gateway.store.ownership import Ownership
from gateway.store.vault import KeyMissing
from gateway.store.webhooks import InboxItem, Webhooks
from gateway.wake import Wake
from gateway.webhooks.apply import Applier
from gateway.webhooks.split import Splitter

TRIES = 5
IDLE_S = 1.0
BATCH = 20
PATIENCE_S = 2.0
AT_ONCE = 16
"""So many partitions are applied at a time; they share the store's writes to disk."""

log = structlog.get_logger()


async def run_split(
    splitter: Splitter, logs: Ownership, wake: Wake, stopping: asyncio.Event, beat: Callable[[], None]
) -> None:
    wake.serve("webhooks")
    while not stopping.is_set():
        count = 0
        try:
            count = await splitter.turn(await logs.mine())
            if count:
                wake.now("inbox")
            beat()
        except (StoreError, OSError, TimeoutError) as error:
            log.warning("webhooks.store_unavailable", error=type(error).__name__)
        except Exception as error:
            log.exception("webhooks.split_failed", error=type(error).__name__)
        if not count:
            await wake.wait("webhooks", IDLE_S)
    await logs.release()


async def run_apply(
    webhooks: Webhooks, applier: Applier, mine: Ownership, wake: Wake, stopping: asyncio.Event, beat: Callable[[], None]
) -> None:
    wake.serve("inbox")
    while not stopping.is_set():
        applied = 0
        try:
            applied = await _apply_all(webhooks, applier, await webhooks.inbox(await mine.mine(), limit=BATCH))
            beat()
        except (StoreError, OSError, TimeoutError) as error:
            log.warning("inbox.store_unavailable", error=type(error).__name__)
        except Exception as error:
            log.exception("inbox.loop_failed", error=type(error).__name__)
        if not applied:
            await wake.wait("inbox", IDLE_S)
    await mine.release()


async def _apply_all(webhooks: Webhooks, applier: Applier, items: Sequence[InboxItem]) -> int:
    """Apply items, each partition's in order, several partitions at once; how many were. A full store refuses one thing and takes
    another: what waits for room holds up its own partition, and the statuses and stops of the others go on.

    What was begun before without an end may be what ends processes: it waits for the others, and has no company then whose tries
    it could use up.
    """
    began, silent = time.monotonic(), False
    gate = asyncio.Semaphore(AT_ONCE)
    suspects: list[Sequence[InboxItem]] = []
    partitions: dict[int, list[InboxItem]] = {}
    for item in items:
        partitions.setdefault(item.partition, []).append(item)

    async def apply_in_order(partition: int, its: Sequence[InboxItem], *, alone: bool) -> int:
        nonlocal silent
        async with gate:
            for applied, item in enumerate(its):
                if silent:
                    return applied
                try:
                    if not await apply_one(webhooks, applier, item, alone=alone):
                        suspects.append(its[applied:])
                        return applied
                except (StoreError, OSError, TimeoutError) as error:
                    log.warning("inbox.store_unavailable", partition=partition, error=type(error).__name__)
                    if not isinstance(error, NotReplicated | KeyMissing):  # the store answers; this one waits for something else
                        silent = silent or time.monotonic() - began > PATIENCE_S  # it does not refuse, it does not answer
                    return applied
                except Exception as error:  # what is spoilt here is no reason to cut the others off in the middle of theirs
                    log.exception("inbox.partition_failed", partition=partition, error=type(error).__name__)
                    return applied
        return len(its)

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(apply_in_order(partition, its, alone=False), name="inbox") for partition, its in partitions.items()
        ]
    count = sum(task.result() for task in tasks)
    for its in suspects:  # that one alone: what comes behind it may have company again
        count += await apply_in_order(its[0].partition, its[:1], alone=True)
    return 0 if silent else count


async def apply_one(webhooks: Webhooks, applier: Applier, item: InboxItem, *, alone: bool = True) -> bool:
    """Apply an item up to three times in all, counted before each try; then it is parked, and its neighbours go on.

    alone: nothing else is being applied here. False: what was begun before is left as it was, and False is the answer
    """
    while True:
        tries = await webhooks.begin(item)
        if tries > 1 and not alone:
            await webhooks.take_back(item)
            return False
        if tries > TRIES:
            await webhooks.park(item, "tried five times")
            log.error("inbox.parked", partition=item.partition, place=item.place, kind=str(item.value.get("kind")))
            return True
        try:
            crash_point("item.begun")
            await applier.apply(item.value)
            crash_point("item.applied")
        except (StoreError, OSError, TimeoutError):
            with contextlib.suppress(StoreError, OSError, TimeoutError):
                await webhooks.take_back(item)
            raise
        except Exception as error:
            log.exception("inbox.failed", partition=item.partition, place=item.place, error=type(error).__name__)
            continue
        await webhooks.applied(item.partition, item.place)
        return True
