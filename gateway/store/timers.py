"""Moments of subjects that are due: found by their time, and turned into kept events.

`timers` of a partition holds `subject:moment` by time; when it is set, moved or removed is written with the subject's memory
(lua/subject_apply.lua) or with what orders know of it (lua/subject_moments.lua). Taking one off and keeping its event is one step
(lua/timer_fire.lua): a subject and its moments' events lie in one partition. Whoever asks twice, and two who ask at once, get one
event of it: its id is made of the subject, the moment, and the number under which it was set.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import EventId, SubjectId
from gateway.store import bulk, keys, scripts
from gateway.store.events import Events, digest_of
from gateway.store.inhand import HAND_MS, Handed, OpenEvent
from gateway.store.reply import words
from gateway.store.vault import Vault

PAGE = 256
SOURCE = "thuisfront/moments"
"""The source of these events, as brakes and `trace` show it."""


@dataclass(frozen=True, slots=True)
class Due:
    """A moment whose time has come. set: its `mo:` field as it was read, "" where the subject has forgotten it."""

    subject: SubjectId
    moment: str
    due_ms: int
    set: str


async def standing(redis: Redis) -> tuple[int, int | None]:
    """(how many moments are set, when the first of them is (ms)). Reads alone."""
    names = [keys.part(partition, "timers") for partition in keys.all_partitions()]
    counts = await bulk.values(redis, [("ZCARD", name) for name in names])
    firsts = await bulk.values(redis, [("ZRANGE", name, 0, 0, "WITHSCORES") for name in names])
    return sum(map(int, counts)), min((at_ms for answer in firsts for _, at_ms in _pairs(answer)), default=None)


class Timers:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault, events: Events) -> None:
        self._redis = redis
        self._clock = clock
        self._vault = vault
        self._events = events

    async def due(
        self, partitions: Sequence[int], *, limit: int, known: Container[str] | None = None
    ) -> tuple[list[Due], int | None]:
        """Those that are due, the earliest first and at most `limit` a partition, and when the next one is (ms), if any.

        known: moments that the caller can tell of; of others it gets at most `limit` a partition too; None = all are known
        """
        now = self._clock.now_ms()
        found: list[tuple[int, SubjectId, str]] = []
        later: list[int] = []
        counts = {partition: [0, 0] for partition in partitions}
        open_, first, last = list(partitions), 0, limit
        while open_:  # others may stand before ours for a day: they do not hide them
            asked: list[bulk.Command] = [("ZRANGE", keys.part(one, "timers"), first, last, "WITHSCORES") for one in open_]
            further = []
            for partition, answer in zip(open_, await bulk.values(self._redis, asked), strict=True):
                pairs = _pairs(answer)
                for member, at_ms in pairs:
                    if at_ms > now:
                        later.append(at_ms)
                        break
                    subject, _, moment = member.partition(":")
                    kind = 0 if known is None or moment in known else 1
                    if counts[partition][kind] < limit:
                        counts[partition][kind] += 1
                        found.append((at_ms, SubjectId(subject), moment))
                else:
                    if len(pairs) > last - first and counts[partition][0] < limit:
                        further.append(partition)
            open_, first, last = further, last + 1, last + PAGE
        found.sort()
        fields: list[bulk.Command] = [("HGET", keys.of(subject, "j"), f"mo:{moment}") for _, subject, moment in found]
        sets = await bulk.values(self._redis, fields) if fields else []
        due = [
            Due(subject, moment, at_ms, words(raw) if raw is not None else "")
            for (at_ms, subject, moment), raw in zip(found, sets, strict=True)
        ]
        # Another time stands there where it was moved between the two readings.
        return [one for one in due if one.set.partition("|")[0] in ("", str(one.due_ms))], min(later, default=None)

    async def fire(self, found: Sequence[tuple[Due, EventType]]) -> list[str]:
        """Make events of them; per moment new, same (somebody has it), moved (it is due at another time now) or early (our clock
        is ahead of the store's).

        New ones are in hand where there is room (store/inhand.py); of the others whoever looks for events is to be told.
        """
        calls: list[scripts.Call] = []
        events = []
        in_hand = self._events.in_hand
        room = [in_hand.take_room(1) for _ in found]
        given_back = 0
        until_ms = self._clock.now_ms() + HAND_MS
        try:
            for (due, type_), roomy in zip(found, room, strict=True):
                event = self._event(due, type_)
                events.append(event)
                names = [keys.beside(due.subject, name) for name in ("facts", "ev", "evw", "evt", "timers")]
                names += [keys.of(due.subject, "j"), keys.of(event.id, "e")]
                blob = await self._events.sealed(event)
                args: list[scripts.Part] = [
                    self._clock.offset_ms, keys.KEEP_MS, until_ms if roomy else 0, event.id, due.subject, due.moment, due.set,
                    digest_of(event), blob, type_.value,
                ]  # fmt: skip
                calls.append(("timer_fire", names, args))
            answers = [answer.decode() for answer in await bulk.run_scripts(self._redis, calls)]
            for place, (event, answer) in enumerate(zip(events, answers, strict=True)):
                if answer.startswith("hand|"):
                    again = in_hand.has(event.id)
                    answers[place] = "same" if again else "new"
                    if not again:
                        in_hand.put(Handed(OpenEvent(event.id, answer[5:], until_ms), event))
                        given_back -= 1
        finally:
            in_hand.give_back(sum(room) + given_back)
        return answers

    async def drop(self, due: Due) -> bool:
        """Forget one that nobody can tell of: its subject is forgotten, or its moment is none of this installation's any more.

        False: it was set anew since it was seen
        """
        names = [keys.beside(due.subject, "timers"), keys.of(due.subject, "j")]
        return bool(await scripts.run(self._redis, "timer_drop", names, [due.subject, due.moment, due.set]))

    def _event(self, due: Due, type_: EventType) -> BusinessEvent:
        number, now = due.set.partition("|")[2], self._clock.now_ms()
        return BusinessEvent(
            id=EventId(self._vault.moment_id(due.subject, due.moment, number)),
            source=SOURCE,
            external_id=f"{due.moment}/{due.subject}/{number}",
            type=type_,
            subject="",  # its name is the source's own; its id is enough
            subject_id=due.subject,
            item="",
            version=None,
            occurred_at_ms=now,
            received_at_ms=now,
            data={"due": due.due_ms},
            moment=due.moment,
        )


def _pairs(answer: Sequence[Any]) -> list[tuple[str, int]]:
    """ZRANGE ... WITHSCORES: pairs in RESP3, a flat list in RESP2."""
    if not answer or isinstance(answer[0], (list, tuple)):
        return [(words(member), int(float(score))) for member, score in answer]
    return [(words(answer[place]), int(float(answer[place + 1]))) for place in range(0, len(answer), 2)]
