"""The embedded server's start: on damaged files, on a full disk, on a long file, without a server to start."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from gateway.errors import StoreRefused, StoreUnavailable
from gateway.store import embedded, launch
from gateway.store.embedded import open_embedded
from tests.support.embedded import opened
from tests.support.waiting import wait_until


async def test_cut_off_tail_is_dropped_and_told(data_dir: Path) -> None:
    async with opened(data_dir) as (_, client):
        await client.set("a", "1")
        await client.set("b", "2")
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


def test_server_that_is_too_old_is_refused_with_its_version(tmp_path: Path) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=0'\n")
    old.chmod(0o755)
    with pytest.raises(StoreRefused, match=r"7\.2 or newer.*redis-server is Redis 7\.0\.15"):
        launch.find_server([tmp_path / "missing", old])


def test_wheel_carries_a_server_that_is_new_enough() -> None:
    assert launch.find_server().version >= launch.FLOOR


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("# Short write while writing to the AOF file\n# Can't recover from AOF write error when", StoreUnavailable, "is full"),
        ("# Can't open or create append-only dir appendonlydir: Not a directory\n", StoreUnavailable, "Not a directory"),
        ("# Failed opening Unix socket: bind: Permission denied\n", StoreUnavailable, "bind: Permission denied"),
        ("# Wrong RDB checksum expected: (79) but got (61). Aborting now.\n", StoreRefused, "Restore a backup"),
        ("# Unable to obtain the AOF file appendonly.aof.1.base.rdb length. stat: No such", StoreRefused, "Restore a backup"),
        ("*** FATAL AOF MANIFEST FILE ERROR ***\n\nInvalid AOF manifest file format\n", StoreRefused, "manifest"),
        ("7:M 22 Nov 2026 04:26:46.493 # Something new and bad\n", StoreUnavailable, "starting: Something new and bad"),
        ("", StoreUnavailable, "it said nothing"),
    ],
)
def test_what_a_server_said_before_it_ended_becomes_one_sentence(
    said: str, kind: type[Exception], words: str, tmp_path: Path
) -> None:
    told = launch.why_it_ended(said, tmp_path, Path("/usr/bin/valkey-server"))
    assert type(told) is kind
    assert words in str(told)
    assert str(tmp_path) in str(told)
