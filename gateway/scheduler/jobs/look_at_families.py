"""Looks at the families that are due: brings them along with their journey, ends what is over. See families/keeper.py."""

from __future__ import annotations

import asyncio
import itertools
import time

import structlog

from gateway.errors import StoreUnavailable
from gateway.families.home import Home
from gateway.model.ids import SubjectId
from gateway.store import keys
from gateway.store.vault import KeyMissing

EVERY_S = 5
MOST = 50
"""Families of a partition in one turn; the rest is due still in the next."""
AT_ONCE = 8
TURN_S = 40.0
"""After that the rest waits for the next turn: a job has less than a minute."""
AGAIN_MS = 5 * 60_000
"""Until one that cannot be looked at is tried again: the others do not wait for it."""

log = structlog.get_logger()


async def look_at_families(home: Home) -> int:
    """How many were looked at. Idle it is one round trip. Raises StoreUnavailable."""
    due = await home.families.due_of(keys.all_partitions(), MOST)
    families = list(itertools.chain.from_iterable(due))
    end, count = time.monotonic() + TURN_S, 0
    while count < len(families) and time.monotonic() < end:
        some = families[count : count + AT_ONCE]
        count += len(some)
        results = await asyncio.gather(*(_look(home, one) for one in some), return_exceptions=True)
        for result in results:
            if result is not None:
                raise result
    return count


async def _look(home: Home, family: SubjectId) -> None:
    try:
        await home.look(family)
    except KeyMissing as error:  # it waits for GATEWAY_KEYS to be mended, and the others do not wait for it
        log.warning("family.key_missing", subject=family, problem=str(error))
        await home.families.look_at(family, home.clock.now_ms() + AGAIN_MS)
    except StoreUnavailable:
        raise
    except Exception as error:  # one that cannot be read must not keep the others waiting
        log.error("family.failed", subject=family, error=type(error).__name__)
        await home.families.look_at(family, home.clock.now_ms() + AGAIN_MS)
