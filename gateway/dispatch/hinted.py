"""Where to claim what was hinted at: messages that were just planned, and lanes that something was just settled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.model.ids import SenderId
from gateway.store.outbox import Outbox
from gateway.wake import Ready

Counts = list[dict[int, int]]
"""Per priority: partition -> how many messages may be ready there."""


@dataclass(slots=True)
class Places:
    """more: there is more than was hinted at. due_in_ms: after how long the places looked at are to be looked at again."""

    ready: dict[SenderId, Counts] = field(default_factory=dict)
    more: bool = False
    due_in_ms: int | None = None

    def add(self, sender: SenderId, priority: int, partition: int, count: int) -> None:
        counts = self.ready.setdefault(sender, [{}, {}, {}, {}])[priority]
        counts[partition] = counts.get(partition, 0) + count


async def places_of(outbox: Outbox, hints: Sequence[Ready], *, heads: int) -> Places:
    """What to claim where. A hint that names no message costs a look at its partition, one round trip for all of them."""
    found = Places()
    for hint in hints:
        if hint.message:
            found.add(SenderId(hint.sender), hint.priority, hint.partition, 1)
    unnamed = {(hint.partition, SenderId(hint.sender)) for hint in hints if not hint.message}
    for peek in await outbox.peek_at(sorted(unnamed), heads=heads):
        for priority, deadlines in enumerate(peek.ready):
            already = found.ready.get(peek.sender, [{}, {}, {}, {}])[priority].get(peek.partition, 0)
            if len(deadlines) > already:
                found.add(peek.sender, priority, peek.partition, len(deadlines) - already)
            found.more = found.more or len(deadlines) >= heads
        if peek.due_in_ms is not None:
            found.due_in_ms = min(peek.due_in_ms, found.due_in_ms if found.due_in_ms is not None else peek.due_in_ms)
    return found
