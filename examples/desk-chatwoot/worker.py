"""Does what is kept to be done: one conversation's jobs one by one in their order, several conversations beside each other.

A job that could not be done is tried again after a while that doubles, up to a minute, or as long as the other side asked for.
Nothing is ever given up by itself: what cannot be done is told to somebody by whoever does the job.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping

from failures import Refused, Wait
from memory import Job, Memory

AT_ONCE = 8
LONGEST_S = 60.0


class Worker:
    """handlers: by a job's kind; one returns when the job is done, raises Wait to have it again"""

    def __init__(self, memory: Memory, handlers: Mapping[str, Callable[[Job], Awaitable[None]]]) -> None:
        self._memory, self._handlers = memory, handlers
        self._wake, self._busy = asyncio.Event(), set[str]()

    def wake(self) -> None:
        """There is something new to do."""
        self._wake.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                wait_s = self._start(group)
                try:
                    await asyncio.wait_for(self._wake.wait(), wait_s)
                except TimeoutError:
                    pass

    def _start(self, group: asyncio.TaskGroup) -> float:
        """Begin what is due, where there is room; how long until more is (s)."""
        now, wait_s = time.time(), 60.0
        for job, due in self._memory.heads():
            if job.lane in self._busy or len(self._busy) >= AT_ONCE:
                continue
            if due > now:
                wait_s = min(wait_s, due - now)
                continue
            self._busy.add(job.lane)
            group.create_task(self._one(job))
        return wait_s

    async def _one(self, job: Job) -> None:
        try:
            await self._handlers[job.kind](job)
            self._memory.done(job)
        except Wait as wait:
            self._later(job, str(wait), wait.after_s)
        except Refused as refused:
            self._later(job, f"refused: {refused.code}", None)
        except Exception as error:
            traceback.print_exc()
            self._later(job, type(error).__name__, None)
        finally:
            self._busy.discard(job.lane)
            self._wake.set()

    def _later(self, job: Job, why: str, after_s: float | None) -> None:
        own = min(LONGEST_S, 0.25 * 2 ** min(job.tries, 9))
        if job.tries in (2, 8):  # said twice, not each time
            print(f"waits: {job.kind} of {job.lane}: {why}", flush=True)
        self._memory.later(job, own if after_s is None else max(after_s, 0.1))
