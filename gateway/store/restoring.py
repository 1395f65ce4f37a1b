"""Bringing a backup back: into a store of its own beside the real one, and only when it is ready into its place.

The copy is loaded by an embedded server in a directory of its own, so that it can be looked at, told what has happened since, and
held, before anybody else can see it. Then it takes the real store's place by a rename, under that store's lock; or, where a
server is named, key by key into that server, which belongs to nobody until the last one is in. Killed at any point, the real
store is as it was, or is one that no role starts on.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hmac
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redis import exceptions
from redis.asyncio import Redis

from gateway.errors import Conflict, StoreRefused, StoreUnavailable
from gateway.settings import Settings
from gateway.store import archive, keys
from gateway.store.client import Connection, connect
from gateway.store.cluster import ClusterRedis
from gateway.store.ledger import Blind
from gateway.store.reply import words
from gateway.store.stamp import at_work
from gateway.store.vault import KeyRing, Vault

LOADING_S = 3600.0
REWRITE_LOOK_S = 0.05
FILES = "appendonlydir"
UNFINISHED = "unfinished restore"
"""The environment of a server that is being filled: no program has it, so none starts there."""
_PAGE = 200

Told = Callable[[str], None]


# keys of the ring


def blind_of(ring: KeyRing) -> Blind:
    """The keyed hash of a ring, where no store is open yet."""
    return Vault(ring, Redis()).blind


def fingerprints(ring: KeyRing) -> dict[str, str]:
    """version ("index" too) -> 16 characters that tell a key from another one and say nothing of it."""
    known = {"index": ring.index, **{str(version): key for version, key in ring.wrapping.items()}}
    return {name: hmac.digest(key, b"which key is this", "sha256").hex()[:16] for name, key in known.items()}


def check_ring(ring: KeyRing, manifest: archive.Manifest) -> None:
    """Raises StoreRefused naming every key that is missing or is another one than at the backup."""
    ours = fingerprints(ring)
    wanted = ["index", *(str(version) for version in manifest.needed)]
    missing = [name for name in wanted if name not in ours]
    other = [name for name in wanted if name in ours and name in manifest.keys and ours[name] != manifest.keys[name]]
    found = []
    if missing:
        found.append(f"key {', '.join(missing)} is missing from GATEWAY_KEYS: what it seals could not be read. Put it back")
    if other:
        found.append(
            f"key {', '.join(other)} of GATEWAY_KEYS is another one than when the backup was taken: use the ring of that time, "
            "with newer keys added"
        )
    if found:
        raise StoreRefused("; ".join(found) + ". Nothing was changed.")


# the copy beside


@dataclass
class Beside:
    """A store of its own. Closed, its `directory` may be moved; what is left of it goes afterwards."""

    connection: Connection
    directory: Path


@asynccontextmanager
async def loaded(settings: Settings, rdb: Callable[[Path], None], told: Told) -> AsyncIterator[Beside]:
    """A store of its own, filled from an RDB file; all of it gone afterwards.

    rdb: writes the file to the path that it is given (in a thread)
    raises: StoreRefused where the server cannot read it, StoreUnavailable where there is no room
    """
    real = settings.data_dir.resolve() / "store"
    real.mkdir(parents=True, exist_ok=True, mode=0o700)
    await asyncio.to_thread(_clear_leftovers, real)
    room = Path(tempfile.mkdtemp(prefix=".restore-", dir=real))  # on the disk of the real store, mode 0700
    try:
        files = room / "store" / FILES
        files.mkdir(parents=True, mode=0o700)
        os.chmod(files.parent, 0o700)
        try:
            await asyncio.to_thread(rdb, files / "appendonly.aof.1.base.rdb")
            manifest = "file appendonly.aof.1.base.rdb seq 1 type b\n"
            (files / "appendonly.aof.manifest").write_text(manifest, encoding="utf-8")
        except OSError as error:
            raise archive.no_room(settings.data_dir, error) from error
        told("reading the copy back")
        async with asyncio.timeout(LOADING_S):
            connection = await connect(replace(settings, redis_url=None, data_dir=room))
        try:
            yield Beside(connection, room / "store")
        finally:
            await connection.close()
    finally:
        await asyncio.to_thread(shutil.rmtree, room, ignore_errors=True)


async def rewritten(redis: Redis) -> None:
    """Have the server write its file anew and wait for it: until then what was erased still stands in the file that was loaded,
    beside the key that opens it. Raises StoreUnavailable."""
    await redis.bgrewriteaof()
    async with asyncio.timeout(LOADING_S):
        while True:
            info = await redis.info("persistence")
            if not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]:
                break
            await asyncio.sleep(REWRITE_LOOK_S)
    if info["aof_last_bgrewrite_status"] != "ok":
        raise StoreUnavailable("the store could not be written anew: is there room for it twice? Nothing was changed")


def _clear_leftovers(store: Path) -> None:
    """Copies of restores that were killed; one that is at work holds its own lock."""
    for room in store.glob(".restore-*"):
        with contextlib.suppress(OSError, Conflict), _locked(room / "store"):
            shutil.rmtree(room, ignore_errors=True)


# the place where it goes


async def occupied(connection: Connection) -> str:
    """What is in a store that should be empty, in words; "" for nothing that anybody would miss."""
    count = int(await connection.redis.dbsize())
    stamped = int(await connection.redis.exists(keys.LAYOUT))
    if count <= stamped:
        return ""
    contacts = connection.redis.pipeline(transaction=False)
    for partition in keys.all_partitions():
        contacts.zcard(keys.part(partition, "all"))
    return f"{count:,} keys, {sum(await contacts.execute()):,} contacts"


async def refuse_busy(connection: Connection) -> None:
    """Raises Conflict while a process works on it: an embedded store by whoever else holds it, a server by what shows itself."""
    if connection.embedded is not None:
        if not connection.embedded.owned:
            raise Conflict("a process uses this store: stop the gateway first. Nothing was changed.")
        return
    working = await at_work(connection.redis)
    with contextlib.suppress(exceptions.ResponseError):  # barred on some managed stores
        clients: Sequence[Mapping[str, Any]] = await connection.redis.client_list()
        blocking = {"subscribe", "psubscribe", "ssubscribe"}  # every process listens; a command does not
        working = max(working, sum(
            one.get("name") == "thuisfront" and str(one.get("cmd", "")).partition("|")[0] in blocking for one in clients
        ))  # fmt: skip
    if working:
        raise Conflict("a process works on this store: stop the gateway first, everywhere. Nothing was changed.")


@contextmanager
def _locked(directory: Path) -> Any:
    """The lock of an embedded store, which nobody may start meanwhile. Raises Conflict."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict("a process uses this store: stop the gateway first. Nothing was changed.") from error
        yield
    finally:
        os.close(descriptor)


def move_in(ready: Path, data_dir: Path, *, keep_old: bool) -> Path | None:
    """Put a store that no server holds into its place; where the old data lies now, None where there was none.

    ready: its directory, on the same disk; keep_old: False where what is there is empty
    """
    store = data_dir.resolve() / "store"
    with _locked(store):
        aside = None
        if (store / FILES).exists():
            aside = store / f"{FILES}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            (store / FILES).rename(aside)
        (ready / FILES).rename(store / FILES)
        archive.sync_directory(store)
        if aside is not None and not keep_old:
            shutil.rmtree(aside, ignore_errors=True)
            aside = None
        return aside


async def pour(source: Redis, target: Redis, told: Told, *, replaces: bool) -> int:
    """Fill a server from another, key by key with its time to live; how many. The stamp that lets roles start comes last.

    raises: StoreRefused where the target cannot take what the source gives
    """
    taking = target.pipeline(transaction=True)
    if replaces and isinstance(target, ClusterRedis):
        await target.flushdb()  # each primary by itself: a transaction lies in one
    elif replaces:
        taking.flushdb()
    taking.hset(keys.LAYOUT, mapping={"env": UNFINISHED, "version": "0"})
    await taking.execute()
    cursor, count = 0, 0
    while True:
        cursor, names = await source.scan(cursor, count=_PAGE)
        count += await _pour(source, target, [words(name) for name in names if words(name) != keys.LAYOUT])
        told(f"{count:,} keys written")
        if cursor == 0:
            break
    await _pour(source, target, [keys.LAYOUT])
    return count + 1


async def _pour(source: Redis, target: Redis, names: Sequence[str]) -> int:
    reading = source.pipeline(transaction=False)
    for name in names:
        reading.dump(name)
        reading.pexpiretime(name)
    answers = await reading.execute() if names else []
    writing = target.pipeline(transaction=False)
    count = 0
    for place, name in enumerate(names):
        payload, until = answers[2 * place], int(answers[2 * place + 1])
        if payload is not None:
            # Replacing where it is there: SCAN may name a key twice.
            writing.restore(name, max(until, 0), payload, replace=True, absttl=until > 0)
            count += 1
    try:
        await writing.execute()
    except exceptions.ResponseError as error:
        raise StoreRefused(
            f"the server does not take the copy's keys ({str(error)[:80]}): it is older than the server that holds them here. "
            "It is stamped as an unfinished restore, and no role starts on it"
        ) from error
    return count


async def damaged_or_open(settings: Settings) -> Connection | None:
    """The store as it is; None where it is so damaged that it does not start, which is what a backup is for."""
    try:
        return await connect(settings)
    except StoreRefused:
        if settings.redis_url is not None:
            raise
        return None
