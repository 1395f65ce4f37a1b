"""Commands as a person runs them: processes of their own, against an embedded store that the test holds open."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.store.reply import words
from gateway.store.vault import Vault, ring_for
from sandbox.app import WORLD, make_app
from sandbox.config import SandboxConfig
from tests.conftest import check_keys
from tests.support.embedded import opened

ROOT = Path(__file__).resolve().parents[2]
MAIN = ROOT / "main.py"
NUMBER = "314159265358979"
WABA = "271828182845904"
MINE = "+447700900123"
PASSWORD = "a horse that reads the timetable"
CONFIG = SandboxConfig(port=0, data_dir=":memory:", seed=5, review_ms=5, webhook_timeout_s=2.0)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """Nothing of whoever runs the tests comes along."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SANDBOX_"))}
    return {
        **kept,
        "GATEWAY_ENV": "staging",
        "GATEWAY_DATA_DIR": str(data_dir),
        "GATEWAY_TEMPLATES_DIR": str(ROOT / "templates"),
        "GATEWAY_WHATSAPP_PHONE_NUMBER_ID": NUMBER,
        "GATEWAY_WHATSAPP_WABA_ID": WABA,
        "GATEWAY_WHATSAPP_TOKEN": CONFIG.token,
        "GATEWAY_APP_ID": CONFIG.app_id,
        "GATEWAY_GRAPH_URL": "http://127.0.0.1:9",
        "GATEWAY_ONLY_TO": MINE,
        "NO_COLOR": "1",
        **more,
    }


@asynccontextmanager
async def started(data_dir: Path, *words: str, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A command with pipes, in a process group of its own; run outside the source tree, where no .env lies."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(MAIN), *words, cwd=data_dir, env=environment(data_dir, **more), start_new_session=True,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        # Who runs the tests in the background has Ctrl-C ignored, and everything below them inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        async with asyncio.timeout(40):
            yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


class Launcher:
    """Runs commands in processes of their own, each forked from one that has loaded the program: a tenth of the time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._turn = threading.Lock()

    async def run(self, data_dir: Path, words: tuple[str, ...], stdin: str, more: dict[str, str]) -> Ran:
        with tempfile.TemporaryDirectory(prefix="thuisfront-said-") as name:
            said = Path(name)
            (said / "in").write_text(stdin)
            wanted = {"words": words, "env": environment(data_dir, **more), "cwd": str(data_dir), "said": name}
            code = await asyncio.to_thread(self._ask, json.dumps(wanted))
            return Ran(code, (said / "out").read_text(), (said / "err").read_text())

    def _ask(self, wanted: str) -> int:
        with self._turn:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.integration.commands_stage"], cwd=ROOT, env=environment(ROOT), text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
                )  # fmt: skip
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(wanted + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

    def close(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()


@cache
def _launcher() -> Launcher:
    """One for all tests of this process: loading the program takes longer than most of what is run."""
    one = Launcher()
    atexit.register(one.close)
    return one


@pytest.fixture
def launcher() -> Launcher:
    return _launcher()


def launch() -> None:
    """The other half: a line asks for a command, a line answers with its exit code."""
    from gateway.cli.main import main, make_parser
    from gateway.notifications import catalogue
    from tests.support.templates_once import TEMPLATES, read_once

    # Loaded once and left alone: what is forked need neither load it nor, at its end, look through all of it for what to free.
    make_parser()
    for name in ("gateway.insight.history", "gateway.roles", "sqlalchemy.dialects.sqlite.aiosqlite"):
        import_module(name)
    with read_once():
        catalogue.load(TEMPLATES)
        gc.collect()
        gc.freeze()
        serve(main)


def serve(main: Callable[[Sequence[str]], int]) -> None:
    """Fork for each line."""
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            os.environ.clear()
            os.environ.update(wanted["env"])
            os.chdir(wanted["cwd"])
            said = wanted["said"]
            for number, name, mode in ((0, "in", os.O_RDONLY), (1, "out", os.O_WRONLY), (2, "err", os.O_WRONLY)):
                os.dup2(os.open(f"{said}/{name}", mode | os.O_CREAT, 0o600), number)
            sys.argv = [str(MAIN), *wanted["words"]]
            sys.exit(main(wanted["words"]))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


async def run(data_dir: Path, *words: str, stdin: str = "", launcher: Launcher | None = None, **more: str) -> Ran:
    if launcher is not None:
        ran = await launcher.run(data_dir, words, stdin, more)
    else:
        async with started(data_dir, *words, **more) as process:
            out, err = await process.communicate(stdin.encode())
        assert process.returncode is not None
        ran = Ran(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in ran.err + ran.out, ran.err
    assert "\x1b" not in ran.out + ran.err, "colours, though NO_COLOR is set"
    return ran


@dataclass
class House:
    """An embedded store that runs, and what opens its data."""

    data_dir: Path
    redis: Redis
    clock: Clock
    vault: Vault
    launcher: Launcher
    more: dict[str, str]

    async def run(self, *words: str, stdin: str = "", **more: str) -> Ran:
        return await run(self.data_dir, *words, stdin=stdin, launcher=self.launcher, **{**self.more, **more})

    async def facts(self, partition: int = 0) -> list[str]:
        """The packed facts of a partition, without format and time."""
        rows: Any = await self.redis.xrange(f"{{p:{partition:02d}}}facts")
        return [words(entry[b"f"]).split("|", 2)[2] for _, entry in rows]


@asynccontextmanager
async def house(data_dir: Path, launcher: Launcher, **more: str) -> AsyncIterator[House]:
    async with opened(data_dir) as (_, redis):
        yield House(data_dir, redis, Clock(), Vault(ring_for(None, data_dir), redis), launcher, more)
        await check_keys(redis)


def small_templates(into: Path) -> Path:
    """Three notifications: one that stands alone, one with a document, one that every account needs."""
    into.mkdir()
    for name in ("brands.yaml", "places.yaml"):
        shutil.copy(ROOT / "templates" / name, into / name)
    for name in ("address_check", "wordings", "logos", "gate_changed", "boarding_pass_issued"):
        shutil.copytree(ROOT / "templates" / name, into / name)
    declared = into / "boarding_pass_issued" / "notification.yaml"  # which stands alone here
    declared.write_text(declared.read_text().replace("substitute: boarding_pass_file\n", ""))
    return into


@dataclass
class Channel:
    """The sandbox in this process."""

    server: TestServer

    @property
    def url(self) -> str:
        return str(self.server.make_url("/")).rstrip("/")

    def bubbles(self, number: str = MINE) -> list[Any]:
        """What was written to a phone."""
        handsets = self.server.app[WORLD].handsets
        handset = handsets.find(number)
        if handset is None:
            return []
        return [bubble for thread in handsets.view(handset)["threads"] for bubble in thread["bubbles"]]


@asynccontextmanager
async def channel() -> AsyncIterator[Channel]:
    server = TestServer(make_app(CONFIG))
    await server.start_server()
    try:
        yield Channel(server)
    finally:
        await server.close()


if __name__ == "__main__":
    launch()
