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
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from gateway.clock import Clock
from gateway.crashpoint import crash_point
from gateway.errors import StoreError
from gateway.intake.fanqueue import REFRESH_S, FanQueue, Spread
from gateway.intake.fuse import Fuse
from gateway.intake.stores import Stores
from gateway.model.event import BusinessEvent
from gateway.model.ids import ContactId, EventId, SenderId, SubjectId
from gateway.notifications.expressions import Scope
from gateway.planning.left import has_left
from gateway.planning.pacing import Pacer
from gateway.planning.result import EventResult, World
from gateway.planning.telling import Teller
from gateway.planning.worlds import Worlds
from gateway.store.ahead import Ahead
from gateway.store.fanout import Cursor, FanOut, rank_of
from gateway.store.inhand import OpenEvent
from gateway.store.outbox import Plan, PlannedContact
from gateway.store.ready import ready_of
from gateway.wake import Wake

CHUNK = 25
WIDE = 64
"""Places of an audience read ahead in one round trip, at most."""
ASIDE_S = 5.0
"""How long an event whose turn failed lets all others go first."""
TURNS_FAIL = 2
"""Turns of an event that fail one after the other, before its people are tried one by one."""
_CACHE = 1000

log = structlog.get_logger()

_First = TypeVar("_First")
_Second = TypeVar("_Second")


@dataclass(slots=True)
class _Share:
    """Some people of one partition, to be told together. start None: the whole audience there, without a fan-out opened."""

    partition: int
    people: list[ContactId]
    fan: FanOut | None = None
    start: str | None = None
    cursor: str = ""
    done: bool = False


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
        self._teller = teller
        self._worlds = worlds
        self._clock = clock
        self._wake = wake
        self._fuse = fuse
        self._pacer = pacer
        self._results: OrderedDict[str, EventResult] = OrderedDict()
        self._queue = FanQueue(stores.fans)
        wake.listen("expand", self._queue.heard)
        self._begun: OrderedDict[EventId, int] = OrderedDict()
        """when a fan-out was opened by this process (ms), until its event is closed"""
        self._uncounted: dict[EventId, tuple[Sequence[str], int]] = {}
        self._aside: dict[EventId, float] = {}
        """events of which a turn failed -> when they are tried again"""
        self._failures: Counter[EventId] = Counter()
        """how many turns of an event failed one after the other"""

    # beginning

    async def begin(
        self,
        event: BusinessEvent,
        result: EventResult,
        entries: Mapping[str, Mapping[str, Any] | None],
        listeners: tuple[int, ...] | None = None,
    ) -> tuple[int, ...]:
        """Tell a small audience, open the fan-outs of a large one; where cursors stand. entries: what later subscribers are told.

        listeners: the partitions of its audience, read not before the event was applied; None = to be asked for.
        Raises Waits when the fuse holds it.
        """
        self._remember(result)
        partitions = listeners if listeners is not None else await self.partitions(result)
        fans = self._fans(result, partitions)
        passed, few = None, None
        if self._fuse is not None:

            async def put(partition: int, people: Sequence[ContactId]) -> None:
                await self._put(result, [_Share(partition, list(people))])

            # Who listens is read while the fuse looks: what it holds or lets go of later is read again.
            passed, few = await _both(self._fuse.passes(result, partitions, entries, put), self._few(result, fans))
            if not passed.go:
                return ()
        if result.cells:
            await self._s.subjects.note(result.audience, result.subject, result.sequence, entries)
        if result.cells or (passed is not None and passed.was_held):
            partitions = await self.partitions(result)
            fans = self._fans(result, partitions)
            few = await self._few(result, fans)
        elif passed is None:
            few = await self._few(result, fans)
        try:
            rest = await self._put(result, few) if few is not None else fans
        except (StoreError, OSError, TimeoutError):
            raise
        except Exception as error:  # one of them cannot be told: a fan-out goes around them
            log.exception("event.not_at_once", event_id=event.id, error=type(error).__name__)
            rest = fans
        if rest:
            await self._open(rest, result)
        if passed is not None and passed.people:
            self._uncounted[event.id] = result.notifications, passed.people
        return partitions

    async def begun(self, results: Sequence[EventResult]) -> set[EventId]:
        """Those that have a cursor wherever anybody listens: what they tell stands in its order. Two round trips.

        Where nobody listens it counts as not begun: an order may not have made its listeners yet.
        """
        audience = list(dict.fromkeys(subject for result in results for subject in result.audience))
        where = dict(zip(audience, await self._s.subjects.partitions_of(audience), strict=True))
        places = [
            (EventId(result.event), partition)
            for result in results
            for partition in {one for subject in result.audience for one in where[subject]}
        ]
        cursors = await self._s.fans.cursors_of(places)
        without = {event for (event, _), cursor in zip(places, cursors, strict=True) if cursor is None}
        return {event for event, _ in places} - without

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

    async def _few(self, result: EventResult, fans: Sequence[FanOut]) -> list[_Share] | None:
        """The whole audience, where it is not more than one turn; one round trip. None: it is more."""
        places = [(fan.partition, subject, "") for fan in fans for subject in result.audience]
        if len(places) > WIDE:
            return None
        found: dict[int, dict[ContactId, None]] = {fan.partition: {} for fan in fans}
        for (partition, _, _), people in zip(places, await self._s.contacts.subscribers_of(places, CHUNK + 1), strict=True):
            found[partition] |= dict.fromkeys(people)
        if sum(map(len, found.values())) > CHUNK:
            return None
        return [_Share(fan.partition, list(found[fan.partition]), fan, done=True) for fan in fans]

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
        begun_ms, result = self._begun.pop(event, 0), self._results.get(event)
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

    def _remember(self, result: EventResult) -> None:
        self._results[result.event] = result
        while len(self._results) > _CACHE:
            self._results.popitem(last=False)

    # going on

    async def chunks(self, partitions: Sequence[int], *, turns: int = 8) -> int:
        """Up to so many turns for the most urgent fan-outs of these partitions; how many there were, 0 = none may go on now."""
        mine = frozenset(partitions)
        await self._queue.refresh(partitions)
        made = 0
        while made < turns:
            if self._pacer is not None:
                await self._pacer.rest()
            chosen = await self._next(mine)
            if chosen is None:
                break
            made += 1
            event = chosen.one.event
            try:
                await self._turn(chosen, mine)
                self._failures.pop(event, None)
            except (StoreError, OSError, TimeoutError):
                raise
            except Exception as error:  # everybody else's news goes on; this one is tried again
                now = time.monotonic()
                self._aside = {one: until for one, until in self._aside.items() if until > now} | {event: now + ASIDE_S}
                self._failures[event] += 1
                log.exception("fanout.failed", event_id=event, error=type(error).__name__)
                if self._failures[event] > TURNS_FAIL:
                    await self._give_up(chosen, f"fan-out: {type(error).__name__}")
        if not made and self._pacer is not None and self._queue.ranked(mine):
            asyncio.get_running_loop().call_later(min(self._pacer.wait_s, REFRESH_S), self._wake.here, "expand")
        return made

    async def _next(self, mine: frozenset[int]) -> Spread | None:
        """The most urgent event that may go on."""
        now = time.monotonic()
        for rank, known in self._queue.ranked(mine):
            if self._aside.get(known.one.event, 0.0) > now:
                continue
            if self._pacer is None or await self._pacer.room(rank, known.senders):
                return known
        return None

    async def _turn(self, known: Spread, mine: frozenset[int]) -> None:
        """25 contacts of one event, of as many partitions as it takes."""
        fan = known.one
        result = await self._result(fan)
        if result is None:  # closed, or forgotten with its subject: nobody is left to tell
            await self._end(list(known.fans.values()))
            return
        fans = sorted((one for one in known.fans.values() if one.partition in mine), key=lambda one: one.partition)
        if (over := await self._overtaken(fans, result)) is not None:
            await self._end(over)
            return
        unknown = [one.partition for one in fans[:WIDE] if one.partition not in known.cursors]
        for partition, cursor in (await self._s.fans.cursors(fan.event, unknown)).items() if unknown else ():
            if cursor is None or cursor.done_ms:  # closed meanwhile, or taken back by a failover: the event's second look sees it
                self._queue.drop(fan.event, partition)
            else:
                known.cursors[partition] = cursor
        shares = await self._people(known, [one for one in fans if one.partition in known.cursors], result)
        if self._failures[fan.event] >= TURNS_FAIL:
            await self._one_by_one(result, shares)
        await self._put(result, shares)

    async def _one_by_one(self, result: EventResult, shares: Sequence[_Share]) -> None:
        """Tell each by themself, and set aside whom it fails for: the cursors pass all of them afterwards."""
        event = EventId(result.event)
        for share in shares:
            for person in share.people:
                try:
                    await self._put(result, [_Share(share.partition, [person])])
                except (StoreError, OSError, TimeoutError):
                    raise
                except Exception as error:
                    why = type(error).__name__
                    log.exception("person.untold", event_id=event, contact=person, error=why)
                    await self._s.untold.set_aside(event, result.subject, person, result.sequence, result.dump(), why)
            share.people = []

    async def _give_up(self, known: Spread, why: str) -> None:
        """Nothing of it can be told: the event is set aside whole, and what is newer of its subject goes on."""
        event, fans = known.one.event, list(known.fans.values())
        place = await self._s.events.place_of(event)
        if place is not None:
            await self._s.events.park(OpenEvent(event, place, 0), why)
        await self._end(fans)
        await self._s.fans.forget(event, [fan.partition for fan in fans])  # taken up again it begins anew
        self._failures.pop(event, None)

    async def _result(self, fan: FanOut) -> EventResult | None:
        result = self._results.get(fan.event)
        if result is None:
            known = await self._s.subjects.result_of(fan.subject, fan.event)
            if known is None:
                return None
            result = EventResult.load(known[1], known[0])
            self._remember(result)
        return result

    async def _people(self, known: Spread, fans: Sequence[FanOut], result: EventResult) -> list[_Share]:
        """The next 25 contacts after the cursors, partition after partition; one round trip."""
        ahead: list[tuple[FanOut, int, str]] = []
        for fan in fans:
            cursor = known.cursors[fan.partition]
            for place in range(cursor.place, len(result.audience)):
                ahead.append((fan, place, cursor.contact if place == cursor.place else ""))
            if len(ahead) >= known.wide:
                break
        ahead = ahead[: known.wide]
        places = [(fan.partition, result.audience[place], after) for fan, place, after in ahead]
        shares: dict[int, _Share] = {}
        for fan in fans:
            if known.cursors[fan.partition].place >= len(result.audience):  # its last script said so, and was lost on the way
                start = known.cursors[fan.partition].after
                shares[fan.partition] = _Share(fan.partition, [], fan, start, start, done=True)
        taken = used = 0
        for (fan, place, _), people in zip(ahead, await self._s.contacts.subscribers_of(places, CHUNK), strict=True):
            if taken >= CHUNK or taken + len(people) > CHUNK:  # behind a full place nobody is passed, not even an empty one
                break
            taken, used = taken + len(people), used + 1
            share = shares.get(fan.partition)
            if share is None:
                share = shares[fan.partition] = _Share(fan.partition, [], fan, known.cursors[fan.partition].after)
            share.people = list(dict.fromkeys([*share.people, *people]))
            if len(people) == CHUNK:
                share.cursor = f"{place}.{people[-1]}"
            else:
                share.cursor, share.done = f"{place + 1}.", place + 1 >= len(result.audience)
        known.wide = min(max(used + 4, 2), WIDE)
        return list(shares.values())

    # one subject, several events

    async def _overtaken(self, fans: Sequence[FanOut], result: EventResult) -> list[FanOut] | None:
        """The fan-outs of an event that a newer one of its subject, under way in the same partition, makes pointless."""
        over: list[FanOut] = []
        for other in self._queue.newer(fans[0]):
            newer = await self._result(other.one)
            if newer is not None and self._takes_out(newer, result):
                over += [fan for fan in fans if fan.partition in other.fans and fan not in over]
        return over or None

    def _takes_out(self, newer: EventResult, older: EventResult) -> bool:
        """Whether whatever one event tells anybody is taken out by what a newer one tells the same people."""
        if newer.refs or newer.audience != older.audience or dict(newer.cells) != dict(older.cells):
            return False
        catalogue = self._worlds.catalogue
        ended = {name for one in newer.notifications for name in catalogue.ended_by(one)}
        for name in older.notifications:
            known = catalogue.get(name)
            replaced = known is not None and known.replaces and known.item == "none" and name in newer.notifications
            if known is not None and name not in ended and not replaced:
                return False
        return True

    async def _end(self, fans: Sequence[FanOut]) -> None:
        await self._s.fans.finish(fans, self._clock.now_ms())
        for fan in fans:
            self._queue.drop(fan.event, fan.partition)

    # planning

    async def _put(self, result: EventResult, shares: Sequence[_Share]) -> list[FanOut]:
        """Plan some people of several partitions and move their cursors. Those that must wait for an older event of the subject.

        A partition is one step: what changed between the look and the script is looked at again, for it alone.
        """
        world = await self._worlds.now()
        waiting, behind = list(shares), []
        for _ in range(5):
            ahead = Ahead(self._s.outbox.told([contact for share in waiting for contact in share.people]))
            plans = await self._plans(waiting, result, world, ahead)
            again = []
            answers = await self._s.outbox.put_many(plans, ahead=ahead)
            crash_point("fan.planned")
            if ready := ready_of(zip(plans, answers, strict=True)):
                self._wake.now("dispatch", ready)
            for share, plan, answer in zip(waiting, plans, answers, strict=True):
                if answer.behind:
                    behind += [share.fan] if share.fan is not None else []
                elif answer.written:
                    self._written(share, plan, answer.messages, moved=answer.moved)
                else:
                    for one, state in zip(plan.contacts, answer.contacts, strict=True):
                        if state.startswith("moved:"):
                            # Before the cursor passes them: a crash in between would leave nobody to go after them.
                            await self._teller.tell(ContactId(state[6:]), result)
                        if state not in ("ok", "replan"):
                            share.people.remove(one.id)
                    again.append(share)
            waiting = again
            if not waiting:
                return behind
        raise RuntimeError("a contact is being changed by too many at once")

    async def _plans(self, shares: Sequence[_Share], result: EventResult, world: World, ahead: Ahead) -> list[Plan]:
        everybody = [contact for share in shares for contact in share.people]
        planned: dict[ContactId, PlannedContact] = {}
        for contact in await self._s.contacts.get_many(everybody, ahead=ahead):
            if contact is None or await has_left(self._s.contacts, contact, result.audience):
                continue
            one = await self._teller.planned(contact, result, world)
            if one is not None:
                planned[one.id] = one
        return [
            Plan(
                partition=share.partition,
                event=result.event,
                version=result.sequence,
                subject=result.subject,
                contacts=tuple(planned[contact] for contact in share.people if contact in planned),
                fan=share.fan.member if share.fan is not None else "",
                cursor=share.cursor,
                done=share.done,
                start=share.start,
            )
            for share in shares
        ]

    def _written(self, share: _Share, plan: Plan, answers: Iterable[str], *, moved: bool) -> None:
        known = self._queue.get(EventId(plan.event))
        messages = [message for contact in plan.contacts for message in contact.messages]
        queued = Counter(
            SenderId(str(message.sender))
            for message, answer in zip(messages, answers, strict=True)
            if answer == "queued" and message.sender
        )
        if self._pacer is not None:
            self._pacer.planned(list(queued.items()))
        if known is None or share.fan is None:
            return
        known.senders |= {SenderId(str(message.sender)) for message in messages if message.sender}
        if not moved:
            known.cursors.pop(share.partition, None)  # another process moved it: read it anew
        elif share.done:
            self._queue.drop(share.fan.event, share.partition)
        else:
            known.cursors[share.partition] = Cursor(share.cursor, 0)


async def _both(first: Awaitable[_First], second: Awaitable[_Second]) -> tuple[_First, _Second]:
    """Both at once. Neither is left behind when the other fails."""
    one, other = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(other, BaseException):
        raise other
    return one, other
