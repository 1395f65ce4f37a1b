"""Our dispatch beside what else one would pick for the same sends: pywa's send loop, jobs of arq with aiohttp (bench/peers)."""

from __future__ import annotations

import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bench import dispatch
from bench.children import ROOT, child, first_line
from bench.report import Row, alternated
from bench.sizes import Sizes
from bench.stage import NUMBER
from gateway.runtime import Runtime

PYTHON = ROOT / ".venv-peers" / "bin" / "python"
MISSING = "bench/peers is not installed: make bench-long does it (scripts/setup-peers)"
ROUND_S = 600.0
ROUNDS = 3
FAR_MS = 50
"""An answer over the internet takes about so long or longer; one after the other then is most of what a loop does."""


def installed() -> bool:
    return PYTHON.exists()


@asynccontextmanager
async def peer(name: str, given: dict[str, Any]) -> AsyncIterator[Process]:
    async with child([str(ROOT / "bench" / "peers" / name)], program=str(PYTHON)) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(given).encode() + b"\n")
        yield process


async def rate(process: Process, line: str, count: int) -> float:
    """Sends a second."""
    assert process.stdin is not None
    process.stdin.write(f"{line} {count}".strip().encode() + b"\n")
    await process.stdin.drain()
    return count / float(await first_line(process, ROUND_S))


async def measure(runtime: Runtime, graph: str, sizes: Sizes) -> list[Row]:
    """Answered at once, and answered after 50 ms. The queue must hold what `taken` says."""
    watched, outbox = dispatch.counting(runtime)
    await dispatch.dispatch_round(watched, outbox, sizes.warm)
    body = json.loads(await dispatch.last_body(graph))
    version = runtime.settings.graph_version
    embedded = runtime.connection.embedded
    assert embedded is not None
    pywa = {"url": f"{graph}/{version}", "phone_id": NUMBER, "body": body}
    arq = {"url": f"{graph}/{version}/{NUMBER}/messages", "socket": str(embedded.socket), "body": body}
    kinds = (
        ("ours beside pywa's send loop", "pywa_loop.py", pywa, "loop", 10.0),
        ("ours beside pywa's asynchronous client", "pywa_loop.py", pywa, "async", None),
        ("ours beside arq and aiohttp", "arq_worker.py", arq, "", 3.0),
    )
    rows = []
    for delay_ms in (0, FAR_MS):
        await _delay(graph, delay_ms)
        for name, program, given, line, target in kinds:
            theirs = sizes.peer_sends // 10 if line == "loop" and delay_ms else sizes.peer_sends
            async with peer(program, given) as process:
                await rate(process, line, max(theirs // 10, 5))
                rounds = []
                for _ in range(ROUNDS):
                    other = await rate(process, line, theirs)
                    rounds.append((await dispatch.dispatch_round(watched, outbox, sizes.peer_sends), other))
            note = f"{ROUNDS} x {sizes.peer_sends:,} sends, {theirs:,} of theirs"
            against = f"theirs, answered after {delay_ms} ms" if delay_ms else "theirs, answered at once"
            rows.append(alternated(name, "/s", rounds, target, against, note=note))
    await _delay(graph, 0)
    return rows


def taken(sizes: Sizes) -> int:
    """How many queued messages the rounds take at most; each may leave 200 more in flight."""
    return 2 * 3 * ROUNDS * (sizes.peer_sends + 200) + sizes.warm + 200


async def _delay(graph: str, delay_ms: int) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{graph}/delay?ms={delay_ms}") as response:
        response.raise_for_status()
