"""Looks at the families that are due: brings them along with their journey, ends what is over. See families/keeper.py."""

from __future__ import annotations

import structlog

from gateway.errors import StoreUnavailable
from gateway.families.home import Home
from gateway.store import keys

EVERY_S = 5
MOST = 50
"""Families of a partition in one turn; the rest is due still in the next."""
AGAIN_MS = 5 * 60_000
"""Until one that cannot be looked at is tried again: the others do not wait for it."""

log = structlog.get_logger()


async def look_at_families(home: Home) -> int:
    """How many were looked at. Idle it is one round trip. Raises StoreUnavailable."""
    count = 0
    for found in await home.families.due_of(keys.all_partitions(), MOST):
        for family in found:
            count += 1
            try:
                await home.look(family)
            except StoreUnavailable:
                raise
            except Exception as error:  # one that cannot be read must not keep the others waiting
                log.error("family.failed", subject=family, error=type(error).__name__)
                await home.families.look_at(family, home.clock.now_ms() + AGAIN_MS)
    return count
