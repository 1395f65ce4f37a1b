"""Kept webhooks are split and inboxes applied several at a time: nobody waits for another, and each keeps its own order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.errors import NotReplicated, StoreUnavailable
from gateway.store import keys
from gateway.store.vault import KeyMissing
from gateway.webhooks import worker
from gateway.webhooks.apply import Applier
from tests.support.core import House, open_house
from tests.support.meta import inbound_text, webhook

HERE, THERE = 3, 40


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


class Meeting(Applier):
    """Applies by writing down; `first` of one partition is done only once `first` of the other one is."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.met = {"here first": asyncio.Event(), "there first": asyncio.Event()}
        self.refuses: set[str] = set()
        self.why: Exception = StoreUnavailable("no room for this")

    async def apply(self, value: Mapping[str, Any]) -> None:
        name = value["name"]
        if name in self.refuses:
            raise self.why
        if name in self.met:
            self.met[name].set()
            async with asyncio.timeout(5):
                await asyncio.gather(*(one.wait() for one in self.met.values()))
        self.done.append(name)


async def delivered(house: House) -> None:
    """Three items in each of two inboxes."""
    await house.runtime.webhooks.deliver([
        (partition, f"{where}-{name}", {"kind": "status", "name": f"{where} {name}"})
        for name in ("first", "second", "third")
        for partition, where in ((HERE, "here"), (THERE, "there"))
    ])  # fmt: skip


async def turn(house: House, applier: Applier) -> int:
    webhooks = house.runtime.webhooks
    return await worker._apply_all(webhooks, applier, await webhooks.inbox(keys.all_partitions(), limit=worker.BATCH))


async def test_two_partitions_are_applied_at_once_and_each_in_its_order(house: House) -> None:
    await delivered(house)
    applier = Meeting()
    assert await turn(house, applier) == 6
    for where in ("here", "there"):
        in_order = [f"{where} {name}" for name in ("first", "second", "third")]
        assert [one for one in applier.done if one.startswith(where)] == in_order
    assert await house.runtime.webhooks.backlog() == (0, 0)


async def test_what_waits_for_room_holds_up_its_own_partition_and_no_other(house: House) -> None:
    await delivered(house)
    applier = Meeting()
    applier.refuses = {"here second"}
    assert await turn(house, applier) == 4
    assert "here third" not in applier.done
    assert "there third" in applier.done
    applier.refuses.clear()
    assert await turn(house, applier) == 2
    assert applier.done[-2:] == ["here second", "here third"]


@pytest.mark.parametrize(
    ("why", "applied"), [(NotReplicated("0 of 1"), 2), (KeyMissing("key 7"), 2), (StoreUnavailable("no answer"), 0)]
)
async def test_a_stop_that_waits_for_a_replica_keeps_no_other_partition_waiting_behind_it(
    house: House, monkeypatch: pytest.MonkeyPatch, why: Exception, applied: int
) -> None:
    monkeypatch.setattr(worker, "PATIENCE_S", -1.0)  # a wait for replicas takes that long
    monkeypatch.setattr(worker, "AT_ONCE", 1)
    await house.runtime.webhooks.deliver(
        [(place, f"at-{place}", {"kind": "status", "name": f"at {place}"}) for place in (HERE, HERE + 1, THERE)]
    )
    applier = Meeting()
    applier.refuses, applier.why = {f"at {HERE}"}, why
    assert await turn(house, applier) == applied
    assert len(applier.done) == applied


async def test_what_was_begun_before_without_an_end_is_applied_without_company(house: House) -> None:
    await delivered(house)
    webhooks = house.runtime.webhooks
    [suspect] = [one for one in await webhooks.inbox([HERE], limit=1)]
    await webhooks.begin(suspect)  # its process died of it, or of another
    running: list[str] = []
    company: dict[str, int] = {}

    class Watching(Meeting):
        async def apply(self, value: Mapping[str, Any]) -> None:
            running.append(value["name"])
            await house.redis.ping()
            company[value["name"]] = len(running)
            running.remove(value["name"])
            self.done.append(value["name"])

    applier = Watching()
    assert await turn(house, applier) == 4
    assert applier.done[3:] == ["here first"], "what comes behind it has company again"
    assert company["here first"] == 1
    assert await turn(house, applier) == 2
    assert applier.done[4:] == ["here second", "here third"]
    assert await webhooks.backlog() == (0, 0)


async def test_what_ends_its_process_three_times_is_parked_and_its_neighbours_are_applied(house: House) -> None:
    await delivered(house)
    webhooks = house.runtime.webhooks
    [suspect] = await webhooks.inbox([HERE], limit=1)
    for _ in range(worker.TRIES):
        await webhooks.begin(suspect)
    applier = Meeting()
    applier.met = {}
    assert [await turn(house, applier), await turn(house, applier)] == [4, 2]
    assert sorted(applier.done) == ["here second", "here third", "there first", "there second", "there third"]
    assert await house.redis.xlen(keys.part(HERE, "parked")) == 1


async def test_a_partition_that_is_spoilt_cuts_no_other_off(house: House) -> None:
    await delivered(house)
    await house.redis.set(keys.part(HERE, "int"), "no hash")
    applier = Meeting()
    applier.met = {}
    assert await turn(house, applier) == 3
    assert applier.done == ["there first", "there second", "there third"]
    await house.redis.delete(keys.part(HERE, "int"))
    assert await turn(house, applier) == 3
    assert applier.done[3:] == ["here first", "here second", "here third"]


async def test_no_more_than_so_many_partitions_are_applied_at_a_time(house: House) -> None:
    await house.runtime.webhooks.deliver(
        [(partition, f"at-{partition}", {"kind": "status", "name": f"at {partition}"}) for partition in keys.all_partitions()]
    )
    running, most = 0, 0

    class Counting(Meeting):
        async def apply(self, value: Mapping[str, Any]) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await house.redis.ping()
            running -= 1

    assert await turn(house, Counting()) == len(keys.all_partitions())
    assert 1 < most <= worker.AT_ONCE


async def test_what_came_over_one_connection_is_split_in_its_order(house: House) -> None:
    """Two lines are two logs; each person wrote all theirs over one of them."""
    for place in range(6):
        for person, line in (("447700900101", 0), ("447700900102", 1)):
            raw = webhook(inbound_text(house, person, f"{person} wrote {place}", wamid=f"wamid.{person}.{place}"))
            await house.runtime.webhooks.append("whatsapp", raw, line=line)
    assert await house.splitter.turn(range(keys.WEBHOOK_LOGS)) == 12
    found: dict[str, list[str]] = {}
    for item in await house.runtime.webhooks.inbox(keys.all_partitions(), limit=50):
        who, _, words = str(item.value["text"]).partition(" wrote ")
        found.setdefault(who, []).append(words)
    assert found == {person: [str(place) for place in range(6)] for person in ("447700900101", "447700900102")}
