"""What an order says that its people follow: its flights and trains, the area of a contract, and until when. Pure.

subject_of: (family, entity) -> the subject of that name, as the vault makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.model.event import BusinessEvent
from gateway.model.ids import SubjectId
from gateway.rules.journeys import onward
from gateway.rules.states import instant_ms, named
from gateway.rules.stretches import Stretch, stretch_of

DAY_MS = 24 * 3600_000
LONGEST_MS = 400 * DAY_MS

SubjectOf = Callable[[str, str], SubjectId]


def cell_of(service: str, country: str, postcode: str) -> str:
    """The area cell of a postcode: service, country and its first four characters."""
    return f"{service}/{country}/{''.join(postcode.split()).upper()[:4]}"


def legs_named(data: Mapping[str, Any], subject_of: SubjectOf) -> dict[SubjectId, Mapping[str, Any]]:
    """Each flight or trip of the itinerary, as it is given there."""
    return {subject_of(leg["type"], leg["entity"]): leg for leg in _legs(data)}


def onward_named(data: Mapping[str, Any], subject_of: SubjectOf) -> tuple[SubjectId, ...]:
    """Those on which a journey goes on that an earlier one began."""
    legs = _legs(data)
    return tuple(subject_of(legs[place]["type"], legs[place]["entity"]) for place in onward(legs))


def stretches_named(data: Mapping[str, Any], subject_of: SubjectOf) -> dict[SubjectId, Stretch]:
    """Where its people board and leave each train. A flight has an entity of its own from each airport."""
    found = {subject: stretch_of(baseline(leg)) for subject, leg in legs_named(data, subject_of).items() if leg["type"] == "trip"}
    return {subject: stretch for subject, stretch in found.items() if stretch}


def areas_named(data: Mapping[str, Any], subject_of: SubjectOf) -> tuple[SubjectId, ...]:
    """The cell that a contract lies in."""
    service = data.get("service") or {}
    area = service.get("area") or {}
    if not area.get("postcode"):
        return ()
    return (subject_of("area", cell_of(service["name"], area["country"], area["postcode"])),)


def listen_until(event: BusinessEvent) -> int:
    """How long its people listen (UTC ms): two days past the last arrival or the window; a contract, until it is cancelled.

    By what is planned: whoever follows what takes longer goes on hearing of it (planning/listening.py).
    """
    if (event.data.get("service") or {}).get("area"):
        return event.occurred_at_ms + LONGEST_MS * 10
    ends = [
        instant_ms(((leg.get("times") or {}).get(end) or {}).get("scheduled"))
        for leg in event.data.get("itinerary") or []
        for end in ("arrival", "departure")
    ]
    ends.append(instant_ms((event.data.get("window") or {}).get("to")))
    known = [at for at in ends if at is not None]
    return (max(known) if known else event.occurred_at_ms + 60 * DAY_MS) + 2 * DAY_MS


def baseline(leg: Mapping[str, Any]) -> dict[str, Any]:
    """What an order knows of a flight or trip before it speaks itself: its name, places with names and zones, planned times."""
    times = leg.get("times") or {}
    base: dict[str, Any] = {}
    for end in ("from", "to"):
        if leg.get(end):
            base[end] = {key: value for key, value in leg[end].items() if key in ("code", "name", "timezone")}
    for end, name in (("departure", "departure"), ("arrival", "arrival"), ("check_in", "checkIn"), ("boarding", "boarding")):
        scheduled = (times.get(name) or {}).get("scheduled")
        if scheduled:
            base[end] = {"scheduled": scheduled}
    return {**named(leg), **base}


def _legs(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [leg for leg in data.get("itinerary") or [] if leg.get("entity")]
