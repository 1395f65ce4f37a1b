"""What a store that was brought back from a backup must be told before any role works on it.

It believes that it is still the moment of the backup. What people said since is read from the ledger; whatever it shows as
queued may have been sent since, so it becomes uncertain and `on_uncertain` decides; sessions and leases of then are over. Each
step may run twice: `restore` does all of it on a copy beside the store, `restore --in-place` on the store itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import NotFound, Sealed
from gateway.model.contact import ConsentEntry
from gateway.model.family import PURPOSE, ROLE, Left
from gateway.model.ids import (
    AddressId,
    ContactId,
    MessageId,
    SenderId,
    is_id,
    new_address_id,
    new_contact_id,
)
from gateway.model.message import DeliveryStatus, MessageRecord, MessageState, OnUncertain
from gateway.store import bulk, keys, ledger, scripts
from gateway.store.contacts import NOT_ME, Contacts, FactChange
from gateway.store.conversations import Conversations
from gateway.store.erasure import Erasure
from gateway.store.families import Families
from gateway.store.outbox import Outbox, parse_record
from gateway.store.reply import words
from gateway.store.vault import Vault

HOW = "restored_ledger"
PAGE = 200
_PAST = ("session:*", "lease:*", "{p:*}claim:*", keys.WORKERS)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the ledger told: people whose stop, "not me" or erasure the backup did not know."""

    withdrawn: int = 0
    not_me: int = 0
    erased: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """What a history that outlived the store says of a message since the backup: accepted, with its furthest status."""

    attempt: int
    status: DeliveryStatus
    at_ms: int
    sender: str = ""
    notification: str = ""
    contact: str = ""
    event: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Maybe:
    """A message that may have been sent since the backup, and what becomes of it when no evidence comes.

    becomes: resend (may arrive a second time), ask (its agent decides), drop (visible, not sent), stale (past its deadline)
    """

    message: MessageId
    notification: str
    becomes: str
    deadline_ms: int


@dataclass
class Uncertain:
    """proven: a history showed that they were sent; waiting: not due before now, so nobody can have sent them."""

    maybe: list[Maybe] = field(default_factory=list)
    proven: int = 0
    remembered: int = 0
    waiting: int = 0

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(one.becomes for one in self.maybe)
        return {word: found[word] for word in ("resend", "ask", "drop", "stale")}


class Restored:
    """The steps, on one store. ledger lines are applied without a ledger: they are in it already."""

    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault
        self._contacts = Contacts(redis, clock, vault)
        self._outbox = Outbox(redis, clock, {})

    # who works here

    async def forget_the_past(self) -> int:
        """Sessions, leases, claims and processes of then; how many keys went. Whoever was signed in signs in again."""
        gone = 0
        for pattern in _PAST:
            names = [words(raw) async for raw in self._redis.scan_iter(match=pattern, count=1000)]
            for begin in range(0, len(names), PAGE):
                gone += await self._redis.delete(*names[begin : begin + PAGE])
        return gone

    async def senders(self) -> list[SenderId]:
        """Everybody who has lanes here, configured or not."""
        found = {words(raw).partition("}lane:")[2] async for raw in self._redis.scan_iter(match="{p:*}lane:*", count=1000)}
        return [SenderId(name) for name in sorted(found)]

    # what people said since

    async def hear(self, entries: Sequence[ledger.Entry], taken_ms: int) -> Heard:
        """Apply the ledger. entries: in the order of writing; taken_ms: of the backup."""
        erasure = Erasure(
            self._redis, self._clock, self._vault, self._contacts, Conversations(self._redis, self._clock, self._vault, pair={}),
            await self.senders(), {},
        )  # fmt: skip
        withdrawn, not_me, erased = set(), set(), set()
        for entry in entries:
            match entry.kind:
                case ledger.WITHDRAWN:
                    if await self._withdraw(entry):
                        withdrawn.add(entry.contact)
                case ledger.NOT_ME:
                    if await self._unbind(entry):
                        not_me.add(entry.contact)
                case ledger.ERASED:
                    await self._erase(entry, erasure, merged=entry.kept_ms >= taken_ms)
                    erased.add(entry.contact)
        return Heard(len(withdrawn), len(not_me), len(erased))

    async def _withdraw(self, entry: ledger.Entry) -> bool:
        entries = [
            ConsentEntry(purpose, channel, brand, False, entry.at_ms, HOW)
            for purpose, channel, brand in (scope.split(".", 2) for scope in entry.scopes)
        ]
        newer = False
        for contact, _ in await self._meant(entry):
            newer |= any(await self._contacts.set_consents(contact, entries))
            await self._leave_families(contact, entries)
        return newer

    async def _leave_families(self, contact: ContactId, entries: Sequence[ConsentEntry]) -> None:
        """Whoever stopped hearing of a family, or of all, is in it no more, unless they joined after they had said so."""
        found = (await self._contacts.get_many([contact]))[0]
        if found is None or not any(one.purpose.partition(":")[0] == PURPOSE for one in entries):
            return
        families, gone = Families(self._redis, self._clock, self._vault), []
        on = {one.id: one.channel for one in found.profile.addresses}
        ways = {one.customer: {on.get(address) for address in one.addresses} for one in found.profile.travellers}
        for link in found.profile.orders:
            said = [
                one.at_ms for one in entries
                if link.role == ROLE and one.brand == link.brand and one.channel in ways.get(link.traveller, ())
                and one.purpose in (PURPOSE, f"{PURPOSE}:{link.order}")
            ]  # fmt: skip
            family = await families.get(link.order) if said else None
            joined = [one.joined_ms for one in family.members if one.contact == contact] if family is not None else []
            if said and max(joined, default=0) <= max(said):
                gone.append(link)
        kept = {subject for link in found.profile.orders if link not in gone for subject in (link.order, *link.subjects)}
        for link in gone:
            await families.leave(link.order, contact, Left.STOPPED)
            for subject in {link.order, *link.subjects} - kept:
                await self._contacts.unsubscribe(contact, subject, "family_stopped")
        if gone:  # last: by it a killed run finds them again
            await self._contacts.change(
                contact, lambda profile: replace(profile, orders=tuple(one for one in profile.orders if one not in gone))
            )

    async def _unbind(self, entry: ledger.Entry) -> bool:
        newer = False
        for contact, address in await self._meant(entry):
            change = FactChange(f"p:{address}", NOT_ME, entry.at_ms, "proof")
            newer |= (await self._contacts.change_facts(contact, [change]))[0]
        return newer

    async def _meant(self, entry: ledger.Entry) -> list[tuple[ContactId, AddressId]]:
        """Whom a line is about in this store: who bears the id, and who has the addresses. An address that nobody has is
        reserved: whoever came after the backup comes again with the next event, and has still stopped us."""
        meant: dict[ContactId, AddressId] = {}
        if is_id(entry.contact, "c"):
            found = await self._alive(ContactId(entry.contact))
            if found is not None:
                meant[found] = AddressId(entry.addresses[0][0] if entry.addresses else "")
        for address, blind in entry.addresses:
            if not blind:
                continue
            owner = ContactId(entry.contact)
            raw = await self._redis.set(keys.address_index(blind), f"{owner}|{address}", nx=True, get=True)
            if raw is not None:
                name, _, address = words(raw).partition("|")
                owner = ContactId(name)
            if await self._alive(owner, new=True) is not None:
                meant.setdefault(owner, AddressId(address))
        return list(meant.items())

    async def _alive(self, contact: ContactId, *, new: bool = False) -> ContactId | None:
        """A contact that is there and not erased, followed where it moved. new: one of whom nothing is known will do."""
        found = (await self._contacts.get_many([contact]))[0]
        if found is None or found.facts.erasing:
            return None
        if found.facts.moved_to is not None:
            try:
                return (await self._contacts.get(contact)).id
            except NotFound:
                return None
        return contact if new or found.version > 0 else None

    async def _erase(self, entry: ledger.Entry, erasure: Erasure, *, merged: bool) -> None:
        """Erase them again. merged: whoever has one of their addresses in this store was joined to them since, so is meant too.

        Their addresses then refuse what was agreed before the erasure: a source may send old orders again, and the store does
        not remember any more that it had them. What is agreed later counts.
        """
        owners = [ContactId(entry.contact)]
        for _, blind in entry.addresses:
            raw = await self._redis.get(keys.address_index(blind)) if blind and merged else None
            if raw is not None:
                owners.append(ContactId(words(raw).partition("|")[0]))
        for owner in dict.fromkeys(owners):
            try:
                await erasure.erase(owner)
            except (NotFound, ValueError):  # made after the backup, or erased before it
                continue
        if entry.scopes and self._clock.now_ms() - entry.at_ms < keys.KEEP_MS:  # older events are told to nobody anyway
            stranger = new_contact_id()
            renamed = {address: new_address_id(stranger) for address, _ in entry.addresses}
            known = tuple((renamed[address], blind) for address, blind in entry.addresses)
            await self._withdraw(replace(entry, contact=stranger, addresses=known))

    # what may have been sent since

    async def doubt(
        self,
        sent: Mapping[str, Sent],
        *,
        evidence_ms: int,
        told: Callable[[int], None] = lambda count: None,
    ) -> Uncertain:
        """Settle what a history shows as sent, make all else that is queued and due uncertain. Read everything once before
        it is changed, so that what is listed is what was queued."""
        found = Uncertain()
        for sender in await self.senders():
            for partition in keys.all_partitions():
                members = await self._queued(partition, sender)
                for begin in range(0, len(members), PAGE):
                    await self._doubt(partition, sender, members[begin : begin + PAGE], sent, evidence_ms, found)
                    told(len(found.maybe) + found.proven + found.waiting)
        found.remembered = await self._remember(sent)
        await self._receipts_lost()
        return found

    async def _queued(self, partition: int, sender: SenderId) -> list[str]:
        names = keys.lane_keys(partition, sender)[:2]
        answers = await bulk.values(self._redis, [("ZRANGE", name, 0, -1) for name in names])
        return [words(member) for answer in answers for member in answer]

    async def _doubt(
        self,
        partition: int,
        sender: SenderId,
        members: Sequence[str],
        sent: Mapping[str, Sent],
        evidence_ms: int,
        found: Uncertain,
    ) -> None:
        ids = {member: MessageId(member[39:]) for member in members}
        records = dict(zip(members, await self._outbox.raw_records(list(ids.values())), strict=True))
        left = []
        for member in members:
            proof, raw = sent.get(ids[member]), records[member]
            if proof is None or raw is None:
                left.append(member)
                continue
            record = parse_record(ids[member], raw)[0]
            await self._outbox.evidence(
                record, attempt=proof.attempt, status=proof.status, failed=False, at_ms=proof.at_ms
            )
            found.proven += 1
        if not left:
            return
        names = [keys.part(partition, "facts"), *keys.lane_keys(partition, sender), *(keys.of(ids[one], "m") for one in left)]
        answers = await scripts.run(self._redis, "restore_uncertain", names, [self._clock.offset_ms, evidence_ms, *left])
        unsure = [member for member, answer in zip(left, answers, strict=True) if answer == b"unsure"]
        found.waiting += sum(answer == b"later" for answer in answers)
        parsed = [parse_record(ids[member], raw) for member in unsure if (raw := records[member]) is not None]
        found.maybe += await self._becomes(parsed)

    async def _becomes(self, parsed: Sequence[tuple[MessageRecord, bytes]]) -> list[Maybe]:
        contacts = list(dict.fromkeys(record.contact for record, _ in parsed))
        boxes = await self._vault.contact_boxes(contacts) if len(contacts) > 1 else {}
        now, found = self._clock.now_ms(), []
        for record, sealed in parsed:
            try:
                box = boxes.get(record.contact) or await self._vault.contact_box(record.contact)
                body: Mapping[str, Any] = box.open_json(sealed, record.id)
            except (Sealed, ValueError):  # erased: it will end as such
                body = {"on_uncertain": OnUncertain.DROP.value}
            word = str(body.get("on_uncertain") or ("ask" if body.get("kind") == "reply" else "resend"))
            if record.deadline_ms <= now:
                word = "stale"
            found.append(Maybe(record.id, record.notification, word, record.deadline_ms))
        return found

    async def _remember(self, sent: Mapping[str, Sent]) -> int:
        """Of messages planned after the backup, that they were sent: an event that comes again, or a fan-out that goes on
        where it stood then, plans the same ids, and finds them accepted."""
        contacts = list(dict.fromkeys(ContactId(one.contact) for one in sent.values() if is_id(one.contact, "c")))
        address: dict[str, AddressId] = {}
        for begin in range(0, len(contacts), PAGE):
            some = contacts[begin : begin + PAGE]
            for contact in await self._contacts.get_many(some):
                if contact is not None and contact.profile.addresses:
                    address[contact.id] = contact.profile.addresses[0].id
        count = 0
        for message, one in sent.items():
            if one.contact in address and is_id(message, "m"):
                raw = _stub(one, address[one.contact], self._clock.now_ms())
                count += bool(await self._redis.set(keys.of(message, "m"), raw, px=keys.KEEP_MS, nx=True))
        return count

    async def _receipts_lost(self) -> None:
        """The channel had taken them, and their receipts may have gone to the store that is lost: silence says nothing any
        more, so no other way is tried for it."""
        for partition in keys.all_partitions():
            due = await self._outbox.ways_due([partition], limit=100_000)
            for record in await self._outbox.headers(due):
                if record.state is MessageState.ACCEPTED:
                    await self._outbox.way_done(record.id)


def _stub(one: Sent, address: AddressId, now_ms: int) -> bytes:
    """A message record as lua/_message.lua has it, without words: they lay in the store that is lost."""
    parts: Iterable[object] = (
        1, MessageState.ACCEPTED.value, one.attempt, one.sender, address, 2, 0, one.at_ms, 0, one.event, one.subject, "",
        one.contact, int(one.status), one.at_ms, "", one.notification, one.at_ms, one.at_ms, "",
    )  # fmt: skip
    return "|".join(map(str, parts)).encode() + b"\n"


async def youngest_ms(redis: Redis) -> int:
    """When the store last wrote a fact, by its own clock; 0 for none."""
    pipeline = redis.pipeline(transaction=False)
    for partition in keys.all_partitions():
        pipeline.xrevrange(keys.part(partition, "facts"), count=1)
    found = [words(rows[0][0]).partition("-")[0] for rows in await pipeline.execute() if rows]
    return max(map(int, found), default=0)
