"""Whether a reader of news about one leg of an order still catches the next, and what of it they were told.

An order's link says which of its legs go on from the one before (`onward`). News of either leg looks at both as they are known
now, so that it does not matter which of the two moved, nor how late it is planned. What was told is asked of the messages: their
ids are made of the two legs and of what is said for the how-manieth time, "tight" and "fits" in turn. So two events, a repeated
one and a newcomer come to the same message, and nobody is told twice. The sealed body names all of these ids and its own place
among them: what still waits when the other is said is not said any more (dispatch/inturn.py), whichever leg's news planned it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.model.contact import Contact, OrderLink
from gateway.model.event import EventType
from gateway.model.family import ROLE
from gateway.model.ids import MessageId, SubjectId, message_id
from gateway.model.message import MessageState
from gateway.planning.result import EventResult, Reader, World
from gateway.rules.changes import state_of
from gateway.rules.connections import ROUNDS, booked_ms, expected, judge, next_said
from gateway.rules.stretches import Stretch, seen_from
from gateway.store.outbox import Outbox
from gateway.store.subjects import Subjects

ITEM = "connection"
AT_HOME = "connection_at_home"
"""What stands for it in the ids of what members of a family are told: whoever also travels was told other words."""
IN_TURN = "in_turn"
"""In the sealed body: the place of a message among those that are said in turn, and the ids of all of them."""
MINUTE_MS = 60_000
DEFAULT_MINUTES: Mapping[EventType, int] = {EventType.FLIGHT_STATUS: 45, EventType.TRIP_STATUS: 5}
"""What a change takes where templates/places.yaml says nothing of the place; between the two kinds the longer counts."""


_TAKEN_OUT = (MessageState.REPLACED, MessageState.ENDED)


@dataclass(frozen=True, slots=True)
class _Leg:
    """order: what orders say of it"""

    type: EventType
    state: Mapping[str, Any]
    order: Mapping[str, Any]

    def of(self, stretch: Stretch | None) -> _Leg:
        """The same for who boards or leaves it elsewhere than its own news says."""
        if not stretch:
            return self
        return _Leg(self.type, seen_from(self.state, stretch) or self.state, {**self.order, **stretch})


class Connections:
    def __init__(self, subjects: Subjects, outbox: Outbox) -> None:
        self._subjects = subjects
        self._outbox = outbox

    async def look(self, contact: Contact, result: EventResult, readers: Sequence[Reader], world: World) -> list[Reader]:
        """The readers, each with the `connections` there are to tell them of by this event: a leg may have one at either end."""
        found = []
        for reader in readers:
            joined = pairs(reader.link, result.subject)
            name = AT_HOME if reader.link is not None and reader.link.role == ROLE else ITEM
            stretches = reader.link.stretches if reader.link is not None else {}
            looked = [await self._of(contact, first, second, stretches, result.type, world, name) for first, second in joined]
            found.append(replace(reader, connections=tuple(one for one in looked if one is not None)))
        return found

    async def _of(
        self, contact: Contact, first: SubjectId, second: SubjectId, stretches: Mapping[SubjectId, Stretch], type_: EventType,
        world: World, name: str,
    ) -> Mapping[str, Any] | None:  # fmt: skip
        before = (await self._leg(first, type_)).of(stretches.get(first))
        after = (await self._leg(second, type_)).of(stretches.get(second))
        place = before.state.get("to") or {}
        found = world.catalogue.places.get(str(place.get("code") or ""))
        minutes = found.connection_minutes if found is not None else None
        if minutes is None:
            minutes = max(DEFAULT_MINUTES[before.type], DEFAULT_MINUTES[after.type])
        risk = judge(before.state, after.state, minutes * MINUTE_MS, _booked_ms(before, after))
        if risk is None:
            return None
        ids = _all_ids(contact, f"{first}:{second}", name)
        known = {one.id: one.state not in _TAKEN_OUT for one in await self._outbox.headers(ids)}
        number = next_said([known[one] or None if one in known else False for one in ids], risk)
        if number is None:
            return None
        return {
            "risk": risk.value, "id": f"{first}:{second}:{number}", "name": name, "place": place, "to": after.state.get("to"),
            "arrival": expected(before.state, "arrival"), "departure": expected(after.state, "departure"),
        }  # fmt: skip

    async def _leg(self, subject: SubjectId, otherwise: EventType) -> _Leg:
        """What is known of a leg: by its own events, else by orders. otherwise: what it is taken for then"""
        for type_ in DEFAULT_MINUTES:
            found = await self._subjects.read(subject, type_.value)
            if found.revision:
                return _Leg(type_, state_of(found.known), found.base)
        return _Leg(otherwise, found.base, found.base)


def _booked_ms(before: _Leg, after: _Leg) -> int | None:
    """The time that there was between the two as they were booked: by their orders, else by the timetable as it is now."""
    by_orders = booked_ms(before.order, after.order)
    return booked_ms(before.state, after.state) if by_orders is None else by_orders


def _all_ids(contact: Contact, pair: str, name: str) -> list[MessageId]:
    about = ({"id": f"{pair}:{number}", "name": name} for number in range(2 * ROUNDS))
    return [message_id(*named(one), contact.id, 0) for one in about]


def for_body(contact: Contact, connection: Mapping[str, Any] | None) -> dict[str, Any]:
    """What stands in the sealed body of a message about a connection; nothing for any other."""
    if connection is None:
        return {}
    pair, _, number = str(connection["id"]).rpartition(":")
    return {IN_TURN: {"place": int(number), "ids": _all_ids(contact, pair, str(connection["name"]))}}


def named(connection: Mapping[str, Any]) -> tuple[str, str, str]:
    """(event, notification, item) of a message about a connection, as its id is made of them."""
    about = str(connection["id"])
    return f"connection:{about}", str(connection["name"]), about.rpartition(":")[0]


def pairs(link: OrderLink | None, subject: SubjectId) -> list[tuple[SubjectId, SubjectId]]:
    """The connections that a leg is part of, as the order stands now."""
    if link is None or not link.onward:
        return []
    away = {one.away for one in link.moves}
    legs = [one for one in link.subjects if one not in away]
    return [
        (first, second) for first, second in itertools.pairwise(legs)
        if second in link.onward and subject in (first, second)
    ]  # fmt: skip
