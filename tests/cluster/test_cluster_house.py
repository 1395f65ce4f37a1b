"""The whole house on a cluster: from an event to a phone and back, to many people at once, and over the death of a primary."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.insight.history import open_history
from gateway.store import keys
from gateway.store.agents import Agents
from gateway.store.facts import Facts
from tests.support.cluster import Cluster, ClusterNode
from tests.support.house import House, house_running
from tests.support.under_load import Orders
from tests.support.waiting import wait_until, wait_until_sync

EVA, TOM = "+447700900123", "+447700900124"


@pytest.mark.timeout(120)
async def test_an_event_reaches_a_phone_and_the_answer_reaches_a_person(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with house_running(data_dir, GATEWAY_REDIS_URL=redis_url, GATEWAY_STORE_ACKS="1") as house:
        assert (await house.event("ce-order-confirmed-flight.json"))[0] == 202
        await house.told(EVA, "order_confirmed_v1")
        assert (await house.event("ce-flight-delayed.json"))[0] == 202
        delayed = await house.told(EVA, "flight_delayed_v1")
        await house.told(TOM, "flight_delayed_v1")
        message = delayed["opaque"].partition(".")[0]

        async def known_as_read() -> bool:
            assert house.runtime is not None
            found = await house.runtime.outbox.record(message)
            return found is not None and int(found[0].status) == 3

        await wait_until(known_as_read, timeout=15)
        await house.says(EVA, text="Haal ik mijn aansluiting nog?", reply_to=delayed["id"])
        await wait_until(lambda: _waiting(house), timeout=15)
        (conversation,) = await _waiting(house)
        for command, body in (("take", {}), ("reply", {"text": "Ja, u haalt het ruim."})):
            status, conversation = await house.post(
                f"/v1/conversations/{conversation['id']}/{command}",
                {"agent": _sanne(house), "epoch": conversation["epoch"], **body},
                **{"Idempotency-Key": f"key-{command}-1"},
            )
            assert status == 200, conversation

        async def answered() -> bool:
            return [one["body"] for one in await house.received(EVA)].count("Ja, u haalt het ruim.") == 1

        await wait_until(answered, timeout=15)
        await wait_until(lambda: _folded(house), timeout=15)


def _sanne(house: House) -> str:
    assert house.runtime is not None
    return Agents(house.runtime.connection.redis, house.runtime.clock, house.runtime.vault).agent_id("sanne")


async def _waiting(house: House) -> list[Any]:
    _, value = await house.get("/v1/conversations?queue=general")
    found: list[Any] = value["conversations"]
    return found


async def _folded(house: House) -> bool:
    """The history has taken in every partition's facts, wherever they lie."""
    assert house.runtime is not None
    history = await open_history(house.runtime.settings.history_url)
    try:
        positions = await history.positions(keys.all_partitions())
        left = await Facts(house.runtime.connection.redis).unfolded({at: one.stream_id for at, one in positions.items()})
    finally:
        await history.close()
    return not left


@pytest.mark.timeout(150)
async def test_what_was_answered_is_told_once_while_a_primary_dies(
    redis: Redis, redis_url: str, data_dir: Path, store_server: Cluster
) -> None:
    async with house_running(
        data_dir, GATEWAY_REDIS_URL=redis_url, GATEWAY_STORE_ACKS="1", GATEWAY_LEASE_MS="4000"
    ) as house:
        victim = store_server.primary_of("{p:07}facts")
        orders = Orders(house, 24)

        async def kill() -> None:
            """The primary dies; once its replica has taken over, it comes back as a replica, so that there is one to wait for."""
            victim.kill()
            await asyncio.to_thread(wait_until_sync, lambda: _taken_over(store_server, victim), timeout=20)
            victim.start()

        await orders.send(every_s=0.1, at=8, then=kill)
        await orders.wait_until_all_arrived(timeout=90)  # what was begun when the store went is begun again half a minute later
        assert len(orders.answered) == 24
        assert {phone: count for phone, count in (await orders.counts()).items() if count != 1} == {}
    await asyncio.to_thread(store_server.wait_until_whole)


def _taken_over(cluster: Cluster, victim: ClusterNode) -> bool:
    try:
        return cluster.primary_of("{p:07}facts") is not victim
    except AssertionError:
        return False
