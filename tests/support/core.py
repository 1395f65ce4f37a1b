"""The core on a table: an outbox with plans made by hand, and a wired gateway over a real store.

`Lanes` speaks to the outbox alone, without contacts, templates or a channel: what goes in is a message to an address, what comes
out is a claim. `House` is the wired gateway (one Runtime) whose loops a test turns by hand, so that nothing happens in between.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gateway.app import open_runtime
from gateway.clock import Clock
from gateway.dispatch.brakes import Brakes
from gateway.dispatch.deliver import Deliverer, Deps
from gateway.dispatch.documents import DocumentDesk
from gateway.dispatch.evidence import EvidenceClock
from gateway.dispatch.prepare import Preparer
from gateway.dispatch.speaking import Speaking
from gateway.dispatch.worker import Dispatcher
from gateway.intake.expand import Expander
from gateway.intake.role import make_expander
from gateway.model.contact import Contact
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import (
    AddressId,
    ContactId,
    MessageId,
    SenderId,
    new_address_id,
    random_id,
)
from gateway.model.message import DeliveryStatus, MessageRecord, MessageState, Priority
from gateway.rules.states import item_of
from gateway.runtime import Runtime
from gateway.settings import Settings, read
from gateway.store import keys, scripts
from gateway.store.facts import START, Fact, Facts
from gateway.store.mentions import Mentions
from gateway.store.outbox import (
    Claimed,
    ClaimWant,
    Outbox,
    Pair,
    Plan,
    PlannedContact,
    PlannedMessage,
    PutResult,
    Settlement,
    told_field,
    told_prefix,
)
from gateway.store.ownership import Ownership
from gateway.store.speakers import Speakers
from gateway.wake import TOPICS, Wake
from gateway.webhooks.role import make_applier, make_splitter
from gateway.webhooks.worker import apply_one, run_apply
from sandbox.account import WABA_ID
from sandbox.config import SandboxConfig

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "samples" / "events"
SENDER = SenderId("zz-wa")
LEASE_MS = 10_000
EVIDENCE_MS = 30_000
HOUR_MS = 3600_000
SUBJECT = random_id("j", 3)


async def facts_of(redis: Redis) -> list[Fact]:
    """Every fact in the store, in each partition's order."""
    return await Facts(redis, settle_ms=0).unfolded(dict.fromkeys(keys.all_partitions(), START))


@dataclass
class Lanes:
    """One contact's address at one sender, and an outbox. The clock is turned by `pass_ms`; no time is waited for.

    pair: off by default, so that only what a test asks for holds a lane back
    """

    redis: Redis
    pair: Pair = field(default_factory=lambda: Pair(0, 1))
    partition: int = 7
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.redis, self.clock, {SENDER: self.pair})
        self.contact = self.somebody()
        self.address = new_address_id(self.contact)
        self._events = itertools.count(1)
        self._claims = itertools.count(1)

    def somebody(self) -> ContactId:
        return ContactId(random_id("c", self.partition))

    def pass_ms(self, ms: int) -> None:
        self.clock.offset_ms += ms

    def plan(self, *messages: PlannedMessage, n: int = 1, ends: Iterable[str] = (), event: str = "", cv: int = 0) -> Plan:
        """One contact's messages of one event. ends: names of notifications"""
        contact = PlannedContact(self.contact, cv, tuple(told_prefix(SUBJECT, name) for name in ends), messages)
        return Plan(self.partition, event or f"e{next(self._events)}", n, SUBJECT, (contact,))

    def message(
        self,
        name: str = "delay",
        *,
        priority: Priority = Priority.NORMAL,
        due_ms: int = 0,
        life_ms: int = HOUR_MS,
        item: str = "",
        address: AddressId | None = None,
        told: bool = True,
        **more: Any,
    ) -> PlannedMessage:
        """A message with an id of its own. due_ms, life_ms: from now; told False: nothing replaces or ends it."""
        now = self.clock.now_ms()
        planned = PlannedMessage(
            id=MessageId(random_id("m", self.partition)),
            contact=self.contact,
            sender=SENDER,
            address=address or self.address,
            priority=priority,
            due_ms=now + due_ms if due_ms else 0,
            deadline_ms=now + life_ms,
            told=told_field(SUBJECT, name, item) if told else "",
            state=MessageState.QUEUED,
            reason="",
            notification=name,
            body=b"sealed",
        )
        return replace(planned, **more)

    async def put(self, *messages: PlannedMessage, **more: Any) -> PutResult:
        return await self.outbox.put(self.plan(*messages, **more))

    async def queue(self, *names: str, **more: Any) -> list[MessageId]:
        """One message of each name, untold, in this order."""
        made = [self.message(name, told=False, **more) for name in names]
        for one in made:
            assert (await self.put(one)).messages in (("queued",), ("later",))
        return [one.id for one in made]

    def want(self, priority: Priority = Priority.NORMAL, limit: int = 10, claim: str = "", **more: Any) -> ClaimWant:
        return ClaimWant(claim or f"t-{next(self._claims)}", self.partition, SENDER, priority, limit, **more)

    async def claim(self, *priorities: Priority, clock_ok: bool = True, limit: int = 10) -> list[Claimed]:
        wants = [self.want(priority, limit) for priority in priorities or tuple(Priority)]
        return await self.claim_wants(wants, clock_ok=clock_ok)

    async def claim_wants(self, wants: Sequence[ClaimWant], *, clock_ok: bool = True, worker: str = "w") -> list[Claimed]:
        return await self.outbox.claim(wants, worker=worker, lease_ms=LEASE_MS, evidence_ms=EVIDENCE_MS, clock_ok=clock_ok)

    async def one(self, *priorities: Priority) -> Claimed:
        """The only claim there is."""
        claimed = await self.claim(*priorities)
        assert len(claimed) == 1, claimed
        return claimed[0]

    async def settle(self, claimed: Claimed, outcome: str = "a", **more: Any) -> str:
        """a: accepted, as attempt claimed.attempt; at_ms of r, h, l: from now; of u: how long to wait for evidence"""
        if outcome in "rhl":
            more["at_ms"] = self.clock.now_ms() + more.get("at_ms", 0)
        if outcome == "u":
            more.setdefault("at_ms", EVIDENCE_MS)
        return (await self.outbox.settle([Settlement(claimed, outcome, more.pop("attempt", claimed.attempt), **more)]))[0]

    async def send(self, *priorities: Priority) -> MessageId:
        claimed = await self.one(*priorities)
        assert await self.settle(claimed) == "settled"
        return claimed.id

    async def evidence(
        self, message: MessageId, status: DeliveryStatus = DeliveryStatus.SENT, *, attempt: int = 1, failed: bool = False
    ) -> str:
        record = await self.record(message)
        return await self.outbox.evidence(
            record, attempt=attempt, status=DeliveryStatus.NONE if failed else status, failed=failed,
            at_ms=self.clock.now_ms(), channel_hash="0" * 32,
        )  # fmt: skip

    async def record(self, message: MessageId) -> MessageRecord:
        found = await self.outbox.record(message)
        assert found is not None
        return found[0]

    async def state(self, message: MessageId) -> str:
        return (await self.record(message)).state.value

    async def standing(self, address: AddressId | None = None) -> list[str]:
        """Where the lane stands: r0..r3 ready, d0..d3 due; one place, or none where it was dropped."""
        names = keys.lane_keys(self.partition, SENDER)
        found = []
        for place, name in enumerate(names[3:]):
            if await self.redis.zscore(name, address or self.address) is not None:
                found.append(f"{'rd'[place // 4]}{place % 4}")
        return found

    async def kinds(self, message: MessageId) -> list[str]:
        """The kinds of facts about one message, in order."""
        return [fact.kind for fact in await facts_of(self.redis) if fact.id_of("m") == message]


# the whole house

NUMBER = "314159265358979"
BRANDS = ("zz", "exr", "netx")
SANDBOX = SandboxConfig(
    port=0,
    data_dir=":memory:",
    seed=7,
    review_ms=0,
    sent_delay_ms=(1, 2),
    delivered_delay_ms=(3, 5),
    failed_delay_ms=(1, 2),
    webhook_timeout_s=5.0,
)


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return found


def noon() -> int:
    """The next noon UTC, in ms from now: nobody's night, and dates of one day."""
    now = datetime.now(UTC)
    then = (now + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    return int((then - now).total_seconds() * 1000)


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class House:
    """A wired gateway. Turn its loops with `expand`, `dispatch`, `take_webhooks`, or all until quiet with `settle_down`."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.redis: Redis = runtime.connection.redis
        self.clock = runtime.clock
        self.expander: Expander = make_expander(runtime)
        self._ids = itertools.count(1)
        self.began_ms = runtime.clock.now_ms() // 60_000 * 60_000
        """the whole minute that timetables are counted from"""
        self.splitter = make_splitter(runtime)
        self.applier = make_applier(runtime)
        self.brakes = Brakes(runtime.senders, runtime.directory, runtime.clock, runtime.vault)
        self.evidence = EvidenceClock(runtime.webhooks, runtime.clock, runtime.settings.evidence_ms)
        self.evidence.heard = True  # the way in is known to be open
        self.deliverer = self.make_deliverer()

    # making

    def make_deliverer(self, **changes: Any) -> Deliverer:
        runtime, settings = self.runtime, self.runtime.settings
        deps = Deps(
            outbox=runtime.outbox,
            contacts=runtime.contacts,
            senders=runtime.senders,
            vault=runtime.vault,
            preparer=Preparer(runtime.outbox, runtime.contacts, runtime.subjects, runtime.vault, runtime.worlds, runtime.clock),
            templates_stale=runtime.worlds.stale,
            brakes=self.brakes,
            documents=DocumentDesk(runtime.documents, settings.document_hosts, allow_local=True, maker=runtime.maker),
            speaking=Speaking(Speakers(runtime.connection.redis, runtime.vault)),
            directory=runtime.directory,
            connectors=runtime.connectors,
            clock=runtime.clock,
            metrics=runtime.metrics,
            send_timeout_s=settings.send_timeout_s,
            evidence=self.evidence,
            lease_ms=settings.lease_ms,
        )
        return Deliverer(replace(deps, **changes))

    def make_dispatcher(self, deliverer: Deliverer | None = None, **changes: Any) -> Dispatcher:
        runtime, settings = self.runtime, self.runtime.settings
        values: dict[str, Any] = {"slots": 50, "lease_ms": settings.lease_ms} | changes
        return Dispatcher(
            runtime.outbox, runtime.senders, self.evidence, runtime.directory, self.brakes, deliverer or self.deliverer,
            Mentions(self.redis, runtime.vault, runtime.conversations.desk), runtime.clock, runtime.wake, runtime.metrics,
            **values,
        )  # fmt: skip

    async def approve(self) -> None:
        """Every template of the catalogue counts as approved, without asking the channel."""
        states = {
            f"{ref.name}:{ref.language}": json.dumps({"state": "APPROVED", "category": one.category, "at": 1})
            for one in self.runtime.catalogue
            for brand in BRANDS
            for ref in one.candidates(("nl", "en"), brand=brand, brand_language="nl")
        }
        for sender in self.runtime.directory:
            await self.redis.hset(keys.templates(sender.id), mapping=states)
            await self.redis.set(f"sync:{sender.id}", "1")
        self.runtime.worlds.stale()

    # events

    def event(self, name: str, *, at_ms: int = 0, version: int | None = -1, id: str = "", **data: Any) -> BusinessEvent:
        """A sample event as if it came now. data: on top of the sample's; at_ms: from now; version -1: the sample's."""
        raw = sample(name)
        return self.event_of(
            raw["type"].removeprefix("org.example.").removesuffix(".v1"), raw["subject"], {**raw["data"], **data},
            source=raw["source"], at_ms=at_ms, version=int(raw["sequence"]) if version == -1 else version, id=id,
        )  # fmt: skip

    def event_of(
        self, kind: str, subject: str, data: Mapping[str, Any], *, source: str = "/tests", at_ms: int = 0,
        version: int | None = None, id: str = "",
    ) -> BusinessEvent:  # fmt: skip
        vault, now = self.runtime.vault, self.clock.now_ms()
        number = id or f"id-{next(self._ids)}"
        families = {one: one for one in ("order", "flight", "trip", "outage", "appointment")}
        type_ = EventType(kind)
        return BusinessEvent(
            id=vault.event_id(source, number), source=source, external_id=number, type=type_, subject=subject,
            subject_id=vault.subject_id(families[kind.partition(".")[0]], subject), item=item_of(type_, data), version=version,
            occurred_at_ms=now + at_ms, received_at_ms=now, data=dict(data), key="tests",
        )  # fmt: skip

    def recipient(self, number: int, *, proof: str | None = "otp", purpose: str = "journey", **more: Any) -> dict[str, Any]:
        """Traveller `number`: +44 7700 900 number, customer C-number, one consent said a minute ago."""
        address: dict[str, Any] = {"channel": "whatsapp", "to": f"+447700900{number:03d}", "givenBy": "self"}
        if proof:
            address["proof"] = proof
        at = iso(self.clock.now_ms() - 60_000)
        consent = {"purpose": purpose, "channel": "whatsapp", "granted": True, "at": at, "how": "booking-checkbox"}
        return {
            "customerId": f"C-{number}", "name": {"given": f"Given{number}", "family": f"Family{number}"}, "locale": "en-GB",
            "timezone": "Europe/Amsterdam", "addresses": [address], "consents": [consent], "role": "booker",
        } | more  # fmt: skip

    def leg(self, entity: str = "ZZ1007/2026-11-22/AMS", kind: str = "flight") -> dict[str, Any]:
        now = self.began_ms
        return {
            "entity": entity, "type": kind, "from": {"code": "AMS", "name": "Amsterdam", "timezone": "Europe/Amsterdam"},
            "to": {"code": "LHR", "name": "London Heathrow", "timezone": "Europe/London"},
            "times": {"departure": {"scheduled": iso(now + 5 * HOUR_MS)}, "arrival": {"scheduled": iso(now + 6 * HOUR_MS)}},
        }  # fmt: skip

    def order(
        self, *recipients: Mapping[str, Any], number: str = "ZX7K2P", version: int | None = 1, at_ms: int = 0,
        status: str = "confirmed", **more: Any,
    ) -> BusinessEvent:  # fmt: skip
        data = {
            "orderNumber": number, "kind": "flight", "brand": "zz", "status": status, "currency": "EUR", "total": "318.40",
            "itinerary": [self.leg()], "recipients": list(recipients),
        } | more  # fmt: skip
        data = {name: value for name, value in data.items() if value is not None}
        return self.event_of("order.status", number, data, source="/booking/orders", version=version, at_ms=at_ms)

    def flight(
        self, status: str = "delayed", *, late_min: int = 0, version: int | None = None, at_ms: int = 0,
        entity: str = "ZZ1007/2026-11-22/AMS", source: str = "/ops/flights", **more: Any,
    ) -> BusinessEvent:  # fmt: skip
        leg = self.leg(entity)
        times = {end: dict(moment) for end, moment in leg["times"].items()}
        if late_min:
            for moment in times.values():
                planned = datetime.fromisoformat(moment["scheduled"]).timestamp() * 1000
                moment["estimated"] = iso(int(planned) + late_min * 60_000)
        carrier, number = entity[:2], entity[2:6]
        data = {
            "leg": {"carrier": carrier, "flightNumber": number, "originDate": "2026-11-22", "from": "AMS", "to": "LHR"},
            "status": status, "times": times,
        } | more  # fmt: skip
        return self.event_of("flight.status", entity, data, source=source, version=version, at_ms=at_ms)

    async def keep(self, *events: BusinessEvent) -> list[str]:
        return await self.runtime.events.append_once(events)

    async def tell(self, *events: BusinessEvent) -> None:
        """Keep events and expand them one after another, fan-outs and all."""
        for event in events:
            assert await self.keep(event) == ["new"]
            await self.expand()

    async def expand(self, expander: Expander | None = None) -> None:
        """Until nothing is due and no fan-out is under way."""
        one = expander or self.expander
        for _ in range(500):
            if not await one.look(keys.all_partitions()) + await one.chunks(keys.all_partitions()):
                return
        raise AssertionError("expanding does not come to an end")

    def pass_ms(self, ms: int) -> None:
        self.clock.offset_ms += ms
        self.runtime.worlds.stale()
        self.brakes.stale()

    # who and what there is

    async def contact_of(self, number: int) -> Contact:
        """The contact who has +44 7700 900 number."""
        found = await self.find(number)
        assert found is not None
        return await self.runtime.contacts.get(found)

    async def find(self, number: int) -> ContactId | None:
        identifier = self.runtime.connectors["whatsapp"].identify(f"+447700900{number:03d}", "")
        (found,) = await self.runtime.contacts.find("whatsapp", [identifier])
        return found[0] if found else None

    async def messages(self, contact: ContactId | None = None) -> list[MessageRecord]:
        """Every message in the store, or one contact's, in planned order."""
        found = []
        async for raw in self.redis.scan_iter(match="*}m:m*", count=1000):
            name = bytes(raw).decode()
            got = await self.runtime.outbox.record(MessageId(name.rpartition(":")[2]))
            if got is not None and (contact is None or got[0].contact == contact):
                found.append(got[0])
        return sorted(found, key=lambda one: (one.planned_at_ms, one.sequence, one.id))

    async def told(self, number: int, *states: str) -> list[str]:
        """Notifications planned for a person in one of these states (any), in planned order."""
        contact = await self.find(number)
        assert contact is not None
        records = await self.messages(contact)
        return [one.notification for one in records if not states or one.state.value in states]

    async def body(self, record: MessageRecord) -> dict[str, Any]:
        found = await self.runtime.outbox.record(record.id)
        assert found is not None
        opened: dict[str, Any] = (await self.runtime.vault.contact_box(record.contact)).open_json(found[1], record.id)
        return opened

    # dispatch and webhooks, one turn at a time

    async def claim_all(self) -> list[Claimed]:
        wants = [
            ClaimWant(random_id("m", 0), partition, sender, priority, 20)
            for partition in keys.all_partitions()
            for sender in self.runtime.directory.ids
            for priority in Priority
        ]
        settings = self.runtime.settings
        return await self.runtime.outbox.claim(
            wants, worker="t", lease_ms=settings.lease_ms, evidence_ms=settings.evidence_ms, clock_ok=True
        )

    async def dispatch(self) -> list[str]:
        """Send what may be sent now, lane by lane until nothing is ready; the settlements' outcomes in order."""
        outcomes: list[str] = []
        for _ in range(200):
            await self.brakes.refresh()
            claimed = await self.claim_all()
            if not claimed:
                return outcomes
            for one in claimed:
                settlement = (await self.deliverer.deliver(one)).settlement
                await self.runtime.outbox.settle([settlement])
                outcomes.append(settlement.outcome)
        raise AssertionError("sending does not come to an end")

    async def take_webhooks(self) -> int:
        """Split what was kept and apply what was split; how many items were applied or parked."""
        count = 0
        while True:
            split = await self.splitter.turn(range(keys.WEBHOOK_LOGS))
            items = await self.runtime.webhooks.inbox(keys.all_partitions(), limit=50)
            for item in items:
                await apply_one(self.runtime.webhooks, self.applier, item)
            count += len(items)
            if not split and not items:
                return count

    async def apply_turn(self) -> None:
        """One turn of the role's own loops, which outlive a store that refuses."""
        wake = Wake()
        stopping = asyncio.Event()
        turns = itertools.count()

        def beat() -> None:
            if next(turns):
                stopping.set()

        await self.splitter.turn(range(keys.WEBHOOK_LOGS))
        mine = Ownership(self.redis, self.clock, "inbox", len(keys.all_partitions()))
        task = asyncio.create_task(run_apply(self.runtime.webhooks, self.applier, mine, wake, stopping, beat))
        loop = asyncio.get_running_loop()
        loop.call_later(2.0, stopping.set)
        async with asyncio.timeout(20):
            await task

    async def parked(self) -> list[str]:
        """The kinds of what was set aside."""
        found: list[str] = []
        for partition in keys.all_partitions():
            rows: Any = await self.redis.xrange(keys.part(partition, "parked"))
            found += [entry[b"kind"].decode() for _, entry in rows]
        return found


def settings_for(redis_url: str, data_dir: Path, graph_url: str, **more: str) -> Settings:
    senders = data_dir / "senders.json"  # JSON is YAML
    data_dir.mkdir(parents=True, exist_ok=True)
    entries = [
        {
            "id": "zz-wa", "channel": "whatsapp", "brand": "zz", "portfolio": "tests", "token": SANDBOX.token,
            "account": {"phone_number_id": NUMBER, "waba_id": WABA_ID},
        }
    ]  # fmt: skip
    senders.write_text(json.dumps({"senders": entries}))
    values = {
        "GATEWAY_ENV": "demo",
        "GATEWAY_ONLY_TO": "*",
        "GATEWAY_REDIS_URL": redis_url,
        "GATEWAY_DATA_DIR": str(data_dir),
        "GATEWAY_TEMPLATES_DIR": str(ROOT / "templates"),
        "GATEWAY_GRAPH_URL": graph_url,
        "GATEWAY_SENDERS_FILE": str(senders),
        "GATEWAY_BRAND": "zz",
        "GATEWAY_APP_ID": SANDBOX.app_id,
        "GATEWAY_APP_SECRET": SANDBOX.app_secret,
        "GATEWAY_VERIFY_TOKEN": SANDBOX.verify_token,
        "GATEWAY_PAIR_INTERVAL_MS": "0",
        **more,
    }
    return read({name: value for name, value in values.items() if value}, None)


@asynccontextmanager
async def open_house(redis_url: str, data_dir: Path, graph_url: str = "http://127.0.0.1:9", **more: str) -> AsyncIterator[House]:
    """A house at noon, every template approved, with a channel that nobody answers for unless `graph_url` says who."""
    async with open_runtime(settings_for(redis_url, data_dir, graph_url, **more)) as runtime:
        runtime.clock.offset_ms = noon()
        await scripts.load_all(runtime.connection.redis)
        for topic in TOPICS:
            runtime.wake.serve(topic)  # nobody else is there to be woken
        house = House(runtime)
        await house.approve()
        yield house


__all__ = ["House", "Lanes", "facts_of", "open_house", "settings_for"]
