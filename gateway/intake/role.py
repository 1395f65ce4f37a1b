"""The intake role's loop: events whose time has come, and one turn each for the fan-outs under way."""

from __future__ import annotations

import structlog

from gateway.errors import StoreError
from gateway.intake.expand import Expander, Stores
from gateway.intake.orders import Orders
from gateway.runtime import Runtime
from gateway.store import keys
from gateway.store.ownership import Ownership

IDLE_S = 1.0

log = structlog.get_logger()


def make_expander(runtime: Runtime) -> Expander:
    orders = Orders(
        runtime.contacts,
        runtime.subjects,
        runtime.vault,
        runtime.directory,
        runtime.connectors,
        runtime.settings.brand,
    )
    stores = Stores(
        runtime.events,
        runtime.subjects,
        runtime.contacts,
        runtime.outbox,
        runtime.fans,
        runtime.documents,
        runtime.vault,
    )
    return Expander(stores, orders, runtime.worlds, runtime.clock, runtime.wake, runtime.settings.country)


async def run(runtime: Runtime) -> None:
    """Expand until stopping, then give the partitions back."""
    expander = make_expander(runtime)
    partitions = Ownership(runtime.connection.redis, runtime.clock, "expand", len(keys.all_partitions()))
    beat = runtime.beats.expect("expand", 60)
    runtime.wake.serve("expand")
    while not runtime.stopping.is_set():
        count = 0
        try:
            mine = await partitions.mine()
            count = await expander.look(mine) + await expander.chunks(mine)
            beat()
        except (StoreError, OSError, TimeoutError) as error:
            log.warning("expand.store_unavailable", role="intake", error=type(error).__name__)
        except Exception as error:
            runtime.metrics.loop_failures.labels("intake").inc()
            log.exception("expand.failed", role="intake", error=type(error).__name__)
        if not count:
            await runtime.wake.wait("expand", IDLE_S)
    await partitions.release()
    runtime.beats.leave("expand")
