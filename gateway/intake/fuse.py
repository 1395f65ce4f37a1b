"""The fuse before every fan-out: what would reach far more people than set, or than usual, waits for somebody to look.

The event itself is applied: the subject's memory knows it, newer events go on from there, and urgent news about other subjects
passes by. Only telling people waits. Whoever subscribes meanwhile is not told either: when it is released, they are there too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.model.ids import ContactId, EventId, SubjectId
from gateway.planning.result import EventResult
from gateway.rules import fuse
from gateway.rules.fuse import Blown, Limits
from gateway.store.contacts import Contacts
from gateway.store.fuses import Fuses, Held

LOOK_MS = 60_000
"""How often a held event is looked at without being told to: a release looks at once."""
COUNTS_MAX = 4000
CHUNK = 25
CHUNKS = 8
"""Chunks of a part in one look, so that others come in between."""

log = structlog.get_logger()

Put = Callable[[int, Sequence[ContactId]], Awaitable[None]]
Entries = Mapping[str, Mapping[str, Any] | None]


def _nobody(why: str) -> None:
    pass


class Waits(Exception):
    """An event is held. look_ms: in how many ms to look at it again."""

    def __init__(self, look_ms: int = LOOK_MS) -> None:
        super().__init__("held by the fuse")
        self.look_ms = look_ms


@dataclass(frozen=True, slots=True)
class Passed:
    """go: False = it was discarded. people: subscriptions counted; was_held: others may have subscribed meanwhile."""

    go: bool
    people: int
    was_held: bool = False


class Fuse:
    """limits: of an event with these notifications; count: told why, each time that it blows."""

    def __init__(
        self,
        fuses: Fuses,
        contacts: Contacts,
        limits: Callable[[Sequence[str]], Limits],
        count: Callable[[str], None] = _nobody,
    ) -> None:
        self.fuses = fuses
        self._contacts = contacts
        self._limits = limits
        self._count = count
        self._on_its_way: set[EventId] = set()

    async def passes(self, result: EventResult, partitions: Sequence[int], entries: Entries, put: Put) -> Passed:
        """Whether this event may be told. put: plans some people of one partition. Raises Waits."""
        event = EventId(result.event)
        held, people = await self.fuses.look(event, _narrowest(result, partitions), partitions)
        if held is None:
            blown = await self._judge(result, people)
            if blown is None:
                return Passed(True, people)
            await self._blow(result, blown, people, entries)
            raise Waits
        if held.state == "discarded":
            await self.fuses.forget(held.event)
            return Passed(False, people)
        if held.state == "released":
            if not result.cells:
                await self.fuses.entries(result.subject, result.sequence, entries, give=True)
            self._on_its_way.add(event)
            return Passed(True, people, was_held=True)
        # Again after a crash: what the first run wrote of it for later subscribers is taken back.
        await self._take_back(result, entries)
        if held.state == "part" and held.reached < held.allowed:
            await self._part(held, result, partitions, put)
        raise Waits

    async def _judge(self, result: EventResult, people: int) -> Blown | None:
        hours = await self.fuses.hours(result.notifications) if people > fuse.LEAST_PEOPLE else {}
        return fuse.judge(people, self._limits(result.notifications), hours, self.fuses.hour())

    async def _blow(self, result: EventResult, blown: Blown, people: int, entries: Entries) -> None:
        held = Held(
            EventId(result.event), result.subject, result.notifications, people, blown.why, blown.limit, self.fuses.now_ms()
        )
        await self._take_back(result, entries)
        if await self.fuses.blow(held):
            self._count(blown.why)
            log.warning(
                "fuse.blown", role="intake", event_id=result.event, people=people, limit=blown.limit, why=blown.why,
                mend="python main.py fuses list",
            )  # fmt: skip

    async def _take_back(self, result: EventResult, entries: Entries) -> None:
        if not result.cells:  # the cells of an area are told of an event only once it passes
            await self.fuses.entries(result.subject, result.sequence, entries, give=False)

    async def _part(self, held: Held, result: EventResult, partitions: Sequence[int], put: Put) -> None:
        """The next people of a part, in the order of partition, subject and id. Repeatable: told twice is told once."""
        places = [(partition, index) for partition in partitions for index in range(len(result.audience))]
        first, _, after = held.cursor.partition("|")
        at, reached = int(first or 0), held.reached
        for _ in range(CHUNKS):
            if at >= len(places) or reached >= held.allowed:
                break
            partition, index = places[at]
            wanted = min(CHUNK, held.allowed - reached)
            people = await self._contacts.subscribers(partition, result.audience[index], after, wanted)
            if people:
                await put(partition, people)
                reached += len(people)
            at, after = (at, people[-1]) if len(people) == wanted else (at + 1, "")
            await self.fuses.reach(held.event, reached, f"{at}|{after}")
        if at < len(places) and reached < held.allowed:
            raise Waits(0)


    async def closed(self, event: EventId) -> None:
        """Everybody was told: what was held of it is forgotten."""
        if event in self._on_its_way:
            self._on_its_way.discard(event)
            await self.fuses.forget(event)


def _narrowest(result: EventResult, partitions: Sequence[int]) -> Sequence[SubjectId]:
    """Whose subscribers are counted: of an event for named orders those of the orders, while that is little to ask."""
    if 0 < len(result.refs) * len(partitions) <= COUNTS_MAX:
        return [SubjectId(one) for one in result.refs]
    return result.audience
