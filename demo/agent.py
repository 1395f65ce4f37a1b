"""Sanne at the desk: takes the oldest waiting conversation, answers and finishes it, through the same API as any console."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

WAIT_S = 20.0


async def answer_oldest(
    http: aiohttp.ClientSession, gateway: str, headers: Mapping[str, str], agent: str, text: str, key: str
) -> None:
    """Repeatable: every command carries a key of its own, and a second one gets the first answer."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        conversation = await _oldest(http, gateway, headers, agent)
        if conversation is not None:
            break
        await asyncio.sleep(0.3)
    else:
        return  # somebody at the desk was faster
    for command, body in (("take", {}), ("reply", {"text": text}), ("finish", {})):
        if command == "take" and conversation["agent"] == agent:
            continue
        conversation = await _command(http, gateway, headers, agent, conversation, command, body, f"{key}-{command}")
        if conversation is None:
            return


async def _oldest(http: aiohttp.ClientSession, gateway: str, headers: Mapping[str, str], agent: str) -> dict[str, Any] | None:
    for query in ({"agent": agent}, {"queue": "general"}):
        async with http.get(f"{gateway}/v1/conversations", params=query, headers=headers) as answer:
            found = (await answer.json())["conversations"]
        if found:
            first: dict[str, Any] = found[0]
            return first
    return None


async def _command(
    http: aiohttp.ClientSession,
    gateway: str,
    headers: Mapping[str, str],
    agent: str,
    conversation: Mapping[str, Any],
    command: str,
    body: Mapping[str, Any],
    key: str,
) -> dict[str, Any] | None:
    url = f"{gateway}/v1/conversations/{conversation['id']}/{command}"
    value = {"agent": agent, "epoch": conversation["epoch"], **body}
    async with http.post(url, json=value, headers={**headers, "Idempotency-Key": key}) as answer:
        if answer.status != 200:
            return None
        after: dict[str, Any] = await answer.json()
        return after
