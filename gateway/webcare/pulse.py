"""What changes about an open conversation without being told: a delivery status, a consent, the window, who else reads it.

Each page asks every LOOK_S whether anything did. All pages of a process ask at the same moment, on the same beat of its clock, so
a hundred questions are a few round trips: what is asked at once is read at once (store/together.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.contact import ContactFacts
from gateway.model.ids import ContactId, ConversationId, MessageId
from gateway.store.together import Together
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.here import LOOKED_MS, TYPED_MS
from gateway.webcare.windows import Closing, closing

LOOK_S = 1.5
AT_ONCE = 32
"""Conversations looked at in one go: no longer than a moment is anybody else kept waiting."""


@dataclass(frozen=True, slots=True)
class Open:
    """An open conversation. messages: ours whose fate its thread shows"""

    conversation: ConversationId
    contact: ContactId
    messages: tuple[MessageId, ...]


@dataclass(frozen=True, slots=True)
class Pulse:
    """Where two differ something is to be drawn anew. revision: -1 where the conversation is gone; facts: the contact's"""

    revision: int
    fates: tuple[bytes | None, ...]
    facts: ContactFacts
    closing: Closing
    readers: tuple[tuple[str, bool], ...]


class Pulses:
    def __init__(self, deps: WebcareDeps) -> None:
        self._deps = deps
        self._together: Together[Open, Pulse] = Together(self._read, most=AT_ONCE)

    async def of(self, one: Open) -> Pulse:
        return await self._together.add(one, 0)

    async def _read(self, opened: Sequence[Open]) -> list[Pulse | Exception]:
        deps, now = self._deps, self._deps.clock.now_ms()
        found, raws, facts, persons = await asyncio.gather(
            deps.conversations.get_many([one.conversation for one in opened]),
            deps.outbox.raw_records([message for one in opened for message in one.messages]),
            deps.contacts.facts_of([one.contact for one in opened]),
            deps.person_windows(),
        )
        records = iter(raws)
        return [
            Pulse(
                revision=conversation.revision if conversation is not None else -1,
                fates=tuple(raw and raw.partition(b"\n")[0] for raw in (next(records) for _ in one.messages)),
                facts=known,
                closing=closing(deps, conversation, known, persons) if conversation is not None else Closing(),
                readers=tuple(sorted(deps.live.lookers(one.conversation, now, LOOKED_MS, TYPED_MS).items())),
            )
            for one, conversation, known in zip(opened, found, facts, strict=True)
        ]


def next_look() -> float:
    """When the pages of this process look next, by its loop's clock."""
    return (asyncio.get_running_loop().time() // LOOK_S + 1) * LOOK_S
