"""What follows each outcome: one table, and the numbers behind it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.connector import Outcome, Scope, SendResult
from gateway.model.message import OnUncertain
from gateway.rules.retry import (
    Accepted,
    Dead,
    DecideAgain,
    FallbackOrDead,
    PauseSender,
    RetryAt,
    Step,
    Uncertain,
    after_failed_status,
    after_silence,
    next_step,
)
from gateway.rules.verdict import Reason

NOW = 1_795_336_000_000
HOUR = 3_600_000


def step(outcome: Outcome, *, attempt: int = 1, kind: str = "notification", **given: Any) -> Step:
    asked: dict[str, Any] = {
        name: given.pop(name)
        for name in ("jitter", "throttles", "first_attempt_ms", "deadline_ms", "on_uncertain", "evidence_ms")
        if name in given
    }
    usual: dict[str, Any] = {
        "first_attempt_ms": NOW,
        "deadline_ms": NOW + HOUR,
        "jitter": 0.5,
        "on_uncertain": OnUncertain.RESEND,
    }
    return next_step(SendResult(outcome, **given), attempt=attempt, now_ms=NOW, kind=kind, **{**usual, **asked})


def again(after_ms: int, **more: Any) -> RetryAt:
    return RetryAt(**{"at_ms": NOW + after_ms, "scope": Scope.MESSAGE, "hold_until_ms": NOW + after_ms, **more})


def waits(after_ms: int, scope: Scope) -> RetryAt:
    return RetryAt(NOW + after_ms, scope, NOW + after_ms, costs_attempt=False)


A, R, T = Outcome.ACCEPTED, Outcome.RETRY, Outcome.THROTTLED
X, U, OUT, P, Q = Outcome.REJECTED, Outcome.UNREACHABLE, Outcome.OPTED_OUT, Outcome.SENDER_PAUSED, Outcome.UNCERTAIN
TABLE: list[tuple[str, Outcome, dict[str, Any], Step]] = [
    ("accepted is done", A, {}, Accepted(False)),
    ("accepted and held says so", A, {"held": True}, Accepted(True)),
    ("the first retry comes within a second", R, {"jitter": 0.999}, again(999)),
    ("it may come at once", R, {"jitter": 0.0}, again(0)),
    ("the second within two", R, {"attempt": 2}, again(1000)),
    ("the sixth within 32", R, {"attempt": 6}, again(16_000)),
    ("the seventh within a minute", R, {"attempt": 7}, again(30_000)),
    ("the hundredth too", R, {"attempt": 100}, again(30_000)),
    ("two retries are allowed: the first", R, {"attempt": 1, "retries": 2}, again(500)),
    ("and the second", R, {"attempt": 2, "retries": 2}, again(1000)),
    ("and no third", R, {"attempt": 3, "retries": 2}, FallbackOrDead(Reason.RETRIES_EXHAUSTED)),
    ("an agent is told instead", R, {"attempt": 3, "retries": 2, "kind": "reply"}, Dead(Reason.RETRIES_EXHAUSTED)),
    ("no retry allowed is the end", R, {"retries": 0}, FallbackOrDead(Reason.RETRIES_EXHAUSTED)),
    ("a stated time is kept and spread by a tenth", R, {"retry_after_ms": 10_000}, again(10_500)),
    ("a long one leaves the lane", R, {"retry_after_ms": HOUR // 2}, again(HOUR // 2 + 30_000, hold_until_ms=NOW)),
    ("a minute sharp still holds", R, {"retry_after_ms": 60_000, "jitter": 0.0}, again(60_000)),
    ("a millisecond more does not", R, {"retry_after_ms": 60_001, "jitter": 0.0}, again(60_001, hold_until_ms=NOW)),
    ("at the deadline there is no retry", R, {"deadline_ms": NOW + 500}, Dead(Reason.RETRIES_EXHAUSTED)),
    ("a millisecond before there is", R, {"deadline_ms": NOW + 501}, again(500)),
    ("after three days it ends", R, {"first_attempt_ms": NOW - 72 * HOUR}, Dead(Reason.RETRIES_EXHAUSTED)),
    ("a lost file is uploaded again", R, {"media_problem": True}, again(500, upload_again=True)),
    ("an agent's retry holds its lane", R, {"kind": "reply", "attempt": 5}, again(8000)),
    (
        "for 30 s after the first attempt",
        R,
        {"kind": "reply", "attempt": 7, "first_attempt_ms": NOW - 25_000},
        again(30_000, hold_until_ms=NOW + 5000),
    ),
    (
        "and not at all after that",
        R,
        {"kind": "reply", "attempt": 7, "first_attempt_ms": NOW - 40_000},
        again(30_000, hold_until_ms=NOW),
    ),
    ("a pair waits a second", T, {"scope": Scope.PAIR}, waits(1000, Scope.PAIR)),
    ("then four", T, {"scope": Scope.PAIR, "throttles": 1}, waits(4000, Scope.PAIR)),
    ("then sixteen", T, {"scope": Scope.PAIR, "throttles": 2}, waits(16_000, Scope.PAIR)),
    ("five minutes at most", T, {"scope": Scope.PAIR, "throttles": 9}, waits(300_000, Scope.PAIR)),
    ("a throttled sender slows as a whole", T, {"scope": Scope.SENDER}, waits(500, Scope.SENDER)),
    ("more each time", T, {"scope": Scope.SENDER, "throttles": 5}, waits(16_000, Scope.SENDER)),
    ("a minute at most", T, {"scope": Scope.SENDER, "throttles": 50}, waits(30_000, Scope.SENDER)),
    ("an account too", T, {"scope": Scope.ACCOUNT}, waits(500, Scope.ACCOUNT)),
    ("what the channel says goes first", T, {"scope": Scope.PAIR, "retry_after_ms": 20_000}, waits(21_000, Scope.PAIR)),
    ("past the deadline waiting is no use", T, {"scope": Scope.PAIR, "deadline_ms": NOW + 1000}, Dead(Reason.EXPIRED)),
    ("a throttle costs no attempt however many", T, {"scope": Scope.SENDER, "retries": 0}, waits(500, Scope.SENDER)),
    ("rejected is the end of this leg", X, {}, FallbackOrDead(Reason.REJECTED)),
    ("an agent's words go no other way", X, {"kind": "reply"}, Dead(Reason.REJECTED)),
    ("a closed window makes us decide again", X, {"window_closed": True}, DecideAgain(True, False)),
    ("a template problem too", X, {"template_problem": True}, DecideAgain(False, True)),
    ("not for ever", X, {"template_problem": True, "attempt": 3}, FallbackOrDead(Reason.REJECTED)),
    ("an agent hears that the window is closed", X, {"window_closed": True, "kind": "reply"}, Dead(Reason.WINDOW_CLOSED)),
    ("and of the template", X, {"template_problem": True, "kind": "reply"}, Dead(Reason.REJECTED)),
    ("who cannot be reached is tried elsewhere", U, {}, FallbackOrDead(Reason.UNREACHABLE)),
    ("an agent hears it", U, {"kind": "reply"}, Dead(Reason.UNREACHABLE)),
    ("who opted out is not tried elsewhere", OUT, {}, Dead(Reason.OPTED_OUT_AT_CHANNEL)),
    ("a paused sender waits for a person", P, {"scope": Scope.ACCOUNT}, PauseSender(Scope.ACCOUNT, None)),
    ("or for its time", P, {"scope": Scope.SENDER, "retry_after_ms": 5000}, PauseSender(Scope.SENDER, NOW + 5000)),
    ("uncertain waits for evidence", Q, {}, Uncertain(NOW + 30_000, OnUncertain.RESEND)),
    ("as long as it must", Q, {"evidence_ms": 60_000}, Uncertain(NOW + 60_000, OnUncertain.RESEND)),
    ("and drops if so declared", Q, {"on_uncertain": OnUncertain.DROP}, Uncertain(NOW + 30_000, OnUncertain.DROP)),
    ("an agent is always asked", Q, {"kind": "reply"}, Uncertain(NOW + 30_000, OnUncertain.ASK)),
]


@pytest.mark.parametrize(("says", "outcome", "given", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_the_next_step_is_as_the_row_says(says: str, outcome: Outcome, given: dict[str, Any], expected: Step) -> None:
    assert step(outcome, **given) == expected, says


def test_every_outcome_has_a_row() -> None:
    assert {row[1] for row in TABLE} == set(Outcome)


@pytest.mark.parametrize(
    ("declared", "left", "pointless", "becomes"),
    [
        (OnUncertain.RESEND, 1, False, OnUncertain.RESEND),
        (OnUncertain.RESEND, 0, False, OnUncertain.DROP),
        (OnUncertain.RESEND, 1, True, OnUncertain.DROP),
        (OnUncertain.DROP, 1, False, OnUncertain.DROP),
        (OnUncertain.ASK, 0, False, OnUncertain.ASK),
        (OnUncertain.ASK, 1, True, OnUncertain.ASK),
    ],
)
def test_without_evidence_only_what_still_matters_is_resent(
    declared: OnUncertain, left: int, pointless: bool, becomes: OnUncertain
) -> None:
    assert after_silence(declared, left, pointless) is becomes


@pytest.mark.parametrize(
    ("result", "kind", "becomes"),
    [
        (None, "notification", FallbackOrDead(Reason.FAILED_AT_CHANNEL)),
        (None, "reply", Dead(Reason.FAILED_AT_CHANNEL)),
        (SendResult(R), "notification", FallbackOrDead(Reason.FAILED_AT_CHANNEL)),
        (SendResult(T, scope=Scope.PAIR), "notification", FallbackOrDead(Reason.FAILED_AT_CHANNEL)),
        (SendResult(X, window_closed=True), "reply", Dead(Reason.WINDOW_CLOSED)),
        (SendResult(U), "notification", FallbackOrDead(Reason.UNREACHABLE)),
        (SendResult(OUT), "notification", Dead(Reason.OPTED_OUT_AT_CHANNEL)),
    ],
)
def test_what_failed_after_acceptance_never_goes_back_into_its_lane(
    result: SendResult | None, kind: str, becomes: Step
) -> None:
    assert after_failed_status(result, kind=kind) == becomes
