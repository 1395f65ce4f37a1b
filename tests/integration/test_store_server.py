"""The embedded server as several processes see it: one server a directory, taken over when its process dies, data kept."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as LostConnection
from structlog.testing import capture_logs

from gateway.errors import StoreRefused, StoreUnavailable
from gateway.settings import StorePromise, read
from gateway.store import embedded, launch
from gateway.store.client import connect
from gateway.store.embedded import EmbeddedServer, open_embedded
from tests.support.waiting import wait_until, wait_until_sync

ROOT = Path(__file__).resolve().parents[2]


class Neighbour:
    """tests/support/store_process.py in a process group of its own, as a gateway started from a shell."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.store_process", str(data_dir)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def hello(self) -> dict[str, Any]:
        """What it says once the store answers; blocks until then."""
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="thuisfront-data-") as name:
        yield Path(name)


@pytest.fixture
def neighbour(data_dir: Path) -> Iterator[Callable[[], Neighbour]]:
    started: list[Neighbour] = []

    def start() -> Neighbour:
        started.append(Neighbour(data_dir))
        return started[-1]

    yield start
    for one in started:
        one.end()
    wait_until_sync(lambda: not _alive(data_dir))


@asynccontextmanager
async def opened(data_dir: Path) -> AsyncIterator[tuple[EmbeddedServer, Redis]]:
    server = await open_embedded(data_dir)
    client = Redis.from_url(server.url)
    try:
        yield server, client
    finally:
        await client.aclose()
        await server.close()


def _record(data_dir: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((data_dir / "store" / "server.json").read_text())
    return record


def _alive(data_dir: Path) -> bool:
    """Whether a server holds the directory, by looking for its process."""
    try:
        pid = _record(data_dir)["pid"]
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return False
    return state != "Z"


async def test_data_is_kept_from_one_run_to_the_next(data_dir: Path) -> None:
    async with opened(data_dir) as (server, client):
        await client.set("kept", "yes")
        assert server.owned
    assert not _alive(data_dir)
    async with opened(data_dir) as (_, client):
        assert await client.get("kept") == b"yes"


async def test_every_answered_write_survives_a_killed_server(data_dir: Path) -> None:
    async with opened(data_dir) as (server, client):
        await client.set("kept", "yes")
        os.kill(_record(data_dir)["pid"], signal.SIGKILL)
        await wait_until(lambda: not _alive(data_dir))
        await server.ensure()
        assert await client.get("kept") == b"yes"
        assert server.owned


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


async def test_server_does_not_inherit_our_environment(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_WHATSAPP_TOKEN", "not-for-the-store")
    async with opened(data_dir):
        assert b"not-for-the-store" not in Path(f"/proc/{_record(data_dir)['pid']}/environ").read_bytes()


async def test_second_process_joins_and_leaves_the_server_running(
    data_dir: Path, neighbour: Callable[[], Neighbour]
) -> None:
    owner = neighbour()
    assert owner.hello()["owned"] is True
    async with opened(data_dir) as (server, client):
        assert not server.owned
        assert await client.set("a", "1")
    assert _alive(data_dir)
    owner.process.terminate()
    owner.process.wait(10)
    assert not _alive(data_dir)


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
        first = _record(data_dir)["pid"]
        began = time.monotonic()
        owner.process.kill()

        async def answers() -> bool:
            try:
                return await client.get("kept") == b"yes" and _record(data_dir)["pid"] != first
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
        assert _record(deep)["socket"] == str(server.socket)
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


async def test_cut_off_tail_is_dropped_and_told(data_dir: Path) -> None:
    async with opened(data_dir) as (_, client):
        await client.mset({"a": "1", "b": "2"})
        await client.set("last", "x" * 100)
    part = next((data_dir / "store" / "appendonlydir").glob("*.incr.aof"))
    os.truncate(part, part.stat().st_size - 7)
    with capture_logs() as lines:
        async with opened(data_dir) as (_, client):
            assert await client.mget("a", "b", "last") == [b"1", b"2", None]
    (line,) = [line for line in lines if line["event"] == "store.tail_cut"]
    assert line["file"] == part.name


async def test_damage_in_the_middle_names_the_file_and_a_tool_that_mends_it(data_dir: Path) -> None:
    async with opened(data_dir) as (_, client):
        for number in range(50):
            await client.set(f"k{number}", "v" * 20)
    part = next((data_dir / "store" / "appendonlydir").glob("*.incr.aof"))
    content = bytearray(part.read_bytes())
    content[1000:1010] = b"XXXXXXXXXX"
    part.write_bytes(content)
    with pytest.raises(StoreRefused) as refused:
        await open_embedded(data_dir)
    assert str(part) in str(refused.value)
    assert "check-aof" in str(refused.value)
    tool = launch.find_server().path
    mended = subprocess.run(
        ["bash", "-c", f"exec -a valkey-check-aof {tool} --fix {part}"], input="y\n", text=True, capture_output=True
    )
    assert mended.returncode == 0, mended.stdout
    async with opened(data_dir) as (_, client):
        assert 10 < await client.dbsize() < 50


async def test_long_file_is_waited_for_and_its_progress_shown(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(data_dir) as (_, client):
        pipeline = client.pipeline(transaction=False)
        for number in range(2000):
            pipeline.set(f"k{number}", f"{number}" * 20)
        await pipeline.execute()
        await client.bgrewriteaof()
        await wait_until(lambda: len(list((data_dir / "store" / "appendonlydir").glob("*.2.base.rdb"))))
    flags = launch.flags
    # A slow disk: the server waits 0.3 ms at each key, and answers others after every kilobyte.
    slow = ["--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024"]
    monkeypatch.setattr(launch, "flags", lambda *places: [*flags(*places), *slow])
    monkeypatch.setattr(embedded, "PATIENCE_S", 0.3)
    shown: list[float] = []
    server = await open_embedded(data_dir, shown.append)
    client = Redis.from_url(server.url)
    assert await client.dbsize() == 2000
    await client.aclose()
    await server.close()
    assert len(shown) > 2
    assert shown == sorted(shown)
    assert shown[0] < 50 < shown[-1] <= 100


async def test_directory_that_cannot_be_written_is_named(data_dir: Path) -> None:
    (data_dir / "file").write_text("")
    with pytest.raises(StoreRefused, match=r"GATEWAY_DATA_DIR: .*file/store cannot be used"):
        await open_embedded(data_dir / "file")


async def test_full_disk_is_said_before_anything_is_promised(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ROOM_MIN_BYTES", 1 << 60)
    with pytest.raises(StoreUnavailable, match="is full"):
        await open_embedded(data_dir)


async def test_holder_that_does_not_answer_is_named(
    data_dir: Path, neighbour: Callable[[], Neighbour], monkeypatch: pytest.MonkeyPatch
) -> None:
    neighbour().hello()
    pid = _record(data_dir)["pid"]
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
    record = _record(data_dir)
    gone = subprocess.Popen(["true"])
    gone.wait(10)
    (data_dir / "store" / "server.json").write_text(json.dumps(record | {"started_by": gone.pid}))
    second = await open_embedded(data_dir)
    assert second.owned
    await second.close()
    await wait_until(lambda: not first.owned)


def test_server_that_is_too_old_is_refused_with_its_version(tmp_path: Path) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=0'\n")
    old.chmod(0o755)
    with pytest.raises(StoreRefused, match=r"7\.2 or newer.*redis-server is Redis 7\.0\.15"):
        launch.find_server([tmp_path / "missing", old])


def test_wheel_carries_a_server_that_is_new_enough() -> None:
    assert launch.find_server().version >= launch.FLOOR


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
        os.kill(_record(data_dir)["pid"], signal.SIGKILL)
        await wait_until(lambda: not _alive(data_dir))
        with pytest.raises(LostConnection):
            await connection.redis.get("kept")
        await connection.recover()
        assert await connection.redis.get("kept") == b"yes"
        await subscription.aclose()  # type: ignore[no-untyped-call]
    finally:
        await connection.close()
    assert not _alive(data_dir)
