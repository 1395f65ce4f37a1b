"""What can be done with a contact, whoever asks: the API, the command line, an import."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.api import views
from gateway.clock import Clock
from gateway.connector import Connector
from gateway.directory import Directory
from gateway.errors import BadInput, NotFound, Problem, Sealed
from gateway.insight.past import Past
from gateway.model.audit import Audited
from gateway.model.contact import ConsentEntry, Contact, Identifier, OrderLink, Profile, Proof, Subscription
from gateway.model.family import ROLE, Left
from gateway.model.ids import AddressId, ContactId, MessageId, SubjectId, is_id, partition_of
from gateway.model.message import MessageRecord
from gateway.model.personal import Personal
from gateway.model.webcare import DeskPlan
from gateway.notifications.wordings import Wordings
from gateway.planning.waiting import Mended, Waiting
from gateway.store.audit import Audit
from gateway.store.contacts import Contacts, FactChange
from gateway.store.conversations import Conversations
from gateway.store.erasure import Erased, Erasure
from gateway.store.families import Families
from gateway.store.outbox import Outbox, open_message
from gateway.store.passes import Passes
from gateway.store.vault import Vault

SUBJECT_KEEP_MS = 30 * 24 * 3600_000
CUSTOMERS = ""
"""The namespace of customer numbers: one for all sources of an installation."""

Newcomer = Callable[[ContactId, Sequence[SubjectId]], Awaitable[None]]
"""Tells a contact what still holds of subjects they have just begun to follow."""


async def _tell_nobody(contact: ContactId, subjects: Sequence[SubjectId]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class People:
    """newcomer: what a new subscription sets off (intake's expander); without it they hear from the next event on.

    waiting: sends what a proof or a consent was waited for
    families: who follows whose journey: whoever is to hear no more of it is on no list of theirs
    past: what the history has of them; plan: by whose hours they are answered
    """

    contacts: Contacts
    outbox: Outbox
    conversations: Conversations
    erasure: Erasure
    vault: Vault
    clock: Clock
    connectors: Mapping[str, Connector]
    directory: Directory
    wordings: Wordings
    default_brand: str
    passes: Passes
    audit: Audit
    newcomer: Newcomer = _tell_nobody
    waiting: Waiting | None = None
    families: Families | None = None
    past: Past | None = None
    plan: DeskPlan = field(default_factory=DeskPlan.plain)

    # who

    async def get(self, contact: str) -> Contact:
        """A contact by our id, followed where it moved. Raises NotFound: unknown, erased, or being erased."""
        if is_id(contact, "c"):
            found = await self.contacts.get(ContactId(contact))
            if found.version > 0 and not found.facts.erasing:
                return found
        raise NotFound("no such contact, or it was erased")

    async def get_even_erasing(self, contact: str) -> Contact:
        """As `get`, for an erasure that was begun and did not end: it may be asked for again."""
        if is_id(contact, "c"):
            found = await self.contacts.get(ContactId(contact))
            if found.version > 0:
                return found
        raise NotFound("no such contact, or it was erased")

    def identifiers(self, channel: str, to: str) -> list[Identifier]:
        """What an address is, in each portfolio of ours where it may mean another. Raises BadInput (field `to`)."""
        connector = self.connectors.get(channel)
        if connector is None:
            raise BadInput([Problem("channel", f"should be one of {', '.join(sorted(self.connectors))}")])
        scopes = dict.fromkeys(sender.scope for sender in self.directory if sender.channel == channel)
        return list(dict.fromkeys(connector.identify(to, scope) for scope in scopes or {"": None}))

    async def by_address(self, channel: str, to: str) -> Contact | None:
        for owner in await self.contacts.find(channel, self.identifiers(channel, to)):
            if owner is not None:
                return await self._known(owner[0])
        return None

    async def by_customer(self, customer: str) -> Contact | None:
        found = await self.contacts.by_customer(self.contacts.customer_hash(CUSTOMERS, customer))
        return await self._known(found) if found is not None else None

    async def _known(self, contact: ContactId) -> Contact | None:
        try:
            return await self.get(contact)
        except NotFound:
            return None

    # consents

    def consent_problems(self, entry: ConsentEntry, path: str) -> list[Problem]:
        """What a consent lacks to count: a grant needs a known wording and what shows it; nobody agrees tomorrow."""
        found = []
        at = f"{path}." if path else ""
        if entry.granted and not entry.wording:
            found.append(Problem(f"{at}wording", "is missing: what stood at the box they ticked"))
        elif entry.wording and not self.wordings.known(entry.wording):
            found.append(Problem(f"{at}wording", "should be the id of a wording in templates/wordings"))
        if entry.granted and not (entry.evidence and entry.evidence.reveal().strip()):
            found.append(Problem(f"{at}evidence", "is missing: what shows that they agreed"))
        if entry.at_ms > self.clock.now_ms() + 300_000:
            found.append(Problem(f"{at}at", "lies more than 5 minutes ahead of this server's clock"))
        return found

    async def set_consents(self, contact: Contact, entries: Sequence[ConsentEntry]) -> list[bool]:
        """Write down what they said; per entry whether it is newer than what was known. What waited for a grant goes."""
        applied = await self.contacts.set_consents(contact.id, entries)
        granted = {one.channel for one, done in zip(entries, applied, strict=True) if done and one.granted}
        for address in contact.profile.addresses:
            if self.waiting is not None and address.channel in granted:
                await self.waiting.revive(contact.id, address.id, Mended.CONSENT)
        return applied

    async def set_proof(self, contact: Contact, address: AddressId, proof: Proof | None, at_ms: int) -> bool:
        """Bind an address to its person, or say that it is not theirs. What waited for the proof goes."""
        applied = await self.contacts.set_proof(contact.id, address, proof, at_ms)
        if applied and proof is not None and self.waiting is not None:
            await self.waiting.revive(contact.id, address, Mended.PROOF)
        return applied

    # what they hear about

    async def follow(
        self, contact: Contact, subject: SubjectId, *, reference: str, kind: str, brand: str, until_ms: int
    ) -> str:
        """Let a contact hear about a flight, trip or order: added, changed or same. Repeatable.

        reference: the order it belongs to, which texts may name; kind: as an order's
        """
        order = self.vault.subject_id("order", reference)

        def edit(profile: Profile) -> Profile:
            known = next((link for link in profile.orders if link.order == order), None)
            traveller = profile.travellers[0].customer if profile.travellers else ""
            link = known or OrderLink(
                order, Personal(reference), kind, brand, "api", traveller, "customer", None, (), until_ms
            )
            subjects = link.subjects if subject in (order, *link.subjects) else (*link.subjects, subject)
            link = replace(link, subjects=subjects, until_ms=max(link.until_ms, until_ms))
            return replace(profile, orders=(*(one for one in profile.orders if one is not known), link))

        current = await self.contacts.change(contact.id, edit)
        await self.contacts.open_subject(subject, partition_of(current.id), b"", until_ms + SUBJECT_KEEP_MS)
        refs = tuple(sorted({one.order for one in current.profile.orders if subject in (one.order, *one.subjects)}))
        answer = await self.contacts.subscribe(Subscription(current.id, subject, refs, until_ms))
        if answer in ("erasing", "moved"):
            raise NotFound("this contact is being erased or moved")
        if answer == "added":
            await self.newcomer(current.id, [subject])
        return answer

    async def unfollow(self, contact: Contact, subject: SubjectId) -> bool:
        """Let a contact hear no more about a subject, whatever order brought it. False: they did not hear about it.

        An order goes with what only it brought along. Who follows somebody's journey from home follows all of it or nothing.
        """
        left: set[SubjectId] = {subject}
        whole: list[SubjectId] = []

        def edit(profile: Profile) -> Profile:
            whole[:] = [one.order for one in profile.orders if one.role == ROLE and subject in (one.order, *one.subjects)]
            goes = {subject, *whole}
            gone = {other for one in profile.orders if one.order in goes for other in (one.order, *one.subjects)}
            links = [
                replace(one, subjects=tuple(other for other in one.subjects if other != subject))
                for one in profile.orders
                if one.order not in goes
            ]
            left.update(gone - {other for one in links for other in one.subjects})
            return replace(profile, orders=tuple(links))

        if self.families is not None:  # the list first: a call that was killed finds the link still, and is done again whole
            known = await self.contacts.get(contact.id)
            for link in known.profile.orders:
                if link.role == ROLE and subject in (link.order, *link.subjects):
                    await self.families.leave(link.order, contact.id, Left.STOPPED)
        await self.contacts.change(contact.id, edit)
        if self.families is not None:
            for family in whole:  # and who joined one in between
                await self.families.leave(family, contact.id, Left.STOPPED)
            for order in {one.order for one in contact.profile.orders if subject in (one.order, *one.subjects)}:
                await self.families.look_soon_at(contact, order)
        answers = {other: await self.contacts.unsubscribe(contact.id, other, "api") for other in left}
        return answers[subject]

    # all of theirs

    async def messages(self, contact: ContactId) -> list[tuple[MessageRecord, bytes]]:
        """The last message of each thing they were or are to be told, newest first."""
        ids = list(dict.fromkeys(await self.outbox.told_messages(contact)))
        found = [await self.outbox.record(MessageId(one)) for one in ids]
        return sorted((one for one in found if one is not None), key=lambda one: one[0].planned_at_ms, reverse=True)

    async def export(self, contact: Contact, *, by: str) -> dict[str, Any]:
        """Everything we have of a person, in the clear, as JSON. by: who wants it, which the audit has before they do"""
        await self.audit.write(Audited.EXPORTED, by, about=(contact.id,))
        box = await self.vault.contact_box(contact.id)
        messages = []
        addresses = {address.id: address for address in contact.profile.addresses}
        for record, sealed in await self.messages(contact.id):
            try:
                body = open_message(box, record, sealed)
            except (Sealed, ValueError):
                body = None
            messages.append(views.message_json(record, body=body, address=addresses.get(record.address)))
        ledger = await self.contacts.ledger(contact.id)
        return {
            "exported_at": views.iso(self.clock.now_ms()),
            "contact": views.contact_json(contact, reveal=True),
            "consent_ledger": [views.entry_json(entry, reveal=True) for entry in ledger],
            "subscriptions": [views.subscription_json(one) for one in await self.contacts.subscriptions(contact.id)],
            "messages": messages,
            "documents": [{"id": one.id, "paper": dict(one.paper)} for one in await self.passes.of_contact(contact.id)],
            "conversations": await self._conversations(contact.id),
            "touches": await self._touches(contact.id),
            "not_included": [
                "events and webhooks as they came, sealed under keys of their day and destroyed after 8 days",
                "counted facts, which hold ids of ours and no personal data",
            ],
        }

    async def _touches(self, contact: ContactId) -> list[dict[str, Any]]:
        """What other programs told of them: calls, mail, visits."""
        if self.past is None:
            return []
        return [views.touch_json(one) for one in await self.past.touches_of(contact)]

    async def _conversations(self, contact: ContactId) -> list[dict[str, Any]]:
        found = []
        if self.past is not None:  # the history has more of them than the store
            talks = [(one, await self.past.thread(one)) for one in await self.past.conversations_of(contact)]
        else:
            here = await self.conversations.get_many(await self.conversations.of_contact(contact))
            talks = [(one, await self.conversations.thread(one)) for one in here if one is not None]
        for one, entries in talks:
            found.append(
                {
                    "id": one.id,
                    "brand": one.brand,
                    "opened_at": views.iso(one.opened_ms),
                    "resolved_at": views.iso(one.resolved_ms),
                    "entries": [
                        {"at": views.iso(entry.at_ms), "kind": entry.kind.value, "text": entry.text.reveal()}
                        for entry in entries
                    ],
                }
            )
        return found

    async def erase(self, contact: Contact, *, by: str) -> Erased:
        """by: who had it done"""
        return await self.erasure.erase(contact.id, by=by)

    async def unbind(self, contact: Contact, page: str, *, by: str) -> bool:
        """Let one of their pages be opened on another device; whether there was anything to undo. Raises NotFound."""
        if page not in {one.id for one in await self.passes.of_contact(contact.id)}:
            raise NotFound("no such page of this contact, or it was replaced by a newer one")
        return await self.passes.unbind(page, by=by)

    async def set_wish(self, contact: ContactId, channels: Sequence[str]) -> None:
        """The channels in the order in which they want to be reached; () takes it back. Raises BadInput."""
        strange = sorted(set(channels) - self._channels())
        if strange:
            raise BadInput([Problem("channels", f"{', '.join(strange)}: no channel that this installation has a sender on")])
        await self.contacts.change_facts(contact, [FactChange("wish", ",".join(dict.fromkeys(channels)), 0, "set")])

    def _channels(self) -> set[str]:
        return {sender.channel for sender in self.directory}

    async def set_language(self, contact: ContactId, language: str | None, timezone: str | None) -> None:
        changes = []
        if language:
            changes.append(FactChange("lang", language.replace("_", "-"), 0, "set"))
        if timezone:
            changes.append(FactChange("tz", timezone, 0, "set"))
        await self.contacts.change_facts(contact, changes)
