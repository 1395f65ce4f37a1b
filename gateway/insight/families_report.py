"""Families, measured: how many passes led to one, how many follow, who stops, and who was answered without a person.

Counted of the folded facts of a time, so a family that began before it counts with those who joined within it. No personal data.
Passes are the messages of those notifications that offer to tell the home front (`offers`): pictures, tickets and files alike,
each counted once though it may be told by several ways.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from gateway.insight.tables import facts_table
from gateway.model.family import PURPOSE

KINDS = ("family_made", "family_joined", "family_left", "family_door", "family_asked", "family_ended")


@dataclass(frozen=True, slots=True)
class Measures:
    """passes: told with the offer below them; made: families that began; joined: members; largest: most in one family at a time

    left, ended: why -> how many; asked: "answered" (at once) and "person" -> questions; told: messages planned for members
    shut: doors that closed by themselves because so many came
    """

    passes: int = 0
    made: int = 0
    joined: int = 0
    followed: int = 0
    """families that somebody joined"""
    largest: int = 0
    told: int = 0
    shut: int = 0
    left: Mapping[str, int] = field(default_factory=dict)
    asked: Mapping[str, int] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)

    @property
    def per_pass(self) -> float | None:
        return self.made / self.passes if self.passes else None

    @property
    def per_family(self) -> float | None:
        """Members of a family that somebody joined."""
        return self.joined / self.followed if self.followed else None

    @property
    def stopped(self) -> float | None:
        """Of who joined, the share that stopped."""
        return self.left.get("stopped", 0) / self.joined if self.joined else None

    @property
    def unaided(self) -> float | None:
        """Of the questions, the share that was answered without a person."""
        asked = sum(self.asked.values())
        return self.asked.get("answered", 0) / asked if asked else None


def read(connection: Connection, offers: Sequence[str], *, since_ms: int, until_ms: int) -> Measures:
    """Of what happened in [since, until). offers: names of the notifications with the offer below them."""
    columns = facts_table.c
    within = (columns.at_ms >= since_ms, columns.at_ms < until_ms)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    joined: Counter[str] = Counter()
    largest = 0
    for row in connection.execute(sql.select(columns.kind, columns.ids, columns.detail).where(columns.kind.in_(KINDS), *within)):
        detail = row.detail
        counts[row.kind][detail.get("why") or detail.get("door") or detail.get("by") or ""] += 1
        if row.kind == "family_joined":
            joined[next((one for one in row.ids.split() if one.startswith("j")), "")] += 1
            largest = max(largest, int(detail.get("members", "1")))

    def enqueued(key: str, values: Sequence[str]) -> int:
        named = columns.detail[key].as_string().in_(values)
        another = columns.detail["after"].as_string()
        asked = sql.select(sql.func.count()).where(columns.kind == "enqueued", *within, named, another.is_(None))
        return int(connection.execute(asked).scalar_one())

    return Measures(
        passes=enqueued("nt", offers),
        made=counts["family_made"].total(),
        joined=joined.total(),
        followed=len(joined),
        largest=largest,
        told=enqueued("pu", [PURPOSE]),
        shut=counts["family_door"]["too_many"],
        left=dict(counts["family_left"]),
        asked=dict(counts["family_asked"]),
        ended=dict(counts["family_ended"]),
    )
