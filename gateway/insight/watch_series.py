"""What the watch remembers: each figure of each process for as long as the longest rule looks back.

Rules as in Prometheus 3 ("Querying basics" and "Query functions", prometheus.io, 2026): a figure counts for five minutes after it
was last seen, unless its process is known to be gone; `increase` forgives a counter that began again at zero and reaches out to
the edges of its range.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

LOOKBACK_S = 300.0

Labels = tuple[tuple[str, str], ...]
"""(name, value) pairs in the order of their names"""


def labels_of(values: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, value) for name, value in values.items() if value != ""))


class Window:
    """keep_s: how far back `increase` may look."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = max(keep_s, LOOKBACK_S)
        self._series: dict[str, dict[Labels, deque[tuple[float, float]]]] = {}
        self._gone: set[tuple[str, Labels]] = set()

    def add(self, name: str, labels: Mapping[str, str], at_s: float, value: float) -> None:
        key = labels_of(labels)
        points = self._series.setdefault(name, {}).setdefault(key, deque())
        self._gone.discard((name, key))
        points.append((at_s, value))
        while points and points[0][0] < at_s - self._keep_s - 1:
            points.popleft()

    def gone(self, instance: str, *, but: str = "up") -> None:
        """Nothing of this process counts any more, until it is heard again; increases over the past still do."""
        for name, found in self._series.items():
            if name != but:
                self._gone |= {(name, labels) for labels in found if ("instance", instance) in labels}

    def forget(self, before_s: float) -> None:
        """Drop what nobody has spoken of since then."""
        for name, found in list(self._series.items()):
            for labels in [one for one, points in found.items() if not points or points[-1][0] < before_s]:
                del found[labels]
                self._gone.discard((name, labels))

    def latest(self, name: str, at_s: float) -> Iterator[tuple[Labels, float]]:
        for labels, points in self._series.get(name, {}).items():
            if (name, labels) in self._gone:
                continue
            found = next((point for point in reversed(points) if point[0] <= at_s), None)
            if found is not None and found[0] > at_s - LOOKBACK_S:
                yield labels, found[1]

    def increases(self, name: str, at_s: float, range_s: float) -> Iterator[tuple[Labels, float]]:
        for labels, points in self._series.get(name, {}).items():
            inside = [point for point in points if at_s - range_s < point[0] <= at_s]
            if len(inside) >= 2:
                yield labels, increase(inside, at_s - range_s, at_s)


def increase(points: list[tuple[float, float]], begin_s: float, end_s: float) -> float:
    """How much a counter grew between two times, seen at two or more points in between."""
    (first_s, first), (last_s, _) = points[0], points[-1]
    grown, before = 0.0, first
    for _, value in points[1:]:
        grown += value if value < before else value - before
        before = value
    seen_s = last_s - first_s
    mean_s = seen_s / (len(points) - 1)
    near_s = mean_s * 1.1
    to_begin, to_end = first_s - begin_s, end_s - last_s
    if to_begin >= near_s:
        to_begin = mean_s / 2
    if grown > 0 and first >= 0:
        to_begin = min(to_begin, seen_s * first / grown)  # a counter was never below zero
    if to_end >= near_s:
        to_end = mean_s / 2
    return grown * (seen_s + to_begin + to_end) / seen_s
