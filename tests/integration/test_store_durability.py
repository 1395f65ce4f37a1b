"""What real servers with real configurations are judged to keep, and the waits for replicas."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.errors import SettingsError, StoreRefused, StoreUnavailable
from gateway.settings import Environment, Settings, StorePromise, read
from gateway.store import client as client_module
from gateway.store import durability, launch
from gateway.store.client import connect
from gateway.store.durability import Durability, examine, judge_acks, queue_acks
from tests.support.server import StoreServer, free_port
from tests.support.waiting import wait_until

MakeServer = Callable[..., StoreServer]


@pytest.fixture
def make_server() -> Iterator[MakeServer]:
    made: list[StoreServer] = []

    def make(options: dict[str, str] | None = None, port: int = 0) -> StoreServer:
        made.append(StoreServer(options, port=port))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
async def primary(make_server: MakeServer) -> StoreServer:
    """A primary with one replica that has caught up; both keep an append-only file."""
    server = make_server({"repl-diskless-sync-delay": "0"}, port=free_port())
    make_server({"replicaof": f"127.0.0.1 {server.port}"})
    client = Redis.from_url(server.url)
    await wait_until(lambda: _caught_up(client), timeout=20)
    await client.aclose()
    return server


async def _caught_up(primary: Redis) -> bool:
    info = await primary.info("replication")
    return bool(info["connected_slaves"] == 1 and info["slave0"]["state"] == "online")


def settings(**more: str) -> Settings:
    return read(more, None)


async def judged(url: str, **more: str) -> Durability:
    client = Redis.from_url(url)
    try:
        return await examine(client, settings(**more))
    finally:
        await client.aclose()


async def test_server_with_every_write_on_disk_is_fit_for_production(make_server: MakeServer) -> None:
    found = await judged(make_server().url)
    assert (found.problems, found.promise, found.config_barred) == ((), StorePromise.DURABLE, False)
    assert found.sentence == "202 means on the disk of this server, before the answer."
    found.demand(Environment.PRODUCTION)


@pytest.mark.parametrize(
    ("options", "line", "loses"),
    [
        ({"appendfsync": "everysec"}, "`appendfsync always`", "up to a second"),
        ({"appendfsync": "no"}, "`appendfsync always`", "up to half a minute"),
        ({"appendonly": "no"}, "`appendonly yes`", "loses everything of it"),
        ({"appendonly": "no", "save": "60 1"}, "`appendonly yes`", "since the last snapshot"),
    ],
)
async def test_server_that_may_lose_promises_is_refused_in_production_only(
    make_server: MakeServer, options: dict[str, str], line: str, loses: str
) -> None:
    found = await judged(make_server(options).url)
    assert found.promise is StorePromise.BEST_EFFORT
    assert line in found.problems[0]
    assert loses in found.sentence
    found.demand(Environment.DEMO)
    found.demand(Environment.STAGING)
    with pytest.raises(StoreRefused, match=line):
        found.demand(Environment.PRODUCTION)


async def test_server_that_evicts_is_refused_in_production(make_server: MakeServer) -> None:
    found = await judged(make_server({"maxmemory-policy": "allkeys-lru", "maxmemory": "100mb"}).url)
    assert len(found.problems) == 1
    with pytest.raises(StoreRefused, match=r"maxmemory-policy is allkeys-lru.*`maxmemory-policy noeviction`"):
        found.demand(Environment.PRODUCTION)


async def test_every_problem_is_named_at_once(make_server: MakeServer) -> None:
    server = make_server({"appendonly": "no", "appendfsync": "everysec", "maxmemory-policy": "volatile-ttl"})
    assert len((await judged(server.url, GATEWAY_STORE_ACKS="1")).problems) == 4


@pytest.fixture
async def barred_url(make_server: MakeServer) -> str:
    """A server whose user may not look at the configuration, as on a managed store."""
    server = make_server({"appendfsync": "everysec"})
    admin = Redis.from_url(server.url)
    await admin.execute_command("ACL", "SETUSER", "app", "on", ">secret-word", "~*", "&*", "+@all", "-config")  # type: ignore[no-untyped-call]
    await admin.execute_command("ACL", "SETUSER", "blind", "on", ">secret-word", "~*", "&*", "+@all", "-info")  # type: ignore[no-untyped-call]
    await admin.aclose()
    return f"unix://app:secret-word@{server.socket}"


async def test_operator_must_say_what_a_store_keeps_that_bars_config(barred_url: str) -> None:
    silent = await judged(barred_url)
    assert silent.config_barred
    with pytest.raises(StoreRefused, match="GATEWAY_STORE_PROMISE=durable"):
        silent.demand(Environment.PRODUCTION)
    told = await judged(barred_url, GATEWAY_STORE_PROMISE="replicated")
    assert told.promise is StorePromise.REPLICATED
    assert "the operator's word" in told.sentence
    told.demand(Environment.PRODUCTION)


async def test_operators_word_does_not_outweigh_what_can_be_seen(make_server: MakeServer) -> None:
    found = await judged(make_server({"appendfsync": "everysec"}).url, GATEWAY_STORE_PROMISE="durable")
    assert found.promise is StorePromise.BEST_EFFORT
    assert found.problems


async def test_eviction_is_seen_even_where_config_is_barred(make_server: MakeServer, barred_url: str) -> None:
    admin = Redis.from_url(barred_url.replace("app:secret-word@", ""))
    await admin.config_set("maxmemory-policy", "allkeys-lfu")
    await admin.aclose()
    found = await judged(barred_url, GATEWAY_STORE_PROMISE="durable")
    assert ["allkeys-lfu" in problem for problem in found.problems] == [True]


async def test_user_without_info_is_told_the_right_to_ask_for(barred_url: str) -> None:
    found = await judged(barred_url.replace("app:", "blind:"))
    with pytest.raises(StoreRefused, match=r"\+info"):
        found.demand(Environment.DEMO)


async def test_replica_is_refused_everywhere(make_server: MakeServer) -> None:
    found = await judged(make_server({"replicaof": f"127.0.0.1 {free_port()}"}).url)
    with pytest.raises(StoreRefused, match="replica"):
        found.demand(Environment.DEMO)


async def test_member_of_a_cluster_is_refused_everywhere(make_server: MakeServer) -> None:
    found = await judged(make_server({"cluster-enabled": "yes"}, port=free_port()).url)
    with pytest.raises(StoreRefused, match="cluster"):
        found.demand(Environment.DEMO)


async def appended(url: str, replicas: int) -> None:
    pool = Redis.from_url(url)
    pipeline = pool.pipeline(transaction=False)
    pipeline.xadd("log", {"a": "1"})
    queue_acks(pipeline, replicas)
    *_, reply = await pipeline.execute(raise_on_error=False)
    await pool.aclose()
    judge_acks(reply, replicas)


async def test_append_that_a_replica_acknowledges_is_promised(primary: StoreServer) -> None:
    assert "acknowledged by 1 replica" in (await judged(primary.url, GATEWAY_STORE_ACKS="1")).sentence
    await appended(primary.url, 1)


async def test_append_that_too_few_replicas_acknowledge_is_not_promised(
    primary: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durability, "ACKS_TIMEOUT_MS", 1500)
    with pytest.raises(StoreUnavailable, match="1 of 2 replicas"):
        await appended(primary.url, 2)


async def test_wait_that_the_server_refuses_is_no_promise(make_server: MakeServer) -> None:
    with pytest.raises(StoreUnavailable, match="could not wait"):
        await appended(make_server({"replicaof": f"127.0.0.1 {free_port()}", "replica-read-only": "no"}).url, 1)


async def test_address_is_shown_without_its_password_and_a_wrong_one_is_named(barred_url: str) -> None:
    wrong = barred_url.replace("secret-word", "wrong-word")
    with pytest.raises(StoreRefused, match="refuses the user or password") as refused:
        await connect(settings(GATEWAY_REDIS_URL=wrong))
    assert "wrong-word" not in str(refused.value)
    connection = await connect(settings(GATEWAY_REDIS_URL=barred_url))
    assert "secret-word" not in connection.where
    await connection.close()


async def test_nobody_there_says_which_address_and_setting() -> None:
    port = free_port()
    with pytest.raises(StoreUnavailable, match=rf"127\.0\.0\.1:{port}.*GATEWAY_REDIS_URL"):
        await connect(settings(GATEWAY_REDIS_URL=f"valkey://127.0.0.1:{port}/0"))


async def test_replicas_that_nobody_waits_for_are_spoken_of(primary: StoreServer) -> None:
    assert "a failover loses what no replica has heard of" in (await judged(primary.url)).sentence.lower()
    assert "failover" not in (await judged(primary.url, GATEWAY_STORE_ACKS="1")).sentence


async def test_a_cluster_has_no_second_database() -> None:
    with pytest.raises(SettingsError, match="without a database"):
        await connect(settings(GATEWAY_REDIS_URL="redis+cluster://127.0.0.1:7000/1"))


async def test_a_server_alone_is_not_taken_for_a_cluster(make_server: MakeServer) -> None:
    server = make_server(port=free_port())
    with pytest.raises(StoreRefused, match="no cluster: write redis://"):
        await connect(settings(GATEWAY_REDIS_URL=f"redis+cluster://127.0.0.1:{server.port}"))


async def test_more_commands_than_connections_wait_in_line(make_server: MakeServer) -> None:
    connection = await connect(settings(GATEWAY_REDIS_URL=make_server().url))
    answers = await asyncio.gather(*(connection.redis.incr("n") for _ in range(500)))
    assert sorted(answers) == list(range(1, 501))
    await connection.close()


async def test_blocking_client_outwaits_the_time_limit_of_the_other(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "REPLY_S", 0.1)
    connection = await connect(settings(GATEWAY_REDIS_URL=make_server().url))
    assert await connection.blocking.blpop(["nothing"], timeout=0.4) is None
    await connection.close()


async def test_sentinels_are_asked_for_the_primary(make_server: MakeServer) -> None:
    server = make_server(port=free_port())
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="thuisfront-sentinel-") as name:
        config = Path(name) / "sentinel.conf"
        config.write_text(f"port {port}\nbind 127.0.0.1\ndir {name}\nsentinel monitor main 127.0.0.1 {server.port} 1\n")
        process = launch.spawn(launch.find_server().path, [str(config), "--sentinel"], log=Path(name) / "log")
        try:

            async def connected() -> bool:
                try:
                    connection = await connect(settings(GATEWAY_REDIS_URL=f"redis+sentinel://127.0.0.1:{port}/main"))
                except StoreUnavailable:
                    return False
                await connection.redis.set("by", "sentinel")
                assert connection.durability.promise is StorePromise.DURABLE
                await connection.close()
                return True

            await wait_until(connected)
        finally:
            process.kill()
            process.wait(10)
    client = Redis.from_url(server.url)
    assert await client.get("by") == b"sentinel"
    await client.aclose()


async def test_sentinel_url_without_a_service_is_refused() -> None:
    with pytest.raises(SettingsError, match="the service's name"):
        await connect(settings(GATEWAY_REDIS_URL="redis+sentinel://127.0.0.1:26379"))
