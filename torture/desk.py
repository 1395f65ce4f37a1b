"""People write, an agent answers through the API, while it burns. Every command carries a key, so that it may be sent again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from torture.cast import Person
from torture.house import House
from torture.seen import Reply
from torture.stage import API_KEY, NUMBER, PAGE, ask

LOOK_S = 1.0


@dataclass
class Desk:
    """agent: the id of the one agent. replies: every answer that was asked for, with what the desk said; odd: as in Sent."""

    house: House
    http: aiohttp.ClientSession
    rng: random.Random
    agent: str
    replies: list[Reply] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    _number: int = 0

    async def write(self, talkers: Sequence[Person], began_s: float, seconds: float) -> None:
        """Each of them asks something, at a moment of their own."""
        moments = sorted(self.rng.uniform(0.05, 0.8) * seconds for _ in talkers)
        for one, at_s in zip(talkers, moments, strict=True):
            await asyncio.sleep(max(began_s + at_s - time.monotonic(), 0))
            where = {"page_id": PAGE} if one.channel == "messenger" else {"phone_number_id": NUMBER}
            body = {"text": f"May my dog come along? {one.customer}", **where}
            await ask(self.http, self.house, "POST", f"handsets/{one.address}/say", body)

    async def answer(self) -> None:
        """Take what waits, answer it, finish it; until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            for conversation in await self._waiting():
                await self._handle(conversation)

    async def _waiting(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for query in ({"agent": self.agent}, {"queue": "general"}):
            status, answer = await self._call("GET", "/v1/conversations", None, "", query)
            listed = answer.get("conversations", []) if status == 200 else []
            found += [one for one in listed if one["state"] != "wrapup"]  # answered and finished: only its reason is still due
        return found

    async def _handle(self, conversation: dict[str, Any]) -> None:
        self._number += 1
        words = f"Dogs are welcome, case {self._number:04d}."
        steps: list[tuple[str, dict[str, Any]]] = [("reply", {"text": words}), ("finish", {})]
        if conversation.get("agent") != self.agent:
            steps.insert(0, ("take", {}))
        for command, body in steps:
            path = f"/v1/conversations/{conversation['id']}/{command}"
            key = f"{conversation['id']}-{self._number}-{command}"
            said = Reply(words, "", unsure=True)
            try:
                status, after = await self._until_answered(
                    path, {"agent": self.agent, "epoch": conversation["epoch"], **body}, key
                )
                refused = "" if status == 200 else f"{status} {after.get('code', '')}"
                said = Reply(words, str(after.get("message") or ""), refused=refused)
            finally:
                if command == "reply":
                    self.replies.append(said)
            if status != 200:
                return
            conversation = after

    async def _until_answered(self, path: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        """What the desk says in the end: 200, or that somebody else has it now (409), that its person is gone (410).

        With the same key it must say the same, whether it had taken an earlier try or not.
        """
        while True:
            status, answer = await self._call("POST", path, body, key, {})
            if status in (200, 409, 410):
                return status, answer
            if status not in (0, 429, 503):
                self.odd.append(f"the desk was answered {status} {answer.get('code', '')}")
                if status < 500:
                    return status, answer
            await asyncio.sleep(self.rng.uniform(0.2, 0.8))

    async def _call(
        self, method: str, path: str, body: Any, key: str, query: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """(0, {}) where no answer came."""
        alive = self.house.serving("webcare")
        if not alive:
            return 0, {}
        door = self.rng.choice(alive)
        url = f"http://127.0.0.1:{door.internal}{path}"
        headers = {"Authorization": f"Bearer {API_KEY}"} | ({"Idempotency-Key": key} if key else {})
        try:
            async with asyncio.timeout(6.0), self.http.request(method, url, json=body, params=query, headers=headers) as answer:
                return answer.status, await answer.json(content_type=None)
        except TimeoutError:
            door.shun()
            return 0, {}
        except (aiohttp.ClientError, ValueError):
            return 0, {}
