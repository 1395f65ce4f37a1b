"""A flood: more messages of one address within a minute than anybody writes by hand.

Nothing of it is lost and no conversation is opened for it: it is kept, its supervisor is told once, and the page folds what is
beyond the first of each minute, so that the words before it stay in sight.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST = 20
"""So many messages within a minute are a person in a hurry; one more is a flood."""
WINDOW_MS = 60_000
AGAIN_MS = 3600 * 1000
"""So long nobody is told of the same conversation's flood again."""


def beyond(times_ms: Sequence[int]) -> list[bool]:
    """Per message, in their order, whether it comes after `MOST` others of the minute before it."""
    return [at >= MOST and time - times_ms[at - MOST] < WINDOW_MS for at, time in enumerate(times_ms)]
