"""`backup` and `restore` as a person runs them: what the file is, what is refused and why, and what comes back."""

from __future__ import annotations

import base64
import errno
import os
import shutil
import signal
import sqlite3
import stat
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import GatewayError, StoreError
from gateway.insight.history import open_history
from gateway.model.contact import ConsentEntry, Identifier, Proof
from gateway.model.ids import ContactId
from gateway.model.personal import Personal
from gateway.settings import Environment, read
from gateway.store import layout, ledger, restoring
from gateway.store.contacts import Contacts
from gateway.store.hold import Hold
from gateway.store.ledger import Ledger
from gateway.store.vault import Vault, ring_for
from tests.conftest import check_keys
from tests.integration.commands_stage import Launcher, Ran, launcher, run, started
from tests.support.embedded import opened
from tests.support.server import StoreServer
from tests.support.waiting import wait_until

__all__ = ["launcher"]
NAME = "Cleopatra"
RING = ",".join(f"{name}:{base64.b64encode(bytes([number]) * 32).decode()}" for name, number in (("index", 9), ("1", 1)))
OTHER_ONE = ",".join(f"{name}:{base64.b64encode(bytes([number]) * 32).decode()}" for name, number in (("index", 9), ("1", 7)))
WITHOUT_ONE = ",".join(f"{name}:{base64.b64encode(bytes([number]) * 32).decode()}" for name, number in (("index", 9), ("2", 2)))


class Home:
    """A data directory with keys, and the commands run on it."""

    def __init__(self, data_dir: Path, launcher: Launcher) -> None:
        self.data_dir = data_dir
        self.launcher = launcher

    async def run(self, *words: str, **more: str) -> Ran:
        return await run(self.data_dir, *words, launcher=self.launcher, **{"GATEWAY_KEYS": RING, **more})

    @asynccontextmanager
    async def people(self, redis: Redis) -> AsyncIterator[tuple[Contacts, ContactId]]:
        """The store as the gateway has it, and one person."""
        vault = Vault(ring_for(None, self.data_dir), redis)
        await layout.claim(redis, Environment.STAGING, 1)
        contacts = Contacts(redis, Clock(), vault, Ledger(self.data_dir / "ledger", vault.blind))
        identifier = Identifier("phone", "", Personal("+447700900123"))
        contact, address = await contacts.reserve("whatsapp", identifier)
        await contacts.add_identifiers(contact, address, "whatsapp", [identifier])
        await contacts.set_proof(contact, address, Proof("otp"), 5)
        await contacts.set_consents(contact, [ConsentEntry("journey", "whatsapp", "zz", True, 5, NAME)])
        yield contacts, contact


@pytest.fixture
def home(data_dir: Path, launcher: Launcher) -> Home:
    (data_dir / "keys").write_text(RING)
    return Home(data_dir, launcher)


async def contents(redis: Redis) -> dict[bytes, tuple[bytes | None, bool]]:
    """Every key with its value, and whether it expires."""
    found = {}
    async for name in redis.scan_iter(count=1000):
        found[bytes(name)] = (await redis.dump(name), await redis.pttl(name) > 0)
    return found


async def test_a_store_in_use_is_copied_and_comes_back_as_it_was(home: Home) -> None:
    async with opened(home.data_dir) as (_, redis), home.people(redis):
        await redis.set("{k:2026-11-22}", b"1|x", px=500_000)
        await redis.xadd("{wh:03}", {"b": b"raw"})
        history = await open_history(f"sqlite:///{home.data_dir}/history.db")
        taken = await home.run("backup", "one.tar", "--json")
        await history.close()
        assert taken.code == 0, taken.err
        before = await contents(redis)
    target = home.data_dir / "one.tar"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert taken.data["bytes"] == target.stat().st_size
    assert taken.data["needs_keys"] == ["index", 1]
    assert taken.data["history"] == "history.db"
    with tarfile.open(target) as tar:
        assert tar.getnames() == ["history.db", "store.rdb", "manifest.json"]
    raw = target.read_bytes()
    for word in (NAME.encode(), b"7700900123", bytes([1]) * 32, RING.split(":")[2].encode()):
        assert word not in raw
    assert not [name for name in os.listdir(home.data_dir) if name.endswith((".part", ".history"))]

    shutil.rmtree(home.data_dir / "store")
    (home.data_dir / "history.db").unlink()
    brought = await home.run("restore", "one.tar")
    assert brought.code == 0, brought.err
    assert "resume all" in brought.out
    assert "0 min old" in brought.out
    async with opened(home.data_dir) as (_, redis):
        after = await contents(redis)
        changed = {name for name in before if after.get(name) != before[name]}
        added = set(after) - set(before)
        assert changed <= {b"{p:00}facts"}
        assert added == {b"stops", b"restored"}
        await check_keys(redis)
    with sqlite3.connect(home.data_dir / "history.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    listed = await home.run("stop", "--list", "--json")
    assert [(one["scope"], one["until"]) for one in listed.data] == [("all", None)]


async def test_what_people_said_since_the_backup_is_heard_again(home: Home) -> None:
    async with opened(home.data_dir) as (_, redis), home.people(redis) as (contacts, contact):
        assert (await home.run("backup", "one.tar")).code == 0
        await contacts.set_consents(contact, [ConsentEntry("journey", "whatsapp", "zz", False, 50, "stop_word")])
        address = (await contacts.get(contact)).profile.addresses[0].id
        await contacts.set_proof(contact, address, None, 60)
    shutil.rmtree(home.data_dir / "store")
    dry = await home.run("restore", "one.tar", "--dry-run")
    assert "is sound" in dry.out
    assert not (home.data_dir / "store" / "appendonlydir").exists()
    brought = await home.run("restore", "one.tar", "--json")
    assert brought.data["since"] == {"withdrawn": 1, "not_me": 1, "erased": 0}
    async with opened(home.data_dir) as (_, redis):
        contacts = Contacts(redis, Clock(), Vault(ring_for(None, home.data_dir), redis))
        facts = (await contacts.get(contact)).facts
        assert not facts.consents["journey.whatsapp.zz"].granted
        assert facts.proofs[address] == (None, 60)


async def test_a_store_in_use_or_not_empty_is_not_replaced(home: Home) -> None:
    async with opened(home.data_dir) as (_, redis), home.people(redis):
        assert (await home.run("backup", "one.tar")).code == 0
        used = await home.run("restore", "one.tar", "--replace", "--yes")
        assert (used.code, used.out) == (1, "")
        assert "stop the gateway first" in used.err
    full = await home.run("restore", "one.tar")
    assert full.code == 1
    assert "--replace" in full.err
    assert "1 contacts" in full.err
    silent = await home.run("restore", "one.tar", "--replace")
    assert silent.code == 1
    assert "--yes" in silent.err
    replaced = await home.run("restore", "one.tar", "--replace", "--yes", "--json")
    assert replaced.code == 0, replaced.err
    (aside,) = replaced.data["set_aside"]
    assert list(Path(aside).glob("*.aof"))


async def test_what_is_wrong_with_file_keys_or_ledger_is_named_and_nothing_changes(home: Home) -> None:
    async with opened(home.data_dir) as (_, redis), home.people(redis):
        assert (await home.run("backup", "one.tar")).code == 0
        again = await home.run("backup", "one.tar")
        assert (again.code, "is there already" in again.err) == (1, True)
    shutil.rmtree(home.data_dir / "store")
    sound = (home.data_dir / "one.tar").read_bytes()
    (home.data_dir / "damaged.tar").write_bytes(sound[:700] + bytes([sound[700] ^ 1]) + sound[701:])
    (home.data_dir / "cut.tar").write_bytes(sound[:-3000])
    cases = [
        (("restore", "damaged.tar"), {}, "damaged"),
        (("restore", "cut.tar"), {}, "no whole backup"),
        (("restore", "nowhere.tar"), {}, "cannot be read"),
        (("restore", "one.tar"), {"GATEWAY_ENV": "demo"}, "another"),
        (("restore", "one.tar"), {"GATEWAY_KEYS": WITHOUT_ONE}, "key 1 is missing"),
        (("restore", "one.tar"), {"GATEWAY_KEYS": OTHER_ONE}, "key 1 of GATEWAY_KEYS is another one"),
        (("restore", "one.tar"), {"GATEWAY_LEDGER_FILE": str(home.data_dir / "elsewhere")}, "there is no ledger"),
        (("restore", "one.tar", "--ledger", "nowhere"), {}, "--ledger: nowhere is not there"),
    ]
    for words, more, said in cases:
        ran = await home.run(*words, **more)
        assert ran.code == 1
        assert ran.out == ""
        if said == "another":
            assert "environment 'staging'" in ran.err
        else:
            assert said in ran.err, ran.err
    blind = Vault(ring_for(None, home.data_dir), Redis()).blind
    (home.data_dir / "ledger").rename(home.data_dir / "right")
    await Ledger(home.data_dir / "ledger", blind).append(ledger.Entry(ledger.BACKUP, 1, 1, note="another"))
    ran = await home.run("restore", "one.tar")
    assert "does not know this backup" in ran.err
    assert not (home.data_dir / "store").exists()
    assert (await home.run("restore", "one.tar", "--ledger", "right")).code == 0


async def test_a_lost_ledger_must_be_said(home: Home) -> None:
    async with opened(home.data_dir) as (_, redis), home.people(redis):
        assert (await home.run("backup", "one.tar")).code == 0
    shutil.rmtree(home.data_dir / "store")
    (home.data_dir / "ledger").unlink()
    ran = await home.run("restore", "one.tar", "--without-ledger")
    assert ran.code == 0, ran.err
    assert "WITHOUT a ledger" in ran.out


@pytest.mark.long
async def test_wrong_arguments_are_told_with_the_usage(home: Home) -> None:
    both, none = ("restore", "one.tar", "--in-place"), ("restore",)
    for words in (none, both, ("restore", "--in-place", "--replace"), ("backup", "a", "b")):
        ran = await home.run(*words)
        assert (ran.code, "usage:" in ran.err) == (2, True)
    for command in ("backup", "restore"):
        assert "example:" in (await home.run(command, "--help")).out
    nowhere = await home.run("backup", "no/where/one.tar")
    assert (nowhere.code, "is no directory" in nowhere.err) == (1, True)


async def test_an_empty_store_is_not_backed_up(home: Home) -> None:
    ran = await home.run("backup", "one.tar")
    assert (ran.code, "is empty" in ran.err) == (1, True)
    assert not (home.data_dir / "one.tar").exists()


async def test_what_a_killed_restore_left_behind_goes_with_the_next_one(home: Home) -> None:
    async with opened(home.data_dir) as (_, redis), home.people(redis):
        assert (await home.run("backup", "one.tar")).code == 0
    left = home.data_dir / "store" / ".restore-killed"
    (left / "store").mkdir(parents=True)
    (left / "store" / "dump").write_text("somebody's data")
    assert (await home.run("restore", "one.tar", "--replace", "--yes")).code == 0
    assert not left.exists()
    assert not list((home.data_dir / "store").glob(".restore-*"))


async def test_a_disk_that_is_full_while_restoring_is_said_and_nothing_is_left(data_dir: Path) -> None:
    settings = read({"GATEWAY_DATA_DIR": str(data_dir)}, None)

    def full(into: Path) -> None:
        into.write_bytes(b"REDIS0011")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(GatewayError, match="is full"):
        async with restoring.loaded(settings, full, lambda text: None):
            raise AssertionError("it was not loaded")
    assert os.listdir(data_dir / "store") == []


async def test_a_copy_that_no_server_can_read_is_refused_and_nothing_is_left(data_dir: Path) -> None:
    settings = read({"GATEWAY_DATA_DIR": str(data_dir)}, None)

    def strange(into: Path) -> None:
        into.write_bytes(b"REDIS9999" + bytes(50))

    with pytest.raises(StoreError):
        async with restoring.loaded(settings, strange, lambda text: None):
            raise AssertionError("it was not loaded")
    assert os.listdir(data_dir / "store") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_backup_that_is_interrupted_leaves_no_half_file(home: Home, number: signal.Signals) -> None:
    server = StoreServer({"repl-diskless-sync-delay": "30"})  # it waits so long before it begins to send
    try:
        (home.data_dir / "here").mkdir()
        async with Redis.from_url(server.url) as redis, home.people(redis):
            pass
        async with started(home.data_dir, "backup", "here/one.tar", GATEWAY_KEYS=RING, GATEWAY_REDIS_URL=server.url) as process:
            await wait_until(lambda: bool(os.listdir(home.data_dir / "here")), timeout=20)
            process.send_signal(number)
            _, err = await process.communicate()
        assert process.returncode == 130, err.decode()
        assert b"Traceback" not in err
        assert os.listdir(home.data_dir / "here") == []
    finally:
        server.close()


async def test_a_server_of_ones_own_is_copied_and_filled_again(home: Home) -> None:
    server = StoreServer({"repl-diskless-sync-delay": "0"})
    try:
        async with Redis.from_url(server.url) as redis, home.people(redis) as (contacts, contact):
            assert (await home.run("backup", "one.tar", GATEWAY_REDIS_URL=server.url)).code == 0
            before = await contents(redis)
            await contacts.set_consents(contact, [ConsentEntry("journey", "whatsapp", "zz", False, 50, "stop_word")])
            await redis.flushall()
            working = await redis.zadd("workers", {"intake:x": 1e15})
            assert working
            busy = await home.run("restore", "one.tar", "--replace", "--yes", GATEWAY_REDIS_URL=server.url)
            assert "a process works on this store" in busy.err
            await redis.flushall()
            ran = await home.run("restore", "one.tar", "--json", GATEWAY_REDIS_URL=server.url)
            assert ran.code == 0, ran.err
            after = await contents(redis)
            assert set(after) - set(before) == {b"stops", b"restored"}
            assert not (await contacts.get(contact)).facts.consents["journey.whatsapp.zz"].granted
            assert await Hold(redis).standing()
            assert await redis.hget("layout", "env") == b"staging"
            await check_keys(redis)
    finally:
        server.close()


async def test_a_server_with_other_databases_is_not_copied(home: Home) -> None:
    server = StoreServer()
    try:
        async with Redis.from_url(server.url, db=3) as other, Redis.from_url(server.url) as redis, home.people(redis):
            await other.set("somebody", "else's")
        ran = await home.run("backup", "one.tar", GATEWAY_REDIS_URL=server.url)
        assert (ran.code, "db3" in ran.err) == (1, True)
        assert not (home.data_dir / "one.tar").exists()
    finally:
        server.close()


async def test_a_store_that_came_back_by_other_means_is_held_and_told_as_well(home: Home) -> None:
    async with opened(home.data_dir) as (_, redis), home.people(redis):
        pass
    shutil.copytree(home.data_dir / "store", home.data_dir / "copied")
    async with opened(home.data_dir) as (_, redis), home.people(redis) as (contacts, contact):
        await contacts.set_consents(contact, [ConsentEntry("journey", "whatsapp", "zz", False, 50, "stop_word")])
    shutil.rmtree(home.data_dir / "store")
    (home.data_dir / "copied").rename(home.data_dir / "store")
    asked = await home.run("restore", "--in-place")
    assert (asked.code, "--yes" in asked.err) == (1, True)
    ran = await home.run("restore", "--in-place", "--yes", "--json")
    assert ran.code == 0, ran.err
    assert ran.data["since"]["withdrawn"] == 1
    async with opened(home.data_dir) as (_, redis):
        assert await Hold(redis).standing()


async def test_a_restore_holds_until_everything_is_resumed_and_a_later_stop_is_one_like_any_other(redis: Redis) -> None:
    hold, clock = Hold(redis), Clock()
    assert not await hold.standing()
    await hold.put(clock, who="eva", why="restored", note={"taken": 1})
    assert await hold.standing()
    assert await redis.hdel("stops", "all")
    assert not await hold.standing()
    await redis.hset("stops", "all", '{"until": 0, "who": "eva", "why": "x", "at": 1}')
    assert not await hold.standing()
