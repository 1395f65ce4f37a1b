"""What a flight, trip, order or outage is doing: the memory that turns states into changes, and who hears about it.

The new memory is worked out by rules/changes.py from the old one; `apply` writes it if nobody was faster and the event is newer
than what is known. What an event did is kept under its id until it is closed, so that work begun by a killed process goes on
with the same result. The subject also remembers, per notification, the event that told it last: a subscriber who comes later is
told the same under the same event's id, so that the fan-out and the newcomer together make one message.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.event import BusinessEvent
from gateway.model.ids import EventId, SubjectId
from gateway.store import bulk, keys, scripts
from gateway.store.families import Families
from gateway.store.rebookings import Rebookings
from gateway.store.reply import octets, words
from gateway.store.vault import Vault

SUBJECT_KEEP_MS = 30 * keys.DAY_MS


@dataclass(frozen=True, slots=True)
class SubjectMemory:
    """revision: how often this memory was written; memory: as rules/changes.py made it; base: what orders know of it.

    based: whether orders have said anything of it, be it nothing to go by
    spoken: whether an event of a source is in `memory`; until then moments may be, and `base` says how things stand
    raw_base: `base` as it was read, for a step that must not be built on an older one
    """

    revision: int
    memory: Mapping[str, Any]
    base: Mapping[str, Any]
    based: bool
    spoken: bool
    raw_base: bytes
    spoken_ms: int = 0
    """when the last event of a source says that it was, 0 = none is in `memory`"""

    @property
    def known(self) -> dict[str, Any]:
        """What the next event finds."""
        return dict(self.memory) if self.spoken else {**self.memory, **self.base}


@dataclass(frozen=True, slots=True)
class SetMoment:
    """When a moment of a subject is due (UTC ms), None where it has none now.

    late: told although it was past when it was first set
    """

    name: str
    due_ms: int | None
    late: bool = True

    def parts(self) -> list[scripts.Part]:
        return [self.name, "" if self.due_ms is None else self.due_ms, int(self.late)]


@dataclass(frozen=True, slots=True)
class Before:
    """What an event finds. applied: what it did itself, where it was taken up before; partitions: where people listen."""

    memory: SubjectMemory
    applied: tuple[int, Mapping[str, Any]] | None
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """status: applied, known (this event was applied before), older, again (somebody was faster: step once more).

    before: events of the subject that were applied before this one and are not closed
    """

    status: str
    sequence: int
    partitions: tuple[int, ...]
    result: Mapping[str, Any]
    before: tuple[EventId, ...] = ()


def _partitions(bits: bytes | None) -> tuple[int, ...]:
    return tuple(place for place, bit in enumerate((bits or b"").decode()) if bit == "1")


class Subjects:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._redis = redis
        self._clock = clock
        self._vault = vault
        self.rebookings = Rebookings(redis, clock)
        self.families = Families(redis, clock, vault)

    def seal_base(self, subject: SubjectId, base: Mapping[str, Any]) -> bytes:
        return self._vault.seal_about(subject, base)

    async def read(self, subject: SubjectId, name: str, ahead: bulk.Ahead | None = None) -> SubjectMemory:
        """The memory of one name ("flight.status", or a document's with its item) of a subject. ahead: may have been read."""
        (found,) = await bulk.values(self._redis, [self.reading(subject, name)], ahead=ahead)
        return self._memory(subject, *found)

    def reading(self, subject: SubjectId, name: str) -> bulk.Command:
        """What `read` asks."""
        return "HMGET", keys.of(subject, "j"), f"t:{name}", f"s:{name}", "base"

    def ahead(self, subject: SubjectId, event: EventId, name: str) -> list[bulk.Command]:
        """What `before` asks."""
        return [("HMGET", keys.of(subject, "j"), f"t:{name}", f"s:{name}", "base", f"r:{event}", "bits")]

    async def before(self, subject: SubjectId, event: EventId, name: str, ahead: bulk.Ahead | None = None) -> Before:
        """The same, and whether the event was applied, and who listens, in one round trip. ahead: may have been read."""
        (found,) = await bulk.values(self._redis, self.ahead(subject, event, name), ahead=ahead)
        *memory, applied, bits = found
        return Before(
            self._memory(subject, *memory),
            self._result(subject, octets(applied)) if applied is not None else None,
            _partitions(octets(bits) if bits is not None else None),
        )

    def _memory(self, subject: SubjectId, top: Any, sealed: Any, base: Any) -> SubjectMemory:
        return SubjectMemory(
            revision=int(words(top).split("|", 1)[0]) if top else 0,
            memory=self._vault.open_about(subject, octets(sealed)) if sealed else {},
            base=self._vault.open_about(subject, octets(base)) if base else {},
            based=base is not None,
            spoken=bool(top) and words(top).split("|")[1] != "",
            raw_base=octets(base) if base is not None else b"",
            spoken_ms=int(words(top).split("|")[2]) if top and words(top).split("|")[1] else 0,
        )

    def _result(self, subject: SubjectId, raw: bytes) -> tuple[int, Mapping[str, Any]]:
        sequence, _, sealed = raw.partition(b"|")
        return int(sequence), self._vault.open_about(subject, sealed)

    async def apply(
        self,
        event: BusinessEvent,
        name: str,
        *,
        revision: int,
        based: bool,
        memory: Mapping[str, Any],
        result: Mapping[str, Any],
        until_ms: int,
        notifications: Mapping[str, Mapping[str, Any] | None],
        moments: Sequence[SetMoment] = (),
        raw_base: bytes = b"",
    ) -> ApplyResult:
        """Write an event's effect on its subject (lua/subject_apply.lua).

        based:         as it was read; what orders say first since then is "again" to a first event
        moments:       when those of its state are due after it
        raw_base:      of a moment that was stepped from it: what orders say since then is "again"
        result:        what planning needs again if this event is taken up a second time
        notifications: notification -> what a later subscriber must be told, or None when that is over
        """
        subject = event.subject_id
        args: list[scripts.Part] = [
            self._clock.offset_ms,
            event.id,
            subject,
            name,
            self._vault.blind("source", event.source)[:12],
            str(event.version) if event.version is not None else "",
            event.occurred_at_ms,
            revision,
            self._vault.seal_about(subject, dict(memory)),
            self._vault.seal_about(subject, dict(result)),
            until_ms,
            ",".join(result.get("changes", [])),
            int(based),
            raw_base,
            int(bool(event.moment)),
            3 * len(moments),
        ]
        for moment in moments:
            args += moment.parts()
        for notification, entry in notifications.items():
            sealed = self._vault.seal_about(subject, dict(entry)) if entry is not None else b""
            args += [f"nt:{notification}", sealed]
        names = [keys.of(subject, "j"), keys.beside(subject, "facts"), keys.beside(subject, "timers")]
        (answer,) = await bulk.run_scripts(self._redis, [("subject_apply", names, args)])
        status = answer[0].decode()
        kept = self._vault.open_about(subject, answer[3]) if status == "known" else result
        before = tuple(EventId(one.decode()) for one in answer[4]) if status == "applied" else ()
        return ApplyResult(status, int(answer[1]), _partitions(answer[2]), kept, before)

    async def set_moments(
        self,
        subject: SubjectId,
        name: str,
        found: SubjectMemory,
        moments: Sequence[SetMoment],
        memory: Mapping[str, Any] | None = None,
    ) -> bool:
        """Set when its moments are due, worked out from this memory; False where it is out of date (lua/subject_moments.lua).

        memory: what is to be remembered from now on; None = what was found
        """
        names = [keys.of(subject, "j"), keys.beside(subject, "facts"), keys.beside(subject, "timers")]
        args: list[scripts.Part] = [self._clock.offset_ms, subject, name, found.revision, found.raw_base]
        args.append(self._vault.seal_about(subject, dict(memory)) if memory is not None else b"")
        for moment in moments:
            args += moment.parts()
        (answer,) = await bulk.run_scripts(self._redis, [("subject_moments", names, args)])
        return bool(answer)

    async def result_of(self, subject: SubjectId, event: EventId) -> tuple[int, Mapping[str, Any]] | None:
        """(sequence, result) of an event that is not closed; None when it is unknown or closed."""
        raw = await self._redis.hget(keys.of(subject, "j"), f"r:{event}")
        return self._result(subject, octets(raw)) if raw is not None else None

    async def open_before(
        self, subject: SubjectId, sequence: int, but: Container[EventId], among: Sequence[EventId] | None = None
    ) -> list[tuple[EventId, int, Mapping[str, Any]]]:
        """(event, its sequence, what it did) of those that were applied before and are not closed, the oldest first.

        among: those that may be, where that is known; None = all are read
        """
        name, found = keys.of(subject, "j"), []
        rows: Iterable[tuple[str, Any]]
        if among is not None:
            asked = [f"r:{event}" for event in among if event not in but]
            rows = zip(asked, await self._redis.hmget(name, asked) if asked else (), strict=True)
        else:
            rows = ((words(field), value) for field, value in (await self._redis.hgetall(name)).items())
        for field, value in rows:
            mine = field.startswith("r:") and field[2:] not in but and value is not None
            if mine and int(octets(value).partition(b"|")[0]) < sequence:
                found.append((EventId(field[2:]), *self._result(subject, octets(value))))
        return sorted(found, key=lambda one: one[1])

    async def partitions(self, subject: SubjectId) -> tuple[int, ...]:
        """Where there are subscribers. Read after an event was applied: whoever subscribes later sees the state."""
        (found,) = await self.partitions_of([subject])
        return found

    async def partitions_of(self, subjects: Sequence[SubjectId]) -> list[tuple[int, ...]]:
        """The same of several, in one round trip."""
        commands: list[bulk.Command] = [("HGET", keys.of(subject, "j"), "bits") for subject in subjects]
        return [_partitions(bits) for bits in await bulk.values(self._redis, commands)]

    async def current(self, subject: SubjectId) -> list[tuple[str, int, Mapping[str, Any]]]:
        """(notification, sequence, entry) of everything a newcomer must still be told, oldest first."""
        raw = await self._redis.hgetall(keys.of(subject, "j"))
        found = []
        for field, value in raw.items():
            name = words(field)
            if name.startswith("nt:"):
                sequence, _, sealed = octets(value).partition(b"|")
                if not sealed:  # over
                    continue
                found.append((name[3:].partition(":")[0], int(sequence), self._vault.open_about(subject, sealed)))
        return sorted(found, key=lambda one: one[1])

    async def note(
        self,
        cells: Sequence[SubjectId],
        about: SubjectId,
        sequence: int,
        entries: Mapping[str, Mapping[str, Any] | None],
        ends_ms: int = 0,
    ) -> None:
        """Let the cells of an area know what their later subscribers must be told of `about`, or (None) need not any more.

        Written before the cells' bits are read: either the fan-out sees a newcomer, or the newcomer sees this.
        ends_ms: when what is told ends (UTC ms), where that is known: until then they know who follows them
        """
        calls: list[scripts.Call] = []
        keep_ms = max(0, ends_ms - self._clock.now_ms()) + SUBJECT_KEEP_MS
        for cell in cells:
            args: list[scripts.Part] = [sequence, keep_ms]
            for name, entry in entries.items():
                args += [f"nt:{name}:{about}", self._vault.seal_about(cell, dict(entry)) if entry is not None else b""]
            calls.append(("cell_note", [keys.of(cell, "j")], args))
        if entries:
            await scripts.run_many(self._redis, calls)

    async def forget(self, *closed: tuple[SubjectId, EventId]) -> None:
        """Drop what closed events did."""
        await bulk.values(self._redis, [("HDEL", keys.of(subject, "j"), f"r:{event}") for subject, event in closed])
