"""What is told of a subject's moments, and what is not told again. Pure: a memory and a time in, memory out.

    memory = {..., "told": {"check_in": true, "moments": {"check_in_opens": 1795308900000, "travel_day": "2026-11-22"}}}

moments: name -> the time (UTC ms), or the day, it was told for. A moment that was told stays told, wherever the subject is moved
to; one that may be told again is, when it moves by at least `again_ms`, or to another day. Two of them have a word of the
source's own beside them, check-in and boarding: the mark is shared, so that whichever comes first is told and the other is not.

A flight that only orders know may be told of by its moments; when it then speaks itself, that is still the first that is heard,
and a time that is another than was read in these is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.rules import travel
from gateway.rules.states import instant_ms

TOLD = "moments"
UNSPOKEN = "unspoken"
"""in `told`: no event has told anything of it yet"""


def is_over(memory: Mapping[str, Any], name: str, mark: int | str, again_ms: int | None, told_as: str) -> bool:
    """Whether it was told, by us or by the source, and is not to be told again at this time.

    mark: when it is (ms); of one that is told once a day, the day
    """
    told = memory.get("told", {})
    was = told.get(TOLD, {}).get(name)
    if isinstance(mark, str):
        return was == mark or _said(told, told_as, memory, again_ms)
    if was is not None and (again_ms is None or abs(mark - int(was)) < again_ms):
        return True
    return _said(told, told_as, memory, again_ms)


def tell(memory: Mapping[str, Any], name: str, mark: int | str, told_as: str) -> dict[str, Any]:
    """The memory after a moment was told.

    mark: as above; told_as: "check_in", "boarding" or "", see above
    """
    told = dict(memory.get("told", {}))
    if "told" not in memory or told.get(UNSPOKEN):
        # They read the time that orders know: another one, once it speaks itself, is news.
        told |= {UNSPOKEN: True, **_time_read(memory)}
    told[TOLD] = {**told.get(TOLD, {}), name: mark}
    if told_as == "check_in":
        told["check_in"] = True
    if told_as == "boarding":
        told["boarding"] = _leaves(told, memory)
    return {**memory, "told": told}


def _time_read(memory: Mapping[str, Any]) -> dict[str, Any]:
    end = travel.main_end(memory)
    planned = instant_ms((memory.get(end) or {}).get("scheduled"))
    return {} if planned is None else {"end": end, "departure": planned, "scheduled": planned}


def _said(told: Mapping[str, Any], told_as: str, memory: Mapping[str, Any], again_ms: int | None) -> bool:
    if told_as == "check_in":
        return bool(told.get("check_in"))
    called = told.get("boarding") if told_as == "boarding" else None
    if called is None:
        return False
    # Called for without a time, it was called for; a few minutes more do not send anybody away from the gate.
    return not called or again_ms is None or abs(_leaves(told, memory) - called) < again_ms


def _leaves(told: Mapping[str, Any], memory: Mapping[str, Any]) -> int:
    """When it leaves as far as people were told (ms), as the source's own call for boarding is marked."""
    times = memory.get("departure") or {}
    known = told.get("departure")
    return int(known or instant_ms(times.get("estimated")) or instant_ms(times.get("scheduled")) or 0)
