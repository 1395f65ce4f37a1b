"""The fan-outs that a process knows to be under way, and which of them goes on: in memory, read anew now and then.

Those it opened itself are known at once; what other processes opened in its partitions is read from the store. Nothing is lost
with it: the store has the cursors.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.model.ids import EventId, SenderId, SubjectId
from gateway.store.fanout import Cursor, FanOut, FanOuts

REFRESH_S = 1.0
"""How often the store is asked for fan-outs that other processes opened, while this one has some to work on."""
HEARD_S = 0.3
"""The same once another process has said that it opened some: what it opened may be more urgent than all that is known here."""


@dataclass(slots=True)
class Spread:
    """An event under way: its fan-outs by partition, how far they are as far as known, and by whom it speaks."""

    fans: dict[int, FanOut] = field(default_factory=dict)
    cursors: dict[int, Cursor] = field(default_factory=dict)
    senders: set[SenderId] = field(default_factory=set)
    wide: int = 16
    """how many places to read ahead: as many as the last turn took, and some"""

    @property
    def one(self) -> FanOut:
        """Any of them: of one event they differ by partition only."""
        return next(iter(self.fans.values()))


class FanQueue:
    def __init__(self, fans: FanOuts) -> None:
        self._fans = fans
        self._events: dict[EventId, Spread] = {}
        self._refreshed_s = -REFRESH_S
        self._patience_s = REFRESH_S

    def __len__(self) -> int:
        return len(self._events)

    def get(self, event: EventId) -> Spread | None:
        return self._events.get(event)

    def add(self, fan: FanOut, cursor: Cursor | None = None) -> None:
        known = self._events.setdefault(fan.event, Spread())
        known.fans.setdefault(fan.partition, fan)
        if cursor is not None:
            known.cursors[fan.partition] = cursor

    def drop(self, event: EventId, partition: int) -> None:
        known = self._events.get(event)
        if known is not None:
            known.fans.pop(partition, None)
            known.cursors.pop(partition, None)
            if not known.fans:
                del self._events[event]

    def heard(self) -> None:
        """Another process has opened some."""
        self._patience_s = HEARD_S

    async def refresh(self, partitions: Sequence[int]) -> None:
        """See what other processes opened. A store full of fan-outs is not read anew for each turn. Raises StoreUnavailable."""
        now = time.monotonic()
        if self._events and now - self._refreshed_s < self._patience_s:
            return
        self._refreshed_s, self._patience_s = now, REFRESH_S
        found: set[tuple[EventId, int]] = set()
        before = {(event, partition) for event, known in self._events.items() for partition in known.fans}
        for fan in await self._fans.under_way(partitions):
            found.add((fan.event, fan.partition))
            self.add(fan)
        mine = frozenset(partitions)
        for event, known in list(self._events.items()):
            # What was opened while the store was asked (an event in hand) is not known to be over. What is in another process's
            # hands is looked up again should it come into ours.
            gone = [one for one in known.fans if one not in mine or ((event, one) in before and (event, one) not in found)]
            for partition in gone:
                self.drop(event, partition)

    def ranked(self, mine: frozenset[int]) -> list[tuple[float, Spread]]:
        """(rank, event) of each subject's oldest event, as urgent as the most urgent that waits for it; the most urgent first."""
        rank: dict[SubjectId, float] = {}
        oldest: dict[SubjectId, Spread] = {}
        for known in self._events.values():
            if mine.isdisjoint(known.fans):
                continue
            fan = known.one
            rank[fan.subject] = min(fan.rank, rank.get(fan.subject, fan.rank))
            first = oldest.get(fan.subject)
            if first is None or fan.sequence < first.one.sequence:
                oldest[fan.subject] = known
        return [(rank[subject], oldest[subject]) for subject in sorted(rank, key=lambda one: (rank[one], one))]

    def newer(self, than: FanOut) -> Iterator[Spread]:
        """Events under way of the same subject that came after this one."""
        for known in list(self._events.values()):
            if known.fans and known.one.subject == than.subject and known.one.sequence > than.sequence:
                yield known
