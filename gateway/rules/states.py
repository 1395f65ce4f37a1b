"""A subject's state: what is known of a flight, trip, order or outage, from all its events so far.

`normalise` reads one event's data into the state's own fields; `merge` lays it over what was known, because an event
often leaves out what it does not change. What a newer event makes doubtful goes: better no time than one that no longer
holds. No person is in a state: recipients and passengers stay in the event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.model.event import EventType
from gateway.rules import rebooking

State = dict[str, Any]

BEFORE_DEPARTURE = frozenset(
    (None, "scheduled", "check_in", "boarding", "gate_closed", "delayed", "early", "reinstated", "partly_cancelled")
)
UNDER_WAY = frozenset(("departed", "en_route", "diverted"))

# State's field -> path in the event's data. The names that events use are in the schema of each type.
_FIELDS: dict[EventType, dict[str, str]] = {
    EventType.FLIGHT_STATUS: {
        "status": "status",
        "carrier": "leg.carrier",
        "number": "leg.flightNumber",
        "origin_date": "leg.originDate",
        "from": "leg.from",
        "to": "leg.to",
        "departure": "times.departure",
        "arrival": "times.arrival",
        "check_in": "times.checkIn",
        "boarding": "times.boarding",
        "gate": "gate",
        "terminal": "terminal",
        "belt": "belt",
        "reason": "reason",
        "diverted_to": "divertedTo",
        "rebooking": "rebooking",
        "rebookings": "rebookings",
    },
    EventType.TRIP_STATUS: {
        "status": "status",
        "operator": "trip.operator",
        "line": "trip.line",
        "number": "trip.tripNumber",
        "operating_day": "trip.operatingDay",
        "from": "trip.from",
        "to": "trip.to",
        "departure": "times.departure",
        "arrival": "times.arrival",
        "delay_minutes": "delayMinutes",
        "platform": "platform",
        "reason": "reason",
        "diverted_to": "divertedTo",
        "cancelled_stops": "cancelledStops",
        "advice": "advice",
        "alternative": "alternative",
        "rebookings": "rebookings",
    },
    EventType.ORDER_STATUS: {
        "status": "status",
        "kind": "kind",
        "brand": "brand",
        "number": "orderNumber",
        "placed_at": "placedAt",
        "currency": "currency",
        "total": "total",
        "items": "items",
        "itinerary": "itinerary",
        "shipment": "shipment",
        "pickup": "pickup",
        "payment": "payment",
        "refund": "refund",
        "service": "service.name",
        "reason": "reason",
    },
    EventType.OUTAGE_STATUS: {
        "status": "status",
        "service": "service",
        "planned": "planned",
        "severity": "severity",
        "started_at": "startedAt",
        "expected_restoration": "expectedRestoration",
        "restored_at": "restoredAt",
        "cause": "cause",
        "affected": "affected",
    },
    EventType.APPOINTMENT_STATUS: {
        "status": "status",
        "appointment": "appointmentId",
        "order": "orderNumber",
        "brand": "brand",
        "what": "what",
        "window": "window",
        "missed_by": "missedBy",
        "reason": "reason",
    },
}
_PLACES = ("from", "to", "diverted_to")
_MERGED = ("departure", "arrival", "check_in", "boarding", "platform", "shipment", "affected", "from", "to")
"""fields that are laid over part by part; any other is replaced whole"""
_OF_THE_STATUS = (
    "reason", "rebooking", "rebookings", "advice", "alternative", "cancelled_stops", "delay_minutes", "payment", "refund",
    "missed_by",
)  # fmt: skip
"""what explains a status, and means nothing for the next one"""


def normalise(type_: EventType, data: Mapping[str, Any]) -> State:
    """The state that one event's validated data tells; fields that it leaves out, or gives as null, are absent.

    Texts, times (with the offset they came with) and numbers stay as they are. Status "unknown" is no news of the
    status. Document events have no state of their own: {}.
    """
    state: State = {}
    for field, path in _FIELDS.get(type_, {}).items():
        value = _at(data, path)
        if value is not None and not (field == "status" and value == "unknown"):
            state[field] = value
    for field in _PLACES:
        if field in state:
            state[field] = _place(state[field])
    for field in ("rebooking", "alternative"):
        said = state.get(field)
        if isinstance(said, list) or (isinstance(said, Mapping) and said.get("refs")):
            del state[field]  # not for everybody: it stands in `rebookings` for those it is for
    for field in ("shipment", "rebooking", "alternative"):
        if isinstance(state.get(field), Mapping):
            state[field] = {name: part for name, part in _renamed(state[field]).items() if name != "refs"}
    if "rebookings" in state:
        state["rebookings"] = [_renamed(one) for one in state["rebookings"]]
    if type_ is EventType.APPOINTMENT_STATUS and data.get("recipients"):
        state["named"] = True  # from now on it is theirs, and no longer everybody's of its order
    if "itinerary" in state:
        state["itinerary"] = [_leg(leg) for leg in state["itinerary"] if isinstance(leg, Mapping)]
    if "affected" in state:
        # A polygon may be as large as the event; the cells that people subscribe by are enough to find them again.
        state["affected"] = {name: value for name, value in state["affected"].items() if name != "polygon"}
    if isinstance(state.get("platform"), str):
        state["platform"] = {"actual": state["platform"]}
    return _expected(state)


def merge(base: Mapping[str, Any], state: Mapping[str, Any]) -> State:
    """What is known after an event: its fields over what was known, without what it makes doubtful.

    base:  the state known so far; state: what `normalise` made of the event. Neither is changed.
    """
    known = _still_holds(base, state)
    for field, value in state.items():
        old = known.get(field)
        if field in _MERGED and isinstance(old, Mapping) and isinstance(value, Mapping):
            value = _merged_part(field, old, value)
        elif field == "rebookings":
            value = rebooking.laid_over(old or (), value)
        known[field] = value
    known = _expected(known)
    # Boarding begins so long before it leaves, check-in so long before it was to.
    for field, ends in (("boarding", ("estimated", "scheduled")), ("check_in", ("scheduled",))):
        if field in known and field not in state and _moved(base, known, ends):
            known.pop(field)
    return known


def item_of(type_: EventType, data: Mapping[str, Any]) -> str:
    """What of the subject an event is about: a document's id, a passenger's ticket number, key or name; "" for a state.

    Personal data: it orders and keys, and is never shown or logged.
    """
    if type_ is EventType.ORDER_DOCUMENT:
        return str(_at(data, "document.id") or "")
    if type_ is EventType.FLIGHT_BOARDINGPASS:
        ticket = _at(data, "passenger.ticketNumber")
        if ticket:
            return str(ticket)
        if key := _at(data, "passenger.key"):  # two of one booking may have the same name
            return f"{_at(data, 'passenger.recordLocator') or ''}/#{key}"
        names = (_at(data, "passenger.recordLocator"), _at(data, "passenger.surname"), one_of_a_name(data))
        return "/".join(" ".join(str(name or "").split()).upper() for name in names)
    return ""


def one_of_a_name(data: Mapping[str, Any]) -> str | None:
    """What tells a pass's passenger from others of that surname, should the booking have any: given names, else the check-in's
    sequence, as the pass has it or its code (IATA 792, item 107: columns 53-57 of a first leg). None where nothing does; "" where
    that is no question, because they have a ticket or a key."""
    if _at(data, "passenger.ticketNumber") or _at(data, "passenger.key"):
        return ""
    if given := " ".join(str(_at(data, "passenger.givenNames") or "").split()):
        return given
    for said in (_at(data, "checkin.sequence"), str(data.get("bcbp") or "")[52:57]):
        if said is not None and (number := str(said).strip().lstrip("0")):
            return f"#{number}"
    return None


def instant_ms(text: object) -> int | None:
    """The instant of an RFC 3339 time (UTC ms); None where there is none. A time without offset counts as UTC."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _still_holds(base: Mapping[str, Any], state: Mapping[str, Any]) -> State:
    """What was known, less what the event contradicts by its status or by a part of the same whole."""
    known = dict(base)
    was, status = base.get("status"), state.get("status", base.get("status"))
    if status != was:
        for field in _OF_THE_STATUS:
            known.pop(field, None)
        runs_again = was == "cancelled" and status in BEFORE_DEPARTURE
        if runs_again:
            # Gate and platform were given to others meanwhile.
            for field in ("gate", "belt", "platform"):
                known.pop(field, None)
        if runs_again or (status in ("scheduled", "reinstated") and was in BEFORE_DEPARTURE):
            # "As planned" takes every older forecast back; if a new one comes with it, it is laid over this.
            _forget_estimates(known, "departure", "arrival")
    for end in ("departure", "arrival"):
        new, old = state.get(end), known.get(end)
        if isinstance(new, Mapping) and isinstance(old, Mapping) and _differs(new, old, "scheduled"):
            # A forecast for the old timetable says nothing about the new one.
            _forget_estimates(known, end)
    leaving = state.get("departure")
    if isinstance(leaving, Mapping) and _differs(leaving, known.get("departure") or {}, "estimated"):
        # Leaving at another time it will not arrive when it was thought to.
        _forget_estimates(known, "arrival")
    if "delay_minutes" in state:
        _forget_estimates(known, "departure")
    elif isinstance(leaving, Mapping) and "estimated" in leaving:
        known.pop("delay_minutes", None)
    return known


def _moved(before: Mapping[str, Any], after: Mapping[str, Any], ends: Sequence[str]) -> bool:
    """Whether it leaves at another time than was known, by the first of these that is known."""
    was, now = (
        next((at for end in ends if (at := instant_ms((state.get("departure") or {}).get(end))) is not None), None)
        for state in (before, after)
    )
    return was is not None and now != was


def _differs(new: Mapping[str, Any], old: Mapping[str, Any], field: str) -> bool:
    return field in new and instant_ms(new[field]) != instant_ms(old.get(field))


def _forget_estimates(known: State, *ends: str) -> None:
    for end in ends:
        times = known.get(end)
        if isinstance(times, Mapping):
            known[end] = {name: value for name, value in times.items() if name != "estimated"}


def _merged_part(field: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    identity = {"from": "code", "to": "code", "shipment": "tracking_number"}.get(field)
    if identity and old.get(identity) is not None and new.get(identity) not in (None, old[identity]):
        return new  # another place, another parcel
    return {**old, **new}


def _expected(state: State) -> State:
    """A delay that came as minutes alone becomes a time as soon as the timetable is known."""
    minutes, times = state.get("delay_minutes"), state.get("departure")
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not isinstance(times, Mapping):
        return state
    if times.get("estimated") is None and instant_ms(times.get("scheduled")) is not None:
        state = {**state, "departure": {**times, "estimated": _later(str(times["scheduled"]), minutes)}}
    if state["departure"].get("estimated") is not None:
        state = {field: value for field, value in state.items() if field != "delay_minutes"}
    return state


def _later(text: str, minutes: int) -> str:
    moment = datetime.fromisoformat(text)
    return datetime.fromtimestamp(moment.timestamp() + 60 * minutes, moment.tzinfo or UTC).isoformat()


def _at(data: Mapping[str, Any], path: str) -> Any:
    value: Any = data
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return None if value == {} else _without_nulls(value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nulls(part) for part in value]
    return value


def _place(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {"code": value}


_NAMES = {"flightNumber": "number", "tripNumber": "number"}
_CAPITAL = re.compile(r"[A-Z]")


def _renamed(value: Mapping[str, Any]) -> dict[str, Any]:
    """A nested object with the state's kind of names: trackingNumber -> tracking_number."""
    named = {_NAMES.get(name) or _CAPITAL.sub(r"_\g<0>", name).lower(): part for name, part in value.items()}
    return {name: _place(part) if name in _PLACES else part for name, part in named.items()}


_FLIGHT = re.compile(r"(?P<carrier>[A-Z0-9]{2})(?P<number>\d{1,4}[A-Z]?)/(?P<origin_date>\d{4}-\d\d-\d\d)(/.*)?")
_TRIP = re.compile(r"(?P<operator>[^/]+)/(?P<number>[^/]+)/(?P<operating_day>\d{4}-\d\d-\d\d)")


def named(leg: Mapping[str, Any]) -> State:
    """What a leg of an order is called, in the state's own fields: as it says itself, else read off its `entity`.

    ZZ1007/2026-11-22/AMS is a flight, EXR/3542/2026-11-22 a trip; an entity that is written otherwise names nothing.
    """
    flight = leg.get("type") == "flight"
    found = (_FLIGHT if flight else _TRIP).fullmatch(str(leg.get("entity") or ""))
    names = {name: value for name, value in (found.groupdict() if found else {}).items() if value}
    said = {"carrier": "carrier", "number": "flightNumber"} if flight else {"operator": "operator", "number": "tripNumber"}
    return names | {field: str(leg[name]) for field, name in said.items() if leg.get(name)}


def _leg(value: Any) -> dict[str, Any]:
    """One leg of an order's itinerary: entity, type, from, to, and its planned departure and arrival as times."""
    leg = {name: value[name] for name in ("entity", "type") if name in value}
    leg.update({name: _place(value[name]) for name in ("from", "to") if name in value})
    for end in ("departure", "arrival"):
        planned = _at(value, f"times.{end}.scheduled")
        if planned is not None:
            leg[end] = planned
    return leg
