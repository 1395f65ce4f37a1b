"""Who wants it to be quiet: people say STOP on their phones, an operator stops everything and lets it go on again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import aiohttp

from gateway.app import open_runtime
from gateway.errors import StoreError
from gateway.store.brakes import BrakeBook
from gateway.store.senders import Stop
from torture import ledger
from torture.balancer import Balancer
from torture.cast import Person
from torture.house import House
from torture.seen import Brake, Silence
from torture.stage import NUMBER, PAGE, ask

AGAIN_S = 0.3


@dataclass
class Stops:
    """said: by handset, when, and the channel's id of the STOP; brakes: what the operator did."""

    house: House
    http: aiohttp.ClientSession
    rng: random.Random
    said: dict[str, tuple[int, str]] = field(default_factory=dict)
    brakes: list[Brake] = field(default_factory=list)

    async def say(self, people: Sequence[Person], began_s: float, seconds: float) -> None:
        """Each of them says STOP, at a moment of their own."""
        moments = sorted(self.rng.uniform(0.1, 0.7) * seconds for _ in people)
        for one, at_s in zip(people, moments, strict=True):
            await asyncio.sleep(max(began_s + at_s - time.monotonic(), 0))
            where = {"page_id": PAGE} if one.channel == "messenger" else {"phone_number_id": NUMBER}
            said_ms = _now_ms()
            shown = await ask(self.http, self.house, "POST", f"handsets/{one.address}/say", {"text": "STOP", **where})
            self.said[f"{one.channel}:{one.address}"] = (said_ms, str(shown["bubble"]["id"]))

    def silences(self, balancer: Balancer) -> list[Silence]:
        return [
            Silence(home, said_ms, balancer.inbound.get(channel_id, 0)) for home, (said_ms, channel_id) in self.said.items()
        ]

    async def brake(self, times: int, brake_s: float, began_s: float, seconds: float) -> None:
        """An operator stops everything, some times, and lets it go on each time."""
        for place in range(times):
            at_s = (place + 0.4) / times * seconds
            await asyncio.sleep(max(began_s + at_s - time.monotonic(), 0))
            await self._pull()
            from_ms = _now_ms()
            await asyncio.sleep(brake_s)
            self.brakes.append(Brake(from_ms, _now_ms()))
            await self._lift()

    async def _pull(self) -> None:
        await self._until_done(lambda book: book.stop(Stop("all", 0, "torture", "to see that nothing leaves", _now_ms())))

    async def _lift(self) -> None:
        await self._until_done(lambda book: book.resume("all", who="torture"))

    async def _until_done(self, work: Callable[[BrakeBook], Awaitable[object]]) -> None:
        """Again while the store is away: what is said twice counts once."""
        while True:
            try:
                async with open_runtime(ledger.settings_of(self.house.environment)) as runtime:
                    await work(BrakeBook(runtime.connection.redis, runtime.clock))
                return
            except (StoreError, OSError, TimeoutError):
                await asyncio.sleep(AGAIN_S)


def _now_ms() -> int:
    return int(time.time() * 1000)
