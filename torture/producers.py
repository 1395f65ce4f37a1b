"""The sources: each event is sent to some gateway until it is answered 202, with the same bytes, as the API asks of them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from torture.cast import Event
from torture.house import House
from torture.stage import API_KEY

TRY_S = 6.0
AT_ONCE = 12
BATCH = 25
EVENT_TYPE, BATCH_TYPE = "application/cloudevents+json", "application/cloudevents-batch+json"


@dataclass
class Sent:
    """What a source knows of one event. answered_ms: its first 202, 0 = none; event, subject: the ids it was answered with.

    odd: an answer that no retry may get: neither 202 nor "later"
    """

    event: str = ""
    subject: str = ""
    first_ms: int = 0
    answered_ms: int = 0
    tries: int = 0
    answers: int = 0
    odd: list[str] = field(default_factory=list)


class Producers:
    def __init__(self, house: House, http: aiohttp.ClientSession, rng: random.Random) -> None:
        self._house, self._http, self._rng = house, http, rng
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.sent: dict[str, Sent] = {}
        self.stopping = asyncio.Event()

    async def send_first(self, events: Sequence[Event]) -> None:
        """In batches, before it burns. Raises RuntimeError when they are not all taken."""
        for start in range(0, len(events), BATCH):
            batch = events[start : start + BATCH]
            now = _now_ms()
            for one in batch:
                self.sent.setdefault(one.name, Sent(first_ms=now)).tries += 1
            status, answer = await self._post([one.body for one in batch], BATCH_TYPE)
            if status != 202:
                raise RuntimeError(f"the first bookings were answered {status}: {answer}")
            for kept in answer["events"]:
                self._note(batch[kept["index"]], kept)

    async def run(self, events: Sequence[Event], began_s: float) -> None:
        """All of them at their moments, each until it is answered or `stopping` is set."""
        async with asyncio.TaskGroup() as group:
            for one in events:
                group.create_task(self._at(one, began_s + one.at_s))
                if one.again_s:
                    group.create_task(self._at(one, began_s + one.again_s))

    async def _at(self, event: Event, at_s: float) -> None:
        await asyncio.sleep(max(at_s - time.monotonic(), 0))
        known = self.sent.setdefault(event.name, Sent(first_ms=_now_ms()))
        while not self.stopping.is_set():
            known.tries += 1
            async with self._gate:
                status, answer = await self._post(event.body, EVENT_TYPE)
            if status == 202:
                self._note(event, answer)
                return
            if status not in (0, 429, 503):
                known.odd.append(f"{status} {answer.get('code', '')}")
                if status < 500:
                    return
            await asyncio.sleep(self._rng.uniform(0.2, 1.0))

    def _note(self, event: Event, answer: dict[str, Any]) -> None:
        known = self.sent[event.name]
        known.answers += 1
        known.event, known.subject = answer["event"], answer["subject"]
        known.answered_ms = known.answered_ms or _now_ms()

    async def _post(self, body: object, kind: str) -> tuple[int, dict[str, Any]]:
        """(0, {}) where no answer came."""
        doors = self._house.serving("intake")
        if not doors:
            return 0, {}
        door = self._rng.choice(doors)
        url = f"http://127.0.0.1:{door.internal}/v1/events"
        headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": kind}
        try:
            async with asyncio.timeout(TRY_S), self._http.post(url, json=body, headers=headers) as answer:
                return answer.status, await answer.json(content_type=None)
        except TimeoutError:
            door.shun()
            return 0, {}
        except (aiohttp.ClientError, ValueError):
            return 0, {}


def _now_ms() -> int:
    return int(time.time() * 1000)
