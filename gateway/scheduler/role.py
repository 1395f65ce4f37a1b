"""Wires the scheduler role together: APScheduler's jobs under leases, the fold of the facts, outgoing webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from gateway.errors import StoreError
from gateway.insight import hooks, watch_rules
from gateway.insight.closed import Closed
from gateway.insight.closing import keep_closed
from gateway.insight.desk_hooks import desks_of
from gateway.insight.fold import Fold, Hooks, run_fold
from gateway.insight.governor import Governor
from gateway.insight.history import History, open_history
from gateway.insight.outgoing import Sender as HookSender
from gateway.insight.outgoing import run_outgoing
from gateway.insight.retention import forget_old
from gateway.insight.watch import Watch, run_watch
from gateway.insight.watch_gauges import Survey
from gateway.insight.watch_post import Poster
from gateway.insight.watch_signs import instance_of, samples_of
from gateway.insight.watch_work import Work
from gateway.rules.queueing import queues_of
from gateway.runtime import Runtime
from gateway.scheduler.jobs.finish_erasures import finish_erasures
from gateway.scheduler.jobs.govern import EVERY_S, govern
from gateway.scheduler.jobs.look_at_families import EVERY_S as FAMILIES_S
from gateway.scheduler.jobs.look_at_families import look_at_families
from gateway.scheduler.jobs.sync_capabilities import sync_capabilities
from gateway.scheduler.jobs.sync_senders import sync_senders
from gateway.scheduler.jobs.sync_templates import sync_templates
from gateway.store.alarms import Alarms
from gateway.store.conversation_records import Records
from gateway.store.erasure import Erasure
from gateway.store.facts import Facts
from gateway.store.incidents import Incidents
from gateway.store.leases import Leases
from gateway.store.outgoing import Outgoing
from gateway.store.readings import Readings
from gateway.store.rollouts import Rollouts
from gateway.store.signs import Signs

HOUR_S = 3600
MINUTE_S = 60
JOB_LEASE_MS = 60_000
GIVE_BACK_S = 2.0

log = structlog.get_logger()


async def run(runtime: Runtime) -> None:
    history = await open_history(runtime.settings.history_url)
    scheduler = AsyncIOScheduler(timezone="UTC")
    leases = Leases(runtime.connection.redis)
    try:
        for name, seconds, work in _jobs(runtime, history):
            scheduler.add_job(
                _one(runtime, leases, name, work), "interval", seconds=seconds, id=name, coalesce=True, max_instances=1
            )
        scheduler.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(_fold(runtime, history, group), name="fold")
            group.create_task(_watch(runtime, leases), name="watch")
            # Beside fold and alerts: a channel that does not answer takes a minute a job, and would keep both from beginning.
            first = group.create_task(_first_round(runtime, history, leases), name="first round")
            await runtime.stopping.wait()
            first.cancel()
    finally:
        scheduler.shutdown(wait=False)
        await _give_back(leases, [f"job:{name}" for name, _, _ in _jobs(runtime, history)])
        await history.close()


async def _give_back(leases: Leases, names: Sequence[str]) -> None:
    """Who starts after us need not wait for our leases to run out: a minute in which nothing would be done by the clock."""
    try:
        async with asyncio.timeout(GIVE_BACK_S):
            await leases.release(names)
    except (StoreError, TimeoutError) as error:
        log.info("leases.kept", role="scheduler", error=type(error).__name__)


async def _first_round(runtime: Runtime, history: History, leases: Leases) -> None:
    for name, _, work in _jobs(runtime, history):
        await _one(runtime, leases, name, work)()


def _jobs(runtime: Runtime, history: History) -> list[tuple[str, int, Callable[[], Awaitable[object]]]]:
    async def templates() -> None:
        await sync_templates(runtime.directory, runtime.template_admins, runtime.senders, runtime.catalogue)
        runtime.worlds.stale()

    async def first_templates() -> None:
        found = await sync_templates(
            runtime.directory, runtime.template_admins, runtime.senders, runtime.catalogue, unread=True
        )
        if found:
            runtime.worlds.stale()

    async def capabilities() -> None:
        await sync_capabilities(runtime.directory, runtime.probes, runtime.senders)
        runtime.worlds.stale()

    async def numbers() -> None:
        await sync_senders(runtime.directory, runtime.number_of, runtime.senders)

    erasure = Erasure(
        runtime.connection.redis,
        runtime.clock,
        runtime.vault,
        runtime.contacts,
        runtime.conversations,
        runtime.directory.ids,
        runtime.pairs,
        runtime.past,
    )

    async def erasures() -> None:
        await finish_erasures(erasure)

    async def families() -> None:
        await look_at_families(runtime.home)

    governor = Governor(
        Rollouts(runtime.connection.redis, runtime.clock), Facts(runtime.connection.redis), runtime.senders, runtime.directory,
        history, runtime.clock,
    )  # fmt: skip

    async def rollouts() -> None:
        await govern(governor)

    closed = Closed(history.database, runtime.vault)

    async def closing() -> None:
        await keep_closed(Records(runtime.connection.redis), closed, runtime.clock)

    async def forgetting() -> None:
        days, months = runtime.settings.text_days, runtime.settings.fact_months
        await forget_old(Records(runtime.connection.redis), closed, runtime.clock, text_days=days, fact_months=months)

    return [
        ("keep_closed", MINUTE_S, closing),
        ("forget_old", HOUR_S, forgetting),
        ("sync_templates", HOUR_S, templates),
        ("first_templates", MINUTE_S, first_templates),
        ("sync_capabilities", HOUR_S, capabilities),
        ("sync_senders", HOUR_S, numbers),
        ("finish_erasures", HOUR_S, erasures),
        ("govern", EVERY_S, rollouts),
        ("families", FAMILIES_S, families),
    ]


def _one(
    runtime: Runtime, leases: Leases, name: str, work: Callable[[], Awaitable[object]]
) -> Callable[[], Awaitable[None]]:
    async def job() -> None:
        try:
            if not (await leases.acquire([f"job:{name}"], JOB_LEASE_MS))[0]:
                return
            async with asyncio.timeout(JOB_LEASE_MS / 1000 - 5):
                await work()
        except Exception as error:
            runtime.metrics.loop_failures.labels("scheduler").inc()
            log.warning("job.failed", role="scheduler", job=name, error=type(error).__name__)

    return job


async def _watch(runtime: Runtime, leases: Leases) -> None:
    settings, metrics = runtime.settings, runtime.metrics
    redis = runtime.connection.redis
    rules = watch_rules.load_here()
    names, instance = watch_rules.names_of(rules), instance_of(settings.internal_port)
    poster = Poster(runtime.session, settings.alert_url, metrics, env=settings.env.value) if settings.alert_url else None
    survey = Survey(
        readings=Readings(redis, runtime.clock), senders=runtime.senders, webhooks=runtime.webhooks,
        directory=runtime.directory, catalogue=runtime.catalogue, settings=settings, metrics=metrics, clock=runtime.clock,
    )  # fmt: skip
    work = Work(
        readings=Readings(redis, runtime.clock), fans=runtime.fans, subjects=runtime.subjects,
        first_queues=Incidents(redis, runtime.clock).first_queues, metrics=metrics, queues=queues_of(runtime.desk_plan),
    )  # fmt: skip

    async def look() -> None:
        await survey.look()
        await work.look()

    watch = Watch(
        Signs(redis), rules, own=lambda: (instance, samples_of(metrics, names)), poster=poster, metrics=metrics,
        alarms=Alarms(redis),
    )  # fmt: skip
    await run_watch(
        watch, leases=leases, survey=look, metrics=metrics, stopping=runtime.stopping,
        beat=runtime.beats.expect("watch", 120),
    )  # fmt: skip


async def _fold(runtime: Runtime, history: History, group: asyncio.TaskGroup) -> None:
    settings, metrics, clock = runtime.settings, runtime.metrics, runtime.clock
    redis = runtime.connection.redis
    pushed = asyncio.Event()
    outgoing_hooks = None
    if settings.webhook_targets and settings.webhook_secret is not None:
        targets = hooks.check_targets(settings.webhook_targets)
        queue = Outgoing(redis)
        types = settings.webhook_types or hooks.DEFAULT_TYPES
        desks = desks_of(runtime.desk_plan, settings.webhook_conversations)
        outgoing_hooks = Hooks(queue, list(targets), hooks.kinds_of(types), desks, pushed.set)
        signer = hooks.Signer(settings.webhook_secret)
        sender = HookSender(
            queue, runtime.session, targets=targets, signer=signer, metrics=metrics, clock=clock
        )
        group.create_task(
            run_outgoing(
                sender, queue, metrics=metrics, clock=clock, stopping=runtime.stopping, wake=pushed,
                beat=runtime.beats.expect("outgoing", 60),
            ),
            name="outgoing",
        )  # fmt: skip
    catalogue = runtime.catalogue

    def is_news(name: str) -> bool:
        known = catalogue.get(name)
        return known is None or known.kind == "notification"

    fold = Fold(
        facts=Facts(redis), history=history, metrics=metrics, clock=clock, hooks=outgoing_hooks, is_news=is_news
    )
    await run_fold(
        fold, leases=Leases(redis), history=history, metrics=metrics, clock=clock, stopping=runtime.stopping,
        beat=runtime.beats.expect("fold", 60), keep_months=settings.fact_months, audit_months=settings.audit_months,
    )  # fmt: skip
