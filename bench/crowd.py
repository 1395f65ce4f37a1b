"""Contacts with subscriptions, by the hundred thousand: what the real classes would write, by the same scripts, in pipelines.

Per contact: a wrapped data key, a sealed profile with one traveller and one order, a consent with its line in the ledger, a
proof, a language, a zone; per subscription the subject's bit and both sides of the index. Only the reading before each write is
left out, as nobody else is there. Phone numbers are of the range kept for fiction, and repeat; each contact has an address, a
lane and a user id of its own.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import secrets
from collections.abc import Iterable, Sequence
from typing import TypeVar

from bench.flights import by_day, flight
from gateway.model.contact import Address, ConsentEntry, Identifier, OrderLink, Profile, Proof, Traveller
from gateway.model.family import PURPOSE, ROLE
from gateway.model.ids import PARTITIONS, AddressId, ContactId, SubjectId, new_address_id, partition_of, random_id
from gateway.model.personal import Personal
from gateway.runtime import Runtime
from gateway.store import bulk, keys, profile_codec, scripts
from gateway.store.contacts import FactChange
from gateway.store.subjects import SUBJECT_KEEP_MS

BRAND = "zz"
T = TypeVar("T")
BATCH = 200
"""Contacts of one round trip."""
AT_ONCE = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    contact: ContactId
    address: AddressId
    subjects: tuple[SubjectId, ...]


class Crowd:
    """Contacts of one brand, each following some flights. at_home: as members of somebody's family, as joining makes them"""

    def __init__(self, runtime: Runtime, brand: str = BRAND, *, at_home: bool = False) -> None:
        self._runtime = runtime
        self._brand = brand
        self._at_home = at_home
        self._zone = by_day(runtime.clock.now_ms())

    async def add_people(self, groups: int, size: int, flights: int, *, first: int = 0) -> list[Person]:
        """Contacts as an order makes them, without subscriptions yet, each of the flights of its group."""
        people = []
        for group in range(first, first + groups):
            subjects = tuple(self.subject(group, number) for number in range(flights))
            people += [self._person(subjects) for _ in range(size)]
        for batch in _batches(people):
            await self._write(batch)
        return people

    async def subscribe(self, people: Sequence[Person]) -> None:
        until = self._runtime.clock.now_ms() + SUBJECT_KEEP_MS
        places = {(subject, partition_of(person.contact)) for person in people for subject in person.subjects}
        calls: list[scripts.Call] = []
        for subject, partition in sorted(places):
            calls.append(("subscribe_open", [keys.of(subject, "j")], [partition, b"", until]))
        for person in people:
            for subject in person.subjects:
                calls.append(self._subscribe(person, subject, until))
        for few in _batches(calls):
            await bulk.run_scripts(self._runtime.connection.redis, few)

    async def load(self, count: int, subjects: Iterable[tuple[SubjectId, ...]]) -> None:
        """So many contacts with their subscriptions, none of them remembered here. subjects: of each in turn."""
        following, left = iter(subjects), iter(range(0, count, BATCH))

        async def some() -> None:
            for start in left:
                batch = [self._person(next(following)) for _ in range(min(BATCH, count - start))]
                await self._write(batch)
                await self.subscribe(batch)

        async with asyncio.TaskGroup() as group:  # while the disk has one batch, the next is made
            for _ in range(AT_ONCE):
                group.create_task(some())

    def subject(self, group: int, number: int) -> SubjectId:
        return self._runtime.vault.subject_id("flight", flight(group, number))

    def _person(self, subjects: tuple[SubjectId, ...]) -> Person:
        contact = ContactId(random_id("c", secrets.randbelow(PARTITIONS)))
        return Person(contact, new_address_id(contact), subjects)

    def _order(self, person: Person) -> SubjectId:
        return self._runtime.vault.subject_id("order", person.contact)

    def _subscribe(self, person: Person, subject: SubjectId, until: int) -> scripts.Call:
        """As Contacts.subscribe does."""
        partition = partition_of(person.contact)
        names = [
            keys.part(partition, f"su:{subject}"),
            keys.of(person.contact, "cs"),
            keys.of(person.contact, "f"),
            keys.part(partition, "facts"),
        ]
        return "subscribe", names, [self._runtime.clock.offset_ms, person.contact, subject, self._order(person), until]

    async def _write(self, people: Sequence[Person]) -> None:
        """As Vault.contact_box, Contacts.change and Contacts.change_facts do."""
        vault, redis = self._runtime.vault, self._runtime.connection.redis
        wrapped = [vault._wrap(os.urandom(32), person.contact) for person in people]
        made = [("SET", keys.of(person.contact, "k"), key, "NX") for person, key in zip(people, wrapped, strict=True)]
        await bulk.values(redis, made)
        calls: list[scripts.Call] = []
        for person, key in zip(people, wrapped, strict=True):
            box = vault.keep(person.contact, key)
            calls.append(self._put(person, box.seal_json(profile_codec.dump(self._profile(person)), person.contact)))
            calls.append(await self._facts(person))
        await bulk.run_scripts(redis, calls)

    def _put(self, person: Person, blob: bytes) -> scripts.Call:
        contact = person.contact
        names = [keys.of(contact, "c"), keys.of(contact, "f"), keys.beside(contact, "all"), keys.beside(contact, "facts")]
        return "contact_put", names, [self._runtime.clock.offset_ms, contact, 0, blob]

    async def _facts(self, person: Person) -> scripts.Call:
        contact, now = person.contact, self._runtime.clock.now_ms()
        consent = ConsentEntry("journey", "whatsapp", self._brand, True, now - 1000, "booking-checkbox", "journey-en-3")
        if self._at_home:
            consent = ConsentEntry(PURPOSE, "whatsapp", self._brand, True, now - 1000, "family_link", None)
        changes = await self._runtime.contacts.consent_changes(contact, [consent])
        changes += [
            FactChange(f"p:{person.address}", Proof.OTP.value, now, "proof"),
            FactChange("lang", "en", 0, "set"),
            FactChange("tz", self._zone, 0, "set"),
        ]
        args: list[scripts.Part] = [self._runtime.clock.offset_ms, contact]
        for change in changes:
            args += [change.field, change.value, change.at_ms, change.line, change.rule]
        return "contact_facts", [keys.of(contact, "f"), keys.of(contact, "led"), keys.beside(contact, "facts")], args

    def _profile(self, person: Person) -> Profile:
        user = f"GB.{secrets.randbelow(10**20):020d}"
        identifiers = (
            Identifier("phone", "", Personal(f"+447700900{secrets.randbelow(1000):03d}")),
            Identifier("user_id", "", Personal(user)),
        )
        customer = self._runtime.contacts.customer_hash("", user)
        link = OrderLink(
            order=self._order(person),
            number=Personal("ZX7K2P"),
            kind="flight",
            brand=self._brand,
            source="/booking/orders",
            traveller=customer,
            role="passenger",
            passenger="P1",
            subjects=person.subjects,
            until_ms=self._runtime.clock.now_ms() + SUBJECT_KEEP_MS,
        )
        traveller = Traveller(customer, Personal("Alex"), Personal("Example"), (person.address,))
        if self._at_home:
            link = dataclasses.replace(link, number=Personal(""), source="family", role=ROLE, passenger=None)
            traveller = Traveller(customer, None, None, (person.address,))
        return Profile(
            addresses=(Address(person.address, "whatsapp", identifiers),),
            travellers=(traveller,),
            orders=(link,),
        )


def _batches(things: Sequence[T]) -> Iterable[Sequence[T]]:
    return (things[start : start + BATCH] for start in range(0, len(things), BATCH))
