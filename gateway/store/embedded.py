"""A store without a server to set up: Valkey in GATEWAY_DATA_DIR/store, shared by every process that uses the directory.

One lock says it all. Whoever starts the server holds a flock on the directory, the server inherits its descriptor and the
starter lets go of its own: from then on the lock is held exactly as long as the server lives. So a held lock means "join
it", a free one means "start it", two servers can never append to one file, and a crash leaves nothing stale: the kernel
frees the lock, a socket or a record that was left behind is only replaced by who holds it.

The server ends with the process that started it. The others lose their connection, call `ensure`, and the first to get
the lock starts it again on the same data.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import signal
import stat
import subprocess  # the type of the server's process
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.errors import StoreError, StoreRefused, StoreUnavailable
from gateway.store import launch

SOCKET_PATH_MAX = 107 if sys.platform.startswith("linux") else 103
"""Bytes: sockaddr_un.sun_path less its closing zero (unix(7); 104 bytes on macOS)."""
PATIENCE_S = 15.0
"""How long a server may say nothing at all while it starts. Loading is not silence: it may take as long as it takes."""
STOP_S = 10.0
POLL_S = 0.02
ROOM_MIN_BYTES = 4 << 20
LOG_MAX_BYTES = 4 << 20

log = structlog.get_logger("store")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the server says of itself: its process id, and how far it has loaded (None when it is ready)."""

    pid: int
    loaded_percent: float | None


class EmbeddedServer:
    """The one server of a directory, started or joined. Safe to share between tasks; `ensure` is taken in turn."""

    def __init__(self, directory: Path, on_loading: Callable[[float], None] | None = None) -> None:
        self.directory = directory
        self._on_loading = on_loading
        self._socket = directory / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._adopted: int | None = None
        self._binary: launch.Binary | None = None
        self._turn = asyncio.Lock()
        self._loading_told = 0.0

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket))}"

    @property
    def socket(self) -> Path:
        return self._socket

    @property
    def owned(self) -> bool:
        """Whether the server is ours to end: we started it, or took it over from a starter that is gone."""
        return self._adopted is not None or (self._process is not None and self._process.poll() is None)

    async def ensure(self) -> None:
        """Return when the directory's server answers: the one that runs, or a new one on the same data.

        Called at the start and whenever the connection is lost, by as many processes and tasks as like to.
        raises: StoreRefused      damaged data, no server to start, a directory that is not ours
                StoreUnavailable  disk full, no answer within PATIENCE_S
        """
        async with self._turn:
            heard = time.monotonic()
            while True:
                lock = self._take_lock()
                if lock is not None:
                    try:
                        await self._start(lock)
                    finally:
                        os.close(lock)
                    return
                self._socket = self._recorded_socket() or self._socket
                answer = await self._ask()
                if answer is not None and answer.loaded_percent is None:
                    self._adopt_orphan(answer.pid)
                    return
                if answer is not None:
                    heard = time.monotonic()
                else:
                    self._end_orphans()
                if time.monotonic() - heard > PATIENCE_S:
                    raise StoreUnavailable(
                        f"a server (process {self._record().get('pid', 'unknown')}) holds {self.directory} and does not "
                        f"answer on {self._socket}: end that process, and it is started again."
                    )
                await asyncio.sleep(POLL_S)

    async def close(self) -> None:
        """End the server if it is ours, and wait until it is gone; a joined one is left running."""
        process, self._process = self._process, None
        adopted, self._adopted = self._adopted, None
        if adopted is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(adopted, signal.SIGTERM)
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            # Every answered write is on disk already: there is nothing left that a kill could lose.
            log.warning("store.killed", pid=process.pid, waited_s=STOP_S)
            process.kill()
            await asyncio.to_thread(process.wait, STOP_S)

    async def _start(self, lock: int) -> None:
        if self._binary is None:
            self._binary = await asyncio.to_thread(launch.find_server)
        try:
            process, said_before = self._spawn(self._binary, lock)
        except OSError as error:
            raise _unusable(self.directory, error) from error
        heard = time.monotonic()
        while True:
            if process.poll() is not None:
                raise launch.why_it_ended(self._log_since(said_before), self.directory, self._binary.path)
            answer = await self._ask()
            if answer is not None and answer.loaded_percent is None:
                break
            heard = time.monotonic() if answer is not None else heard
            if time.monotonic() - heard > PATIENCE_S:
                process.kill()
                raise StoreUnavailable(f"the store started and said nothing for {PATIENCE_S:g} s: see {self._log_file}")
            await asyncio.sleep(POLL_S)
        cut = re.search(r"Truncating the AOF (\S+) at offset (\d+)", self._log_since(said_before))
        if cut:
            log.warning("store.tail_cut", file=cut[1], offset=int(cut[2]), why="its last write was never answered")
        log.info("store.started", pid=process.pid, server=self._binary.name, directory=str(self.directory))

    def _spawn(self, binary: launch.Binary, lock: int) -> tuple[subprocess.Popen[bytes], int]:
        """The new server's process, and how long its log was before. The lock is held."""
        if shutil.disk_usage(self.directory).free < ROOM_MIN_BYTES:
            raise launch.disk_full(self.directory)
        self._socket = self._choose_socket()
        for leftover in (self._socket, *self.directory.glob("temp-*.aof")):
            leftover.unlink(missing_ok=True)
        if self._log_file.exists() and self._log_file.stat().st_size > LOG_MAX_BYTES:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        said_before = self._log_file.stat().st_size if self._log_file.exists() else 0
        self._process = process = launch.spawn(
            binary.path, launch.flags(self.directory, self._socket), log=self._log_file, keep=(lock,)
        )
        self._write_record({"pid": process.pid, "socket": str(self._socket), "started_by": os.getpid()})
        return process, said_before

    async def _ask(self) -> _Answer | None:
        """One INFO, allowed while loading. None when nobody answers."""
        client = Redis(
            unix_socket_path=str(self._socket),
            socket_timeout=2,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            info: dict[str, Any] = await client.info("server", "persistence")
        except (exceptions.ConnectionError, exceptions.TimeoutError, OSError):
            return None
        except exceptions.ResponseError:
            return _Answer(pid=0, loaded_percent=None)  # busy with a long script: alive, and it does have the data
        finally:
            await client.aclose()
        if not info.get("loading"):
            return _Answer(int(info["process_id"]), None)
        percent = float(info.get("loading_loaded_perc", 0))
        if self._on_loading is not None:
            self._on_loading(percent)
        if time.monotonic() - self._loading_told > 1:
            self._loading_told = time.monotonic()
            log.info("store.loading", percent=percent, eta_s=int(info.get("loading_eta_seconds", 0)))
        return _Answer(int(info["process_id"]), percent)

    def _adopt_orphan(self, pid: int) -> None:
        """Where the kernel cannot end a server with its starter, whoever finds one without a starter looks after it."""
        starter = self._record().get("started_by")
        if launch.ENDS_WITH_PARENT or not pid or starter == os.getpid() or not isinstance(starter, int):
            return
        if not _runs(starter):
            self._adopted = pid
            log.info("store.adopted", pid=pid, starter=starter)

    def _end_orphans(self) -> None:
        """End what a killed server left: the child that rewrites its file holds the lock, for minutes if need be.

        The server leads its process group, so the group of a server that is gone is its children, and nobody else can be
        given that number while one of them lives. They write a file of their own that nobody will ask for any more.
        """
        pid = self._record().get("pid")
        if self._process is not None:
            self._process.poll()
        if isinstance(pid, int) and pid > 1 and not _runs(pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
                log.warning("store.orphan_ended", group=pid)

    def _take_lock(self) -> int | None:
        """A descriptor that holds the directory, or None while a server does."""
        descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            os.close(descriptor)
            raise StoreRefused(
                f"{self.directory} lies on a file system without locks ({error.strerror}): choose a local GATEWAY_DATA_DIR"
            ) from error
        return descriptor

    def _choose_socket(self) -> Path:
        direct = self.directory / "valkey.sock"
        if _fits(direct):
            return direct
        recorded = self._recorded_socket()
        if recorded is not None and _fits(recorded) and _is_private(recorded.parent):
            return recorded
        short = Path(tempfile.mkdtemp(prefix="thuisfront-")) / "valkey.sock"
        if not _fits(short):
            raise StoreRefused(f"{direct} and {short} are both too long for a socket: choose a shorter GATEWAY_DATA_DIR")
        return short

    @property
    def _log_file(self) -> Path:
        return self.directory / "valkey.log"

    def _log_since(self, offset: int) -> str:
        with self._log_file.open("rb") as file:
            file.seek(offset)
            return file.read(64 << 10).decode("utf-8", "replace")

    def _record(self) -> dict[str, Any]:
        """Who runs where: a hint for those who join. The lock decides, so a stale or broken record does no harm."""
        try:
            record = json.loads((self.directory / "server.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _recorded_socket(self) -> Path | None:
        socket = self._record().get("socket")
        return Path(socket) if isinstance(socket, str) else None

    def _write_record(self, record: dict[str, Any]) -> None:
        fresh = self.directory / "server.json.new"
        fresh.write_text(json.dumps(record), encoding="utf-8")
        fresh.replace(self.directory / "server.json")


async def open_embedded(data_dir: Path, on_loading: Callable[[float], None] | None = None) -> EmbeddedServer:
    """Start or join the store in `data_dir`/store (made with mode 0700). Raises what `EmbeddedServer.ensure` raises.

    on_loading: called with a percentage, 50 times a second at most, while a long file is read back.
    """
    server = EmbeddedServer(_private_directory(data_dir), on_loading)
    await server.ensure()
    return server


def _private_directory(data_dir: Path) -> Path:
    directory = data_dir.resolve() / "store"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if stat.S_IMODE(directory.stat().st_mode) != 0o700:
            directory.chmod(0o700)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise _unusable(directory, error) from error
    return directory


def _unusable(directory: Path, error: OSError) -> StoreError:
    if error.errno == errno.ENOSPC:
        return launch.disk_full(directory)
    return StoreRefused(
        f"GATEWAY_DATA_DIR: {directory} cannot be used ({error.strerror}): make it a directory that this user may write"
    )


def _runs(pid: int) -> bool:
    """Whether a process does anything any more: one that is gone, or dead and not yet collected, does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True  # no /proc on this system


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= SOCKET_PATH_MAX


def _is_private(directory: Path) -> bool:
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077
