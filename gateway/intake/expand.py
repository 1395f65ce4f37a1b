"""One event -> its subject's memory -> its subscribers -> one message each.

    look      an event whose next look has come (evw), or that this process just kept
    apply     apply.py steps the subject's memory; an older event is closed at once and tells nobody
    take      an order's recipients become contacts, consents and subscriptions; newcomers are told what still holds
    plan      fan.py: a small audience at once, a large one by fan-out; handing.py: a document to those it names
    close     by a second look, at least 30 s after the last cursor said done: a failover may have taken one back

A crash between any two steps is found by `evw`: the event is looked at again, gives the same result (the subject kept it), and
makes the same message ids. After five tries it is parked with the reason.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import structlog

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.intake.apply import DOCUMENTS, Applier
from gateway.intake.fan import Fan
from gateway.intake.fuse import Fuse, Waits
from gateway.intake.handing import Handing
from gateway.intake.orders import Orders
from gateway.intake.stores import Stores
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import ContactId, EventId, SubjectId
from gateway.planning.telling import Teller
from gateway.planning.worlds import Worlds
from gateway.store.events import OpenEvent
from gateway.wake import Wake

TRIES = 5
LOOK_AGAIN_MS = 10_000
CLOSE_AFTER_MS = 30_000

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
    ) -> None:
        """fuse: None lets everything through."""
        self._s = stores
        self._orders = orders
        self._clock = clock
        self._fuse = fuse
        self._teller = Teller(stores.contacts, stores.subjects, stores.outbox, stores.vault, worlds, wake)
        self._applier = Applier(stores, worlds, clock, country)
        self._handing = Handing(stores, self._teller, worlds, clock)
        self.fan = Fan(stores, self._teller, worlds, clock, wake, fuse)
        self._opened: OrderedDict[EventId, tuple[BusinessEvent, tuple[int, ...]]] = OrderedDict()

    async def look(self, partitions: Sequence[int], *, limit: int = 16) -> int:
        """Work on events whose time has come; how many there were."""
        due = await self._s.events.due(partitions, limit=limit)
        for open_event in due[: 4 * limit]:
            try:
                await self._one(open_event)
            except (StoreError, OSError, TimeoutError):
                raise
            except Exception as error:  # the event stays in evw: it is tried again, and parked after five tries
                log.exception("event.failed", event_id=open_event.id, error=type(error).__name__)
        return len(due)

    async def _one(self, open_event: OpenEvent) -> None:
        opened = self._opened.get(open_event.id)
        if opened is not None:
            await self._close_if_done(open_event, *opened)
            return
        event = await self._s.events.read(open_event.id, open_event.place)
        if event is None:
            await self._s.events.close(open_event, "gone")
            return
        # Counted before it is worked on: an event may kill its worker.
        tries = await self._s.events.begin(open_event, look_again_ms=self._clock.now_ms() + LOOK_AGAIN_MS)
        if tries > TRIES:
            await self._s.events.park(open_event, "tried five times")
            return
        try:
            partitions = await self.expand(event)
        except Waits as waits:
            await self._s.events.look_again(open_event, self._clock.now_ms() + waits.look_ms)
            return
        if partitions is None:
            await self._s.events.close(open_event, "older")
            return
        if not partitions:
            await self._finish(open_event, event, ())
            return
        self._opened[event.id] = (event, partitions)
        while len(self._opened) > 10_000:
            self._opened.popitem(last=False)
        await self._s.events.look_again(open_event, self._clock.now_ms() + CLOSE_AFTER_MS)

    async def _close_if_done(self, open_event: OpenEvent, event: BusinessEvent, partitions: tuple[int, ...]) -> None:
        now = self._clock.now_ms()
        cursors = await self._s.fans.cursors(event.id, partitions)
        if any(cursor is None for cursor in cursors.values()):  # a failover took a cursor back: expand once more
            self._opened.pop(event.id, None)
            await self._s.events.look_again(open_event, now)
            return
        done = [cursor.done_ms for cursor in cursors.values() if cursor is not None]
        if all(at for at in done) and now - max(done) >= CLOSE_AFTER_MS:
            await self._finish(open_event, event, partitions)
        else:
            await self._s.events.look_again(open_event, now + (CLOSE_AFTER_MS if all(done) else 5000))

    async def _finish(self, open_event: OpenEvent, event: BusinessEvent, partitions: tuple[int, ...]) -> None:
        await self._s.events.close(open_event)
        await self._s.fans.forget(event.id, partitions)
        await self._s.subjects.forget(event.subject_id, event.id)
        self._opened.pop(event.id, None)
        if self._fuse is not None:
            await self._fuse.closed(event.id)

    async def expand(self, event: BusinessEvent) -> tuple[int, ...] | None:
        """Everything one event means. None: older, tells nobody; else the partitions where cursors stand. Raises Waits."""
        applied = await self._applier.apply(event)
        if applied is None:
            return None
        result, again = applied
        namespace = ""
        if event.type in DOCUMENTS:
            await self._handing.to_recipients(event, result, await self._orders.reach(event, namespace))
            return ()
        if event.type is EventType.ORDER_STATUS:
            taken = await self._orders.take(event, result.sequence, namespace)
            if event.data.get("recipients"):
                await self._orders.unsubscribe_left_out(event.subject_id, result.sequence, taken)
            for one in taken:
                # Taken up again: whoever was subscribed by the first run may not have been told by it.
                await self.welcome(one.contact, one.subjects if again else one.added, but=event.id)
        if not result.notifications:
            return ()
        return await self.fan.begin(event, result, self._applier.entries(result))

    async def chunks(self, partitions: Sequence[int], *, turns: int = 8) -> int:
        """One turn each for the most urgent fan-outs; how many were worked on."""
        return await self.fan.chunks(partitions, turns=turns)

    async def welcome(self, contact: ContactId, subjects: Sequence[SubjectId], *, but: str = "") -> None:
        """Tell a contact what still holds of subjects they have just begun to follow. but: an event that tells them anyway."""
        await self._teller.welcome(contact, subjects, but=but)
