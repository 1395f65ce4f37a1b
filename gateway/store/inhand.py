"""Events that this process kept a moment ago and takes up itself, without looking for them and reading them again.

Few at a time: what comes faster than it is worked on is kept as open to everybody, and shared by all processes as it always was.
The queue lives in memory alone. Whatever is lost with it is found by `evw`, HAND_MS after it was kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.model.event import BusinessEvent
from gateway.model.ids import EventId
from gateway.store.ahead import Ahead, Command

HAND_MS = 2000
"""How long nobody else looks at an event in hand. Work that takes longer says so (Events.hold)."""
ROOM = 16


@dataclass(frozen=True, slots=True, order=True)
class OpenEvent:
    """An event that is not closed. place: its id in the stream; look_ms: when it was due to be looked at."""

    id: EventId
    place: str
    look_ms: int


@dataclass(frozen=True, slots=True)
class Handed:
    """A kept event, and where it stands. ahead: what was read in the round trip that kept it."""

    open: OpenEvent
    event: BusinessEvent
    ahead: Ahead | None = None


def _nothing(event: BusinessEvent) -> Sequence[Command]:
    return ()


class InHand:
    """Room is taken before an event is kept, for the store must be told whether it is in hand."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._taken = 0
        self._served = False
        self._reads: Callable[[BusinessEvent], Sequence[Command]] = _nothing
        self._queue: asyncio.Queue[Handed | None] = asyncio.Queue()
        self._waiting: set[EventId] = set()

    def serve(self, reads: Callable[[BusinessEvent], Sequence[Command]] = _nothing) -> None:
        """This process takes up what it keeps, from now on. reads: what taking an event up asks for first."""
        self._served, self._reads = True, reads

    def ahead(self, event: BusinessEvent) -> Ahead:
        """What to read while this event is kept."""
        return Ahead(self._reads(event))

    def leave(self) -> None:
        """It takes nothing more into its hand; `next` gives what is there, then None."""
        if self._served:
            self._served = False
            self._queue.put_nowait(None)

    def take_room(self, events: int) -> bool:
        """Room for all of so many events, or for none of them."""
        if not self._served or self._taken + events > self._room:
            return False
        self._taken += events
        return True

    def give_back(self, events: int) -> None:
        """Room that is not needed: they were known before, or were not kept."""
        self._taken -= events

    def put(self, handed: Handed) -> None:
        """Into room that was taken."""
        self._waiting.add(handed.event.id)
        self._queue.put_nowait(handed)

    def has(self, event: EventId) -> bool:
        """Whether it waits here."""
        return event in self._waiting

    async def next(self) -> Handed | None:
        """The next one, which leaves its room. None: there will be no more."""
        handed = await self._queue.get()
        if handed is not None:
            self._taken -= 1
            self._waiting.discard(handed.event.id)
        return handed
