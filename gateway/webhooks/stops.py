"""Stops and starts: a person's own word about our news, taken before anybody reads it, and confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.connector import InboundKind, MessageEvent
from gateway.crashpoint import crash_point
from gateway.errors import NotFound, Sealed
from gateway.model.contact import ConsentEntry, Contact
from gateway.model.event import EventType
from gateway.model.family import PURPOSE, Left
from gateway.model.ids import AddressId, ContactId, SubjectId, message_id, partition_of
from gateway.model.message import MessageRecord
from gateway.model.personal import Personal
from gateway.planning.plan import Draft, EventResult, Reader, draft
from gateway.rules import stops as rules
from gateway.store.outbox import Plan, PlannedContact
from gateway.store.ready import wake_for
from gateway.webhooks.deps import Deps
from gateway.webhooks.origins import Origins
from gateway.webhooks.times import end_of

STOP_CONFIRMED = "stop_confirmed"
STOP_ALL_CONFIRMED = "stop_all_confirmed"
FAMILY_STOPPED = "family_stopped"
STOP_ALL = "stop_all"
RESUME = "resume"
PURPOSES = ("journey", "service", PURPOSE, "survey", "offers")


class Stops:
    def __init__(self, deps: Deps, origins: Origins) -> None:
        self._d = deps
        self._origins = origins

    async def stop(
        self, contact: Contact, address: AddressId, channel: str, brand: str, event: MessageEvent, origin: MessageRecord | None
    ) -> str | None:
        """Withdraw what a stop withdraws; the name of the confirmation to send, None when it is no stop.

        Below news for those at home it leaves that family, and the purpose with the last one; else all of the chat's.
        """
        text = event.text.reveal() if event.kind is InboundKind.TEXT else ""
        everything = (event.payload or "").endswith(f"/{STOP_ALL}") or bool(text and rules.stops_all(text))
        if not everything and (not text or rules.stop_language(text) is None):
            return None
        granted = [name.split(".", 2) for name, one in contact.facts.consents.items() if one.granted]
        purposes: list[tuple[str, str]]
        body = await self._origins.body(origin) if origin else {}
        answered = str(body.get("purpose") or "")
        if everything or not answered:
            # Nothing says which news they mean: then all of it on this channel stops.
            purposes = [(purpose, of) for purpose, on, of in granted if on == channel]
            purposes += [(purpose, brand) for purpose in PURPOSES]
        else:
            purposes = [(answered, brand)]
        leaving: list[SubjectId] = []
        if self._d.home is not None and PURPOSE in {purpose for purpose, _ in purposes}:
            about = {str((body.get("event") or {}).get("xid") or ""), origin.subject if origin is not None else ""}
            leaving, last = self._d.home.stopped(
                contact, channel, address, brand, about if answered == PURPOSE else set(), everything=answered != PURPOSE
            )
            if not last:  # one of several: the others go on, and what is withdrawn names this one
                purposes = [(f"{PURPOSE}:{one}", brand) for one in leaving]
        entries = [
            ConsentEntry(purpose, channel, of, False, end_of(event.at_ms), "stop_word", evidence=Personal("inbound message"))
            for purpose, of in dict.fromkeys(purposes)
        ]
        await self._d.contacts.set_consents(contact.id, entries)
        crash_point("stop.withdrawn")
        for one in leaving:
            assert self._d.home is not None
            await self._d.home.leave(one, contact.id, Left.STOPPED)
        if everything:
            return STOP_ALL_CONFIRMED
        return FAMILY_STOPPED if leaving and answered == PURPOSE else STOP_CONFIRMED

    async def start(self, contact: Contact, channel: str, event: MessageEvent) -> bool:
        """Their own "start" grants again what a stop withdrew; nothing that they never agreed to. True: it did.

        Nobody joins a family again by it: the traveller's link does that.
        """
        resumed = event.kind is InboundKind.BUTTON and event.payload == f"{STOP_CONFIRMED}/{RESUME}"
        if not resumed and not (event.kind is InboundKind.TEXT and rules.is_start(event.text.reveal())):
            return False
        withdrawn = [
            name.split(".", 2) for name, one in contact.facts.consents.items() if not one.granted and one.at_ms < event.at_ms
        ]
        ledger = await self._d.contacts.ledger(contact.id)
        once = {(entry.purpose, entry.channel, entry.brand) for entry in ledger if entry.granted}
        entries = [
            ConsentEntry(purpose, on, of, True, event.at_ms, "start_word", evidence=Personal("inbound message"))
            for purpose, on, of in withdrawn
            if on == channel and purpose != PURPOSE and (purpose, on, of) in once
        ]
        if not entries:
            return False
        await self._d.contacts.set_consents(contact.id, entries)
        return True

    async def confirm(self, contact: ContactId, address: AddressId, name: str, event: MessageEvent, brand: str) -> None:
        """Confirm a stop, to the address that said it. Once an inbound message, however often it is applied."""
        deps = self._d
        world = await deps.worlds.now()
        notification = world.catalogue.get(name)
        if notification is None:
            return
        try:
            current = await deps.contacts.get(contact)
        except (NotFound, Sealed):
            return
        key = deps.vault.blind("inbound", event.channel_id.reveal())[:16]
        result = EventResult(
            event=f"inbound:{key}", type=EventType.ORDER_STATUS, external_id="", source="inbound", subject=SubjectId(""),
            sequence=0, occurred_at_ms=event.at_ms, item="", changes=(), state={}, previous={}, data={}, facts={},
            notifications=(name,),
        )  # fmt: skip
        only = replace(current, profile=replace(current.profile, addresses=tuple(
            one for one in current.profile.addresses if one.id == address)))  # fmt: skip
        found = draft(notification, only, result, [Reader(None, None)], replace(world, default_brand=brand))
        if found is None:
            return
        found = replace(found, id=message_id(result.event, name, "", current.id, 0), told="")
        await self._put(current, [found])

    async def _put(self, contact: Contact, drafts: Sequence[Draft]) -> None:
        box = await self._d.vault.contact_box(contact.id)
        messages = tuple(one.planned(contact.id, box.seal_body(one.body, one.id)) for one in drafts)
        for _ in range(5):
            facts = (await self._d.contacts.facts_of([contact.id]))[0]
            planned = PlannedContact(contact.id, facts.consent_version, (), messages)
            plan = Plan(partition_of(contact.id), "", 0, "", (planned,))
            answer = await self._d.outbox.put(plan)
            wake_for(self._d.wake, (plan, answer))
            if answer.written or any(state not in ("ok", "replan") for state in answer.contacts):
                return
