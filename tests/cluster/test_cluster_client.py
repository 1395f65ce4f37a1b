"""The client of a cluster: commands find the primary that holds their slot, also while slots move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis import exceptions

from gateway.errors import StoreRefused
from gateway.settings import StorePromise, read
from gateway.store import bulk, keys, scripts
from gateway.store.client import connect, open_other
from gateway.store.cluster import ClusterRedis
from gateway.store.cluster_slots import keys_of, slot_of
from gateway.store.readonly import WouldWrite, reading
from gateway.store.servers import fullest, infos, share, unwritten
from gateway.store.snapshot import refuse_others
from gateway.store.wakeup import listen, publish_to
from gateway.wake import Ready
from tests.support.cluster import Cluster
from tests.support.waiting import wait_until

NAMES = [f"{keys.tag(partition)}all" for partition in keys.all_partitions()]


@pytest.fixture
async def client(redis_url: str, redis: ClusterRedis) -> AsyncIterator[ClusterRedis]:
    made = open_other(redis_url, connections=8)
    assert isinstance(made, ClusterRedis)
    yield made
    await made.aclose()


async def test_a_pipeline_over_all_partitions_keeps_the_order_of_its_answers(client: ClusterRedis) -> None:
    pipeline = client.pipeline(transaction=False)
    for score, name in enumerate(NAMES):
        pipeline.zadd(name, {"c": score})
    assert await pipeline.execute() == [1] * 64
    for name in NAMES:
        pipeline.zscore(name, "c")
    assert await pipeline.execute() == list(range(64))
    assert len({slot_of(name) for name in NAMES}) > 60


async def test_commands_of_many_keys_are_put_together_from_all_nodes(client: ClusterRedis) -> None:
    names = [f"lease:{number}" for number in range(30)]
    for number, name in enumerate(names):
        await client.set(name, number, px=60_000)
    assert await client.mget([*names, "lease:none"]) == [*(str(number).encode() for number in range(30)), None]
    assert await client.exists(*names) == 30
    assert await client.dbsize() == 30
    assert sorted([name async for name in client.scan_iter(count=4)]) == sorted(name.encode() for name in names)
    assert await client.delete(*names) == 30


async def test_what_goes_over_slots_is_no_transaction(client: ClusterRedis) -> None:
    pipeline = client.pipeline(transaction=True)
    pipeline.hset("{desk}at", "a", "1")
    pipeline.hget("{desk}at", "a")
    assert await pipeline.execute() == [1, b"1"]
    pipeline.hget("{desk}at", "a")
    pipeline.hget("{out}q", "a")
    with pytest.raises(exceptions.CrossSlotTransactionError):
        await pipeline.execute()


async def test_a_wait_behind_writes_holds_for_every_node_that_was_written_to(client: ClusterRedis, store_server: Cluster) -> None:
    writes: list[bulk.Command] = [("ZADD", name, 1, "c") for name in NAMES]
    assert (await client.exchange([*writes, ("WAIT", 1, 2000)]))[-1] == 1
    assert (await client.exchange([*writes, ("WAIT", 2, 50)]))[-1] == 1, "each primary has one replica"


async def test_a_node_that_knows_no_scripts_is_taught_them(client: ClusterRedis) -> None:
    await client.script_flush()
    calls: list[scripts.Call] = [("lease", [keys.lease(f"job{number}")], ["take", "me", 9000]) for number in range(20)]
    assert await bulk.run_scripts(client, calls) == [1] * 20
    await client.script_flush()
    assert await scripts.run_many(client, calls) == [1] * 20


async def test_a_slot_on_its_way_to_another_node_is_followed(client: ClusterRedis, store_server: Cluster) -> None:
    stay, go = "{p:07}all", "{p:07}ways"
    await client.zadd(stay, {"c": 1})
    await client.zadd(go, {"m": 1})
    source = store_server.primary_of(stay)
    target = next(node for node in store_server.primaries if node is not source)
    slot = slot_of(stay)
    target.say("CLUSTER SETSLOT", slot, "IMPORTING", source.id)
    source.say("CLUSTER SETSLOT", slot, "MIGRATING", target.id)
    source.say("MIGRATE", "127.0.0.1", target.port, go, 0, 2000)
    pipeline = client.pipeline(transaction=False)
    for _ in range(5):
        pipeline.zscore(stay, "c")
        pipeline.zscore(go, "m")
    assert await pipeline.execute() == [1.0] * 10
    assert await asyncio.gather(*(client.zscore(go, "m") for _ in range(20))) == [1.0] * 20
    source.say("MIGRATE", "127.0.0.1", target.port, stay, 0, 2000)
    for node in (target, source, *store_server.primaries):
        node.say("CLUSTER SETSLOT", slot, "NODE", target.id)
    assert await client.zscore(stay, "c") == 1.0
    assert store_server.primary_of(stay) is target


async def test_a_wake_reaches_whoever_listens_at_any_node(client: ClusterRedis, redis_url: str) -> None:
    heard: list[str] = []
    stopping = asyncio.Event()
    listeners = [open_other(redis_url, connections=2) for _ in range(3)]

    def hear(topic: str, hints: object) -> None:
        heard.append(topic)

    tasks = [asyncio.create_task(listen(one, hear, stopping)) for one in listeners]
    publish = publish_to(client)

    async def all_heard() -> bool:
        await publish("desk", [])
        return len(heard) >= 3

    await wait_until(all_heard)
    heard.clear()
    await publish("dispatch", [Ready.look(7, "zz-wa")])
    await wait_until(lambda: heard.count("dispatch") == 3)
    stopping.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for one in listeners:
        await one.aclose()


async def test_who_only_reads_is_refused_to_write(client: ClusterRedis) -> None:
    looking = reading(client)
    assert await looking.get("{p:07}e:e07") is None
    with pytest.raises(WouldWrite):
        await looking.set("{p:07}e:e07", "1")


async def test_it_is_judged_by_its_weakest_primary(redis_url: str, redis: ClusterRedis, store_server: Cluster) -> None:
    settings = read({"GATEWAY_REDIS_URL": redis_url, "GATEWAY_STORE_ACKS": "1"}, None)
    connection = await connect(settings)
    assert connection.durability.problems == ()
    assert connection.durability.promise is StorePromise.DURABLE
    assert "3 primaries" in connection.promise
    assert "1 replica" in connection.promise
    await connection.close()
    weak = store_server.primaries[1]
    weak.client.config_set("appendfsync", "everysec")
    connection = await connect(settings)
    assert connection.durability.promise is StorePromise.BEST_EFFORT
    (problem,) = connection.durability.problems
    assert problem.startswith(f"127.0.0.1:{weak.port}: appendfsync is everysec")
    await connection.close()
    weak.client.config_set("appendfsync", "always")


async def test_a_backup_of_a_cluster_is_refused_with_what_to_do_instead(client: ClusterRedis) -> None:
    with pytest.raises(StoreRefused, match="each of its primaries"):
        await refuse_others(client)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("EVALSHA", "f0", 2, "a", "b", "x"), ("a", "b")),
        (("XINFO STREAM", "{wh:00}"), ("{wh:00}",)),
        (("XREADGROUP", "GROUP", "g", "c", "COUNT", 5, "STREAMS", "s", "t", ">", ">"), ("s", "t")),
        (("XREAD", "BLOCK", 5, b"STREAMS", "s", "0"), ("s",)),
        (("INFO", "replication"), ()),
        (("HMGET", "h", "a", "b"), ("h",)),
    ],
)
def test_keys_are_found_where_each_command_has_them(command: tuple[object, ...], expected: tuple[str, ...]) -> None:
    assert tuple(keys_of(command)) == expected


async def test_the_fullest_primary_says_how_much_room_there_is(client: ClusterRedis, store_server: Cluster) -> None:
    assert share(await fullest(client)) == 0
    small = store_server.primaries[2]
    used = int(small.client.info("memory")["used_memory"])
    small.client.config_set("maxmemory", used * 2)
    assert 0.4 < share(await fullest(client)) < 0.6
    small.client.config_set("maxmemory", 0)
    assert unwritten(await infos(client, "persistence")) == []
