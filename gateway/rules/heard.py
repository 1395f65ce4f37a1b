"""Who said what of a journey, and when: so that whoever asks how it stands is told the source and the age of it.

A memory is laid together of many events, and of several sources: the airport says that it landed, the airline an hour before when
it should. So the memory notes of each piece of news who said it last and when it was said, under told/heard; a piece that is said
again is as new as its last saying. A time that we worked out ourselves (a delay that came as minutes alone) is nobody's word and
is not among them. Pure; JSON all through.

    heard = {"status": ["/ops/flights", 1795344000000], "arrival.estimated": [...]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.model.event import EventType

HEARD = "heard"
STATUS, DIVERTED, MINUTES = "status", "diverted_to", "delay_minutes"
JOURNEYS = (EventType.FLIGHT_STATUS, EventType.TRIP_STATUS)
_FIELDS = {STATUS: "status", DIVERTED: "divertedTo", MINUTES: "delayMinutes"}
_ENDS = ("departure", "arrival")
_KINDS = ("estimated", "actual")


def noted(memory: Mapping[str, Any], type_: EventType, data: Mapping[str, Any], source: str, at_ms: int) -> dict[str, Any]:
    """A memory that an event has just stepped, with who said what. data: the event's; at_ms: when its source said it"""
    if type_ not in JOURNEYS:
        return dict(memory)
    told = memory.get("told", {})
    heard = dict(told.get(HEARD, {}))
    said = pieces(data)
    for one in said:
        heard[one] = [source, at_ms]
    # Minutes and a time of departure take each other's place: what was said before of the other holds no more.
    if MINUTES in said and "departure.estimated" not in said:
        heard.pop("departure.estimated", None)
    elif "departure.estimated" in said and MINUTES not in said:
        heard.pop(MINUTES, None)
    return {**memory, "told": {**told, HEARD: heard}}


def pieces(data: Mapping[str, Any]) -> Sequence[str]:
    """What of a journey an event's data says by itself."""
    found = [name for name, path in _FIELDS.items() if data.get(path) not in (None, "unknown")]
    times = data.get("times") or {}
    for end in _ENDS:
        found += [f"{end}.{kind}" for kind in _KINDS if (times.get(end) or {}).get(kind) is not None]
    return found


def said(memory: Mapping[str, Any], piece: str) -> tuple[str, int] | None:
    """(source, when) of a piece of a memory; None where nobody said it, or before such things were noted."""
    found = memory.get("told", {}).get(HEARD, {}).get(piece)
    return (str(found[0]), int(found[1])) if found else None
