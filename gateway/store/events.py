"""Business events as they were kept: each (source, id) once, sealed under the key of their day, until they are closed.

An event lies in the partition of its own (source, id), so that the same id with another content is noticed wherever its subject
lives. `evw` names when to look at each open event next: it is how a killed process's work is found again. A process that has
room takes up itself what it keeps (store/inhand.py); such an event is begun by the step that keeps it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Sealed
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import EventId, SubjectId, partition_of
from gateway.store import bulk, keys, scripts
from gateway.store.ahead import Ahead
from gateway.store.inhand import HAND_MS, Handed, InHand, OpenEvent
from gateway.store.reply import fields, words
from gateway.store.vault import Vault

__all__ = ["Events", "Handed", "OpenEvent", "digest_of"]


OF = " of "
"""check_in_opens of flight.status: a version that knows no moments cannot read this, and leaves the event to one that does."""


def digest_of(event: BusinessEvent) -> str:
    """What makes two events of one id the same: type, subject and data in canonical JSON."""
    canonical = json.dumps(
        [event.type.value, event.subject, event.data], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


class Events:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._redis = redis
        self._clock = clock
        self._vault = vault
        self.in_hand = InHand()

    async def append_once(self, events: Sequence[BusinessEvent]) -> list[str]:
        """Keep events; per event "new", "same" (known, equal) or "other" (known, different: 409).

        Where there is room for all of them they are in hand: what is new is taken up by this process at once.
        Spans partitions: a store that fails half way raises, and the whole batch may be sent again.
        """
        room = self.in_hand.take_room(len(events))
        until_ms = self._clock.now_ms() + HAND_MS if room else 0
        in_hand = 0
        ahead = self.in_hand.ahead(events[0]) if room and len(events) == 1 else None
        try:
            answers = await self._append(events, until_ms, ahead)
            for place, (event, answer) in enumerate(zip(events, answers, strict=True)):
                if answer.startswith("hand|"):
                    again = self.in_hand.has(event.id)  # twice in one batch, or twice in one millisecond
                    answers[place] = "same" if again else "new"
                    if not again:
                        self.in_hand.put(Handed(OpenEvent(event.id, answer[5:], until_ms), event, ahead))
                        in_hand += 1
        finally:
            if room:
                self.in_hand.give_back(len(events) - in_hand)
        return answers

    async def _append(self, events: Sequence[BusinessEvent], until_ms: int, ahead: Ahead | None = None) -> list[str]:
        groups: dict[int, list[int]] = {}
        for place, event in enumerate(events):
            groups.setdefault(partition_of(event.id), []).append(place)
        calls: list[scripts.Call] = []
        for partition, places in groups.items():
            names = [keys.part(partition, name) for name in ("facts", "ev", "evw", "evt")]
            names += [keys.of(events[place].id, "e") for place in places]
            args: list[scripts.Part] = [self._clock.offset_ms, keys.KEEP_MS, until_ms]
            for place in places:
                event = events[place]
                args += [event.id, event.subject_id, digest_of(event), await self.sealed(event), event.type.value]
            calls.append(("event_append", names, args))
        answers = [""] * len(events)
        for places, result in zip(groups.values(), await bulk.run_scripts(self._redis, calls, ahead=ahead), strict=True):
            for place, answer in zip(places, result, strict=True):
                answers[place] = answer.decode()
        return answers

    async def sealed(self, event: BusinessEvent) -> bytes:
        """An event as it lies in the stream."""
        return await self._vault.seal_day(event.received_at_ms, _dump(event), event.id)

    async def due(self, partitions: Sequence[int], *, limit: int, late_ms: int = 0) -> list[OpenEvent]:
        """Open events whose next look has come, or was to come so long ago, oldest first."""
        now = self._clock.now_ms() - late_ms
        pipeline = self._redis.pipeline(transaction=False)
        for partition in partitions:
            name = keys.part(partition, "evw")
            pipeline.zrange(name, "-inf", now, byscore=True, offset=0, num=limit, withscores=True)
        found = []
        for rows in await pipeline.execute() if partitions else []:
            for member, score in rows:
                event, _, place = words(member).partition("|")
                found.append(OpenEvent(EventId(event), place, int(score)))
        return sorted(found, key=lambda one: one.look_ms)

    async def begin(self, event: OpenEvent, *, look_again_ms: int) -> int:
        """Say that work on it begins, so that a second process waits; how often it was begun, this time included.

        0: another process began it since `event` was read, or it is closed.
        """
        partition = partition_of(event.id)
        names = [keys.part(partition, name) for name in ("evw", "evt")]
        args: list[scripts.Part] = [f"{event.id}|{event.place}", event.id, event.look_ms, look_again_ms]
        return int((await bulk.run_scripts(self._redis, [("event_begin", names, args)]))[0])

    async def uncount(self, event: OpenEvent) -> None:
        """Forget its tries: the store spoilt the last one. It is looked at again when that one said."""
        await self._redis.hdel(keys.beside(event.id, "evt"), event.id)

    async def count(self, event: EventId, by: int) -> int:
        """Count a try that somebody else's event makes of it, or (-1) take it back; how often it was begun."""
        return int(await self._redis.hincrby(keys.beside(event, "evt"), event, by))

    async def hold(self, event: OpenEvent, until_ms: int) -> None:
        """Say that it is still being worked on. Its tries stay counted."""
        name = keys.beside(event.id, "evw")
        await self._redis.zadd(name, {f"{event.id}|{event.place}": until_ms}, xx=True)

    async def look_again(self, event: OpenEvent, at_ms: int) -> None:
        """All went well so far; look again at `at_ms`. Its tries are forgotten: a process that ends now says nothing about it."""
        partition = partition_of(event.id)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.zadd(keys.part(partition, "evw"), {f"{event.id}|{event.place}": at_ms}, xx=True)
        pipeline.hdel(keys.part(partition, "evt"), event.id)
        await pipeline.execute()

    async def read(self, event: EventId, place: str) -> BusinessEvent | None:
        """The event, or None when it left the stream or the key of its day is gone. Raises KeyMissing where we lack a key."""
        name = keys.part(partition_of(event), "ev")
        (rows,) = await bulk.values(self._redis, [("XRANGE", name, place, place)])
        if not rows:
            return None
        try:
            raw = await self._vault.open_day(bulk.mapping(rows[0][1])[b"b"], event)
        except Sealed:
            return None
        return _load(event, json.loads(raw))

    async def place_of(self, event: EventId) -> str | None:
        raw = await self._redis.get(keys.of(event, "e"))
        return raw.decode().partition("|")[2] if isinstance(raw, bytes) else None

    async def reopen(self, event: EventId) -> bool:
        """Look at a kept event again (replay). False when it is closed or forgotten."""
        place = await self.place_of(event)
        if place is None or await self.read(event, place) is None:
            return False
        name = keys.part(partition_of(event), "evw")
        await self._redis.zadd(name, {f"{event}|{place}": self._clock.now_ms()})
        await self._redis.hdel(keys.part(partition_of(event), "evt"), event)
        return True

    async def close(self, event: OpenEvent, detail: str = "") -> bool:
        (closed,) = await self.close_many([(event, detail)])
        return closed

    async def close_many(self, closing: Sequence[tuple[OpenEvent, str]]) -> list[bool]:
        """Per (event, detail) whether it was closed by this, in one round trip; each is a step of its own."""
        calls: list[scripts.Call] = []
        for event, detail in closing:
            names = [keys.part(partition_of(event.id), name) for name in ("ev", "evw", "evt", "facts")]
            calls.append(("event_close", names, [self._clock.offset_ms, event.id, event.place, detail]))
        return [bool(answer) for answer in await bulk.run_scripts(self._redis, calls)]

    async def park(self, event: OpenEvent, why: str) -> None:
        """Set a poisoned event aside, sealed as it is, with the reason: it blocks nobody and can be replayed."""
        partition = partition_of(event.id)
        rows = await self._redis.xrange(keys.part(partition, "ev"), event.place, event.place)
        if rows:
            entry = {"kind": "event", "id": event.id, "why": why, "b": fields(rows[0][1])[b"b"]}
            await self._redis.xadd(keys.part(partition, "parked"), entry)  # type: ignore[arg-type]
        await self.close(event, f"parked why={why}")

    async def depth(self) -> int:
        """How many events are open."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition in keys.all_partitions():
            pipeline.zcard(keys.part(partition, "evw"))
        return sum(await pipeline.execute())


def _dump(event: BusinessEvent) -> bytes:
    value = {
        "source": event.source,
        "xid": event.external_id,
        "type": f"{event.moment}{OF}{event.type.value}" if event.moment else event.type.value,
        "subject": event.subject,
        "j": event.subject_id,
        "item": event.item,
        "version": event.version,
        "at": event.occurred_at_ms,
        "received": event.received_at_ms,
        "data": event.data,
        "trace": event.traceparent,
        "key": event.key,
    }
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _load(event: EventId, value: dict[str, object]) -> BusinessEvent:
    version, data, trace = value["version"], value["data"], value["trace"]
    moment, _, type_ = str(value["type"]).rpartition(OF)
    assert isinstance(data, dict)
    return BusinessEvent(
        id=event,
        source=str(value["source"]),
        external_id=str(value["xid"]),
        type=EventType(type_),
        subject=str(value["subject"]),
        subject_id=SubjectId(str(value["j"])),
        item=str(value["item"]),
        version=int(str(version)) if version is not None else None,
        occurred_at_ms=int(str(value["at"])),
        received_at_ms=int(str(value["received"])),
        data=data,
        traceparent=str(trace) if trace else None,
        key=str(value["key"]),
        moment=moment,
    )
