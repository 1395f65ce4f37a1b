"""What may be sent, as of the last look at all partitions. It serves for a moment, and takes in what was planned since."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.connector import Sender
from gateway.model.ids import SenderId
from gateway.store import keys
from gateway.store.outbox import Outbox
from gateway.wake import Ready

HEADS = 8
REUSE_S = 0.1
"""How long a look may serve several claims while it still names more lanes than there is room for."""


@dataclass(slots=True)
class Seen:
    """ready: per sender and priority (deadline s, partition) of lanes not yet claimed, earliest first."""

    at_s: float = 0.0
    ready: dict[SenderId, list[list[tuple[int, int]]]] = field(default_factory=dict)
    due: list[tuple[int, SenderId, int]] = field(default_factory=list)
    """(partition, sender, after how many ms) of what waits for its time"""
    full: set[SenderId] = field(default_factory=set)
    """who has a partition with as many heads as were asked for, and so perhaps more"""

    def more(self, sender: SenderId) -> bool:
        """Whether there may be lanes besides those claimed: else the next look waits until somebody wakes it."""
        return sender in self.full or any(self.ready.get(sender, ()))


class Looks:
    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.seen = Seen()

    async def look(self, senders: Sequence[Sender], room: int) -> None:
        """Ask all partitions what may be sent, unless the last look is young and still names enough of it."""
        seen, now_s = self.seen, time.monotonic()
        if now_s - seen.at_s < REUSE_S and sum(len(one) for sender in senders for one in seen.ready.get(sender.id, ())) >= room:
            seen.due = []
            return
        peeks = await self._outbox.peek([sender.id for sender in senders], keys.all_partitions(), heads=HEADS)
        ready: dict[SenderId, list[list[tuple[int, int]]]] = {sender.id: [[], [], [], []] for sender in senders}
        for peek in peeks:
            for prio, deadlines in enumerate(peek.ready):
                ready[peek.sender][prio] += [(deadline, peek.partition) for deadline in deadlines]
        full = {peek.sender for peek in peeks if any(len(deadlines) >= HEADS for deadlines in peek.ready)}
        for lists in ready.values():
            for one in lists:
                one.sort()
        due = [(peek.partition, peek.sender, peek.due_in_ms) for peek in peeks if peek.due_in_ms is not None]
        self.seen = Seen(now_s, ready, due, full)

    async def see(self, hints: Sequence[Ready]) -> None:
        """Put what was just planned into the last look, which serves for a while: it may be more urgent than all of that."""
        places = sorted({(hint.partition, SenderId(hint.sender)) for hint in hints if hint.message})
        for peek in await self._outbox.peek_at(places, heads=HEADS):
            lists = self.seen.ready.get(peek.sender, [])
            for known, deadlines in zip(lists, peek.ready, strict=False):
                known[:] = sorted(
                    [one for one in known if one[1] != peek.partition] + [(deadline, peek.partition) for deadline in deadlines]
                )
