"""The ledger beside the store: who stopped us and who was erased, kept when the store is lost, told again to a restored one.

A file of its own (GATEWAY_LEDGER_FILE), one JSON line each, only ever appended to, on disk before the call returns. Nobody can
be read out of it: contacts are our random ids, addresses the keyed hashes under which the store finds them too. Each line ends
with a keyed check, so that a damaged line is seen, and the ledger of another installation.

Every line says what was meant and when, never what the store did with it: told twice, or of what was not done, it does no harm.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.errors import StoreRefused, StoreUnavailable

WITHDRAWN = "withdrawn"
ERASED = "erased"
NOT_ME = "not_me"
BACKUP = "backup"
WRITE_S = 10.0
_CHECK = 16

Blind = Callable[..., str]
"""`Vault.blind`: a keyed hash of 32 characters."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    kind:      WITHDRAWN (scopes were), ERASED (everything was; scopes are those they had), NOT_ME (of the first address), BACKUP
    at_ms:     when it was said; kept_ms: when it was written here, this machine's time
    contact:   whom; "" for a backup
    scopes:    purpose.channel.brand
    addresses: (address id, keyed hash) of what names them
    note:      id of the backup
    """

    kind: str
    at_ms: int
    kept_ms: int
    contact: str = ""
    scopes: tuple[str, ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds. torn: its last line was cut off while it was written, and was never answered."""

    path: Path
    entries: tuple[Entry, ...]
    torn: bool

    def knows(self, backup: str) -> bool:
        """Whether this backup was taken beside this ledger."""
        return any(entry.kind == BACKUP and entry.note == backup for entry in self.entries)


class Ledger:
    """Appends. Safe to share between tasks, and between processes of one machine."""

    def __init__(self, path: Path, blind: Blind) -> None:
        self.path = path
        self._blind = blind
        self._turn = asyncio.Lock()
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []

    def make(self) -> None:
        """Make the file if there is none: one that is missing is then one that was lost. Raises StoreUnavailable."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise _cannot(self.path, error) from error

    async def append(self, *entries: Entry) -> None:
        """On disk when this returns. Those who wait meanwhile share one write. Raises StoreUnavailable."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((b"".join(_line(entry, self._blind) for entry in entries), done))
        async with self._turn:
            if not done.done():
                await self._write()
        await done

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        failed: Exception | None = None
        try:
            async with asyncio.timeout(WRITE_S):
                await asyncio.to_thread(_append, self.path, b"".join(lines for lines, _ in waiting))
        except OSError as error:  # TimeoutError is one: a disk, or a lock, that does not answer
            failed = _cannot(self.path, error)
        except asyncio.CancelledError:
            failed = StoreUnavailable("interrupted while the ledger was written")
            raise
        finally:
            for _, done in waiting:
                if done.done():
                    continue
                if failed is None:
                    done.set_result(None)
                else:
                    done.set_exception(failed)
                    done.exception()  # looked at: whoever was cancelled does not ask for it any more


def read(path: Path, blind: Blind) -> Reading:
    """Everything in a ledger, oldest first. Blocks.

    raises: StoreRefused, naming the line, where it is damaged or another key ring's; FileNotFoundError where there is none
    """
    entries: list[Entry] = []
    raw = path.read_bytes()
    lines = raw.split(b"\n")
    torn = bool(lines.pop())
    for number, line in enumerate(lines, 1):
        text, _, check = line.rpartition(b"\t")
        if not text or check != _checked(text, blind):
            raise StoreRefused(
                f"{path}: line {number} is damaged, or was written with another index key of GATEWAY_KEYS. Give the ledger "
                "that lay beside this store, or take the line out and know that what it said is not known"
            )
        value: dict[str, Any] = json.loads(text)
        entries.append(
            Entry(
                kind=value["k"],
                at_ms=value["at"],
                kept_ms=value["kept"],
                contact=value.get("c", ""),
                scopes=tuple(value.get("s", ())),
                addresses=tuple((one[0], one[1]) for one in value.get("a", ())),
                note=value.get("n", ""),
            )
        )
    return Reading(path, tuple(entries), torn)


def now_ms() -> int:
    """This machine's own time: a turned clock of a demo has no say in what a backup knows."""
    return time.time_ns() // 1_000_000


def since(readings: Iterable[Reading], at_ms: int) -> list[Entry]:
    """What was written from then on, in the order of writing."""
    found = [entry for reading in readings for entry in reading.entries if entry.kept_ms >= at_ms and entry.kind != BACKUP]
    return sorted(found, key=lambda entry: entry.kept_ms)


def _line(entry: Entry, blind: Blind) -> bytes:
    value: dict[str, Any] = {"v": 1, "k": entry.kind, "at": entry.at_ms, "kept": entry.kept_ms}
    optional: Sequence[tuple[str, Any]] = (
        ("c", entry.contact), ("s", entry.scopes), ("a", entry.addresses), ("n", entry.note),
    )  # fmt: skip
    value.update({name: one for name, one in optional if one})
    text = json.dumps(value, separators=(",", ":")).encode()
    return text + b"\t" + _checked(text, blind) + b"\n"


def _checked(text: bytes, blind: Blind) -> bytes:
    return blind("ledger", text.decode("utf-8", "replace"))[:_CHECK].encode()


def _append(path: Path, lines: bytes) -> None:
    """Under a lock, so that lines of several processes never mix; what a crash left of a line is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = whole = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            tail = os.pread(descriptor, 65536, max(size - 65536, 0))
            whole = size - (len(tail) - tail.rfind(b"\n") - 1)
            os.ftruncate(descriptor, whole)
        try:
            view = memoryview(lines)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, whole)  # half a line is none
            raise
    finally:
        os.close(descriptor)


def _cannot(path: Path, error: OSError) -> StoreUnavailable:
    if error.errno == errno.ENOSPC:
        return StoreUnavailable(f"the disk under {path} is full: what must outlive the store cannot be written. Make room there")
    why = error.strerror or type(error).__name__
    return StoreUnavailable(f"the ledger {path} cannot be written ({why}): mend its rights, or GATEWAY_LEDGER_FILE")
