"""What each code of Messenger's means for us: (code, subcode) first, then words, then the code alone.

Sources: Meta, "Common Error Codes", 25 Jun 2026; "Send a Message", 5 May 2026; production reports of Aug to Oct 2026 for the
subcodes of utility messages (18930xx), 2534001 and the words. Codes 10, 100 and 200 each cover what is wrong for good, for this
person, for this hour and for the whole Page, so under them a subcode nobody knows decides nothing. Where a comment says
"ours", Meta names the code and the reaction is our judgement. The HTTP status is never looked at.
"""

from __future__ import annotations

from connectors.meta.errors import GRAPH_CODES, GRAPH_RANGES, UNKNOWN, Rule, Table
from gateway.connector import Outcome, Scope
from gateway.model.capability import Capability

_MINUTE_MS = 60 * 1000
_HOUR_MS = 60 * _MINUTE_MS

_RETRY = Rule(Outcome.RETRY)
_RETRY_3 = Rule(Outcome.RETRY, retries=3)
_NEVER = Rule(Outcome.REJECTED, retries=0)
_TEMPLATE = Rule(Outcome.REJECTED, retries=0, template_problem=True)
_MEDIA = Rule(Outcome.REJECTED, retries=0, media_problem=True)
_MEDIA_ONCE_MORE = Rule(Outcome.RETRY, retries=1, media_problem=True)
_WINDOW = Rule(Outcome.REJECTED, retries=0, window_closed=True)
_HELD = Rule(Outcome.REJECTED, retries=0, held_elsewhere=True)
_UNREACHABLE = Rule(Outcome.UNREACHABLE, retries=0)
_OPTED_OUT = Rule(Outcome.OPTED_OUT, retries=0)
_PAUSED = Rule(Outcome.SENDER_PAUSED, scope=Scope.SENDER)
_THROTTLED = Rule(Outcome.THROTTLED, scope=Scope.SENDER)
_THROTTLED_APP = Rule(Outcome.THROTTLED, scope=Scope.APP)
_NO_TEMPLATES = Rule(Outcome.REJECTED, retries=0, lacks=Capability.TEMPLATES.value)
_NO_PERSON_WINDOW = Rule(Outcome.REJECTED, retries=0, lacks=Capability.PERSON_WINDOW.value)

_PAIRS: dict[tuple[int, int], Rule] = {
    (1, 99): Rule(Outcome.RETRY, retries=2),  # unknown; may hide a missing permission
    (1, 1357046): Rule(Outcome.UNCERTAIN),  # reported as failed though sent: its echo tells
    (2, 2018344): _PAUSED,  # the Page must accept the contact terms
    (4, 2018022): _THROTTLED_APP,
    (4, 2018354): _NEVER,  # a recurring notification sooner than agreed
    (9, 2018352): Rule(Outcome.RETRY, retries=3, retry_after_ms=_HOUR_MS),  # too many requests to opt in; the hour is ours
    (10, 2018278): _WINDOW,
    (10, 2018065): _WINDOW,  # older; names the permission of news publishers
    (10, 2534022): _WINDOW,  # of Instagram, seen here as well
    (10, 1545041): _WINDOW,  # under 10 the window, under 200 and 551 the person
    (10, 2018108): _UNREACHABLE,
    (10, 2018300): _HELD,
    (10, 1893015): _OPTED_OUT,  # the person stopped these notifications
    (10, 1893063): Rule(Outcome.SENDER_PAUSED, retry_after_ms=30 * _MINUTE_MS, scope=Scope.SENDER),  # restricted for a while
    (10, 1404170): _PAUSED,  # restricted from asking people to opt in
    (10, 2018336): _NEVER,  # a European thread without this feature
    (100, 33): _NEVER,  # the object is unknown or may not be seen
    (100, 2018001): _UNREACHABLE,  # no such person on this Page, or another Page's id
    (100, 2018008): _MEDIA_ONCE_MORE,  # an address was not fetched
    (100, 2018047): _MEDIA,  # type and content differ
    (100, 2018109): _MEDIA,  # too large
    (100, 2018294): _MEDIA,  # a video's address took over 75 s
    (100, 2018074): _MEDIA_ONCE_MORE,  # the attachment id is unknown, foreign or over 90 days old
    (100, 2018014): _NEVER,  # message and sender action together
    (100, 2018015): _NEVER,  # neither
    (100, 2018034): _NEVER,  # the message is empty
    (100, 2018040): _NEVER,  # a button without payload
    (100, 2018041): _NEVER,  # a button without address
    (100, 2018053): _NEVER,  # a button without title
    (100, 2018164): _NEVER,  # wrong app id in a hand-over
    (100, 2018218): _NEVER,  # no profile
    (100, 2018247): _NEVER,  # profile not permitted
    (100, 2018320): _NEVER,  # product template
    (100, 2018328): _NEVER,
    (100, 1893029): _TEMPLATE,  # fewer button parameters than were approved
    (100, 1893043): _NEVER,  # a forbidden character in a parameter
    (100, 1893061): _NEVER,  # a message tag that ended on 27 Apr 2026
    (100, 2018416): _NEVER,  # creating a template with a quick reply button
    (100, 2388051): _NEVER,  # creating a template with an example on a postback
    (100, 2534001): _UNREACHABLE,  # the conversation was archived or deleted: until they write again
    (100, 2534037): _HELD,
    (200, 2018028): _PAUSED,  # the app is not live
    (200, 2018027): _PAUSED,  # permission not reviewed
    (200, 2018021): _PAUSED,  # fee for writing to phone numbers
    (200, 1545041): _UNREACHABLE,
    (551, 1545041): _UNREACHABLE,
    (613, 2534040): _THROTTLED,
    (613, 1893016): _NEVER,  # a second request to opt in for one topic
    (613, 2018338): _NEVER,  # a warning: too many to one person
}

_CODES: dict[int, Rule] = {
    **GRAPH_CODES,
    -1: _RETRY_3,  # internal; a repeat after seconds worked in production
    1: _RETRY_3,
    2: _RETRY_3,  # a fault that passes; also seen where the person had blocked the Page, hence not for ever
    4: _THROTTLED_APP,
    17: _THROTTLED,  # the token's user
    32: _THROTTLED,  # the Page
    613: _THROTTLED,
    551: _UNREACHABLE,  # blocked, deactivated or in message requests; retrying it is of no use
    506: Rule(Outcome.ACCEPTED, retries=0),  # a duplicate: the first one was sent, and this is all we shall hear of it
    1200: _RETRY,  # temporary
    2022: _PAUSED,  # commerce messages disabled by policy
    10303: _NEVER,  # bad token of account linking
    36103: _NEVER,  # a roll-out of Instagram's
    80006: _THROTTLED,  # the Page's calls
    9000001: _NEVER,  # the message was deleted
    2018144: _NEVER,  # notifications of Instant Games
    2018171: _PAUSED,  # the app's role in the Page's routing; ours: nothing can be sent until it is mended
    2018234: _PAUSED,
    2018321: Rule(Outcome.THROTTLED, retry_after_ms=5 * _MINUTE_MS, scope=Scope.PAIR),
    # 2018321: the thread is inside Meta's questions and answers: wait and come again. Five minutes are ours.
}

_SUBCODES = {subcode: rule for (_, subcode), rule in _PAIRS.items() if subcode > 99 and subcode != 1545041}
"""Meta's pages list some subcodes as if they were codes (2018300, 2018218), and reports differ in what they stand under."""

_BROAD = (10, 100, 200)

# Words, in lower case, under the broad codes alone. Meta changes them without notice: they come after the subcode.
_WORDS: tuple[tuple[str, Rule], ...] = (
    ("human_agent", _NO_PERSON_WINDOW),
    ("human agent", _NO_PERSON_WINDOW),
    ("utility_messaging", _NO_TEMPLATES),
    ("template cannot be found", _TEMPLATE),
    ("template not found", _TEMPLATE),
    ("allowed window", _WINDOW),
    ("appsecret_proof", Rule(Outcome.SENDER_PAUSED, scope=Scope.APP)),
    ("persona", Rule(Outcome.REJECTED, retries=0, speaker_problem=True)),
    ("controlling this thread", _HELD),
    ("not the thread owner", _HELD),
    ("no matching user", _UNREACHABLE),
    ("isn't available right now", _UNREACHABLE),
    ("can't receive your messages", _UNREACHABLE),
)

MESSENGER = Table(
    codes=_CODES,
    pairs=_PAIRS,
    ranges=(
        *GRAPH_RANGES,
        (2018389, 2018396, _NEVER),  # calling
    ),
)


def rule_for(code: int, subcode: int, words: str) -> Rule:
    """The reaction to an error. words: all that Meta said of it, unread and not to be kept."""
    known = MESSENGER.pairs.get((code, subcode))
    if known is None and code in _BROAD:
        said = words.casefold().replace("’", "'")
        known = next((rule for part, rule in _WORDS if part in said), None)
        if known is None and subcode:
            # Of 100 most are bad parameters; what else 10 and 200 refuse may be one person's state: never the whole Page's pause.
            known = _SUBCODES.get(subcode) or (_NEVER if code == 100 else UNKNOWN)
    return known or MESSENGER.rule(code) or _SUBCODES.get(code) or UNKNOWN
