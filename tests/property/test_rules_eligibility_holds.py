"""What eligibility promises whatever the question."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.contact import Consent, Proof
from gateway.rules.may_send import AWAKE_MS, decide
from gateway.rules.night import local_time, night_end
from gateway.rules.question import Night, Question, QuietHours, TemplateChoice, TemplateState
from gateway.rules.verdict import AsTemplate, FreeText, Later, Reason, Suppressed, Verdict
from gateway.rules.window import is_open, minutes_left, open_until

START_MS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
YEARS_MS = 2 * 366 * 24 * 3600_000
HOUR_MS = 3600_000
ZONES = (
    "Europe/Amsterdam", "Europe/London", "Europe/Dublin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland",
    "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "Antarctica/Troll", "Pacific/Chatham", "UTC", "No/Zone",
)  # fmt: skip

moments = st.integers(START_MS, START_MS + YEARS_MS)
offsets = st.integers(-30 * HOUR_MS, 30 * HOUR_MS)
quiets = st.builds(QuietHours, st.integers(0, 23), st.integers(0, 23))
choices = st.builds(TemplateChoice, st.just("t"), st.sampled_from(("nl", "en")), st.sampled_from(TemplateState))


@st.composite
def questions(draw: st.DrawFn) -> Question:
    now_ms = draw(moments)
    bools = st.booleans()
    rarely = st.integers(0, 9).map(lambda number: number == 0)
    purpose = draw(st.sampled_from(("journey", "offers")))
    granted = draw(st.sampled_from((None, True, True, True, False)))
    window = draw(st.none() | offsets)
    spoke = draw(st.none() | st.integers(-2 * HOUR_MS, 0))
    return Question(
        kind=draw(st.sampled_from(("notification", "reply", "service", "unheard of"))),
        purpose=purpose,
        channel="whatsapp",
        brand="zz",
        now_ms=now_ms,
        deadline_ms=now_ms + draw(st.integers(-HOUR_MS, 30 * HOUR_MS)),
        not_before_ms=draw(st.just(0) | offsets.map(lambda offset: now_ms + offset)),
        urgent=draw(bools),
        automatic=draw(bools),
        personal=draw(bools),
        night=draw(st.sampled_from(Night)),
        quiet=draw(quiets),
        timezone=draw(st.sampled_from(ZONES)),
        erasing=draw(rarely),
        consents={} if granted is None else {f"{purpose}.whatsapp.zz": Consent(granted, now_ms - 1)},
        proof=draw(st.sampled_from((None, *Proof))),
        not_me=draw(rarely),
        blocked=draw(rarely),
        opted_out_at_channel=draw(rarely),
        unreachable=draw(rarely),
        stopped=draw(rarely),
        capped=draw(rarely),
        only_to=draw(st.sampled_from((None, True, False))),
        production=draw(bools),
        window_opened_at_ms=None if window is None else now_ms + window,
        templates=tuple(draw(st.lists(choices, max_size=3))),
        spoke_at_ms=None if spoke is None else now_ms + spoke,
    )


def lets_through(verdict: Verdict) -> bool:
    """It goes now, or would go later."""
    return not isinstance(verdict, Suppressed)


@given(questions())
@settings(max_examples=200, deadline=None)
def test_outside_production_nobody_unlisted_is_ever_written_to(asked: Question) -> None:
    verdict = decide(replace(asked, production=False, only_to=None if asked.only_to else asked.only_to))
    assert isinstance(verdict, Suppressed)
    assert verdict.reason in (Reason.ONLY_TO, Reason.NOT_ME, Reason.ERASING)


@given(questions())
@settings(max_examples=200, deadline=None)
def test_taking_a_permission_away_never_allows(asked: Question) -> None:
    before = decide(asked)
    for poorer in (
        replace(asked, consents={}),
        replace(asked, consents={key: Consent(False, said.at_ms) for key, said in asked.consents.items()}),
        replace(asked, proof=None),
        replace(asked, templates=()),
        replace(asked, only_to=False),
    ):
        if not lets_through(before):
            assert not lets_through(decide(poorer))


@given(questions())
@settings(max_examples=200, deadline=None)
def test_one_more_bar_never_allows(asked: Question) -> None:
    before = decide(asked)
    for barred in (
        replace(asked, erasing=True),
        replace(asked, not_me=True),
        replace(asked, blocked=True),
        replace(asked, opted_out_at_channel=True),
        replace(asked, unreachable=True),
        replace(asked, stopped=True),
        replace(asked, capped=True),
        replace(asked, personal=True),
        replace(asked, automatic=True),
    ):
        if not lets_through(before):
            assert not lets_through(decide(barred))


@given(questions())
@settings(max_examples=200, deadline=None)
def test_a_notification_that_goes_has_consent_its_hour_and_its_deadline_ahead(asked: Question) -> None:
    verdict = decide(asked)
    if isinstance(verdict, (FreeText, AsTemplate)):
        assert asked.not_before_ms <= asked.now_ms < asked.deadline_ms
        assert asked.proof is not None or not asked.personal
        if asked.kind not in ("reply", "service"):
            assert asked.consents[f"{asked.purpose}.{asked.channel}.{asked.brand}"].granted
            assert not asked.not_me


@given(questions())
@settings(max_examples=200, deadline=None)
def test_later_is_after_now_and_before_the_deadline(asked: Question) -> None:
    verdict = decide(asked)
    if isinstance(verdict, Later):
        assert asked.now_ms < verdict.at_ms < asked.deadline_ms
        assert verdict.why in ("night", "schedule")


@given(questions())
@settings(max_examples=200, deadline=None)
def test_nothing_but_what_must_reaches_a_person_asleep(asked: Question) -> None:
    verdict = decide(asked)
    if asked.kind == "reply" or not isinstance(verdict, (FreeText, AsTemplate)):
        return
    spoken = (asked.spoke_at_ms, asked.window_opened_at_ms)
    if any(at_ms is not None and asked.now_ms - at_ms < AWAKE_MS for at_ms in spoken):
        return
    end_ms = night_end(asked.now_ms, asked.timezone, asked.quiet)
    if end_ms is not None:
        assert asked.night is Night.WAKE or (asked.night is Night.JOURNEY and asked.deadline_ms <= end_ms)


@given(questions())
@settings(max_examples=200, deadline=None)
def test_free_text_goes_only_into_an_open_window_and_a_template_only_approved(asked: Question) -> None:
    verdict = decide(asked)
    open_now = is_open(asked.window_opened_at_ms, asked.window_ms, asked.now_ms)
    if isinstance(verdict, FreeText):
        assert open_now
        assert verdict.until_ms > asked.now_ms + 60_000
    if isinstance(verdict, AsTemplate):
        assert not open_now
        assert TemplateChoice(verdict.name, verdict.language, TemplateState.APPROVED) in asked.templates


@given(moments, st.sampled_from(ZONES), quiets)
@settings(max_examples=400, deadline=None)
def test_a_night_ends_after_now_at_its_hour_and_within_a_day_and_a_clock_change(
    now_ms: int, zone: str, quiet: QuietHours
) -> None:
    end_ms = night_end(now_ms, zone, quiet)
    hour = local_time(now_ms, zone).hour
    if quiet.start_hour <= quiet.end_hour:
        quiet_now = quiet.start_hour <= hour < quiet.end_hour
    else:
        quiet_now = not quiet.end_hour <= hour < quiet.start_hour
    assert (end_ms is not None) == quiet_now
    if end_ms is not None:
        assert now_ms < end_ms <= now_ms + 26 * HOUR_MS
        end = local_time(end_ms, zone)
        # Its hour sharp, or where the clock jumped over that hour, the place it jumped to.
        assert (end.hour, end.minute) == (quiet.end_hour, 0) or night_end(end_ms, zone, quiet) is None


@given(st.none() | offsets, st.integers(1, 14 * 24).map(lambda hours: hours * HOUR_MS), moments)
@settings(deadline=None)
def test_the_minutes_left_in_a_window_are_positive_only_while_it_is_open(
    offset: int | None, window_ms: int, now_ms: int
) -> None:
    opened = None if offset is None else now_ms + offset
    left = minutes_left(opened, window_ms, now_ms)
    assert left >= 0
    if left > 0:
        assert is_open(opened, window_ms, now_ms)
    if opened is not None and opened <= now_ms:
        assert left * 60_000 <= max(0, open_until(opened, window_ms) - 60_000 - now_ms) < (left + 1) * 60_000
