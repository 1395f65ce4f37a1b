"""Wires the dispatch role together and runs it until stopping."""

from __future__ import annotations

from gateway.dispatch.brakes import Brakes
from gateway.dispatch.deliver import Deliverer, Deps
from gateway.dispatch.documents import DocumentDesk
from gateway.dispatch.worker import Dispatcher
from gateway.runtime import Runtime

SLOTS = 200


async def run(runtime: Runtime) -> None:
    settings = runtime.settings
    brakes = Brakes(runtime.senders, runtime.directory, runtime.clock, runtime.vault)
    deps = Deps(
        outbox=runtime.outbox,
        contacts=runtime.contacts,
        senders=runtime.senders,
        conversations=runtime.conversations,
        vault=runtime.vault,
        worlds=runtime.worlds,
        brakes=brakes,
        documents=DocumentDesk(runtime.documents, settings.document_hosts, allow_local=settings.sandboxed),
        directory=runtime.directory,
        connectors=runtime.connectors,
        clock=runtime.clock,
        metrics=runtime.metrics,
        send_timeout_s=settings.send_timeout_s,
        evidence_ms=settings.evidence_ms,
        lease_ms=settings.lease_ms,
    )
    dispatcher = Dispatcher(
        runtime.outbox,
        runtime.senders,
        runtime.webhooks,
        runtime.directory,
        brakes,
        Deliverer(deps),
        runtime.clock,
        runtime.wake,
        runtime.metrics,
        slots=SLOTS,
        lease_ms=settings.lease_ms,
        evidence_ms=settings.evidence_ms,
        beat=runtime.beats.expect("dispatch", 60),
    )
    await dispatcher.run(runtime.stopping, settings.drain_s)
    runtime.beats.leave("dispatch")
