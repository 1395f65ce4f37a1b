"""Every request that the internal API takes, as rows: /openapi.json and /docs are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from gateway.api.brakes import CorrectionBody, CrisisBody, NoticeBody, ReleaseBody, WhyBody
from gateway.api.contacts import ChangeBody, ConsentsBody, ProofsBody, SearchBody
from gateway.api.families import FamiliesBody
from gateway.api.inviting import InvitationBody
from gateway.api.keys import KeyBody
from gateway.api.rollouts import MoveBody, RolloutBody
from gateway.api.subscriptions import SubscriptionsBody
from gateway.api.touches import TouchesBody
from gateway.store.apikeys import Scope

EVENTS = "events"
"""As a body: one CloudEvent or a batch, in any of the three forms."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """where: path, query or header"""

    name: str
    where: str
    about: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """answers: status -> (what it says, name of its schema; "" for none)

    Every operation with a scope also answers 401, 403 and 503.
    """

    method: str
    path: str
    group: str
    summary: str
    scope: Scope | None
    answers: Mapping[int, tuple[str, str]]
    body: type[BaseModel] | str | None = None
    parameters: tuple[Parameter, ...] = field(default=())
    about: str = ""


CONTACT = Parameter("contact", "path", "our id of the contact, c07...", True)
REVEAL = Parameter("reveal", "query", "true: show what identifies a person (scope messages:reveal)")
EVENT = Parameter("event", "path", "our id of the event, e42...", True)
ROLLOUT = Parameter("name", "path", "the roll-out's name", True)
FAMILY = Parameter("family", "path", "our id of the family, j11...", True)
INVITATION = Parameter("invitation", "path", "our id of the invitation, i07...", True)
_UNKNOWN = {404: ("unknown, or long over", "Problem")}
_GONE = {404: ("unknown, or erased", "Problem"), 410: ("erased: its key is destroyed", "Problem")}
_WRONG = {422: ("some fields are wrong; each is named", "Problem")}
_CONTACT = {200: ("the contact", "Contact"), **_GONE}

_EVENT_ANSWERS = {
    202: ("kept; for a batch: all of them", "EventsTaken"),
    207: ("a batch of which some were kept; the others are named with their index", "EventsTaken"),
    400: ("cannot be read", "Problem"),
    403: ("this key does not speak for it", "Problem"),
    409: ("this source and id were used before, with other content", "Problem"),
    413: ("too large: 256 KiB an event, 500 events a batch", "Problem"),
    415: ("no form of CloudEvents that is taken here", "Problem"),
    422: ("some fields are wrong; of a batch: none was kept", "Problem"),
    429: ("too many messages wait, or the store is nearly full: send it again after Retry-After", "Problem"),
}

_EVENT_REFUSALS = {status: said for status, said in _EVENT_ANSWERS.items() if status not in (202, 429)}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "post", "/v1/events", "Events", "Tell what happened", Scope.EVENTS, _EVENT_ANSWERS, EVENTS,
        about="202 means kept. Sent again, an event counts once: repeat after 429, 503 or no answer.",
    ),
    Operation(
        "post", "/v1/events/validate", "Events", "Ask what would become of events; nothing is kept", Scope.EVENTS,
        {200: ("what each would be", "EventsTaken"), **_EVENT_REFUSALS},
        EVENTS,
    ),
    Operation(
        "post", "/v1/events/dry-run", "Events", "Ask what one event would do now; nothing is kept or sent", Scope.EVENTS,
        {200: ("people, messages, price, duration, examples", "DryRun"), **_EVENT_REFUSALS},
        EVENTS, (REVEAL,),
        about="The planning that works for live events, over a store that it cannot change. It takes one event, no batch.",
    ),
    Operation(
        "get", "/v1/events/{event}", "Events", "How far an event has come", Scope.EVENTS,
        {200: ("people and pace so far", "EventUnderway"), 404: ("closed, or never kept here", "Problem")},
        None, (EVENT,),
        about="state: waiting, telling, or told. An event is closed soon after; `trace` tells what became of it.",
    ),
    Operation(
        "options", "/v1/events", "Events", "Ask whether a sender may push (CloudEvents webhooks)", None,
        {200: ("WebHook-Allowed-Origin says yes", ""), 400: ("the origin is no host name", "Problem")},
        parameters=(Parameter("WebHook-Request-Origin", "header", "the sender's host"),),
    ),
    Operation(
        "get", "/v1/contacts", "Contacts", "Not taken: numbers do not stand in URLs", None,
        {405: ("use the search", "Problem")},
    ),
    Operation(
        "post", "/v1/contacts/search", "Contacts", "Find a contact by address or customer number", Scope.CONTACTS_READ,
        {200: ("the contact, or none", "ContactsFound"), **_WRONG}, SearchBody, (REVEAL,),
    ),
    Operation(
        "get", "/v1/contacts/{contact}", "Contacts", "Show a contact", Scope.CONTACTS_READ, _CONTACT, None,
        (CONTACT, REVEAL),
    ),
    Operation(
        "patch", "/v1/contacts/{contact}", "Contacts", "Change language and time zone", Scope.CONTACTS_WRITE,
        {**_CONTACT, **_WRONG}, ChangeBody, (CONTACT,),
    ),
    Operation(
        "delete", "/v1/contacts/{contact}", "Contacts", "Erase a person", Scope.CONTACTS_WRITE,
        {200: ("erased", "Erased"), **_GONE}, None, (CONTACT,),
        about="Queued messages are withdrawn, conversations destroyed, the data key too. It cannot be undone.",
    ),
    Operation(
        "get", "/v1/contacts/{contact}/export", "Contacts",
        "Everything we have of a person (also needs messages:reveal)",
        Scope.CONTACTS_READ, {200: ("everything", "Export"), **_GONE}, None, (CONTACT,),
    ),
    Operation(
        "get", "/v1/webcare/measures", "Webcare", "How people were answered by people", Scope.MESSAGES_READ,
        {200: ("per brand and queue, or half hour", "Measures"), **_WRONG}, None,
        (
            Parameter("from", "query", "RFC 3339; default: a day before `to`"),
            Parameter("to", "query", "RFC 3339; default: now"),
            Parameter("brand", "query", "one brand"),
            Parameter("queue", "query", "one queue"),
            Parameter("by", "query", "queue (default) or half_hour"),
        ),
        about="Service level, speed of answer, longest wait, hand-over and reopening; docs/webcare.md says how each is counted.",
    ),
    Operation(
        "post", "/v1/contacts/{contact}/touches", "Contacts", "Tell of calls, mail and visits to a counter", Scope.CONTACTS_WRITE,
        {200: ("per touch: added, known, or differs from what was told before", "TouchesSet"), **_GONE, **_WRONG}, TouchesBody,
        (CONTACT,),
        about="They stand in the timeline. Told again, a touch counts once: repeat after 503 or no answer.",
    ),
    Operation(
        "get", "/v1/contacts/{contact}/timeline", "Contacts", "All that passed, over all channels, newest first",
        Scope.CONTACTS_READ, {200: ("a page of it", "Timeline"), **_GONE, **_WRONG}, None,
        (CONTACT, REVEAL, Parameter("before", "query", "`next` of the page before")),
        about="The first page also says what they have been through in twelve months.",
    ),
    Operation(
        "get", "/v1/audit", "Audit", "Who did what at the desk and at the brakes, newest first", Scope.ADMIN,
        {200: ("a page of it", "Audit"), **_WRONG}, None,
        (
            Parameter("agent", "query", "who did it, or to whom it was done"), Parameter("what", "query", "one kind of entry"),
            Parameter("about", "query", "an id of ours: a conversation, contact or message"),
            Parameter("before", "query", "`next` of the page before"),
        ),
    ),
    Operation(
        "get", "/v1/contacts/{contact}/consents", "Contacts", "What they agreed to, and the ledger",
        Scope.CONTACTS_READ,
        {200: ("state and ledger", "Consents"), **_GONE}, None, (CONTACT, REVEAL),
    ),
    Operation(
        "put", "/v1/contacts/{contact}/consents", "Contacts", "Write down what they said", Scope.CONTACTS_WRITE,
        {200: ("per consent: applied, or older than what is known", "ConsentsSet"), **_GONE, **_WRONG}, ConsentsBody,
        (CONTACT,),
        about="The later word of the person wins, whenever it arrives. A grant needs a known wording and evidence.",
    ),
    Operation(
        "put", "/v1/contacts/{contact}/proofs", "Contacts",
        "Bind an address to its person, or say that it is not theirs",
        Scope.CONTACTS_WRITE, {200: ("per proof: applied, or older", "ProofsSet"), **_GONE, **_WRONG}, ProofsBody,
        (CONTACT,),
    ),
    Operation(
        "get", "/v1/contacts/{contact}/pages", "Contacts", "See the pages of passes and tickets",
        Scope.CONTACTS_READ, {200: ("the newest of each", "Pages"), **_GONE}, None, (CONTACT,),
        about="Neither the link that opens one, nor what it says.",
    ),
    Operation(
        "delete", "/v1/contacts/{contact}/pages/{page}/device", "Contacts", "Let a page be opened on another device",
        Scope.CONTACTS_WRITE, {200: ("unbound, or same: nothing was to be undone", "PageUnbound"), **_GONE}, None,
        (CONTACT, Parameter("page", "path", "our id of the page, d07...", True)),
        about="Its wrong answers are forgotten too: whoever proves themselves next has it.",
    ),
    Operation(
        "get", "/v1/contacts/{contact}/subscriptions", "Subscriptions", "What a contact hears about",
        Scope.CONTACTS_READ,
        {200: ("the subscriptions", "Subscriptions"), **_GONE}, None, (CONTACT,),
    ),
    Operation(
        "put", "/v1/contacts/{contact}/subscriptions", "Subscriptions",
        "Let a contact hear about a flight, trip or order",
        Scope.CONTACTS_WRITE, {200: ("per subject: added, changed or same", "SubscriptionsSet"), **_GONE, **_WRONG},
        SubscriptionsBody, (CONTACT,),
        about="Orders subscribe their recipients by themselves. Consent and proof are asked for each message as ever.",
    ),
    Operation(
        "delete", "/v1/contacts/{contact}/subscriptions/{subject}", "Subscriptions",
        "Let a contact hear no more about it",
        Scope.CONTACTS_WRITE, {204: ("done", ""), **_GONE}, None,
        (CONTACT, Parameter("subject", "path", "our id of the subject, j11...", True)),
    ),
    Operation(
        "get", "/v1/subscriptions", "Subscriptions", "Who hears about a subject", Scope.CONTACTS_READ,
        {200: ("a page of contacts", "Subscribers"), **_WRONG}, None,
        (
            Parameter("subject", "query", "j11..., or flight:ZZ1007/2026-11-22/AMS, trip:..., outage:...", True),
            Parameter("after", "query", "the last contact of the page before"),
            Parameter("limit", "query", "1 to 1000, default 100"),
        ),
    ),
    Operation(
        "get", "/v1/messages", "Messages", "The last message of each thing a contact was or is to be told",
        Scope.MESSAGES_READ,
        {200: ("newest first", "Messages"), **_GONE, **_WRONG}, None,
        (Parameter("contact", "query", "our id of the contact, c07...", True),),
    ),
    Operation(
        "get", "/v1/messages/{message}", "Messages", "Where a message is, and why", Scope.MESSAGES_READ,
        {200: ("the message", "Message"), **_GONE}, None,
        (Parameter("message", "path", "our id of the message, m07...", True), REVEAL),
    ),
    Operation(
        "post", "/v1/invitations", "Invitations", "Make a link that binds a chat to an order", Scope.CONTACTS_WRITE,
        {
            201: ("made; its links are told this once", "InvitationMade"),
            200: ("made before by the same request", "InvitationMade"),
            409: ("this Idempotency-Key was used before, with another body", "Problem"),
            **_WRONG,
        },
        InvitationBody, (Parameter("Idempotency-Key", "header", "new for each intention; repeated, the same links"),),
        about="The first who comes by it is bound to the order. What they agree to is what the page of the link says.",
    ),
    Operation(
        "get", "/v1/invitations/{invitation}", "Invitations", "How far an invitation came; never its links",
        Scope.CONTACTS_READ, {200: ("the invitation", "Invitation"), **_UNKNOWN}, None, (INVITATION,),
    ),
    Operation(
        "delete", "/v1/invitations/{invitation}", "Invitations", "Revoke: nobody comes in by it any more",
        Scope.CONTACTS_WRITE, {204: ("revoked", ""), 409: ("somebody came by it already", "Problem"), **_UNKNOWN}, None,
        (INVITATION,),
    ),
    Operation(
        "post", "/v1/corrections", "Brakes", "Write to exactly those who were handed a wrong message", Scope.ADMIN,
        {
            200: ("what became of it; sent again it tells nobody twice", "Said"),
            404: ("nobody was handed it", "Problem"),
            409: ("the fuse holds it, or too many for one request", "Problem"),
            **_WRONG,
        },
        CorrectionBody,
    ),
    Operation(
        "post", "/v1/notices", "Brakes", "Write to everybody who follows a flight, trip, order, outage or area", Scope.ADMIN,
        {
            200: ("what became of it; the same words again on one day tell nobody twice", "Said"),
            404: ("nobody follows it, or nothing is known of it", "Problem"),
            409: ("the fuse holds it, or too many for one request", "Problem"),
            **_WRONG,
        },
        NoticeBody,
    ),
    Operation(
        "get", "/v1/fuses", "Brakes", "Events held because they would reach too many", Scope.ADMIN,
        {200: ("oldest first", "Fuses")},
    ),
    Operation(
        "post", "/v1/fuses/{event}/release", "Brakes", "Let a held event go on, wholly or for so many people", Scope.ADMIN,
        {
            200: ("released", "FuseRelease"),
            202: ("asked: so many people take two keys, another one confirms within an hour", "FuseRelease"),
            404: ("it is not held", "Problem"),
            409: ("decided already, or this key asked already", "Problem"),
            **_WRONG,
        },
        ReleaseBody, (EVENT,),
    ),
    Operation(
        "post", "/v1/fuses/{event}/discard", "Brakes", "Tell nobody more about a held event", Scope.ADMIN,
        {
            200: ("discarded", "Fuse"), 404: ("it is not held", "Problem"), 409: ("released already", "Problem"), **_WRONG,
        },
        WhyBody, (EVENT,),
    ),
    Operation(
        "get", "/v1/crises", "Brakes", "Subjects about which nothing automatic leaves", Scope.ADMIN,
        {200: ("oldest first", "Crises")},
    ),
    Operation(
        "post", "/v1/crises", "Brakes", "Declare a crisis about a subject, at once", Scope.ADMIN,
        {
            201: ("it began; every process knows within two seconds", "Crisis"),
            404: ("nothing is known of that subject, or several are called that", "Problem"),
            409: ("there is one already", "Problem"),
            **_WRONG,
        },
        CrisisBody,
        about="Notifications, address checks, surveys and offers stop; what its people write goes to a queue before all others.",
    ),
    Operation(
        "post", "/v1/crises/{subject}/lift", "Brakes", "Ask that a crisis ends, or confirm it with another key", Scope.ADMIN,
        {
            200: ("lifted: another key had asked", "CrisisLift"),
            202: ("asked: another key confirms within an hour", "CrisisLift"),
            404: ("there is none", "Problem"),
            409: ("this key asked already: another one confirms", "Problem"),
            **_WRONG,
        },
        WhyBody, (Parameter("subject", "path", "our id of the subject, j11...", True),),
    ),
    Operation(
        "get", "/v1/rollouts", "Roll-outs", "Phased roll-outs under way", Scope.ADMIN, {200: ("by name", "Rollouts")},
    ),
    Operation(
        "post", "/v1/rollouts", "Roll-outs", "Tell some news to a share of the people only", Scope.ADMIN,
        {201: ("it began; every process knows within two seconds", "Rollout"), 409: ("the name is taken", "Problem"), **_WRONG},
        RolloutBody,
        about="Tickets, cancellations and urgent news can be no part of one: 422 names them.",
    ),
    Operation(
        "get", "/v1/rollouts/{name}", "Roll-outs", "How one stands", Scope.ADMIN,
        {200: ("as it is now", "Rollout"), 404: ("there is none of that name", "Problem")}, None, (ROLLOUT,),
    ),
    Operation(
        "post", "/v1/rollouts/{name}/{move}", "Roll-outs", "Raise, lower, hold, resume or end one", Scope.ADMIN,
        {
            200: ("done", "RolloutMoved"),
            404: ("there is none of that name, or no such move", "Problem"),
            409: ("it has changed since, or is held or stopped: resume it first", "Problem"),
            **_WRONG,
        },
        MoveBody, (ROLLOUT, Parameter("move", "path", "raise, lower, hold, resume or end", True)),
    ),
    Operation(
        "get", "/v1/families", "Families", "Families of those who travel by one flight or train", Scope.CONTACTS_READ,
        {200: ("oldest first", "Families"), **_WRONG}, None,
        (
            Parameter("flight", "query", "as its source writes it: ZZ1007/2026-11-22/AMS"),
            Parameter("trip", "query", "as its source writes it"),
            Parameter("subject", "query", "our id of a flight, trip or order, j11..."),
            REVEAL,
        ),
        about="Exactly one of flight, trip and subject.",
    ),
    Operation(
        "post", "/v1/families/search", "Families", "Families of an order, by its number", Scope.CONTACTS_READ,
        {200: ("oldest first", "Families"), 404: ("nothing is known of it, or several are called that", "Problem"), **_WRONG},
        FamiliesBody, (REVEAL,),
        about="An order's number leads to a person and does not stand in a URL.",
    ),
    Operation(
        "get", "/v1/families/{family}", "Families", "How one stands", Scope.CONTACTS_READ,
        {200: ("as it is now", "Family"), 404: ("there is none, or it ended more than 8 days ago", "Problem")}, None,
        (FAMILY, REVEAL),
    ),
    Operation(
        "post", "/v1/families/{family}/{move}", "Families", "Close or open the door of one, or end it", Scope.ADMIN,
        {
            200: ("done", "Family"),
            404: ("there is none, or no such move", "Problem"),
            409: ("it has ended", "Problem"),
            **_WRONG,
        },
        WhyBody, (FAMILY, Parameter("move", "path", "close, open or end", True)),
        about="Ended, its members are told once, without a reason, within seconds.",
    ),
    Operation("get", "/v1/keys", "Keys", "Every key, without the first", Scope.ADMIN, {200: ("the keys", "Keys")}),
    Operation(
        "post", "/v1/keys", "Keys", "Make a key; it is shown this once", Scope.ADMIN,
        {201: ("the key", "KeyMade"), 409: ("the name is taken", "Problem"), **_WRONG}, KeyBody,
    ),
    Operation(
        "delete", "/v1/keys/{name}", "Keys", "End a key: it opens nothing from a second later on", Scope.ADMIN,
        {204: ("ended", ""), 404: ("no key of that name", "Problem")}, None,
        (Parameter("name", "path", "the key's name", True),),
    ),
)  # fmt: skip
