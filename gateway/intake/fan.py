"""An event's audience: one message each, at once where few listen, else 25 contacts a turn, so that nobody else waits for it.

A partition with fewer than 25 subscribers is planned at once. A larger one becomes a fan-out: its cursor, the last contact seen,
is moved by the script that writes the messages, so a crash or a failover takes both back together.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.clock import Clock
from gateway.intake.fuse import Fuse
from gateway.intake.stores import Stores
from gateway.model.event import BusinessEvent
from gateway.model.ids import ContactId
from gateway.notifications.expressions import Scope
from gateway.planning.result import EventResult, World
from gateway.planning.telling import Teller
from gateway.planning.worlds import Worlds
from gateway.store.fanout import FanOut
from gateway.store.outbox import Plan, PlannedContact
from gateway.wake import Wake

CHUNK = 25
_CACHE = 200


class Fan:
    def __init__(self, stores: Stores, teller: Teller, worlds: Worlds, clock: Clock, wake: Wake, fuse: Fuse | None) -> None:
        self._s = stores
        self._teller = teller
        self._worlds = worlds
        self._clock = clock
        self._wake = wake
        self._fuse = fuse
        self._results: OrderedDict[str, EventResult] = OrderedDict()

    async def begin(
        self, event: BusinessEvent, result: EventResult, entries: Mapping[str, Mapping[str, Any] | None]
    ) -> tuple[int, ...]:
        """Tell the small audiences and open the large ones; where cursors stand. entries: what later subscribers are told.

        Raises Waits when the fuse holds it.
        """
        partitions, passed = await self.partitions(result), None
        if self._fuse is not None:
            passed = await self._fuse.passes(
                result, partitions, entries, lambda partition, people: self._put(partition, result, people)
            )
            if not passed.go:
                return ()
        if result.cells:
            await self._s.subjects.note(result.audience, result.subject, result.sequence, entries)
        if result.cells or (passed is not None and passed.was_held):
            partitions = await self.partitions(result)
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

    async def partitions(self, result: EventResult) -> tuple[int, ...]:
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
                    await self._teller.tell(ContactId(state[6:]), result)
                if state not in ("ok", "replan"):
                    waiting.remove(one.id)
        else:
            raise RuntimeError("a contact is being changed by too many at once")
        self._wake.now("dispatch")

    async def _plan_contacts(self, people: Sequence[ContactId], result: EventResult, world: World) -> list[PlannedContact]:
        planned = []
        for contact in await self._s.contacts.get_many(people):
            if contact is None:
                continue
            one = await self._teller.planned(contact, result, world)
            if one is not None:
                planned.append(one)
        return planned
