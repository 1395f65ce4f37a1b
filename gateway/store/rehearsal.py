"""The stores that expanding writes to, for a rehearsal: they read the real one and keep what would be written to themselves.

Each says what its script would have answered (the script is named). What one step would have written, the next one reads, so that
the code above them goes the same way as it would for real. Nobody else sees any of it, and it is gone with the object.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import NotFound
from gateway.model.contact import Contact, ContactFacts, Identifier, Profile, Subscription
from gateway.model.event import BusinessEvent
from gateway.model.ids import AddressId, ContactId, EventId, SubjectId, new_address_id, new_contact_id, partition_of
from gateway.model.invitation import Invitation
from gateway.store import keys
from gateway.store.ahead import Ahead
from gateway.store.contacts import Contacts, FactChange, parse_facts
from gateway.store.dialogues import Dialogues
from gateway.store.documents import Documents
from gateway.store.families import Families
from gateway.store.fanout import Cursor, FanOut, FanOuts
from gateway.store.invitations import Invitations
from gateway.store.outbox import Outbox, Plan, PlannedMessage, PutResult
from gateway.store.passes import Passes
from gateway.store.reply import octets, words
from gateway.store.subjects import ApplyResult, SetMoment, SubjectMemory, Subjects
from gateway.store.untold import Untold
from gateway.store.vault import Vault


class PretendVault(Vault):
    async def _make_contact_key(self, contact: ContactId) -> bytes:
        """A key for somebody who would be new: good for this rehearsal alone."""
        return self._wrap(os.urandom(32), contact)


class PretendContacts(Contacts):
    """See lua/contact_put.lua, contact_facts.lua, subscribe_open.lua, subscribe.lua, unsubscribe.lua."""

    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        super().__init__(redis, clock, vault)
        self._addresses: dict[str, tuple[ContactId, AddressId]] = {}
        self._customers: dict[str, ContactId] = {}
        self._profiles: dict[ContactId, tuple[int, Profile]] = {}
        self._facts: dict[ContactId, dict[bytes, bytes]] = {}
        self._subscribed: dict[tuple[ContactId, SubjectId], Subscription | None] = {}
        self.opened: dict[SubjectId, set[int]] = {}
        self.bases: dict[SubjectId, bytes] = {}
        """partitions that a subject would learn of"""

    async def find(self, channel: str, identifiers: Sequence[Identifier]) -> list[tuple[ContactId, AddressId] | None]:
        real = await super().find(channel, identifiers)
        return [self._addresses.get(self._index(channel, one), known) for one, known in zip(identifiers, real, strict=True)]

    async def reserve(
        self, channel: str, identifier: Identifier, contact: ContactId | None = None
    ) -> tuple[ContactId, AddressId]:
        (known,) = await self.find(channel, [identifier])
        if known is None:
            owner = contact or new_contact_id()
            known = self._addresses[self._index(channel, identifier)] = owner, new_address_id(owner)
        return known

    async def by_customer(self, customer_hash: str) -> ContactId | None:
        return self._customers.get(customer_hash) or await super().by_customer(customer_hash)

    async def set_customer(self, customer_hash: str, contact: ContactId) -> ContactId:
        found = await self.by_customer(customer_hash)
        return found or self._customers.setdefault(customer_hash, contact)

    async def get_many(
        self, contacts: Sequence[ContactId], *, to_send: bool = False, ahead: Ahead | None = None
    ) -> list[Contact | None]:
        found = await super().get_many(contacts, to_send=to_send, ahead=ahead)
        for place, (contact, one) in enumerate(zip(contacts, found, strict=True)):
            if contact in self._profiles:
                version, profile = self._profiles[contact]
                facts = one.facts if one is not None else ContactFacts()
                one = Contact(contact, version, profile, facts)
            if one is not None and contact in self._facts:
                one = replace(one, facts=parse_facts(self._facts[contact]))
            found[place] = one
        return found

    async def facts_of(self, contacts: Sequence[ContactId]) -> list[ContactFacts]:
        real = await super().facts_of(contacts)
        return [
            parse_facts(self._facts[contact]) if contact in self._facts else facts
            for contact, facts in zip(contacts, real, strict=True)
        ]

    async def change(self, contact: ContactId, edit: Callable[[Profile], Profile]) -> Contact:
        while True:
            (current,) = await self.get_many([contact])
            if current is None or current.facts.erasing:
                raise NotFound("this contact is being erased")
            if current.facts.moved_to is None:
                break
            contact = current.facts.moved_to
        profile = edit(current.profile)
        if profile == current.profile and current.version > 0:
            return current
        self._profiles[contact] = current.version + 1, profile
        return Contact(contact, current.version + 1, profile, current.facts)

    async def change_facts(self, contact: ContactId, changes: Sequence[FactChange]) -> list[bool]:
        raw = self._facts.get(contact)
        if raw is None:
            known = await self._redis.hgetall(keys.of(contact, "f"))
            raw = self._facts[contact] = {octets(name): octets(value) for name, value in known.items()}
        answers = [_fact_changed(raw, change) for change in changes]
        if any(moved for _, moved in answers):
            raw[b"cv"] = str(int(raw.get(b"cv", b"0")) + 1).encode()
        return [applied for applied, _ in answers]

    async def open_subject(
        self, subject: SubjectId, partition: int, base: bytes, until_ms: int, *, seen: bytes | None = None
    ) -> bool:
        self.opened.setdefault(subject, set()).add(partition)
        if base:
            self.bases[subject] = base
        return True

    async def subscribe(self, one: Subscription) -> str:
        (facts,) = await self.facts_of([one.contact])
        if facts.erasing or facts.moved_to is not None:
            return "erasing" if facts.erasing else "moved"
        old = next((known for known in await self.subscriptions(one.contact) if known.subject == one.subject), None)
        self._subscribed[one.contact, one.subject] = one
        return "added" if old is None else "same" if old == one else "changed"

    async def unsubscribe(self, contact: ContactId, subject: SubjectId, why: str) -> bool:
        known = any(one.subject == subject for one in await self.subscriptions(contact))
        self._subscribed[contact, subject] = None
        return known

    async def subscriptions(self, contact: ContactId) -> list[Subscription]:
        found = {one.subject: one for one in await super().subscriptions(contact)}
        for (whose, subject), one in self._subscribed.items():
            if whose == contact:
                found.pop(subject, None)
                if one is not None:
                    found[subject] = one
        return list(found.values())

    async def subscribers(self, partition: int, subject: SubjectId, after: str, limit: int) -> list[ContactId]:
        changed = {
            contact: one is not None
            for (contact, about), one in self._subscribed.items()
            if about == subject and partition_of(contact) == partition
        }
        real = await super().subscribers(partition, subject, after, limit + len(changed))
        kept = [contact for contact in real if changed.get(contact, True)]
        kept += [contact for contact, there in changed.items() if there and contact > after and contact not in kept]
        return sorted(kept)[:limit]

    async def subscribers_of(
        self, places: Sequence[tuple[int, SubjectId, str]], limit: int
    ) -> list[list[ContactId]]:
        return [await self.subscribers(partition, subject, after, limit) for partition, subject, after in places]


def _fact_changed(raw: dict[bytes, bytes], change: FactChange) -> tuple[bool, bool]:
    """(applied, whether consents or proofs are others now); the rules of lua/contact_facts.lua that an order uses."""
    name = change.field.encode()
    old = raw.get(name)
    if change.rule == "set":
        raw[name] = change.value.encode()
        return raw[name] != old, False
    if change.rule not in ("consent", "proof"):
        raise ValueError(f"no event changes facts by the rule {change.rule}")
    last, _, at = (old or b"|-1").decode().rpartition("|")
    if change.at_ms < int(at) or (change.at_ms == int(at) and (change.value == last or change.value not in ("w", "-"))):
        return False, False
    raw[name] = f"{change.value}|{change.at_ms}".encode()
    return True, change.value != last


class PretendFamilies(Families):
    async def look_soon(self, *families: SubjectId) -> None:
        """Nobody need look at a family for what has not happened."""


class PretendSubjects(Subjects):
    """See lua/subject_apply.lua."""

    def __init__(self, redis: Redis, clock: Clock, vault: Vault, contacts: PretendContacts) -> None:
        super().__init__(redis, clock, vault)
        self.families = PretendFamilies(redis, clock, vault)
        self._contacts = contacts
        self._moments: dict[SubjectId, Sequence[SetMoment]] = {}
        self._results: dict[tuple[SubjectId, EventId], tuple[int, Mapping[str, Any]]] = {}
        self._entries: dict[SubjectId, dict[str, tuple[int, Mapping[str, Any] | None]]] = {}

    async def apply(
        self,
        event: BusinessEvent,
        name: str,
        *,
        revision: int,
        based: bool,
        memory: Mapping[str, Any],
        result: Mapping[str, Any],
        until_ms: int,
        notifications: Mapping[str, Mapping[str, Any] | None],
        moments: Sequence[SetMoment] = (),
        raw_base: bytes = b"",
    ) -> ApplyResult:
        self._moments[event.subject_id] = moments
        source = self._vault.blind("source", event.source)[:12]
        fields = ["n", f"v:{name}:{source}", f"t:{name}"]
        n, own, top = (words(raw or b"") for raw in await self._redis.hmget(keys.of(event.subject_id, "j"), fields))
        if not event.moment and _is_older(event, source, own, top):
            return ApplyResult("older", int(n or 0), (), {})
        sequence = int(n or 0) + 1
        self._results[event.subject_id, event.id] = sequence, result
        entries = self._entries.setdefault(event.subject_id, {})
        entries |= {notification: (sequence, entry) for notification, entry in notifications.items()}
        return ApplyResult("applied", sequence, await self.partitions(event.subject_id), result)

    async def set_moments(
        self,
        subject: SubjectId,
        name: str,
        found: SubjectMemory,
        moments: Sequence[SetMoment],
        memory: Mapping[str, Any] | None = None,
    ) -> bool:
        """Nothing comes in a rehearsal: what would come is told by `moments`."""
        self._moments[subject] = moments
        return True

    async def moments(self) -> list[WouldCome]:
        """The moments that would be set, moved or dropped, by the rules of lua/_moments.lua."""
        found = []
        for subject, moments in self._moments.items():
            fields = [f"mo:{one.name}" for one in moments]
            known = await self._redis.hmget(keys.of(subject, "j"), fields) if fields else []
            for one, raw in zip(moments, known, strict=True):
                was, due = int(words(raw).partition("|")[0]) if raw is not None else None, one.due_ms
                if was is None and due is not None and not one.late and due < self._clock.now_ms():
                    due = None
                if due != was:
                    found.append(WouldCome(subject, one.name, was, due))
        return found

    def _memory(self, subject: SubjectId, top: Any, sealed: Any, base: Any) -> SubjectMemory:
        return super()._memory(subject, top, sealed, self._contacts.bases.get(subject, base))

    async def result_of(self, subject: SubjectId, event: EventId) -> tuple[int, Mapping[str, Any]] | None:
        return self._results.get((subject, event)) or await super().result_of(subject, event)

    async def partitions_of(self, subjects: Sequence[SubjectId]) -> list[tuple[int, ...]]:
        found = zip(subjects, await super().partitions_of(subjects), strict=True)
        return [tuple(sorted({*known, *self._contacts.opened.get(subject, ())})) for subject, known in found]

    async def current(self, subject: SubjectId) -> list[tuple[str, int, Mapping[str, Any]]]:
        mine = self._entries.get(subject, {})
        found = [one for one in await super().current(subject) if one[0] not in mine]
        found += [(name, sequence, entry) for name, (sequence, entry) in mine.items() if entry is not None]
        return sorted(found, key=lambda one: one[1])

    async def note(
        self,
        cells: Sequence[SubjectId],
        about: SubjectId,
        sequence: int,
        entries: Mapping[str, Mapping[str, Any] | None],
        ends_ms: int = 0,
    ) -> None:
        """For those who subscribe to a cell later: nobody does in a rehearsal."""


def _is_older(event: BusinessEvent, source: str, own: str, top: str) -> bool:
    if own:
        version, _, at = own.partition("|")
        if event.version is not None and version:
            if event.version <= int(version):
                return True
        elif event.occurred_at_ms < int(at):
            return True
    if top:
        _, last, at = top.split("|")[:3]
        return last != source and event.occurred_at_ms < int(at)
    return False


@dataclass(frozen=True, slots=True)
class WouldCome:
    """A moment of a subject (UTC ms). was: when it is set for now, None = it is not; due: when it would be, None = never."""

    subject: SubjectId
    name: str
    was_ms: int | None
    due_ms: int | None


@dataclass(frozen=True, slots=True)
class Would:
    """A message that would be put. answer: queued, later, suppressed, exists, replaced or ended (lua/outbox_put.lua)."""

    contact: ContactId
    message: PlannedMessage
    answer: str


class Told(NamedTuple):
    """What a told field says (lua/_message.lua)."""

    version: int
    state: str
    handed: str


NOTHING = Told(0, "", "")


class PretendOutbox(Outbox):
    """See lua/outbox_put.lua. would: everything planned so far, in the order in which it would be written."""

    def __init__(self, redis: Redis, clock: Clock, contacts: PretendContacts, fans: PretendFans) -> None:
        super().__init__(redis, clock, {})
        self._contacts = contacts
        self._fans = fans
        self._put: dict[str, Would] = {}
        self._told: dict[tuple[ContactId, str], int] = {}
        self.would: list[Would] = []
        self.takes_out: set[str] = set()
        """messages still queued whose place would be taken"""

    async def put_many(
        self, plans: Sequence[Plan], *, max_tries: int = 3, ahead: Ahead | None = None
    ) -> list[PutResult]:
        return [await self.put(plan) for plan in plans]

    async def put(self, plan: Plan, *, max_tries: int = 3) -> PutResult:
        facts = await self._contacts.facts_of([one.id for one in plan.contacts])
        states = []
        for contact, known in zip(plan.contacts, facts, strict=True):
            if known.erasing:
                states.append("erasing")
            elif known.moved_to is not None:
                states.append(f"moved:{known.moved_to}")
            else:
                states.append("ok" if known.consent_version == contact.consent_version else "replan")
        if any(state != "ok" for state in states):
            return PutResult(False, contacts=tuple(states))
        self.takes_out |= {message for found in await self._outdated([plan]) for message, _ in found}
        messages = [message for contact in plan.contacts for message in contact.messages]
        there = {record.id: record for record in await self.headers([message.id for message in messages])}
        told = await self._told_of([contact.id for contact in plan.contacts])
        answers = []
        for contact in plan.contacts:
            for prefix in contact.ends:
                mark = contact.id, f"{prefix}:#"
                self._told[mark] = max(plan.version, told.get(mark, NOTHING).version)
        for message in messages:
            if message.goes_on is not None and _knows_older(message, plan.version, told):
                message = message.gone_on()
            old = there.get(message.id)
            if message.id in self._put or (old is not None and not (message.revive and old.state.value == "s")):
                answer = "exists"
            else:
                over = plan.over.get(message.notification)
                answer = over[0] if over is not None else self._answer(message, plan.version, told)
                if answer not in ("replaced", "ended") and message.told:
                    self._told[message.contact, message.told] = plan.version
            one = Would(message.contact, message, answer)
            self._put.setdefault(message.id, one)
            self.would.append(one)
            answers.append(answer)
        if plan.fan:
            self._fans.moved(plan, self._clock.now_ms())
        return PutResult(True, messages=tuple(answers))

    def _answer(self, message: PlannedMessage, version: int, told: Mapping[tuple[ContactId, str], Told]) -> str:
        if message.told:
            last = message.contact, message.told
            mark = message.contact, f"{message.told.partition(':')[0]}:#"
            if max(told.get(last, NOTHING).version, self._told.get(last, 0)) > version:
                return "replaced"
            if max(told.get(mark, NOTHING).version, self._told.get(mark, 0)) > version:
                return "ended"
        if message.state.value == "s":
            return "suppressed"
        return "later" if message.due_ms > self._clock.now_ms() else "queued"

    async def _told_of(self, contacts: Sequence[ContactId]) -> dict[tuple[ContactId, str], Told]:
        pipeline = self._redis.pipeline(transaction=False)
        for contact in contacts:
            pipeline.hgetall(keys.of(contact, "told"))
        found = {}
        for contact, raw in zip(contacts, await pipeline.execute() if contacts else [], strict=True):
            for name, value in raw.items():
                version, _, _, state, *handed = words(value).split("|")
                found[contact, words(name)] = Told(int(version), state, "".join(handed))
        return found


def _knows_older(message: PlannedMessage, version: int, told: Mapping[tuple[ContactId, str], Told]) -> bool:
    """Whether their phone says an older one, or is about to: `handed_before` of the script."""
    last = told.get((message.contact, message.told))
    if last is not None and last.version == version:
        return bool(last.handed)
    others = (told.get((message.contact, field), NOTHING) for field in message.told_with)
    last = max([last or NOTHING, *(one for one in others if one.version < version)], key=lambda one: one.version)
    return bool(message.told) and (last.state in ("q", "a") or bool(last.handed))


class PretendFans(FanOuts):
    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self._open: list[FanOut] = []
        self._cursors: dict[tuple[EventId, int], Cursor] = {}

    async def open(self, fans: Sequence[FanOut]) -> list[Cursor]:
        self._open += fans
        return [self._cursors.setdefault((fan.event, fan.partition), Cursor("", 0)) for fan in fans]

    async def under_way(self, partitions: Sequence[int]) -> list[FanOut]:
        return [fan for fan in self._open if not self._cursors[fan.event, fan.partition].done_ms]

    async def cursors_of(self, places: Sequence[tuple[EventId, int]]) -> list[Cursor | None]:
        return [self._cursors.get(place) for place in places]

    async def note(
        self, clock: Clock, kind: str, event: EventId, subject: SubjectId, detail: Mapping[str, str | int]
    ) -> None:
        """Nothing is begun."""

    def moved(self, plan: Plan, now_ms: int) -> None:
        self._cursors[EventId(plan.event), plan.partition] = Cursor(plan.cursor, now_ms if plan.done else 0)


class PretendUntold(Untold):
    async def set_aside(
        self, event: EventId, subject: SubjectId, contact: ContactId, sequence: int, result: Mapping[str, Any], why: str
    ) -> None:
        """Whoever looks on sees that it fails."""

    async def broken(
        self, event: EventId, subject: SubjectId, sequence: int, result: Mapping[str, Any], names: Sequence[str]
    ) -> bool:
        """The same: its lines say `poisoned`."""
        return True


class PretendDocuments(Documents):
    async def put(self, contact: ContactId, ref: str, data: bytes, *, ttl_ms: int) -> None:
        """Nothing would be read back before it is sent."""


class PretendPasses(Passes):
    async def keep(self, contact: ContactId, subject: SubjectId, item: str, paper: Mapping[str, Any], **more: Any) -> str:
        """Its link is what it would be; it opens nothing."""
        return self.token(contact, item, more["event"])

    async def withdraw(self, token: str, contact: ContactId, subject: SubjectId, item: str, others: Sequence[str]) -> list[str]:
        """Of an older issue nothing is taken back."""
        return []


class PretendInvitations(Invitations):
    async def bound(self, one: Invitation, contact: ContactId, address: AddressId, traveller: str, *, done: bool) -> None:
        """Whom an invitation leads to changes nothing of what this event says."""

    async def ends(self, one: Invitation, until_ms: int) -> None:
        """Nor does when it ends."""


class PretendDialogues(Dialogues):
    async def set_booking(self, code: str, order: SubjectId, until_ms: int) -> None:
        """Nor does by what code an order is found."""
