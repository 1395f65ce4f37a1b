"""The processes: a store of its own, the world, and the gateways; started, killed, started again, and all taken down at the end.

Every child ends with us (PR_SET_PDEATHSIG where the kernel has it) and is ended by its own id, never by a name. Nothing binds but
loopback. A gateway that ends by itself is started again and written down: under fire it may, when the store is gone as it starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from gateway.store import launch

ROOT = Path(__file__).resolve().parents[1]
READY_S = 60.0
END_S = 30.0
LOOK_S = 0.05
SETTLED_S = 2.0
SHUN_S = 2.0
"""For so long a door at which nobody answered in time is asked last: what stands before a house looks at its doors as often."""
PR_SET_PDEATHSIG = 1
NO_STORE = ", started while the store was away"


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now, all different. None that the system gives to whoever connects: processes die and come back."""
    ports: list[int] = []
    for port in random.SystemRandom().sample(range(11_000, 21_000), 500):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError("no free port between 11000 and 21000")


def spawn(command: Sequence[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A child in a session of its own; its output is appended to `log`."""
    libc, parent = ctypes.CDLL(None), os.getpid()

    def ends_with_us() -> None:
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    with log.open("ab") as out:
        return subprocess.Popen(
            command, cwd=ROOT, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True, preexec_fn=ends_with_us,  # before any thread of ours is started
        )  # fmt: skip


@dataclass
class Member:
    """One process of the house that can be killed and comes again. pause_s: the longest it stays away."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    pause_s: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0
    killed: bool = False
    frozen: bool = False
    since_s: float = 0.0
    log_from: int = 0
    ended_alone: list[str] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def up(self) -> bool:
        """It has come so far that it is at work."""
        return self.alive and not self.frozen and time.monotonic() - self.since_s > SETTLED_S

    def start(self) -> None:
        self.killed = self.frozen = False
        self.since_s = time.monotonic()
        self.log_from = self.log.stat().st_size if self.log.is_file() else 0
        self.process = spawn(self.command, self.env, self.log)

    def kill(self) -> bool:
        """No farewell. False: it was not there."""
        if self.process is None or not self.alive:
            return False
        self.killed = True
        self.kills += 1
        self.process.kill()
        return True

    def freeze(self) -> bool:
        """Stand still until `thaw`. False: it was not there."""
        if self.process is None or not self.alive:
            return False
        self.frozen = True
        self.process.send_signal(signal.SIGSTOP)
        return True

    def thaw(self) -> None:
        self.frozen = False
        if self.process is not None and self.alive:
            self.process.send_signal(signal.SIGCONT)

    async def keep(self, rng: random.Random) -> None:
        """Start it again whenever it has ended, after a while, until cancelled."""
        while True:
            assert self.process is not None
            code = await _ended(self.process)
            if not self.killed:
                self.ended_alone.append(f"exit code {code}" + (NO_STORE if self._found_no_store() else ""))
            await asyncio.sleep(rng.uniform(0.0, self.pause_s) if self.killed else 0.5)
            self.start()

    def _found_no_store(self) -> bool:
        """It was never ready and said so as its last word: started while the store lies dead, or dies just then, a gateway ends,
        and whoever keeps it starts it again."""
        with self.log.open("rb") as log:
            log.seek(self.log_from)
            words = log.read().decode(errors="replace").splitlines()
        ready = any('"gateway.ready"' in line for line in words)
        return bool(words) and not ready and words[-1].startswith(("nobody answers at", "the store does not answer"))

    async def end(self) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
            self.thaw()
        try:
            async with asyncio.timeout(END_S):
                await _ended(self.process)
        except TimeoutError:
            self.process.kill()
            await _ended(self.process)


async def _ended(process: subprocess.Popen[bytes]) -> int:
    """Its exit code, once there is one. Looked at and not waited for: what runs between fork and exec wants no threads here."""
    while True:
        code = process.poll()
        if code is not None:
            return code
        await asyncio.sleep(LOOK_S)


@dataclass
class Gateway(Member):
    roles: frozenset[str] = frozenset()
    public: int = 0
    internal: int = 0
    was_ready: bool = False
    looks: int = 0
    ready_looks: int = 0
    shunned_s: float = 0.0

    @property
    def up(self) -> bool:
        return self.alive and not self.frozen and self.was_ready

    def shun(self) -> None:
        """It did not answer in time."""
        self.shunned_s = time.monotonic() + SHUN_S

    def start(self) -> None:
        super().start()
        self.was_ready = False

    async def watch(self, http: aiohttp.ClientSession) -> None:
        """Note each time it has become ready, and how much of its time it is, until cancelled."""
        while True:
            self.looks += 1
            self.ready_looks += self.up
            if self.alive and not self.was_ready:
                process = self.process
                self.was_ready = await self._answers(http) and process is self.process
            await asyncio.sleep(0.1)

    async def ready(self, http: aiohttp.ClientSession) -> bool:
        """Raises RuntimeError with its last words when it has ended."""
        if not self.alive:
            said = self.log.read_text(errors="replace").strip().splitlines()
            raise RuntimeError(f"the gateway {self.name} did not start: {said[-1] if said else 'it said nothing'}")
        return await self._answers(http)

    async def _answers(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"http://127.0.0.1:{self.internal}/readyz") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


@dataclass
class House:
    """store and gateways are killed, gateways stand still; the sandbox is the world, and does neither."""

    directory: Path
    store: Member
    sandbox: Member
    sandbox_url: str
    gateways: list[Gateway]
    environment: Mapping[str, str]

    @property
    def victims(self) -> list[Member]:
        return [*self.gateways, self.store]

    def serving(self, role: str) -> list[Gateway]:
        """Those that answered last time; where there is none, all that are there."""
        alive = [one for one in self.gateways if role in one.roles and one.alive]
        return [one for one in alive if one.shunned_s < time.monotonic()] or alive

    async def end(self) -> None:
        """Gateways first, so that they drain towards a world and a store that still answer."""
        await asyncio.gather(*(one.end() for one in self.gateways))
        await self.sandbox.end()
        await self.store.end()


def store_member(directory: Path, logs: Path) -> tuple[Member, str]:
    """A real server on its own data, fsync on every write. (the member, the URL it answers at)"""
    directory.mkdir(parents=True)
    path = directory / "valkey.sock"
    if len(str(path)) > 100:  # the kernel takes 107 bytes
        raise ValueError(f"{path} is too long for a socket: choose a shorter TMPDIR")
    command = [str(launch.find_server().path), *launch.flags(directory, path)]
    return Member("store", command, {}, logs / "store.log", pause_s=0.5), f"unix://{path}"


async def until(told: str, check: object, within_s: float = READY_S) -> None:
    """Wait until `check()` (plain or a coroutine function) is true. Raises TimeoutError naming what was waited for."""
    end = time.monotonic() + within_s
    while True:
        found = check()  # type: ignore[operator]
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        if time.monotonic() > end:
            raise TimeoutError(told)
        await asyncio.sleep(0.1)
