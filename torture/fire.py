"""What goes wrong: the world's faults, who is killed and who stands still when: all from the seed, each in its own order."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from torture.house import House
from torture.seen import Kill, Pause
from torture.sizes import Sizes
from torture.stage import NUMBER, PAGE, ask

EVERY_S = 2.0
WEATHER_S = 4.0
STARTING = 0.1
LOOK_S = 0.3
NUMBER_CODES, PAGE_CODES = (130429, 131056, 80007, 131016), (613, 4, 1200)
"""Throttles of a number, of a pair and of the account, "try later"; a Page's own."""


@dataclass
class Fire:
    house: House
    http: aiohttp.ClientSession
    sizes: Sizes
    seed: int
    kills: list[Kill] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)

    async def steady(self) -> None:
        """Faults that stay as long as it burns."""
        late_ms = self.sizes.evidence_ms // 2
        for fault in (
            {"name": "lost_answer", "share": 0.05},
            {"name": "http_500", "share": 0.025, "accepted": False},
            {"name": "html_502", "share": 0.025, "accepted": True},
            {"name": "slow", "share": 0.25, "ms": 500},
            {"name": "webhook_double", "share": 0.1},
            {"name": "webhook_shuffle", "share": 0.3, "ms": 1_500},
            {"name": "webhook_delay", "share": 0.04, "ms": late_ms},
        ):
            await self._put(fault)

    async def weather(self) -> None:
        """What comes and goes: throttles of one kind after another, webhooks that come later than anybody waits for them."""
        rng = random.Random(f"{self.seed} weather")
        while True:
            await self._put({"name": "code", "code": rng.choice(NUMBER_CODES), "phone_number_id": NUMBER, "share": 0.01})
            await self._put({"name": "code", "code": rng.choice(PAGE_CODES), "page_id": PAGE, "share": 0.01})
            late = rng.random() < 0.3
            ms = self.sizes.evidence_ms * 3 if late else self.sizes.evidence_ms // 2
            await self._put({"name": "webhook_delay", "share": 0.03 if late else 0.06, "ms": ms})
            await asyncio.sleep(WEATHER_S)

    async def out(self) -> None:
        """The world is as it should be again: what a house still has to do then is its own."""
        while True:
            with contextlib.suppress(TimeoutError, aiohttp.ClientError):
                await ask(self.http, self.house, "DELETE", "faults")
                return
            await asyncio.sleep(0.2)

    async def freeze(self, until_s: float) -> None:
        """One gateway after another stands still for longer than its leases, and goes on as if nothing had been."""
        rng = random.Random(f"{self.seed} freezer")
        await asyncio.sleep(min(rng.uniform(0.5, 1.0) * self.sizes.freeze_s, self.sizes.seconds / 4))
        while self.pauses == [] or time.monotonic() + self.sizes.frozen_s < until_s:
            order = [one for one in self.house.gateways if one.up]
            one = rng.choice(order) if order else None
            if one is None or not one.freeze():
                await asyncio.sleep(LOOK_S)
                continue
            from_ms = _now_ms()
            try:
                await asyncio.sleep(self.sizes.frozen_s)
            finally:
                self.pauses.append(Pause(one.name, from_ms, _now_ms()))
                one.thaw()
            await asyncio.sleep(rng.uniform(0.5, 1.5) * self.sizes.freeze_s)

    async def reap(self, until_s: float) -> None:
        """Every two seconds one of those at work, at random, now and then one that is only starting. Nobody: passed over.

        Whoever is killed before it has done anything burns nothing: on a slow machine all of them would be.
        """
        rng = random.Random(f"{self.seed} reaper")
        next_s = time.monotonic() + EVERY_S
        while next_s < until_s:
            await asyncio.sleep(max(next_s - time.monotonic(), 0))
            next_s += EVERY_S
            order = list(self.house.victims)
            rng.shuffle(order)
            young = rng.random() < STARTING
            for one in order:
                if (young or one.up) and not one.frozen and one.kill():
                    self.kills.append(Kill(_now_ms(), one.name))
                    break

    async def _put(self, fault: dict[str, Any]) -> None:
        with contextlib.suppress(TimeoutError):  # a world that is busy hears it at the next change of the weather
            await ask(self.http, self.house, "PUT", "faults", fault)


def _now_ms() -> int:
    return int(time.time() * 1000)
