"""Events held back by the fuse, and how many people each notification is usually told to in an hour.

An event that is held stays open: it is kept and sealed as ever, its deadlines run, and whoever may says go on, go on for so many,
or never. Only numbers and ids stand here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound
from gateway.model.ids import EventId, SubjectId
from gateway.rules.fuse import DAYS
from gateway.store import audit, bulk, keys, scripts
from gateway.store.incidents import ASKED_MS, Request
from gateway.store.reply import octets, words
from gateway.store.vault import Vault

HOUR_MS = 3600_000


@dataclass(frozen=True, slots=True)
class Held:
    """state: held, part (so many of it are let through), released, discarded. allowed, reached: people of a part.

    limit, why: what blew (rules/fuse.py); cursor: how far a part has come; asked: the first of two
    """

    event: EventId
    subject: SubjectId
    notifications: tuple[str, ...]
    people: int
    why: str
    limit: int
    at_ms: int
    state: str = "held"
    allowed: int = 0
    reached: int = 0
    cursor: str = ""
    by: str = ""
    asked: Request | None = None
    asked_part: int | None = None

    @property
    def waits(self) -> bool:
        """Whether somebody has to decide about it: a part that went leaves the others where they were."""
        return self.state in ("held", "part")

    @property
    def rest(self) -> int:
        """How many people have not heard it."""
        return max(0, self.people - self.reached)


class Fuses:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._redis = redis
        self._clock = clock
        self._vault = vault

    # what is held

    async def all(self) -> list[Held]:
        """Everything that waits for somebody, or is on its way since; oldest first. Older than its event is forgotten."""
        now = self._clock.now_ms()
        found = []
        for name, raw in (await self._redis.hgetall(keys.FUSES)).items():
            one = _load(EventId(words(name)), octets(raw))
            if now - one.at_ms > keys.KEEP_MS:
                await self._redis.hdel(keys.FUSES, one.event)
            else:
                found.append(one)
        return sorted(found, key=lambda one: one.at_ms)

    async def get(self, event: EventId) -> Held | None:
        raw = await self._redis.hget(keys.FUSES, event)
        return _load(event, octets(raw)) if raw is not None else None

    async def blow(self, held: Held) -> bool:
        """Hold an event. False: it is held already."""
        value = json.dumps(
            {
                "subject": held.subject, "names": ",".join(held.notifications), "people": held.people, "why": held.why,
                "limit": held.limit, "at": held.at_ms, "state": "held", "allowed": 0, "reached": 0, "cursor": "",
            }
        )  # fmt: skip
        known = words(await scripts.run(self._redis, "fuse_state", [keys.FUSES], [held.event, "blow", value]))
        if known != value:
            return False
        detail: dict[str, str | int] = {
            "scope": ",".join(held.notifications), "people": held.people, "limit": held.limit, "why": held.why,
        }  # fmt: skip
        await audit.write_fact(self._redis, self._clock, "fuse", ids=[held.event, held.subject], detail=detail)
        return True

    async def release(self, event: EventId, *, who: str, why: str, part: int | None, second: int) -> tuple[bool, Held]:
        """(released, the event): for `part` people more, or (None) for all. Above `second` people the first only asks.

        raises: NotFound when it is not held; Conflict when it was decided already, or who asked would confirm it too
        """
        number = str(part) if part is not None else ""
        args: list[scripts.Part] = [event, who, str(self._clock.now_ms()), audit.plain(why), number, second, ASKED_MS]
        word, *rest = await scripts.run(self._redis, "fuse_release", [keys.FUSES], args)
        if word == b"none":
            raise NotFound("no such event is held; `fuses list` shows what is")
        held = _load(event, rest[0])
        if word == b"over":
            raise Conflict(f"it is {held.state} already, by {held.by}")
        if word == b"own":
            raise Conflict(f"{who} asked for this already: somebody else confirms")
        released = word == b"released"
        kind = "fuse_released" if released else "fuse_asked"
        detail: dict[str, str | int] = {"scope": ",".join(held.notifications), "part": number, "who": who, "why": why}
        await audit.write_fact(self._redis, self._clock, kind, ids=[event, held.subject], detail=detail)
        return released, held

    async def discard(self, event: EventId, *, who: str, why: str) -> Held:
        """Nobody more is told. Raises NotFound; Conflict when it was released already."""
        known = await self.get(event)
        if known is None:
            raise NotFound("no such event is held; `fuses list` shows what is")
        raw = octets(await scripts.run(self._redis, "fuse_state", [keys.FUSES], [event, "discard", who]))
        if not raw:
            raise Conflict("it was released already: `stop` or `correct` are what is left")
        held = _load(event, raw)
        detail: dict[str, str | int] = {"scope": ",".join(held.notifications), "who": who, "why": why}
        await audit.write_fact(self._redis, self._clock, "fuse_discarded", ids=[event, held.subject], detail=detail)
        return held

    async def reach(self, event: EventId, people: int, cursor: str) -> Held | None:
        """How far a part has come; the entry as it is now, None when it is forgotten."""
        raw = octets(await scripts.run(self._redis, "fuse_state", [keys.FUSES], [event, "reach", people, cursor]))
        return _load(event, raw) if raw else None

    async def forget(self, event: EventId) -> None:
        """Its event is closed."""
        await self._redis.hdel(keys.FUSES, event)

    # whom it would reach, and what is usual

    async def look(
        self, event: EventId, subjects: Sequence[SubjectId], partitions: Sequence[int]
    ) -> tuple[Held | None, int]:
        """(the event if it is held, how many subscriptions to these subjects there are), in one round trip."""
        commands: list[bulk.Command] = [("HGET", keys.FUSES, event)]
        commands += [("ZCARD", keys.part(partition, f"su:{subject}")) for subject in subjects for partition in partitions]
        raw, *counts = await bulk.values(self._redis, commands)
        return (_load(event, octets(raw)) if raw is not None else None), sum(counts)

    async def hours(self, names: Sequence[str]) -> dict[str, dict[int, int]]:
        """Notification -> hour since the epoch -> people."""
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.hgetall(keys.usual(name))
        found = {}
        for name, raw in zip(names, await pipeline.execute() if names else [], strict=True):
            found[name] = {int(hour): int(count) for hour, count in raw.items()}
        return found

    async def told(self, names: Sequence[str], people: int, event: str = "") -> None:
        """Count what was let through to what is usual of these notifications; one round trip.

        event: counted once, however often it is taken up ("" = counts each time). Between two midnights: an event that a crash
        leaves for longer than the rest of its day and the next may count again, for it is a measure and no promise.
        atomic for each name: lua/fuse_told.lua
        """
        if not people:
            return
        hour = self.hour()
        calls: list[scripts.Call] = [
            (
                "fuse_told",
                [keys.usual(name), keys.usual_events(name, hour // 24), keys.usual_events(name, hour // 24 - 1)],
                [event, people, hour, DAYS, 2 * keys.DAY_MS],
            )
            for name in names
        ]
        await bulk.run_scripts(self._redis, calls)

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def hour(self) -> int:
        return self._clock.now_ms() // HOUR_MS

    async def entries(
        self, subject: SubjectId, sequence: int, entries: Mapping[str, Mapping[str, Any] | None], *, give: bool
    ) -> None:
        """Take back what later subscribers of a subject would be told of a held event, or give it to them again."""
        args: list[scripts.Part] = [sequence]
        for name, entry in entries.items():
            if entry is not None:
                args += [f"nt:{name}", self._vault.seal_about(subject, dict(entry)) if give else b""]
        if len(args) > 1:
            await scripts.run(self._redis, "fuse_entries", [keys.of(subject, "j")], args)


def _load(event: EventId, raw: bytes) -> Held:
    value = json.loads(raw)
    asked = value.get("asked")
    return Held(
        event=event,
        subject=SubjectId(value["subject"]),
        notifications=tuple(value["names"].split(",")),
        people=int(value["people"]),
        why=value["why"],
        limit=int(value["limit"]),
        at_ms=int(value["at"]),
        state=value["state"],
        allowed=int(value["allowed"]),
        reached=int(value["reached"]),
        cursor=value["cursor"],
        by=value.get("by", ""),
        asked=Request(asked["who"], asked["why"], int(asked["at"])) if asked else None,
        asked_part=int(asked["part"]) if asked and asked["part"] else None,
    )
