"""Finishes erasures that a crash interrupted, and has the append-only file rewritten: nothing erased lies in it for long."""

from __future__ import annotations

import structlog

from gateway.store.erasure import Erasure

log = structlog.get_logger()


async def finish_erasures(erasure: Erasure) -> int:
    """How many contacts are marked as erased or being erased; with any, the append-only file is rewritten (once a day)."""
    looked = await erasure.sweep()
    if looked:
        began = await erasure.rewrite_log()
        log.info("erasures.swept", count=looked, rewrite=began)
    return looked
