"""How long somebody will wait: their place in the queue, divided by how fast it was worked off lately.

How fast is an average over the last quarter of an hour that forgets smoothly. Under three in a quarter of an hour nobody knows,
and nothing is said that might be wrong. People are told in steps, and again only when it got worse by a step: a number that is
corrected every minute is a number that nobody believes. A queue is worked off while it is open: who would be next after it
closes is told of a wait with the closed hours in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gateway.model.webcare import Calendar
from gateway.rules.calendars import after_open_ms

WINDOW_MS = 15 * 60 * 1000
LEAST = 3
"""So many in the window before a wait is predicted."""
SETTLED_MS = 60_000
"""An average of less time than this is none."""
STEPS_MIN = (2, 5, 10, 15, 30)
UNKNOWN_STEP = len(STEPS_MIN) - 2
"""Who was told "we do not know how long" is told a time only when it is a long one: as if they had been told 15 minutes."""


@dataclass(frozen=True, slots=True)
class Flow:
    """How fast a queue is worked off. weight: conversations of the window, each fading with its age; last: the newest times."""

    weight: float = 0.0
    at_ms: int = 0
    since_ms: int = 0
    last: tuple[int, ...] = ()

    def served(self, now_ms: int, count: int = 1) -> Flow:
        """So many were given to an agent now."""
        weight = self._weight_at(now_ms) + count
        return Flow(weight, now_ms, self.since_ms or now_ms, (*self.last, *[now_ms] * min(count, LEAST))[-LEAST:])

    def per_minute(self, now_ms: int) -> float | None:
        """None while too few were served to say."""
        if len(self.last) < LEAST or now_ms - self.last[0] > WINDOW_MS or now_ms - self.since_ms < SETTLED_MS:
            return None
        seen = 1 - math.exp(-(now_ms - self.since_ms) / WINDOW_MS)  # of an average that began lately, so much is there yet
        return self._weight_at(now_ms) / (WINDOW_MS / 60_000 * seen)

    def predicted_s(self, position: int, now_ms: int, calendar: Calendar | None = None) -> int | None:
        """By the clock on the wall. position: 1 is next; calendar: when its queue is open. None = unknown."""
        rate = self.per_minute(now_ms)
        if not rate:
            return None
        at_ms = after_open_ms(calendar, now_ms, math.ceil(position / rate * 60) * 1000)
        return math.ceil((at_ms - now_ms) / 1000) if at_ms is not None else None

    def _weight_at(self, now_ms: int) -> float:
        return self.weight * math.exp(-max(now_ms - self.at_ms, 0) / WINDOW_MS)


def step_of(wait_s: int | None) -> int:
    """0: under 2 minutes ... 4: under 30, 5: longer."""
    if wait_s is None:
        return UNKNOWN_STEP
    return next((step for step, minutes in enumerate(STEPS_MIN) if wait_s < minutes * 60), len(STEPS_MIN))


def tell_again(told: int | None, step: int) -> bool:
    """Whether somebody who was told a step (None: nothing yet) is told this one."""
    return told is None or step > told
