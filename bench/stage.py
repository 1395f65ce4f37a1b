"""The stage: a store of its own, a runtime as `run` opens it, contacts with subscriptions, and events about their flights.

Only two settings differ from an operator's: the sender may send faster than Meta would ever allow (its limit would be what is
measured), and the pair rate is off (a contact has several messages). Both are still asked for every message. Phone numbers are of
the range kept for fiction, and repeat; each contact has an address, a lane and a user id of its own.
"""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.children import ROOT
from gateway import settings as settings_module
from gateway.app import open_runtime
from gateway.intake.role import make_expander
from gateway.model.contact import Address, ConsentEntry, Identifier, OrderLink, Profile, Proof, Subscription, Traveller
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import PARTITIONS, AddressId, ContactId, SubjectId, new_address_id, partition_of, random_id
from gateway.model.personal import Personal
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.store import keys, scripts
from gateway.store.contacts import FactChange
from gateway.store.subjects import SUBJECT_KEEP_MS

BRAND = "zz"
FAST = 1_000_000.0
SECRET = "bench-app-secret"
API_KEY = "bench-key-of-thirty-two-letters-"
NUMBER = "314159265358979"
AT_ONCE = 32
DAYS_AHEAD = 5


def environment(directory: Path, graph_port: int) -> dict[str, str]:
    """What both our own runtime and a gateway started beside it are told."""
    return {
        "GATEWAY_ENV": "staging",
        "GATEWAY_ONLY_TO": "*",
        "GATEWAY_FUSE_PEOPLE": "0",
        "GATEWAY_DATA_DIR": str(directory),
        "GATEWAY_TEMPLATES_DIR": str(ROOT / "templates"),
        "GATEWAY_GRAPH_URL": f"http://127.0.0.1:{graph_port}",
        "GATEWAY_WHATSAPP_PHONE_NUMBER_ID": NUMBER,
        "GATEWAY_WHATSAPP_WABA_ID": "271828182845904",
        "GATEWAY_WHATSAPP_TOKEN": "bench-token",
        "GATEWAY_APP_SECRET": SECRET,
        "GATEWAY_VERIFY_TOKEN": "bench-verify",
        "GATEWAY_API_KEY": API_KEY,
        "GATEWAY_BRAND": BRAND,
        "GATEWAY_PAIR_INTERVAL_MS": "0",
        "GATEWAY_LOG_FORMAT": "json",
    }


@asynccontextmanager
async def directory() -> AsyncIterator[Path]:
    """A data directory that is deleted; its path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="thuisfront-bench-") as name:
        yield Path(name)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime on an empty store of its own, its scripts loaded and every template approved."""
    async with open_runtime(dataclasses.replace(settings, per_second=FAST)) as runtime:
        await scripts.load_all(runtime.connection.redis)
        await approve_templates(runtime)
        yield runtime


def read_settings(environ: dict[str, str]) -> Settings:
    return settings_module.read(environ, None)


async def approve_templates(runtime: Runtime) -> None:
    for sender in runtime.directory:
        for notification in runtime.catalogue:
            for ref in notification.candidates((), brand=BRAND, brand_language="en"):
                await runtime.senders.set_template(
                    sender.id, ref.name, ref.language, state="APPROVED", category=notification.category.upper()
                )


def flight(group: int, number: int) -> str:
    day = (datetime.now(UTC) + timedelta(days=DAYS_AHEAD)).date().isoformat()
    return f"ZZ{1000 + group * 10 + number}/{day}/AMS"


def by_day() -> str:
    """A zone in which it is early afternoon now, so that nobody's night is in the way. (Etc/GMT-3 is three hours ahead.)"""
    ahead = (13 - datetime.now(UTC).hour + 12) % 24 - 12
    return "Etc/GMT" if ahead == 0 else f"Etc/GMT{'-' if ahead > 0 else '+'}{abs(ahead)}"


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    contact: ContactId
    address: AddressId
    subjects: tuple[SubjectId, ...]


class Crowd:
    """Contacts of one brand, each following the flights of its group."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._zone = by_day()

    async def add_people(self, groups: int, size: int, flights: int, *, first: int = 0) -> list[Person]:
        """Contacts as an order makes them, without subscriptions yet."""
        people = []
        for group in range(first, first + groups):
            subjects = tuple(self._runtime.vault.subject_id("flight", flight(group, number)) for number in range(flights))
            for _ in range(size):
                contact = ContactId(random_id("c", secrets.randbelow(PARTITIONS)))
                people.append(Person(contact, new_address_id(contact), subjects))
        await _each(people, self._write)
        return people

    async def subscribe(self, people: Sequence[Person]) -> None:
        bits: dict[tuple[SubjectId, int], None] = {}
        for person in people:
            for subject in person.subjects:
                bits[subject, partition_of(person.contact)] = None
        until = self._runtime.clock.now_ms() + SUBJECT_KEEP_MS
        for subject, partition in bits:
            await self._runtime.contacts.open_subject(subject, partition, b"", until)

        async def one(person: Person) -> None:
            for subject in person.subjects:
                order = self._order(person)
                await self._runtime.contacts.subscribe(Subscription(person.contact, subject, (order,), until))

        await _each(people, one)

    def _order(self, person: Person) -> SubjectId:
        return self._runtime.vault.subject_id("order", person.contact)

    async def _write(self, person: Person) -> None:
        runtime, now = self._runtime, self._runtime.clock.now_ms()
        digits = secrets.randbelow(1000)
        user = f"GB.{secrets.randbelow(10**20):020d}"
        identifiers = (
            Identifier("phone", "", Personal(f"+447700900{digits:03d}")),
            Identifier("user_id", "", Personal(user)),
        )
        customer = runtime.contacts.customer_hash("", user)
        link = OrderLink(
            order=self._order(person),
            number=Personal("ZX7K2P"),
            kind="flight",
            brand=BRAND,
            source="/booking/orders",
            traveller=customer,
            role="passenger",
            passenger="P1",
            subjects=person.subjects,
            until_ms=now + SUBJECT_KEEP_MS,
        )
        profile = Profile(
            addresses=(Address(person.address, "whatsapp", identifiers),),
            travellers=(Traveller(customer, Personal("Alex"), Personal("Example"), (person.address,)),),
            orders=(link,),
        )
        await runtime.contacts.change(person.contact, lambda _: profile)
        consent = ConsentEntry("journey", "whatsapp", BRAND, True, now - 1000, "booking-checkbox", "journey-en-3")
        changes = await runtime.contacts.consent_changes(person.contact, [consent])
        changes += [
            FactChange(f"p:{person.address}", Proof.OTP.value, now, "proof"),
            FactChange("lang", "en", 0, "set"),
            FactChange("tz", self._zone, 0, "set"),
        ]
        await runtime.contacts.change_facts(person.contact, changes)


async def _each(people: Sequence[Person], work: Any) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(person: Person) -> None:
        async with gate:
            await work(person)

    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(one(person))


def delayed(group: int, number: int, minutes: int) -> dict[str, Any]:
    """The data of an event: this flight is late."""
    subject = flight(group, number)
    day = subject.split("/")[1]
    departs = datetime.fromisoformat(f"{day}T10:00:00+01:00")
    lands = departs + timedelta(minutes=85)

    def times(at: datetime) -> dict[str, str]:
        return {"scheduled": at.isoformat(), "estimated": (at + timedelta(minutes=minutes)).isoformat()}

    return {
        "leg": {
            "carrier": "ZZ",
            "flightNumber": subject.split("/")[0][2:],
            "originDate": day,
            "from": "AMS",
            "to": "LHR",
        },
        "status": "delayed",
        "reason": {"code": "93"},
        "times": {"departure": times(departs), "arrival": times(lands)},
    }


async def plan_events(runtime: Runtime, groups: int, flights: int) -> None:
    """One event about each flight, kept and expanded as intake does it; returns when every message is in the outbox."""
    now = runtime.clock.now_ms()
    for group in range(groups):
        events = []
        for number in range(flights):
            subject, external = flight(group, number), secrets.token_hex(8)
            event = BusinessEvent(
                id=runtime.vault.event_id("/ops/flights", external),
                source="/ops/flights",
                external_id=external,
                type=EventType.FLIGHT_STATUS,
                subject=subject,
                subject_id=runtime.vault.subject_id("flight", subject),
                item="",
                version=1,
                occurred_at_ms=now,
                received_at_ms=now,
                data=delayed(group, number, 45),
            )
            events.append(event)
        await runtime.events.append_once(events)
    expander = make_expander(runtime)
    partitions = keys.all_partitions()
    while await expander.look(partitions) + await expander.chunks(partitions):
        pass


async def used_bytes(runtime: Runtime) -> int:
    info: dict[str, Any] = await runtime.connection.redis.info("memory")
    return int(info["used_memory"])


async def drop_history(runtime: Runtime) -> None:
    """Facts are trimmed behind their readers in a whole gateway; nobody reads them here, and they are counted apart."""
    redis = runtime.connection.redis
    for partition in keys.all_partitions():
        await redis.xtrim(keys.part(partition, "facts"), maxlen=1, approximate=False)


