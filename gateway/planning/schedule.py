"""When the moments of a subject are, by what is known of it, and whether one that has come is to be told.

Which there are is data (notifications/moments.py); what was told of them stands in the subject's memory (rules/moments.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.clock import Clock
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import SubjectId
from gateway.notifications.moments import Moment, Moments
from gateway.rules import appointments, boarding
from gateway.rules import moments as rules
from gateway.rules.changes import state_of
from gateway.store.subjects import SetMoment, Subjects

STATE_OF: Mapping[str, EventType] = {"flight": EventType.FLIGHT_STATUS, "trip": EventType.TRIP_STATUS}
"""What an order's leg is -> the events that speak of it."""


class Schedule:
    """Pure but for `refresh` and `hear_pass`."""

    def __init__(self, moments: Moments, subjects: Subjects, clock: Clock) -> None:
        self._moments = moments
        self._subjects = subjects
        self._clock = clock

    def after(self, type_: EventType, memory: Mapping[str, Any], now_ms: int) -> list[SetMoment]:
        """When each is due by this memory: None where it is not, was told, or would be of no use."""
        found = [(one, self._next(one, memory, now_ms)) for one in self._moments.of(type_)]
        return [SetMoment(one.name, at[0] if at is not None else None, one.late) for one, at in found]

    def step(self, event: BusinessEvent, memory: Mapping[str, Any], now_ms: int) -> tuple[dict[str, Any], tuple[str, ...]]:
        """A moment's event applied: (memory after it, the changes). No change where it has not come after all."""
        moment = self._moments.get(event.moment)
        found = self._next(moment, memory, now_ms) if moment is not None else None
        # By the state it was set from it was due; by the newest it may be over, or still to come: then its timer stands there.
        if moment is None or found is None or found[0] > max(now_ms, int(event.data["due"])):
            return dict(memory), ()
        after = rules.tell(memory, moment.name, found[1], moment.told_as)
        if event.type is EventType.APPOINTMENT_STATUS:
            after["told"] = appointments.shown(after["told"], state_of(memory))
        return after, (moment.name,)

    def _next(self, moment: Moment, memory: Mapping[str, Any], now_ms: int) -> tuple[int, int | str] | None:
        """(when it is (ms), what stands in the memory once it was told)."""
        state = state_of(memory)
        found = self._moments.at(moment, state)
        if found is None:
            return None
        due_ms, day = found
        mark = day if moment.daily else due_ms
        if rules.is_over(memory, moment.name, mark, moment.again_ms, moment.told_as):
            return None
        until_ms = moment.until_ms(state)
        return (due_ms, mark) if until_ms is None or until_ms > max(now_ms, due_ms) else None

    async def refresh(self, subject: SubjectId, type_: EventType) -> None:
        """Set its moments from what is known of it by now, without telling anybody: orders have said something of it."""
        if not self._moments.of(type_):
            return
        for _ in range(20):
            found = await self._subjects.read(subject, type_.value)
            known = boarding.still_said(found.known)
            if not known:
                return
            memory = None if known == found.known else {**found.memory, boarding.FIELD: known[boarding.FIELD]}
            moments = self.after(type_, known, self._clock.now_ms())
            if await self._subjects.set_moments(subject, type_.value, found, moments, memory):
                return
        raise RuntimeError("this subject is being changed by too many at once")

    async def hear_pass(self, flight: SubjectId, data: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Let a boarding pass say when boarding begins, where nobody who speaks of the flight does (rules/boarding.py).

        state: of the flight, as it was read a moment ago: most passes of a flight bring nothing new
        """
        if boarding.printed(data) is None or boarding.is_known(state, data):
            return
        name = EventType.FLIGHT_STATUS
        for _ in range(20):
            found = await self._subjects.read(flight, name.value)
            memory = boarding.heard(found.known, data)
            if memory is None:
                return
            kept = {**found.memory, boarding.FIELD: memory[boarding.FIELD]}
            moments = self.after(name, memory, self._clock.now_ms())
            if await self._subjects.set_moments(flight, name.value, found, moments, kept):
                return
        raise RuntimeError("this subject is being changed by too many at once")
