"""When one event would reach so many people that somebody should look first. Pure.

Two measures: a number that is set, and what is usual for the notification. Usual is the mean of those hours of the last 14
days in which it was told to anybody; with fewer than LEAST_HOURS of them nothing is usual yet, and only the number counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

DAYS = 14
LEAST_HOURS = 24
LEAST_PEOPLE = 100
"""So few people are never held for being unusual."""
TIMES = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """people: of one event; 0 = no fuse at all. second: releasing more than this takes two; 0 = one is enough."""

    people: int = 10_000
    second: int = 50_000


def of_notifications(limits: Limits, own: Iterable[int | None]) -> Limits:
    """The limits of one event: of its notifications' own numbers, and the set one where there is none, the smallest."""
    numbers = [one if one is not None else limits.people for one in own]
    return replace(limits, people=min(numbers)) if limits.people and numbers else limits


@dataclass(frozen=True, slots=True)
class Blown:
    """why: "number" or "unusual"; limit: what it was measured by; notification: which one was unusual ("" = all together)."""

    why: str
    people: int
    limit: int
    notification: str = ""

    @property
    def sentence(self) -> str:
        if self.why == "number":
            return f"{self.people:,} people, more than {self.limit:,}"
        return f"{self.people:,} people for {self.notification}, more than {TIMES} times its usual hour ({self.limit // TIMES:,})"


def usual_hour(hours: Mapping[int, int], now_hour: int) -> int | None:
    """People an hour, from counts by hour (hours since the epoch); None where too little is known. This hour does not count."""
    told = [count for hour, count in hours.items() if now_hour - DAYS * 24 <= hour < now_hour and count > 0]
    return max(round(sum(told) / len(told)), 1) if len(told) >= LEAST_HOURS else None


def judge(people: int, limits: Limits, hours: Mapping[str, Mapping[int, int]], now_hour: int) -> Blown | None:
    """people: whom the event would reach; hours: notification -> people by hour. None: let it through."""
    if not limits.people:
        return None
    if people > limits.people:
        return Blown("number", people, limits.people)
    if people <= LEAST_PEOPLE:
        return None
    for name, counts in hours.items():
        usual = usual_hour(counts, now_hour)
        this_hour = people + counts.get(now_hour, 0)
        if usual is not None and this_hour > TIMES * usual:
            return Blown("unusual", this_hour, TIMES * usual, name)
    return None
