"""Times as channels tell them."""

from __future__ import annotations


def end_of(at_ms: int) -> int:
    """A time told in whole seconds, as its last millisecond: a stop is later than a consent given in the same second."""
    return at_ms + 999 if at_ms % 1000 == 0 else at_ms
