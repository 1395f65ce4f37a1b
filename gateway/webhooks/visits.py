"""Somebody presses a button about an appointment: it suits them, another time, call me.

    confirm          kept and passed on (a fact, and by it an outgoing webhook), and they read that it is noted
    move, call_me    kept and passed on too, and a person answers, who sees the button and the message that it stood under

A yes is about the window that its message showed. It holds as long as what was told since lies within it: a window that got
narrower is what they agreed to, one that moved is not. Then nothing is kept, and they read what holds now. The last word counts;
a tap that comes twice is one. Words of their own are for people: nothing is guessed from them.
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
from gateway.planning.visits import ASKS
from gateway.planning.waysin_say import Sayer
from gateway.rules.appointments import rounds, window_ms
from gateway.rules.flaps import print_of
from gateway.store.rebookings import Answer
from gateway.store.subjects import Subjects
from gateway.webhooks.deps import Deps
from gateway.webhooks.origins import Origins
from gateway.webhooks.rebooking import Pressed

CONFIRM = "confirm"
CHOICES = (CONFIRM, "move", "call_me")
CONFIRMED, OUTDATED, TO_A_PERSON = "appointment_confirmed", "appointment_outdated", "appointment_to_a_person"
PLANNED = ("ahead", "under_way")


@dataclass(frozen=True, slots=True)
class _Asked:
    message: MessageId
    appointment: SubjectId
    window: Mapping[str, Any]
    brand: str


class VisitAnswers:
    def __init__(self, deps: Deps, origins: Origins, subjects: Subjects) -> None:
        self._d = deps
        self._origins = origins
        self._subjects = subjects
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
        memory = (await self._subjects.read(asked.appointment, EventType.APPOINTMENT_STATUS.value)).memory
        told = memory.get("told", {})
        said = await self._subjects.rebookings.said(asked.appointment, asked.appointment)
        kept_before = said is not None and key in said.keys
        holds = choice != CONFIRM or kept_before or _still_suits(asked.window, told, memory.get("window") or {})
        status = ""
        if holds:
            # A window that moved away and came back is another question, whichever of its messages the button stands under.
            again = rounds(told)
            about = print_of(window_ms(asked.window)) + (f".{again}" if again else "")
            status, _ = await self._subjects.rebookings.say(
                asked.appointment, asked.appointment, Answer(choice, about, event.at_ms),
                contact=contact.id, asked_by=asked.message, key=key, about=ASKS,
            )  # fmt: skip
        if not event.standby and status != "older":
            name = OUTDATED if not holds else CONFIRMED if choice == CONFIRM else TO_A_PERSON
            planned = "yes" if told.get("phase") in PLANNED else "no"
            shown = {"choice": choice, "holds": planned, **{end: str(told[end]) for end in ("from", "to") if end in told}}
            await self._sayer.say(contact.id, address, name, key, event.at_ms, asked.brand, data=shown)
        return Pressed(choice == CONFIRM, asked.message, ahead=False)

    async def _asked(self, contact: Contact, event: MessageEvent, origin: MessageRecord | None) -> _Asked | None:
        record = origin
        named = (event.payload or "").split("/")[2:]
        if named and is_id(named[0], "m"):
            record = next(iter(await self._d.outbox.headers([MessageId(named[0])])), None) or origin
        if record is None or record.contact != contact.id:
            return None
        body = await self._origins.body(record)
        asked = body.get(ASKS)
        if not asked:
            return None
        return _Asked(record.id, SubjectId(asked["subject"]), asked["window"], str(body.get("brand") or ""))


def _still_suits(asked: Mapping[str, Any], told: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether who agreed to one window may be taken at their word for the one that was told last, or for what is known by now:
    whoever was told of it later than others read a window that is a little narrower than theirs."""
    if told.get("phase") not in PLANNED:
        return False
    agreed, last = window_ms(asked), window_ms(told)
    if last is None or agreed is None:
        return last is None
    return any(now is not None and agreed[0] <= now[0] and now[1] <= agreed[1] for now in (last, window_ms(known)))


def _choice(event: MessageEvent) -> str | None:
    if event.kind is not InboundKind.BUTTON or not event.payload:
        return None
    key = event.payload.split("/")[1:2]
    return key[0] if key and key[0] in CHOICES else None
