"""Rows: what was measured, its raw figures, the ratio and what it should be."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from bench.children import ROOT


@dataclass(frozen=True, slots=True)
class Row:
    """ours, bare: medians in `unit`; ratio: the median of the rounds' own ratios.

    target: what the ratio should reach, "at least" for a rate and "at most" for a time or a size; None = no promise is made
    rounds: (ours, bare) of each round in turn, so that a reader sees how much they differ
    """

    name: str
    unit: str
    ours: float
    bare: float
    ratio: float
    target: float | None
    least: bool
    against: str
    rounds: list[tuple[float, float]] = field(default_factory=list)
    note: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What names a row: two may compare the same with something else."""
        return self.name, self.against

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.ratio >= self.target if self.least else self.ratio <= self.target

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}


def alternated(
    name: str, unit: str, rounds: Sequence[tuple[float, float]], target: float | None, against: str, *, least: bool = True,
    note: str = "",
) -> Row:  # fmt: skip
    """A row of rounds (ours, bare) that were taken in turn."""
    return Row(
        name,
        unit,
        statistics.median(ours for ours, _ in rounds),
        statistics.median(bare for _, bare in rounds),
        statistics.median(ours / bare for ours, bare in rounds),
        target,
        least,
        against,
        list(rounds),
        note,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def line(row: Row) -> str:
    """One row as two lines for people."""
    wanted = ""
    if row.target is not None:
        sign = ">=" if row.least else "<="
        wanted = f"  {'met' if row.met else 'MISSED'} ({sign} {row.target:g})"
    head = f"{row.name:<38} {figure(row.ours):>9} {row.unit:<10} ratio {row.ratio:5.2f}{wanted}"
    tail = f"    {row.against}: {figure(row.bare)} {row.unit}"
    if len(row.rounds) > 1:
        ratios = [ours / bare for ours, bare in row.rounds]
        tail += f"; rounds {min(ratios):.2f} to {max(ratios):.2f}"
    if row.note:
        tail += f"; {row.note}"
    return f"{head}\n{tail}"


def machine() -> dict[str, Any]:
    """What the figures were taken on, and when. load: of the last minute, before anything was started."""
    commit = ""
    if shutil.which("git"):
        asked = ["git", "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit or "unknown",
    }
