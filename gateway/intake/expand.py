"""One event -> its subject's memory -> its subscribers -> one message each.

    look      an event whose next look has come (evw), or that this process just kept
    apply     rules/changes.py steps the subject's memory; an older event is closed at once and tells nobody
    take      an order's recipients become contacts, consents and subscriptions; newcomers are told what still holds
    plan      a small audience at once; a large one by fan-out, 25 contacts a turn, so that nobody else waits for it
    close     by a second look, at least 30 s after the last cursor said done: a failover may have taken one back

A crash between any two steps is found by `evw`: the event is looked at again, gives the same result (the subject kept it), and
makes the same message ids. After five tries it is parked with the reason.
"""

from __future__ import annotations

import base64
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.errors import NotFound, Sealed, StoreError
from gateway.intake.fuse import Fuse, Waits
from gateway.intake.orders import Orders, Taken
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import ContactId, EventId, SubjectId
from gateway.notifications.expressions import Scope
from gateway.notifications.model import Notification
from gateway.planning.result import EventResult, Reader, World, readers_of, scope_for
from gateway.planning.telling import Teller
from gateway.planning.worlds import Worlds
from gateway.rules.changes import facts, state_of, step
from gateway.store.contacts import Contacts
from gateway.store.documents import Documents
from gateway.store.events import Events, OpenEvent
from gateway.store.fanout import FanOut, FanOuts
from gateway.store.keys import KEEP_MS
from gateway.store.outbox import Outbox, Plan, PlannedContact
from gateway.store.subjects import Subjects
from gateway.store.vault import Vault
from gateway.wake import Wake

CHUNK = 25
TRIES = 5
LOOK_AGAIN_MS = 10_000
CLOSE_AFTER_MS = 30_000
SUBJECT_KEEP_MS = 30 * 24 * 3600_000
DOCUMENTS = (EventType.ORDER_DOCUMENT, EventType.FLIGHT_BOARDINGPASS)
_CACHE = 200

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Stores:
    """What expanding touches in the store."""

    events: Events
    subjects: Subjects
    contacts: Contacts
    outbox: Outbox
    fans: FanOuts
    documents: Documents
    vault: Vault


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
        self._fuse = fuse
        self._s = stores
        self._orders = orders
        self._worlds = worlds
        self._clock = clock
        self._wake = wake
        self._country = country
        self._teller = Teller(stores.contacts, stores.subjects, stores.outbox, stores.vault, worlds, wake)
        self._opened: OrderedDict[EventId, tuple[BusinessEvent, tuple[int, ...]]] = OrderedDict()
        self._results: OrderedDict[str, EventResult] = OrderedDict()

    # events

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
        applied = await self._apply(event)
        if applied is None:
            return None
        result, again = applied
        namespace = ""
        if event.type in DOCUMENTS:
            await self._tell_recipients(event, result, await self._orders.reach(event, namespace))
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
        return await self._fan_out(event, result)

    async def _apply(self, event: BusinessEvent) -> tuple[EventResult, bool] | None:
        """Step the subject's memory, again while another process was faster. (result, whether it was applied before)"""
        name = event.type.value if event.type not in DOCUMENTS else f"{event.type.value}:{self._blind_item(event)}"
        known = await self._s.subjects.result_of(event.subject_id, event.id)
        if known is not None:
            sequence, value = known
            return EventResult.load(value, sequence), True
        for _ in range(20):
            memory = await self._s.subjects.read(event.subject_id, name)
            base = dict(memory.memory) or dict(memory.base)
            stepped, changes = step(event.type, base, event.data)
            result = await self._result(event, base, stepped, changes)
            answer = await self._s.subjects.apply(
                event,
                name,
                revision=memory.revision,
                memory=stepped,
                result=result.dump(),
                until_ms=self._clock.now_ms() + SUBJECT_KEEP_MS,
                notifications=self._entries(result),
            )
            if answer.status == "older":
                return None
            if answer.status != "again":
                return EventResult.load(answer.result, answer.sequence), answer.status == "known"
        raise RuntimeError("this subject is being changed by too many at once")

    def _blind_item(self, event: BusinessEvent) -> str:
        return self._s.vault.blind("item", event.item)[:16] if event.item else ""

    async def _result(
        self, event: BusinessEvent, before: Mapping[str, Any], memory: Mapping[str, Any], changes: tuple[str, ...]
    ) -> EventResult:
        state, shown = state_of(memory), memory
        if event.type is EventType.FLIGHT_BOARDINGPASS:  # a pass shows what the flight is doing
            shown = (await self._s.subjects.read(event.subject_id, EventType.FLIGHT_STATUS.value)).memory
            state = state_of(shown)
        data = {name: value for name, value in event.data.items() if name not in ("recipients", "audience")}
        for holder in ("document",):
            if isinstance(data.get(holder), Mapping):
                data[holder] = {name: value for name, value in data[holder].items() if name != "content"}
        cells = self._cells(state) if event.type is EventType.OUTAGE_STATUS else {}
        audience: tuple[SubjectId, ...] = (event.subject_id,)
        if event.type is EventType.OUTAGE_STATUS:
            audience = tuple(SubjectId(subject) for subject in cells)
        named = (event.data.get("audience") or {}).get("refs") or []
        result = EventResult(
            event=event.id,
            type=event.type,
            external_id=event.external_id,
            source=event.source,
            subject=event.subject_id,
            sequence=0,
            occurred_at_ms=event.occurred_at_ms,
            item=event.item,
            changes=changes,
            state=state,
            previous=state_of(before),
            data=data,
            facts=facts(event.type, shown),
            notifications=(),
            refs=tuple(self._s.vault.subject_id("order", ref) for ref in named),
            audience=audience,
            cells=cells,
        )
        world = await self._worlds.now()
        scope = scope_for(result, Reader(None, None), world, world.default_brand, {})
        names = [one.name for one in world.catalogue.for_event(event.type) if one.applies(scope)]
        return replace(result, notifications=tuple(names))

    def _cells(self, state: Mapping[str, Any]) -> dict[str, list[list[str]]]:
        """Postcodes of an outage as cells of four characters, each with its exact ranges ([] = the whole cell)."""
        affected = state.get("affected") or {}
        country = str(affected.get("country") or self._country)
        found: dict[str, list[list[str]]] = {}
        for entry in (affected.get("postcodes") or [])[:500]:
            first, _, last = "".join(str(entry).split()).upper().partition("-")
            last = last or first
            if re.fullmatch(r"\d{4}", first[:4]) and re.fullmatch(r"\d{4}", last[:4]):
                numbers = [f"{number:04d}" for number in range(int(first[:4]), min(int(last[:4]), int(first[:4]) + 500) + 1)]
            else:
                numbers = [first[:4]]
            for number in numbers:
                subject = self._s.vault.subject_id("area", f"{state.get('service')}/{country}/{number}")
                whole = len(first) <= 4 and len(last) <= 4
                found.setdefault(subject, [])
                if not whole:
                    found[subject].append([max(first, number), min(last, number + "\x7f")])
        return found

    def _entries(self, result: EventResult) -> dict[str, Mapping[str, Any] | None]:
        """What a later subscriber must still be told: this event's notifications, without what they end."""
        catalogue = self._worlds.catalogue
        entries: dict[str, Mapping[str, Any] | None] = {}
        for name in result.notifications:
            for ended in catalogue.ended_by(name):
                entries[ended] = None
        for name in result.notifications:
            notification = catalogue.get(name)
            if notification is not None and notification.item == "none":
                entries[name] = {**result.dump(), "notifications": [name]}
        return entries

    # audiences

    async def _fan_out(self, event: BusinessEvent, result: EventResult) -> tuple[int, ...]:
        entries, partitions, passed = self._entries(result), await self._partitions(result), None
        if self._fuse is not None:
            passed = await self._fuse.passes(
                result, partitions, entries, lambda partition, people: self._put(partition, result, people)
            )
            if not passed.go:
                return ()
        if result.cells:
            await self._s.subjects.note(result.audience, result.subject, result.sequence, entries)
        if result.cells or (passed is not None and passed.was_held):
            partitions = await self._partitions(result)
        self._remember(result)
        large = []
        for partition in partitions:
            fan = FanOut(partition, event.id, event.subject_id, result.sequence, self._rank(result))
            people: list[ContactId] = []
            for subject in result.audience:
                people += await self._s.contacts.subscribers(partition, subject, "", CHUNK)
                if len(people) >= CHUNK:
                    break
            if len(people) >= CHUNK:
                large.append(fan)
            else:
                await self._put(partition, result, list(dict.fromkeys(people)), fan=fan, cursor="", done=True)
        if large:
            await self._s.fans.open(large)
            self._wake.here("expand")
        if self._fuse is not None and passed is not None and passed.people:
            await self._fuse.fuses.told(result.notifications, passed.people)
        return partitions

    async def _partitions(self, result: EventResult) -> tuple[int, ...]:
        """Where anybody hears about it."""
        bits: set[int] = set()
        for subject in result.audience:
            bits.update(await self._s.subjects.partitions(subject))
        return tuple(sorted(bits))

    def _rank(self, result: EventResult) -> float:
        """Urgent before normal before bulk, then the earlier deadline."""
        catalogue = self._worlds.catalogue
        found = [catalogue.get(name) for name in result.notifications]
        known = [one for one in found if one is not None]
        event = {"occurred_at_ms": result.occurred_at_ms}
        scope = Scope({"event": event, "state": dict(result.state), "data": dict(result.data)})
        priority = min((int(one.priority) for one in known), default=2)
        deadline = min((one.deadline_ms(scope) for one in known), default=0)
        return priority * 1e11 + deadline / 1000

    def _remember(self, result: EventResult) -> None:
        self._results[result.event] = result
        while len(self._results) > _CACHE:
            self._results.popitem(last=False)

    async def chunks(self, partitions: Sequence[int], *, turns: int = 8) -> int:
        """One turn each for the most urgent fan-outs; how many were worked on."""
        fans = await self._s.fans.under_way(partitions)
        for fan in fans[:turns]:
            result = self._results.get(fan.event)
            if result is None:
                known = await self._s.subjects.result_of(fan.subject, fan.event)
                if known is None:
                    await self._s.fans.finish(fan, self._clock.now_ms())
                    continue
                result = EventResult.load(known[1], known[0])
                self._remember(result)
            await self._chunk(fan, result)
        return min(len(fans), turns)

    async def _chunk(self, fan: FanOut, result: EventResult) -> None:
        cursor = (await self._s.fans.cursors(fan.event, [fan.partition]))[fan.partition]
        place, _, after = (cursor.after if cursor else "").partition(".")
        index = int(place or 0)
        people = await self._s.contacts.subscribers(fan.partition, result.audience[index], after, CHUNK)
        if len(people) == CHUNK:
            await self._put(fan.partition, result, people, fan=fan, cursor=f"{index}.{people[-1]}", done=False)
        else:
            last = index + 1 >= len(result.audience)
            await self._put(fan.partition, result, people, fan=fan, cursor=f"{index + 1}.", done=last)

    # planning

    async def _put(
        self,
        partition: int,
        result: EventResult,
        people: Sequence[ContactId],
        *,
        fan: FanOut | None = None,
        cursor: str = "",
        done: bool = False,
    ) -> None:
        world = await self._worlds.now()
        waiting = list(people)
        for _ in range(5):
            planned = await self._plan_contacts(waiting, result, world)
            plan = Plan(
                partition=partition,
                event=result.event,
                version=result.sequence,
                subject=result.subject,
                contacts=tuple(planned),
                fan=fan.member if fan is not None else "",
                cursor=cursor,
                done=done,
            )
            answer = await self._s.outbox.put(plan)
            if answer.written:
                break
            for one, state in zip(planned, answer.contacts, strict=True):
                if state.startswith("moved:"):
                    # Before the cursor passes them: a crash in between would leave nobody to go after them.
                    await self._put_one(ContactId(state[6:]), result)
                if state not in ("ok", "replan"):
                    waiting.remove(one.id)
        else:
            raise RuntimeError("a contact is being changed by too many at once")
        self._wake.now("dispatch")

    async def _put_one(self, contact: ContactId, result: EventResult, only: Sequence[Reader] | None = None) -> None:
        """Plan one contact outside a fan-out: a newcomer, a document's recipient, one who moved."""
        await self._teller.tell(contact, result, only)

    async def _plan_contacts(self, people: Sequence[ContactId], result: EventResult, world: World) -> list[PlannedContact]:
        planned = []
        for contact in await self._s.contacts.get_many(people):
            if contact is None:
                continue
            one = await self._teller.planned(contact, result, world)
            if one is not None:
                planned.append(one)
        return planned

    async def welcome(self, contact: ContactId, subjects: Sequence[SubjectId], *, but: str = "") -> None:
        """Tell a contact what still holds of subjects they have just begun to follow. but: an event that tells them anyway."""
        await self._teller.welcome(contact, subjects, but=but)

    async def _tell_recipients(self, event: BusinessEvent, result: EventResult, taken: Sequence[Taken]) -> None:
        """A document goes to the recipients that its event names, each for themselves."""
        if not result.notifications:
            return
        for one in taken:
            try:
                contact = await self._s.contacts.get(one.contact)
            except (NotFound, Sealed):  # erased meanwhile
                continue
            kept = await self._keep_document(event, contact.id, result.notifications)
            readers = [
                reader
                for reader in readers_of(contact, replace(result, refs=()), self._clock.now_ms())
                if reader.traveller is not None and reader.traveller.customer == one.traveller
            ]
            if not readers:
                person = next((known for known in contact.profile.travellers if known.customer == one.traveller), None)
                readers = [Reader(person, None)]
            await self._put_one(contact.id, replace(result, document=kept), readers)

    async def _keep_document(
        self, event: BusinessEvent, contact: ContactId, names: Sequence[str]
    ) -> Mapping[str, Any] | None:
        """The issuer's document: bytes are kept sealed for this contact, a URL is fetched when it is sent."""
        document = event.data.get("document") or {}
        spec = next((one.document for one in self._notifications(names) if one.document is not None), None)
        if spec is None or not (document.get("content") or document.get("url")):
            return None
        mime = document.get("mime") or "application/pdf"
        ending = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}[mime]
        filename = f"{spec.filename.rpartition('.')[0]}.{ending}"
        # Of this person: their partition keeps it under their key, beside the same document of somebody else.
        ref = self._s.vault.blind("document", event.id, event.item, contact)
        if document.get("content"):
            data = base64.b64decode(document["content"])
            await self._s.documents.put(contact, ref, data, ttl_ms=KEEP_MS)
            return {"ref": ref, "url": None, "mime": mime, "filename": filename}
        return {"ref": ref, "url": document["url"], "mime": mime, "filename": filename}

    def _notifications(self, names: Sequence[str]) -> list[Notification]:
        found = [self._worlds.catalogue.get(name) for name in names]
        return [one for one in found if one is not None]
