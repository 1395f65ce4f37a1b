"""What statuses and retries promise whatever comes in."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connector import Outcome, Scope, SendResult
from gateway.model.message import DeliveryStatus, OnUncertain
from gateway.rules.retry import FallbackOrDead, RetryAt, Uncertain, next_step
from gateway.rules.status import advance

NOW = 1_795_336_000_000

arrivals = st.lists(st.tuples(st.sampled_from(DeliveryStatus), st.booleans()), min_size=1, max_size=8)


def after(statuses: list[tuple[DeliveryStatus, bool]]) -> tuple[DeliveryStatus, bool]:
    status, failed = DeliveryStatus.NONE, False
    for new, new_failed in statuses:
        was = (status, failed)
        status, failed, changed = advance(status, failed, new, new_failed)
        assert changed == ((status, failed) != was)
        assert status >= was[0], "a status went back"
    return status, failed


@given(arrivals, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_end_is_the_same_in_whatever_order_statuses_arrive(
    statuses: list[tuple[DeliveryStatus, bool]], chance: object
) -> None:
    shuffled = list(statuses)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert after(shuffled) == after(statuses) == after(statuses + shuffled)


@given(arrivals)
@settings(deadline=None)
def test_a_message_counts_as_failed_only_while_nothing_shows_it_on_the_phone(
    statuses: list[tuple[DeliveryStatus, bool]],
) -> None:
    status, failed = after(statuses)
    assert status == max(new for new, _ in statuses)
    assert failed == (any(new_failed for _, new_failed in statuses) and status < DeliveryStatus.DELIVERED)


results = st.builds(
    SendResult,
    outcome=st.sampled_from(Outcome),
    retry_after_ms=st.none() | st.integers(0, 30 * 3_600_000),
    retries=st.none() | st.integers(0, 5),
    scope=st.sampled_from(Scope),
    template_problem=st.booleans(),
    media_problem=st.booleans(),
    window_closed=st.booleans(),
)


@given(
    results,
    st.integers(1, 60),
    st.integers(0, 100 * 3_600_000),
    st.integers(1, 100 * 3_600_000),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(OnUncertain),
    st.sampled_from(("notification", "reply", "service")),
    st.integers(0, 60),
)
@settings(max_examples=300, deadline=None)
def test_a_retry_lies_between_now_and_the_deadline_and_a_reply_is_never_sent_by_another_way(
    result: SendResult,
    attempt: int,
    age_ms: int,
    left_ms: int,
    jitter: float,
    on_uncertain: OnUncertain,
    kind: str,
    throttles: int,
) -> None:
    step = next_step(
        result,
        attempt=attempt,
        first_attempt_ms=NOW - age_ms,
        now_ms=NOW,
        deadline_ms=NOW + left_ms,
        jitter=jitter,
        on_uncertain=on_uncertain,
        kind=kind,
        throttles=throttles,
    )
    if isinstance(step, RetryAt):
        assert NOW <= step.at_ms < NOW + left_ms
        assert NOW <= step.hold_until_ms <= step.at_ms
        assert step.costs_attempt == (result.outcome is Outcome.RETRY)
    if kind == "reply":
        assert not isinstance(step, FallbackOrDead)
        assert not isinstance(step, Uncertain) or step.then is OnUncertain.ASK
