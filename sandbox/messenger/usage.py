"""How many calls an app made for a Page: 200 a moving day for each person the Page can message, told in percent.

Meta, "Messenger Platform rate limits", 23 March 2026. Kept in memory by the minute, for it is only a brake.
"""

from __future__ import annotations

from collections import deque

from sandbox.clock import DAY_MS, MINUTE_MS, Clock

CALLS_A_PERSON = 200


class Usage:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minutes: dict[str, deque[list[int]]] = {}
        self._totals: dict[str, int] = {}

    def forget(self) -> None:
        self._minutes.clear()
        self._totals.clear()

    def count(self, page_id: str, engaged: int) -> bool:
        """Count one call; False when it is one too many."""
        self._drop_old(page_id)
        minutes = self._minutes.setdefault(page_id, deque())
        minute = self._clock.now_ms() // MINUTE_MS
        if not minutes or minutes[-1][0] != minute:
            minutes.append([minute, 0])
        minutes[-1][1] += 1
        self._totals[page_id] = self._totals.get(page_id, 0) + 1
        return self._totals[page_id] <= engaged * CALLS_A_PERSON

    def percent(self, page_id: str, engaged: int) -> int:
        self._drop_old(page_id)
        return -(-self._totals.get(page_id, 0) * 100 // max(1, engaged * CALLS_A_PERSON))

    def regain_min(self, page_id: str) -> int:
        """Minutes until the oldest counted calls are a day old."""
        minutes = self._minutes.get(page_id)
        if not minutes:
            return 0
        return max(1, minutes[0][0] + DAY_MS // MINUTE_MS - self._clock.now_ms() // MINUTE_MS)

    def _drop_old(self, page_id: str) -> None:
        minutes, now = self._minutes.get(page_id), self._clock.now_ms() // MINUTE_MS
        while minutes and not now - DAY_MS // MINUTE_MS < minutes[0][0] <= now:
            self._totals[page_id] -= minutes.popleft()[1]
