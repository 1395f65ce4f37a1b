"""What the tests of changes share: events as sources write them, and telling them one after another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from gateway.model.event import EventType
from gateway.rules.changes import Memory, step

SAMPLES: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "subjects.yaml").read_text("utf-8")
)
FLIGHT, TRIP = EventType.FLIGHT_STATUS, EventType.TRIP_STATUS
ORDER, OUTAGE = EventType.ORDER_STATUS, EventType.OUTAGE_STATUS


def clock(minutes: int) -> str:
    """A time so many minutes after 10:55."""
    return f"2026-11-22T{(655 + minutes) // 60:02d}:{(655 + minutes) % 60:02d}:00+01:00"


def flight(
    status: str | None = None, late: int | None = None, *, scheduled: int | None = 0, **more: Any
) -> dict[str, Any]:
    """Data of a flight at 10:55; `late` minutes give its estimate, `scheduled` another timetable, None neither."""
    departure = {} if scheduled is None else {"scheduled": clock(scheduled)}
    if late is not None:
        departure["estimated"] = clock(late)
    leg = {"carrier": "ZZ", "flightNumber": "1007", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"}
    arrival = {name: value for name in ("scheduled", "estimated") if (value := more.pop(f"arrival_{name}", None))}
    times = {"departure": departure, "arrival": arrival}
    return {"leg": leg, "status": status, "times": {end: given for end, given in times.items() if given}, **more}


def bare(status: str, **more: Any) -> dict[str, Any]:
    """A flight event that leaves out every time."""
    return flight(status, scheduled=None, **more)


def tell(type_: EventType, *events: dict[str, Any]) -> list[set[str]]:
    """The changes of each event in turn, less `first` and `status_changed`; the same event again must be quiet."""
    memory: Memory | None = None
    told = []
    for data in events:
        memory, changes = step(type_, memory, data)
        assert step(type_, memory, data) == (memory, ()), f"not quiet the second time: {data}"
        assert json.loads(json.dumps(memory)) == memory
        told.append(set(changes) - {"first", "status_changed"})
    return told


def remember(type_: EventType, *events: dict[str, Any]) -> Memory:
    memory: Memory = {}
    for data in events:
        memory, _ = step(type_, memory, data)
    return memory
