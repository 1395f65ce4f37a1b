"""Crises: subjects about which nothing automatic leaves any more, until two people say so.

A crisis is a field of `stops` beside the brakes, so every process knows it within their half second, it outlives restarts, and
whatever lists brakes lists it. It begins by one person, at once; it ends when a second one confirms what a first one asked for.
The desk's own key remembers the queues that crises were given, so that what waits there stays in sight after the crisis.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound
from gateway.model.contact import Contact
from gateway.model.ids import SubjectId
from gateway.store import audit, keys, promised, scripts
from gateway.store.reply import octets, words
from gateway.store.subjects import Subjects

PREFIX = "crisis:"
ASKED_MS = 3600_000
"""How long a request to lift waits for a second person: after that somebody asks anew."""
FRESH_MS = 500


@dataclass(frozen=True, slots=True)
class Request:
    """One of two who must agree."""

    who: str
    why: str
    at_ms: int


def standing(asked: Request | None, now_ms: int) -> Request | None:
    """A request as far as it can still be confirmed, as the scripts count."""
    return asked if asked is not None and now_ms - asked.at_ms <= ASKED_MS else None


@dataclass(frozen=True, slots=True)
class Crisis:
    """subject: about what nothing leaves; people: the subjects whose subscribers are its people (an outage's cells).

    said: the subject as it was typed; queue: where what its people write waits, before all other queues
    asked: who asked to lift it, None = nobody
    """

    subject: SubjectId
    people: tuple[SubjectId, ...]
    said: str
    queue: str
    who: str
    why: str
    at_ms: int
    asked: Request | None = None

    def is_about(self, contact: Contact) -> bool:
        """Whether a contact is one of its people."""
        mine = {self.subject, *self.people}
        return any(mine & {link.order, *link.subjects} for link in contact.profile.orders)


class Incidents:
    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._known: Sequence[Crisis] = ()
        self._read_ms = -FRESH_MS

    async def all(self) -> list[Crisis]:
        """Oldest first."""
        raw = await self._redis.hgetall(keys.STOPS)
        return sorted(crises_of({words(name): octets(value) for name, value in raw.items()}), key=lambda one: one.at_ms)

    async def fresh(self) -> Sequence[Crisis]:
        """The same, at most half a second old."""
        now = self._clock.now_ms()
        if abs(now - self._read_ms) >= FRESH_MS:
            self._known, self._read_ms = await self.all(), now
        return self._known

    async def begin(self, crisis: Crisis) -> None:
        """At once. Its answer, the refusal too, comes once replicas have it.

        raises: Conflict when there is one about this subject already; StoreUnavailable, also where it is in force here only
        """
        since = promised.turns_of(self._redis)
        # The queue first: a crisis whose queue nobody sees would be worse than a queue without a crisis.
        await self._redis.zadd(keys.DESK_FIRST, {crisis.queue: crisis.at_ms}, nx=True)
        value = _dump(crisis)
        known = words(await scripts.run(self._redis, "crisis_begin", [keys.STOPS], [PREFIX + crisis.subject, value]))
        if known and known != value:  # the very same: the answer to this call was lost, and it ran again
            await self._stands(crisis.subject, since)
            found = _load(crisis.subject, json.loads(known))
            raise Conflict(f"there is a crisis about it since {_since(found.at_ms)}, by {found.who}: {found.why}")
        detail: dict[str, str | int] = {"scope": crisis.said, "queue": crisis.queue, "who": crisis.who, "why": crisis.why}
        await audit.write_fact(self._redis, self._clock, "crisis", ids=[crisis.subject], detail=detail)
        await self._stands(crisis.subject, since)

    async def lift(self, subject: SubjectId, *, who: str, why: str) -> tuple[bool, Crisis]:
        """(lifted, the crisis): the first person asks, another one confirms.

        raises: NotFound without a crisis; Conflict when who asked would confirm it too; StoreUnavailable, and where replicas do
                not answer nothing is asked for or lifted
        """
        since = promised.turns_of(self._redis)
        await self._stands(subject, since)
        args: list[scripts.Part] = [PREFIX + subject, who, str(self._clock.now_ms()), audit.plain(why), ASKED_MS]
        before = await self._redis.hget(keys.STOPS, PREFIX + subject)
        word, *rest = await scripts.run(self._redis, "crisis_lift", [keys.STOPS], args)
        if word == b"none":
            asked = _load(subject, json.loads(before)).asked if before is not None else None
            if asked is None or asked.who == who:
                raise NotFound("there is no crisis about it")
            word, rest = b"lifted", [before]  # by this very call, whose first answer was lost on the way
        crisis = _load(subject, json.loads(rest[0]))
        if word == b"own":
            raise Conflict(f"{who} asked to lift it already: somebody else confirms")
        lifted = word == b"lifted"
        detail: dict[str, str | int] = {"scope": crisis.said, "who": who, "why": why}
        if lifted and crisis.asked is not None:
            detail["asked"] = crisis.asked.who
        kind = "crisis_lifted" if lifted else "crisis_lift_asked"
        await audit.write_fact(self._redis, self._clock, kind, ids=[subject], detail=detail)
        await self._stands(subject, since)
        return lifted, crisis

    async def _stands(self, subject: SubjectId, since: int) -> None:
        await promised.stand(self._redis, keys.STOPS, keys.DESK_FIRST, audit.stream_of([subject]), since=since)

    async def queue_of(self, contact: Contact) -> str | None:
        """Where what this contact writes belongs while a crisis is about them: the oldest one's queue."""
        return next((one.queue for one in await self.fresh() if one.is_about(contact)), None)

    async def first_queues(self) -> list[str]:
        """The queues that are answered before all others, oldest first: of crises there are or were."""
        return [words(one) for one in await self._redis.zrange(keys.DESK_FIRST, 0, -1)]


def crises_of(stops: Mapping[str, bytes]) -> Iterable[Crisis]:
    for name, raw in stops.items():
        if name.startswith(PREFIX):
            yield _load(SubjectId(name.removeprefix(PREFIX)), json.loads(raw))


def _since(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M UTC}"


def _dump(one: Crisis) -> str:
    return json.dumps(
        {
            "until": 0,
            "who": one.who,
            "why": one.why,
            "at": one.at_ms,
            "said": one.said,
            "queue": one.queue,
            "people": ",".join(one.people),
        }
    )


def _load(subject: SubjectId, value: Mapping[str, Any]) -> Crisis:
    lift = value.get("lift")
    return Crisis(
        subject=subject,
        people=tuple(SubjectId(one) for one in str(value.get("people", "")).split(",") if one),
        said=value["said"],
        queue=value["queue"],
        who=value["who"],
        why=value["why"],
        at_ms=int(value["at"]),
        asked=Request(lift["who"], lift["why"], int(lift["at"])) if lift else None,
    )


async def people_of(subjects: Subjects, subject: SubjectId) -> tuple[SubjectId, ...]:
    """Whose subscribers hear about a subject, where that is not itself: the cells of an outage, as it was last told."""
    found: set[SubjectId] = set()
    for _, _, entry in await subjects.current(subject):
        found |= {SubjectId(one) for one in entry.get("audience", ())}
    return tuple(sorted(found - {subject}))
