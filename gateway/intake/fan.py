"""An event's audience: one message each, 25 contacts a turn, the most urgent event first, no faster than it can be sent.

Up to 25 listeners are told at once, in the step that takes the event up. More become a fan-out in each of their partitions: its
cursor, the last contact seen, is moved by the script that writes the messages, so a crash or a failover takes both back together.

**Who goes first.** Fan-outs wait in the order of priority, then of the deadline of what they tell: a flight that leaves in an
hour before one that leaves tonight, in whatever order their events came, over all partitions of a process and, as lanes send by
the same order, over all processes. Taking an event up writes its memory and opens cursors; a turn is 25 contacts: whatever comes
next is looked at within tens of milliseconds, and goes first if it must. A later flight whose event comes alone is told, until an
earlier one comes: then its people wait, planned (those stand behind in their lanes, half a minute's worth at most) or not. A
process that has none of the earlier flight's people left may go on to the later one's while another process still plans: these
wait in their lanes, and pass nobody as long as planning outruns sending, which it waits for (pacing.py).

**One subject in its own order.** A newer event waits until the older one is through in that partition, and lends it its own
urgency. It ends the older one's rest only where each of its notifications would take out whatever is planned from it: who was not
told yet is told the newer news alone.

Everything may be done twice, by two processes at once: messages are named by event, notification, item and contact, and a cursor
moves only from where its mover began.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

import structlog

from gateway.clock import Clock
from gateway.crashpoint import crash_point
from gateway.errors import StoreError
from gateway.intake.fanqueue import FanQueue
from gateway.intake.fanshares import Share, Shares
from gateway.intake.fanturns import CHUNK, WIDE, Turns
from gateway.intake.fuse import Fuse
from gateway.intake.results import Results
from gateway.intake.stillnews import NOTHING, Over, StillNews
from gateway.intake.stores import Stores
from gateway.model.event import BusinessEvent
from gateway.model.ids import ContactId, EventId, SubjectId
from gateway.notifications.expressions import Scope
from gateway.planning.listening import ends_ms
from gateway.planning.pacing import Pacer
from gateway.planning.result import EventResult
from gateway.planning.telling import Teller
from gateway.planning.worlds import Worlds
from gateway.store.fanout import Cursor, FanOut, rank_of
from gateway.wake import Wake

_CACHE = 1000

log = structlog.get_logger()

_First = TypeVar("_First")
_Second = TypeVar("_Second")


class Fan:
    def __init__(
        self,
        stores: Stores,
        teller: Teller,
        worlds: Worlds,
        clock: Clock,
        wake: Wake,
        fuse: Fuse | None,
        pacer: Pacer | None = None,
    ) -> None:
        """fuse: None lets everything through; pacer: None waits for no sender (a rehearsal)."""
        self._s = stores
        self._worlds = worlds
        self._clock = clock
        self._wake = wake
        self._fuse = fuse
        self._results = Results(stores.subjects)
        self._queue = FanQueue(stores.fans)
        wake.listen("expand", self._queue.heard)
        self._shares = Shares(stores, teller, worlds, wake, self._queue, pacer)
        self.still_news = StillNews(stores.subjects, worlds, self.begun_anywhere)
        self.turns = Turns(stores, self._shares, self._results, self._queue, self.still_news, clock, wake)
        self._begun: OrderedDict[EventId, int] = OrderedDict()
        """when a fan-out was opened by this process (ms), until its event is closed"""
        self._uncounted: dict[EventId, tuple[Sequence[str], int]] = {}

    def wait_for_nobody(self) -> None:
        """Plan as fast as it goes, whatever the senders can send."""
        self._shares.pacer = None

    async def begin(
        self,
        event: BusinessEvent,
        result: EventResult,
        entries: Mapping[str, Mapping[str, Any] | None],
        listeners: tuple[int, ...] | None = None,
        over: Over = NOTHING,
    ) -> tuple[int, ...]:
        """Tell a small audience, open the fan-outs of a large one; where cursors stand. entries: what later subscribers are told.

        listeners: the partitions of its audience, read not before the event was applied; None = to be asked for.
        over: what of it is no news any more
        Raises Waits when the fuse holds it.
        """
        self._results.remember(result)
        partitions = listeners if listeners is not None else await self.partitions(result)
        fans = self._fans(result, partitions)
        passed, few = None, None
        if self._fuse is not None:

            async def put(partition: int, people: Sequence[ContactId]) -> None:
                await self._shares.put(result, [Share(partition, list(people))])

            # Who listens is read while the fuse looks: what it holds or lets go of later is read again.
            passed, few = await _both(self._fuse.passes(result, partitions, entries, put), self._few(result, fans))
            if not passed.go:
                return ()
        if result.heard_elsewhere:
            elsewhere = [one for one in result.audience if one != result.subject]
            await self._s.subjects.note(elsewhere, result.subject, result.sequence, entries, ends_ms(result.state) or 0)
        if result.heard_elsewhere or (passed is not None and passed.was_held):
            partitions = await self.partitions(result)
            fans = self._fans(result, partitions)
            few = await self._few(result, fans)
        elif passed is None:
            few = await self._few(result, fans)
        try:
            rest = await self._shares.put(result, few, over) if few is not None else fans
        except (StoreError, OSError, TimeoutError):
            raise
        except Exception as error:  # one of them cannot be told: a fan-out goes around them
            log.exception("event.not_at_once", event_id=event.id, error=type(error).__name__)
            rest = fans
        if rest:
            await self._open(rest, result)
        if passed is not None and passed.people:
            self._uncounted[event.id] = result.notifications, passed.people
            while len(self._uncounted) > _CACHE:  # what is taken up before newer news is counted by its own look
                del self._uncounted[next(iter(self._uncounted))]
        return partitions

    async def begun(self, results: Sequence[EventResult]) -> set[EventId]:
        """Those that have a cursor wherever anybody listens: what they tell stands in its order. Two round trips.

        Where nobody listens it counts as not begun: an order may not have made its listeners yet.
        """
        places, cursors = await self._cursors(results)
        without = {event for (event, _), cursor in zip(places, cursors, strict=True) if cursor is None}
        return {event for event, _ in places} - without

    async def begun_anywhere(self, results: Sequence[EventResult]) -> set[EventId]:
        """Those that have a cursor where anybody listens: the fuse let them through. Somebody may have begun to listen since."""
        places, cursors = await self._cursors(results)
        return {event for (event, _), cursor in zip(places, cursors, strict=True) if cursor is not None}

    async def _cursors(self, results: Sequence[EventResult]) -> tuple[list[tuple[EventId, int]], list[Cursor | None]]:
        audience = list(dict.fromkeys(subject for result in results for subject in result.audience))
        where = dict(zip(audience, await self._s.subjects.partitions_of(audience), strict=True))
        places = [
            (EventId(result.event), partition)
            for result in results
            for partition in {one for subject in result.audience for one in where[subject]}
        ]
        return places, await self._s.fans.cursors_of(places)

    async def count(self, event: EventId) -> None:
        """Count what went through to what is usual. It can wait until its messages are on their way: each waits for the disk."""
        names, people = self._uncounted.pop(event, ((), 0))
        if self._fuse is not None and people:
            await self._fuse.fuses.told(names, people, event)

    def _fans(self, result: EventResult, partitions: Sequence[int]) -> list[FanOut]:
        rank = self._rank(result)
        return [FanOut(one, EventId(result.event), result.subject, result.sequence, rank) for one in partitions]

    async def partitions(self, result: EventResult) -> tuple[int, ...]:
        """Where anybody hears about it."""
        found = await self._s.subjects.partitions_of(result.audience)
        return tuple(sorted({one for partitions in found for one in partitions}))

    async def _few(self, result: EventResult, fans: Sequence[FanOut]) -> list[Share] | None:
        """The whole audience, where it is not more than one turn; one round trip. None: it is more."""
        places = [(fan.partition, subject, "") for fan in fans for subject in result.audience]
        if len(places) > WIDE:
            return None
        found: dict[int, dict[ContactId, None]] = {fan.partition: {} for fan in fans}
        for (partition, _, _), people in zip(places, await self._s.contacts.subscribers_of(places, CHUNK + 1), strict=True):
            found[partition] |= dict.fromkeys(people)
        if sum(map(len, found.values())) > CHUNK:
            return None
        return [Share(fan.partition, list(found[fan.partition]), fan, done=True) for fan in fans]

    async def _open(self, fans: Sequence[FanOut], result: EventResult) -> None:
        cursors = await self._s.fans.open(fans)
        for fan, cursor in zip(fans, cursors, strict=True):
            if not cursor.done_ms:
                self._queue.add(fan, cursor)
        crash_point("fan.opened")
        self._wake.everywhere("expand")
        if all(cursor == Cursor("", 0) for cursor in cursors):
            event = fans[0].event
            self._begun[event] = self._clock.now_ms()
            while len(self._begun) > _CACHE:
                self._begun.popitem(last=False)
            found = await self._s.fans.progress(event, result.audience, [fan.partition for fan in fans])
            await self._s.fans.note(self._clock, "fanning", event, result.subject, {"people": found.people})

    async def finished(self, event: EventId, subject: SubjectId, partitions: Sequence[int]) -> None:
        """Before an event is closed: say how long its fan-out took, where this process began it. Else nobody says it."""
        begun_ms, result = self._begun.pop(event, 0), self._results.known(event)
        if begun_ms and result is not None:
            found = await self._s.fans.progress(event, result.audience, partitions)
            seconds = max(found.done_ms - begun_ms, 1) / 1000
            took: dict[str, str | int] = {"people": found.done, "seconds": f"{seconds:.1f}", "rate": round(found.done / seconds)}
            await self._s.fans.note(self._clock, "fanned", event, subject, took)

    def _rank(self, result: EventResult) -> float:
        """Urgent before normal before bulk, then the earlier deadline."""
        catalogue = self._worlds.catalogue
        found = [catalogue.get(name) for name in result.notifications]
        known = [one for one in found if one is not None]
        event = {"occurred_at_ms": result.occurred_at_ms}
        scope = Scope({"event": event, "state": dict(result.state), "data": dict(result.data)})
        priority = min((int(one.priority) for one in known), default=2)
        deadline = min((one.deadline_ms(scope) for one in known), default=0)
        return rank_of(priority, deadline)


async def _both(first: Awaitable[_First], second: Awaitable[_Second]) -> tuple[_First, _Second]:
    """Both at once. Neither is left behind when the other fails."""
    one, other = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(other, BaseException):
        raise other
    return one, other
