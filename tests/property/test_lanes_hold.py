"""Lanes against a model: whatever is planned, claimed, lost, settled, proved or waited for, in any order, an address hears its
messages one at a time and in planned order, nothing is lost, and nothing is sent that newer news took the place of.

The machine plays two addresses of one contact against the real scripts; time is the clock's offset. Sends are counted by the
model, which knows what the channel accepted. At the end everything is driven home: each message ends in one state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from redis.asyncio import Redis

from gateway.model.ids import AddressId, MessageId
from gateway.model.message import DeliveryStatus, MessageState, Priority
from gateway.store import keys
from gateway.store.outbox import Claimed, Pair, parse_record
from tests.support.core import EVIDENCE_MS, LEASE_MS, SENDER, Lanes
from tests.support.server import StoreServer

ENDS = {"a", "f", "s", "r", "e", "x", "d"}
SLACK_MS = 1000
"""The server's clock goes on while the model thinks: what falls due in this time may or may not have joined its lane."""


@dataclass
class Known:
    """What the model knows of one message. sends: attempts on the wire; began: model time of each send."""

    id: MessageId
    address: AddressId
    priority: int
    place: int
    name: str
    version: int
    joined_ms: int
    sends: list[int] = field(default_factory=list)
    unsure_ms: int | None = None
    """since when a send of it has had no answer"""
    moved: bool = False
    """it was put off (a long retry, later): it gave up its place for a while"""
    over: bool = False


class LaneMachine(RuleBasedStateMachine):
    server: StoreServer

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.known: dict[MessageId, Known] = {}
        self.out: list[Claimed] = []
        self.lost: list[Claimed] = []
        self.newest: dict[str, int] = {}
        self.places = 0

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(pair=st.sampled_from([Pair(0, 1), Pair(0, 1), Pair(6000, 2)]))
    def begin(self, pair: Pair) -> None:
        async def start() -> None:
            self.redis = Redis.from_url(self.server.url)
            await self.redis.flushall()
            self.lanes = Lanes(self.redis, pair)

        self.do(start())
        self.addresses = [AddressId(f"a07{number:013d}") for number in (1, 2)]

    def teardown(self) -> None:
        try:
            if hasattr(self, "lanes"):
                self.do(self.drive_home())
        finally:
            if hasattr(self, "redis"):
                self.do(self.redis.aclose())
            self.loop.close()

    # what happens

    @rule(
        where=st.integers(0, 1), priority=st.sampled_from([0, 1, 2, 2, 2, 3]), later=st.sampled_from([0, 0, 0, 20_000]),
        name=st.sampled_from(["", "", "gate", "delay"]), ends=st.sampled_from([(), (), ("gate",)]),
    )  # fmt: skip
    def put(self, where: int, priority: int, later: int, name: str, ends: tuple[str, ...]) -> None:
        self.places += 1
        version = self.places
        message = self.lanes.message(
            name or f"single{version}", priority=Priority(priority), address=self.addresses[where], due_ms=later,
            told=bool(name), life_ms=10 * 24 * 3600_000, id=MessageId(f"m07{version:020d}"),
        )  # fmt: skip
        answer = self.do(self.lanes.put(message, n=version, ends=ends))
        assert answer.messages == (("later",) if later else ("queued",))
        joined = self.lanes.clock.now_ms() + later
        self.known[message.id] = Known(message.id, message.address, priority, version, name, version, joined)  # type: ignore[arg-type]
        for one in (name, *ends):
            if one:
                self.newest[one] = version

    @rule(again=st.booleans(), clock_ok=st.sampled_from([True, True, False]))
    def claim(self, again: bool, clock_ok: bool) -> None:
        wants = [self.lanes.want(priority) for priority in Priority]
        claimed = self.do(self.lanes.claim_wants(wants, clock_ok=clock_ok))
        if again:
            repeated = self.do(self.lanes.claim_wants(wants, clock_ok=clock_ok))
            assert {(one.id, one.fence) for one in claimed} <= {(one.id, one.fence) for one in repeated}
            claimed = repeated
        for one in sorted(claimed, key=lambda each: each.id):  # the same in every run: no id and no time is random here
            self.check_claim(one)
            self.out.append(one)

    def check_claim(self, one: Claimed) -> None:
        """In planned order among equals; never with another one of its lane out; never what was accepted or replaced."""
        known = self.known[one.id]
        now = self.lanes.clock.now_ms()
        mates = [other for other in self.known.values() if other.address == known.address and other is not known]
        assert not any(other.address == known.address for other in self.out), "one out per lane"
        assert not known.over
        assert one.attempt not in known.sends, "an attempt's number is used once"
        assert one.resend == (known.unsure_ms is not None), "what is sent again after silence is known as such"
        if known.unsure_ms is not None:
            assert now - known.unsure_ms >= EVIDENCE_MS - SLACK_MS, "evidence was waited for"
        known.unsure_ms = None
        known.sends.append(one.attempt)
        for other in mates:
            waits = not other.over and not other.sends and not other.moved and other.joined_ms <= now - SLACK_MS
            outdated = self.newest.get(other.name, 0) > other.version
            if waits and not outdated and other.priority == known.priority:
                assert other.place > known.place, "planned order"

    @precondition(lambda self: self.out)
    @rule(
        which=st.integers(0, 99), outcome=st.sampled_from(["a", "a", "u", "u", "r", "h", "l", "far", "x"]),
        hold=st.sampled_from([0, 0, 10_000]),
    )  # fmt: skip
    def settle(self, which: int, outcome: str, hold: int) -> None:
        claimed = self.out.pop(which % len(self.out))
        known = self.known[claimed.id]
        answer = self.do(self.said(claimed, outcome, hold))
        if outcome == "a":
            assert answer in ("settled", "evidence", "double", "gone")
            known.over = True
        elif answer in ("replaced", "ended"):
            assert self.newest.get(known.name, 0) > known.version
            known.over = True
        elif outcome == "x" and answer == "settled":
            known.over = True
        elif outcome == "u" and answer == "settled":
            known.unsure_ms = self.lanes.clock.now_ms()
        if outcome in ("l", "far"):
            known.moved = True
        if outcome in ("h", "l") and answer == "settled":
            known.sends.remove(claimed.attempt)  # refused before it was looked at: no attempt

    async def said(self, claimed: Claimed, outcome: str, hold: int) -> str:
        match outcome:
            case "a":
                return await self.lanes.settle(claimed, hold_ms=hold)
            case "u":
                return await self.lanes.settle(claimed, "u")
            case "r" | "h" | "l":
                return await self.lanes.settle(claimed, outcome, at_ms=5000)
            case "far":
                return await self.lanes.settle(claimed, "r", at_ms=90_000)
            case _:
                return await self.lanes.settle(claimed, "x", state=MessageState.DEAD, reason="rejected")

    @precondition(lambda self: self.out)
    @rule(which=st.integers(0, 99))
    def worker_dies(self, which: int) -> None:
        """Nobody settles it; whether it left is unknown. It may still be heard of, late."""
        claimed = self.out.pop(which % len(self.out))
        self.lost.append(claimed)
        self.known[claimed.id].unsure_ms = self.lanes.clock.now_ms()
        self.pass_time(LEASE_MS + 1)

    @precondition(lambda self: self.lost)
    @rule(which=st.integers(0, 99), accepted=st.booleans())
    def late_settle(self, which: int, accepted: bool) -> None:
        claimed = self.lost.pop(which % len(self.lost))
        answer = self.do(self.lanes.settle(claimed, "a" if accepted else "r", at_ms=1000))
        if accepted:
            assert answer in ("settled", "evidence", "double", "gone")
            self.known[claimed.id].over = True
        elif answer in ("replaced", "ended"):  # nobody had looked since its lease ran out: it was still the lane's
            self.known[claimed.id].over = True
        elif answer == "settled" and not self.known[claimed.id].over:
            self.known[claimed.id].unsure_ms = None
        else:
            assert answer in ("old", "gone", "settled")

    @precondition(lambda self: any(known.sends for known in self.known.values()))
    @rule(
        which=st.integers(0, 99), newest=st.booleans(),
        status=st.sampled_from([DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ]),
    )  # fmt: skip
    def evidence(self, which: int, newest: bool, status: DeliveryStatus) -> None:
        sent = [known for known in self.known.values() if known.sends]
        known = sent[which % len(sent)]
        attempt = known.sends[-1 if newest else 0]
        before = self.do(self.lanes.record(known.id))
        self.do(self.lanes.evidence(known.id, status, attempt=attempt))
        after = self.do(self.lanes.record(known.id))
        assert after.status >= before.status, "a status never goes back"
        assert after.state.value == "a"
        known.over = True
        for claimed in [one for one in self.out if (one.id, one.attempt) == (known.id, attempt)]:
            self.out.remove(claimed)  # the channel has it: its lane is free before its worker's own settle
            self.lost.append(claimed)

    @rule(ms=st.sampled_from([1, 999, 5001, LEASE_MS + 1, EVIDENCE_MS + 1, EVIDENCE_MS + 1, 100_000]))
    def pass_time(self, ms: int) -> None:
        """Whoever works keeps its lease: only `worker_dies` loses one."""
        while ms > 0:
            step = min(ms, LEASE_MS // 2)
            if self.out:
                self.do(self.lanes.outbox.renew(self.out, lease_ms=LEASE_MS))
            self.lanes.pass_ms(step)
            ms -= step
        if self.out:
            self.do(self.lanes.outbox.renew(self.out, lease_ms=LEASE_MS))

    # what always holds

    @invariant()
    def everything_stands_in_one_place(self) -> None:
        if hasattr(self, "lanes"):
            self.do(self.check_places())

    async def check_places(self) -> None:
        q, later, lane, *sets = keys.lane_keys(self.lanes.partition, SENDER)
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.zrange(q, 0, -1)
        pipeline.zrange(later, 0, -1)
        pipeline.hkeys(lane)
        for name in sets:
            pipeline.zrange(name, 0, -1)
        queued, waiting, lanes, *stands = await pipeline.execute()
        assert not set(queued) & set(waiting), "in its lane or not due, never both"
        in_lane = {member[:16] for member in queued}
        standing = [address for found in stands for address in found]
        assert len(standing) == len(set(standing)), "every lane stands in one set"
        assert set(lanes) - {b"#seq"} == set(standing), "a lane has a record exactly while it stands somewhere"
        assert in_lane <= set(standing), "a lane with messages is looked at again"
        held = {member[39:].decode() for member in (*queued, *waiting)}
        raws = await self.lanes.outbox.raw_records(list(self.known))
        for known, raw in zip(self.known.values(), raws, strict=True):
            assert raw is not None
            state = parse_record(known.id, raw)[0].state.value
            assert (state == "q") == (known.id in held), "queued exactly while it waits"
            if known.over:
                assert state in ENDS

    async def drive_home(self) -> None:
        """No more surprises: what is out is accepted, what is unsure is sent again. Everything ends, each in one state."""
        for claimed in self.out:
            await self.lanes.settle(claimed)
            self.known[claimed.id].over = True
        self.out.clear()
        for _ in range(60 + 8 * len(self.known)):
            claimed_now = await self.lanes.claim()
            for claimed in claimed_now:
                self.check_claim(claimed)
                known = self.known[claimed.id]
                record = await self.lanes.record(claimed.id)
                if (await self.lanes.outbox.superseded([record]))[0] is not None:  # as dispatch does, just before it sends
                    await self.lanes.settle(claimed, "x", attempt=0, state=MessageState.REPLACED, reason="replaced")
                else:
                    await self.lanes.settle(claimed)
                known.over = True
            if not claimed_now:
                if not await self.lanes.outbox.depth([SENDER]):
                    break
                self.lanes.pass_ms(31_000)
        for known in self.known.values():
            record = await self.lanes.record(known.id)
            assert record.state.value in ENDS, f"lost: {known}"
            if record.state.value in ("r", "e"):
                assert self.newest.get(known.name, 0) > known.version
            assert record.state.value == "a" or known.sends or record.state.value in ("r", "e")
        self.lanes.pass_ms(120_000)
        assert await self.lanes.claim() == []
        names = keys.lane_keys(self.lanes.partition, SENDER)
        left = [name for name in names if await self.redis.exists(name)]
        assert left in ([], [names[2]])
        assert await self.redis.hkeys(names[2]) in ([], [b"#seq"])


@pytest.fixture(scope="module")
def server() -> Iterator[StoreServer]:
    made = StoreServer({"appendfsync": "no"})
    yield made
    made.close()


def test_lanes_hold_whatever_happens(server: StoreServer) -> None:
    LaneMachine.server = server
    run_state_machine_as_test(
        LaneMachine,
        settings=settings(
            max_examples=200,
            stateful_step_count=30,
            phases=[Phase.explicit, Phase.generate],  # shrinking would take longer than a test may
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
