"""Everything one running sandbox consists of, wired once in ``app.make_app`` and handed to whoever needs it."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from sandbox.account import Account
from sandbox.clock import Clock
from sandbox.config import SandboxConfig
from sandbox.faults import Faults
from sandbox.handsets import Handsets
from sandbox.ids import Ids
from sandbox.jobs import Jobs
from sandbox.limits import Limits
from sandbox.messenger.usage import Usage
from sandbox.store import Json, Store
from sandbox.story import Story
from sandbox.stream import Hub
from sandbox.webhooks import Webhooks

REQUESTS_KEPT = 5_000


class World:
    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.store = Store(config.data_dir)
        self.clock = Clock(self.store.get("clock_offset_ms", 0))
        self.rng = random.Random(config.seed)
        self.ids = Ids(self.rng)
        self.hub = Hub()
        self.account = Account(config, self.store, self.clock)
        self.faults = Faults(self.store, self.rng)
        self.jobs = Jobs(self.store, self.clock)
        self.webhooks = Webhooks(config, self.store, self.clock, self.faults, self.rng)
        self.handsets = Handsets(config, self.store, self.clock, self.hub, self.account)
        self.limits = Limits(self.store, self.clock, self.account)
        self.usage = Usage(self.clock)
        self.story = Story(self.store, self.hub)
        self.requests: deque[Json] = deque(maxlen=REQUESTS_KEPT)
        self.request_count = 0
        self.stopping = asyncio.Event()

    def between(self, delay_ms: tuple[int, int]) -> int:
        return self.rng.randint(*delay_ms)

    def emit(self, field: str, waba_id: str, value: Json, *, number: Json | None = None, address: str = "",
             timed: bool = False) -> list[int]:
        """Send one change to whoever is subscribed. ``timed``: account-level fields carry the time in the entry."""
        waba = self.account.waba(waba_id)
        url = None if waba is None else self.account.callback(field, waba, number)
        if url is None:
            return []
        entry: Json = {"id": waba_id}
        if timed:
            entry["time"] = self.clock.now_s()
        entry["changes"] = [{"value": value, "field": field}]
        return self.webhooks.emit(url, entry, phone_number_id="" if number is None else number["id"], address=address)

    def turn_clock(self, offset_ms: int) -> None:
        self.store.put("clock_offset_ms", offset_ms)
        self.clock.turn(offset_ms)
        self.hub.publish("clock", {"offset_ms": offset_ms, "now_ms": self.clock.now_ms()})

    def reset(self) -> None:
        """Forget everything: handsets, messages, templates, media, faults, story, clock; the account is made anew."""
        self.store.clear()
        self.account.make(self.config.account)
        self.faults.reload()
        self.limits.forget()
        self.usage.forget()
        self.story.forget()
        self.requests.clear()
        self.clock.turn(0)
        self.hub.publish("reset", {"reason": "reset"})
