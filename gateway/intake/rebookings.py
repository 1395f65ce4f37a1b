"""What an event says of other flights and trains, made ready for its subject's memory.

A memory holds no booking code: the orders that an offer is for are named by their subject ids, and so is the flight or train that
is offered. `audience.refs` limits an offer that names no orders of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.model.event import EventType
from gateway.rules.rebooking import AUTOMATIC

_FIELD = {EventType.FLIGHT_STATUS: "rebooking", EventType.TRIP_STATUS: "alternative"}


def with_rebookings(
    type_: EventType, entity: str, data: Mapping[str, Any], name: Callable[[str, str], str]
) -> Mapping[str, Any]:
    """The event's data, with `rebookings` where it says any. Advice (a trip's alternative without an offer) is none.

    entity: the subject of the event; name: (family, entity) -> subject id
    """
    field = _FIELD.get(type_)
    said = data.get(field) if field else None
    if said is None:
        return data
    named = [one for one in (said if isinstance(said, list) else [said]) if one]
    audience = (data.get("audience") or {}).get("refs") or []
    found = []
    for one in named:
        offer = one.get("offer") or (AUTOMATIC if type_ is EventType.FLIGHT_STATUS else None)
        if offer is None:
            continue
        made = {**_bare(one), "offer": offer}
        if refs := one.get("refs") or audience:
            made["refs"] = sorted({name("order", ref) for ref in refs})
        other = one.get("entity") or _entity(type_, data, one)
        if other and other != entity:
            made |= {"entity": other, "subject": name("flight" if type_ is EventType.FLIGHT_STATUS else "trip", other)}
        found.append(made)
    return data if named and not found else {**data, "rebookings": found}


def without_refs(data: Mapping[str, Any]) -> dict[str, Any]:
    """Data without the booking codes that its offers name."""
    cleaned = dict(data)
    for field in ("rebooking", "alternative"):
        said = data.get(field)
        if isinstance(said, Mapping):
            cleaned[field] = _bare(said)
        elif isinstance(said, list):
            cleaned[field] = [_bare(one) for one in said]
    return cleaned


def _bare(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != "refs"}


def _entity(type_: EventType, data: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    """The subject of the other one's own events, in the form that docs/events.md asks of sources; "" where a part is missing."""
    if type_ is EventType.FLIGHT_STATUS:
        own = data.get("leg") or {}
        origin = said.get("from") or own.get("from")
        place = origin.get("code") if isinstance(origin, Mapping) else origin
        carrier, number, day = said.get("carrier") or own.get("carrier"), said.get("flightNumber"), said.get("originDate")
        return f"{carrier}{number}/{day}/{place}" if carrier and number and day and place else ""
    own = data.get("trip") or {}
    operator, day = said.get("operator") or own.get("operator"), said.get("operatingDay") or own.get("operatingDay")
    number = said.get("tripNumber")
    return f"{operator}/{number}/{day}" if operator and number and day else ""
