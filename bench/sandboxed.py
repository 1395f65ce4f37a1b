"""The sandbox as the other side of a measurement: Meta's API by our own reading of its reference, and a phone for everybody.

Beside a Graph API that only counts, this one judges every call, keeps every file, holds a number to its rate (80 a second) and
tells what became of each message by signed webhooks, which the gateway takes in. It is a process of its own and shares the
machine's cores with what is measured, where Meta has its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.children import child
from bench.stage import NUMBER
from gateway.notifications import push
from gateway.notifications.catalogue import Catalogue
from gateway.runtime import Runtime

TOKEN = "sandbox-system-user-token"
"""Opens nothing but a sandbox."""
SETTINGS = {
    "GATEWAY_APP_ID": "161803398874990",
    "GATEWAY_APP_SECRET": "sandbox-app-secret",
    "GATEWAY_VERIFY_TOKEN": "sandbox-verify-token",
    "GATEWAY_WHATSAPP_TOKEN": TOKEN,
}
"""What a gateway must be told to speak with it."""
AT_ONCE = 16
LOOK_S = 0.25
READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Landed:
    """One message on a phone. user: whose; template: its name; media: sha256 of the file in it, "" without one"""

    user: str
    template: str
    media: str
    at_ms: int


class World:
    def __init__(self, url: str, directory: Path, pid: int) -> None:
        self.url = url
        self.pid = pid
        self._file = directory / "sandbox.sqlite3"

    async def give_phones(self, users: Iterable[str]) -> None:
        """A phone for each, known by this user id, that tells when it reads. Their numbers are kept for fiction (555-01xx)."""
        left = enumerate(users)

        async def some(session: aiohttp.ClientSession) -> None:
            for place, user in left:
                address = f"1{201 + place // 100}55501{place % 100:02d}"
                async with session.post(f"{self.url}/sandbox/handsets", json={"address": address, "user_id": user}) as answer:
                    if answer.status != 201:
                        raise RuntimeError(f"a phone was refused: {(await answer.text())[:300]}")

        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(some(session))

    async def approve(self, runtime: Runtime, names: Iterable[str]) -> None:
        """Hand in the templates of these notifications, and wait until they are approved."""
        known = runtime.catalogue
        used = {name: one for name in names if (one := known.get(name)) is not None}
        wanted = Catalogue(used, known.brands, known.places, known.wordings)
        for sender in runtime.directory:
            admin = runtime.template_admins[sender.channel]
            await push.push(wanted, admin, sender)
            await push.status(wanted, admin, sender, wait_s=60, every_s=0.2)

    async def until(self, count: int, quiet_s: float) -> None:
        """Until so many messages lie on phones, or for so long none came."""
        seen, since = -1, time.monotonic()
        while (now := self.count()) < count:
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() - since > quiet_s:
                return
            await asyncio.sleep(LOOK_S)

    def count(self) -> int:
        with closing(self._open()) as database:
            (found,) = database.execute("SELECT count(*) FROM messages WHERE kind = 'received'").fetchone()
        return int(found)

    def landed(self) -> list[Landed]:
        """Everything on the phones, in the order in which it was taken."""
        with closing(self._open()) as database:
            users = dict(database.execute("SELECT address, user_id FROM handsets").fetchall())
            files = dict(database.execute("SELECT id, sha256 FROM media").fetchall())
            rows = database.execute(
                "SELECT address, at_ms, bubble FROM messages WHERE kind = 'received' ORDER BY rowid"
            ).fetchall()
        found = []
        for address, at_ms, raw in rows:
            bubble = json.loads(raw)
            media = files.get(str((bubble.get("header") or {}).get("url") or "").rpartition("/")[2], "")
            found.append(Landed(users[address], str((bubble.get("template") or {}).get("name") or ""), media, at_ms))
        return found

    def ticks(self) -> Counter[str]:
        """How far the messages came: sent, delivered, read, failed."""
        with closing(self._open()) as database:
            return Counter(dict(database.execute(
                "SELECT ticks, count(*) FROM messages WHERE kind = 'received' GROUP BY ticks"
            ).fetchall()))  # fmt: skip

    async def settled(self, within_s: float) -> None:
        """Until every message was read or failed, or for so long."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            if not set(self.ticks()) - {"read", "failed"}:
                return
            await asyncio.sleep(LOOK_S)

    def file(self, sha256: str) -> bytes:
        with closing(self._open()) as database:
            (data,) = database.execute("SELECT data FROM media WHERE sha256 = ?", (sha256,)).fetchone()
        return bytes(data)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)


@asynccontextmanager
async def sandbox(directory: Path, port: int, webhooks: str) -> AsyncIterator[World]:
    """A sandbox on this port that posts its webhooks there."""
    world = directory / "world"
    env = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")} | {
        "SANDBOX_PORT": str(port),
        "SANDBOX_DATA_DIR": str(world),
        "SANDBOX_REVIEW_MS": "100",
        "SANDBOX_CREATIONS_AN_HOUR": "1000",
        "SANDBOX_WEBHOOK_URL": webhooks,
    }
    async with child(["-m", "sandbox"], env, log=directory / "sandbox.log") as process, aiohttp.ClientSession() as session:
        found = World(f"http://127.0.0.1:{port}", world, process.pid)
        async with asyncio.timeout(READY_S):
            while True:
                if await _answers(session, f"{found.url}/sandbox/clock"):
                    break
                await asyncio.sleep(0.05)
        yield found


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


__all__ = ["NUMBER", "SETTINGS", "Landed", "World", "sandbox"]
