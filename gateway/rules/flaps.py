"""A value that goes back and forth is told when it has settled. Pure: what was known of a value and a new one go in, out
comes until when telling it waits.

    10:00:00  gate D5 -> D7   at once, as always
    10:01:00  D7 -> D5        a value it had within the last three minutes: it flaps. Waits until 10:03:00
    10:02:00  D5 -> D7        flaps on; takes the place of what waits, and waits until the same 10:03:00
    10:02:30  D7 -> E1        a new value: at once, in the place of what waits

The wait ends a window after the value was first left, and no later flip makes it longer. Whoever's phone says the settled
value when the wait is over is told nothing (dispatch/settled.py).

    memory = {"values": [["3f09", 0, 0], ["a1c4", 1795344000000, 1]], "until": 0}

values: print of the value, since when (ms; 0 = before we looked), whether it was told as news; oldest first, the last one is
the present one. until: when the last wait ends or ended (ms).
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Memory = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settling:
    """What planning needs to know of a value that is told.

    value:    its print
    until_ms: telling waits until then; 0 = it does not flap
    base:     print of the value that held before any was told as news: who was handed nothing goes by it; "" = there was none,
              or it is too long ago to matter
    """

    value: str
    until_ms: int = 0
    base: str = ""


def print_of(value: Any) -> str:
    """Enough of a value to see whether it is another one: JSON in, eight characters out."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=4).hexdigest()


def told(memory: Memory | None, *, before: str, value: str, now_ms: int, window_ms: int) -> tuple[dict[str, Any], Settling]:
    """A value is told: (memory after it, what planning needs).

    before:    print of the value until now, used while nothing of it is remembered; "" = nothing was known
    window_ms: within which a value that comes back flaps
    A clock that was set back or forward never makes a wait longer than the window.
    """
    known = dict(memory or {})
    values = [(str(one), min(int(since), now_ms), bool(news)) for one, since, news in known.get("values", ())]
    if not values and before:
        values.append((before, 0, False))
    held_until = min(int(known.get("until", 0)), now_ms + window_ms)
    values = _recent(values, now_ms - window_ms)
    present = values[-1][0] if values else ""
    until = 0
    if value == present:
        until = held_until if held_until > now_ms else 0
        values[-1] = (present, values[-1][1], True)
    else:
        left = _left_at(values, value)
        if left is not None:
            until = held_until if held_until > now_ms else left + window_ms
        values.append((value, now_ms, True))
    base = next((one for one, _, news in values if not news), "")
    after = {"values": [[one, since, int(news)] for one, since, news in values], "until": until or held_until}
    return after, Settling(value, until if until > now_ms else 0, base)


def _recent(values: list[tuple[str, int, bool]], after_ms: int) -> list[tuple[str, int, bool]]:
    """Without the values that were left before: the present one always stays."""
    return [one for one, (_, left, _) in itertools.pairwise(values) if left > after_ms] + values[-1:]


def _left_at(values: list[tuple[str, int, bool]], value: str) -> int | None:
    """When this value was first left for another; None where it was not among them."""
    for (one, _, _), (_, since, _) in itertools.pairwise(values):
        if one == value:
            return since
    return None
