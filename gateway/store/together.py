"""Those who wait for the store share one round trip: whoever comes first takes along what has gathered meanwhile.

One write with fsync costs the process about a hundred microseconds and the disk one flush, whether it carries one record or
fifty. So a record goes out at once when nothing is on its way, else with the next write, and nobody waits for a timer. One write
at a time: what came first is written first. (Two at a time made smaller groups: 143 against 125 us of this process a record.)

A record's fate is its own: it is answered when its own write has been, with its own error when that failed. Who asked may go
away (a time limit, a closed connection): the record is written all the same, and nobody else notices. What waits is bounded.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from gateway.errors import StoreUnavailable

Record = TypeVar("Record")
Answer = TypeVar("Answer")
_Asked = tuple[Record, int, asyncio.Future[Answer | Exception]]
"""(record, its bytes, where who asked waits)"""
_Group = list[tuple[Record, int, asyncio.Future[Answer | Exception]]]

MOST = 128
"""Records of one write. A script runs alone in its server: so many of 1 kB take it well under a millisecond."""
MOST_BYTES = 1024 * 1024
"""Of one write; a single record may be larger."""
WAITING_BYTES = 64 * 1024 * 1024
"""Of all that wait or are on their way. Beyond it a record is refused, which whoever sent it can mend by sending it again."""


class Together(Generic[Record, Answer]):
    def __init__(
        self,
        write: Callable[[Sequence[Record]], Awaitable[Sequence[Answer | Exception]]],
        *,
        most: int = MOST,
        waiting_bytes: int = WAITING_BYTES,
    ) -> None:
        """write: writes records in their order; an answer or an error for each; raises when nothing is known of any."""
        self._write = write
        self._most = most
        self._room = waiting_bytes
        self._waiting: deque[_Asked[Record, Answer]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def add(self, record: Record, size: int) -> Answer:
        """Write one record; returns when that is done. size: its bytes.

        raises: StoreUnavailable when too much waits, or what its write failed with: then it is not known to be written
        """
        if size > self._room:
            raise StoreUnavailable("too much waits to be written")
        self._room -= size
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer | Exception] = loop.create_future()
        self._waiting.append((record, size, future))
        if self._writer is None or self._writer.done():
            # A task of its own, so that who asked first may go away; it begins when everybody of this turn has added theirs.
            self._writer = loop.create_task(self._write_all(), name="together")
        answer = await future
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Wait until nothing is on its way any more; each write has its own time limit."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])

    async def _write_all(self) -> None:
        """Write group after group until nobody waits."""
        try:
            while self._waiting:
                await self._write_group(self._take())
        finally:
            if self._waiting:  # cancelled: the process ends
                self._tell(list(self._waiting), [])
                self._waiting.clear()

    async def _write_group(self, group: _Group[Record, Answer]) -> None:
        answers: Sequence[Answer | Exception] = []
        try:
            answers = await self._write([record for record, _, _ in group])
        except Exception as error:  # told to each of those who asked
            answers = [error] * len(group)
        finally:
            self._tell(group, answers)

    def _take(self) -> _Group[Record, Answer]:
        group: _Group[Record, Answer] = []
        left = MOST_BYTES
        while self._waiting and len(group) < self._most:
            if group and self._waiting[0][1] > left:
                break
            group.append(self._waiting.popleft())
            left -= group[-1][1]
        return group

    def _tell(self, group: _Group[Record, Answer], answers: Sequence[Answer | Exception]) -> None:
        """Answer who asked; who is given no answer (the process ends) is told that nothing is known."""
        for place, (_, size, future) in enumerate(group):
            self._room += size
            if not future.done():  # done: who asked has gone
                future.set_result(answers[place] if place < len(answers) else StoreUnavailable("ended before it was answered"))
