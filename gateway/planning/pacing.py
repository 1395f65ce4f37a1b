"""How much may be planned now: never more than the senders can send in the next half minute.

What is planned too early costs everybody else: unthrottled planning makes the store answer ten times slower, and a message that
lies ready for ten minutes is decided on news of ten minutes ago. So a fan-out asks here before each turn. Room is what a sender
sends in AHEAD_S at its present share of its rate, less the lanes that may send now and come before: those of a higher priority,
and of its own with an earlier deadline. News with an earlier deadline therefore always finds room behind a long queue of later
ones, and passes it.

    a sender paused or stopped      nothing is planned for it, deadlines keep running: it gets no room and takes none away
    several senders, one is full    the fan-out goes on at the pace of the fastest: its others are not delayed, and what is
                                    planned beyond the full one's half minute is no more than a healthy sender would have sent
    past its deadline               planned at once: what is left of it is suppressed, and whoever was not told can be seen
    nothing known of its senders    the first turn goes if any sender has room: 25 contacts say by whom it speaks
    all in all                      TURN contacts every PAUSE_S at most, for a night or a withdrawn consent uses up no room

Figures are a moment old and several processes ask at once: what is planned may exceed the half minute by a turn a process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence

from gateway.clock import Clock
from gateway.directory import Directory
from gateway.errors import Conflict
from gateway.model.ids import SenderId
from gateway.model.message import Priority
from gateway.store.bucket import Speed
from gateway.store.fanout import PRIORITY_STEP, rank_of
from gateway.store.senders import Senders

AHEAD_S = 30.0
FRESH_S = 0.5
"""How long a measured room counts, and how old the senders' states may be."""
TURN = 25
STILL_S = 60.0
"""A person's command waits no longer than this without anything being sent."""
PAUSE_S = 0.025
"""A turn at most so often: 1,000 contacts a second and process."""


class Pacer:
    """One process's view. A rank is that of store/fanout.rank_of: lower goes first."""

    def __init__(self, senders: Senders, directory: Directory, clock: Clock) -> None:
        self._senders = senders
        self._directory = directory
        self._clock = clock
        self._rates: dict[SenderId, float] = {}
        """messages a second of those that send now, for what brakes can hold"""
        self._read_s = -FRESH_S
        self._rooms: dict[SenderId, tuple[float, float, float]] = {}
        """sender -> (measured at, for which rank, how many more)"""
        self._trickle_s = 0.0
        self._next_s = 0.0
        self.wait_s = 0.0
        """after a refusal: when to ask again"""

    async def room(self, rank: float, known: Collection[SenderId]) -> bool:
        """Whether a turn of this rank may be planned. known: the senders it speaks by, if any are. Raises StoreUnavailable."""
        priority, deadline_s = int(rank // PRIORITY_STEP), int(rank % PRIORITY_STEP)
        if deadline_s * 1000 <= self._clock.now_ms():
            return True
        await self._look()
        if priority == Priority.AGENT:
            return True
        candidates = [sender for sender in (known or self._directory.ids) if sender in self._rates]
        if not candidates:  # all of them are paused or stopped (or there is none: then nobody can be told in time)
            return self._wait(FRESH_S)
        rooms = [await self._room_of(sender, rank, priority, deadline_s) for sender in candidates]
        if all(room >= 1 for room in rooms) or (not known and any(room >= 1 for room in rooms)):
            return True
        if not any(room >= 1 for room in rooms):
            return self._wait(FRESH_S)
        now = time.monotonic()
        if now < self._trickle_s:
            return self._wait(self._trickle_s - now)
        self._trickle_s = now + TURN / max(self._rates[sender] for sender in candidates)
        return True

    async def rest(self) -> None:
        """Before each turn: so that turns are PAUSE_S apart at least."""
        now = time.monotonic()
        if now < self._next_s:
            await asyncio.sleep(self._next_s - now)
        self._next_s = time.monotonic() + PAUSE_S

    def planned(self, counts: Sequence[tuple[SenderId, int]]) -> None:
        """What a turn has queued, by sender: it is in the lanes now."""
        for sender, count in counts:
            if sender in self._rooms:
                at, rank, room = self._rooms[sender]
                self._rooms[sender] = at, rank, room - count

    def _wait(self, seconds: float) -> bool:
        self.wait_s = seconds
        return False

    async def _look(self) -> None:
        now = time.monotonic()
        if now - self._read_s < FRESH_S:
            return
        ids = self._directory.ids
        states, speeds, stops = await asyncio.gather(
            self._senders.states(ids), self._senders.speeds(ids), self._senders.stops()
        )
        stopped = {stop.scope for stop in stops}
        wall = self._clock.now_ms()
        self._rates = {
            sender.id: speeds.get(sender.id, Speed()).per_second(sender.per_second)
            for sender in self._directory
            if states[sender.id].paused_until_ms <= wall and not stopped & {"all", f"sender:{sender.id}"}
        }
        self._read_s = now

    async def _room_of(self, sender: SenderId, rank: float, priority: int, deadline_s: int) -> float:
        """How many more may be planned at this rank. For a higher rank there is at least as much room, for a lower at most."""
        now = time.monotonic()
        at, of_rank, room = self._rooms.get(sender, (-FRESH_S, 0.0, 0.0))
        if now - at < FRESH_S and (rank == of_rank or (rank < of_rank and room >= 1) or (rank > of_rank and room < 1)):
            return room
        before = await self._senders.lanes_before(sender, priority, deadline_s)
        room = max(AHEAD_S * self._rates[sender], TURN) - before
        self._rooms[sender] = now, rank, room
        return room


class Patience:
    """Pacing for what a person waits for: a notice, a correction, a replay. Planned before is planned: the same again goes on.

    within_s: the whole of it, for a request that must be answered; None = as long as something is being sent
    """

    def __init__(self, pacer: Pacer, within_s: float | None = None) -> None:
        self._pacer = pacer
        self._until_s = time.monotonic() + within_s if within_s is not None else None
        self._count = 0

    async def one_more(self, priority: Priority, deadline_ms: int, known: Collection[SenderId], *, of: int) -> None:
        """Before each message; the first TURN pass at once. of: how many there are in all.

        raises: Conflict when nothing was sent for so long, or the time is over; StoreUnavailable
        """
        self._count += 1
        if self._count <= TURN or self._count % TURN != 1:
            return
        began = time.monotonic()
        self._pacer.planned([(sender, TURN) for sender in known])  # what went before, at the most
        await self._pacer.rest()
        while not await self._pacer.room(rank_of(priority, deadline_ms), known):
            now = time.monotonic()
            if now - began > STILL_S or (self._until_s is not None and now > self._until_s):
                raise Conflict(
                    f"{self._count - 1} of {of} are planned; the rest waits until the sender has sent more of what lies before "
                    "it (`doctor` shows whether it is paused or slow). The same again goes on: nobody is told twice"
                )
            await asyncio.sleep(min(max(self._pacer.wait_s, 0.01), FRESH_S))
