"""The one eligibility engine: may this message be sent to this address now, and as what?

Gateway, console and assistant ask it, when a message is planned and again just before it is sent. The order of the
checks is part of the promise: what concerns the person comes before what concerns the moment, and the first reason is
the one on record. Whatever is unknown counts as a no.
"""

from __future__ import annotations

from gateway.rules.night import night_end
from gateway.rules.question import Night, Question, TemplateChoice, TemplateState
from gateway.rules.verdict import AsTemplate, FreeText, Later, Reason, Suppressed, Verdict
from gateway.rules.window import is_open, open_until

AWAKE_MS = 30 * 60_000
"""How long after their own words a person counts as awake."""

# What tells most comes first: what mends itself, then what somebody must mend, then that there is nothing at all.
_TEMPLATE_REASONS = (
    (TemplateState.PENDING, Reason.TEMPLATE_PENDING),
    (TemplateState.PAUSED, Reason.TEMPLATE_PAUSED),
    (TemplateState.RECATEGORISED, Reason.TEMPLATE_RECATEGORISED),
    (TemplateState.DISABLED, Reason.TEMPLATE_DISABLED),
    (TemplateState.REJECTED, Reason.TEMPLATE_REJECTED),
    (TemplateState.MISSING, Reason.TEMPLATE_MISSING),
)


def decide(question: Question) -> Verdict:
    """Allowed as free text, allowed as template X, later at T, or suppressed because R. Pure.

    A kind other than "reply" and "service" is judged as a notification. `STOPPED` need not be final: who holds messages
    for a brake asks again when it is released, and the deadline keeps running.
    """
    reason = _person(question) or _moment(question) or _permission(question)
    if reason is not None:
        return Suppressed(reason)
    return _timing(question) or _form(question)


def _is_notification(question: Question) -> bool:
    return question.kind not in ("reply", "service")


def _window_open(question: Question) -> bool:
    return is_open(question.window_opened_at_ms, question.window_ms, question.now_ms)


def _person(question: Question) -> Reason | None:
    """Whom we never write to, and where from."""
    if question.erasing:
        return Reason.ERASING
    if question.not_me and (_is_notification(question) or question.personal or not _window_open(question)):
        # Whoever said "not me" is a stranger to this contact's news. They are a person all the same: when they write to
        # us they are answered, inside their own window and with nothing personal in it.
        return Reason.NOT_ME
    if question.only_to is False or (question.only_to is None and not question.production):
        # Fail closed, replies too: a test system that knows real numbers must not be able to reach them. A list that is
        # given in production is meant.
        return Reason.ONLY_TO
    return None


def _moment(question: Question) -> Reason | None:
    """What bars it now, whatever they agreed to."""
    if question.stopped and (question.kind != "reply" or question.automatic):
        # A brake silences what is automatic: notifications, confirmations, the assistant. People answering people go
        # on. Who pulls a brake has just caused questions, and leaving those unanswered would be the second mistake.
        return Reason.STOPPED
    if question.blocked:
        return Reason.BLOCKED_BY_US
    if question.unreachable:
        return Reason.UNREACHABLE
    if question.told_elsewhere:
        return Reason.TOLD_ELSEWHERE
    if question.held_elsewhere and (question.kind != "reply" or question.automatic):
        # People answering people may take the thread over; what is automatic would speak into somebody else's conversation.
        return Reason.HELD_ELSEWHERE
    if question.opted_out_at_channel and question.purpose == "offers" and _is_notification(question):
        # The switch inside the channel's app is about marketing alone; service news and answers still pass.
        return Reason.OPTED_OUT_AT_CHANNEL
    if question.complaint and question.purpose in ("offers", "survey") and _is_notification(question):
        return Reason.COMPLAINT_OPEN
    if question.now_ms >= question.deadline_ms:
        return Reason.EXPIRED
    return None


def _permission(question: Question) -> Reason | None:
    """What the person must have said or shown first."""
    if _is_notification(question):
        consent = question.consents.get(f"{question.purpose}.{question.channel}.{question.brand}")
        if consent is None:
            return Reason.NO_CONSENT
        if not consent.granted:
            return Reason.WITHDRAWN
    if question.personal and question.proof is None:
        return Reason.NO_PROOF
    if question.capped and not question.urgent and _is_notification(question):
        return Reason.CAPPED
    return None


def _timing(question: Question) -> Later | Suppressed | None:
    if question.not_before_ms > question.now_ms:
        if question.not_before_ms >= question.deadline_ms:
            # Its turn comes too late: said now rather than found out then.
            return Suppressed(Reason.EXPIRED)
        return Later(question.not_before_ms, "schedule")
    # Answers come at any hour; a confirmation or address check is ours to time like any notification, and passes at
    # once where it follows their own words.
    if question.kind == "reply" or question.night is Night.WAKE or _awake(question):
        return None
    morning_ms = night_end(question.now_ms, question.timezone, question.quiet)
    if morning_ms is None:
        return None
    if question.deadline_ms > morning_ms:
        return Later(morning_ms, "night")
    return None if question.night is Night.JOURNEY else Suppressed(Reason.NIGHT_PAST_DEADLINE)


def _awake(question: Question) -> bool:
    spoken = (question.spoke_at_ms, question.window_opened_at_ms)
    return any(at_ms is not None and question.now_ms - at_ms < AWAKE_MS for at_ms in spoken)


def _form(question: Question) -> FreeText | AsTemplate | Suppressed:
    if question.window_opened_at_ms is not None and _window_open(question):
        return FreeText(open_until(min(question.window_opened_at_ms, question.now_ms), question.window_ms))
    if question.kind == "reply" and not question.automatic:
        opened, most = question.window_opened_at_ms, question.person_window_ms
        if opened is not None and most > question.window_ms and is_open(opened, most, question.now_ms):
            return FreeText(open_until(min(opened, question.now_ms), most), by_person=True)
    if not question.document_in_template:
        return Suppressed(Reason.TEMPLATE_NO_DOCUMENT)
    if question.templates and question.templates_allowed is False:
        return Suppressed(Reason.TEMPLATES_NOT_ALLOWED)
    for choice in question.templates:
        # A language that still waits for approval is passed over: news in the next language they read beats no news.
        if choice.state is TemplateState.APPROVED:
            return AsTemplate(choice.name, choice.language)
    if not question.templates and not _is_notification(question):
        return Suppressed(Reason.WINDOW_CLOSED)
    return Suppressed(_most_telling(question.templates))


def _most_telling(choices: tuple[TemplateChoice, ...]) -> Reason:
    states = {choice.state for choice in choices}
    return next((reason for state, reason in _TEMPLATE_REASONS if state in states), Reason.TEMPLATE_MISSING)
