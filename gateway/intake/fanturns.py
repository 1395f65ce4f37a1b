"""Turns of the fan-outs under way: 25 contacts of the most urgent event that may go on; what fails, and what newer news ends.

What cannot be told is no reason to keep others waiting. A turn that fails lets all other events go first. When it fails again its
people are told one by one, and whom it fails for is set aside alone (store/untold.py). When that fails too the event is set aside
whole, and newer news of its subject goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import structlog

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.intake.fanqueue import REFRESH_S, FanQueue, Spread
from gateway.intake.fanshares import Share, Shares
from gateway.intake.results import Results
from gateway.intake.stillnews import Over, StillNews
from gateway.intake.stores import Stores
from gateway.model.ids import EventId, partition_of
from gateway.planning.result import EventResult
from gateway.store import keys
from gateway.store.fanout import FanOut
from gateway.store.inhand import OpenEvent
from gateway.store.vault import KeyMissing
from gateway.wake import Wake

CHUNK = 25
WIDE = 64
"""Places of an audience read ahead in one round trip, at most."""
ASIDE_S = 5.0
"""How long an event whose turn failed lets all others go first."""
TURNS_FAIL = 2
"""Turns of an event that fail one after the other, before its people are tried one by one."""

log = structlog.get_logger()


class Turns:
    def __init__(
        self, stores: Stores, shares: Shares, results: Results, queue: FanQueue, still_news: StillNews, clock: Clock, wake: Wake
    ) -> None:
        self._s = stores
        self._shares = shares
        self._results = results
        self._queue = queue
        self._still_news = still_news
        self._clock = clock
        self._wake = wake
        self._aside: dict[EventId, float] = {}
        """events of which a turn failed -> when they are tried again"""
        self._failures: Counter[EventId] = Counter()
        """how many turns of an event failed one after the other"""

    async def chunks(self, partitions: Sequence[int], *, turns: int = 8) -> int:
        """Up to so many turns for the most urgent fan-outs of these partitions; how many there were, 0 = none may go on now."""
        mine = frozenset(partitions)
        await self._queue.refresh(partitions)
        made = 0
        while made < turns:
            if self._shares.pacer is not None:
                await self._shares.pacer.rest()
            chosen = await self._next(mine)
            if chosen is None:
                break
            made += 1
            event = chosen.one.event
            try:
                await self._turn(chosen, mine)
                self._went(event)
            except KeyMissing as error:  # it waits for GATEWAY_KEYS to be mended: nobody is set aside, and nobody else waits
                self._last(event)
                log.warning("fanout.key_missing", event_id=event, problem=str(error))
            except (StoreError, OSError, TimeoutError):
                raise
            except Exception as error:  # everybody else's news goes on; this one is tried again
                self._failures[event] += 1
                if self._failures[event] != TURNS_FAIL:  # else its people are tried one by one, and at once
                    self._last(event)
                log.exception("fanout.failed", event_id=event, error=type(error).__name__)
                if self._failures[event] > TURNS_FAIL:
                    await self._give_up(chosen, f"fan-out: {type(error).__name__}")
        if not made and self._shares.pacer is not None and self._queue.ranked(mine):
            asyncio.get_running_loop().call_later(min(self._shares.pacer.wait_s, REFRESH_S), self._wake.here, "expand")
        return made

    def _last(self, event: EventId) -> None:
        """Let all others go before it for a while."""
        now = time.monotonic()
        self._aside = {one: until for one, until in self._aside.items() if until > now} | {event: now + ASIDE_S}

    def _went(self, event: EventId) -> None:
        """A turn went well. What fails for one often fails for many: the next turn of this event that fails comes to trying them
        one by one without a pause, else each 25 people would keep newer news back for so long."""
        if self._queue.get(event) is None:
            self._failures.pop(event, None)
        elif self._failures[event] >= TURNS_FAIL:
            self._failures[event] = TURNS_FAIL - 1

    async def _next(self, mine: frozenset[int]) -> Spread | None:
        """The most urgent event that may go on."""
        now = time.monotonic()
        for rank, known in self._queue.ranked(mine):
            if self._aside.get(known.one.event, 0.0) > now:
                continue
            if self._shares.pacer is None or await self._shares.pacer.room(rank, known.senders):
                return known
        return None

    async def _turn(self, known: Spread, mine: frozenset[int]) -> None:
        """25 contacts of one event, of as many partitions as it takes."""
        fan = known.one
        result = await self._results.of(fan.subject, fan.event)
        if result is None:  # closed, or forgotten with its subject: nobody is left to tell
            await self._end(list(known.fans.values()))
            return
        # Each event begins elsewhere: where newer news comes before the older is through, the same people would always be last.
        first, count = partition_of(fan.event), len(keys.all_partitions())
        fans = [one for one in known.fans.values() if one.partition in mine]
        fans.sort(key=lambda one: (one.partition - first) % count)
        if (ended := await self._overtaken(fans, result)) is not None:
            await self._end(ended)
            return
        over = await self._still_news.of(result)
        unknown = [one.partition for one in fans[:WIDE] if one.partition not in known.cursors]
        for partition, cursor in (await self._s.fans.cursors(fan.event, unknown)).items() if unknown else ():
            if cursor is None or cursor.done_ms:  # closed meanwhile, or taken back by a failover: the event's second look sees it
                self._queue.drop(fan.event, partition)
            else:
                known.cursors[partition] = cursor
        shares = await self._people(known, [one for one in fans if one.partition in known.cursors], result)
        if self._failures[fan.event] >= TURNS_FAIL:
            await self._one_by_one(result, shares, over)
        await self._shares.put(result, shares, over)

    async def _one_by_one(self, result: EventResult, shares: Sequence[Share], over: Over) -> None:
        """Tell each by themself, and set aside whom it fails for: the cursors pass all of them afterwards."""
        event = EventId(result.event)
        for share in shares:
            for person in share.people:
                try:
                    await self._shares.put(result, [Share(share.partition, [person])], over)
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

    async def _people(self, known: Spread, fans: Sequence[FanOut], result: EventResult) -> list[Share]:
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
        shares: dict[int, Share] = {}
        for fan in fans:
            if known.cursors[fan.partition].place >= len(result.audience):  # its last script said so, and was lost on the way
                start = known.cursors[fan.partition].after
                shares[fan.partition] = Share(fan.partition, [], fan, start, start, done=True)
        taken = used = 0
        for (fan, place, _), people in zip(ahead, await self._s.contacts.subscribers_of(places, CHUNK), strict=True):
            if taken >= CHUNK or taken + len(people) > CHUNK:  # behind a full place nobody is passed, not even an empty one
                break
            taken, used = taken + len(people), used + 1
            share = shares.get(fan.partition)
            if share is None:
                share = shares[fan.partition] = Share(fan.partition, [], fan, known.cursors[fan.partition].after)
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
            newer = await self._results.of(other.one.subject, other.one.event)
            if newer is not None and self._takes_out(newer, result):
                over += [fan for fan in fans if fan.partition in other.fans and fan not in over]
        return over or None

    def _takes_out(self, newer: EventResult, older: EventResult) -> bool:
        """Whether whatever one event tells anybody is taken out by what a newer one tells the same people."""
        return all(self._still_news.why(newer, older, name) for name in older.notifications)

    async def _end(self, fans: Sequence[FanOut]) -> None:
        await self._s.fans.finish(fans, self._clock.now_ms())
        for fan in fans:
            self._queue.drop(fan.event, fan.partition)
