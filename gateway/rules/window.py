"""The service window: how long after a person's last words a channel lets us write freely.

WhatsApp counts 24 hours from their last message or call to the same number; our own templates, deliveries and reads
open nothing. Free text sent outside usually gets a 200 and fails afterwards, so the clock is kept here and stops early.
"""

from __future__ import annotations

SERVER_MARGIN_MS = 60_000
"""We stop this much before the channel does: clocks differ, and a request needs time to get there."""


def open_until(opened_at_ms: int, window_ms: int) -> int:
    """When the channel closes the window that their message at `opened_at_ms` opened (UTC ms)."""
    return opened_at_ms + window_ms


def is_open(opened_at_ms: int | None, window_ms: int, now_ms: int) -> bool:
    """Whether free text may still be handed to the channel: the window ends more than the margin from now."""
    return _left_ms(opened_at_ms, window_ms, now_ms) > 0


def minutes_left(opened_at_ms: int | None, window_ms: int, now_ms: int) -> int:
    """Whole minutes in which free text will still be taken, margin already off; 0 when closed."""
    return max(0, _left_ms(opened_at_ms, window_ms, now_ms)) // 60_000


def _left_ms(opened_at_ms: int | None, window_ms: int, now_ms: int) -> int:
    if opened_at_ms is None:
        return 0
    # A time ahead of ours is the channel's clock, not a longer window: it never counts for more than "just now".
    return open_until(min(opened_at_ms, now_ms), window_ms) - SERVER_MARGIN_MS - now_ms
