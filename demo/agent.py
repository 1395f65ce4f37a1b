"""Those at the desk when nobody plays them: they take a conversation, answer, park or finish it, by the API of any console.

Everything may be done twice: each command carries a key of its own, and a second one gets the first answer. What the gateway
refuses because somebody who plays an agent was faster is left to them; any other refusal ends the story, with its words.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from demo.story import Desk

WAIT_S = 20.0
FASTER = ("owner_changed", "resolved", "moved")
"""Refusals that say: it is somebody else's by now, or done."""


class DeskHands:
    """agents: name to sign in with -> id"""

    def __init__(self, http: aiohttp.ClientSession, gateway: str, headers: Mapping[str, str], agents: Mapping[str, str]) -> None:
        self._http = http
        self._gateway = gateway
        self._headers = dict(headers)
        self._agents = agents

    async def do(self, act: Desk, key: str) -> None:
        """One turn at the desk. key: of this turn, the same when it is played again"""
        agent = self._agents[act.who]
        found = await self._until(act, agent)
        if found is None:
            return  # somebody at the desk was faster, and finished it
        if act.again:
            commands: list[tuple[str, dict[str, Any]]] = [("again", {"message": _failed(found)})]
        else:
            commands = [("reply", await self._words(act, agent, found, key))]
        if found["agent"] != agent:
            commands.insert(0, ("take", {}))
        if act.then == "park":
            commands.append(("park", {"until": act.until_ms, "inbound": found["inbound"]}))
        if act.then == "finish":
            commands.append(("finish", {"inbound": found["inbound"], "reason": act.reason}))
        for command, body in commands:
            after = await self._command(agent, found, command, body, f"{key}-{command}")
            if after is None:
                return
            found = {**found, **after}
        if act.fails:
            await self._until_failed(found["id"])

    async def _words(self, act: Desk, agent: str, found: Mapping[str, Any], key: str) -> dict[str, Any]:
        if act.template:
            return {"template": {"name": act.template, "values": {"words": act.text}}}
        if act.file is None:
            return {"text": act.text}
        name, content = act.file
        headers = {**self._headers, "Idempotency-Key": f"{key}-file", "X-File-Name": name, "Content-Type": "application/pdf"}
        url = f"{self._gateway}/v1/conversations/{found['id']}/files"
        async with self._http.post(url, params={"agent": agent}, data=base64.b64decode(content), headers=headers) as answer:
            return {"text": act.text, "file": (await _answered(answer))["file"]}

    async def _until(self, act: Desk, agent: str) -> dict[str, Any] | None:
        """The conversation that the turn is about; None when none is there that this agent has or may take."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            listed = await self._get("/v1/conversations", state="unresolved")
            for one in listed["conversations"]:
                if one["agent"] not in (None, agent):
                    continue
                whole = await self._get(f"/v1/conversations/{one['id']}")
                said = any(act.about in (line["text"] or "") for line in whole["thread"] if line["kind"] == "in")
                if said and (not act.again or _failed(whole)):
                    return whole
            await asyncio.sleep(0.3)
        return None

    async def _until_failed(self, conversation: str) -> None:
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            if _failed(await self._get(f"/v1/conversations/{conversation}")):
                return
            await asyncio.sleep(0.3)

    async def _get(self, path: str, **query: str) -> dict[str, Any]:
        async with self._http.get(f"{self._gateway}{path}", params=query, headers=self._headers) as answer:
            return await _answered(answer)

    async def _command(
        self, agent: str, found: Mapping[str, Any], command: str, body: Mapping[str, Any], key: str
    ) -> dict[str, Any] | None:
        """How the conversation stands after it; None when somebody was faster."""
        url = f"{self._gateway}/v1/conversations/{found['id']}/{command}"
        value = {"agent": agent, "epoch": found["epoch"], **body}
        async with self._http.post(url, json=value, headers={**self._headers, "Idempotency-Key": key}) as answer:
            if answer.status == 409 and (await answer.json()).get("code") in FASTER:
                return None
            return await _answered(answer)


def _failed(whole: Mapping[str, Any]) -> str:
    """The newest message of an agent's that failed; "" none."""
    failed = [line["message"] for line in whole["thread"] if line["message"] and line["status"] == "failed"]
    return str(failed[-1]) if failed else ""


async def _answered(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    if answer.status >= 300:
        raise RuntimeError(f"the desk refused what the story does: {answer.status} {await answer.text()}")
    value: dict[str, Any] = await answer.json()
    return value
