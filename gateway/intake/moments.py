"""What happens because of the time: check-in opens, boarding begins, a reminder on the day.

A moment is one time of a subject (notifications/moments.py says which there are), kept in `timers` beside it:

    set       with every applied event, in the same script, from the state after it; where only orders know it, as one is taken
    fired     when it is due, by whoever owns the subject's partition: one script takes it off and keeps its event
    applied   like any event: the memory decides once more whether it has come, and remembers that it was told

So moving a flight moves one number, however many people follow it. Between being fired and being applied the flight may move, be
cancelled, or its source may say the same: the memory as it is when the event is applied has the last word. What is told late, or
to whom at night, is the notification's own affair.

Intake does this, not the scheduler: a moment becomes an event, and whoever owns the partition takes it in hand at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import SubjectId
from gateway.notifications.moments import Moment, Moments
from gateway.rules import moments as rules
from gateway.rules.changes import state_of
from gateway.store.subjects import SetMoment, Subjects
from gateway.store.timers import Due, Timers

FORGET_MS = 24 * 3600_000
"""After this a due moment that this installation does not know is dropped; until then another version may know it."""
A_TURN = 16
"""At most so many of a partition at a time: a thousand flights due in one minute leave room for what else happens."""

_STATE_OF = {"flight": EventType.FLIGHT_STATUS, "trip": EventType.TRIP_STATUS}
"""What an order's leg is -> the events that speak of it."""

log = structlog.get_logger()


def _unmeasured(seconds: float) -> None:
    pass


class Schedule:
    """When the moments of a subject are. Pure but for `of_order`."""

    def __init__(self, moments: Moments, subjects: Subjects) -> None:
        self._moments = moments
        self._subjects = subjects

    def after(self, type_: EventType, memory: Mapping[str, Any], now_ms: int) -> list[SetMoment]:
        """When each is due by this memory: None where it is not, was told, or would be of no use."""
        return [SetMoment(one.name, self._due_ms(one, memory, now_ms), one.late) for one in self._moments.of(type_)]

    def step(self, event: BusinessEvent, memory: Mapping[str, Any], now_ms: int) -> tuple[dict[str, Any], tuple[str, ...]]:
        """A moment's event applied: (memory after it, the changes). No change where it has not come after all."""
        moment = self._moments.get(event.moment)
        due_ms = self._due_ms(moment, memory, now_ms) if moment is not None else None
        # By the state it was set from it was due; by the newest it may be over, or still to come: then its timer stands there.
        if moment is None or due_ms is None or due_ms > max(now_ms, int(event.data["due"])):
            return dict(memory), ()
        return rules.tell(memory, moment.name, due_ms, moment.told_as), (moment.name,)

    def _due_ms(self, moment: Moment, memory: Mapping[str, Any], now_ms: int) -> int | None:
        state = state_of(memory)
        due_ms = self._moments.due_ms(moment, state)
        if due_ms is None or rules.is_over(memory, moment.name, due_ms, moment.again_ms, moment.told_as):
            return None
        until_ms = moment.until_ms(state)
        return due_ms if until_ms is None or until_ms > max(now_ms, due_ms) else None

    async def of_order(self, legs: Mapping[SubjectId, str], now_ms: int) -> None:
        """An order was taken: what it knows of its legs ("flight", "trip") sets their moments, without telling anybody."""
        for subject, kind in legs.items():
            type_ = _STATE_OF.get(kind)
            if type_ is None or not self._moments.of(type_):
                continue
            for _ in range(20):
                found = await self._subjects.read(subject, type_.value)
                if not found.known:
                    break
                if await self._subjects.set_moments(subject, type_.value, found, self.after(type_, found.known, now_ms)):
                    break
            else:
                raise RuntimeError("this subject is being changed by too many at once")


class Firing:
    """Turns what is due into events. late: told how late (s) each one was."""

    def __init__(self, timers: Timers, moments: Moments, clock: Clock, late: Callable[[float], None] = _unmeasured) -> None:
        self._timers = timers
        self._moments = moments
        self._clock = clock
        self._late = late

    async def turn(self, partitions: Sequence[int]) -> tuple[int, int | None]:
        """(how many events were made, when the next moment is due (ms) or None). Raises StoreUnavailable."""
        due, next_ms = await self._timers.due(partitions, limit=A_TURN)
        known = [(one, moment.event) for one in due if one.set and (moment := self._moments.get(one.moment)) is not None]
        for one in due:
            if not one.set or (self._moments.get(one.moment) is None and one.due_ms < self._clock.now_ms() - FORGET_MS):
                await self._forget(one)
        answers = await self._timers.fire(known) if known else []
        for (one, _), answer in zip(known, answers, strict=True):
            if answer == "new":
                self._late(max(0, self._clock.now_ms() - one.due_ms) / 1000)
        return answers.count("new"), next_ms

    async def _forget(self, due: Due) -> None:
        log.info("moment.forgotten", subject_id=due.subject, moment=due.moment)
        await self._timers.drop(due)
