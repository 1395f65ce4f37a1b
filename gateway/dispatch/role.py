"""Wires the dispatch role together and runs it until stopping."""

from __future__ import annotations

import asyncio

from gateway.dispatch.brakes import Brakes
from gateway.dispatch.deliver import Deliverer, Deps
from gateway.dispatch.documents import DocumentDesk
from gateway.dispatch.evidence import EvidenceClock
from gateway.dispatch.prepare import Preparer
from gateway.dispatch.purse import Purse
from gateway.dispatch.speaking import Speaking
from gateway.dispatch.ways import run_ways
from gateway.dispatch.worker import Dispatcher
from gateway.planning.legs import Deps as LegDeps
from gateway.planning.legs import Legs
from gateway.runtime import Runtime
from gateway.store import keys
from gateway.store.mentions import Mentions
from gateway.store.ownership import Ownership
from gateway.store.speakers import Speakers
from gateway.store.spending import Spending

SPEAKER_PATH = "/speaker.png"
"""Served by the public listener (the webhooks role)."""
SLOTS = 200


async def run(runtime: Runtime) -> None:
    settings = runtime.settings
    picture = settings.public_base + SPEAKER_PATH if settings.public_base else ""
    purse = Purse(runtime.tariffs, runtime.clock, Spending(runtime.connection.redis), runtime.metrics)
    brakes = Brakes(runtime.senders, runtime.directory, runtime.clock, runtime.vault, purse)
    mine = Ownership(runtime.connection.redis, runtime.clock, "ways", len(keys.all_partitions()))

    async def webhooks_are_taken() -> bool:
        return await mine.served("split")

    evidence = EvidenceClock(runtime.webhooks, runtime.clock, settings.evidence_ms, webhooks_are_taken)
    deps = Deps(
        outbox=runtime.outbox,
        contacts=runtime.contacts,
        senders=runtime.senders,
        vault=runtime.vault,
        preparer=Preparer(runtime.outbox, runtime.contacts, runtime.subjects, runtime.vault, runtime.worlds, runtime.clock),
        templates_stale=runtime.worlds.stale,
        brakes=brakes,
        documents=DocumentDesk(
            runtime.documents, settings.document_hosts, allow_local=settings.sandboxed, maker=runtime.maker, at_once=SLOTS // 2
        ),
        speaking=Speaking(Speakers(runtime.connection.redis, runtime.vault), picture),
        directory=runtime.directory,
        connectors=runtime.connectors,
        clock=runtime.clock,
        metrics=runtime.metrics,
        send_timeout_s=settings.send_timeout_s,
        evidence=evidence,
        lease_ms=settings.lease_ms,
    )
    dispatcher = Dispatcher(
        runtime.outbox,
        runtime.senders,
        evidence,
        runtime.directory,
        brakes,
        Deliverer(deps),
        Mentions(runtime.connection.redis, runtime.vault, runtime.conversations.desk),
        runtime.clock,
        runtime.wake,
        runtime.metrics,
        slots=SLOTS,
        lease_ms=settings.lease_ms,
        beat=runtime.beats.expect("dispatch", 60),
    )
    legs = Legs(
        LegDeps(
            runtime.outbox, runtime.contacts, runtime.vault, runtime.worlds, runtime.directory, runtime.connectors, runtime.clock,
            runtime.wake,
        )
    )  # fmt: skip
    ways_beat = runtime.beats.expect("dispatch.ways", 60)
    async with asyncio.TaskGroup() as group:
        group.create_task(
            run_ways(legs, mine, runtime.wake, runtime.metrics, runtime.stopping, ways_beat), name="ways"
        )
        group.create_task(mine.keep(runtime.stopping), name="owned")
        group.create_task(runtime.worlds.keep_young(runtime.stopping), name="world")
        await dispatcher.run(runtime.stopping, settings.drain_s)
    runtime.beats.leave("dispatch")
    runtime.beats.leave("dispatch.ways")
