"""What anybody may know of a family's journey: which flights or trains, from where to where, on which day. Never whose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model.contact import OrderLink
from gateway.model.event import EventType
from gateway.rules.states import instant_ms
from gateway.store.subjects import Subjects

_TYPES = (EventType.FLIGHT_STATUS, EventType.TRIP_STATUS)


@dataclass(frozen=True, slots=True)
class Leg:
    """kind: flight or trip; number: "ZZ 1007", "" not known; origin, destination: places as states have them; at: ISO, or None"""

    kind: str
    number: str
    origin: Mapping[str, Any]
    destination: Mapping[str, Any]
    at: str | None


async def legs_of(subjects: Subjects, link: OrderLink) -> list[Leg]:
    """The legs of a journey as they are followed now, in the order in which they leave; [] while nothing is known of any."""
    away = {move.away for move in link.moves}
    found: list[Leg] = []
    for subject in link.subjects:
        if subject in away:
            continue
        for type_ in _TYPES:
            known = (await subjects.read(subject, type_.value)).known
            if known.get("number"):
                found.append(_leg(type_, known))
                break
    return sorted(found, key=lambda one: (instant_ms(one.at) or 0, one.number))


def _leg(type_: EventType, known: Mapping[str, Any]) -> Leg:
    names = (known.get("carrier"), known.get("number")) if type_ is EventType.FLIGHT_STATUS else (known.get("number"),)
    return Leg(
        type_.value.partition(".")[0],
        " ".join(str(one) for one in names if one),
        known.get("from") or {},
        known.get("to") or {},
        (known.get("departure") or {}).get("scheduled"),
    )


def as_data(legs: list[Leg]) -> dict[str, Any]:
    """The same as texts read it: `kind`, `number`, `from`, `to`, `at`, and `more`, the numbers of the legs after the first."""
    if not legs:
        return {}
    first, rest = legs[0], legs[1:]
    said: dict[str, Any] = {"kind": first.kind, "number": first.number, "from": first.origin, "to": legs[-1].destination}
    if first.at:
        said["at"] = first.at
    if rest:
        said["more"] = ", ".join(one.number for one in rest)
    return said
