"""One contact, told what an event did: planned, sealed and put, again while their consents change in between.

For whoever is told outside a fan-out (a newcomer, a document's recipient, one who came by an invitation), and for the fan-out
itself, contact by contact. Everything may be done twice: what is told is named by event, notification, item and contact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.errors import NotFound, Sealed
from gateway.model.contact import Contact
from gateway.model.event import EventType
from gateway.model.ids import ContactId, EventId, SubjectId, message_id, partition_of
from gateway.planning.at_home import is_member, on_board, told_apart, told_to
from gateway.planning.connecting import ITEM as CONNECTION
from gateway.planning.connecting import Connections
from gateway.planning.moving import Mover
from gateway.planning.plan import CHECK, draft, parts
from gateway.planning.rebooked import groups
from gateway.planning.renewed import renewed
from gateway.planning.result import Draft, EventResult, Reader, World, readers_of
from gateway.planning.schedule import Schedule
from gateway.planning.worlds import Worlds
from gateway.rules.family_end import leg_of
from gateway.rules.verdict import Reason
from gateway.store.contacts import Contacts
from gateway.store.outbox import Outbox, Plan, PlannedContact, PlannedMessage, told_prefix
from gateway.store.ready import wake_for
from gateway.store.subjects import Subjects
from gateway.store.untold import Untold
from gateway.store.vault import Vault
from gateway.wake import Wake


class Teller:
    def __init__(
        self, contacts: Contacts, subjects: Subjects, outbox: Outbox, vault: Vault, worlds: Worlds, wake: Wake, untold: Untold
    ) -> None:
        self._contacts = contacts
        self._subjects = subjects
        self._outbox = outbox
        self._vault = vault
        self._worlds = worlds
        self._wake = wake
        self._untold = untold
        self._mover = Mover(contacts, subjects, Schedule(worlds.catalogue.moments, subjects, worlds.clock))
        self._connections = Connections(subjects, outbox)

    async def welcome(
        self, contact: ContactId, subjects: Sequence[SubjectId], *, but: str = "", revive: bool = False
    ) -> None:
        """Tell a contact what still holds of subjects they have just begun to follow. but: an event that tells them anyway."""
        for subject in subjects:
            for _, sequence, entry in await self._subjects.current(subject):
                if entry["event"] != but:
                    await self.tell(contact, EventResult.load(entry, sequence), revive=revive)

    async def tell(
        self,
        contact: ContactId,
        result: EventResult,
        only: Sequence[Reader] | None = None,
        *,
        revive: bool = False,
        known: Contact | None = None,
    ) -> None:
        """Plan one event for one contact. only: about whom, None: by their orders.

        revive: what was planned before and could not be sent is planned anew
        known: the contact as it was read a moment ago: a consent that changed since is found when it is put, and read again
        raises: RuntimeError when the contact is being changed by too many at once
        """
        world = await self._worlds.now()
        for _ in range(5):
            try:
                current, known = known or await self._contacts.get(contact), None
            except (NotFound, Sealed):
                return
            planned = await self.planned(current, result, world, only, revive=revive)
            if planned is None:
                return
            if names := broken_of([planned]):
                await self._set_aside(current.id, result, names, named=only is not None)
            plan = Plan(partition_of(current.id), result.event, result.sequence, result.subject, (planned,))
            answer = await self._outbox.put(plan)
            if answer.written:
                wake_for(self._wake, (plan, answer))
                return
        raise RuntimeError("a contact is being changed by too many at once")

    async def tell_anew(
        self, contact: ContactId, result: EventResult, document: Mapping[str, Any] | None, only: Sequence[Reader] | None
    ) -> None:
        """Tell what waited for its person, as it is by now."""
        places, now_ms = self._worlds.catalogue.places, self._worlds.clock.now_ms()
        result, document = await renewed(result, document, self._subjects, places, now_ms)
        await self.tell(contact, result.with_document(document), only, revive=True)

    async def _set_aside(self, contact: ContactId, result: EventResult, names: Sequence[str], *, named: bool) -> None:
        """named: the event itself says about whom it is to tell them, and has the file: it is told again as a whole"""
        event, subject, did = EventId(result.event), result.subject, result.dump()
        if named and await self._untold.broken(event, subject, result.sequence, did, names):
            return
        why = f"could not be written: {', '.join(names)}"
        await self._untold.set_aside(event, subject, contact, result.sequence, did, why)

    async def planned(
        self,
        contact: Contact,
        result: EventResult,
        world: World,
        only: Sequence[Reader] | None = None,
        *,
        revive: bool = False,
    ) -> PlannedContact | None:
        """What an event means for one contact, sealed. None: nothing, or it is about none of their travellers."""
        if contact.facts.moved_to is not None:  # let the script say so: the caller goes after them
            return PlannedContact(contact.id, contact.facts.consent_version)
        readers = list(only) if only is not None else readers_of(contact, result, world.now_ms)
        travelling, members = told_apart(readers, world)
        if not travelling and not members:
            return None
        if result.state.get("rebookings"):
            await self._moves(contact, result, travelling)
        if result.type is EventType.ORDER_STATUS and result.state.get("status") == "cancelled":
            await self._subjects.families.look_soon_at(contact, result.subject)
        elif travelling and leg_of(result.state).landed:  # who looked a moment ago saw them in the air, and looks in an hour
            for order in {link.order for link in contact.profile.orders if result.subject in link.subjects}:
                await self._subjects.families.look_soon_at(contact, order)
        if any((one := world.catalogue.get(name)) is not None and one.item == CONNECTION for name in result.notifications):
            travelling = await self._connections.look(contact, result, travelling, world)
            members = await self._connections.look(contact, result, members, world)
        along = on_board(contact, result, travelling, members)
        drafts: list[Draft] = []
        ends: list[str] = []
        # Who travels as well may have waited for something as a member only; who left an order, for something as a traveller.
        concerned = {True: any(map(is_member, readers)), False: bool(travelling or contact.facts.left)}
        for name in result.notifications:
            notification = world.catalogue.get(name)
            if notification is None or not concerned[notification.at_home]:
                continue  # what it ends was never planned for anybody of them
            ends += [told_prefix(result.subject, ended) for ended in notification.ends]
            links = {"document": "document", "page": str(result.document.get("page") or "")} if result.document else {}
            people = told_to(notification, result, members, along, world) if notification.at_home else travelling
            for alike in groups(notification, result, people):
                found = draft(notification, contact, result, alike, world, links=links, document=result.document)
                if found is not None:
                    facts = world.facts.get(found.address.channel) if found.address is not None else None
                    drafts += parts(found, facts)
        messages = await self._seal(contact, drafts, revive=revive)
        if any(one.wants_check for one in drafts):
            check = await self._check(contact, next(one for one in drafts if one.wants_check), result, travelling, world)
            if check is not None:
                messages.append(check)
        if not messages and not ends:
            return None
        return PlannedContact(contact.id, contact.facts.consent_version, tuple(dict.fromkeys(ends)), tuple(messages))

    async def _moves(self, contact: Contact, result: EventResult, readers: Sequence[Reader]) -> None:
        """Before they are told that theirs is cancelled: whoever has another one follows it, and hears what holds of it."""
        for order in dict.fromkeys(one.link.order for one in readers if one.link is not None):
            follows = await self._mover.settle(contact.id, order, result.subject, result.type)
            if follows is not None and follows != result.subject:
                await self.welcome(contact.id, [follows], but=result.event)

    async def settle(self, order: SubjectId, journey: SubjectId, type_: EventType) -> None:
        """After an answer: let everybody of the order follow what is theirs now, and tell them what holds of it."""
        for contact, follows in await self._mover.settle_order(order, journey, type_):
            await self.welcome(contact, [follows])

    async def _seal(self, contact: Contact, drafts: Sequence[Draft], *, revive: bool = False) -> list[PlannedMessage]:
        if not drafts:
            return []
        box = await self._vault.contact_box(contact.id, create=True)
        return [one.planned(contact.id, box.seal_body(one.body, one.id), revive=revive) for one in drafts]

    async def _check(
        self, contact: Contact, waiting: Draft, result: EventResult, readers: Sequence[Reader], world: World
    ) -> PlannedMessage | None:
        """The first message to an address without proof: it names nobody and asks. Once in eight days."""
        notification = world.catalogue.get(CHECK)
        if notification is None or waiting.address is None:
            return None
        asked = [
            replace(one, traveller=replace(one.traveller, addresses=(waiting.address.id,)) if one.traveller else None)
            for one in readers
        ]
        found = draft(notification, contact, result, asked, world)
        if found is None:
            return None
        check_id = message_id("check", CHECK, waiting.address.id, contact.id, 0)
        found = replace(found, id=check_id, told="")
        return (await self._seal(contact, [found]))[0]


def broken_of(planned: Sequence[PlannedContact]) -> list[str]:
    """Notifications that could not be written for some of them."""
    return sorted({one.notification for who in planned for one in who.messages if one.reason == Reason.POISONED})
