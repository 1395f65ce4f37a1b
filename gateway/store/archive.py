"""The one file of a backup: a tar with the store's copy, the history's copy, and last a manifest that vouches for both.

Written under another name beside its place and renamed when it is whole, so whatever bears a backup's name is one. The manifest
holds a checksum of each part and is itself sealed by a keyed hash: a file that was damaged, cut off, or made by somebody else
is none. Readable by its owner alone.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from gateway.errors import BadInput, GatewayError, Problem
from gateway.store.ledger import Blind

FORMAT = 1
STORE = "store.rdb"
HISTORY = "history.db"
MANIFEST = "manifest.json"
_PIECE = 1 << 20


class Damaged(GatewayError):
    """A file that is no backup of ours, or no whole one."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    id:          random, also in the ledger that lay beside the store
    taken_ms:    just before the copy's moment: everything done by then is in it
    keys:        version of GATEWAY_KEYS ("index" too) -> what tells that key from others, and nothing of the key
    needed:      the versions that something in the store is sealed under
    history:     None where it lies in a server of its own
    parts:       name -> bytes and sha256
    """

    id: str
    taken_ms: int
    environment: str
    layout: int
    server: str
    keys: Mapping[str, str]
    needed: tuple[int, ...]
    count: int
    history: str | None
    parts: Mapping[str, tuple[int, str]]

    def value(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "id": self.id,
            "taken_ms": self.taken_ms,
            "environment": self.environment,
            "layout": self.layout,
            "server": self.server,
            "keys": dict(self.keys),
            "needed": list(self.needed),
            "count": self.count,
            "history": self.history,
            "parts": {name: list(part) for name, part in self.parts.items()},
        }


class Writer:
    """Adds parts to a file that is not yet one. Made by `writing`."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self.path = path
        """what it is called until it is whole"""
        self.parts: dict[str, tuple[int, str]] = {}
        self._begun: tuple[str, int] | None = None
        self._digest = hashlib.sha256()

    def begin(self, name: str) -> None:
        """The next pieces are this part: its size stands in front of it, and is filled in by `end`."""
        self._begun = name, self._file.tell()
        self._digest = hashlib.sha256()
        self._file.write(_head(name, 0))

    def add(self, piece: bytes) -> None:
        self._file.write(piece)
        self._digest.update(piece)

    def end(self) -> None:
        assert self._begun is not None
        name, at = self._begun
        end = self._file.tell()
        size = end - at - tarfile.BLOCKSIZE
        self._file.write(b"\0" * (-size % tarfile.BLOCKSIZE))
        after = self._file.tell()
        self._file.seek(at)
        self._file.write(_head(name, size))
        self._file.seek(after)
        self.parts[name] = size, self._digest.hexdigest()
        self._begun = None

    def add_file(self, name: str, source: Path) -> None:
        self.begin(name)
        with source.open("rb") as file:
            while piece := file.read(_PIECE):
                self.add(piece)
        self.end()

    def finish(self, manifest: Manifest, blind: Blind) -> None:
        text = json.dumps(manifest.value(), sort_keys=True)
        whole = json.dumps({"manifest": text, "seal": blind("backup", text)}).encode()
        self.begin(MANIFEST)
        self.add(whole)
        self.end()
        self._file.write(b"\0" * 2 * tarfile.BLOCKSIZE)


@contextmanager
def writing(target: Path) -> Iterator[Writer]:
    """A file to be, which bears its name when this ends well, and is gone when it does not.

    raises: BadInput where `target` is there already or its directory is not; GatewayError for a disk that is full
    """
    if target.exists():
        raise BadInput([Problem("FILE", f"{target} is there already: a backup replaces nothing")])
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadInput([Problem("FILE", f"{target} cannot be written ({error.strerror})")]) from error
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield Writer(file, part)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, target)  # not a rename: that would replace a file that came meanwhile
        part.unlink()
        sync_directory(target.parent)
    except FileExistsError as error:
        raise BadInput([Problem("FILE", f"{target} is there already: a backup replaces nothing")]) from error
    except OSError as error:
        raise no_room(target.parent, error) from error
    finally:
        part.unlink(missing_ok=True)


def no_room(directory: Path, error: OSError) -> GatewayError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return GatewayError(f"the disk under {directory} is full: nothing was left behind. Make room, or choose another place")
    return GatewayError(f"{directory} cannot be written ({error.strerror or type(error).__name__}): nothing was left behind")


def sync_directory(directory: Path) -> None:
    """Names that were made or moved in it are on disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_manifest(path: Path) -> tuple[Manifest, str, str]:
    """What a file says of itself: (manifest, its text, its seal). Nothing is checked but the form.

    raises: Damaged; BadInput where the file cannot be read
    """
    try:
        with tarfile.open(path, "r:") as tar:
            member = tar.extractfile(MANIFEST)
            assert member is not None
            whole = json.loads(member.read())
            text, seal = str(whole["manifest"]), str(whole["seal"])
            value = json.loads(text)
    except OSError as error:
        raise BadInput([Problem("FILE", f"{path} cannot be read ({error.strerror})")]) from error
    except (tarfile.TarError, KeyError, ValueError, TypeError, AssertionError, EOFError) as error:
        raise Damaged(f"{path} is no whole backup: it was cut off, damaged, or is something else. Take another one") from error
    if value.get("format") != FORMAT:
        raise Damaged(f"{path} has format {value.get('format')}, this program reads {FORMAT}: use the program that wrote it")
    try:
        manifest = Manifest(
            id=value["id"],
            taken_ms=value["taken_ms"],
            environment=value["environment"],
            layout=value["layout"],
            server=value["server"],
            keys=value["keys"],
            needed=tuple(value["needed"]),
            count=value["count"],
            history=value["history"],
            parts={name: (part[0], part[1]) for name, part in value["parts"].items()},
        )
    except (KeyError, TypeError, IndexError) as error:
        raise Damaged(f"{path}: its manifest lacks something. Take another backup") from error
    return manifest, text, seal


def check_parts(path: Path, manifest: Manifest, told: Callable[[int], None] = lambda count: None) -> None:
    """Read every part once and hold it against the manifest. Blocks. Raises Damaged."""
    for name, (size, digest) in manifest.parts.items():
        found, count = hashlib.sha256(), 0
        with _part(path, name) as file:
            while piece := file.read(_PIECE):
                found.update(piece)
                count += len(piece)
                told(count)
        if count != size or found.hexdigest() != digest:
            raise Damaged(f"{path}: {name} is damaged (its checksum differs). Nothing was changed; take another backup")


def unpack(path: Path, name: str, into: Path, told: Callable[[int], None] = lambda count: None) -> None:
    """Write one part to a new file, readable by its owner alone. Blocks. Raises Damaged, OSError."""
    with _part(path, name) as source, os.fdopen(os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        count = 0
        while piece := source.read(_PIECE):
            file.write(piece)
            count += len(piece)
            told(count)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _part(path: Path, name: str) -> Iterator[BinaryIO]:
    with contextlib.ExitStack() as stack:
        try:
            tar = stack.enter_context(tarfile.open(path, "r:"))
            member = tar.extractfile(name)
        except (tarfile.TarError, KeyError, EOFError) as error:
            raise Damaged(f"{path}: {name} is missing from it. Take another backup") from error
        yield member if member is not None else BytesIO()  # type: ignore[misc]


def _head(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    # GNU: sizes over 8 GiB stand in the head itself, so that it can be filled in afterwards.
    return info.tobuf(tarfile.GNU_FORMAT)
