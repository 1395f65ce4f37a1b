"""A flight that keeps changing, and its followers' phones: the core with its loops turned by hand, towards an edge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.model.event import BusinessEvent
from gateway.model.message import MessageRecord
from gateway.store.facts import Fact
from gateway.store.outbox import Settlement
from tests.support.core import NUMBER, House, facts_of, open_house
from tests.support.edge import Edge, edge_running

MINUTE_MS = 60_000


@dataclass(frozen=True)
class Said:
    """One message that the channel took. name: the notification; values: its parameters, in order."""

    number: int
    name: str
    values: tuple[str, ...]

    def __contains__(self, word: str) -> bool:
        return any(word in value for value in self.values)


@dataclass
class Ladder:
    house: House
    edge: Edge

    async def follow(self, *numbers: int, **more: Any) -> None:
        """These people book; what that brings is sent and forgotten."""
        for number in numbers:
            order = self.house.order(self.house.recipient(number), number=f"ZX{number}", **more)
            await self.house.tell(order)
        await self.house.dispatch()
        self.edge.asked.clear()

    async def hears(self, *events: BusinessEvent) -> None:
        """Told, and sent at once as far as it may be."""
        await self.house.tell(*events)
        await self.house.dispatch()

    async def send_to(self, number: int) -> None:
        """Only this person's lane moves; what else is ready is put back as it was."""
        contact, now = await self.house.find(number), self.house.clock.now_ms()
        for claimed in await self.house.claim_all():
            if claimed.record.contact == contact:
                settlement = (await self.house.deliverer.deliver(claimed)).settlement
            else:
                settlement = Settlement(claimed, "h", claimed.attempt, at_ms=now + 1, reason="sender_paused")
            await self.house.runtime.outbox.settle([settlement])

    async def minutes(self, minutes: float) -> None:
        """Time passes, and what falls due is sent."""
        self.house.pass_ms(round(minutes * MINUTE_MS))
        await self.house.dispatch()

    def phone(self, number: int = 101) -> list[Said]:
        """What the channel took for a number, in order."""
        return [one for one in map(_said, self.edge.sent(NUMBER)) if one.number == number]

    def gates(self, number: int = 101) -> list[str]:
        return [said.values[1] for said in self.phone(number) if said.name == "gate_changed"]

    def names(self, number: int = 101) -> list[str]:
        return [said.name for said in self.phone(number)]

    async def stands(self, name: str, number: int = 101) -> list[str]:
        """state:reason of each message of a notification, in planned order."""
        return [f"{one.state.value}:{one.reason}" for one in await self.records(name, number)]

    async def records(self, name: str, number: int = 101) -> list[MessageRecord]:
        found = await self.house.messages(await self.house.find(number))
        return sorted((one for one in found if one.notification == name), key=lambda one: one.version)

    async def facts(self, kind: str) -> list[Fact]:
        return [fact for fact in await facts_of(self.house.redis) if fact.kind == kind]


def _said(body: dict[str, Any]) -> Said:
    template = body["template"]
    values = [
        str(value.get("text", "")) for part in template.get("components", ()) if part["type"] == "body"
        for value in part["parameters"]
    ]  # fmt: skip
    return Said(int(str(body["to"])[-3:]), template["name"].rpartition("_v")[0], tuple(values))


@asynccontextmanager
async def ladder_running(redis_url: str, data_dir: Path, **more: str) -> AsyncIterator[Ladder]:
    async with edge_running() as edge, open_house(redis_url, data_dir, edge.url, **more) as house:
        yield Ladder(house, edge)
