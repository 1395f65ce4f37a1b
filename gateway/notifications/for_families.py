"""What a notification for those at home (`roles: [family]`) may hold: what a board at the airport or station says, and no more.

Nothing of the booking, nothing that proves who somebody is, nothing to answer a rebooking by. What it reads is compared with a
list of what is allowed (rules/relatives.py); planning hands it nothing else either, so what is refused here would stay empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gateway.model.event import EventType
from gateway.model.family import PURPOSE
from gateway.notifications.expressions import Expression
from gateway.notifications.model import Notification
from gateway.notifications.parts import Parameter
from gateway.rules.relatives import PATHS

_LEGS = (EventType.FLIGHT_STATUS, EventType.TRIP_STATUS)


def problems(one: Notification) -> Iterator[tuple[str, str]]:
    """(field of notification.yaml, what is wrong with it)"""
    if not one.at_home:
        if one.purpose == PURPOSE and one.event in _LEGS:
            yield "roles", "should be [family]: it is for those at home who agreed to it"
        return
    for field, expressions in _read(one).items():
        strange = sorted({path for each in expressions for path in each.paths if path not in PATHS})
        if strange:
            yield field, f"reads {', '.join(strange)}, which is not for those at home"
    if one.event not in _LEGS:
        yield "event", "should be flight.status or trip.status: of a leg everybody may know"
    if one.purpose != PURPOSE:
        yield "purpose", "should be family: it is all that they agreed to"
    if one.item not in ("none", "connection"):
        yield "item", f"{one.item} is a traveller's"
    barred = {
        "personal": one.personal, "document": one.document is not None, "asks": one.asks != "none",
        "once_a_journey": one.once_a_journey,
    }  # fmt: skip
    for field, found in barred.items():
        if found:
            yield field, "is a traveller's"


def _read(one: Notification) -> Mapping[str, Sequence[Expression]]:
    """Every expression of it, by its field."""
    found: dict[str, Sequence[Expression]] = {f"parameters.{name}": _of(made) for name, made in one.parameters.items()}
    found |= {f"buttons.{spec.key}": [spec.suffix] for spec in one.buttons if spec.suffix is not None}
    alone = {"when": one.condition, "among": one.among, "after_rebooking": one.after_rebooking}
    found |= {field: [made] for field, made in alone.items() if made is not None}
    declared = one.watch.sources if one.watch.name != one.name else ()  # else it is what the text shows
    return {**found, "deadline": one.deadline.sources, "not_before": one.not_before.sources, "watch": declared}


def _of(parameter: Parameter) -> list[Expression]:
    found = [source for source, _ in parameter.sources] + [when for when, _ in parameter.phrases if when is not None]
    return found if parameter.place is None else [*found, parameter.place]
