"""Warming up: shares for a sender that may not write to everybody yet. Pure.

A channel lets a new sender write to so many distinct people in 24 hours (its tier), and lets that grow with good use. The plan
begins with the share that fits, and doubles it each day; the governor takes a step only once the tier that is in force by then
has room for it, so the plan need not know when the tier grows.
"""

from __future__ import annotations

from gateway.rules.rollout import PLACES, Stage

ROOM = 0.8
"""Of the tier: the rest is for urgent news, which no roll-out keeps back, and for days that are busier than others."""
DAY_MS = 24 * 3600_000


def fits(share: int, people_a_day: float, tier: int) -> bool:
    """Whether a share of so many people stays inside the tier. tier: distinct people in 24 h, -1 unlimited"""
    return tier < 0 or share * people_a_day <= tier * ROOM * PLACES


def plan(people_a_day: int, tier: int) -> tuple[Stage, ...]:
    """Stages of a day each, from what fits today to everybody; each wants half of its people told before the next."""
    if tier < 0 or people_a_day <= 0:
        return (Stage(PLACES, 0),)
    share = max(1, min(PLACES, int(tier * ROOM * PLACES / people_a_day)))
    stages = []
    while share < PLACES:
        stages.append(Stage(share, DAY_MS, max(1, share * people_a_day // (2 * PLACES))))
        share *= 2
    return (*stages, Stage(PLACES, 0))
