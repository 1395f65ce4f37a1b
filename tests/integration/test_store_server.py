"""The embedded server as several processes see it: one server a directory, taken over when its process dies, data kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as LostConnection

from gateway.errors import StoreUnavailable
from gateway.settings import StorePromise, read
from gateway.store import embedded, launch
from gateway.store.client import connect
from gateway.store.embedded import open_embedded
from tests.support.embedded import Neighbour, alive, opened, record
from tests.support.waiting import wait_until


async def test_data_is_kept_from_one_run_to_the_next(data_dir: Path) -> None:
    async with opened(data_dir) as (server, client):
        await client.set("kept", "yes")
        assert server.owned
    assert not alive(data_dir)
    async with opened(data_dir) as (_, client):
        assert await client.get("kept") == b"yes"


async def test_every_answered_write_survives_a_killed_server(data_dir: Path) -> None:
    async with opened(data_dir) as (server, client):
        await client.set("kept", "yes")
        os.kill(record(data_dir)["pid"], signal.SIGKILL)
        await wait_until(lambda: not alive(data_dir))
        await server.ensure()
        assert await client.get("kept") == b"yes"
        assert server.owned


async def test_rewrite_under_way_does_not_hold_up_the_next_server(data_dir: Path) -> None:
    async with opened(data_dir) as (server, client):
        pipeline = client.pipeline(transaction=False)
        for number in range(3000):
            pipeline.set(f"k{number}", "v")
        await pipeline.execute()
        await client.config_set("rdb-key-save-delay", "20000")  # a minute in all, for the child that rewrites
        await client.bgrewriteaof()
        (part,) = await wait_until(lambda: list((data_dir / "store").glob("temp-rewriteaof-*.aof")))
        child = int(part.stem.rpartition("-")[2])
        os.kill(child, signal.SIGSTOP)  # else it may notice by itself
        try:
            os.kill(record(data_dir)["pid"], signal.SIGKILL)
            began = time.monotonic()
            await server.ensure()
            assert time.monotonic() - began < 2
            assert await client.dbsize() == 3000
            assert not part.exists()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


async def test_directory_and_socket_are_private(data_dir: Path) -> None:
    (data_dir / "store").mkdir(mode=0o755)
    async with opened(data_dir) as (server, client):
        assert stat.S_IMODE((data_dir / "store").stat().st_mode) == 0o700
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
        config = await client.config_get("*")
    seen = {name: config[name] for name in ("port", "appendonly", "appendfsync", "maxmemory-policy", "save")}
    assert seen == {
        "port": "0", "appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": "",
    }  # fmt: skip


def test_server_does_not_inherit_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_WHATSAPP_TOKEN", "not-for-the-store")
    # A stand-in that tells: a real server overwrites what /proc shows of it.
    (tmp_path / "server").write_text("#!/bin/sh\n/usr/bin/env\necho told\n")
    (tmp_path / "server").chmod(0o755)
    assert launch.spawn(tmp_path / "server", [], log=tmp_path / "log").wait(10) == 0
    told = (tmp_path / "log").read_text()
    assert "told" in told
    assert "not-for-the-store" not in told


async def test_second_process_joins_and_leaves_the_server_running(
    data_dir: Path, neighbour: Callable[[], Neighbour]
) -> None:
    owner = neighbour()
    assert owner.hello()["owned"] is True
    async with opened(data_dir) as (server, client):
        assert not server.owned
        assert await client.set("a", "1")
    assert alive(data_dir)
    owner.process.terminate()
    owner.process.wait(10)
    assert not alive(data_dir)


async def test_two_launchers_at_once_make_one_server(data_dir: Path, neighbour: Callable[[], Neighbour]) -> None:
    several = [neighbour() for _ in range(3)]
    said = await asyncio.gather(*(asyncio.to_thread(one.hello) for one in several))
    assert sorted(one["owned"] for one in said) == [False, False, True]
    assert len({one["socket"] for one in said}) == 1


async def test_killed_owner_takes_its_server_along_and_another_takes_over_within_two_seconds(
    data_dir: Path, neighbour: Callable[[], Neighbour]
) -> None:
    owner = neighbour()
    owner.hello()
    async with opened(data_dir) as (server, client):
        await client.set("kept", "yes")
        first = record(data_dir)["pid"]
        began = time.monotonic()
        owner.process.kill()

        async def answers() -> bool:
            try:
                return await client.get("kept") == b"yes" and record(data_dir)["pid"] != first
            except LostConnection:
                await server.ensure()
                return False

        await wait_until(answers, timeout=5)
        assert time.monotonic() - began < 2
        assert server.owned


async def test_ctrl_c_reaches_the_gateway_and_not_its_store(data_dir: Path, neighbour: Callable[[], Neighbour]) -> None:
    gateway = neighbour()
    gateway.hello()
    # As a terminal does: to the whole foreground group. The neighbour then writes through the store and only then closes it.
    os.killpg(gateway.process.pid, signal.SIGINT)
    assert gateway.process.wait(10) == 0
    async with opened(data_dir) as (_, client):
        assert await client.get("drained") == b"yes"


async def test_what_a_crash_left_behind_is_no_obstacle(data_dir: Path) -> None:
    store = data_dir / "store"
    store.mkdir()
    (store / "lock").write_text("")
    (store / "valkey.sock").write_text("not a socket")
    (store / "server.json").write_text('{"pid": 1, "socket": "/nonexistent/valkey.sock", "started_by": 1}')
    async with opened(data_dir) as (server, client):
        assert server.owned
        assert await client.ping()


async def test_data_directory_too_deep_for_a_socket_gets_a_short_one_that_others_find(data_dir: Path) -> None:
    deep = data_dir / ("a" * 60) / ("b c é" * 10)
    async with opened(deep) as (server, client):
        assert len(os.fsencode(server.socket)) <= embedded.SOCKET_PATH_MAX
        assert record(deep)["socket"] == str(server.socket)
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
        await client.set("kept", "yes")
        second = await open_embedded(deep)
        assert second.socket == server.socket
        assert not second.owned
        first_socket = server.socket
    async with opened(deep) as (server, client):
        assert server.socket == first_socket
        assert await client.get("kept") == b"yes"
    first_socket.parent.rmdir()


async def test_holder_that_does_not_answer_is_named(
    data_dir: Path, neighbour: Callable[[], Neighbour], monkeypatch: pytest.MonkeyPatch
) -> None:
    neighbour().hello()
    pid = record(data_dir)["pid"]
    monkeypatch.setattr(embedded, "PATIENCE_S", 0.1)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(StoreUnavailable, match=f"process {pid}"):
            await open_embedded(data_dir)
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_server_without_a_starter_is_adopted_where_the_kernel_does_not_end_it(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "ENDS_WITH_PARENT", False)
    first = await open_embedded(data_dir)
    written = record(data_dir)
    gone = subprocess.Popen(["true"])
    gone.wait(10)
    (data_dir / "store" / "server.json").write_text(json.dumps(written | {"started_by": gone.pid}))
    second = await open_embedded(data_dir)
    assert second.owned
    await second.close()
    await wait_until(lambda: not first.owned)


async def test_server_is_not_started_from_another_thread(data_dir: Path) -> None:
    with pytest.raises(RuntimeError, match="main thread"):
        await asyncio.to_thread(asyncio.run, open_embedded(data_dir))


async def test_connection_opens_the_embedded_store_and_recovers_it(data_dir: Path) -> None:
    connection = await connect(read({"GATEWAY_DATA_DIR": str(data_dir)}, None))
    try:
        assert connection.durability.promise is StorePromise.DURABLE
        assert connection.durability.problems == ()
        assert "on the disk of this server" in connection.promise
        await connection.redis.set("kept", "yes")
        subscription = connection.blocking.pubsub()
        await subscription.subscribe("news")
        os.kill(record(data_dir)["pid"], signal.SIGKILL)
        await wait_until(lambda: not alive(data_dir))
        with pytest.raises(StoreUnavailable):
            await connection.redis.get("kept")
        await connection.recover()
        assert await connection.redis.get("kept") == b"yes"
        await subscription.aclose()  # type: ignore[no-untyped-call]
    finally:
        await connection.close()
    assert not alive(data_dir)
