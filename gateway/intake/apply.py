"""An event steps its subject's memory: what it is now, what has changed, and which notifications follow from that.

One script writes memory, result and what a later subscriber must still be told (lua/subject_apply.lua), under the revision that
was read: who was slower reads and steps again. An event that was applied before gives the result that was kept then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.clock import Clock
from gateway.intake.rebookings import with_rebookings, without_refs
from gateway.intake.stores import Stores
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import EventId, SubjectId
from gateway.planning.rebooked import OF_A_STATE
from gateway.planning.result import EventResult, Reader, scope_for
from gateway.planning.schedule import Schedule
from gateway.planning.settling import settle
from gateway.planning.worlds import Worlds
from gateway.rules.changes import facts, state_of, step
from gateway.rules.heard import noted
from gateway.store.ahead import Ahead, Command

SUBJECT_KEEP_MS = 30 * 24 * 3600_000
DOCUMENTS = (EventType.ORDER_DOCUMENT, EventType.FLIGHT_BOARDINGPASS)


@dataclass(frozen=True, slots=True)
class Applied:
    """again: this event was applied before. partitions: where its subject had subscribers when it was, or later.

    before: those of its subject that were applied before it and are not closed; None = to be asked for
    """

    result: EventResult
    again: bool
    partitions: tuple[int, ...]
    before: tuple[EventId, ...] | None


class Applier:
    def __init__(self, stores: Stores, worlds: Worlds, clock: Clock, country: str) -> None:
        """country: of postcodes that name none, ISO 3166-1 alpha-2."""
        self._s = stores
        self._worlds = worlds
        self._clock = clock
        self._country = country
        self.schedule = Schedule(worlds.catalogue.moments, stores.subjects, clock)

    def ahead(self, event: BusinessEvent) -> list[Command]:
        """What `apply` asks for first. Read too early it is found out of date when it is applied, and read again."""
        return [*self._s.subjects.ahead(event.subject_id, event.id, self._name(event)), *self._beside(event)]

    def _beside(self, event: BusinessEvent) -> list[Command]:
        """What `apply` asks besides: a pass shows what the flight is doing."""
        passes = event.type is EventType.FLIGHT_BOARDINGPASS
        return [self._s.subjects.reading(event.subject_id, EventType.FLIGHT_STATUS.value)] if passes else []

    async def apply(self, event: BusinessEvent, ahead: Ahead | None = None) -> Applied | None:
        """Step the subject's memory, again while another process was faster. None: the event is older than what is known."""
        name, ahead = self._name(event), ahead or Ahead(self._beside(event))
        for _ in range(20):
            found = await self._s.subjects.before(event.subject_id, event.id, name, ahead)
            if found.applied is not None:
                sequence, value = found.applied
                return Applied(EventResult.load(value, sequence), True, found.partitions, before=None)
            base, now_ms = found.memory.known, self._clock.now_ms()
            if event.moment:
                stepped, changes = self.schedule.step(event, base, now_ms)
            else:
                data = with_rebookings(event.type, event.subject, event.data, self._s.vault.subject_id)
                stepped, changes = step(event.type, base, data)
                stepped = noted(stepped, event.type, event.data, event.source, event.occurred_at_ms)
            result = await self._result(event, base, stepped, changes, ahead)
            result, stepped = settle(result, base, stepped, await self._worlds.now())
            moments = self.schedule.after(event.type, stepped, now_ms)
            answer = await self._s.subjects.apply(
                event,
                name,
                revision=found.memory.revision,
                based=found.memory.based,
                memory=stepped,
                result=result.dump(),
                # A moment that is further away than that finds its subject still.
                until_ms=max(now_ms, *(one.due_ms or 0 for one in moments), 0) + SUBJECT_KEEP_MS,
                notifications=self.entries(result),
                moments=moments,
                raw_base=b"" if found.memory.spoken or not event.moment else found.memory.raw_base,
            )
            if answer.status == "older":
                return None
            if answer.status != "again":
                known = EventResult.load(answer.result, answer.sequence)
                again = answer.status == "known"
                return Applied(known, again, answer.partitions, before=None if again else answer.before)
        raise RuntimeError("this subject is being changed by too many at once")

    def _name(self, event: BusinessEvent) -> str:
        """Of the memory that it steps: a document's is that of its item."""
        return event.type.value if event.type not in DOCUMENTS else f"{event.type.value}:{self._blind_item(event)}"

    def _blind_item(self, event: BusinessEvent) -> str:
        return self._s.vault.blind("item", event.item)[:16] if event.item else ""

    async def _result(
        self,
        event: BusinessEvent,
        before: Mapping[str, Any],
        memory: Mapping[str, Any],
        changes: tuple[str, ...],
        ahead: Ahead,
    ) -> EventResult:
        state, shown = state_of(memory), memory
        if event.type is EventType.FLIGHT_BOARDINGPASS:
            shown = (await self._s.subjects.read(event.subject_id, EventType.FLIGHT_STATUS.value, ahead)).memory
            state = state_of(shown)
        data = without_refs({name: value for name, value in event.data.items() if name not in ("recipients", "audience")})
        for holder in ("document",):
            if isinstance(data.get(holder), Mapping):
                data[holder] = {name: value for name, value in data[holder].items() if name != "content"}
        cells = self._cells(state) if event.type is EventType.OUTAGE_STATUS else {}
        audience: tuple[SubjectId, ...] = (event.subject_id,)
        if event.type is EventType.OUTAGE_STATUS:
            audience = tuple(SubjectId(subject) for subject in cells)
        if event.type is EventType.APPOINTMENT_STATUS and state.get("order") and not state.get("named"):
            audience = (event.subject_id, self._s.vault.subject_id("order", str(state["order"])))
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
        known = [one for one in world.catalogue.for_event(event.type) if world.families or not one.at_home]
        names = [one.name for one in known if one.applies(scope)]
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

    def entries(self, result: EventResult) -> dict[str, Mapping[str, Any] | None]:
        """What a later subscriber must still be told: this event's notifications, without what they end."""
        catalogue = self._worlds.catalogue
        missed = catalogue.moments.is_missed(result.changes)
        entries: dict[str, Mapping[str, Any] | None] = {}
        for name in result.notifications:
            for ended in catalogue.ended_by(name):
                entries[ended] = None
        for name in result.notifications:
            notification = catalogue.get(name)
            if notification is not None and notification.item in ("none", *OF_A_STATE) and not missed:
                entries[name] = {**result.dump(), "notifications": [name]}
        return entries
