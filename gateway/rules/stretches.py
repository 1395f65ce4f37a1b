"""Where somebody gets on and off, when that is not where a train's own news speaks of. Pure.

A train is one subject, and its events speak of one departure and one arrival, mostly its first and last station. An order says
where its people board and leave it. So each order's own stretch is kept with its people, and what they read names their stations
and their times:

    the train      Amsterdam 10:30, expected 10:40
    their order    Utrecht 10:57
    they read      Utrecht 10:57, expected 11:07

The planned time is the order's; the train is thought to be as late there as where its delay was said, which is also done where
a delay comes as minutes alone (states.py). Its platform is that of another station, and is left out. Where the two name the
station otherwise but plan the same instant, it is the same one, and the train's own words stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gateway.rules.states import instant_ms

ENDS = (("from", "departure"), ("to", "arrival"))
Stretch = Mapping[str, Any]
"""from, to, departure, arrival as in a state, as far as the order says"""


def stretch_of(baseline: Mapping[str, Any]) -> dict[str, Any]:
    """Of what an order says of a leg, its two ends; {} where it does not say where and when they board."""
    if not (baseline.get("from") or {}).get("code") or "departure" not in baseline:
        return {}
    return {name: baseline[name] for end in ENDS for name in end if name in baseline}


def seen_from(state: Mapping[str, Any], stretch: Stretch | None) -> dict[str, Any] | None:
    """The state of a train as it is for who travels this stretch; None where that is what everybody reads."""
    if not stretch:
        return None
    made = dict(state)
    for place, time in ENDS:
        if not _is_another(state, stretch, place, time):
            continue
        made[place] = stretch[place]
        made[time] = _as_late(stretch.get(time) or {}, state, time)
        if place == "from":
            made.pop("platform", None)
    return made if made != state else None


def boards_earlier(stretch: Stretch, known: Mapping[str, Any]) -> bool:
    """Whether the train leaves the first station of a stretch before it leaves the one that is known, or that is the same one."""
    mine, theirs = (instant_ms((one.get("departure") or {}).get("scheduled")) for one in (stretch, known))
    return not _is_another(known, stretch, "from", "departure") or mine is None or theirs is None or mine < theirs


def _is_another(state: Mapping[str, Any], stretch: Stretch, place: str, time: str) -> bool:
    mine, theirs = ((one.get(place) or {}).get("code") for one in (stretch, state))
    if mine is None or theirs is None or mine == theirs:
        return False
    planned = [instant_ms((one.get(time) or {}).get("scheduled")) for one in (stretch, state)]
    if place == "from" and None in planned:  # without both times nothing is gained by another name
        return False
    return planned[0] != planned[1] or planned[0] is None


def _as_late(own: Mapping[str, Any], state: Mapping[str, Any], time: str) -> dict[str, Any]:
    """The planned time of a stretch's end, and the expected one where the train's is known."""
    theirs = state.get(time) or {}
    planned, expected = instant_ms(theirs.get("scheduled")), instant_ms(theirs.get("actual") or theirs.get("estimated"))
    if "scheduled" not in own:
        return {}
    if planned is None or expected is None:
        return {"scheduled": own["scheduled"]}
    moved = datetime.fromisoformat(str(own["scheduled"])) + timedelta(milliseconds=expected - planned)
    return {"scheduled": own["scheduled"], "estimated": moved.isoformat()}
