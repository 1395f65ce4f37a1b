"""Webhooks as they came, and the inboxes that they are split into.

Raw bytes, sealed, go to one of 16 logs before the 200. An applier splits each into items and appends every item to the
inbox of its contact's partition, then deletes the entry; `seen` makes an item count once however often the channel repeats
it. One worker a partition applies an inbox in order. An item that was begun three times without an end is parked alone; its
neighbours go on.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.clock import Clock
from gateway.errors import Sealed, StoreError, StoreUnavailable
from gateway.store import bulk, keys, scripts
from gateway.store.reply import fields, words
from gateway.store.together import Together
from gateway.store.vault import Vault

_LOG_ABOUT = "webhook"
_LINES = 4
"""How many of the logs one process writes: each is a script of its own in every write. Others are for other processes."""


@dataclass(frozen=True, slots=True)
class KeptWebhook:
    """One webhook as it came. place: its id in the log."""

    log: int
    place: str
    channel: str
    received_ms: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One thing to apply. value: JSON made by webhooks/items.py; tries: how often it was begun before."""

    partition: int
    place: str
    value: Mapping[str, Any]


def _headed(one: _Arrived) -> bytes:
    return b"[%b,%d]\n%b" % (json.dumps(one.channel).encode(), one.received_ms, one.raw)


def _refused(error: Exception) -> StoreError:
    """Whatever the store has against one log, the channel can only send it again."""
    return error if isinstance(error, StoreError) else StoreUnavailable(f"the log was not written ({type(error).__name__})")


def _kept_at(place: str) -> int:
    """When an entry was written, by the server's clock (ms)."""
    return int(place.partition("-")[0])


LATE_MS, LATE_KEPT_MS = 1000, 10_000
"""Webhooks older than the first when they are split are remembered as late for the second, which is longer than any look at the
backlog takes to find their entries old."""


class _Arrived(NamedTuple):
    log: int
    channel: str
    received_ms: int
    raw: bytes


class Webhooks:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault, *, acks: int = 0) -> None:
        """acks: how many replicas must have a webhook before it counts as kept"""
        self._redis = redis
        self._acks = acks
        self._clock = clock
        self._vault = vault
        self._first = secrets.randbelow(keys.WEBHOOK_LOGS // _LINES)
        self._together = Together[_Arrived, str](self._append_all)

    async def append(self, channel: str, raw: bytes, *, line: int | None = None) -> str:
        """Keep a verified webhook; it is on disk when this returns. Those that come together share one round trip.

        line:    whatever came over one connection has the same number, and so one log and one order; None = any log
        returns: its place in the log
        raises:  StoreUnavailable: not known to be kept, or too much waits to be kept
        """
        chosen = secrets.randbelow(_LINES) if line is None else line % _LINES
        log = self._first + chosen * (keys.WEBHOOK_LOGS // _LINES)
        return await self._together.add(_Arrived(log, channel, self._clock.now_ms(), raw), len(raw))

    async def close(self) -> None:
        """Wait for what is being kept."""
        await self._together.close()

    async def _append_all(self, arrived: Sequence[_Arrived]) -> list[str | Exception]:
        """One script a log: each log's webhooks are kept or not on their own account, in the order in which they came."""
        logs: dict[int, list[int]] = {}
        for place, one in enumerate(arrived):
            logs.setdefault(one.log, []).append(place)
        day = self._vault.day_of(arrived[0].received_ms)
        box = await self._vault.day_box(day)
        calls: list[scripts.Call] = []
        for log, places in logs.items():
            args = [day.encode() + box.seal(_headed(arrived[place]), _LOG_ABOUT) for place in places]
            calls.append(("webhook_append", [keys.webhook_log(log)], args))
        answers: list[str | Exception] = [StoreUnavailable("not answered")] * len(arrived)
        for places, result in zip(logs.values(), await bulk.each_script(self._redis, calls, acks=self._acks), strict=True):
            for number, place in enumerate(places):
                answers[place] = _refused(result) if isinstance(result, Exception) else words(result[number])
        return answers

    async def kept(self, logs: Sequence[int], *, limit: int) -> list[KeptWebhook]:
        """The oldest kept webhooks of some logs. One whose day's key is gone is dropped: nobody can read it any more.

        raises: KeyMissing, dropping nothing, where it is this process that lacks a key
        """
        pipeline = self._redis.pipeline(transaction=False)
        for log in logs:
            pipeline.xrange(keys.webhook_log(log), "-", "+", count=limit)
        found = []
        for log, rows in zip(logs, await pipeline.execute() if logs else [], strict=True):
            for place, entry in rows:
                try:
                    opened = await self._vault.open_day(fields(entry)[b"b"], _LOG_ABOUT)
                except Sealed:
                    await self.done(log, words(place))
                    continue
                head, _, raw = opened.partition(b"\n")
                channel, received = json.loads(head)
                found.append(KeptWebhook(log, words(place), channel, received, raw))
        return sorted(found, key=lambda one: one.received_ms)

    async def done(self, log: int, place: str) -> None:
        await self._redis.xdel(keys.webhook_log(log), place)

    async def first(self, one: KeptWebhook) -> bool:
        """Whether nothing that was kept before it still waits in any log, whoever works on that."""
        pipeline = self._redis.pipeline(transaction=False)
        for log in range(keys.WEBHOOK_LOGS):
            pipeline.xrange(keys.webhook_log(log), "-", "+", count=1)
        return all(not rows or _kept_at(words(rows[0][0])) >= _kept_at(one.place) for rows in await pipeline.execute())

    async def late(self, received_ms: int) -> None:
        """Webhooks as old as this are being split. In an inbox they are as young as their entry there: for a while their own age
        is remembered, until that of the entry tells as much."""
        if self._clock.now_ms() - received_ms > LATE_MS:
            await scripts.run(self._redis, "webhook_late", [keys.LATE], [received_ms, LATE_KEPT_MS])

    async def backlog(self) -> tuple[int, int]:
        """(webhooks and items not yet applied, age in ms of the oldest): the evidence clock stands still while this is behind."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.get(keys.LATE)
        for log in range(keys.WEBHOOK_LOGS):
            pipeline.xlen(keys.webhook_log(log))
            pipeline.xrange(keys.webhook_log(log), "-", "+", count=1)
        for partition in keys.all_partitions():
            pipeline.xlen(keys.part(partition, "in"))
            pipeline.xrange(keys.part(partition, "in"), "-", "+", count=1)
        late, *answers = await pipeline.execute()
        count = sum(answers[::2])
        oldest = min((int(words(rows[0][0]).partition("-")[0]) for rows in answers[1::2] if rows), default=0)
        now = self._clock.now_ms() - self._clock.offset_ms
        age_ms = now - oldest if oldest else 0
        return count, max(age_ms, self._clock.now_ms() - int(late)) if late is not None and count else age_ms

    async def heard_ms(self) -> int:
        """When the last webhook of all was kept, by the server's clock; 0 = never. Entries go once they are split, this stays."""
        pipeline = self._redis.pipeline(transaction=False)
        for log in range(keys.WEBHOOK_LOGS):
            pipeline.xinfo_stream(keys.webhook_log(log))
        last = 0
        for answer in await pipeline.execute(raise_on_error=False):
            if isinstance(answer, ResponseError):  # a log that nothing was ever written to
                continue
            if isinstance(answer, Exception):
                raise answer
            last = max(last, int(words(answer["last-generated-id"]).partition("-")[0]))
        return last

    # inboxes

    async def deliver(self, items: Sequence[tuple[int, str, Mapping[str, Any]]]) -> list[bool]:
        """Append (partition, dedupe key, value) to the inboxes; per item whether it was new."""
        now = self._clock.now_ms()
        groups: dict[int, list[int]] = {}
        for place, (partition, _, _) in enumerate(items):
            groups.setdefault(partition, []).append(place)
        calls: list[scripts.Call] = []
        for partition, places in groups.items():
            names = [keys.part(partition, "in"), keys.part(partition, "facts")]
            args: list[scripts.Part] = [keys.KEEP_MS]
            for place in places:
                _, key, value = items[place]
                names.append(keys.part(partition, f"seen:{self._vault.blind('seen', key)}"))
                raw = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
                args.append(await self._vault.seal_day(now, raw, "inbox"))
            calls.append(("inbox_append", names, args))
        answers = [False] * len(items)
        # On a replica before the log forgets it: on a cluster the log lies with another server, which a failover leaves as it is.
        results = await bulk.run_scripts(self._redis, calls, acks=self._acks)
        for places, result in zip(groups.values(), results, strict=True):
            for place, answer in zip(places, result, strict=True):
                answers[place] = bool(answer)
        return answers

    async def inbox(self, partitions: Sequence[int], *, limit: int) -> list[InboxItem]:
        """The oldest items of some inboxes, in order within each."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition in partitions:
            pipeline.xrange(keys.part(partition, "in"), "-", "+", count=limit)
        found = []
        for partition, rows in zip(partitions, await pipeline.execute() if partitions else [], strict=True):
            for place, entry in rows:
                try:
                    raw = await self._vault.open_day(fields(entry)[b"b"], "inbox")
                except Sealed:
                    await self.applied(partition, words(place))
                    continue
                found.append(InboxItem(partition, words(place), json.loads(raw)))
        return found

    async def begin(self, item: InboxItem) -> int:
        """Count a try before it is made, so that a worker that dies of it is counted too."""
        return await self._count(item, 1)

    async def take_back(self, item: InboxItem) -> None:
        """Uncount a try that the store spoilt: a store without room or answer says nothing about the item."""
        await self._count(item, -1)

    async def _count(self, item: InboxItem, by: int) -> int:
        return int(await scripts.run(self._redis, "inbox_begin", [keys.part(item.partition, "int")], [item.place, by]))

    async def applied(self, partition: int, place: str) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xdel(keys.part(partition, "in"), place)
        pipeline.hdel(keys.part(partition, "int"), place)
        await pipeline.execute()

    async def park(self, item: InboxItem, why: str) -> None:
        """Set an item aside with the reason; its neighbours go on."""
        raw = json.dumps(item.value, separators=(",", ":"), ensure_ascii=False).encode()
        sealed = await self._vault.seal_day(self._clock.now_ms(), raw, "parked")
        await self._redis.xadd(keys.part(item.partition, "parked"), {"kind": "item", "why": why, "b": sealed})
        await self.applied(item.partition, item.place)

    async def park_raw(self, channel: str, where: str, why: str, raw: bytes) -> None:
        """A piece of a webhook that could not be read, kept and visible."""
        sealed = await self._vault.seal_day(self._clock.now_ms(), raw, "parked")
        entry = {"kind": f"webhook:{channel}", "why": f"{where}: {why}"[:200], "b": sealed}
        await self._redis.xadd(keys.part(0, "parked"), entry)  # type: ignore[arg-type]
