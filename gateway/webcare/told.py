"""What somebody in a queue is told without a person: that it is closed and until when, or about how long it takes.

Closed: once in twelve hours, with the time at which it opens. Full: in steps (under 2, 5, 10, 15, 30 minutes, longer), once, and
again only when it got worse by a step; nobody who is helped within seconds is told anything. A line is said once for its key, so
a router that dies between saying and remembering says it once all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.model.conversation import Conversation
from gateway.model.ids import ConversationId
from gateway.model.webcare import DeskPlan
from gateway.rules.assign import Turn
from gateway.rules.calendars import open_ms
from gateway.rules.ranks import order, positions
from gateway.rules.waits import STEPS_MIN, step_of, tell_again
from gateway.store.floor import Notes
from gateway.store.queue_told import QueueTold, Told
from gateway.webcare.floor import View

GRACE_MS = 10_000
"""Who is given to somebody within so long need not hear that it takes a while."""
AT_ONCE = 50
"""So many are told in one turn: nobody waits for a slot because of words."""
CLOSED = "closed"
FULL = "full"


class Say(Protocol):
    async def __call__(self, one: Conversation, line: str, params: Mapping[str, str | int], key: str) -> object:
        """Let automation say a line in a conversation, once for its key.

        took_over: nothing
        closed: opens_ms, timezone (opens_ms 0: nobody knows when); full: minutes (0: longer than the last step, -1: nobody knows)
        """
        ...


@dataclass
class Telling:
    say: Say
    store: QueueTold
    plan: DeskPlan
    _told: dict[ConversationId, Told] = field(default_factory=dict)

    async def look(self, view: View, turn: Turn, notes: Notes, now_ms: int) -> None:
        waiting = {one.id: one for one in view.waiting}
        closed = [waiting[one] for one in turn.closed if one in waiting]
        full = {*turn.full, *turn.impossible}
        late = [one for one in waiting.values() if one.id in full and self._stood_ms(one, now_ms) >= GRACE_MS]
        await self._remember([*closed, *late])
        told = 0
        for one in closed:
            told += await self._closed(one, notes, now_ms) if told < AT_ONCE else 0
        if late:
            place = {one.id: n for some in positions(order(view.waiting, view.first)).values() for n, one in enumerate(some, 1)}
            for one in late:
                told += await self._full(one, place[one.id], notes, now_ms) if told < AT_ONCE else 0

    async def _remember(self, wanted: Iterable[Conversation]) -> None:
        """Read what they were told, of those we do not know; forget the others."""
        wanted = list(wanted)
        kept = {one.id: self._told[one.id] for one in wanted if one.id in self._told}
        unknown = [one.id for one in wanted if one.id not in kept]
        kept.update(await self.store.many(unknown))
        self._told = kept

    async def _closed(self, one: Conversation, notes: Notes, now_ms: int) -> int:
        told = self._told[one.id]
        again_ms = self.plan.of(one.brand).figures.closed_again_h * 3_600_000
        note = notes.queues.get(f"{one.brand}/{one.queue}")
        if note is None or not note.opens_ms or (told.closed_ms and now_ms - told.closed_ms < again_ms):
            return 0
        calendar = self.plan.calendar(one.brand, one.queue)
        params: dict[str, str | int] = {"opens_ms": max(note.opens_ms, 0), "timezone": calendar.timezone if calendar else "UTC"}
        # The time of the last one is part of the key: repeated after a crash it is the same, and twelve hours on it is another.
        await self.say(one, CLOSED, params, f"closed:{told.closed_ms}:{one.epoch}")
        await self._keep(one, Told(now_ms, told.step))
        return 1

    async def _full(self, one: Conversation, position: int, notes: Notes, now_ms: int) -> int:
        told = self._told[one.id]
        flow = notes.flows.get(f"{one.brand}/{one.queue}")
        wait_s = flow.predicted_s(position, now_ms, self.plan.calendar(one.brand, one.queue)) if flow else None
        step = step_of(wait_s)
        if not tell_again(told.step, step):
            return 0
        minutes = -1 if wait_s is None else STEPS_MIN[step] if step < len(STEPS_MIN) else 0
        await self.say(one, FULL, {"minutes": minutes}, f"full:{step}:{one.epoch}")
        await self._keep(one, Told(told.closed_ms, step))
        return 1

    async def _keep(self, one: Conversation, told: Told) -> None:
        await self.store.put(one.id, told)
        self._told[one.id] = told

    def _stood_ms(self, one: Conversation, now_ms: int) -> int:
        """How long it has stood in its open queue: in the morning everybody is new to it."""
        entered = max(one.queued_ms or one.waiting_since_ms or one.opened_ms, now_ms - 2 * GRACE_MS)
        return open_ms(self.plan.calendar(one.brand, one.queue), entered, now_ms)
