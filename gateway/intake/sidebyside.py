"""Documents of different people are worked on side by side; everything else alone, in the order in which it came.

Two states of one flight must not pass each other, and neither may an order and what follows it. A boarding pass touches only the
memory of its own passenger (rules/changes.py), and what two of them say of the flight is written by compare-and-set: two
processes have always done that at once. So a plane's passes need not wait for each other's round trips to the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.intake.apply import DOCUMENTS
from gateway.model.event import BusinessEvent

AT_ONCE = 4
"""More of them bring nothing: by then a processor is busy, and other loops of the process wait for it."""

Work = Callable[[], Awaitable[object]]


class SideBySide:
    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._running: dict[str, asyncio.Future[object]] = {}

    async def do(self, event: BusinessEvent, work: Work) -> None:
        """Do the work of this event: at once, or begun beside others. Raises what failed of work that was begun before."""
        if event.type not in DOCUMENTS:
            await self.rest()
            await work()
            return
        key = f"{event.subject_id}/{event.item}"
        while key in self._running or len(self._running) >= self._at_once:
            await self._one_ended()
        self._running[key] = asyncio.ensure_future(work())

    async def rest(self) -> None:
        """Until all that was begun has ended. Raises what failed of it first, once the others have ended too."""
        failed: BaseException | None = None
        while self._running:
            try:
                await self._one_ended()
            except (Exception, asyncio.CancelledError) as error:
                failed = failed or error
        if failed is not None:
            raise failed

    async def _one_ended(self) -> None:
        try:
            await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            for task in self._running.values():
                task.cancel()
            raise
        over = {key: task for key, task in self._running.items() if task.done()}
        for key in over:
            del self._running[key]
        for task in over.values():
            task.result()
