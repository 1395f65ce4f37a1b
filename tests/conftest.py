"""Fixtures for every test: a real store for each worker, empty before each test and known to its last key after it."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from gateway.store import keys
from gateway.store.client import open_other
from tests.support import histories, postgres
from tests.support.cluster import Cluster
from tests.support.embedded import Neighbour, alive, record
from tests.support.one_slot import held
from tests.support.server import StoreServer
from tests.support.templates_once import read_once
from tests.support.waiting import wait_until_sync

ON_CLUSTER = os.environ.get("TEST_STORE") == "cluster"
"""Tests that ask for a store get a cluster of six; docs/stores.md says which cannot."""

# How long an example takes says how busy the machine is, and nothing about what is tested.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        mark = item.get_closest_marker("single_server")
        if mark is not None and ON_CLUSTER:
            item.add_marker(pytest.mark.skip(reason=f"not on a cluster: {mark.args[0]}"))


@pytest.fixture(scope="session")
def store_server() -> Iterator[StoreServer | Cluster]:
    """One Valkey with fsync on every write, or a cluster of them, for all tests of this pytest process."""
    server = Cluster() if ON_CLUSTER else StoreServer()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def one_slot(request: pytest.FixtureRequest) -> Iterator[None]:
    """On one server too, no script, transaction or command may need keys of two slots of a cluster."""
    if request.node.get_closest_marker("single_server") is not None:
        yield
        return
    with held() as found:
        yield
    assert not found, found


@pytest.fixture(scope="session", autouse=True)
def templates_read_once() -> Iterator[None]:
    with read_once():
        yield


@pytest.fixture(autouse=True)
def plain_tracebacks() -> None:
    """What is logged is not painted: a traceback with every local in a frame takes a second of a core, and loops log many."""
    if not structlog.is_configured():
        plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Path]:
    """One PostgreSQL for all tests of this pytest process that ask for it; the directory of its socket."""
    with postgres.server() as directory:
        yield directory


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of a test's own without tables, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    return await postgres.new_database(request.getfixturevalue("postgres_server"))


@pytest.fixture(params=["sqlite", "postgresql"])
async def history_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of a test's own with the tables of the history, once of each kind."""
    if request.param == "sqlite":
        return await histories.copy_of_file(tmp_path / "history.db")
    return await histories.copy_of_database(request.getfixturevalue("postgres_server"))


@pytest.fixture
def redis_url(store_server: StoreServer | Cluster) -> str:
    """unix://... of the worker's server. Ask for `redis` too where the store must be empty first."""
    return store_server.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of an empty store. After the test every key that is left must be one that gateway.store.keys knows."""
    client = open_other(redis_url, connections=64) if ON_CLUSTER else Redis.from_url(redis_url)
    await client.flushall()
    yield client
    try:
        await check_keys(client)
    finally:
        await client.aclose()


async def check_keys(client: Redis) -> None:
    """Hold every key that is left against the table of keys: its name, its type, whether it expires."""
    wrong: list[str] = []
    names = [bytes(raw) async for raw in client.scan_iter(count=1000)]
    for start in range(0, len(names), 1000):
        pipeline = client.pipeline(transaction=False)
        for raw in names[start : start + 1000]:
            pipeline.type(raw)
            pipeline.pttl(raw)
        answers = iter(await pipeline.execute())
        for raw, answer, left in zip(names[start : start + 1000], answers, answers, strict=True):
            name = raw.decode("utf-8", "replace")
            kind = keys.kind_of(name)
            if kind is None:
                wrong.append(f"{name}: no row of gateway.store.keys.TABLE")
                continue
            found = answer.decode() if isinstance(answer, bytes) else answer
            expires = left != -1
            if found == "none" or left == -2:  # its time was over while we looked
                continue
            if found != kind.type:
                wrong.append(f"{name}: is a {found}, should be a {kind.type}")
            if kind.ttl is not None and expires != kind.ttl:
                wrong.append(f"{name}: {'expires and should not' if expires else 'should expire and does not'}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A GATEWAY_DATA_DIR with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="thuisfront-data-") as name:
        yield Path(name)


@pytest.fixture
def neighbour(data_dir: Path) -> Iterator[Callable[[], Neighbour]]:
    """Starts one more process on `data_dir`; all of them, and their server, are gone after the test."""
    started: list[Neighbour] = []

    def start() -> Neighbour:
        started.append(Neighbour(data_dir))
        return started[-1]

    yield start
    for one in started:
        one.end()
    try:
        wait_until_sync(lambda: not alive(data_dir))
    except AssertionError:
        os.kill(record(data_dir)["pid"], signal.SIGKILL)
        raise
