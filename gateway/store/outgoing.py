"""Outgoing webhooks on their way: queued, tried again, dead. One job is one webhook to one target.

A fresh job lies in `{out}q`, one under way or waiting for its next try in `{out}r` by that time, a dead one there too with its
time negative; `{out}m:JOB` holds the record. At least once: a job whose sender died is due again when its lease ends, and a
pushed job is remembered for ten minutes after its delivery, so that a fold which starts again does not send it twice.
Nothing personal is in a body, so it is not sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.store import keys, scripts
from gateway.store.reply import octets, words

QUEUE = "{out}q"
RETRIES = "{out}r"
WAITING_TTL_MS = 5 * keys.DAY_MS
DEAD_TTL_MS = 30 * keys.DAY_MS
DONE_TTL_MS = 10 * 60 * 1000
WAITING_MAX = 100_000
"""A target that is down for days must not fill the store; what found no room can be made again from the history."""
LEASE_MS = 120_000


@dataclass(frozen=True, slots=True)
class Webhook:
    """id: the webhook-id that receivers tell repeats by, [0-9a-z]; body: the JSON as it is signed and sent."""

    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Job:
    """One webhook to one target. target: eight hexadecimal digits; attempt: tries made so far; first_ms: when it was queued."""

    webhook: Webhook
    target: str
    attempt: int
    first_ms: int

    @property
    def name(self) -> str:
        return f"{self.webhook.id}t{self.target}"


@dataclass(frozen=True, slots=True)
class Depth:
    queued: int
    retrying: int
    dead: int


@dataclass(frozen=True, slots=True)
class Pushed:
    new: int
    known: int
    full: int


def _key(name: str) -> str:
    return f"{{out}}m:{name}"


def _dump(job: Job, state: str) -> bytes:
    head = "|".join(("1", state, job.webhook.id, job.target, str(job.attempt), str(job.first_ms)))
    return head.encode() + b"\n" + job.webhook.body


def _load(raw: bytes) -> tuple[str, Job]:
    head, _, body = raw.partition(b"\n")
    _, state, webhook, target, attempt, first = head.decode().split("|")
    return state, Job(Webhook(webhook, body), target, int(attempt), int(first))


class Outgoing:
    def __init__(self, redis: Redis, *, waiting_max: int = WAITING_MAX) -> None:
        self._redis = redis
        self._waiting_max = waiting_max

    async def push(self, webhooks: Sequence[Webhook], targets: Sequence[str], *, now_ms: int) -> Pushed:
        """Queue every webhook for every target. `full`: not kept, too many wait already."""
        jobs = [Job(webhook, target, 0, now_ms) for webhook in webhooks for target in targets]
        answers: list[str] = []
        for begin in range(0, len(jobs), 200):
            some = jobs[begin : begin + 200]
            args: list[scripts.Part] = [WAITING_TTL_MS, self._waiting_max]
            for job in some:
                args += [job.name, _dump(job, "w")]
            names = [QUEUE, RETRIES, *(_key(job.name) for job in some)]
            answers += [words(answer) for answer in await scripts.run(self._redis, "outgoing_push", names, args)]
        return Pushed(answers.count("new"), answers.count("known"), answers.count("full"))

    async def take(self, limit: int, *, now_ms: int, lease_ms: int = LEASE_MS) -> list[Job]:
        """Lease jobs that are due; each must be answered by done, again or dead, else it is due after the lease."""
        args: list[scripts.Part] = [now_ms, now_ms + lease_ms, limit]
        names = [words(name) for name in await scripts.run(self._redis, "outgoing_take", [QUEUE, RETRIES], args)]
        jobs, gone = [], []
        for name, raw in zip(names, await self._records(names), strict=True):
            state, job = _load(raw) if raw is not None else ("", None)
            if job is not None and state == "w":
                jobs.append(job)
            else:
                gone.append(name)  # its record ended, or it was delivered by who had it before
        if gone:
            await self._redis.zrem(RETRIES, *gone)
        return jobs

    async def done(self, job: Job) -> None:
        """Delivered. Remembered for a while, so that it is not queued anew."""
        remembered = Job(Webhook(job.webhook.id, b""), job.target, job.attempt, job.first_ms)
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.zrem(RETRIES, job.name)
        pipeline.set(_key(job.name), _dump(remembered, "k"), px=DONE_TTL_MS)
        await pipeline.execute()

    async def again(self, job: Job, at_ms: int, *, attempt: int) -> None:
        """Try again at a time; `attempt` tries were made so far."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.zadd(RETRIES, {job.name: at_ms})
        kept = Job(job.webhook, job.target, attempt, job.first_ms)
        pipeline.set(_key(job.name), _dump(kept, "w"), px=WAITING_TTL_MS)
        await pipeline.execute()

    async def dead(self, job: Job, *, now_ms: int) -> None:
        """Given up; kept for 30 days, for `replay_dead`."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.zadd(RETRIES, {job.name: -now_ms})
        pipeline.set(_key(job.name), _dump(job, "d"), px=DEAD_TTL_MS)
        await pipeline.execute()

    async def replay_dead(self, since_ms: int, *, now_ms: int) -> int:
        """Queue again what died at or after this time, with all its tries anew; how many jobs."""
        rows = await self._redis.zrange(RETRIES, "-inf", f"{-since_ms}", byscore=True)
        names = [words(name) for name in rows]
        count = 0
        for name, raw in zip(names, await self._records(names), strict=True):
            state, job = _load(raw) if raw is not None else ("", None)
            if job is None or state != "d":
                await self._redis.zrem(RETRIES, name)
                continue
            await self.again(Job(job.webhook, job.target, 0, now_ms), now_ms, attempt=0)
            count += 1
        return count

    async def forget_dead(self, *, now_ms: int) -> int:
        """Drop the dead whose records have ended."""
        return int(await self._redis.zremrangebyscore(RETRIES, f"({DEAD_TTL_MS - now_ms}", "(0"))

    async def depth(self) -> Depth:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xlen(QUEUE)
        pipeline.zcount(RETRIES, "(0", "+inf")
        pipeline.zcount(RETRIES, "-inf", "(0")
        queued, retrying, dead = await pipeline.execute()
        return Depth(queued, retrying, dead)

    async def _records(self, names: Sequence[str]) -> list[bytes | None]:
        if not names:
            return []
        return [None if raw is None else octets(raw) for raw in await self._redis.mget([_key(name) for name in names])]
