"""The store goes back: what a failover does, made with an older copy of its data under a running gateway.

A promoted replica is the primary as it was a moment ago. So is a server whose files are replaced by an older copy of them, and
there the moment can be chosen: before the claim, between event and messages, in the middle of a fan-out.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import exceptions

from gateway.connector import Outcome, RawResponse, RenderedRequest, SendResult
from gateway.errors import StoreUnavailable
from gateway.model.message import Priority
from gateway.model.personal import Personal
from gateway.store import bulk, durability, keys
from gateway.store.lineage import Lineage, Turned
from gateway.store.outbox import ClaimWant, Outbox
from gateway.store.vault import Vault
from gateway.store.webhooks import Webhooks
from tests.support.core import House, facts_of, open_house
from tests.support.server import StoreServer
from tests.support.waiting import wait_until


class Past:
    """A server that can be put back to how it was."""

    def __init__(self) -> None:
        self.server = StoreServer()
        self._copy = self.server.directory / "copy"

    def keep(self) -> None:
        """Remember what is there now. Every write is on disk, and the file only grows."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self.server.directory / "appendonlydir", self._copy)

    def go_back(self) -> None:
        """What came after `keep` never was: the server dies, and another with that past answers."""
        self.server.kill()
        shutil.rmtree(self.server.directory / "appendonlydir")
        shutil.copytree(self._copy, self.server.directory / "appendonlydir")
        self.server.restart()


@pytest.fixture
def past() -> Iterator[Past]:
    made = Past()
    yield made
    made.server.close()


@pytest.fixture
async def house(past: Past, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(past.server.url, data_dir, GATEWAY_LEASE_MS="4000", GATEWAY_EVIDENCE_MS="60000") as made:
        yield made


class Channel:
    """Stands in for the wire of the connector; all else of it is real."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.posts: list[str] = []
        self.outcome = Outcome.ACCEPTED
        self.open = asyncio.Event()
        self.open.set()
        connector = house.runtime.connectors["whatsapp"]
        monkeypatch.setattr(connector, "send", self.send)
        monkeypatch.setattr(connector, "classify", self.classify)

    async def send(self, request: RenderedRequest) -> RawResponse:
        assert request.body is not None
        self.posts.append(str(request.body["biz_opaque_callback_data"]).split(".")[0])
        await self.open.wait()
        return RawResponse(200, {}, b"{}")

    def classify(self, outcome: Any) -> SendResult:
        return SendResult(self.outcome, channel_id=Personal(f"wamid.{len(self.posts)}"))


@pytest.fixture
def channel(house: House, monkeypatch: pytest.MonkeyPatch) -> Channel:
    return Channel(house, monkeypatch)


@asynccontextmanager
async def dispatching(house: House) -> AsyncIterator[None]:
    """One dispatcher at work: it lives through the failover, as a process does."""
    stopping = asyncio.Event()
    task = asyncio.create_task(house.make_dispatcher().run(stopping, 5.0))
    try:
        yield
    finally:
        stopping.set()
        house.runtime.wake.here("dispatch")
        async with asyncio.timeout(15):
            await task


async def states(house: House) -> Counter[str]:
    return Counter(one.state.value for one in await house.messages())


async def settled(house: House, count: int) -> bool:
    return (await states(house)) == {"a": count}


async def has_fact(house: House, kind: str) -> bool:
    return any(fact.kind == kind for fact in await facts_of(house.redis))


async def nothing_more_is_ready(house: House) -> bool:
    peeks = await house.runtime.outbox.peek(list(house.runtime.directory.ids), keys.all_partitions(), heads=5)
    return not any(any(one.ready) for one in peeks)


async def test_a_claim_and_its_settle_that_a_failover_took_back_make_no_second_send(
    house: House, channel: Channel, past: Past
) -> None:
    await house.tell(house.order(house.recipient(101), house.recipient(102)))
    past.keep()
    async with dispatching(house):
        await wait_until(lambda: settled(house, 2))
        past.go_back()
        assert (await states(house)) == {"q": 2}, "the store has forgotten that they were sent"
        await wait_until(lambda: settled(house, 2))
        assert await nothing_more_is_ready(house)
    assert set(Counter(channel.posts).values()) == {1}
    assert await has_fact(house, "reclaimed")


async def test_messages_that_a_failover_took_back_whole_are_planned_again_and_not_sent_again(
    house: House, channel: Channel, past: Past
) -> None:
    await house.tell(house.order(*(house.recipient(number) for number in range(101, 106))))
    async with dispatching(house):
        await wait_until(lambda: settled(house, 5))
        assert await house.keep(house.flight(late_min=40)) == ["new"]
        past.keep()  # the event is answered; none of its messages is planned
        await house.expand()
        await wait_until(lambda: settled(house, 10))
        past.go_back()
        assert sum((await states(house)).values()) == 5
        await wait_until(lambda: settled(house, 10))
        house.pass_ms(120_000)  # the event's next look
        await house.expand()
        assert await nothing_more_is_ready(house)
    assert set(Counter(channel.posts).values()) == {1}
    assert len(channel.posts) == 10


async def test_what_is_on_the_wire_while_the_store_goes_back_is_settled_when_its_answer_comes(
    house: House, channel: Channel, past: Past
) -> None:
    await house.tell(house.order(house.recipient(101)))
    past.keep()
    channel.open.clear()
    async with dispatching(house):
        await wait_until(lambda: channel.posts)
        past.go_back()
        await wait_until(lambda: has_fact(house, "reclaimed"))
        channel.open.set()
        await wait_until(lambda: settled(house, 1))
    assert len(channel.posts) == 1


async def test_a_send_of_unknown_fate_still_waits_for_evidence_after_a_failover(
    house: House, channel: Channel, past: Past
) -> None:
    await house.tell(house.order(house.recipient(101)))
    past.keep()
    channel.outcome = Outcome.UNCERTAIN
    async with dispatching(house):
        await wait_until(lambda: has_fact(house, "uncertain"))
        past.go_back()
        assert not await has_fact(house, "uncertain")
        await wait_until(lambda: has_fact(house, "uncertain"))
        assert await nothing_more_is_ready(house)
    assert len(channel.posts) == 1


async def test_nothing_is_handed_out_by_a_server_that_was_not_known_when_it_was_asked(house: House, past: Past) -> None:
    await house.tell(house.order(house.recipient(101)))
    outbox = house.runtime.outbox
    (message,) = await house.messages()
    turn = outbox.lineage.turns
    past.keep()
    past.go_back()

    async def claim(turn: int) -> int:
        want = ClaimWant("again-1", int(message.id[1:3]), message.sender, Priority(message.priority), 5)
        return len(await outbox.claim([want], worker="w", lease_ms=4000, evidence_ms=1000, clock_ok=True, turn=turn))

    with pytest.raises(Turned):
        await claim(turn)
    assert await states(house) == {"q": 1}
    assert await claim(outbox.lineage.turns) == 1


async def test_a_failover_in_the_middle_of_a_fan_out_loses_nobody_and_tells_nobody_twice(
    house: House, channel: Channel, past: Past
) -> None:
    people = [house.recipient(number) for number in range(101, 161)]
    for begin in range(0, 60, 20):
        await house.tell(house.order(*people[begin : begin + 20], number=f"ZX{begin:02d}"))
    async with dispatching(house):
        await wait_until(lambda: settled(house, 60))
        assert await house.keep(house.flight(late_min=40)) == ["new"]
        await house.expander.look(keys.all_partitions())
        await house.expander.chunks(keys.all_partitions())
        past.keep()  # cursors and messages of a part of them
        await house.expand()
        await wait_until(lambda: settled(house, 120))
        past.go_back()
        house.pass_ms(120_000)
        await house.expand()
        await wait_until(lambda: settled(house, 120))
        assert await nothing_more_is_ready(house)
    assert set(Counter(channel.posts).values()) == {1}
    assert len(channel.posts) == 120
    assert await house.runtime.events.depth() == 0


async def test_a_restart_that_lost_nothing_changes_nothing(house: House, channel: Channel, past: Past) -> None:
    await house.tell(house.order(house.recipient(101), house.recipient(102)))
    async with dispatching(house):
        await wait_until(lambda: settled(house, 2))
        before = [(fact.kind, fact.ids) for fact in await facts_of(house.redis)]
        past.server.kill()
        past.server.restart()
        lineage = house.runtime.outbox.lineage
        await wait_until(lambda: lineage.turns == 1)
        await house.tell(house.order(house.recipient(103), number="ZX7K2Q"))
        await wait_until(lambda: settled(house, 3))
    after = [(fact.kind, fact.ids) for fact in await facts_of(house.redis)]
    assert after[: len(before)] == before
    assert "reclaimed" not in {kind for kind, _ in after}
    assert len(channel.posts) == 3


class Greeted:
    """A connection whose server answers INFO with an error."""

    def __init__(self, error: exceptions.ResponseError) -> None:
        self._error = error

    async def on_connect_check_health(self, *, check_health: bool) -> None: ...

    async def send_command(self, *command: str, check_health: bool) -> None: ...

    async def read_response(self) -> bytes:
        raise self._error


async def test_a_busy_server_bars_nothing_and_is_not_used_before_it_has_told_its_history() -> None:
    lineage = Lineage()
    with pytest.raises(exceptions.ConnectionError):
        await lineage.greet(Greeted(exceptions.ResponseError("BUSY Valkey is busy running a script.")))
    assert not lineage.barred
    await lineage.greet(Greeted(exceptions.NoPermissionError("User has no permissions")))
    assert lineage.barred


def test_only_a_history_that_grew_out_of_another_is_a_promotion() -> None:
    lineage = Lineage()
    lineage.met("a" * 40, "0" * 40)
    lineage.begin()
    lineage.met("a" * 40, "0" * 40)
    assert lineage.turns == 0
    lineage.met("b" * 40, "0" * 40)
    assert (lineage.turns, lineage.promoted_s) == (1, float("-inf"))
    lineage.met("c" * 40, "a" * 40)
    assert lineage.turns == 2
    assert lineage.promoted_s > 0


async def test_an_erased_person_is_not_brought_back_by_what_is_played_again(
    house: House, channel: Channel, past: Past
) -> None:
    await house.tell(house.order(house.recipient(101)))
    async with dispatching(house):
        await wait_until(lambda: settled(house, 1))
        (message,) = await house.messages()
        await house.redis.delete(keys.of(message.id, "m"), keys.of(message.contact, "f"), keys.of(message.contact, "told"))
        past.server.kill()
        past.server.restart()
        lineage = house.runtime.outbox.lineage
        await wait_until(lambda: lineage.turns == 1)
        await house.tell(house.order(house.recipient(102), number="ZX7K2Q"))
        await wait_until(lambda: settled(house, 1))
    assert await house.runtime.outbox.record(message.id) is None


async def test_where_replicas_must_have_it_nothing_is_handed_out_or_taken_in_without_one(
    house: House, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has no replica at all: what only it knows could be taken back."""
    monkeypatch.setattr(bulk, "ACKS_TIMEOUT_MS", 50)
    monkeypatch.setattr(durability, "ACKS_TIMEOUT_MS", 50)
    await house.tell(house.order(house.recipient(101)))
    runtime = house.runtime
    (message,) = await house.messages()
    want = ClaimWant("acks-1", int(message.id[1:3]), message.sender, Priority(message.priority), 5)
    strict = Outbox(house.redis, house.clock, runtime.pairs, acks=1)
    with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
        await strict.claim([want], worker="w", lease_ms=4000, evidence_ms=1000, clock_ok=True)
    with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
        await Webhooks(house.redis, house.clock, runtime.vault, acks=1).append("whatsapp", b"{}")
    with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
        await Webhooks(house.redis, house.clock, runtime.vault, acks=1).deliver([(7, "status-1", {"kind": "status"})])
    vault = Vault(runtime.ring, house.redis, acks=1)
    for _ in range(2):  # the second time the key is there, and still with nobody else
        with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
            await vault.day_box("2026-12-24")
    assert await house.redis.pttl(keys.day_key("2026-12-24")) > keys.KEEP_MS
    assert len(await runtime.outbox.claim([want], worker="w", lease_ms=4000, evidence_ms=1000, clock_ok=True)) == 1, (
        "asked again under its id, it is the same batch"
    )


async def test_a_claim_asked_for_again_is_written_again_so_that_a_replica_can_be_waited_for(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    (message,) = await house.messages()
    want = ClaimWant("acks-2", int(message.id[1:3]), message.sender, Priority(message.priority), 5)
    written = []
    for _ in range(3):
        assert len(await house.runtime.outbox.claim([want], worker="w", lease_ms=4000, evidence_ms=1000, clock_ok=True)) == 1
        written.append(int((await house.redis.info("persistence"))["rdb_changes_since_last_save"]))
    assert written[0] < written[1] < written[2]


async def test_an_item_delivered_again_is_written_again_so_that_a_replica_can_be_waited_for(house: House) -> None:
    """The first time it was not acknowledged: nothing written, a WAIT would be answered at once, and its log would forget it."""
    written = []
    for _ in range(3):
        await house.runtime.webhooks.deliver([(7, "status-1", {"kind": "status"})])
        written.append(int((await house.redis.info("persistence"))["rdb_changes_since_last_save"]))
    assert written[0] < written[1] < written[2]
    assert await house.redis.xlen(keys.part(7, "in")) == 1
