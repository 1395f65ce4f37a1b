"""Two clocks must agree before a deadline decides: this process's, and the store's as the claim told it.

One of them may have been set wrong, and nobody here can know which. A message past its deadline by both is over, one before it
by both may go; while they differ it waits, half a minute at a time by the store's clock, and is neither sent too late nor dropped
too early. `doctor` names the machine whose clock is wrong.
"""

from __future__ import annotations

import structlog

from gateway.rules.verdict import AsTemplate, FreeText, Later, Reason, Suppressed
from gateway.store.outbox import Claimed, Settlement

NEAR_MS = 5_000
"""Clocks this close are one clock."""
AGAIN_MS = 30_000

log = structlog.get_logger()


def disagree(claimed: Claimed, verdict: FreeText | AsTemplate | Later | Suppressed, now_ms: int) -> Settlement | None:
    """How to put a message off whose deadline only one of the clocks has passed; None where they agree.

    now_ms: this process's
    """
    if not claimed.store_ms or abs(claimed.store_ms - claimed.leased_at_ms) <= NEAR_MS:
        return None
    over = store_now(claimed, now_ms) >= claimed.record.deadline_ms
    if over == (now_ms >= claimed.record.deadline_ms) or not _by_time(verdict):
        return None
    off_ms = claimed.leased_at_ms - claimed.store_ms
    log.warning("dispatch.clocks_differ", message_id=claimed.id, ahead_of_store_ms=off_ms)
    return Settlement(claimed, "l", claimed.attempt, wait_ms=AGAIN_MS, reason="clocks_differ", detail=f"off={off_ms}")


def earlier(claimed: Claimed, now_ms: int) -> int:
    """Now, by the one of the two clocks that is behind: what asks whether it is too late for something must ask this.

    now_ms: this process's
    """
    return min(now_ms, store_now(claimed, now_ms))


def store_now(claimed: Claimed, now_ms: int) -> int:
    """Now, by the store's clock as the claim told it: what is added to it is a time that the store can be asked to wait for.

    now_ms: this process's
    """
    if not claimed.store_ms:
        return now_ms
    return claimed.store_ms + max(now_ms - claimed.leased_at_ms, 0)


def _by_time(verdict: FreeText | AsTemplate | Later | Suppressed) -> bool:
    """Whether it hangs on the deadline: it would go, or end for being too late."""
    return not isinstance(verdict, Suppressed) or verdict.reason is Reason.EXPIRED
