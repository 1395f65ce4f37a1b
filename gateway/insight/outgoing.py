"""Sends outgoing webhooks: at least once, in no promised order, each target on its own.

A 2xx is delivered. Anything else, a redirect too, is tried again with growing gaps over three days, then dead until somebody
replays it. A target that fails three times in a row rests for half a minute: its jobs wait without spending a try, and those of
the other targets go on. Answers are not read, redirects not followed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import structlog

from gateway.clock import Clock
from gateway.errors import BadInput, Problem
from gateway.insight.desk_hooks import Desks
from gateway.insight.fold import make_webhooks
from gateway.insight.hooks import NO_DESKS, Signer, webhook_id
from gateway.metrics import Metrics
from gateway.store.facts import Facts
from gateway.store.outgoing import Job, Outgoing

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start: only what opens the history pays for it
    from gateway.insight.history import History

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
GAPS_MS = (
    5_000, 30_000, 2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS, 12 * HOUR_MS,
    20 * HOUR_MS, 24 * HOUR_MS,
)  # fmt: skip
"""Between one try and the next: thirteen tries in just under three days."""
LIFE_MS = 3 * 24 * HOUR_MS
REST_MS = 30_000
REST_AFTER = 3
POST_S = 10.0
AT_ONCE = 8
"""Posts to one target at a time."""
TAKE = 64
USER_AGENT = "thuisfront-webhooks/1"

log = structlog.get_logger()


@dataclass
class _Target:
    """url: never logged, it may hold a secret in its path; host: what is."""

    url: str
    slots: asyncio.Semaphore
    failures: int = 0
    rests_until_ms: int = 0

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "?"


class Sender:
    """targets: short name -> URL, as hooks.check_targets made it. gaps_ms: see GAPS_MS."""

    def __init__(
        self,
        queue: Outgoing,
        http: aiohttp.ClientSession,
        *,
        targets: Mapping[str, str],
        signer: Signer,
        metrics: Metrics,
        clock: Clock,
        post_s: float = POST_S,
        gaps_ms: Sequence[int] = GAPS_MS,
    ) -> None:
        self._queue = queue
        self._http = http
        self._targets = {name: _Target(url, asyncio.Semaphore(AT_ONCE)) for name, url in targets.items()}
        self._signer = signer
        self._metrics = metrics
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=post_s, connect=min(post_s, 3.0))
        self._gaps_ms = gaps_ms

    async def turn(self) -> int:
        """Send what is due, at most 64; how many there were. Raises what the store raises."""
        jobs = await self._queue.take(TAKE, now_ms=self._clock.now_ms())
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(self._one(job))
        return len(jobs)

    async def _one(self, job: Job) -> None:
        target = self._targets.get(job.target)
        if target is None:  # taken out of the settings: dead, so that putting it back can replay it
            await self._queue.dead(job, now_ms=self._clock.now_ms())
            self._metrics.outgoing.labels("dead").inc()
            return
        async with target.slots:
            now = self._clock.now_ms()
            if now < target.rests_until_ms and now - job.first_ms < LIFE_MS:
                await self._queue.again(job, target.rests_until_ms + random.randrange(1000), attempt=job.attempt)
                return
            status, wait_ms = await self._post(target, job)
        if 200 <= status < 300:
            target.failures = 0
            await self._queue.done(job)
            self._metrics.outgoing.labels("delivered").inc()
            return
        await self._failed(target, job, status, wait_ms)

    async def _post(self, target: _Target, job: Job) -> tuple[int, int]:
        """(status, wait asked for in ms); status 0: no answer."""
        headers = self._signer.headers(webhook_id(job.webhook), int(time.time()), job.webhook.body)
        headers |= {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        try:
            async with self._http.post(
                target.url, data=job.webhook.body, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                return answer.status, retry_after_ms(answer.headers.get("Retry-After", ""), time.time())
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, 0

    async def _failed(self, target: _Target, job: Job, status: int, wait_ms: int) -> None:
        now, attempt = self._clock.now_ms(), job.attempt + 1
        target.failures += 1
        if target.failures >= REST_AFTER:
            target.rests_until_ms = now + REST_MS
        if attempt > len(self._gaps_ms) or now - job.first_ms >= LIFE_MS:
            kept = Job(job.webhook, job.target, attempt, job.first_ms)
            await self._queue.dead(kept, now_ms=now)
            self._metrics.outgoing.labels("dead").inc()
            log.warning("outgoing.dead", webhook=job.webhook.id, host=target.host, status=status, attempt=attempt)
            return
        gap_ms = self._gaps_ms[attempt - 1]
        at_ms = now + max(gap_ms + random.randrange(gap_ms // 10 + 1), min(wait_ms, 24 * HOUR_MS))
        await self._queue.again(job, at_ms, attempt=attempt)
        self._metrics.outgoing.labels("retry").inc()
        log.info("outgoing.retry", webhook=job.webhook.id, host=target.host, status=status, attempt=attempt, again_at_ms=at_ms)


def retry_after_ms(text: str, now_s: float) -> int:
    """What a Retry-After header asks for, 0 for none or one that is not understood."""
    if text.isascii() and text.isdigit():
        return min(int(text), 10**6) * 1000
    try:
        return max(int((parsedate_to_datetime(text).timestamp() - now_s) * 1000), 0)
    except (ValueError, TypeError):
        return 0


async def run_outgoing(
    sender: Sender,
    queue: Outgoing,
    *,
    metrics: Metrics,
    clock: Clock,
    stopping: asyncio.Event,
    wake: asyncio.Event,
    beat: Callable[[], None] = lambda: None,
    interval_s: float = 1.0,
) -> None:
    """Send until `stopping`: at once when `wake` is set (Hooks.pushed), else a look a second."""
    looked = 0.0
    while not stopping.is_set():
        beat()
        wake.clear()
        count = 0
        try:
            count = await sender.turn()
            if time.monotonic() - looked > 10:
                looked = time.monotonic()
                await queue.forget_dead(now_ms=clock.now_ms())
                depth = await queue.depth()
                for state in ("queued", "retrying", "dead"):
                    metrics.outgoing_waiting.labels(state).set(getattr(depth, state))
        except Exception as error:
            metrics.loop_failures.labels("outgoing").inc()
            log.warning("outgoing.failed", role="outgoing", error=type(error).__name__)
        if count == 0:
            await _either(stopping, wake, interval_s)


async def _either(stopping: asyncio.Event, wake: asyncio.Event, seconds: float) -> None:
    """Until one of them is set or the time is over."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stopping, wake)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def replay(
    *,
    queue: Outgoing,
    clock: Clock,
    since_ms: int,
    everything: bool = False,
    history: History | None = None,
    facts: Facts | None = None,
    targets: Sequence[str] = (),
    kinds: frozenset[str] = frozenset(),
    desks: Desks = NO_DESKS,
) -> int:
    """`webhooks replay --since`: queue again what died since then; how many jobs.

    everything: make all webhooks since then again from the history, also delivered ones, under their old ids: for a receiver
                that lost its data, and for what found no room in the queue. Needs history, facts, targets, kinds and desks, those
                that the fold has.
    """
    now_ms = clock.now_ms()
    count = await queue.replay_dead(since_ms, now_ms=now_ms)
    if not everything:
        return count
    if history is None or facts is None:
        raise BadInput([Problem("everything", "needs the history")])
    after: tuple[int, int, str] | None = None
    while page := await history.of_kinds(sorted(kinds), since_ms=since_ms, until_ms=now_ms, limit=500, after=after):
        webhooks = await make_webhooks(page, kinds, facts, desks)
        pushed = await queue.push(webhooks, targets, now_ms=now_ms)
        count += pushed.new
        if pushed.full:
            log.warning("outgoing.full", count=pushed.full)
            break
        last = page[-1]
        after = (last.at_ms, last.partition, last.stream_id)
    return count
