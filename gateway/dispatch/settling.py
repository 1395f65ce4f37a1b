"""What became of sends is written down in batches, for as long as that takes: only this process knows it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence

import structlog

from gateway.crashpoint import crash_point
from gateway.dispatch.again import Again
from gateway.dispatch.deliver import Delivered, Deliverer
from gateway.dispatch.outgoing import Posted
from gateway.errors import GatewayError
from gateway.store.mentions import Mentions
from gateway.store.outbox import Outbox, Settlement

SETTLE_MAX = 100
SETTLE_PAUSES_S = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)
"""After a settle that the store did not take; the last again and again."""
SETTLES = 4
"""Batches being settled at a time: one is computed while the store writes another."""

log = structlog.get_logger()


class Settling:
    def __init__(
        self,
        outbox: Outbox,
        deliverer: Deliverer,
        again: Again,
        mentions: Mentions,
        settled: Callable[[Sequence[Settlement]], None],
    ) -> None:
        """settled: told of each batch when it is written, or given up because this process ends"""
        self._outbox = outbox
        self._deliverer = deliverer
        self._again = again
        self._mentions = mentions
        self._told = settled
        self._waiting: asyncio.Queue[Delivered | Posted] = asyncio.Queue()
        self._left = False
        """nothing is settled any more: this process ends"""

    def put(self, one: Delivered | Posted) -> None:
        self._waiting.put_nowait(one)

    def next(self) -> Delivered | Posted:
        """The first that waits. Raises asyncio.QueueEmpty."""
        return self._waiting.get_nowait()

    @property
    def idle(self) -> bool:
        return self._waiting.empty()

    def leave(self) -> None:
        """Give up what the store does not take: this process ends."""
        self._left = True

    async def run(self) -> None:
        """Until cancelled."""
        gate = asyncio.Semaphore(SETTLES)
        async with asyncio.TaskGroup() as group:
            while True:
                await gate.acquire()
                batch = [await self._waiting.get()]
                while len(batch) < SETTLE_MAX and not self._waiting.empty():
                    batch.append(self._waiting.get_nowait())
                group.create_task(self._finish(self._concluded(group, batch), gate))

    def _concluded(self, group: asyncio.TaskGroup, batch: Sequence[Delivered | Posted]) -> list[Delivered]:
        """What can be settled now: what was plainly accepted is concluded in a go, anything else alone, and comes back."""
        done = []
        for one in batch:
            delivered = self._deliverer.accepted(one) if isinstance(one, Posted) else one
            if delivered is not None:
                done.append(delivered)
            elif isinstance(one, Posted):
                group.create_task(self._conclude(one))
        return done

    async def _conclude(self, posted: Posted) -> None:
        self.put(await self._deliverer.conclude(posted))

    async def _finish(self, batch: Sequence[Delivered], gate: asyncio.Semaphore) -> None:
        # Shielded: what was sent is settled even while this process is being stopped.
        settlements = [one.settlement for one in batch]
        await asyncio.shield(asyncio.gather(self.settle(settlements), self._mention(batch)))
        gate.release()
        crash_point("settle.done")
        self._told(settlements)

    async def settle(self, batch: Sequence[Settlement]) -> None:
        """For as long as it takes: nobody but this process knows what the channel said, and forgotten it is sent again."""
        self._again.settled(batch)
        pauses = itertools.chain(SETTLE_PAUSES_S, itertools.repeat(SETTLE_PAUSES_S[-1]))
        while not self._left:
            try:
                await self._outbox.settle(batch)
                return
            except (GatewayError, OSError, TimeoutError) as error:
                log.warning("settle.store_unavailable", count=len(batch), error=type(error).__name__)
                await asyncio.sleep(next(pauses))
            except Exception as error:
                log.exception("settle.failed", count=len(batch), error=type(error).__name__)
                break
        for one in batch if len(batch) > 1 else ():  # one of them cannot be written: the others can
            await self.settle([one])

    async def _mention(self, batch: Sequence[Delivered]) -> None:
        """Let the desk see what an answer is about. It is sent already: whatever fails here changes nothing of that."""
        mentions = [one.mention for one in batch if one.mention is not None]
        try:
            await self._mentions.add(mentions)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.warning("mention.failed", count=len(mentions), error=type(error).__name__)
