"""What happens because of the time: check-in opens, boarding begins, a reminder on the day.

A moment is one time of a subject (notifications/moments.py says which there are), kept in `timers` beside it:

    set       with every applied event, in the same script, from the state after it; where only orders know it, as one is taken
              (planning/schedule.py)
    fired     when it is due, by whoever owns the subject's partition: one script takes it off and keeps its event
    applied   like any event: the memory decides once more whether it has come, and remembers that it was told

So moving a flight moves one number, however many people follow it. Between being fired and being applied the flight may move, be
cancelled, or its source may say the same: the memory as it is when the event is applied has the last word. What is told late, or
to whom at night, is the notification's own affair.

Intake does this, not the scheduler: a moment becomes an event, and whoever owns the partition takes it in hand at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from gateway.clock import Clock
from gateway.crashpoint import crash_point
from gateway.notifications.moments import Moments
from gateway.store.timers import Due, Timers

FORGET_MS = 24 * 3600_000
"""After this a due moment that this installation does not know is dropped; until then another version may know it."""
A_TURN = 16
"""At most so many of a partition at a time: a thousand flights due in one minute leave room for what else happens."""

log = structlog.get_logger()


def _unmeasured(seconds: float) -> None:
    pass


class Firing:
    """Turns what is due into events. late: told how late (s) each one was."""

    def __init__(self, timers: Timers, moments: Moments, clock: Clock, late: Callable[[float], None] = _unmeasured) -> None:
        self._timers = timers
        self._moments = moments
        self._clock = clock
        self._late = late

    async def turn(self, partitions: Sequence[int]) -> tuple[int, int | None]:
        """(how many events were made, when the next moment is due (ms) or None). Raises StoreUnavailable."""
        due, next_ms = await self._timers.due(partitions, limit=A_TURN, known=self._moments.names)
        known = [(one, moment.event) for one in due if one.set and (moment := self._moments.get(one.moment)) is not None]
        for one in due:
            if not one.set or (self._moments.get(one.moment) is None and one.due_ms < self._clock.now_ms() - FORGET_MS):
                await self._forget(one)
        answers = await self._timers.fire(known) if known else []
        if answers:
            crash_point("moment.came")
        for (one, _), answer in zip(known, answers, strict=True):
            if answer == "new":
                self._late(max(0, self._clock.now_ms() - one.due_ms) / 1000)
        return answers.count("new"), next_ms

    async def _forget(self, due: Due) -> None:
        if await self._timers.drop(due):
            log.info("moment.forgotten", subject_id=due.subject, moment=due.moment)
