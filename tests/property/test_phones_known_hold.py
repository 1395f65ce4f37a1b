"""What `told` says of a phone against a model: nobody is ever taken to know a value that their phone may not show.

Messages of one value, told by two notifications that replace or end each other, are planned, sent, refused, lost and proved in
any order. Whenever one is handed out, the message that it is compared with is the last that may have reached the phone, or
nothing is known for certain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from redis.asyncio import Redis

from gateway.model.ids import MessageId
from gateway.model.message import DeliveryStatus, MessageState, Priority
from gateway.store.outbox import Claimed, told_field
from tests.support.core import EVIDENCE_MS, LEASE_MS, SUBJECT, Lanes
from tests.support.server import StoreServer

NAMES = ("delayed", "on_time")


class PhoneMachine(RuleBasedStateMachine):
    server: StoreServer

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.versions: dict[MessageId, int] = {}
        self.may: set[MessageId] = set()
        """what may have reached the phone: sent, and not refused for certain"""
        self.out: Claimed | None = None
        self.lost: list[Claimed] = []
        self.checked = 0

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        async def start() -> None:
            self.redis = Redis.from_url(self.server.url)
            await self.redis.flushall()
            self.lanes = Lanes(self.redis)

        self.do(start())

    def teardown(self) -> None:
        if hasattr(self, "redis"):
            self.do(self.redis.aclose())
        self.loop.close()

    @rule(name=st.sampled_from(NAMES), held=st.booleans(), stopped=st.sampled_from([False, False, True]))
    def put(self, name: str, held: bool, stopped: bool) -> None:
        """Newer news of the value; the older takes no place any more, whichever of the two told it."""
        version = len(self.versions) + 1
        other = next(one for one in NAMES if one != name)
        message = self.lanes.message(
            name, priority=Priority.URGENT, due_ms=20_000 if held else 0, life_ms=10 * 24 * 3600_000,
            id=MessageId(f"m07{version:020d}"), told_with=(told_field(SUBJECT, other, ""),),
        )  # fmt: skip
        if stopped:
            message = replace(message, state=MessageState.SUPPRESSED, reason="no_consent")
        self.do(self.lanes.put(message, n=version, ends=(other,)))
        self.versions[message.id] = version

    @precondition(lambda self: self.out is None)
    @rule()
    def claim(self) -> None:
        claimed = self.do(self.lanes.claim())
        if not claimed:
            return
        (self.out,) = claimed
        self.check(self.out)

    def check(self, claimed: Claimed) -> None:
        record = self.do(self.lanes.record(claimed.id))
        if self.do(self.lanes.outbox.superseded([record]))[0] is not None:
            return  # it is not sent, and asks nothing
        self.checked += 1
        earlier = [one for one in self.may if self.versions[one] < self.versions[claimed.id]]
        handed = self.do(self.lanes.outbox.handed_before(record))
        if handed == "":
            assert not earlier, "something may be on the phone"
        elif handed is not None:
            found = self.do(self.lanes.record(handed))
            if found.state is MessageState.ACCEPTED:  # believed: it must be the last word
                assert max(earlier, key=lambda one: self.versions[one]) == handed

    @precondition(lambda self: self.out is not None)
    @rule(outcome=st.sampled_from("aaurhlxn"))
    def settle(self, outcome: str) -> None:
        """n: looked at and ended without a try, as what is outdated"""
        claimed, self.out = self.out, None
        assert claimed is not None
        if outcome in "au":
            self.may.add(claimed.id)
        if outcome == "n":
            self.do(self.lanes.settle(claimed, "x", attempt=0, state=MessageState.REPLACED, reason="replaced"))
        elif outcome == "x":
            self.do(self.lanes.settle(claimed, "x", state=MessageState.DEAD, reason="rejected"))
        elif outcome in "rhl":
            self.do(self.lanes.settle(claimed, outcome, at_ms=5000))
        else:
            self.do(self.lanes.settle(claimed, outcome))

    @precondition(lambda self: self.out is not None)
    @rule(sent=st.booleans())
    def worker_dies(self, sent: bool) -> None:
        claimed, self.out = self.out, None
        assert claimed is not None
        if sent:
            self.may.add(claimed.id)
            self.lost.append(claimed)
        self.lanes.pass_ms(LEASE_MS + 1)

    @precondition(lambda self: self.lost)
    @rule(which=st.integers(0, 9), status=st.sampled_from([DeliveryStatus.SENT, DeliveryStatus.DELIVERED]))
    def evidence(self, which: int, status: DeliveryStatus) -> None:
        claimed = self.lost[which % len(self.lost)]
        self.do(self.lanes.evidence(claimed.id, status, attempt=claimed.attempt))
        if self.out is not None and self.out.id == claimed.id:
            self.may.add(claimed.id)
            self.out = None

    @rule(ms=st.sampled_from([1, 5001, 20_001, EVIDENCE_MS + 1]))
    def pass_time(self, ms: int) -> None:
        if self.out is None:
            self.lanes.pass_ms(ms)


@pytest.fixture(scope="module")
def server() -> Iterator[StoreServer]:
    made = StoreServer({"appendfsync": "no"})
    yield made
    made.close()


def test_nobody_is_taken_to_know_what_their_phone_may_not_show(server: StoreServer) -> None:
    PhoneMachine.server = server
    run_state_machine_as_test(
        PhoneMachine,
        settings=settings(
            max_examples=60, stateful_step_count=25, phases=[Phase.explicit, Phase.generate], database=None, deadline=None,
            suppress_health_check=list(HealthCheck), print_blob=True,
        ),
    )  # fmt: skip
