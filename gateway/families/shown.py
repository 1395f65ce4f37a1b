"""What anybody may know of a family's journey: which flights or trains, from where to where, on which day. Never whose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.families.state_said import Journeys
from gateway.families.state_said import Leg as Known
from gateway.model.contact import OrderLink
from gateway.model.event import EventType
from gateway.rules.states import instant_ms
from gateway.rules.stretches import seen_from
from gateway.store.subjects import Subjects


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
    found = [_leg(one, link) for one in await Journeys(subjects).legs(link) if one.state.get("number")]
    return sorted(found, key=lambda one: (instant_ms(one.at) or 0, one.number))


def _leg(leg: Known, link: OrderLink) -> Leg:
    state, flight = seen_from(leg.state, link.stretches.get(leg.subject)) or leg.state, leg.type is EventType.FLIGHT_STATUS
    names = (state.get("carrier"), state.get("number")) if flight else (state.get("number"),)
    return Leg(
        leg.type.value.partition(".")[0],
        " ".join(str(one) for one in names if one),
        state.get("from") or {},
        state.get("to") or {},
        (state.get("departure") or {}).get("scheduled"),
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
