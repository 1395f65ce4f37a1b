"""Somebody answers what is to become of their cancelled journey: this one, another one, or the money back.

    accept    kept and passed on (a fact, and by it an outgoing webhook); they read that we have passed it on, never that it is
              so: only the airline can say that, and says it by the order's next version
    other     kept and passed on too, and a person answers: it stands in a queue that is answered before the general one, with the
    refund    button they pressed and the message that they answer

The message that asked knows what it asked about (`asks` in its body); a button leads back to it by the id in its payload. The
answer is the order's: whoever of its people says something, the last word counts, until the order's next version. An answer about
what holds no more (it goes after all, there is a newer offer, what was offered has left, the booking was changed) is not kept:
they read what holds, and who asked for another one or for their money meets a person all the same. Words of their own are for
people: nothing is guessed from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.connector import InboundKind, MessageEvent
from gateway.model.contact import Contact
from gateway.model.event import EventType
from gateway.model.ids import AddressId, MessageId, SubjectId, is_id
from gateway.model.message import MessageRecord
from gateway.planning.telling import Teller
from gateway.planning.waysin_say import Sayer
from gateway.rules import connections, rebooking
from gateway.rules.states import instant_ms
from gateway.store.rebookings import ACCEPT, CHOICES, Answer
from gateway.store.subjects import Subjects
from gateway.webhooks.deps import Deps
from gateway.webhooks.origins import Origins

PASSED_ON, TO_A_PERSON, OUTDATED = "rebooking_passed_on", "rebooking_to_a_person", "rebooking_outdated"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the message that they answer asked about. offer: "" where it offered nothing"""

    message: MessageId
    journey: SubjectId
    type: EventType
    orders: tuple[SubjectId, ...]
    offer: str
    brand: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """handled: no person is needed; else one is, ahead: before others. message: the one of ours that they answered."""

    handled: bool
    message: MessageId
    ahead: bool = True


@dataclass(frozen=True, slots=True)
class _Now:
    """How it stands for one order. why: holds, or what came in between; shown: what an answer may say of it."""

    order: SubjectId
    why: str
    shown: Mapping[str, str]


class RebookingAnswers:
    def __init__(self, deps: Deps, origins: Origins, subjects: Subjects, teller: Teller) -> None:
        self._d = deps
        self._origins = origins
        self._subjects = subjects
        self._teller = teller
        self._sayer = Sayer(deps.contacts, deps.outbox, deps.vault, deps.worlds, deps.wake)

    async def press(
        self, contact: Contact, address: AddressId, event: MessageEvent, origin: MessageRecord | None
    ) -> Pressed | None:
        """Keep an answer, pass it on and say so. None: it is no answer of this kind."""
        choice = _choice(event)
        asked = await self._asked(contact, event, origin) if choice else None
        if choice is None or asked is None:
            return None
        key = self._d.vault.blind("inbound", event.channel_id.reveal())[:16]
        now = [await self._now(contact, asked, order, key, choice) for order in asked.orders]
        holding = [one for one in now if one.why == "holds"]
        status = ""
        for one in holding:
            status, _ = await self._subjects.rebookings.say(
                one.order, asked.journey, Answer(choice, asked.offer, event.at_ms),
                contact=contact.id, asked_by=asked.message, key=key,
            )  # fmt: skip
            await self._teller.settle(one.order, asked.journey, asked.type)
        if not event.standby and status != "older":
            name = OUTDATED if not holding else PASSED_ON if choice == ACCEPT else TO_A_PERSON
            shown = {"kind": asked.type.value.partition(".")[0], "choice": choice, **(holding or now)[0].shown}
            if not holding:
                shown["why"] = now[0].why
            await self._sayer.say(contact.id, address, name, key, event.at_ms, asked.brand, data=shown)
        return Pressed(choice == ACCEPT, asked.message)

    async def _asked(self, contact: Contact, event: MessageEvent, origin: MessageRecord | None) -> Asked | None:
        record = origin
        named = (event.payload or "").split("/")[2:]
        if named and is_id(named[0], "m"):
            record = next(iter(await self._d.outbox.headers([MessageId(named[0])])), None) or origin
        if record is None:
            return None
        body = await self._origins.body(record)
        asks = body.get("asks")
        if not asks or not {link.order for link in contact.profile.orders} & set(asks["orders"]):
            return None
        return Asked(
            record.id, SubjectId(asks["subject"]), EventType(asks["type"]), tuple(SubjectId(one) for one in asks["orders"]),
            asks["offer"], str(body.get("brand") or ""),
        )  # fmt: skip

    async def _now(self, contact: Contact, asked: Asked, order: SubjectId, key: str, choice: str) -> _Now:
        memory = (await self._subjects.read(asked.journey, asked.type.value)).memory
        offer = rebooking.shown(memory, memory.get("told", {}).get("offers", {}), order)
        shown = {**_said(memory, ""), **_said(offer, "new_")}
        said = await self._subjects.rebookings.said(order, asked.journey)
        if said is not None and key in said.keys:  # kept before this process had it in hand: it was passed on
            return _Now(order, "holds", shown)
        if not any(asked.journey in link.subjects for link in contact.profile.orders if link.order == order):
            return _Now(order, "changed", shown)
        if memory.get("status") != "cancelled":
            return _Now(order, "reinstated", shown)
        if asked.offer and asked.offer != offer["id"]:
            return _Now(order, "newer" if offer["id"] else "withdrawn", shown)
        if choice == ACCEPT and await self._has_left(memory, asked.type, order):
            return _Now(order, "left", shown)
        return _Now(order, "holds", shown)

    async def _has_left(self, memory: Mapping[str, Any], type_: EventType, order: SubjectId) -> bool:
        """Whether what is offered has left by now, by its own word before the offer's."""
        entry = rebooking.offered(memory, order) or {}
        known = (await self._subjects.read(SubjectId(entry["subject"]), type_.value)).known if entry.get("subject") else {}
        leaves_ms = instant_ms(connections.expected(known, "departure") or entry.get("departure"))
        return leaves_ms is not None and leaves_ms < self._d.clock.now_ms()


def _choice(event: MessageEvent) -> str | None:
    if event.kind is not InboundKind.BUTTON or not event.payload:
        return None
    key = event.payload.split("/")[1:2]
    return key[0] if key and key[0] in CHOICES else None


def _said(journey: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """carrier, number and departure of a journey or an offer, as texts read them."""
    departure = journey.get("departure") or ""
    if isinstance(departure, Mapping):
        departure = departure.get("estimated") or departure.get("scheduled") or ""
    origin = journey.get("from") or {}
    said = {name: journey.get(name) for name in ("carrier", "number")} | {"departure": departure, "from": origin.get("code")}
    return {f"{prefix}{name}": str(value) for name, value in said.items() if value}
