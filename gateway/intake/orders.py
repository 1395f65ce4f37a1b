"""An order is where customers, consents, proofs and subscriptions come from.

Each recipient becomes (or joins) a contact: the one who owns the first of their addresses that is owned; else the one their
customer number is bound to; else somebody new. Whoever comes without any address waits: an invitation, or a booking code typed
in a chat, brings one later. Somebody who came before the order is found by their invitation. An order never merges contacts and
never moves an address: a second customer who gives an address of somebody joins that contact as a further traveller. Every step
may run twice; an order version that is taken up late changes nothing where a newer one has written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from gateway.connector import Connector
from gateway.directory import Directory
from gateway.errors import BadInput, NotFound, Sealed
from gateway.intake.followed import areas_named, baseline, legs_named, listen_until, onward_named, stretches_named
from gateway.intake.invited import NO_CHATS, Chats, Invited, invited_to
from gateway.model.contact import (
    Address,
    ConsentEntry,
    Contact,
    GivenBy,
    Identifier,
    OrderLink,
    Profile,
    Proof,
    Subscription,
    Traveller,
)
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import AddressId, ContactId, SubjectId, new_contact_id, partition_of
from gateway.model.personal import Personal
from gateway.planning.left import leave_unnamed
from gateway.planning.waysin_people import INVITED
from gateway.planning.waysin_words import booking
from gateway.rules.states import instant_ms
from gateway.rules.stretches import boards_earlier, stretch_of
from gateway.store.contacts import Contacts, FactChange
from gateway.store.dialogues import Dialogues
from gateway.store.invitations import Invitations
from gateway.store.subjects import Subjects
from gateway.store.vault import Vault

DAY_MS = 24 * 3600_000
_KINDS = {EventType.APPOINTMENT_STATUS: "service"}
PAGE = 100


@dataclass(frozen=True, slots=True)
class Taken:
    """One recipient of an event, bound to a contact. subjects: what they hear about by it; added: of these, what is new."""

    contact: ContactId
    traveller: str
    subjects: tuple[SubjectId, ...] = ()
    added: tuple[SubjectId, ...] = ()


class Orders:
    def __init__(
        self,
        contacts: Contacts,
        subjects: Subjects,
        vault: Vault,
        directory: Directory,
        connectors: Mapping[str, Connector],
        default_brand: str,
        invitations: Invitations,
        dialogues: Dialogues,
    ) -> None:
        self._contacts = contacts
        self._subjects = subjects
        self._vault = vault
        self._directory = directory
        self._connectors = connectors
        self._default_brand = default_brand
        self._invitations = invitations
        self._dialogues = dialogues

    async def take(self, event: BusinessEvent, sequence: int, namespace: str) -> list[Taken]:
        """Bring the recipients, consents and subscriptions of an order, or of an appointment, up to date."""
        data = event.data
        brand = str(data.get("brand") or self._default_brand)
        legs = legs_named(data, self._vault.subject_id)
        subjects = (*legs, *areas_named(data, self._vault.subject_id))
        until = listen_until(event)
        invited = await self._invited(event)
        taken = await self._take(event, sequence, namespace, brand, subjects, until, legs, invited)
        # Whoever came by an invitation while this was under way noted it before they looked for the order's people.
        later = await self._invited(event)
        if later.claimed != invited.claimed:
            first = taken
            taken = await self._take(event, sequence, namespace, brand, subjects, until, legs, later)
            named = {(one.contact, one.traveller) for one in taken}
            passed = [one.contact for one in first if (one.contact, one.traveller) not in named]
            for contact in await self._contacts.get_many(passed):
                if contact is not None:
                    await self._leave_out(contact, event.subject_id, sequence + 1, named)
        if data.get("recipients") and event.type is EventType.ORDER_STATUS:
            await self._dialogues.set_booking(booking(str(data["orderNumber"])), event.subject_id, until + 30 * DAY_MS)
            for one in later.all:
                await self._invitations.ends(one, until)
        return taken

    async def _take(
        self,
        event: BusinessEvent,
        sequence: int,
        namespace: str,
        brand: str,
        subjects: tuple[SubjectId, ...],
        until: int,
        legs: Mapping[SubjectId, Mapping[str, Any]],
        invited: Invited,
    ) -> list[Taken]:
        taken = []
        recipients = event.data.get("recipients") or []
        for place, recipient in enumerate(recipients):
            contact, traveller, addresses = await self._bind(recipient, brand, namespace, invited, recipients)
            link = self._link(event, recipient, traveller, brand, subjects, until, sequence, place)
            try:
                await self._consents(event, recipient, contact, brand, addresses)
                chats = await self._chats(contact, invited, traveller)
                taken.append(await self._subscribe(event, recipient, contact, traveller, addresses, link, legs, chats))
            except NotFound:  # being erased: the others of the order are served all the same
                continue
        for one in invited.beside():
            assert one.contact is not None
            recipient = {"role": one.role or None, "passenger": one.passenger or None}
            link = self._link(event, recipient, one.traveller, brand, subjects, until, sequence)
            with contextlib.suppress(NotFound):
                beside = replace(link, source=INVITED)
                taken.append(await self._subscribe(event, {}, one.contact, one.traveller, [], beside, legs))
        return taken

    async def reach(self, event: BusinessEvent, namespace: str) -> list[Taken]:
        """The contacts of a document's recipients; those we do not know become contacts without consent."""
        brand = str(event.data.get("brand") or self._default_brand)
        invited = await self._invited(event)
        taken = []
        for recipient in event.data.get("recipients") or []:
            # A document names only some of an order's people: who is nobody yet is none of them.
            contact, traveller, addresses = await self._bind(recipient, brand, namespace, invited, ())
            try:
                chats = await self._chats(contact, invited, traveller)
                join = partial(_join, traveller=traveller, recipient=recipient, addresses=addresses, chats=chats)
                await self._contacts.change(contact, join)
            except NotFound:
                continue
            taken.append(Taken(contact, traveller))
        return taken

    async def unsubscribe_left_out(self, order: SubjectId, sequence: int, now: Sequence[Taken]) -> None:
        """A later version of an order that leaves a traveller out: they hear no more about it."""
        named = {(taken.contact, taken.traveller) for taken in now}
        for partition in await self._subjects.partitions(order):
            after = ""
            while people := await self._contacts.subscribers(partition, order, after, PAGE):
                after = people[-1]
                for contact in await self._contacts.get_many(people):
                    if contact is not None:
                        await self._leave_out(contact, order, sequence, named)

    async def _leave_out(self, contact: Contact, order: SubjectId, sequence: int, named: Set[tuple[ContactId, str]]) -> None:
        def is_left(link: OrderLink) -> bool:
            return link.order == order and (contact.id, link.traveller) not in named and link.version < sequence

        left = [link for link in contact.profile.orders if is_left(link)]
        kept = {subject for link in contact.profile.orders if not is_left(link) for subject in (link.order, *link.subjects)}
        # A killed run is begun again by whoever still follows the order: that goes last.
        if left:
            with contextlib.suppress(NotFound):
                await self._contacts.change(
                    contact.id, lambda profile: replace(profile, orders=tuple(one for one in profile.orders if not is_left(one)))
                )
        if left or order not in kept:
            await leave_unnamed(self._contacts, contact.id, order, "left_out")
            await self._subjects.families.look_soon(*(self._subjects.families.id_of(order, one.traveller) for one in left))

    # who

    async def _bind(
        self,
        recipient: Mapping[str, Any],
        brand: str,
        namespace: str,
        invited: Invited,
        everybody: Sequence[Mapping[str, Any]],
    ) -> tuple[ContactId, str, list[tuple[str, Identifier, AddressId, Mapping[str, Any]]]]:
        """(contact, traveller, [(channel, identifier, address, as given)]) of one recipient. everybody: all of an order's"""
        customer = self._contacts.customer_hash(namespace, str(recipient["customerId"]))
        given = self._identifiers(recipient, brand)
        owners = [(await self._contacts.find(channel, [identifier]))[0] for channel, identifier, _ in given]
        owned = next((owner for owner in owners if owner is not None), None)
        came = invited.as_customer(customer)
        if came is None and everybody and not given:
            came = await invited.came_before(recipient, customer, everybody)
        contact = came.contact if came is not None else owned[0] if owned else None
        contact = contact or await self._customer(customer, brand, new_address=bool(given))
        addresses = []
        for (channel, identifier, raw), owner in zip(given, owners, strict=True):
            found = owner or await self._contacts.reserve(channel, identifier, contact)
            contact = contact or found[0]
            if found[0] == contact:  # an address of somebody else is never written to for this customer
                addresses.append((channel, identifier, found[1], raw))
        # Without any address they wait for one: an invitation may bring it.
        held = await self._contacts.set_customer(customer, contact or new_contact_id())
        contact = contact or held
        if came is not None and came.traveller != customer:
            await invited.rename(came, customer)
        return contact, customer, addresses

    async def _customer(self, customer: str, brand: str, *, new_address: bool) -> ContactId | None:
        """The contact a customer number is bound to. With an address that nobody has, only if it is this brand's customer.

        Two systems may count alike: without this, a customer of one brand would get a stranger's address at another.
        """
        found = await self._contacts.by_customer(customer)
        if found is None or not new_address:
            return found
        try:
            known = await self._contacts.get(found)
        except (NotFound, Sealed):
            return None
        links = [link for link in known.profile.orders if link.traveller == customer]
        return found if not links or any(link.brand == brand for link in links) else None

    def _identifiers(
        self, recipient: Mapping[str, Any], brand: str
    ) -> list[tuple[str, Identifier, Mapping[str, Any]]]:
        found = []
        for raw in recipient.get("addresses") or []:
            connector = self._connectors.get(raw["channel"])
            if connector is None:
                continue  # a channel this gateway does not have: known to the source, nothing to bind here
            scope = self._directory.scope_of(brand, raw["channel"])
            try:
                found.append((raw["channel"], connector.identify(raw["to"], scope), raw))
            except BadInput:
                continue  # refused at the door; kept events from before a stricter rule end here
        return found

    async def _invited(self, event: BusinessEvent) -> Invited:
        brand = str(event.data.get("brand") or "")
        return await invited_to(event.subject_id, brand, self._invitations, self._contacts)

    async def _chats(self, contact: ContactId, invited: Invited, traveller: str) -> Chats:
        """The addresses that an invitation brought this contact, for this order or another: no order takes them away."""
        proofs = (await self._contacts.facts_of([contact]))[0].proofs
        asked = frozenset(address for address, (proof, _) in proofs.items() if proof in (Proof.LINK, Proof.APP_LOGIN))
        return Chats(asked, frozenset(invited.chats(traveller)) - asked)

    # what they agreed to

    async def _consents(
        self,
        event: BusinessEvent,
        recipient: Mapping[str, Any],
        contact: ContactId,
        brand: str,
        addresses: Sequence[tuple[str, Identifier, AddressId, Mapping[str, Any]]],
    ) -> None:
        """Consents count for oneself only: a number given by a booker or an agency brings none."""
        own = {channel for channel, _, _, raw in addresses if raw.get("givenBy", "self") == "self"}
        entries = [
            ConsentEntry(
                purpose=raw["purpose"],
                channel=raw["channel"],
                brand=brand,
                granted=bool(raw["granted"]),
                at_ms=instant_ms(raw["at"]) or event.occurred_at_ms,
                how=raw["how"],
                wording=raw.get("wording"),
                evidence=Personal(f"event {event.id}"),
            )
            for raw in recipient.get("consents") or []
            if raw["channel"] in own or not raw["granted"]
        ]
        changes = await self._contacts.consent_changes(contact, entries)
        for _, _, address, raw in addresses:
            if raw.get("proof"):
                changes.append(FactChange(f"p:{address}", Proof(raw["proof"]).value, event.occurred_at_ms, "proof"))
        # Language and zone: the newest order says; "set" is idempotent and costs no version.
        if recipient.get("locale"):
            changes.append(FactChange("lang", str(recipient["locale"]).replace("_", "-"), 0, "set"))
        if recipient.get("timezone"):
            changes.append(FactChange("tz", str(recipient["timezone"]), 0, "set"))
        await self._contacts.change_facts(contact, changes)

    # what they hear about

    def legs_of(self, event: BusinessEvent) -> dict[SubjectId, str]:
        """The flights and trips that an order names, and which of the two each is."""
        return {subject: str(leg["type"]) for subject, leg in legs_named(event.data, self._vault.subject_id).items()}

    def _link(
        self,
        event: BusinessEvent,
        recipient: Mapping[str, Any],
        traveller: str,
        brand: str,
        subjects: tuple[SubjectId, ...],
        until: int,
        sequence: int,
        place: int = 0,
    ) -> OrderLink:
        area = (event.data.get("service") or {}).get("area") or {}
        return OrderLink(
            order=event.subject_id,
            number=Personal(str(event.data.get("orderNumber") or event.data["appointmentId"])),
            kind=str(event.data.get("kind") or _KINDS.get(event.type, "goods")),
            brand=brand,
            source=event.source,
            traveller=traveller,
            role=str(recipient.get("role") or "customer"),
            passenger=recipient.get("passenger"),
            subjects=subjects,
            until_ms=until,
            version=sequence,
            postcode=Personal(area["postcode"]) if area.get("postcode") else None,
            age=recipient["kind"] if recipient.get("kind") in ("child", "infant") else "",
            ticket=Personal(recipient["ticketNumber"]) if recipient.get("ticketNumber") else None,
            share="booker" if event.data.get("share") == "booker" else "",
            place=place,
            onward=onward_named(event.data, self._vault.subject_id),
            stretches=stretches_named(event.data, self._vault.subject_id),
        )

    async def _subscribe(
        self,
        event: BusinessEvent,
        recipient: Mapping[str, Any],
        contact: ContactId,
        traveller: str,
        addresses: Sequence[tuple[str, Identifier, AddressId, Mapping[str, Any]]],
        link: OrderLink,
        legs: Mapping[SubjectId, Mapping[str, Any]],
        chats: Chats = NO_CHATS,
    ) -> Taken:
        stale = known = False

        def edit(profile: Profile) -> Profile:
            nonlocal stale, known
            joined = _join(profile, traveller, recipient, addresses, chats)
            mine = next((one for one in joined.orders if one.order == link.order and one.traveller == traveller), None)
            known, stale = mine is not None, mine is not None and mine.version > link.version
            if stale:
                return profile
            merged = link
            if mine is not None:  # an event that only moves the status leaves out what it does not change
                done_again = mine.version == link.version and bool(mine.moves)  # what they were moved to since stays theirs
                if done_again or (not event.data.get("itinerary") and not event.data.get("service")):
                    merged = replace(link, subjects=mine.subjects, until_ms=max(mine.until_ms, link.until_ms), kind=mine.kind)
                    merged = replace(merged, moves=mine.moves)
                    merged = replace(merged, postcode=mine.postcode, role=mine.role, passenger=mine.passenger)
                    merged = replace(merged, onward=mine.onward, stretches=mine.stretches)
                if not event.data.get("brand"):
                    merged = replace(merged, brand=mine.brand)
                if not event.data.get("share"):
                    merged = replace(merged, share=mine.share)
                if "kind" not in recipient:
                    merged = replace(merged, age=mine.age)
                if not recipient.get("ticketNumber"):
                    merged = replace(merged, ticket=mine.ticket)
                if not recipient:
                    merged = replace(merged, place=mine.place)
            others = tuple(one for one in joined.orders if one is not mine)
            return replace(joined, orders=(*others, merged))

        current: Contact = await self._contacts.change(contact, edit)
        if stale:
            return Taken(current.id, traveller)
        mine = next(one for one in current.profile.orders if one.order == link.order and one.traveller == traveller)
        added = []
        for subject in (mine.order, *mine.subjects):
            await self._open(subject, partition_of(current.id), legs.get(subject), mine.until_ms + 30 * DAY_MS)
            refs = sorted({one.order for one in current.profile.orders if subject in (one.order, *one.subjects)})
            answer = await self._contacts.subscribe(Subscription(current.id, subject, tuple(refs), mine.until_ms))
            if answer == "added":
                added.append(subject)
        await leave_unnamed(self._contacts, current.id, mine.order, "left_out")
        if known and legs:  # another version: those at home follow what the traveller does
            await self._subjects.families.look_soon(self._subjects.families.id_of(mine.order, traveller))
        return Taken(current.id, traveller, (mine.order, *mine.subjects), tuple(added))

    async def _open(self, subject: SubjectId, partition: int, leg: Mapping[str, Any] | None, keep_until_ms: int) -> None:
        """Let a subject know that somebody follows it, and what their order knows of it.

        Of a train it is what those know who board it first: nobody's moment may come too late. Whoever boards it elsewhere has
        their own times with them (`stretches`).
        """
        base = baseline(leg) if leg else {}
        if leg is None or leg["type"] != "trip":
            sealed = self._subjects.seal_base(subject, base) if leg else b""
            await self._contacts.open_subject(subject, partition, sealed, keep_until_ms)
            return
        for _ in range(20):
            found = await self._subjects.read(subject, EventType.TRIP_STATUS.value)
            earlier = boards_earlier(stretch_of(base), found.base)
            sealed = self._subjects.seal_base(subject, base) if earlier else b""
            if await self._contacts.open_subject(subject, partition, sealed, keep_until_ms, seen=found.raw_base):
                return
        raise RuntimeError("this subject is being changed by too many at once")


def _join(
    profile: Profile,
    traveller: str,
    recipient: Mapping[str, Any],
    addresses: Sequence[tuple[str, Identifier, AddressId, Mapping[str, Any]]],
    chats: Chats = NO_CHATS,
) -> Profile:
    """This traveller and their addresses among a contact's; nothing of the others is touched."""
    known = list(profile.addresses)
    for channel, identifier, address, raw in addresses:
        if all(one.id != address for one in known):
            known.append(Address(address, channel, (identifier,), GivenBy(raw.get("givenBy") or "self")))
    name = recipient.get("name") or {}
    old = next((one for one in profile.travellers if one.customer == traveller), None)
    mine = tuple(address for _, _, address, _ in addresses)
    if old is not None:
        came = [one for one in old.addresses if one not in mine]
        before, behind = ([one for one in came if one in chosen] for chosen in (chats.asked, chats.brought))
        mine = (*before, *mine, *behind) if mine else old.addresses
    given = Personal(name["given"]) if name.get("given") else (old.given_name if old else None)
    family = Personal(name["family"]) if name.get("family") else (old.family_name if old else None)
    said = recipient.get("customerId")  # who came beside the order's travellers is none of its customers
    number = Personal(str(said)) if said else (old.number if old else None)
    person = Traveller(traveller, given, family, mine, number)
    others = tuple(one for one in profile.travellers if one.customer != traveller)
    return replace(profile, addresses=tuple(known), travellers=(*others, person))
