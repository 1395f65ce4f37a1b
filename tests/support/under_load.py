"""Orders that come in one after another while something happens, and what the phones got of those that were answered 202."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.support.house import SAMPLES, House
from tests.support.waiting import wait_until

_SAMPLE = json.loads((SAMPLES / "ce-order-confirmed-flight.json").read_text())
AGAIN_S = 0.1


@dataclass
class Orders:
    """count: orders of one person each, +44 7700 900 `first` and up.

    patient: send again what is not answered 202, as a source does
    """

    house: House
    count: int
    first: int = 200
    patient: bool = True
    answered: dict[str, str] = field(default_factory=dict)
    """phone -> id of its event, once that was answered 202"""

    async def send(self, *, every_s: float, at: int, then: Callable[[], Awaitable[None]]) -> None:
        """One every so often, whether the last one is answered or not; `then` after order number `at`."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.count):
                group.create_task(self._order(number))
                if number == at:
                    group.create_task(_run(then))
                await asyncio.sleep(every_s)

    async def _order(self, number: int) -> None:
        phone = f"+447700900{self.first + number:03d}"
        event = self._event(number, phone)
        while True:
            try:
                status, _ = await self.house.event(event)
            except (aiohttp.ClientError, TimeoutError):
                status = 0
            if status == 202:
                self.answered[phone] = event["id"]
                return
            if not self.patient:
                return
            await asyncio.sleep(AGAIN_S)

    def _event(self, number: int, phone: str) -> dict[str, Any]:
        event: dict[str, Any] = copy.deepcopy(_SAMPLE)
        name = f"ZL{self.first + number:04d}"
        event |= {"id": f"load-{name}", "subject": name, "partitionkey": name}
        event["data"]["orderNumber"] = name
        person = copy.deepcopy(event["data"]["recipients"][0])
        person["customerId"] = f"C-{name}"
        person["addresses"] = [{**person["addresses"][0], "to": phone}]
        event["data"]["recipients"] = [person]
        return event

    async def arrived(self, phone: str) -> int:
        """How many messages of its order a phone has: what the day brings beside, such as that one can check in, is none."""
        named = [(one["template"] or {}).get("name") for one in await self.house.received(phone)]
        return named.count("order_confirmed_v1")

    async def wait_until_all_arrived(self, timeout: float = 60) -> None:
        async def everywhere() -> bool:
            return all([await self.arrived(phone) for phone in self.answered])

        await wait_until(everywhere, timeout=timeout)

    async def counts(self) -> dict[str, int]:
        return {phone: await self.arrived(phone) for phone in self.answered}


async def _run(then: Callable[[], Awaitable[None]]) -> None:
    await then()
