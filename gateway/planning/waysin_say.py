"""What is said to somebody who comes in: a service message, an answer inside the window that their own words opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.errors import NotFound, Sealed
from gateway.model.event import EventType
from gateway.model.ids import AddressId, ContactId, SubjectId, message_id, partition_of
from gateway.planning.left import FAMILIES
from gateway.planning.plan import draft, parts
from gateway.planning.rebooked import led_back
from gateway.planning.result import EventResult, Reader
from gateway.planning.worlds import Worlds
from gateway.store.contacts import Contacts
from gateway.store.outbox import Outbox, Plan, PlannedContact, told_field
from gateway.store.ready import wake_for
from gateway.store.vault import Vault
from gateway.wake import Wake

WELCOME = "way_in_welcome"
START = "way_in_start"
ASK_SURNAME = "way_in_ask_surname"
WRONG = "way_in_wrong"
USED = "way_in_used"
ENDED = "way_in_ended"
PERSON = "way_in_person"
JOURNEY = "journey"
"""In the sealed body: what else a message is about than its subject."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What else goes with an answer.

    document: ref, mime and filename of a file that is kept for the person (store/documents.py)
    back:     what its buttons bring back behind their own names
    family:   to a member of it, and only as long as they are one
    journey:  what else it is about than its subject: a crisis about any of these holds it
    told:     (item, version): takes the place of what the same notification said of that item of the subject and still waits
    """

    document: Mapping[str, Any] | None = None
    back: str = ""
    told: tuple[str, int] | None = None
    family: SubjectId | None = None
    journey: tuple[SubjectId, ...] = ()


NOTHING_ELSE = Beside()


@dataclass(frozen=True, slots=True)
class Sayer:
    contacts: Contacts
    outbox: Outbox
    vault: Vault
    worlds: Worlds
    wake: Wake

    async def say(
        self,
        contact: ContactId,
        address: AddressId,
        name: str,
        key: str,
        at_ms: int,
        brand: str,
        *,
        language: str = "",
        data: Mapping[str, Any] | None = None,
        about: str = "",
        subject: SubjectId = SubjectId(""),  # noqa: B008 a name for a string
        beside: Beside = NOTHING_ELSE,
    ) -> None:
        """Answer at this address, once for each (name, key), however often it is asked for.

        language: of somebody who has said none
        about:    an id of ours that goes into the sealed message, by which an answer to it is understood
        subject:  what it is about, so that a brake on that holds it
        """
        world = await self.worlds.now()
        notification = world.catalogue.get(name)
        if notification is None:
            return
        result = EventResult(
            event=f"inbound:{key}", type=EventType.ORDER_STATUS, external_id=about, source="inbound", subject=subject,
            sequence=0, occurred_at_ms=at_ms, item="", changes=(), state={}, previous={}, data=dict(data or {}), facts={},
            notifications=(name,),
        )  # fmt: skip
        links = {"document": "document"} if beside.document else {}
        item, version = beside.told or ("", 0)
        for _ in range(5):
            try:
                current = await self.contacts.get(contact)
            except (NotFound, Sealed):
                return
            here = tuple(one for one in current.profile.addresses if one.id == address)
            facts = current.facts if current.facts.language else replace(current.facts, language=language or None)
            only = replace(current, profile=replace(current.profile, addresses=here), facts=facts)
            found = draft(
                notification, only, result, [Reader(None, None)], replace(world, default_brand=brand), links=links,
                document=beside.document,
            )  # fmt: skip
            if found is None:
                return
            found = replace(
                found, id=message_id(result.event, name, "", current.id, 0), body=_with(found.body, beside),
                told=told_field(subject, name, item) if beside.told else "",
            )  # fmt: skip
            channel = world.facts.get(found.address.channel) if found.address is not None else None
            box = await self.vault.contact_box(current.id, create=True)
            messages = tuple(one.planned(current.id, box.seal_body(one.body, one.id)) for one in parts(found, channel))
            planned = PlannedContact(current.id, current.facts.consent_version, (), messages)
            plan = Plan(partition_of(current.id), result.event if beside.told else "", version, subject, (planned,))
            answer = await self.outbox.put(plan)
            if answer.written or any(state not in ("ok", "replan") for state in answer.contacts):
                wake_for(self.wake, (plan, answer))
                return


def _with(body: Mapping[str, Any], beside: Beside) -> Mapping[str, Any]:
    led = {"buttons": led_back(body["buttons"], beside.back)} if beside.back and body.get("buttons") else {}
    families = {FAMILIES: [beside.family]} if beside.family else {}
    return {**body, **led, **families, **({JOURNEY: list(beside.journey)} if beside.journey else {})}
