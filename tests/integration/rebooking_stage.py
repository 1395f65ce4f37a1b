"""Cancelled flights, other flights, and people who press buttons: a ladder whose phones also answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.insight.hooks import webhook_of
from gateway.model.event import BusinessEvent
from gateway.model.message import MessageRecord
from gateway.store.facts import Fact
from tests.integration.ladder_stage import Ladder
from tests.support.core import facts_of, iso
from tests.support.meta import inbound, webhook

OLD, LATER_ENTITY, TOMORROW_ENTITY = "ZZ1007/2026-11-22/AMS", "ZZ1009/2026-11-22/AMS", "ZZ1001/2026-11-23/AMS"
HOUR_MS = 3600_000


@dataclass
class Stage:
    ladder: Ladder

    @property
    def later(self) -> dict[str, Any]:
        """Another flight, three hours behind the one that is cancelled."""
        departure = iso(self.ladder.house.began_ms + 8 * HOUR_MS)
        return {"carrier": "ZZ", "flightNumber": "1009", "originDate": "2026-11-22", "departure": departure}

    @property
    def tomorrow(self) -> dict[str, Any]:
        departure = iso(self.ladder.house.began_ms + 26 * HOUR_MS)
        return {"carrier": "ZZ", "flightNumber": "1001", "originDate": "2026-11-23", "departure": departure}

    def flight(self, status: str, **more: Any) -> BusinessEvent:
        self.ladder.house.pass_ms(1000)
        return self.ladder.house.flight(status, **more)

    def cancelled(self, rebooking: Any = None, **more: Any) -> BusinessEvent:
        return self.flight("cancelled", **({"rebooking": rebooking} if rebooking is not None else {}), **more)

    async def hears(self, *events: BusinessEvent) -> None:
        await self.ladder.hears(*events)

    async def records(self, number: int, *names: str) -> list[MessageRecord]:
        """What the channel took for a person, of these notifications (any), in planned order."""
        found = await self.ladder.house.messages(await self.ladder.house.find(number))
        return [one for one in found if one.state.value == "a" and (not names or one.notification in names)]

    async def names(self, number: int) -> list[str]:
        """What they were told but for their order's own news."""
        return [one.notification for one in await self.records(number) if not one.notification.startswith("order_")]

    async def text(self, record: MessageRecord) -> str:
        return str((await self.ladder.house.body(record))["text"])

    async def press(self, number: int, key: str, record: MessageRecord | None = None, *, wamid: str = "", times: int = 1) -> str:
        """Press a button of the newest message that asks, or of this one; the webhook comes so often. Its wamid."""
        house = self.ladder.house
        asking = record or (await self.records(number, "flight_rebooked", "flight_cancelled"))[-1]
        buttons = (await house.body(asking))["buttons"]
        button = next(one for one in buttons if f"/{key}" in one["payload"])
        house.pass_ms(1000)
        content = {"type": "button", "button": {"payload": button["payload"], "text": button["label"]}}
        said = inbound(house, f"447700900{number}", content, wamid=wamid)
        for _ in range(times):
            await house.runtime.webhooks.append("whatsapp", webhook(said))
        await house.take_webhooks()
        await house.dispatch()
        return str(said["messages"][0]["id"])

    async def facts(self, *kinds: str) -> list[Fact]:
        return [fact for fact in await facts_of(self.ladder.house.redis) if fact.kind in kinds]

    async def passed_on(self) -> list[str]:
        """Types of the outgoing webhooks about answers, in no order."""
        found = []
        for fact in await self.facts("rebooking_accept", "rebooking_other", "rebooking_refund"):
            made = webhook_of(fact, "")
            assert made is not None
            found.append(str(made.body.decode().split('"')[3]))
        return found

    async def follows(self, number: int) -> list[str]:
        """Entities of the flights that somebody follows."""
        vault = self.ladder.house.runtime.vault
        known = {vault.subject_id("flight", entity): entity for entity in (OLD, LATER_ENTITY, TOMORROW_ENTITY)}
        contact = await self.ladder.house.find(number)
        assert contact is not None
        subscribed = await self.ladder.house.runtime.contacts.subscriptions(contact)
        return sorted(known[one.subject] for one in subscribed if one.subject in known)
