"""What a run found, as lines, as JSON, and as a page with a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torture.run import Outcome


def rows(outcome: Outcome) -> list[tuple[str, int, list[str]]]:
    """(what is counted, how many, each of them)"""
    verdict = outcome.verdict
    doubles = [f"{one.message} attempt {one.attempt}: {one.reason}" for one in verdict.forbidden]
    return [
        ("lost", len(verdict.lost), verdict.lost),
        ("out of order", len(verdict.disorder), verdict.disorder),
        ("stale", len(verdict.stale), verdict.stale),
        ("doubles in spite of evidence", len(doubles), doubles),
        ("strange", len(verdict.strange), verdict.strange),
        ("refused", len(verdict.refused), verdict.refused),
    ]


def lines(outcome: Outcome) -> str:
    found = []
    for name, count, each in rows(outcome):
        found.append(f"{name:30} {count}")
        found += [f"    {one}" for one in each[:30]]
    allowed = [one for one in outcome.verdict.doubles if one.allowed]
    found.append(f"{'doubles without evidence':30} {len(allowed)}")
    found += [f"    {one.message} attempt {one.attempt}: {one.reason}" for one in allowed]
    found.append("")
    found += [f"{name:30} {count}" for name, count in outcome.verdict.counts.items()]
    found += [f"{'kills':30} {len(outcome.kills)}"]
    found += [f"not told, {reason:20} {count}" for reason, count in outcome.verdict.ends.most_common()]
    settled = "not in time" if outcome.settled_s is None else f"{outcome.settled_s:.1f} s"
    found.append(f"{'settled after':30} {settled}")
    found.append(f"{'ended by themselves':30} {outcome.ended_alone or 'none'}")
    found.append(f"{'taken':30} {outcome.taken_s:.0f} s")
    return "\n".join(found)


def as_json(outcome: Outcome) -> dict[str, Any]:
    return {name: count for name, count, _ in rows(outcome)}


def write(outcome: Outcome, path: Path) -> None:
    raise NotImplementedError
