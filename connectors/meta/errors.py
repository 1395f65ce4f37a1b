"""What each code of Meta's means for us: one table for answers and for webhooks, since a code may come either way.

Sources: Meta, "Error codes", 11 Sep 2026; "Groups API", 16 Jun 2026; HTTP statuses, where a comment names one, from
the same page of 14 Nov 2025. Where a comment says "ours", the page names the code and the reaction is our judgement.
Nothing here looks at words: Meta changes those without notice.

A code that is not here is tried twice more (UNKNOWN), then becomes a dead letter that somebody looks at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.meta.faults import Fault
from gateway.connector import Outcome, Scope, SendResult

_MINUTE_MS = 60 * 1000
_HOUR_MS = 60 * _MINUTE_MS


@dataclass(frozen=True, slots=True)
class Rule:
    """How to react to a code; the fields mean what they mean in `SendResult`."""

    outcome: Outcome
    retries: int | None = None
    retry_after_ms: int | None = None
    scope: Scope = Scope.MESSAGE
    template_problem: bool = False
    media_problem: bool = False
    window_closed: bool = False
    held_elsewhere: bool = False
    speaker_problem: bool = False
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rules of one channel. The most exact one counts: (code, subcode), then code, then a range (both ends in)."""

    codes: Mapping[int, Rule]
    pairs: Mapping[tuple[int, int], Rule] = field(default_factory=dict)
    ranges: tuple[tuple[int, int, Rule], ...] = ()

    def rule(self, code: int, subcode: int = 0) -> Rule | None:
        exact = self.pairs.get((code, subcode)) or self.codes.get(code)
        if exact is not None:
            return exact
        return next((rule for low, high, rule in self.ranges if low <= code <= high), None)


def judge(fault: Fault, table: Table, *, retry_after_ms: int | None = None) -> SendResult:
    """The one classifier. retry_after_ms: what the answer's headers said; it beats the table where waiting helps."""
    return apply_rule(table.rule(fault.code, fault.subcode) or UNKNOWN, fault, retry_after_ms=retry_after_ms)


def apply_rule(rule: Rule, fault: Fault, *, retry_after_ms: int | None = None) -> SendResult:
    """A rule said of one fault."""
    after_ms = rule.retry_after_ms
    if retry_after_ms is not None and rule.outcome in (Outcome.RETRY, Outcome.THROTTLED):
        after_ms = max(retry_after_ms, after_ms or 0)
    return SendResult(
        outcome=rule.outcome,
        code=fault.code,
        subcode=fault.subcode,
        detail=fault.detail,
        retry_after_ms=after_ms,
        retries=rule.retries,
        scope=rule.scope,
        template_problem=rule.template_problem,
        media_problem=rule.media_problem,
        window_closed=rule.window_closed,
        held_elsewhere=rule.held_elsewhere,
        speaker_problem=rule.speaker_problem,
        lacks=rule.lacks,
    )


UNKNOWN = Rule(Outcome.RETRY, retries=2)

_RETRY = Rule(Outcome.RETRY)
_NEVER = Rule(Outcome.REJECTED, retries=0)
_TEMPLATE = Rule(Outcome.REJECTED, retries=0, template_problem=True)
_UNREACHABLE = Rule(Outcome.UNREACHABLE, retries=0)
_PAUSED = Rule(Outcome.SENDER_PAUSED, scope=Scope.SENDER)
_PAUSED_ACCOUNT = Rule(Outcome.SENDER_PAUSED, scope=Scope.ACCOUNT)


def _retry(*, retries: int | None = None, after_ms: int | None = None) -> Rule:
    return Rule(Outcome.RETRY, retries=retries, retry_after_ms=after_ms)


def _throttled(scope: Scope, *, after_ms: int | None = None) -> Rule:
    return Rule(Outcome.THROTTLED, retry_after_ms=after_ms, scope=scope)


# The codes of the Graph API itself, the same on every channel.
GRAPH_CODES: dict[int, Rule] = {
    0: _PAUSED,  # 401; the token cannot be used: expired, revoked
    1: _retry(retries=2),  # 400; unknown, or a malformed call
    2: _RETRY,  # 503; down or overloaded
    3: _NEVER,  # 500; capability or permission missing
    4: _throttled(Scope.APP),  # 400; the app's call limit
    10: _PAUSED,  # 403; permission or eligibility missing
    33: _PAUSED,  # 400; the number was deleted
    100: _NEVER,  # 400; bad or unknown parameter, too long
    102: _PAUSED,  # 401; session gone
    104: _PAUSED,  # 401; no token
    190: _PAUSED,  # 401; token expired (subcode 463), invalid (467)
    368: _PAUSED_ACCOUNT,  # 403; restricted or disabled for policy
    613: _RETRY,  # 400; limit of call-permission queries
}
GRAPH_PAIRS: dict[tuple[int, int], Rule] = {
    (100, 33): _PAUSED,  # the object is missing or not ours: for a send that is the number itself
}
GRAPH_RANGES: tuple[tuple[int, int, Rule], ...] = (
    (200, 299, _PAUSED),  # 403; permissions
)

_SENDING: dict[int, Rule] = {
    80007: _throttled(Scope.ACCOUNT),  # 400; the account's call limit
    130403: _UNREACHABLE,  # 400; we have blocked this person; that another channel may serve is ours
    130429: _throttled(Scope.SENDER),  # 400; throughput of the number
    130472: _NEVER,  # 400; the person is in a marketing experiment: not this template, the address stays good
    130497: _NEVER,  # 403; a country barred for this account: the operator's to mend, so the person is not marked
    130501: _NEVER,  # webhook; somebody wrote an unsupported kind in a group
    131000: _retry(retries=3),  # 500; something went wrong
    131005: _PAUSED,  # 403; access denied
    131008: _NEVER,  # 400; a parameter is missing
    131009: _NEVER,  # 400; a parameter's value is not valid
    131014: Rule(Outcome.REJECTED, retries=0, media_problem=True),  # webhook, older; a media link was not fetched
    131016: _RETRY,  # 500; service unavailable
    131020: _NEVER,  # 400; a group with nobody but us
    131021: _NEVER,  # 400; recipient is sender
    131026: _UNREACHABLE,  # 400, mostly webhook; no WhatsApp, terms not accepted, old client, undisclosed
    131030: _NEVER,  # 400; a test number writes only to its list of five
    131031: _PAUSED_ACCOUNT,  # 403; account locked
    131037: _PAUSED,  # 400; display name not approved
    131041: _NEVER,  # 400; group unknown
    131042: _PAUSED_ACCOUNT,  # 400, often webhook; payment
    131044: _NEVER,  # payment for calls
    131045: _PAUSED,  # 500; certificate or registration of the number
    131047: Rule(Outcome.REJECTED, retries=0, window_closed=True),  # 400, mostly webhook; use a template
    131048: Rule(Outcome.SENDER_PAUSED, retry_after_ms=_HOUR_MS, scope=Scope.SENDER),
    # 131048: 400; spam limit, also seen where the tier is used up. "For hours" on the page; one hour's probe is ours.
    131049: _retry(retries=2, after_ms=24 * _HOUR_MS),  # 400, mostly webhook; Meta chose not to, not before 24 h
    131050: Rule(Outcome.OPTED_OUT, retries=0),  # 400, mostly webhook; the person stopped our marketing
    131051: _NEVER,  # 400; unsupported type
    131052: _NEVER,  # webhook; what the person sent could not be fetched
    131053: Rule(Outcome.RETRY, retries=1, media_problem=True),  # 400, mostly webhook; our media: upload again, once
    131055: _NEVER,  # 400; the marketing endpoint takes marketing templates only
    131056: _throttled(Scope.PAIR),  # 400; number and person: 4^n seconds, that pair only
    131057: _throttled(Scope.SENDER, after_ms=_MINUTE_MS),  # 500; throughput upgrade, about a minute
    131059: _NEVER,  # 400; paging cursor of a group list
    131060: _NEVER,  # webhook; an inbound message that cannot be shown
    131062: _NEVER,  # 400; a user id is not allowed here: needs the phone number
    131063: _TEMPLATE,  # 400; marketing is switched off here, so this template is marketing now
    131064: Rule(Outcome.SENDER_PAUSED, scope=Scope.ACCOUNT, template_problem=True),  # 400; misclassified templates
}

_GROUPS: dict[int, Rule] = {
    131201: _NEVER,  # 206; carried out in part
    131202: _NEVER,  # duplicate
    131203: _NEVER,  # a person cannot be added: terms
    131204: _NEVER,  # too many
    131207: _NEVER,  # 403; group suspended
    131208: _throttled(Scope.SENDER),  # 429; group operations of the number
    131209: _NEVER,  # picture
    131210: _NEVER,  # picture
    131211: _NEVER,  # no more groups
    131212: _NEVER,  # not a member
    131213: _NEVER,  # no such request
    131214: _NEVER,  # creation barred
    131215: _NEVER,  # not eligible for groups
}

_TEMPLATES: dict[int, Rule] = {
    132000: _TEMPLATE,  # 400; number of parameters
    132001: _TEMPLATE,  # 404; missing in this language, or not approved
    132005: _NEVER,  # 400; too long with its values
    132007: _NEVER,  # 400; characters or format against policy
    132008: _TEMPLATE,  # 400; parameter format
    132012: _TEMPLATE,  # 400; parameter format, e.g. the header expects an image
    132015: _TEMPLATE,  # 400; paused
    132016: _TEMPLATE,  # 400; disabled for good
    132018: _NEVER,  # 400; newline, tab or more than four spaces in a value
    132068: _NEVER,  # 400; flow blocked
    132069: _retry(after_ms=_HOUR_MS),  # 400; flow throttled: ten an hour
    134100: _NEVER,  # 400; marketing endpoint: marketing only
    134101: _retry(after_ms=10 * _MINUTE_MS),  # 400; marketing endpoint: template still on its way
    134102: _NEVER,  # 500; marketing endpoint: template not available
    135000: _NEVER,  # 400; some parameter
}

# Answers to management calls (registration, accounts, names, flows, sign-up): no message is at stake.
_MANAGEMENT: dict[int, Rule] = {
    133000: _NEVER,  # 500; an earlier deregistration is not complete: deregister again
    133004: _RETRY,  # 503; server unavailable
    133005: _NEVER,  # 400; wrong PIN
    133006: _PAUSED,  # 400; the number is not verified
    133008: _NEVER,  # 400; too many wrong PINs
    133009: _NEVER,  # 400; PINs too fast
    133010: _PAUSED,  # 400; the number is not registered
    133015: _retry(after_ms=5 * _MINUTE_MS),  # 400; the number was deleted a moment ago
    133016: _retry(retries=1, after_ms=72 * _HOUR_MS),  # 400; ten (de)registrations in 72 h
    134011: _NEVER,  # 400; payments terms
    137000: _NEVER,  # 400; the person's key changed: confirm them again (we send no key, so this is a surprise)
    2388001: _NEVER,  # migration
    2388012: _NEVER,  # migration
    2388019: _NEVER,  # no more templates
    2388023: _NEVER,  # a language is being deleted; mostly a subcode of 100
    2388024: _NEVER,  # name and language exist; mostly a subcode of 100
    2388039: _NEVER,  # the template's state forbids editing
    2388040: _NEVER,  # length
    2388047: _NEVER,  # header
    2388072: _NEVER,  # body
    2388073: _NEVER,  # footer
    2388091: _NEVER,  # migration
    2388093: _NEVER,  # migration
    2388103: _NEVER,  # migration
    2388293: _NEVER,  # too many variables for its length
    2388299: _NEVER,  # a variable at start or end
    2494055: _throttled(Scope.SENDER),  # documented as subcode of 130429
    2494100: _NEVER,  # migration: the number is in maintenance
    2593107: _NEVER,  # 400; coexistence synchronisation
    2593108: _NEVER,  # 400; the same
}

WHATSAPP = Table(
    codes={**GRAPH_CODES, **_SENDING, **_GROUPS, **_TEMPLATES, **_MANAGEMENT},
    pairs=GRAPH_PAIRS,
    ranges=(
        *GRAPH_RANGES,
        (138000, 138018, _NEVER),  # calling
        (139000, 139004, _NEVER),  # flows
        (139100, 139103, _NEVER),  # blocking people
        (147001, 147005, _NEVER),  # business user names
        (200005, 200007, _NEVER),  # template insights
        (2494164, 2494179, _NEVER),  # in-app sign-up links
    ),
)
