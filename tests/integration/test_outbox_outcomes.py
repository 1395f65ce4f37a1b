"""What becomes of a send: settled, uncertain, proved by evidence, doubled, held, tried again. In every order they can come in."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from gateway.model.message import DeliveryStatus, MessageState, Priority
from gateway.store import keys
from gateway.store.outbox import Claimed, Pair
from tests.support.core import EVIDENCE_MS, HOUR_MS, LEASE_MS, Lanes

SENT, DELIVERED, READ = DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ


@pytest.fixture
def lanes(redis: Redis) -> Lanes:
    return Lanes(redis)


async def lose_lease(lanes: Lanes) -> None:
    """The worker is gone: its lease runs out, and a look finds it."""
    lanes.pass_ms(LEASE_MS + 1)
    assert await lanes.claim() == []


async def resend(lanes: Lanes) -> Claimed:
    lanes.pass_ms(EVIDENCE_MS + 1)
    claimed = await lanes.one()
    assert claimed.resend
    return claimed


# uncertain


async def test_a_lost_lease_is_uncertain_and_not_handed_out_before_its_evidence_time(lanes: Lanes) -> None:
    first, second = await lanes.queue("first", "second")
    await lanes.one()
    await lose_lease(lanes)
    assert await lanes.kinds(first) == ["enqueued", "claimed", "uncertain"]
    lanes.pass_ms(EVIDENCE_MS - LEASE_MS)
    assert await lanes.claim() == []
    claimed = await resend(lanes)
    assert (claimed.id, claimed.attempt) == (first, 2)
    assert await lanes.settle(claimed) == "settled"
    assert await lanes.send() == second


async def test_evidence_settles_an_uncertain_message_and_it_is_not_sent_again(lanes: Lanes) -> None:
    first, second = await lanes.queue("first", "second")
    await lanes.one()
    await lose_lease(lanes)
    assert await lanes.evidence(first) == "settled"
    assert await lanes.state(first) == "a"
    assert await lanes.send() == second
    assert await lanes.claim() == []


async def test_an_answer_that_never_came_waits_for_evidence_too(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.settle(await lanes.one(), "u", reason="no_answer")
    assert await lanes.claim() == []
    claimed = await resend(lanes)
    assert (claimed.id, claimed.attempt) == (first, 2)


async def test_an_uncertain_message_holds_its_own_and_lower_priorities_only(lanes: Lanes) -> None:
    (urgent,) = await lanes.queue("urgent", priority=Priority.URGENT)
    await lanes.settle(await lanes.one(), "u")
    await lanes.queue("normal")
    await lanes.queue("other", priority=Priority.URGENT)
    assert await lanes.claim() == []
    (agent,) = await lanes.queue("agent", priority=Priority.AGENT)
    assert await lanes.send() == agent
    assert await lanes.claim() == []
    assert (await resend(lanes)).id == urgent


async def test_an_urgent_message_that_becomes_uncertain_too_does_not_forget_the_first(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.one()
    await lose_lease(lanes)
    (urgent,) = await lanes.queue("urgent", priority=Priority.URGENT)
    passing = await lanes.one()
    assert passing.id == urgent
    await lose_lease(lanes)
    assert await lanes.evidence(urgent) == "settled"
    assert await lanes.claim() == [], "the first is still uncertain: no evidence came for it, and its time is not over"
    again = await resend(lanes)
    assert (again.id, again.attempt) == (first, 2)
    assert await lanes.settle(again) == "settled"
    assert await lanes.standing() == []


async def test_two_uncertain_messages_of_a_lane_each_keep_their_own_attempts(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.settle(await lanes.one(), "u")
    (urgent,) = await lanes.queue("urgent", priority=Priority.URGENT)
    await lanes.settle(await lanes.one(), "u")
    lanes.pass_ms(EVIDENCE_MS + 1)
    second_try = await lanes.one()
    assert (second_try.id, second_try.attempt, second_try.resend) == (urgent, 2, True)
    await lanes.settle(second_try)
    again = await lanes.one()
    assert (again.id, again.attempt, again.resend) == (first, 2, True)


async def test_the_evidence_clock_stands_still_while_our_webhooks_are_behind_but_not_for_ever(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.settle(await lanes.one(), "u")
    lanes.pass_ms(EVIDENCE_MS + 1)
    assert await lanes.claim(clock_ok=False) == []
    lanes.pass_ms(60_000)
    assert await lanes.claim(clock_ok=False) == []
    lanes.pass_ms(15 * 60_000)
    claimed = await lanes.claim(clock_ok=False)
    assert [one.id for one in claimed] == [first]


async def test_a_message_that_was_tried_before_gets_a_new_attempt_number_after_a_lost_lease(lanes: Lanes) -> None:
    await lanes.queue("first")
    await lanes.settle(await lanes.one(), "r", at_ms=100)
    lanes.pass_ms(200)
    second = await lanes.one()
    await lose_lease(lanes)
    third = await resend(lanes)
    assert (second.attempt, third.attempt) == (2, 3)


# late and double


async def test_a_late_settle_after_a_lost_lease_is_evidence(lanes: Lanes) -> None:
    first, second = await lanes.queue("first", "second")
    slow = await lanes.one()
    await lose_lease(lanes)
    assert await lanes.settle(slow) == "evidence"
    assert await lanes.state(first) == "a"
    assert await lanes.send() == second


async def test_a_late_settle_that_was_not_accepted_changes_nothing(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    slow = await lanes.one()
    await lose_lease(lanes)
    for outcome in ("r", "h", "l", "u", "x"):
        assert await lanes.settle(slow, outcome) == "old"
    assert (await resend(lanes)).id == first


async def test_a_late_settle_during_the_resend_makes_the_resend_a_counted_double(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    slow = await lanes.one()
    await lose_lease(lanes)
    again = await resend(lanes)
    assert await lanes.settle(slow) == "evidence"
    assert await lanes.settle(again) == "double"
    assert (await lanes.record(first)).attempt == 1
    assert (await lanes.kinds(first)).count("double") == 1
    assert (await lanes.kinds(first)).count("accepted") == 1
    assert await lanes.standing() == []


async def test_evidence_of_the_first_attempt_after_a_resend_is_a_double_counted_once(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.one()
    await lose_lease(lanes)
    assert await lanes.settle(await resend(lanes)) == "settled"
    assert await lanes.evidence(first, SENT, attempt=2) == "applied"
    assert await lanes.evidence(first, SENT, attempt=1) == "double"
    assert await lanes.evidence(first, SENT, attempt=1) == "old"
    await lanes.evidence(first, DELIVERED, attempt=1)
    assert (await lanes.kinds(first)).count("double") == 1


async def test_evidence_for_the_attempt_that_is_out_frees_the_lane_and_its_settle_agrees(lanes: Lanes) -> None:
    await lanes.queue("first")
    slow = await lanes.one()
    await lose_lease(lanes)
    again = await resend(lanes)
    assert (slow.attempt, again.attempt) == (1, 2)
    assert await lanes.evidence(again.id, SENT, attempt=2) == "settled"
    assert await lanes.standing() == []
    assert await lanes.settle(again) == "settled"
    assert (await lanes.kinds(again.id)).count("double") == 0


async def test_evidence_of_an_earlier_attempt_does_not_free_the_lane_of_the_one_on_the_wire(lanes: Lanes) -> None:
    first, second = await lanes.queue("first", "second")
    await lanes.one()
    await lose_lease(lanes)
    again = await resend(lanes)
    assert await lanes.evidence(first, SENT, attempt=1) == "settled"
    assert await lanes.claim() == [], "the resend is still out: the next one would pass it"
    assert await lanes.settle(again) == "double"
    assert await lanes.send() == second


async def test_a_status_that_comes_before_the_settle_settles_once(lanes: Lanes) -> None:
    first, second = await lanes.queue("first", "second")
    claimed = await lanes.one()
    assert await lanes.evidence(first, DELIVERED) == "settled"
    assert await lanes.state(first) == "a"
    assert (await lanes.record(first)).status is DELIVERED
    assert await lanes.settle(claimed) == "settled"
    assert (await lanes.kinds(first)).count("accepted") == 1
    assert await lanes.send() == second


async def test_settling_twice_is_settling_once(lanes: Lanes) -> None:
    first, second = await lanes.queue("first", "second")
    claimed = await lanes.one()
    assert await lanes.settle(claimed) == "settled"
    assert await lanes.settle(claimed) == "settled"
    assert (await lanes.kinds(first)).count("accepted") == 1
    assert await lanes.send() == second


async def test_a_repeated_settle_does_not_take_the_next_messages_lease(lanes: Lanes) -> None:
    await lanes.queue("first", "second")
    claimed = await lanes.one()
    await lanes.settle(claimed)
    after = await lanes.one()
    await lanes.settle(claimed)
    assert await lanes.outbox.renew([after], lease_ms=LEASE_MS) == [True]
    assert await lanes.claim() == []


async def test_a_replaced_message_on_the_wire_is_accepted_when_the_channel_says_so(lanes: Lanes) -> None:
    old, new = lanes.message(), lanes.message()
    await lanes.put(old, n=1)
    claimed = await lanes.one()
    await lanes.put(new, n=2)
    assert await lanes.settle(claimed) == "settled"
    assert await lanes.state(old.id) == "a"
    assert await lanes.send() == new.id


async def test_a_replaced_message_that_failed_on_the_wire_is_not_tried_again(lanes: Lanes) -> None:
    old, new = lanes.message(), lanes.message()
    await lanes.put(old, n=1)
    claimed = await lanes.one()
    await lanes.put(new, n=2)
    assert await lanes.settle(claimed, "r", at_ms=100) == "replaced"
    assert await lanes.state(old.id) == "r"
    assert await lanes.send() == new.id


async def test_evidence_for_a_message_that_was_closed_meanwhile_opens_the_truth(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.settle(await lanes.one(), "u")
    claimed = await resend(lanes)
    await lanes.settle(claimed, "x", state=MessageState.DEAD, reason="uncertain_dropped")
    assert await lanes.redis.zscore(keys.part(lanes.partition, "dead"), first) is not None
    assert await lanes.evidence(first, SENT, attempt=1) == "settled"
    assert await lanes.state(first) == "a"
    assert await lanes.redis.zscore(keys.part(lanes.partition, "dead"), first) is None


# ranks


async def test_a_status_never_goes_back(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.send()
    answers = [await lanes.evidence(first, status) for status in (READ, DELIVERED, SENT, READ)]
    assert answers == ["applied", "old", "old", "old"]
    assert (await lanes.record(first)).status is READ


async def test_failed_follows_sent_and_is_a_dead_letter(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.send()
    await lanes.evidence(first, SENT)
    assert await lanes.evidence(first, failed=True) == "applied"
    assert await lanes.state(first) == "f"
    assert await lanes.redis.zscore(keys.part(lanes.partition, "dead"), first) is not None


async def test_delivered_after_failed_wins_and_failed_after_delivered_changes_nothing(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.send()
    await lanes.evidence(first, failed=True)
    assert await lanes.evidence(first, DELIVERED) == "applied"
    assert await lanes.state(first) == "a"
    assert await lanes.redis.zscore(keys.part(lanes.partition, "dead"), first) is None
    assert await lanes.evidence(first, failed=True) == "old"
    assert await lanes.state(first) == "a"


async def test_a_failure_of_an_attempt_that_was_resent_does_not_bury_the_resend(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.one()
    await lose_lease(lanes)
    again = await resend(lanes)
    await lanes.evidence(first, failed=True, attempt=1)
    await lanes.settle(again)
    assert await lanes.state(first) == "a", "its second attempt was accepted, and nothing says that it failed"
    assert await lanes.redis.zscore(keys.part(lanes.partition, "dead"), first) is None


async def test_a_failed_second_copy_does_not_bury_the_one_that_was_accepted(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.one()
    await lose_lease(lanes)
    await lanes.settle(await resend(lanes))
    await lanes.evidence(first, failed=True, attempt=1)
    assert await lanes.state(first) == "a"


# holds


async def test_order_delivered_holds_the_next_until_it_is_delivered(lanes: Lanes) -> None:
    first, second = await lanes.queue("first", "second")
    await lanes.settle(await lanes.one(), hold_ms=10_000)
    assert await lanes.claim() == []
    await lanes.evidence(first, SENT)
    assert await lanes.claim() == []
    await lanes.evidence(first, DELIVERED)
    assert await lanes.send() == second


async def test_order_delivered_holds_no_longer_than_its_limit_and_not_again_until_one_comes(lanes: Lanes) -> None:
    first, second, third, fourth, fifth = await lanes.queue(*"abcde")
    await lanes.settle(await lanes.one(), hold_ms=10_000)
    lanes.pass_ms(10_001)
    claimed = await lanes.one()
    assert claimed.id == second
    await lanes.settle(claimed, hold_ms=10_000)
    claimed = await lanes.one()
    assert claimed.id == third, "their phone is off: it is not waited for again"
    await lanes.evidence(first, DELIVERED)
    await lanes.settle(claimed, hold_ms=10_000)
    assert await lanes.claim() == [], "one came: it is waited for again"
    await lanes.evidence(third, DELIVERED)
    assert [await lanes.send(), await lanes.send()] == [fourth, fifth]


async def test_order_delivered_lets_urgent_and_agents_pass(lanes: Lanes) -> None:
    await lanes.queue("first", "second")
    await lanes.settle(await lanes.one(), hold_ms=10_000)
    (urgent,) = await lanes.queue("urgent", priority=Priority.URGENT)
    (agent,) = await lanes.queue("agent", priority=Priority.AGENT)
    assert [await lanes.send(), await lanes.send()] == [agent, urgent]
    assert await lanes.claim() == []


async def test_order_delivered_holds_also_what_is_planned_after_the_lane_was_empty(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.settle(await lanes.one(), hold_ms=10_000)
    (second,) = await lanes.queue("second")
    assert await lanes.claim() == []
    await lanes.evidence(first, DELIVERED)
    assert await lanes.send() == second
    assert await lanes.standing() == []


async def test_order_delivered_survives_an_urgent_message_that_must_wait_itself(lanes: Lanes) -> None:
    first, second = await lanes.queue("first", "second")
    await lanes.settle(await lanes.one(), hold_ms=10_000)
    (urgent,) = await lanes.queue("urgent", priority=Priority.URGENT)
    await lanes.settle(await lanes.one(), "h", at_ms=1000, reason="throttled")
    lanes.pass_ms(1001)
    assert await lanes.send() == urgent
    assert await lanes.claim() == [], "the first is not delivered yet, and its limit is not over"
    await lanes.evidence(first, DELIVERED)
    assert await lanes.send() == second


async def test_a_retry_of_an_urgent_message_does_not_cut_short_the_wait_of_a_normal_one(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    await lanes.settle(await lanes.one(), "r", at_ms=30_000)
    (urgent,) = await lanes.queue("urgent", priority=Priority.URGENT)
    await lanes.settle(await lanes.one(), "r", at_ms=1000)
    lanes.pass_ms(1001)
    assert await lanes.send() == urgent
    assert await lanes.claim() == []
    lanes.pass_ms(29_000)
    assert await lanes.send() == first


# again, later


async def test_a_retry_keeps_its_place_and_holds_what_comes_behind_it(lanes: Lanes) -> None:
    first, second = await lanes.queue("first", "second")
    await lanes.settle(await lanes.one(), "r", at_ms=5000)
    assert await lanes.claim() == []
    lanes.pass_ms(5001)
    again = await lanes.one()
    assert (again.id, again.attempt, again.resend) == (first, 2, False)
    await lanes.settle(again)
    assert await lanes.send() == second


async def test_a_retry_more_than_a_minute_away_leaves_its_lane_and_holds_nothing(lanes: Lanes) -> None:
    first, second, third = await lanes.queue("first", "second", "third")
    await lanes.settle(await lanes.one(), "r", at_ms=120_000)
    assert await lanes.send() == second
    lanes.pass_ms(120_001)
    assert [await lanes.send(), await lanes.send()] == [first, third]


async def test_a_throttle_costs_no_attempt_and_no_pair_token(redis: Redis) -> None:
    lanes = Lanes(redis, Pair(6000, 2))
    await lanes.queue("first", "second")
    for _ in range(4):
        claimed = await lanes.one()
        assert claimed.attempt == 1
        await lanes.settle(claimed, "h", at_ms=1000, reason="throttled")
        lanes.pass_ms(1001)
    await lanes.send()
    await lanes.send()


async def test_a_pair_refusal_waits_until_the_whole_debt_is_repaid(redis: Redis) -> None:
    lanes = Lanes(redis, Pair(6000, 3))
    await lanes.queue(*"abcd")
    await lanes.send()
    await lanes.send()
    await lanes.settle(await lanes.one(), "h", at_ms=0, pair=True)
    lanes.pass_ms(11_000)
    assert await lanes.claim() == []
    lanes.pass_ms(1_200)
    await lanes.send()


async def test_a_retry_past_the_deadline_is_a_dead_letter(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first", life_ms=10_000)
    await lanes.settle(await lanes.one(), "r", at_ms=20_000)
    record = await lanes.record(first)
    assert (record.state.value, record.reason) == ("d", "retries_exhausted")
    assert await lanes.standing() == []


async def test_later_gives_the_pair_token_back_and_joins_in_planned_order(redis: Redis) -> None:
    lanes = Lanes(redis, Pair(6000, 1))
    first, second = await lanes.queue("first", "second")
    await lanes.settle(await lanes.one(), "l", at_ms=1000, reason="night")
    assert await lanes.send() == second
    lanes.pass_ms(6001)
    assert await lanes.send() == first


async def test_every_lane_is_dropped_when_all_is_sent(lanes: Lanes) -> None:
    await lanes.queue("first", "second", life_ms=HOUR_MS)
    await lanes.send()
    await lanes.send()
    for name in keys.lane_keys(lanes.partition, "zz-wa"):
        left = await lanes.redis.hkeys(name) if ":lane:" in name or "}lane:" in name else []
        assert left in ([], [b"#seq"])
    assert await lanes.standing() == []
