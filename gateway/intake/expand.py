"""One event -> its subject's memory -> its subscribers -> one message each.

    look      an event whose next look has come (evw); or one in hand: what this process kept a moment ago (store/inhand.py)
    apply     apply.py steps the subject's memory; an older event is closed at once and tells nobody
    take      an order's recipients become contacts, consents and subscriptions; newcomers are told what still holds
    plan      fan.py: a small audience at once, a large one by fan-out; handing.py: a document to those it names
    close     by a second look, at least 30 s after the last cursor said done: a failover may have taken one back

A crash between any two steps is found by `evw`: the event is looked at again, gives the same result (the subject kept it), and
makes the same message ids. After five tries that the store did not spoil it is parked with the reason.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

import structlog

from gateway.clock import Clock
from gateway.crashpoint import crash_point
from gateway.errors import StoreError
from gateway.intake import aside
from gateway.intake.apply import DOCUMENTS, Applied, Applier
from gateway.intake.fan import Fan
from gateway.intake.fuse import Fuse, Waits
from gateway.intake.handing import Handing
from gateway.intake.orders import Orders
from gateway.intake.sidebyside import SideBySide
from gateway.intake.stillnews import NOTHING
from gateway.intake.stores import Stores
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import ContactId, EventId, SubjectId
from gateway.planning.pacing import Pacer
from gateway.planning.result import EventResult
from gateway.planning.schedule import STATE_OF
from gateway.planning.telling import Teller
from gateway.planning.worlds import Worlds
from gateway.store.ahead import Ahead, Command
from gateway.store.events import Handed, OpenEvent
from gateway.store.vault import KeyMissing
from gateway.wake import Wake

NAMES_PEOPLE = (EventType.ORDER_STATUS, EventType.APPOINTMENT_STATUS)
"""States that bring the people they are about."""
TRIES = 5
LOOK_AGAIN_MS = 10_000
CLOSE_AFTER_MS = 30_000
CLOSE_TOGETHER = 16
STRANGE_S = 10.0
HOLD_S = 1.0
"""Work on an event in hand that takes longer says each second that it goes on: nobody else then takes it for left behind."""

Result = TypeVar("Result")

log = structlog.get_logger()


class Expander:
    def __init__(
        self,
        stores: Stores,
        orders: Orders,
        worlds: Worlds,
        clock: Clock,
        wake: Wake,
        country: str,
        fuse: Fuse | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        """fuse: None lets everything through; pacer: None plans as fast as it goes."""
        self._s = stores
        self._orders = orders
        self._clock = clock
        self._fuse = fuse
        self._teller = Teller(stores.contacts, stores.subjects, stores.outbox, stores.vault, worlds, wake, stores.untold)
        self._applier = Applier(stores, worlds, clock, country)
        self._handing = Handing(stores, orders, self._teller, worlds, clock)
        self.fan = Fan(stores, self._teller, worlds, clock, wake, fuse, pacer)
        self._opened: OrderedDict[EventId, tuple[BusinessEvent, tuple[int, ...]]] = OrderedDict()
        self._told: OrderedDict[EventId, None] = OrderedDict()
        self._over: list[tuple[OpenEvent, BusinessEvent]] = []
        """told, with nobody left to tell: to be closed with the next"""
        self._nobodys: set[EventId] = set()
        """documents that nobody we know is to get, until they are closed"""
        """events of which this process knows that they stand in the order of their subject: it told or began them, or saw it"""
        self._strange: dict[EventId, float] = {}
        """events that this version cannot read -> until when they are left alone (monotonic s)"""
        self._mine: list[tuple[int, EventId, OpenEvent]] = []
        """(when, its id, it): the next looks at events that were in hand, the earliest first"""
        self._was_in_hand: set[EventId] = set()
        self._looked = False
        """whether the last look was one at the store"""
        self.fresh = 0
        """how many of the last look were kept within the last ten seconds: the others were taken up before, by whoever died"""

    async def look(self, partitions: Sequence[int], *, limit: int = 16) -> int:
        """Work on events whose time has come; how many there were."""
        due = self._my_due(4 * limit)
        # A look at all partitions is left out where there are second looks to make, but never twice in a row: under load there
        # always are some, and whatever is due in the store would wait until there are none.
        self._looked = not (due and self._looked)
        if self._looked:
            found = await self._s.events.due(partitions, limit=limit + len(self._strange))
            due = self._readable(found)[: 4 * limit] + due
        since = self._clock.now_ms() - self._clock.offset_ms - LOOK_AGAIN_MS
        self.fresh = sum(int(one.place.partition("-")[0]) > since for one in due)
        await self._all(due)
        return len(due)

    async def look_after(self, partitions: Sequence[int], *, late_ms: int, limit: int = 4) -> int:
        """The same for new events that wait so long already in the partitions of others: their worker is busy, or dead and not
        yet missed. An older one was told already and only waits to be closed: to us it would be work from the beginning."""
        due = self._readable(await self._s.events.due(partitions, limit=limit + len(self._strange), late_ms=late_ms))
        since = self._clock.now_ms() - self._clock.offset_ms - CLOSE_AFTER_MS
        new = [one for one in due if int(one.place.partition("-")[0]) > since]
        await self._all(new[: 4 * limit])
        return len(new)

    def _readable(self, due: Sequence[OpenEvent]) -> list[OpenEvent]:
        """Without those that a version to come has written, as was found: it takes them up, and they stand before nobody here."""
        now_s = time.monotonic()
        self._strange = {event: until_s for event, until_s in self._strange.items() if until_s > now_s}
        return [one for one in due if one.id not in self._strange]

    async def _all(self, due: Sequence[OpenEvent]) -> None:
        side_by_side = SideBySide()
        try:
            for open_event in due:
                begun = await self._unless_it_fails(open_event, partial(self._begun, open_event))
                if begun is not None:
                    event, tries = begun
                    work = partial(self._unless_it_fails, open_event, partial(self._one, open_event, event))
                    if tries > 1:  # it may be what ends processes: nobody's tries are used up beside it
                        await side_by_side.rest()
                        await self._close_over()  # nor are those who were told before it begun again because of it
                        await work()
                    else:
                        await side_by_side.do(event, work)
                if len(self._over) >= CLOSE_TOGETHER:
                    await self._close_over()
        finally:
            await side_by_side.rest()
        await self._close_over()

    async def _unless_it_fails(self, open_event: OpenEvent, work: Callable[[], Awaitable[Result]]) -> Result | None:
        """What the store spoils ends the look; whatever else goes wrong is of this event alone."""
        try:
            return await work()
        except (StoreError, OSError, TimeoutError):
            raise
        except Exception as error:  # the event stays in evw: it is tried again, and parked after five tries
            log.exception("event.failed", event_id=open_event.id, error=type(error).__name__)
            return None

    def _my_due(self, limit: int) -> list[OpenEvent]:
        """Those that were in hand: who saw their cursors begin sees them done, whoever has the lease of their partition."""
        now = self._clock.now_ms()
        found: list[OpenEvent] = []
        while self._mine and self._mine[0][0] <= now and len(found) < limit:
            _, event, open_event = heapq.heappop(self._mine)
            if event in self._opened:  # else it was forgotten, and is found in the store
                found.append(open_event)
            else:
                self._was_in_hand.discard(event)
        return found

    async def _look_again(self, open_event: OpenEvent, at_ms: int) -> None:
        """Look again then; where it was in hand by ourselves, and by others if we do not."""
        if open_event.id in self._was_in_hand:
            heapq.heappush(self._mine, (at_ms, open_event.id, open_event))
            at_ms += LOOK_AGAIN_MS
        await self._s.events.look_again(open_event, at_ms)

    async def _found(self, open_event: OpenEvent) -> BusinessEvent | None:
        """The event, where there is work to do: it was neither begun before, nor is it gone or of another version."""
        opened = self._opened.get(open_event.id)
        if opened is not None:
            await self._close_if_done(open_event, *opened)
            return None
        try:
            event = await self._s.events.read(open_event.id, open_event.place)
        except (ValueError, KeyError) as error:
            self._strange[open_event.id] = time.monotonic() + STRANGE_S
            log.warning("event.of_another_version", event_id=open_event.id, error=type(error).__name__)
            return None
        if event is None:
            await self._s.events.close(open_event, "gone")
            return None
        if (partitions := await self._begun_before(open_event, event)) is not None:
            self._open(event, partitions)
            await self._close_if_done(open_event, event, partitions)
            return None
        return event

    async def _begun(self, open_event: OpenEvent) -> tuple[BusinessEvent, int] | None:
        """The event, begun, and how often it was, this time included; None where there is nothing to do."""
        event = await self._found(open_event)
        if event is None:
            return None
        # Counted before it is worked on: an event may kill its worker.
        tries = await self._s.events.begin(open_event, look_again_ms=self._clock.now_ms() + LOOK_AGAIN_MS)
        if not tries:
            return None
        if tries > TRIES:
            await self._s.events.park(open_event, "tried five times")
            return None
        return event, tries

    async def _one(self, open_event: OpenEvent, event: BusinessEvent) -> None:
        crash_point("event.begun")
        try:
            await (await self._work(open_event, event))()
        except StoreError as error:  # of the event it says nothing: one that waits for replicas is not parked for them
            with suppress(StoreError, OSError, TimeoutError):
                await self._s.events.uncount(open_event)
            if not isinstance(error, KeyMissing):
                raise
            # Of one of its people, or of its subject: it waits for GATEWAY_KEYS to be mended, and the others do not wait for it.
            log.warning("event.key_missing", event_id=event.id, problem=str(error))

    async def _begun_before(self, open_event: OpenEvent, event: BusinessEvent) -> tuple[int, ...] | None:
        """Where the cursors of an event stand that another process began, and did not live to close; None where one is missing.

        Else whoever has its partition after a death would do all of it again, and where processes die there are thousands.
        """
        if int(open_event.place.partition("-")[0]) > self._clock.now_ms() - self._clock.offset_ms - LOOK_AGAIN_MS:
            return None
        if event.type in DOCUMENTS:  # they have no cursors
            return None
        seen = await self._s.subjects.result_of(event.subject_id, event.id)
        result = EventResult.load(seen[1], seen[0]) if seen is not None else None
        if result is None or event.id not in await self.fan.begun([result]):
            return None
        return await self.fan.partitions(result)

    def _open(self, event: BusinessEvent, partitions: tuple[int, ...]) -> None:
        self._opened[event.id] = (event, partitions)
        while len(self._opened) > 10_000:
            self._opened.popitem(last=False)

    async def take_up(self, handed: Handed) -> Callable[[], Awaitable[None]]:
        """Work on what this process kept itself. Its first try was counted when it was kept. Raises StoreUnavailable.

        returns: what is left to write down, in HAND_MS at the latest. It can wait until the messages are on their way.
        """
        self._was_in_hand.add(handed.event.id)
        async with self._holding(handed.open):
            left = await self._work(handed.open, handed.event, handed.ahead)
        return partial(self._written, left)

    async def _written(self, left: Callable[[], Awaitable[None]]) -> None:
        await left()
        await self._close_over()

    @asynccontextmanager
    async def _holding(self, open_event: OpenEvent) -> AsyncIterator[None]:
        ended = asyncio.Event()

        async def hold() -> None:
            while not ended.is_set():
                try:
                    async with asyncio.timeout(HOLD_S):
                        await ended.wait()
                    return
                except TimeoutError:
                    pass
                try:
                    await self._s.events.hold(open_event, self._clock.now_ms() + LOOK_AGAIN_MS)
                except (StoreError, OSError, TimeoutError):
                    pass  # another process may take it up as well: that is harmless

        holding = asyncio.create_task(hold())
        try:
            yield
        finally:
            ended.set()  # no cancellation: the store's client may swallow one
            await asyncio.wait([holding])  # it must not say so any more once the next look is set

    async def _work(
        self, open_event: OpenEvent, event: BusinessEvent, ahead: Ahead | None = None
    ) -> Callable[[], Awaitable[None]]:
        """Expand it; what is left to write down of that."""
        try:
            partitions = await self.expand(event, ahead)
        except Waits as waits:
            self._was_in_hand.discard(event.id)
            return partial(self._s.events.look_again, open_event, self._clock.now_ms() + waits.look_ms)
        return partial(self._expanded, open_event, event, partitions)

    async def _expanded(self, open_event: OpenEvent, event: BusinessEvent, partitions: tuple[int, ...] | None) -> None:
        crash_point("event.told")
        if partitions is None:
            self._was_in_hand.discard(event.id)
            await self._s.events.close(open_event, "older")
            return
        await self.fan.count(event.id)
        if not partitions:
            self._over.append((open_event, event))
            return
        self._open(event, partitions)
        await self._look_again(open_event, self._clock.now_ms() + CLOSE_AFTER_MS)

    async def _close_if_done(self, open_event: OpenEvent, event: BusinessEvent, partitions: tuple[int, ...]) -> None:
        now = self._clock.now_ms()
        cursors = await self._s.fans.cursors(event.id, partitions)
        if any(cursor is None for cursor in cursors.values()):  # a failover took a cursor back: expand once more
            self._opened.pop(event.id, None)
            self._was_in_hand.discard(event.id)
            await self._s.events.look_again(open_event, now)
            return
        done = [cursor.done_ms for cursor in cursors.values() if cursor is not None]
        if all(at for at in done) and now - max(done) >= CLOSE_AFTER_MS:
            await self._finish([(open_event, event, partitions)])
        else:
            # Many may wait for a sender that is slow: an older one is looked at more rarely.
            age_ms = now - self._clock.offset_ms - int(open_event.place.partition("-")[0])
            wait_ms = max(5000, min(age_ms // 4, CLOSE_AFTER_MS))
            await self._look_again(open_event, now + (CLOSE_AFTER_MS if all(done) else wait_ms))

    async def _close_over(self) -> None:
        """Close what everybody was told of who is to be told: no cursor stands anywhere that must be looked at once more.

        Several share the round trips. A process that dies before has told them twice when they are looked at again, under the
        same ids, which is what happened where it died between telling and closing one.
        """
        over, self._over = self._over, []
        if over:
            await self._finish([(open_event, event, ()) for open_event, event in over])

    async def _finish(self, over: Sequence[tuple[OpenEvent, BusinessEvent, tuple[int, ...]]]) -> None:
        """over: (event, it, where its cursors stand)"""
        for _, event, partitions in over:
            await self.fan.finished(event.id, event.subject_id, partitions)
        await self._s.events.close_many([(one, "nobody" if event.id in self._nobodys else "") for one, event, _ in over])
        crash_point("event.closed")
        await self._s.subjects.forget(*((event.subject_id, event.id) for _, event, _ in over))
        for _, event, partitions in over:
            await self._s.fans.forget(event.id, partitions)
            self._nobodys.discard(event.id)
            self._opened.pop(event.id, None)
            self._was_in_hand.discard(event.id)
            if self._fuse is not None:
                await self._fuse.closed(event.id)

    def ahead(self, event: BusinessEvent) -> list[Command]:
        """What `expand` asks for first."""
        return self._applier.ahead(event)

    async def expand(self, event: BusinessEvent, ahead: Ahead | None = None) -> tuple[int, ...] | None:
        """Everything one event means. None: older, tells nobody; else the partitions where cursors stand. Raises Waits.

        ahead: may hold what it asks for first
        """
        applied = await self._applier.apply(event, ahead)
        if applied is None:
            return None
        crash_point("event.applied")
        # What this process told itself is no question: one subject's news mostly comes to the same, and soon after one another.
        if applied.before is None or not all(one in self._told for one in applied.before):
            await self._those_before(event, applied)
        return await self._tell(event, applied)

    async def _those_before(self, event: BusinessEvent, its: Applied) -> None:
        """Take up events of this subject that were applied before and of which nobody was told yet: their process died there, or
        is there just now. Else what comes of this one would go before them, and they would follow as old news."""
        found = await self._s.subjects.open_before(event.subject_id, its.result.sequence, self._told, its.before)
        results = [EventResult.load(value, its_sequence) for _, its_sequence, value in found]
        begun = await self.fan.begun([one for one in results if one.type not in DOCUMENTS and one.notifications])
        for result in results:
            earlier = EventId(result.event)
            if earlier in begun or result.type in DOCUMENTS or not result.notifications:
                self._knows(earlier)
                continue
            place = await self._s.events.place_of(earlier)
            whole = await self._s.events.read(earlier, place) if place is not None else None
            if whole is None:  # set aside, or closed meanwhile: not asked for again with each newer event
                self._knows(earlier)
                continue
            # It may be what ends processes. Counted as its own, else it would use up the tries of all that come after it.
            if await self._s.events.count(earlier, 1) > TRIES:
                continue
            try:
                applied = await self._applier.apply(whole)
                if applied is not None:
                    await self._tell(whole, applied)
            except (StoreError, OSError, TimeoutError):
                with suppress(StoreError, OSError, TimeoutError):  # of the event it says nothing
                    await self._s.events.count(earlier, -1)
                raise
            except Waits:  # the fuse holds it: newer news goes first
                pass
            except Exception as error:  # its own next look says so again, and parks it in the end
                log.exception("event.failed", event_id=earlier, error=type(error).__name__)
            await self._s.events.count(earlier, -1)

    async def _tell(self, event: BusinessEvent, applied: Applied) -> tuple[int, ...]:
        """What `expand` does of an event that is applied, and those before it told. Raises Waits."""
        result, namespace = applied.result, ""
        failed: Exception | None = None
        if event.type in DOCUMENTS:
            if event.type is EventType.FLIGHT_BOARDINGPASS:
                await self._applier.schedule.hear_pass(event.subject_id, event.data, result.state)
            if not await self._handing.hand_out(event, result, namespace):
                self._nobodys.add(event.id)
            self._knows(event.id)
            return ()
        if event.type in NAMES_PEOPLE and not event.moment:
            taken = await self._orders.take(event, result.sequence, namespace)
            crash_point("order.taken")
            for subject, kind in self._orders.legs_of(event).items():
                await self._applier.schedule.refresh(subject, STATE_OF[kind])
            if event.data.get("recipients"):
                await self._orders.unsubscribe_left_out(event.subject_id, result.sequence, taken)
            for one in taken:
                try:
                    # Taken up again: whoever was subscribed by the first run may not have been told by it.
                    await self.welcome(one.contact, one.subjects if applied.again else one.added, but=event.id)
                except (StoreError, OSError, TimeoutError):
                    raise
                except Exception as error:  # all others are told before it fails
                    failed = failed or error
        partitions: tuple[int, ...] = ()
        if result.notifications:
            # An order has just made subscribers, and an area's are its cells': both are asked for again.
            listeners = applied.partitions if event.type not in NAMES_PEOPLE and not result.heard_elsewhere else None
            entries = self._applier.entries(result)
            over = await self.fan.still_news.of(result) if applied.again else NOTHING
            partitions = await self.fan.begin(event, result, entries, listeners, over)
        if failed is not None:
            raise failed
        self._knows(event.id)
        return partitions

    def _knows(self, event: EventId) -> None:
        self._told[event] = None
        while len(self._told) > 10_000:
            self._told.popitem(last=False)

    async def chunks(self, partitions: Sequence[int], *, turns: int = 8) -> int:
        """One turn each for the most urgent fan-outs; how many were worked on."""
        return await self.fan.turns.chunks(partitions, turns=turns)

    async def tell_again(self, event: EventId) -> tuple[int, int]:
        """Tell those who were set aside when it was told: (how many were, how many are set aside still)."""
        return await aside.tell_again(self._s, self._teller, event)

    async def welcome(self, contact: ContactId, subjects: Sequence[SubjectId], *, but: str = "") -> None:
        """Tell a contact what still holds of subjects they have just begun to follow. but: an event that tells them anyway."""
        await self._teller.welcome(contact, subjects, but=but)
