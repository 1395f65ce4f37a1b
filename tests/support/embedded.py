"""Embedded stores in tests: one in this process, and neighbours on the same directory in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gateway.store.embedded import EmbeddedServer, open_embedded

ROOT = Path(__file__).resolve().parents[2]


class Neighbour:
    """tests/support/store_process.py in a process group of its own, as a gateway started from a shell."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.store_process", str(data_dir)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def hello(self) -> dict[str, Any]:
        """What it says once the store answers; blocks until then."""
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


@asynccontextmanager
async def opened(data_dir: Path) -> AsyncIterator[tuple[EmbeddedServer, Redis]]:
    server = await open_embedded(data_dir)
    client = Redis.from_url(server.url)
    try:
        yield server, client
    finally:
        await client.aclose()
        await server.close()


def record(data_dir: Path) -> dict[str, Any]:
    """What the last starter wrote: pid, socket, started_by."""
    written: dict[str, Any] = json.loads((data_dir / "store" / "server.json").read_text())
    return written


def alive(data_dir: Path) -> bool:
    """Whether a server holds the directory, by looking for its process."""
    try:
        pid = record(data_dir)["pid"]
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return False
    return state != "Z"
