"""A Graph API of a few lines, at the edge of the process: answers what a test tells it to, and keeps what it was asked.

For what a sandbox would make long-winded: an exact answer at an exact moment. Everything of ours runs for real.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = tuple[int, dict[str, Any]]


def refused(code: int, subcode: int = 0, message: str = "refused", status: int = 400) -> Answer:
    error = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code, "fbtrace_id": "A1b2C3d4E5f"}
    return status, {"error": error | ({"error_subcode": subcode} if subcode else {})}


@dataclass
class Edge:
    """asked: (account id, call, body) in order. script: per (account id, call) answers to give first, in order."""

    url: str = ""
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    script: dict[tuple[str, str], list[Answer | Callable[[], Answer]]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """what was uploaded, by the id it was given"""

    def answers(self, account: str, *answers: Answer, call: str = "messages") -> None:
        self.script.setdefault((account, call), []).extend(answers)

    def sent(self, account: str, call: str = "messages") -> list[dict[str, Any]]:
        return [body for where, what, body in self.asked if (where, what) == (account, call)]


@asynccontextmanager
async def edge_running(port: int = 0) -> AsyncIterator[Edge]:
    """port: where to listen, 0 = anywhere"""
    edge = Edge()
    numbers = itertools.count(1)

    async def handle(request: web.Request) -> web.Response:
        account, call = request.match_info["account"], request.match_info["call"]
        body: dict[str, Any] = await request.json() if request.content_type == "application/json" else {}
        file = b""
        if request.content_type.startswith("multipart/"):
            parts = [one for one in (await request.post()).values() if isinstance(one, web.FileField)]
            file = parts[0].file.read() if parts else b""
        edge.asked.append((account, call, body))
        waiting = edge.script.get((account, call))
        if waiting:
            found = waiting.pop(0)
            status, value = found() if callable(found) else found
            return web.json_response(value, status=status)
        number = next(numbers)
        if call == "message_attachments":
            edge.files[f"{5_000_000_000_000_000 + number}"] = file
            return web.json_response({"attachment_id": f"{5_000_000_000_000_000 + number}"})
        if call == "media":
            edge.files[f"{6_000_000_000_000_000 + number}"] = file
        if call in ("media", "personas"):
            return web.json_response({"id": f"{6_000_000_000_000_000 + number}"})
        if call == "take_thread_control":
            return web.json_response({"success": True})
        if "messaging_product" in body:
            return web.json_response({"messaging_product": "whatsapp", "messages": [{"id": f"wamid.OUT{number}"}]})
        return web.json_response({"recipient_id": body.get("recipient", {}).get("id", ""), "message_id": f"m_OUT{number}"})

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/{version}/{account}/{call}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    edge.url = "http://{}:{}".format(*runner.addresses[0])
    try:
        yield edge
    finally:
        await runner.cleanup()
