"""The drill: a backup under load, a thousand sends more, people who stop and are erased, then the store is lost and brought back.

The gateway runs in this process, on an embedded store of its own; `backup`, `restore` and `resume` are run as an operator runs
them. What was really sent is counted at the edge.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway import roles
from gateway.app import open_runtime
from gateway.insight.fold import Fold
from gateway.insight.history import open_history
from gateway.insight.kinds import name_of
from gateway.model.contact import ConsentEntry
from gateway.model.event import BusinessEvent
from gateway.model.ids import MessageId
from gateway.model.message import MessageState, parse_opaque
from gateway.store import keys, scripts
from gateway.store.erasure import Erasure
from gateway.store.facts import Facts
from gateway.store.hold import Hold
from gateway.store.wakeup import write_offset
from tests.integration.commands_stage import Ran, run
from tests.support.core import House, facts_of, iso, noon, settings_for
from tests.support.edge import Edge, edge_running
from tests.support.embedded import alive, record
from tests.support.waiting import wait_until

PEOPLE = 250
STOPPED = range(1, 46)
ERASED = range(46, 50)
LATE_STOPPED, LATE_ERASED = range(251, 256), 256
SOON = "ZZ2002/2026-11-22/AMS"
SOON_STOPPED = f"subject:flight:{SOON}"


@dataclass
class Drill:
    data_dir: Path
    edge: Edge
    env: dict[str, str]
    sent_events: list[BusinessEvent] = field(default_factory=list)
    """what the sources have said since the backup: they say it again afterwards"""

    async def command(self, *words: str) -> Ran:
        return await run(self.data_dir, *words, stdin="", launcher=None, **self.env)

    def posts(self, begin: int = 0) -> list[dict[str, Any]]:
        return [body for _, call, body in self.edge.asked[begin:] if call == "messages"]

    def ids(self, begin: int = 0) -> list[str]:
        found = (parse_opaque(body["biz_opaque_callback_data"]) for body in self.posts(begin))
        return [one[0] for one in found if one is not None]

    def numbers(self, begin: int = 0) -> set[int]:
        return {int(str(body["to"])[-3:]) for body in self.posts(begin)}

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        async with open_runtime(settings_for("", self.data_dir, self.edge.url, **self.env)) as runtime:
            await scripts.load_all(runtime.connection.redis)
            if not runtime.clock.offset_ms:
                runtime.clock.offset_ms = noon()
                await write_offset(runtime.connection.redis, runtime.clock.offset_ms)
            house = House(runtime)
            await house.approve()
            yield house

    async def lose_the_store(self) -> None:
        os.kill(record(self.data_dir)["pid"], signal.SIGKILL)
        await wait_until(lambda: not alive(self.data_dir))
        shutil.rmtree(self.data_dir / "store")

    async def opt_out(self, house: House, numbers: Sequence[int]) -> None:
        now = house.clock.now_ms()
        for number in numbers:
            contact = await house.find(number)
            assert contact is not None
            entry = ConsentEntry("journey", "whatsapp", "zz", False, now, "stop_word")
            assert await house.runtime.contacts.set_consents(contact, [entry]) == [True]

    async def erase(self, house: House, numbers: Sequence[int]) -> None:
        runtime = house.runtime
        erasure = Erasure(
            runtime.connection.redis, runtime.clock, runtime.vault, runtime.contacts, runtime.conversations,
            runtime.directory.ids, runtime.pairs,
        )  # fmt: skip
        for number in numbers:
            contact = await house.find(number)
            assert contact is not None
            await erasure.erase(contact)

    def soon(self, house: House, late_min: int) -> BusinessEvent:
        """A flight that leaves a little late: news of it is soon stale."""
        now = house.clock.now_ms()
        times = {
            "departure": {"scheduled": iso(now - 120_000), "estimated": iso(now + late_min * 60_000)},
            "arrival": {"scheduled": iso(now + 3_600_000)},
        }
        return house.flight(entity=SOON, times=times, version=late_min)


@pytest.fixture
async def drill(data_dir: Path) -> AsyncIterator[Drill]:
    async with edge_running() as edge:
        more = {
            "GATEWAY_ENV": "demo", "GATEWAY_ONLY_TO": "*", "GATEWAY_GRAPH_URL": edge.url, "GATEWAY_PER_SECOND": "120",
            "GATEWAY_EVIDENCE_MS": "500", "GATEWAY_SENDERS_FILE": str(data_dir / "senders.json"), "GATEWAY_BRAND": "zz",
            "GATEWAY_WHATSAPP_PHONE_NUMBER_ID": "", "GATEWAY_WHATSAPP_WABA_ID": "", "GATEWAY_WHATSAPP_TOKEN": "",
        }  # fmt: skip
        yield Drill(data_dir, edge, more)


@asynccontextmanager
async def dispatching(house: House) -> AsyncIterator[None]:
    """The real dispatcher, until the end of the block; what is out then is settled."""
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(house.make_dispatcher().run(stopping, 10))
        try:
            yield
        finally:
            stopping.set()


async def fold_all(house: House) -> None:
    """Everything that has happened into the history."""
    runtime = house.runtime
    history = await open_history(runtime.settings.history_url)
    try:
        facts = Facts(house.redis, settle_ms=0)
        fold = Fold(facts=facts, history=history, metrics=runtime.metrics, clock=runtime.clock, limit=500)
        await fold.hold(keys.all_partitions())
        while await fold.turn():
            pass
    finally:
        await history.close()


async def everybody(house: House, numbers: Sequence[int]) -> list[BusinessEvent]:
    """Orders of 25 people each, on a flight that leaves in five hours."""
    orders = []
    for begin in range(0, len(numbers), 25):
        some = [house.recipient(number) for number in numbers[begin : begin + 25]]
        orders.append(house.order(*some, number=f"ORD{numbers[begin]:03d}"))
    await house.tell(*orders)
    return orders


def slowed(minutes: float) -> dict[str, str]:
    """A bucket of which a tenth is left for so long, as the channel's refusals leave it (lua/slow_down.lua)."""
    return {"rate": "0.1", "slow": str(round((time.time() + minutes * 60) * 1000))}


async def queue_is_empty(house: House) -> bool:
    return await house.runtime.outbox.depth(house.runtime.directory.ids) == 0


@pytest.mark.long
@pytest.mark.timeout(170)
async def test_a_lost_store_comes_back_and_nobody_is_written_to_who_should_not_be(drill: Drill) -> None:
    async with drill.house() as house:
        await everybody(house, range(1, PEOPLE + 1))
        soon_order = house.order(
            *[house.recipient(number) for number in range(1, 21)], number="SOON01",
            itinerary=[house.leg(SOON)],
        )  # fmt: skip
        await house.tell(soon_order)
        async with dispatching(house):
            await wait_until(lambda: len(drill.posts()) > 30, timeout=30)
            assert (await drill.command("stop", SOON_STOPPED, "--why", "drill")).code == 0
            house.brakes.stale()
            await house.tell(drill.soon(house, 15))
            # A tenth of the rate: on a busy machine a command takes as long to begin as all of it takes to be sent.
            await house.redis.hset(keys.bucket(house.runtime.directory.ids[0]), mapping=slowed(minutes=2))
            await house.tell(house.flight(late_min=30, version=1))
            taken = await drill.command("backup", "one.tar", "--json")  # while it sends
            assert taken.code == 0, taken.err
            assert not await queue_is_empty(house), "the backup was not under load"
            at_backup = len(drill.posts())
            await house.redis.hdel(keys.bucket(house.runtime.directory.ids[0]), "rate", "slow")
            assert (await drill.command("resume", SOON_STOPPED, "--yes")).code == 0
            await wait_until(lambda: queue_is_empty(house), timeout=60)
            late = await everybody(house, [*LATE_STOPPED, LATE_ERASED])
            for version, late_min in enumerate((60, 95, 130, 170), 2):
                event = house.flight(late_min=late_min, version=version)
                await house.tell(event)
                drill.sent_events.append(event)
                await wait_until(lambda: queue_is_empty(house), timeout=60)
            await drill.opt_out(house, [*STOPPED, *LATE_STOPPED])
            erased = await house.find(ERASED[0])
            assert erased is not None
            wrapped = await house.redis.get(keys.of(erased, "k"))
            await drill.erase(house, [*ERASED, LATE_ERASED])
        assert len(drill.posts()) - at_backup >= 1000
        drill.sent_events += late
    before = drill.ids()
    begin = len(drill.edge.asked)
    (drill.data_dir / "history.db").unlink(missing_ok=True)
    shutil.rmtree(drill.data_dir / "store")

    brought = await drill.command("restore", "one.tar", "--json", "--yes")
    assert brought.code == 0, brought.err
    report = brought.data
    assert report["since"] == {"withdrawn": len(STOPPED) + len(LATE_STOPPED), "not_me": 0, "erased": len(ERASED) + 1}
    assert isinstance(wrapped, bytes)
    assert wrapped in (drill.data_dir / "one.tar").read_bytes()
    for file in (drill.data_dir / "store").rglob("*.*"):
        assert wrapped not in (file.read_bytes() if file.is_file() else b""), f"{file} holds the key of somebody erased"
    doubtful = {one["id"]: one["becomes"] for one in report["uncertain"]["messages"]}
    assert doubtful
    assert (await drill.command("stop", "--list")).out.count("restored: the store is that of") == 1

    async with drill.house() as house:
        await house.redis.hdel(keys.bucket(house.runtime.directory.ids[0]), "rate", "slow")
        hold = Hold(house.redis)
        assert await hold.standing()
        held = asyncio.create_task(roles._dispatch(house.runtime))
        # The sources say again what they said since the backup, and a new change comes.
        for event in drill.sent_events:
            if event.type.value == "order.status":
                await house.tell(event)
        await house.tell(house.flight(late_min=200, version=9))
        assert await house.find(251) is not None
        assert len(drill.edge.asked) == begin, "something was sent while everything is held"
        assert not held.done()
        house.clock.offset_ms += 30 * 60_000  # the quarter of an hour is long over
        await write_offset(house.redis, house.clock.offset_ms)
        assert (await drill.command("resume", SOON_STOPPED, "--yes")).code == 0
        assert len(drill.edge.asked) == begin, "another brake was lifted, and that let something through"
        lifted = await drill.command("resume", "all", "--yes")
        assert lifted.code == 0, lifted.err
        await wait_until(lambda: queue_is_empty(house), timeout=60)
        house.runtime.stopping.set()
        await asyncio.wait_for(held, 30)
        assert not await hold.standing()

        gone = {*STOPPED, *ERASED, *LATE_STOPPED, LATE_ERASED}
        assert drill.numbers(begin) & gone == set(), "somebody was written to who had stopped or was erased"
        assert drill.numbers(begin), "nobody was written to at all"
        after = drill.ids(begin)
        records = {one.id: one for one in await house.messages()}
        stale = [one for one in after if records[MessageId(one)].deadline_ms < house.clock.now_ms() - 60_000]
        assert stale == []
        assert any(records[MessageId(one)].state is MessageState.EXPIRED for one in doubtful), "nothing was stale at all"
        doubles = [one for one, count in Counter(before + after).items() if count > 1]
        announced = {one for one, becomes in doubtful.items() if becomes == "resend"}
        assert set(doubles) <= announced
        everything = set(before) | set(after)
        facts = await facts_of(house.redis)
        ended = {fact.id_of("m") for fact in facts if name_of(fact) in ("suppressed", "replaced", "ended", "expired", "dead")}
        lost = [one for one in doubtful if one not in everything | ended]
        assert lost == []
        assert {records[MessageId(one)].state for one in doubtful if MessageId(one) in records} <= {
            MessageState.ACCEPTED, MessageState.REPLACED, MessageState.ENDED, MessageState.EXPIRED, MessageState.SUPPRESSED,
        }  # fmt: skip


@pytest.mark.timeout(120)
async def test_a_history_that_outlived_the_store_proves_what_was_sent_and_nothing_is_told_twice(drill: Drill) -> None:
    numbers = range(1, 61)
    async with drill.house() as house:
        await everybody(house, numbers)
        await house.tell(house.flight(late_min=45, version=1))
        taken = await drill.command("backup", "one.tar")
        assert taken.code == 0, taken.err
        async with dispatching(house):
            await wait_until(lambda: queue_is_empty(house), timeout=60)
            newer = house.flight(late_min=80, version=2)
            await house.tell(newer)
            await wait_until(lambda: queue_is_empty(house), timeout=60)
        await fold_all(house)
        with contextlib.suppress(ProcessLookupError):
            await drill.lose_the_store()
    begin, before = len(drill.edge.asked), drill.ids()

    brought = await drill.command("restore", "one.tar", "--json", "--yes")
    assert brought.code == 0, brought.err
    assert brought.data["proven_sent"] == 2 * len(numbers)
    assert brought.data["remembered"] >= len(numbers)
    assert brought.data["uncertain"]["messages"] == []
    assert (await drill.command("resume", "all", "--yes")).code == 0

    async with drill.house() as house:
        async with dispatching(house):
            await house.tell(newer)  # its source sends it again
            await house.tell(house.flight(late_min=120, version=3))
            await wait_until(lambda: queue_is_empty(house), timeout=60)
        after = drill.ids(begin)
        assert len(after) == len(numbers)  # the new news, once each
        assert set(before) & set(after) == set()


