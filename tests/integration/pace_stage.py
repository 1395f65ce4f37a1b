"""Flights with many followers, and a channel that takes so many messages a turn: nobody waits for time to pass."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.crowd import Crowd
from gateway.intake.expand import Expander
from gateway.intake.role import make_expander
from gateway.model.event import BusinessEvent
from gateway.model.ids import SenderId, SubjectId, random_id
from gateway.model.message import MessageRecord, Priority
from gateway.store import keys
from gateway.store.outbox import ClaimWant, Settlement
from gateway.wake import Publish, Ready, Wake
from sandbox.account import WABA_ID
from tests.support.core import HOUR_MS, NUMBER, SANDBOX, House, iso, open_house

ALL = tuple(keys.all_partitions())
HALVES = (ALL[::2], ALL[1::2])
"""What two intake processes hold."""


def sender_entry(name: str, brand: str, per_second: float, number: str = NUMBER) -> dict[str, Any]:
    account = {"phone_number_id": number, "waba_id": WABA_ID}
    return {
        "id": name, "channel": "whatsapp", "brand": brand, "portfolio": "tests", "token": SANDBOX.token, "account": account,
        "per_second": per_second,
    }  # fmt: skip


@dataclass
class Stage:
    """house: at noon; entities: what flights are called."""

    house: House
    sent: list[MessageRecord] = field(default_factory=list)
    _claims: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    def subject(self, entity: str) -> SubjectId:
        return self.house.runtime.vault.subject_id("flight", entity)

    async def followers(self, people: Mapping[str, int], brand: str = "zz") -> None:
        """So many subscribers of each flight, anywhere in the store."""
        each = [(self.subject(entity),) for entity, count in people.items() for _ in range(count)]
        await Crowd(self.house.runtime, brand).load(len(each), iter(each))

    def cancelled(self, entity: str, hours: float, *, version: int = 1, status: str = "cancelled", **more: Any) -> BusinessEvent:
        """A flight that would have left so many hours from now does not."""
        now = self.house.clock.now_ms()
        carrier, number = entity[:2], entity[2:6]
        departure = iso(round(now + hours * HOUR_MS))
        times = {"departure": {"scheduled": departure}, "arrival": {"scheduled": iso(round(now + (hours + 1) * HOUR_MS))}}
        data = {
            "leg": {"carrier": carrier, "flightNumber": number, "originDate": entity[7:17], "from": "AMS", "to": "LHR"},
            "status": status, "times": times,
        } | more  # fmt: skip
        return self.house.event_of("flight.status", entity, data, source="/ops/flights", version=version)

    def workers(self) -> list[tuple[Expander, Sequence[int]]]:
        """Two intake processes, each with half of the partitions, which hear one another at once."""
        wakes: list[Wake] = []

        def publish_of(place: int) -> Publish:
            async def publish(topic: str, hints: Sequence[Ready]) -> None:
                for other in wakes[:place] + wakes[place + 1 :]:
                    other.heard(topic, hints)

            return publish

        wakes += [Wake(publish_of(place)) for place in range(len(HALVES))]
        return [
            (make_expander(replace(self.house.runtime, wake=wake)), half) for wake, half in zip(wakes, HALVES, strict=True)
        ]

    async def send(self, count: int) -> list[MessageRecord]:
        """The channel takes so many: of all that may be sent the higher priority, then the earlier deadline."""
        outbox = self.house.runtime.outbox
        ready = [
            (priority, deadline, peek.partition, peek.sender)
            for peek in await outbox.peek(self.house.runtime.directory.ids, ALL, heads=count)
            for priority, deadlines in enumerate(peek.ready)
            for deadline in deadlines
        ]
        limits: dict[tuple[int, int, SenderId], list[int]] = {}
        for priority, deadline, partition, sender in sorted(ready)[:count]:
            limits.setdefault((priority, partition, sender), []).append(deadline)
        wants = [
            ClaimWant(random_id("m", 0), partition, sender, Priority(priority), len(deadlines), max(deadlines))
            for (priority, partition, sender), deadlines in limits.items()
        ]
        claimed = await outbox.claim(wants, worker="t", lease_ms=10_000, evidence_ms=30_000, clock_ok=True)
        await outbox.settle([Settlement(one, "a", one.attempt) for one in claimed])
        records = sorted((one.record for one in claimed), key=lambda one: (one.priority, one.deadline_ms))
        self.sent += records
        return records

    async def waiting(self) -> int:
        return await self.house.runtime.outbox.depth(self.house.runtime.directory.ids)

    async def under_way(self) -> int:
        """Fan-outs that are not done, over all partitions."""
        return len(await self.house.runtime.fans.under_way(ALL))

    async def planned(self, subject: SubjectId | None = None) -> int:
        """Messages in the store, about one flight or any."""
        records = await self.house.messages()
        return sum(subject is None or one.subject == subject for one in records)


@asynccontextmanager
async def pace_stage(
    redis_url: str, data_dir: Path, *senders: dict[str, Any], graph_url: str = "http://127.0.0.1:9", **more: str
) -> AsyncIterator[Stage]:
    """senders: entries of senders.yaml; none = one at 10 a second. graph_url: who answers `house.dispatch`"""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "pace-senders.json"
    path.write_text(json.dumps({"senders": list(senders) or [sender_entry("zz-wa", "zz", 10)]}))
    more = {"GATEWAY_SENDERS_FILE": str(path), "GATEWAY_FUSE_PEOPLE": "0"} | more
    async with open_house(redis_url, data_dir, graph_url, **more) as house:
        yield Stage(house)
