"""What happens after one attempt: done, again at, evidence first, another way, or the end.

    ACCEPTED       Accepted
    RETRY          RetryAt with back-off, until the channel's count or the deadline is used up
    THROTTLED      RetryAt that costs no attempt; the pair, sender, account or app waits, not only the message
    REJECTED       DecideAgain where what we believed of window or template was wrong, else FallbackOrDead
    UNREACHABLE    FallbackOrDead
    OPTED_OUT      Dead: who stopped us on one channel does not get the same by another
    SENDER_PAUSED  PauseSender: nothing is wrong with the message, it waits in its lane
    UNCERTAIN      Uncertain: it may have arrived, so evidence decides, and `after_silence` when none comes

An agent's words never take another way by themselves: their agent sees what happened and chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from gateway.connector import Outcome, Scope, SendResult
from gateway.model.message import OnUncertain
from gateway.rules.verdict import Reason

BACKOFF_FIRST_MS = 1_000
BACKOFF_CAP_MS = 60_000
PAIR_CAP_MS = 300_000
"""A burst of 45 at 6 s each is repaid in 270 s: longer is no pair limit any more."""
HOLD_MS = 30_000
"""An agent's failed message keeps the lane's next ones back at most this long, counted from its first attempt."""
LATER_MS = 60_000
"""A retry further away than this leaves its lane and holds nothing."""
SPAN_MS = 72 * 3600_000
"""However late the deadline: three days after the first attempt nobody waits for it any more."""
DECISIONS_MAX = 3
EVIDENCE_MS = 30_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """held: the channel took it and may still drop it."""

    held: bool


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Again at `at_ms`, always before the deadline.

    scope:         how far the wait reaches; PAIR holds the address's lane, SENDER, ACCOUNT and APP all of theirs
    hold_until_ms: until when the lane's messages of its own and lower priority wait for it; now = they pass
    costs_attempt: False for a throttle: waiting is no attempt
    upload_again:  the channel has lost the uploaded file
    """

    at_ms: int
    scope: Scope
    hold_until_ms: int
    costs_attempt: bool = True
    upload_again: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Wait for evidence until then; without it `then` decides (see `after_silence`)."""

    until_ms: int
    then: OnUncertain


@dataclass(frozen=True, slots=True)
class DecideAgain:
    """What we believed was wrong: correct it, then ask eligibility again at once (another template, the substitute)."""

    window_closed: bool
    template_problem: bool


@dataclass(frozen=True, slots=True)
class Dead:
    """The end, and why. EXPIRED and UNCERTAIN_DROPPED are ends as well, not failures."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class FallbackOrDead:
    """This leg is over: the next address or channel, a dead letter where there is none."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class PauseSender:
    """The sender cannot send until `until_ms`, or until a person mends it (None). The message keeps its place."""

    scope: Scope
    until_ms: int | None


Step = Accepted | RetryAt | Uncertain | DecideAgain | Dead | FallbackOrDead | PauseSender


def next_step(
    result: SendResult,
    *,
    attempt: int,
    first_attempt_ms: int,
    now_ms: int,
    deadline_ms: int,
    jitter: float,
    on_uncertain: OnUncertain,
    kind: str,
    throttles: int = 0,
    evidence_ms: int = EVIDENCE_MS,
) -> Step:
    """What to do after this attempt. Pure: the caller draws `jitter` from [0, 1).

    attempt:   1 for the first; attempts that met a throttle or a paused sender are not counted
    kind:      as in Question: "reply" never falls back, never resends, and holds its lane for a while
    throttles: how many throttles in a row came before this one
    """
    match result.outcome:
        case Outcome.ACCEPTED:
            return Accepted(result.held)
        case Outcome.RETRY:
            if result.retries is not None and attempt > result.retries:
                return _give_up(Reason.RETRIES_EXHAUSTED, kind)
            at_ms = now_ms + _wait_ms(result, attempt - 1, jitter)
            if at_ms >= deadline_ms or at_ms - first_attempt_ms > SPAN_MS:
                return Dead(Reason.RETRIES_EXHAUSTED)
            return RetryAt(
                at_ms,
                Scope.MESSAGE,
                _hold_until(at_ms, first_attempt_ms, now_ms, kind),
                upload_again=result.media_problem,
            )
        case Outcome.THROTTLED:
            at_ms = now_ms + _throttle_ms(result, throttles, jitter)
            if at_ms >= deadline_ms:
                return Dead(Reason.EXPIRED)
            # A throttled lane keeps its order: the whole of it waits, be it for the pair or for the sender.
            return RetryAt(at_ms, result.scope, at_ms, costs_attempt=False)
        case Outcome.REJECTED:
            return _after_rejection(result, attempt, kind)
        case Outcome.UNREACHABLE:
            return _give_up(Reason.UNREACHABLE, kind)
        case Outcome.OPTED_OUT:
            return Dead(Reason.OPTED_OUT_AT_CHANNEL)
        case Outcome.SENDER_PAUSED:
            until_ms = None if result.retry_after_ms is None else now_ms + result.retry_after_ms
            return PauseSender(result.scope, until_ms)
        case Outcome.UNCERTAIN:
            return Uncertain(now_ms + evidence_ms, OnUncertain.ASK if kind == "reply" else on_uncertain)
        case _:
            assert_never(result.outcome)


def after_failed_status(result: SendResult | None, *, kind: str) -> Dead | FallbackOrDead:
    """What to do when the channel took a message and said later that it failed. It never goes back into its lane."""
    if result is None:
        return _give_up(Reason.FAILED_AT_CHANNEL, kind)
    match result.outcome:
        case Outcome.OPTED_OUT:
            return Dead(Reason.OPTED_OUT_AT_CHANNEL)
        case Outcome.UNREACHABLE:
            return _give_up(Reason.UNREACHABLE, kind)
        case _:
            reason = Reason.WINDOW_CLOSED if result.window_closed else Reason.FAILED_AT_CHANNEL
            return _give_up(reason, kind)


def after_silence(on_uncertain: OnUncertain, resends_left: int, replaced_or_ended: bool) -> OnUncertain:
    """What an uncertain send becomes when no evidence came: resent, its agent asked, or dropped.

    What newer news has replaced or ended is never resent; an agent is asked all the same, their words replace nothing.
    """
    if on_uncertain is OnUncertain.RESEND and (resends_left <= 0 or replaced_or_ended):
        return OnUncertain.DROP
    return on_uncertain


def _after_rejection(result: SendResult, attempt: int, kind: str) -> Step:
    if kind == "reply" and result.window_closed:
        return Dead(Reason.WINDOW_CLOSED)
    if kind == "reply" and result.lacks:
        return Dead(Reason.WINDOW_CLOSED)  # the longer window that we believed in is not this sender's
    believed_wrong = result.window_closed or result.template_problem or bool(result.lacks)
    if believed_wrong and kind != "reply" and attempt < DECISIONS_MAX:
        return DecideAgain(result.window_closed, result.template_problem)
    return _give_up(Reason.REJECTED, kind)


def _give_up(reason: Reason, kind: str) -> Dead | FallbackOrDead:
    return Dead(reason) if kind == "reply" else FallbackOrDead(reason)


def _wait_ms(result: SendResult, exponent: int, jitter: float) -> int:
    if result.retry_after_ms is not None:
        # A stated time is kept, and a tenth spread over it: those who were told the same must not come back as one.
        return result.retry_after_ms + int(jitter * min(result.retry_after_ms // 10, BACKOFF_CAP_MS))
    # Full jitter: anywhere from at once to the ceiling; 2^6 s is past the cap, so the number stays small for ever.
    return int(jitter * min(BACKOFF_CAP_MS, BACKOFF_FIRST_MS << min(exponent, 6)))


def _throttle_ms(result: SendResult, throttles: int, jitter: float) -> int:
    if result.retry_after_ms is None and result.scope in (Scope.PAIR, Scope.MESSAGE):
        # Meta: 4^n s from n = 0, for this pair only. No jitter: one address has one lane and one message out.
        return min(PAIR_CAP_MS, BACKOFF_FIRST_MS << 2 * min(throttles, 5))
    return _wait_ms(result, throttles, jitter)


def _hold_until(at_ms: int, first_attempt_ms: int, now_ms: int, kind: str) -> int:
    if at_ms - now_ms > LATER_MS:
        return now_ms
    if kind == "reply":
        return max(now_ms, min(at_ms, first_attempt_ms + HOLD_MS))
    return at_ms
