"""Contacts, their addresses, consents, proofs, windows and subscriptions.

An address is reserved by SET NX on its keyed hash: two processes that meet the same new number agree on one contact, the
loser takes the winner's. The sealed half (`c:C`) is written with the version it was read at; the plain half (`f:C`) is changed
field by field, where the later word of the person wins. Every step may run twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import structlog
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound, Sealed, StoreError
from gateway.model.contact import (
    Address,
    Consent,
    ConsentEntry,
    Contact,
    ContactFacts,
    Identifier,
    Profile,
    Proof,
    Subscription,
)
from gateway.model.ids import (
    AddressId,
    ContactId,
    SenderId,
    SubjectId,
    new_address_id,
    new_contact_id,
    partition_of,
)
from gateway.model.personal import Personal
from gateway.store import bulk, keys, ledger, profile_codec, scripts
from gateway.store.reply import octets, words
from gateway.store.vault import Vault

log = structlog.get_logger("store")

NOT_ME = "-"
_NOT_PLAIN = re.compile(r"[^\w.-]")


@dataclass(frozen=True, slots=True)
class FactChange:
    """One change of the plain half. rule: consent, proof, drop, later, thread or set (lua/contact_facts.lua)."""

    field: str
    value: str
    at_ms: int
    rule: str
    line: bytes = b""


def parse_facts(raw: dict[bytes, bytes]) -> ContactFacts:
    """f:C as a value."""
    consents: dict[str, Consent] = {}
    proofs: dict[AddressId, tuple[Proof | None, int]] = {}
    windows: dict[str, int] = {}
    unreachable: dict[AddressId, int] = {}
    read_at: dict[AddressId, int] = {}
    held: dict[str, tuple[int, str]] = {}
    receipts: dict[str, int] = {}
    left: dict[SubjectId, int] = {}
    complaints: dict[str, int] = {}
    plain: dict[str, str] = {}
    for raw_name, raw_value in raw.items():
        name, value = raw_name.decode(), raw_value.decode()
        kind, _, rest = name.partition(":")
        if kind == "k" and rest:
            word, _, at = value.partition("|")
            consents[rest] = Consent(word == "g", int(at))
        elif kind == "p" and rest:
            word, _, at = value.partition("|")
            proofs[AddressId(rest)] = (None if word == NOT_ME else Proof(word), int(at))
        elif kind == "w" and rest:
            windows[rest] = int(value)
        elif kind == "un" and rest:
            unreachable[AddressId(rest)] = int(value)
        elif kind == "rl" and rest:
            read_at[AddressId(rest)] = int(value)
        elif kind == "held" and rest:
            until, _, program = value.partition("|")[0].partition(":")
            held[rest] = (int(until), program)
        elif kind == "rt" and rest:
            receipts[rest] = int(value)
        elif kind == "left" and rest:
            left[SubjectId(rest)] = int(value)
        elif kind == "cx" and rest:
            complaints[rest] = int(value)
        else:
            plain[name] = value
    return ContactFacts(
        language=plain.get("lang"),
        timezone=plain.get("tz"),
        consent_version=int(plain.get("cv", "0")),
        consents=consents,
        proofs=proofs,
        windows=windows,
        unreachable=unreachable,
        read_at=read_at,
        held=held,
        receipts=receipts,
        left=left,
        complaints=complaints,
        wish=tuple(plain.get("wish", "").split(",")) if plain.get("wish") else (),
        moved_to=ContactId(plain["moved"]) if "moved" in plain else None,
        erasing="erasing" in plain,
    )


class Contacts:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault, beside: ledger.Ledger | None = None) -> None:
        """beside: where stops are kept as well, for a store that is restored from a backup taken before them"""
        self._redis = redis
        self._clock = clock
        self._vault = vault
        self.beside = beside

    # who is it

    def _index(self, channel: str, identifier: Identifier) -> str:
        return keys.address_index(
            self._vault.blind("address", channel, identifier.kind, identifier.scope, identifier.value.reveal())
        )

    async def find(self, channel: str, identifiers: Sequence[Identifier]) -> list[tuple[ContactId, AddressId] | None]:
        """Per identifier whose it is."""
        if not identifiers:
            return []
        pipeline = self._redis.pipeline(transaction=False)
        for identifier in identifiers:
            pipeline.get(self._index(channel, identifier))
        found: list[tuple[ContactId, AddressId] | None] = []
        for raw in await pipeline.execute():
            contact, _, address = raw.decode().partition("|") if raw else ("", "", "")
            found.append((ContactId(contact), AddressId(address)) if raw else None)
        return found

    async def reserve(
        self, channel: str, identifier: Identifier, contact: ContactId | None = None
    ) -> tuple[ContactId, AddressId]:
        """Whose this address is from now on: the one who has it, else `contact`, else somebody new. Atomic by SET NX."""
        name = self._index(channel, identifier)
        owner = contact or new_contact_id()
        mine = f"{owner}|{new_address_id(owner)}"
        if await self._redis.set(name, mine, nx=True):
            raw = mine
        else:
            stored = await self._redis.get(name)
            raw = stored.decode() if isinstance(stored, bytes) else mine
        found, _, address = raw.partition("|")
        return ContactId(found), AddressId(address)

    async def alias(self, channel: str, identifier: Identifier, contact: ContactId, address: AddressId) -> bool:
        """Let one more identifier name an address: only on the channel's own evidence. False: it is somebody else's."""
        name = self._index(channel, identifier)
        await self._redis.set(name, f"{contact}|{address}", nx=True)
        stored = await self._redis.get(name)
        return isinstance(stored, bytes) and stored.decode() == f"{contact}|{address}"

    async def give_up(self, channel: str, identifiers: Sequence[Identifier], contact: ContactId) -> None:
        """What this contact is not known by any more: whoever comes with it from now on is somebody else."""
        calls: list[scripts.Call] = [("index_drop", [self._index(channel, one)], [contact]) for one in identifiers]
        await scripts.run_many(self._redis, calls)

    def customer_hash(self, namespace: str, customer: str) -> str:
        return self._vault.blind("customer", namespace, customer)

    async def by_customer(self, customer_hash: str) -> ContactId | None:
        raw = await self._redis.get(keys.customer_index(customer_hash))
        return ContactId(raw.decode()) if isinstance(raw, bytes) else None

    async def set_customer(self, customer_hash: str, contact: ContactId) -> ContactId:
        """Bind a customer number to a contact, once; returns the one it is bound to."""
        await self._redis.set(keys.customer_index(customer_hash), contact, nx=True)
        found = await self.by_customer(customer_hash)
        return found or contact

    # reading

    async def get(self, contact: ContactId) -> Contact:
        """One contact, followed where it moved. Raises NotFound for one that is unknown or erased."""
        for _ in range(5):
            found = (await self.get_many([contact]))[0]
            if found is None:
                raise NotFound("no such contact, or it was erased")
            if found.facts.moved_to is None:
                return found
            contact = found.facts.moved_to
        raise Conflict("this contact moved in a circle: run doctor")

    def ahead(self, contacts: Sequence[ContactId]) -> list[bulk.Command]:
        """What `get_many` asks about these."""
        boxes = self._vault.cached(contacts)
        commands: list[bulk.Command] = []
        for contact in contacts:
            commands += [("GET", keys.of(contact, "c")), ("HGETALL", keys.of(contact, "f"))]
        return commands + [("GET", keys.of(contact, "k")) for contact in dict.fromkeys(contacts) if contact not in boxes]

    async def get_many(
        self, contacts: Sequence[ContactId], *, to_send: bool = False, ahead: bulk.Ahead | None = None
    ) -> list[Contact | None]:
        """Contacts as they lie, in one round trip (moved ones are not followed); None for an unknown or erased one.

        ahead: may have been read already; or what to read beside
        to_send: of their profiles only the addresses are read
        A contact whose address was reserved and whose profile was not yet written comes with an empty profile.
        """
        if not contacts:
            return []
        boxes = self._vault.cached(contacts)
        without = [contact for contact in dict.fromkeys(contacts) if contact not in boxes]
        raw = await bulk.values(self._redis, self.ahead(contacts), ahead=ahead)
        for contact, wrapped in zip(without, raw[2 * len(contacts) :], strict=True):
            if wrapped is not None:
                try:
                    boxes[contact] = self._vault.keep(contact, wrapped)
                except Sealed:  # damaged: one contact is as good as erased, of several nobody is left out silently
                    if len(without) > 1:
                        raise
        found: list[Contact | None] = []
        for place, contact in enumerate(contacts):
            sealed, facts = raw[2 * place], parse_facts(bulk.mapping(raw[2 * place + 1]))
            if sealed is None:
                found.append(None if facts.erasing else Contact(contact, 0, Profile(), facts))
                continue
            version, _, blob = sealed.partition(b"|")
            box = boxes.get(contact)
            if box is None:  # the key is destroyed: erased, whatever else is left of it
                found.append(None)
                continue
            read = profile_codec.load_addresses if to_send else profile_codec.load
            profile = read(box.open_json(blob, contact))
            found.append(Contact(contact, int(version), profile, facts))
        return found

    async def facts_of(self, contacts: Sequence[ContactId]) -> list[ContactFacts]:
        pipeline = self._redis.pipeline(transaction=False)
        for contact in contacts:
            pipeline.hgetall(keys.of(contact, "f"))
        return [parse_facts(raw) for raw in (await pipeline.execute() if contacts else [])]

    # changing

    async def change(self, contact: ContactId, edit: Callable[[Profile], Profile]) -> Contact:
        """Read, edit and write the sealed half, again while somebody else was faster. Makes a contact that is new.

        raises: NotFound when it is being erased; Conflict after ten lost races
        """
        for _ in range(10):
            current = (await self.get_many([contact]))[0]
            if current is None or current.facts.erasing:
                raise NotFound("this contact is being erased")
            if current.facts.moved_to is not None:
                contact = current.facts.moved_to
                continue
            profile = edit(current.profile)
            if profile == current.profile and current.version > 0:
                return current
            box = await self._vault.contact_box(contact, create=current.version == 0)
            blob = box.seal_json(profile_codec.dump(profile), contact)
            names = [
                keys.of(contact, "c"),
                keys.of(contact, "f"),
                keys.beside(contact, "all"),
                keys.beside(contact, "facts"),
            ]
            args: list[scripts.Part] = [self._clock.offset_ms, contact, current.version, blob]
            answer = await scripts.run(self._redis, "contact_put", names, args)
            if answer == b"ok":
                return Contact(contact, current.version + 1, profile, current.facts)
        raise Conflict("this contact is being changed by many at once: try again")

    async def add_identifiers(self, contact: ContactId, address: AddressId, channel: str, known: Iterable[Identifier]) -> Contact:
        """Write what names this address into the profile; keeps those already there, replaces one of the same kind."""
        new = tuple(known)

        def edit(profile: Profile) -> Profile:
            addresses = list(profile.addresses)
            for place, one in enumerate(addresses):
                if one.id == address:
                    # A person has one phone number, and one user id in each portfolio.
                    kinds = {(identifier.kind, identifier.scope) for identifier in new}
                    kept = tuple(known for known in one.identifiers if (known.kind, known.scope) not in kinds)
                    addresses[place] = replace(one, identifiers=(*kept, *new))
                    return replace(profile, addresses=tuple(addresses))
            return replace(profile, addresses=(*profile.addresses, Address(address, channel, new)))

        return await self.change(contact, edit)

    async def change_facts(self, contact: ContactId, changes: Sequence[FactChange]) -> list[bool]:
        """Change the plain half in one step with its ledger lines; per change whether it was newer than what was known."""
        if not changes:
            return []
        await self._keep_beside(contact, changes)
        names = [keys.of(contact, "f"), keys.of(contact, "led"), keys.beside(contact, "facts")]
        args: list[scripts.Part] = [self._clock.offset_ms, contact]
        for change in changes:
            args += [change.field, change.value, change.at_ms, change.line, change.rule]
        answers = await scripts.run(self._redis, "contact_facts", names, args)
        return [answer == b"applied" for answer in answers]

    async def _keep_beside(self, contact: ContactId, changes: Sequence[FactChange]) -> None:
        """Stops and "not me" into the ledger, before the store has them. A ledger that fails keeps nobody from stopping."""
        withdrawn = [one for one in changes if one.rule == "consent" and one.value == "w"]
        not_theirs = [one for one in changes if one.rule == "proof" and one.value == NOT_ME]
        if self.beside is None or not (withdrawn or not_theirs):
            return
        found = (await self.get_many([contact]))[0]
        known = self.beside_addresses(found) if found is not None else ()
        kept = ledger.now_ms()
        lines = []
        for at_ms in sorted({one.at_ms for one in withdrawn}):
            scopes = tuple(one.field[2:] for one in withdrawn if one.at_ms == at_ms)
            lines.append(ledger.Entry(ledger.WITHDRAWN, at_ms, kept, contact, scopes, known))
        for one in not_theirs:
            theirs = tuple(address for address in known if address[0] == one.field[2:])
            lines.append(ledger.Entry(ledger.NOT_ME, one.at_ms, kept, contact, (), theirs or ((one.field[2:], ""),)))
        try:
            await self.beside.append(*lines)
        except StoreError as error:
            log.error("ledger.failed", contact_id=contact, count=len(lines), error=type(error).__name__)

    def beside_addresses(self, contact: Contact) -> tuple[tuple[str, str], ...]:
        """(address id, keyed hash) of everything that names a contact, as the ledger has it."""
        return tuple(
            (address.id, self._index(address.channel, known).partition(":")[2])
            for address in contact.profile.addresses
            for known in address.identifiers
        )

    async def consent_changes(self, contact: ContactId, entries: Sequence[ConsentEntry]) -> list[FactChange]:
        """Ledger lines, sealed with the contact's key, for `change_facts`."""
        box = await self._vault.contact_box(contact, create=True)
        changes = []
        for entry in entries:
            scope = f"{entry.purpose}.{entry.channel}.{entry.brand}"
            line = box.seal_json(
                {
                    "scope": scope,
                    "granted": entry.granted,
                    "at": entry.at_ms,
                    "how": entry.how,
                    "wording": entry.wording,
                    "evidence": entry.evidence.reveal() if entry.evidence else None,
                    "kept": self._clock.now_ms(),
                },
                f"ledger:{contact}",
            )
            changes.append(FactChange(f"k:{scope}", "g" if entry.granted else "w", entry.at_ms, "consent", line))
        return changes

    async def set_consents(self, contact: ContactId, entries: Sequence[ConsentEntry]) -> list[bool]:
        return await self.change_facts(contact, await self.consent_changes(contact, entries))

    async def ledger(self, contact: ContactId) -> list[ConsentEntry]:
        """Every consent ever said, oldest first."""
        box = await self._vault.contact_box(contact)
        entries = []
        for line in await self._redis.lrange(keys.of(contact, "led"), 0, -1):
            value = box.open_json(octets(line), f"ledger:{contact}")
            purpose, channel, brand = value["scope"].split(".", 2)
            evidence = Personal(value["evidence"]) if value.get("evidence") else None
            entries.append(
                ConsentEntry(
                    purpose, channel, brand, value["granted"], value["at"], value["how"], value.get("wording"), evidence
                )
            )
        return entries

    async def set_proof(self, contact: ContactId, address: AddressId, proof: Proof | None, at_ms: int) -> bool:
        """Bind an address to its person, or (None) unbind it: "not me"."""
        change = FactChange(f"p:{address}", proof.value if proof else NOT_ME, at_ms, "proof")
        return (await self.change_facts(contact, [change]))[0]

    async def drop_proof(self, contact: ContactId, address: AddressId, at_ms: int) -> bool:
        """Whoever holds the address may be somebody else since then: an older proof says nothing more. "Not me" stays said."""
        return (await self.change_facts(contact, [FactChange(f"p:{address}", "", at_ms, "drop")]))[0]

    async def open_window(self, contact: ContactId, sender: SenderId, address: AddressId, at_ms: int) -> bool:
        return (await self.change_facts(contact, [FactChange(f"w:{sender}:{address}", "", at_ms, "later")]))[0]

    async def set_holder(
        self, contact: ContactId, sender: SenderId, address: AddressId, *, program: str | None, until_ms: int, at_ms: int
    ) -> bool:
        """Who has the thread since `at_ms`: another program until `until_ms` ("" = unnamed), or None = nobody else.

        returns: whether this was newer than what was known
        """
        value = "0:" if program is None else f"{until_ms}:{_NOT_PLAIN.sub('', program)[:40]}"
        return (await self.change_facts(contact, [FactChange(f"held:{sender}:{address}", value, at_ms, "thread")]))[0]

    # subscriptions

    async def open_subject(
        self, subject: SubjectId, partition: int, base: bytes, until_ms: int, *, seen: bytes | None = None
    ) -> bool:
        """First half of subscribing: the subject's bit is set before the index, see lua/subscribe_open.lua.

        seen: what orders knew of it, b"" nothing: if that has changed, False, and nothing is written; None = whatever it is
        """
        args: list[scripts.Part] = [partition, base, until_ms]
        if seen is not None:
            args.append(seen)
        return bool(await scripts.run(self._redis, "subscribe_open", [keys.of(subject, "j")], args))

    async def subscribe(self, one: Subscription) -> str:
        """Second half: added, changed, same, moved or erasing. Read the subject's state after it."""
        contact, subject = one.contact, one.subject
        partition = partition_of(contact)
        names = [
            keys.part(partition, f"su:{subject}"),
            keys.of(contact, "cs"),
            keys.of(contact, "f"),
            keys.part(partition, "facts"),
        ]
        args: list[scripts.Part] = [self._clock.offset_ms, contact, subject, ",".join(one.refs), one.until_ms]
        return words(await scripts.run(self._redis, "subscribe", names, args))

    async def unsubscribe(self, contact: ContactId, subject: SubjectId, why: str) -> bool:
        partition = partition_of(contact)
        names = [
            keys.part(partition, f"su:{subject}"), keys.of(contact, "cs"), keys.part(partition, "facts"), keys.of(contact, "f")
        ]  # fmt: skip
        args: list[scripts.Part] = [self._clock.offset_ms, contact, subject, why, keys.KEEP_MS]
        return bool(await scripts.run(self._redis, "unsubscribe", names, args))

    async def subscriptions(self, contact: ContactId) -> list[Subscription]:
        raw = await self._redis.hgetall(keys.of(contact, "cs"))
        found = []
        for subject, value in raw.items():
            until, _, refs = words(value).partition("|")
            names = tuple(name for name in refs.split(",") if name)
            found.append(Subscription(contact, SubjectId(words(subject)), names, int(until)))
        return found

    async def subscribers(self, partition: int, subject: SubjectId, after: str, limit: int) -> list[ContactId]:
        """The next subscribers after a contact id, in the order of their ids: the cursor is the last one seen."""
        (found,) = await bulk.values(self._redis, [_next_of(partition, subject, after, limit)])
        return [ContactId(words(one)) for one in found]

    async def subscribers_of(
        self, places: Sequence[tuple[int, SubjectId, str]], limit: int
    ) -> list[list[ContactId]]:
        """`subscribers` of several (partition, subject, after), each up to `limit`, in one round trip."""
        commands = [_next_of(partition, subject, after, limit) for partition, subject, after in places]
        return [[ContactId(words(one)) for one in answer] for answer in await bulk.values(self._redis, commands)]

    async def walk(self, partition: int, after: str, limit: int) -> list[ContactId]:
        """All contacts of a partition by `all`, never by SCAN (which loses keys over a restart)."""
        raw = await self._redis.zrange(keys.part(partition, "all"), 0, -1)
        found = sorted(words(one) for one in raw)
        return [ContactId(one) for one in found if one > after][:limit]


def _next_of(partition: int, subject: SubjectId, after: str, limit: int) -> bulk.Command:
    start = f"({after}" if after else "-"
    return "ZRANGE", keys.part(partition, f"su:{subject}"), start, "+", "BYLEX", "LIMIT", 0, limit
