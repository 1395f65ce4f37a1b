"""Who is next: how long somebody has waited, and the largest single reason to go before others.

Everything that ranks is turned into one moment, `rank_ms`: since when they wait, less the boost. The earliest goes first, no
clock need touch a queue, and age wins in the end: a boost of 20 minutes is overtaken by who waited 20 minutes longer. Only the
queue of a crisis, which a person declared, goes before all others, and words that cannot wait before that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from gateway.model.conversation import Conversation
from gateway.model.webcare import BOOST_S, Boost
from gateway.rules.routing import AHEAD

DEPARTS_WITHIN_MS = 2 * 3600 * 1000
AHEAD_S = BOOST_S[Boost.DEPARTS_SOON]
"""Whoever lost their journey and asked for another stands in a queue of their own, as far ahead as who is about to leave."""


def largest(boosts: Iterable[Boost]) -> Boost | None:
    """The one that counts; what lowers counts only where nothing raises."""
    return max(boosts, key=lambda one: BOOST_S.get(one, 0), default=None)


def departs_soon(departures_ms: Iterable[int], now_ms: int) -> bool:
    """Whether one of somebody's open journeys leaves within two hours. What has left does not count."""
    return any(0 <= at - now_ms <= DEPARTS_WITHIN_MS for at in departures_ms)


def place_ms(one: Conversation) -> int:
    """Its place among all queues: the lower, the sooner."""
    return one.rank_ms - (AHEAD_S * 1000 if one.queue == AHEAD and one.boost_s < AHEAD_S else 0)


def order(conversations: Iterable[Conversation], first: Collection[str] = ()) -> list[Conversation]:
    """By rank: words that cannot wait, who comes back to their own agent, crises, then all others by their place.

    Those that come back take nobody's turn but their own agent's next free slot, which is theirs before anybody new.
    """

    def key(one: Conversation) -> tuple[int, int, int, str]:
        kind = 0 if one.safety else 1 if one.owner is not None else 2 if one.queue in first else 3
        return kind, place_ms(one), one.opened_ms, one.id

    return sorted(conversations, key=key)


def positions(ordered: Sequence[Conversation]) -> dict[tuple[str, str], list[Conversation]]:
    """Those who wait, in their order, by brand and queue."""
    found: dict[tuple[str, str], list[Conversation]] = {}
    for one in ordered:
        found.setdefault((one.brand, one.queue), []).append(one)
    return found
