"""Gauges about what is under way: events being told, conversations that wait for somebody, what was set aside.

Read from the store by every process with the scheduler, as `Survey` is: all say the same, take the highest. Of the most urgent
FANS_MAX events the people are counted, without a word on which events they are.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from gateway.metrics import Metrics
from gateway.model.ids import SubjectId
from gateway.model.message import Priority
from gateway.planning.result import EventResult
from gateway.rules.routing import QUEUES
from gateway.store import keys
from gateway.store.fanout import PRIORITY_STEP, FanOut, FanOuts
from gateway.store.readings import Readings
from gateway.store.subjects import Subjects

FANS_MAX = 20
PLACES_MAX = 4096
"""Of an outage over very many cells the people are not counted: that alone would be thousands of commands every look."""
SAMPLE_EVERY_S = 600.0
PARKED = ("event", "item", "telling", "webhook", "wording")


class Work:
    """first_queues: the queues of crises, which are answered before all others; queues: those that there always are."""

    def __init__(
        self,
        *,
        readings: Readings,
        fans: FanOuts,
        subjects: Subjects,
        first_queues: Callable[[], Awaitable[Sequence[str]]],
        metrics: Metrics,
        queues: Sequence[str] = QUEUES,
    ) -> None:
        self._readings = readings
        self._fans = fans
        self._subjects = subjects
        self._first_queues = first_queues
        self._metrics = metrics
        self._queues = queues
        self._sampled_at = -SAMPLE_EVERY_S

    async def look(self) -> None:
        """Set the gauges. Raises what the store raises."""
        await self._look_at_fans()
        queues = await self._readings.desk((*await self._first_queues(), *self._queues))
        self._metrics.conversations.clear()
        for queue, count in queues.items():
            self._metrics.conversations.labels(queue).set(count)
        if time.monotonic() - self._sampled_at >= SAMPLE_EVERY_S:
            self._sampled_at = time.monotonic()
            self._metrics.travelling.set((await self._readings.travelling()).people)
        parked = await self._readings.parked()
        for kind in PARKED:
            self._metrics.parked_hour.labels(kind).set(parked.get(kind, 0))

    async def _look_at_fans(self) -> None:
        events: dict[str, FanOut] = {}
        for fan in await self._fans.under_way(list(keys.all_partitions())):
            events.setdefault(fan.event, fan)
        under_way, told, waiting = Counter[Priority](), Counter[Priority](), Counter[Priority]()
        for number, fan in enumerate(events.values()):
            priority = Priority(min(int(fan.rank // PRIORITY_STEP), Priority.BULK))
            under_way[priority] += 1
            if number < FANS_MAX:
                people, done = await self._people(fan)
                told[priority] += done
                waiting[priority] += max(people - done, 0)
        for priority in Priority:
            name = priority.name.lower()
            self._metrics.fans_open.labels(name).set(under_way[priority])
            self._metrics.fan_people.labels(name, "told").set(told[priority])
            self._metrics.fan_people.labels(name, "waiting").set(waiting[priority])

    async def _people(self, fan: FanOut) -> tuple[int, int]:
        """(who listens to an event, how many of them it has passed)."""
        known = await self._subjects.result_of(fan.subject, fan.event)
        audience: Sequence[SubjectId] = EventResult.load(known[1], known[0]).audience if known else ()
        places = {one: await self._subjects.partitions(one) for one in audience[:PLACES_MAX]}
        partitions = sorted({number for numbers in places.values() for number in numbers})
        if len(audience) * len(partitions) > PLACES_MAX:
            return 0, 0
        progress = await self._fans.progress(fan.event, list(audience), partitions)
        return progress.people, progress.done
