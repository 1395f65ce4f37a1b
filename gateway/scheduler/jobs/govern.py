"""Looks at the roll-outs once a minute: see insight/governor.py."""

from __future__ import annotations

from gateway.insight.governor import Governor

EVERY_S = 60


async def govern(governor: Governor) -> int:
    """How many roll-outs were raised or stopped."""
    return len(await governor.turn())
