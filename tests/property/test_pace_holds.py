"""A sender's bucket and a portfolio's tier against a model, over several processes and a turned clock.

Whatever is drawn, refused by the channel or waited for: no window of time sees more than rate x time + one bucket; an agent's
words are let through by the next token there is, whoever else asks; what was cut rises again; and no 24 hours see more people
than the tier.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import SenderId
from gateway.store import keys
from gateway.store.bucket import FLOOR, UP_PER_S, Buckets, Speed, speed_of
from gateway.store.senders import Senders
from tests.support.server import StoreServer

SENDER = SenderId("zz-wa")
DAY_MS = keys.DAY_MS
ROUNDING = 0.05
"""Levels are kept to a thousandth of a token."""
AGENTS_SHARE = 0.05
"""of a bucket, left to agents by everybody else"""


class OnStore(RuleBasedStateMachine):
    server: StoreServer

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def start(self) -> None:
        self.redis = Redis.from_url(self.server.url)
        await self.redis.flushall()

    def teardown(self) -> None:
        if hasattr(self, "redis"):
            self.do(self.redis.aclose())
        self.loop.close()


class BucketMachine(OnStore):
    @initialize(rate=st.sampled_from([0.5, 1.0, 5.0, 20.0, 80.0, 300.0]), processes=st.integers(1, 4))
    def begin(self, rate: float, processes: int) -> None:
        self.do(self.start())
        self.rate, self.burst = rate, max(rate, 2.0)
        self.processes = [Buckets(self.redis) for _ in range(processes)]
        self.grants: list[tuple[int, int]] = []
        """(ms that have passed, tokens), by the bucket's own time"""
        self.passed = 0
        self.at: int | None = None
        self.cut: int | None = None
        """the place in `grants` since which nobody was cut; None = never"""
        self.most = 0.0
        """the largest share since then: it rises, and is less again where the clock is set back"""

    def turn(self, ms: int) -> None:
        for one in self.processes:
            one.turned_ms += ms

    async def draw(self, process: int, wants: list[int]) -> tuple[tuple[int, ...], int]:
        one = self.processes[process % len(self.processes)]
        grant = await one.draw(SENDER, self.rate, wants)
        raw, rate, slow = await self.redis.hmget(keys.bucket(SENDER), ["at", "rate", "slow"])
        assert raw is not None
        self.most = max(self.most, speed_of(rate, slow, int(raw)).share)
        self.passed += max(0, int(raw) - self.at) if self.at is not None else 0
        self.at = int(raw)
        self.grants.append((self.passed, sum(grant.tokens)))
        assert all(0 <= got <= want for got, want in zip(grant.tokens, wants, strict=True))
        return grant.tokens, grant.wait_ms

    async def speed(self) -> Speed:
        rate, slow = await self.redis.hmget(keys.bucket(SENDER), ["rate", "slow"])
        time = await self.redis.time()
        return speed_of(rate, slow, time[0] * 1000 + time[1] // 1000 + self.processes[0].turned_ms)

    @rule(process=st.integers(0, 3), wants=st.lists(st.sampled_from([0, 0, 1, 3, 40, 1000]), min_size=4, max_size=4))
    def somebody_draws(self, process: int, wants: list[int]) -> None:
        self.do(self.draw(process, wants))

    @rule(ms=st.sampled_from([1, 40, 300, 1000, 7000, 120_000]))
    def time_passes(self, ms: int) -> None:
        self.turn(ms)

    @rule(ms=st.sampled_from([50, 3000, 3_600_000]))
    def the_clock_is_set_back(self, ms: int) -> None:
        self.do(self.draw(0, [0, 0, 0, 0]))  # what has passed until now has passed
        self.turn(-ms)

    @rule(process=st.integers(0, 3), stay_ms=st.sampled_from([1000, 4000, 60_000]))
    def somebody_is_refused(self, process: int, stay_ms: int) -> None:
        self.the_channel_says_too_fast(process, stay_ms)

    def the_channel_says_too_fast(self, process: int, stay_ms: int) -> None:
        before = self.do(self.speed()).share
        share = self.do(self.processes[process % len(self.processes)].slow_down(SENDER, stay_ms))
        after = self.do(self.speed()).share
        assert share >= FLOOR
        assert after >= FLOOR - 0.001
        assert after <= before + UP_PER_S * 0.5 or share > before / 2, "it is never faster for having been refused"
        self.most = 0.0
        self.do(self.draw(process, [0, 0, 0, 0]))
        self.cut = len(self.grants)

    @rule(process=st.integers(0, 3), priority=st.integers(1, 3))
    def an_agent_asks_in_a_storm(self, process: int, priority: int) -> None:
        storm = [1000 if place == priority else 0 for place in range(4)]
        self.do(self.draw(0, storm))
        share = self.do(self.speed()).share  # before it asks: it only rises from here on
        (got, *_), wait_ms = self.do(self.draw(process, [1, 0, 0, 0]))
        if got:
            return
        slowest = Speed(share).per_second(self.rate)
        assert 0 < wait_ms <= 1000 / slowest + 1
        asked_at = self.at or 0
        self.turn(wait_ms)
        self.do(self.draw(0, storm))
        # Where this machine let more time pass than was asked for, a whole token more has come, and the others may have that one.
        late_ms = (self.at or 0) - asked_at - wait_ms
        got = self.do(self.draw(process, [1, 0, 0, 0]))[0][0]
        if late_ms * slowest / 1000 < AGENTS_SHARE * max(self.burst * share, 2) / 2:
            assert got == 1, "others took what an agent waited for"

    @rule(ms=st.sampled_from([0, 5000, 20_000]), cut=st.booleans())
    def what_a_slowed_sender_may_send_is_there(self, ms: int, cut: bool) -> None:
        if cut:
            self.the_channel_says_too_fast(0, 1000)
        self.turn(ms)
        everything = [100_000, 0, 0, 0]
        self.do(self.draw(0, everything))
        share = self.do(self.speed()).share
        self.turn(1000)
        (granted, *_), _ = self.do(self.draw(0, everything))
        assert granted >= int(min(Speed(share).per_second(self.rate), max(self.burst * share, 2))) - 1

    @rule()
    def what_was_cut_is_whole_again(self) -> None:
        whole = self.do(self.speed()).whole_ms
        self.turn(int(1000 / UP_PER_S) + 60_000 if whole else 0)
        if whole and self.at is not None and self.do(self.speed()).whole_ms == 0:
            self.turn(int(1000 * self.burst / self.rate) + 1)
            (granted, *_), _ = self.do(self.draw(0, [10_000, 0, 0, 0]))
            assert granted == int(self.burst)

    @invariant()
    def no_window_sees_more_than_rate_and_bucket(self) -> None:
        grants = getattr(self, "grants", [])
        for first in range(max(0, len(grants) - 40), len(grants)):
            begun = grants[first][0]
            total = 0
            for passed, tokens in grants[first:]:
                total += tokens
                assert total <= self.rate * (passed - begun) / 1000 + self.burst + ROUNDING, grants[first:]

    @invariant()
    def a_slowed_sender_draws_by_its_share(self) -> None:
        if getattr(self, "cut", None) is None or self.cut == len(self.grants):
            return
        since = self.grants[self.cut :]
        share = self.most
        begun = self.grants[self.cut - 1][0] if self.cut else 0
        rate, burst = Speed(share).per_second(self.rate), max(self.burst * share, 2)
        assert sum(tokens for _, tokens in since) <= rate * (since[-1][0] - begun) / 1000 + burst + ROUNDING


class TierMachine(OnStore):
    @initialize(tier=st.sampled_from([-1, 0, 1, 3, 10]))
    def begin(self, tier: int) -> None:
        self.do(self.start())
        self.tier, self.clock = tier, Clock()
        self.senders = Senders(self.redis, self.clock)
        self.counted: dict[str, int] = {}

    @rule(hours=st.sampled_from([1, 5, 8, 16, 24]))
    def time_passes(self, hours: int) -> None:
        self.clock.offset_ms += hours * 3600_000

    @rule(people=st.lists(st.sampled_from([f"a{n:015d}" for n in range(15)]), min_size=1, max_size=6))
    def some_are_written_to(self, people: list[str]) -> None:
        now = self.clock.offset_ms
        self.counted = {one: at for one, at in self.counted.items() if at > now - DAY_MS}
        free_at, room = self.do(self.senders.people("portfolio", self.tier, people))
        for one, answer in zip(people, room, strict=True):
            expected = one in self.counted or self.tier < 0 or len(self.counted) < self.tier
            assert answer == expected
            if expected:
                self.counted.setdefault(one, now)
        assert self.tier < 0 or len(self.counted) <= self.tier
        if not all(room) and self.counted:
            wall = self.clock.now_ms()
            assert abs(free_at - wall - (min(self.counted.values()) + DAY_MS - now)) < 10_000


@pytest.fixture(scope="module")
def server() -> Iterator[StoreServer]:
    made = StoreServer({"appendfsync": "no"})
    yield made
    made.close()


@pytest.mark.parametrize(("rate", "cuts"), [(5.0, 3), (5.0, 4), (20.0, 4)])
def test_an_agent_is_not_passed_by_others_while_a_slowed_sender_gets_faster(server: StoreServer, rate: float, cuts: int) -> None:
    BucketMachine.server = server
    found = BucketMachine()
    try:
        found.begin(rate, 2)
        for _ in range(cuts):
            found.the_channel_says_too_fast(0, 1000)
            found.turn(1100)
        found.do(found.draw(0, [100_000, 0, 0, 0]))
        found.an_agent_asks_in_a_storm(1, 1)
    finally:
        found.teardown()


@pytest.mark.parametrize("machine", [BucketMachine, TierMachine])
def test_pace_holds_whatever_happens(server: StoreServer, machine: type[OnStore]) -> None:
    machine.server = server
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            phases=[Phase.explicit, Phase.generate],  # shrinking would take longer than a test may
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
