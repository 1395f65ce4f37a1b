"""What events did, as fan-outs need it: sealed with their subjects until they are closed, and in memory while they are told."""

from __future__ import annotations

from collections import OrderedDict

from gateway.model.ids import EventId, SubjectId
from gateway.planning.result import EventResult
from gateway.store.subjects import Subjects

_MOST = 1000


class Results:
    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects
        self._known: OrderedDict[str, EventResult] = OrderedDict()

    def known(self, event: EventId) -> EventResult | None:
        return self._known.get(event)

    def remember(self, result: EventResult) -> None:
        self._known[result.event] = result
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    async def of(self, subject: SubjectId, event: EventId) -> EventResult | None:
        """None: it is closed, or forgotten with its subject."""
        result = self._known.get(event)
        if result is None:
            found = await self._subjects.result_of(subject, event)
            if found is None:
                return None
            result = EventResult.load(found[1], found[0])
            self.remember(result)
        return result
