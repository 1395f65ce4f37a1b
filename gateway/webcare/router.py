"""The router: looks at who waits and who is here, lets a pure function decide, and gives.

One process routes at a time, by a lease, so that the order is fair; nothing else leans on that: a slot is reserved and a
conversation bound in scripts of their own, so two routers that think the same thing do it once, and a router that dies between
two steps leaves nothing that the next one's sweep does not mend (docs/decisions/0013-webcare.md). It looks when the desk's feed
says that something changed, and each second: an agent's choice, an hour that strikes and a ring that widens need no feed.

Who waited three seconds beside somebody who could have had them is a fault of ours, and an alarm.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from gateway.clock import Clock
from gateway.metrics import Metrics
from gateway.model.conversation import Conversation
from gateway.model.ids import ConversationId
from gateway.model.webcare import Assignment, DeskPlan
from gateway.rules import assign
from gateway.rules.calendars import is_open, next_opening, open_ms
from gateway.rules.routing import GENERAL
from gateway.rules.waits import Flow
from gateway.store.agents import Agents
from gateway.store.conversations import Conversations
from gateway.store.desk import Desk
from gateway.store.floor import FRESH_MS, Floor, Notes, QueueNote
from gateway.store.leases import Leases
from gateway.store.presence import PresenceBook
from gateway.store.queue_told import QueueTold
from gateway.webcare.floor import FloorView, View
from gateway.webcare.live import being_cancelled
from gateway.webcare.presence import Attendance, Moves
from gateway.webcare.told import Say, Telling

LEASE = "webcare.router"
LEASE_MS = 10_000
TICK_MS = 1000
PAUSE_S = 0.02
"""Between two looks at least, so that what comes in a burst is given together;"""
PAUSE_MAX_S = 0.04
"""as long as the last one took, up to this: a router that is behind gives more at a time, and leaves others half of a core."""
TURN_TIMEOUT_S = 15.0
DUTY_TIMEOUT_S = 30.0
BESIDE_MS = 3000
NOTES_AGAIN_MS = 2000
IMPOSSIBLE_MAX = 500

log = structlog.get_logger()


class Duty(Protocol):
    """What else is looked at with the same eyes: who is gone, who did not open (presence.py), who is told how long it takes."""

    async def look(self, view: View, turn: assign.Turn, notes: Notes, now_ms: int) -> None: ...


@dataclass
class Router:
    conversations: Conversations
    moves: Moves
    floor: Floor
    view: FloorView
    leases: Leases
    plan: DeskPlan
    clock: Clock
    first_queues: Callable[[], Awaitable[Sequence[str]]]
    to_queue: Callable[[Conversation, str], Awaitable[bool]]
    duties: Sequence[Duty] = ()
    metrics: Metrics | None = None
    _flows: dict[str, Flow] = field(default_factory=dict)
    _since: dict[ConversationId, int] = field(default_factory=dict)
    _nobody: dict[ConversationId, int] = field(default_factory=dict)
    _noted: Notes = field(default_factory=Notes)
    _heard: set[ConversationId] = field(default_factory=set)
    _seen: tuple[View, assign.Turn, Notes] | None = None
    _first: tuple[float, Sequence[str]] = (-1.0, ())
    _leading: bool = False
    _leased: float = 0.0
    _good_ms: int = 0
    _took_s: float = 0.0

    async def run(self) -> None:
        """Until cancelled. A plan that says `pull` gives nobody anything."""
        if not self.plan.push:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._route(), name="router.route")
            group.create_task(self._see_to_duties(), name="router.duties")

    async def _route(self) -> None:
        seen = ""
        try:
            while not being_cancelled():
                try:
                    async with asyncio.timeout(TURN_TIMEOUT_S):
                        if await self._leads():
                            # Before the first look: what changes during it is heard after it.
                            seen = seen or await self.conversations.desk.newest()
                            began_s = time.monotonic()
                            await self.look()
                            self._took_s = time.monotonic() - began_s
                    seen = await self._rest(seen)
                except Exception as error:  # the top of a loop
                    log.warning("router.failed", error=type(error).__name__)
                    self._failed()
                    await asyncio.sleep(TICK_MS / 1000)
        finally:
            if self._leading:  # the next one need not wait until the lease ends
                with_timeout = asyncio.timeout(1)
                try:
                    async with with_timeout:
                        await asyncio.shield(self.leases.release([LEASE]))
                except Exception as error:  # a stop goes on whatever the store says: the lease ends by itself
                    log.info("router.lease_kept", error=type(error).__name__)

    async def _see_to_duties(self) -> None:
        """Each second, beside the looks: nobody waits for a slot because of words that are said to others."""
        while not being_cancelled():
            await asyncio.sleep(TICK_MS / 1000)
            if self._leading:
                await self.see_to()

    async def turn(self) -> assign.Turn:
        """One look, and the duties that go with it."""
        decided = await self.look()
        await self.see_to()
        return decided

    async def look(self) -> assign.Turn:
        """Look, decide, and do it."""
        now = self.clock.now_ms()
        view = await self.view.look(await self._first_queues(), self._heard)
        self._heard = set()
        decided = assign.decide([*view.waiting, *view.returning], view.team, self.plan, now, first=view.first)
        refused = await self._give(decided.given)
        for identifier in decided.absent:
            await self._absent(view, identifier)
        await self._impossible(view, decided.impossible, now)
        self._beside(refused, now)
        notes = self._notes(view, decided, now)
        if notes.impossible != self._noted.impossible or now - self._noted.at_ms >= NOTES_AGAIN_MS:
            await self.floor.put_notes(notes)
            self._noted = notes
        self._good_ms = now
        self._seen = view, decided, notes
        return decided

    async def see_to(self) -> None:
        """The duties, with what was seen at the last look: each of their steps names the epoch that it was."""
        seen, self._seen = self._seen, None
        for duty in self.duties if seen is not None else ():
            assert seen is not None
            view, decided, notes = seen
            try:
                async with asyncio.timeout(DUTY_TIMEOUT_S):
                    await duty.look(view, decided, notes, self.clock.now_ms())
            except Exception as error:  # the top of a duty's loop: one that fails keeps nobody from being given
                log.warning("router.duty_failed", duty=type(duty).__name__, error=type(error).__name__)

    # doing it

    async def _give(self, given: Sequence[assign.Given]) -> list[ConversationId]:
        """Give them all; those that were refused, which are read anew."""
        if not given:
            return []
        now = self.clock.now_ms()
        said = await self.conversations.give([_assignment(one) for one in given])
        refused = []
        for one, answer in zip(given, said, strict=True):
            if answer == "given":
                name = f"{one.conversation.brand}/{one.conversation.queue}"
                if not one.returning:
                    self._flows[name] = self._flows.get(name, Flow()).served(now)
            else:
                refused.append(one.conversation.id)
            if self.metrics is not None:
                self.metrics.routed.labels(answer=answer).inc()
        self.view.forget(refused)
        return refused

    async def _absent(self, view: View, identifier: ConversationId) -> None:
        found = next(one for one in view.returning if one.id == identifier)
        await self.moves.requeue(found, "not_back")
        self.view.forget([identifier])

    async def _impossible(self, view: View, impossible: Mapping[ConversationId, str], now: int) -> None:
        """Who has had nobody here for long enough goes to the general queue. The time begins anew once somebody could.

        While that one is closed they stay: from there nobody could give them to who may come yet.
        """
        self._nobody = {one: self._nobody.get(one, now) for one in impossible}
        for one in view.waiting if impossible else ():
            missing = impossible.get(one.id)
            if not missing or not assign.to_general(one, missing, self._nobody[one.id], now):
                continue
            if is_open(self.plan.calendar(one.brand, GENERAL), now) and await self.to_queue(one, GENERAL):
                log.info("router.to_general", conversation=one.id, queue=one.queue, missing=missing)

    # saying it

    def _beside(self, refused: Sequence[ConversationId], now: int) -> None:
        """Who was to be given and was not, turn after turn."""
        self._since = {one: self._since.get(one, now) for one in refused}
        self._gauge(sum(1 for since in self._since.values() if now - since >= BESIDE_MS))

    def _failed(self) -> None:
        """While nothing can be decided somebody may wait beside a free agent; nobody knows, so it is said."""
        if self._leading and self.clock.now_ms() - self._good_ms >= BESIDE_MS:
            self._gauge(1)

    def _gauge(self, count: int) -> None:
        if self.metrics is not None:
            self.metrics.waiting_beside_free.set(count)

    def _notes(self, view: View, decided: assign.Turn, now: int) -> Notes:
        """What pages and people are told of the queues. A speed is kept as long as something was served lately."""
        gone = {one.conversation.id for one in decided.given} - set(self._since)
        waiting: dict[str, int] = {}
        oldest: dict[str, int] = {}
        for one in view.waiting:
            if one.id in gone:
                continue
            name = f"{one.brand}/{one.queue}"
            waiting[name] = waiting.get(name, 0) + 1
            oldest[name] = min(oldest.get(name, now), one.waiting_since_ms or one.queued_ms or now)
        for name, flow in list(self._flows.items()):
            if flow.per_minute(now) is None and now - flow.at_ms > 1_800_000:
                del self._flows[name]
        told = {}
        for name in {*waiting, *self._flows}:
            brand, _, queue = name.partition("/")
            calendar = self.plan.calendar(brand, queue)
            opens = next_opening(calendar, now)
            count = waiting.get(name, 0)
            wait_s = self._flows[name].predicted_s(count + 1, now, calendar) if name in self._flows else None
            longest = open_ms(calendar, oldest.get(name, now), now)
            told[name] = QueueNote(count, longest, wait_s, 0 if opens == now else opens or -1)
        most = dict(list(decided.impossible.items())[:IMPOSSIBLE_MAX])
        nobody = {one: self._nobody[one] for one in most}
        beside = sum(1 for since in self._since.values() if now - since >= BESIDE_MS)
        return Notes(now, most, told, dict(self._flows), beside, nobody)

    # whose turn it is

    async def _first_queues(self) -> Sequence[str]:
        """Those of crises, as they were at most a second ago."""
        now = asyncio.get_running_loop().time()
        if now - self._first[0] >= TICK_MS / 1000:
            self._first = now, await self.first_queues()
        return self._first[1]

    async def _leads(self) -> bool:
        """Whether this process routes. A lease that was renewed a moment ago is not asked for again."""
        now = asyncio.get_running_loop().time()
        if self._leading and now - self._leased < LEASE_MS / 4000:
            return True
        leading = (await self.leases.acquire([LEASE], LEASE_MS))[0]
        if leading and not self._leading:
            before = await self.floor.notes()
            self._flows = dict(before.flows)
            # How long nobody could: only if somebody looked until a moment ago.
            self._nobody = dict(before.nobody_since) if self.clock.now_ms() - before.at_ms <= FRESH_MS else {}
            log.info("router.leads")
        if not leading:
            self._gauge(0)
        self._leading, self._leased = leading, now
        return leading

    async def _rest(self, seen: str) -> str:
        """Until something changed on the desk, at most a second; who does not lead only waits."""
        if not self._leading:
            await asyncio.sleep(TICK_MS / 1000)
            return ""
        desk: Desk = self.conversations.desk
        await asyncio.sleep(min(max(self._took_s, PAUSE_S), PAUSE_MAX_S))
        items = await desk.listen(seen, TICK_MS)
        # Of agents who are not here nothing is looked at each time; what changed there may want them back.
        self._heard.update(item.conversation for item in items if item.place.startswith("mine:"))
        return items[-1].id if items else seen


def make_router(
    conversations: Conversations,
    agents: Agents,
    presence: PresenceBook,
    floor: Floor,
    leases: Leases,
    first_queues: Callable[[], Awaitable[Sequence[str]]],
    to_queue: Callable[[Conversation, str], Awaitable[bool]],
    say: Say,
    told: QueueTold,
    plan: DeskPlan,
    clock: Clock,
    metrics: Metrics | None = None,
) -> Router:
    """A router with what it looks at besides: who is gone, and what people are told."""
    view = FloorView(floor, conversations, agents, plan, clock)
    duties: list[Duty] = [Attendance(conversations, presence, plan, say), Telling(say, told, plan)]
    return Router(conversations, conversations, floor, view, leases, plan, clock, first_queues, to_queue, duties, metrics)


def _assignment(one: assign.Given) -> Assignment:
    figures = one.figures
    return Assignment(
        one.conversation.id, one.decision.agent, one.conversation.epoch, figures.capacity, figures.over_cap, figures.owned_max,
        figures.gap_s * 1000, True, one.decision, one.returning,
    )  # fmt: skip
