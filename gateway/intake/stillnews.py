"""What of an event is no news any more: what a newer event of its subject, on its way by now, replaces or ends.

A fan-out may take minutes, and one that a process left behind begins anew. Who has not been told yet by then, or has begun to
follow since, would be told what was true once: a delay that has become another. It is planned for them as replaced, or ended, by
the newer event, which tells the same people; from those whom the older one has reached it is taken back, where it still lies in
their lane. A newer event counts once it has a cursor anywhere, or is closed: before, the fuse may still hold it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from gateway.model.ids import EventId
from gateway.planning.connecting import ITEM
from gateway.planning.result import EventResult
from gateway.planning.worlds import Worlds
from gateway.store.subjects import Subjects

LOOK_S = 1.0
"""How long an answer holds: a fan-out asks before each turn."""
_MOST = 1000

Begun = Callable[[Sequence[EventResult]], Awaitable[set[EventId]]]
Over = Mapping[str, tuple[str, str]]
NOTHING: Over = MappingProxyType({})


class StillNews:
    def __init__(self, subjects: Subjects, worlds: Worlds, begun: Begun) -> None:
        """begun: those of some events that have a cursor anywhere"""
        self._subjects = subjects
        self._worlds = worlds
        self._begun = begun
        self._known: OrderedDict[EventId, tuple[float, Over]] = OrderedDict()

    async def of(self, result: EventResult) -> Over:
        """Its notifications that are none any more -> (replaced or ended, by which event)."""
        event = EventId(result.event)
        at_s, known = self._known.get(event, (float("-inf"), {}))
        if time.monotonic() - at_s < LOOK_S:
            return known
        found: dict[str, tuple[str, str]] = {}
        for newer in await self._newer(result):
            for name in result.notifications:
                if why := self.why(newer, result, name):
                    found[name] = why, newer.event
        self._known[event] = time.monotonic(), found
        self._known.move_to_end(event)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return found

    async def _newer(self, result: EventResult) -> list[EventResult]:
        """What newer events tell, one entry a notification; without those of which the fuse may still take it back."""
        found = [
            EventResult.load(entry, sequence)
            for _, sequence, entry in await self._subjects.current(result.subject)
            if sequence > result.sequence and entry["event"] != result.event
        ]
        open_ = [one for one in found if await self._subjects.result_of(result.subject, EventId(one.event)) is not None]
        begun = await self._begun(open_) if open_ else set()
        return [one for one in found if one not in open_ or EventId(one.event) in begun]

    def why(self, newer: EventResult, older: EventResult, name: str) -> str:
        """replaced or ended: a newer event tells the same people what takes out this notification of an older one. Else ""."""
        if newer.refs or newer.audience != older.audience or dict(newer.cells) != dict(older.cells):
            return ""
        catalogue = self._worlds.catalogue
        known = catalogue.get(name)
        if known is None or any(name in catalogue.ended_by(one) for one in newer.notifications):
            return "ended"
        return "replaced" if known.replaces and known.item in ("none", ITEM) and name in newer.notifications else ""
