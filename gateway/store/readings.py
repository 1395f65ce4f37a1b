"""How the whole installation stands, read from the store itself: for gauges and alerts. Reads only.

Three round trips a sender over all partitions, whatever waits: the lanes that are looked into are a few of each partition, the
first and the last by deadline or time, so the oldest message is found where it is (an early deadline overdue, or a late one
starved). Old is what has been due for long: what was put off (the night, a brake, a minute and more until the next try) is due
when that is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import MessageId, SenderId
from gateway.model.message import Priority
from gateway.rules.question import TemplateState
from gateway.settings import Settings
from gateway.store import bulk, keys
from gateway.store.brakes import headers
from gateway.store.desk import ALL as DESK_ALL
from gateway.store.desk import QUEUE as DESK_QUEUE
from gateway.store.durability import examine
from gateway.store.reply import words
from gateway.store.servers import fullest, infos, share, unwritten
from gateway.store.templates import template_state

HEADS = 4
SAMPLE = 30
"""Contacts of a partition that an estimate looks at."""
LATE_MS = 10_000
"""What has been due for less is only on its way to its lane."""
BLOCKED = frozenset(
    {TemplateState.PAUSED, TemplateState.DISABLED, TemplateState.REJECTED, TemplateState.RECATEGORISED}
)
"""What the channel does to a template that was sent, and that a person should look at."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """queued: all that waits, by sender; due: of it, what should have been sent. oldest_s: priority -> the oldest of those."""

    queued: Mapping[SenderId, int]
    due: Mapping[SenderId, int]
    oldest_s: Mapping[Priority, float]


@dataclass(frozen=True, slots=True)
class Travelling:
    """people: about so many; looked_at of contacts: how many the estimate was made from."""

    people: int
    looked_at: int
    contacts: int

    @property
    def basis(self) -> str:
        return f"estimated from {self.looked_at:,} of {self.contacts:,} contacts, by when their orders end"


class Readings:
    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def lanes(self, senders: Sequence[SenderId], *, sending: Sequence[SenderId]) -> Lanes:
        """sending: those of them that may send now; only their messages can be too old."""
        now = self._clock.now_ms()
        queued: dict[SenderId, int] = {}
        due = dict.fromkeys(senders, 0)
        heads: list[MessageId] = []
        for sender in senders:
            asked: list[bulk.Command] = []
            for partition in keys.all_partitions():
                lanes, later = (keys.part(partition, f"{kind}:{sender}") for kind in ("q", "later"))
                asked += [("ZCARD", lanes), ("ZCARD", later), ("ZCOUNT", later, "-inf", now - LATE_MS)]
            counts = await bulk.values(self._redis, asked)
            queued[sender] = sum(counts[::3]) + sum(counts[1::3])
            if sender in sending:
                due[sender] = sum(counts[::3]) + sum(counts[2::3])
                heads += await self._heads(sender)
        return Lanes(queued, due, await self._oldest(heads, now))

    async def _heads(self, sender: SenderId) -> list[MessageId]:
        """The first messages of some lanes of a sender, and some that wait for their time."""
        asked: list[bulk.Command] = []
        for partition in keys.all_partitions():
            for priority in Priority:
                ready, waits = (keys.part(partition, f"{kind}:{sender}:{priority.value}") for kind in ("ready", "due"))
                asked += [("ZRANGE", ready, 0, HEADS - 1), ("ZRANGE", ready, -HEADS, -1), ("ZRANGE", waits, 0, HEADS - 1)]
            asked.append(("ZRANGE", keys.part(partition, f"later:{sender}"), 0, HEADS - 1))
        answers = iter(await bulk.values(self._redis, asked))
        lanes: dict[tuple[int, bytes], None] = {}
        waiting: list[MessageId] = []
        for partition in keys.all_partitions():
            for _ in Priority:
                found = (*next(answers), *next(answers), *next(answers))
                lanes |= dict.fromkeys((partition, address) for address in found)
            waiting += [_message(member) for member in next(answers)]
        heads: list[bulk.Command] = [
            ("ZRANGE", keys.part(partition, f"q:{sender}"), b"[" + address + b":", b"[" + address + b";", "BYLEX", "LIMIT", 0, 1)
            for partition, address in lanes
        ]
        return [_message(members[0]) for members in await bulk.values(self._redis, heads) if members] + waiting

    async def _oldest(self, messages: Sequence[MessageId], now: int) -> dict[Priority, float]:
        oldest = dict.fromkeys(Priority, 0.0)
        for record in await headers(self._redis, list(dict.fromkeys(messages))):
            if record is not None:
                age_s = (now - max(record.due_at_ms, record.planned_at_ms)) / 1000
                oldest[record.priority] = max(oldest[record.priority], age_s)
        return oldest

    async def slowed(self, senders: Sequence[SenderId]) -> dict[SenderId, bool]:
        """Whom the channel has slowed down just now."""
        pipeline = self._redis.pipeline(transaction=False)
        for sender in senders:
            pipeline.hget(keys.bucket(sender), "slow")
        now = self._clock.now_ms() - self._clock.offset_ms
        answers = await pipeline.execute() if senders else []
        return {sender: raw is not None and int(float(raw)) > now for sender, raw in zip(senders, answers, strict=True)}

    async def people(self, portfolios: Sequence[str]) -> dict[str, int]:
        """Distinct people of each portfolio who were written to in the last 24 h."""
        since = self._clock.now_ms() - keys.DAY_MS
        pipeline = self._redis.pipeline(transaction=False)
        for portfolio in portfolios:
            pipeline.zcount(keys.people(portfolio), f"({since}", "+inf")
        return dict(zip(portfolios, await pipeline.execute() if portfolios else [], strict=True))

    async def dead(self) -> int:
        pipeline = self._redis.pipeline(transaction=False)
        for partition in keys.all_partitions():
            pipeline.zcard(keys.part(partition, "dead"))
        return sum(await pipeline.execute())

    async def desk(self, queues: Sequence[str]) -> dict[str, int]:
        """Unresolved conversations: those who wait, by queue, and "taken", which nobody need come for."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.zcard(DESK_ALL)
        for queue in queues:
            pipeline.zcard(DESK_QUEUE + queue)
        everything, *waiting = await pipeline.execute()
        return dict(zip(queues, waiting, strict=True)) | {"taken": max(everything - sum(waiting), 0)}

    async def parked(self) -> dict[str, int]:
        """What was set aside within the last hour, by kind: event, item, telling, webhook, wording. 100 a partition at most."""
        since = self._clock.now_ms() - self._clock.offset_ms - 3600_000
        asked: list[bulk.Command] = [
            ("XREVRANGE", keys.part(partition, "parked"), "+", since, "COUNT", 100) for partition in keys.all_partitions()
        ]
        kinds = Counter[str]()
        for rows in await bulk.values(self._redis, asked):
            for _, found in rows:
                kinds[words(bulk.mapping(found)[b"kind"]).partition(":")[0]] += 1
        return dict(kinds)

    async def travelling(self) -> Travelling:
        """Whose journeys end within 24 h, from a sample of the contacts; two round trips.

        A subscription lasts two days past the last arrival of its order, so those that end in the third day from now are of
        people who travel in the first. Contracts and areas last for years and are not among them.
        """
        now = self._clock.now_ms()
        partitions = list(keys.all_partitions())
        asked: list[bulk.Command] = []
        for partition in partitions:
            asked += [("ZCARD", keys.part(partition, "all")), ("ZRANDMEMBER", keys.part(partition, "all"), SAMPLE)]
        answers = await bulk.values(self._redis, asked)
        sizes, samples = [int(one) for one in answers[::2]], [list(one) for one in answers[1::2]]
        chosen = [(partition, words(one)) for partition, some in zip(partitions, samples, strict=True) for one in some]
        lists = await bulk.values(self._redis, [("HVALS", keys.part(partition, f"cs:{one}")) for partition, one in chosen])
        soon = Counter[int]()
        for (partition, _), values in zip(chosen, lists, strict=True):
            ends = [int(words(value).partition("|")[0]) - now for value in values]
            soon[partition] += any(2 * keys.DAY_MS < end <= 3 * keys.DAY_MS for end in ends)
        people = sum(
            size * soon[partition] / len(some) for partition, size, some in zip(partitions, sizes, samples, strict=True) if some
        )
        return Travelling(round(people), len(chosen), sum(sizes))

    async def memory(self) -> float:
        """What is used of what may be used, 0 where nobody set a limit."""
        return share(await fullest(self._redis))

    async def risks(self, settings: Settings) -> dict[str, bool]:
        """What stands against the promise of a 202: why -> whether it does now. Raises StoreUnavailable."""
        durability = await examine(self._redis, settings)
        failed = bool(unwritten(await infos(self._redis, "persistence")))
        return {"not_durable": bool(durability.problems), "append_failed": failed}


def blocked(templates: Mapping[tuple[str, str], Mapping[str, Any]], in_use: Mapping[tuple[str, str], str]) -> int:
    """How many templates in use the channel has stopped. in_use: (template, language) -> the category of its notification"""
    return sum(
        template_state(value, category=in_use[one]) in BLOCKED for one, value in templates.items() if one in in_use
    )


def _message(member: bytes) -> MessageId:
    """The message that a lane's member names; see lua/_lane.lua."""
    return MessageId(words(member)[39:])
