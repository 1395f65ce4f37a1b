"""What of an event is still news: not what a newer event of its subject, known by now, replaces or ends.

A fan-out may take minutes, and one that a process left behind begins anew. Who has not been told yet by then, or has begun to
follow since, would be told what was true once: a delay that has become another. The newer event tells the same people, so they
miss nothing; from those whom the older one has reached it is taken back, where it still lies in their lane.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from gateway.model.ids import EventId
from gateway.planning.result import EventResult
from gateway.planning.worlds import Worlds
from gateway.store.subjects import Subjects

LOOK_S = 1.0
"""How long an answer holds: a fan-out asks before each turn."""
_MOST = 1000

Begun = Callable[[Sequence[EventResult]], Awaitable[set[EventId]]]


class StillNews:
    def __init__(self, subjects: Subjects, worlds: Worlds, begun: Begun) -> None:
        """begun: those of some events that were let through and opened wherever anybody listens"""
        self._subjects = subjects
        self._worlds = worlds
        self._begun = begun
        self._known: OrderedDict[EventId, tuple[float, EventResult]] = OrderedDict()

    async def of(self, result: EventResult) -> EventResult:
        """The same without the notifications that are none any more."""
        event = EventId(result.event)
        at_s, known = self._known.get(event, (float("-inf"), result))
        if time.monotonic() - at_s < LOOK_S:
            return known
        newer = await self._newer(result)
        left = tuple(name for name in result.notifications if not any(self.takes_out(one, result, name) for one in newer))
        found = result if left == result.notifications else replace(result, notifications=left)
        self._known[event] = time.monotonic(), found
        self._known.move_to_end(event)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return found

    async def over(self, result: EventResult) -> bool:
        """Whether none of it is news by what newer events tell that were let through. Of one that was not begun yet the fuse may
        take back what it told: who is told neither would hear nothing at all."""
        newer = await self._newer(result)
        open_ = [one for one in newer if await self._subjects.result_of(result.subject, EventId(one.event)) is not None]
        begun = await self._begun(open_) if open_ else set()
        sure = [one for one in newer if one not in open_ or EventId(one.event) in begun]
        return all(any(self.takes_out(one, result, name) for one in sure) for name in result.notifications)

    async def _newer(self, result: EventResult) -> list[EventResult]:
        return [
            EventResult.load(entry, sequence)
            for _, sequence, entry in await self._subjects.current(result.subject)
            if sequence > result.sequence and entry["event"] != result.event
        ]

    def takes_out(self, newer: EventResult, older: EventResult, name: str) -> bool:
        """Whether what a newer event tells the same people takes out this notification of an older one."""
        if newer.refs or newer.audience != older.audience or dict(newer.cells) != dict(older.cells):
            return False
        catalogue = self._worlds.catalogue
        known = catalogue.get(name)
        if known is None:
            return True
        replaced = known.replaces and known.item == "none" and name in newer.notifications
        return replaced or any(name in catalogue.ended_by(one) for one in newer.notifications)
