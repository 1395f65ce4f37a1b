"""The queues there are without anybody naming them."""

from __future__ import annotations

GENERAL = "general"
"""The queue that every brand has, so that no conversation is without one."""


AHEAD = "rebooking"
"""Whoever asked for another journey, or for their money, after theirs was cancelled: answered before the general one."""
QUEUES = (AHEAD, GENERAL)
"""The queues there always are, in the order in which they are answered; those of crises go before them."""
