"""On a cluster an act is on several servers: its answer waits for the replicas of each."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.errors import NotReplicated
from gateway.model.ids import ContactId, random_id
from gateway.settings import read
from gateway.store import durability, keys, promised
from gateway.store.brakes import BrakeBook
from gateway.store.client import Connection, connect
from gateway.store.cluster_slots import slot_of
from gateway.store.contacts import Contacts, FactChange
from gateway.store.senders import Stop
from gateway.store.vault import KeyRing, Vault
from tests.support.cluster import SLOTS, Cluster


@pytest.fixture
async def store(redis: object, redis_url: str, data_dir: Path) -> AsyncIterator[Connection]:
    settings = read({"GATEWAY_REDIS_URL": redis_url, "GATEWAY_DATA_DIR": str(data_dir), "GATEWAY_STORE_ACKS": "1"}, None)
    made = await connect(settings)
    yield made
    await made.close()


@contextmanager
def away(cluster: Cluster, name: str) -> Iterator[None]:
    """The replica of the primary that holds this key takes nothing. Each third of the slots has its own, in order."""
    replica = cluster.nodes[3 + slot_of(name) * 3 // SLOTS]
    assert not replica.is_primary
    replica.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(durability, "ACKS_TIMEOUT_MS", 150)
            yield
    finally:
        replica.process.send_signal(signal.SIGCONT)


async def test_a_word_waits_for_the_replica_of_its_own_primary_alone(store: Connection, store_server: Cluster) -> None:
    vault = Vault(KeyRing(KeyRing.generate()), store.redis)
    contacts = Contacts(store.redis, Clock(), vault)
    here = ContactId(random_id("c", 3))
    mine = slot_of(keys.of(here, "f")) * 3 // SLOTS
    there = next(
        one for one in (ContactId(random_id("c", number)) for number in keys.all_partitions())
        if slot_of(keys.of(one, "f")) * 3 // SLOTS != mine
    )  # fmt: skip
    word = FactChange("k:journey.whatsapp.zz", "w", 1, "consent")
    with away(store_server, keys.of(here, "f")):
        assert await contacts.change_facts(there, [word]) == [True]
        with pytest.raises(NotReplicated):
            await contacts.change_facts(here, [word])
    assert await contacts.change_facts(here, [word]) == [False], "it was done: only its answer was missing"


async def test_a_brake_waits_for_the_replicas_of_both_its_servers(store: Connection, store_server: Cluster) -> None:
    book, fact = BrakeBook(store.redis, Clock()), keys.part(0, "facts")
    stop = Stop("all", 0, "eva", "drill", 1)
    for name in (keys.STOPS, fact):
        with away(store_server, name), pytest.raises(NotReplicated):
            await book.stop(stop)
    await book.stop(stop)


async def test_nothing_is_waited_for_where_nobody_asked(redis: object, redis_url: str, data_dir: Path) -> None:
    made = await connect(read({"GATEWAY_REDIS_URL": redis_url, "GATEWAY_DATA_DIR": str(data_dir)}, None))
    try:
        await BrakeBook(made.redis, Clock()).stop(Stop("all", 0, "eva", "drill", 1))
        assert promised.replicas_of(made.redis) == 0
        assert await made.redis.exists(keys.acked(keys.STOPS)) == 0
    finally:
        await made.close()
