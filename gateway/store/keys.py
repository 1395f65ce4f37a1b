"""Every key: its name, its type, how long it lives, and who writes it. Nothing else builds a key name.

Keys that change together carry the tag of their partition, `{p:07}`. Channel ids and addresses appear only as keyed hashes.
"-" as time to live: removed by its script. `TABLE` is what the tests hold every key against that is left after them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from gateway.model.ids import PARTITIONS, partition_of

DAY_MS = 24 * 3600 * 1000
KEEP_MS = 8 * DAY_MS
"""How long what was handled is remembered: one day more than Meta retries a webhook."""
REPLY_KEEP_MS = 30 * DAY_MS
WEBHOOK_LOGS = 16


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table. pattern: a regular expression of the whole name; ttl: True = must expire, False = must not."""

    pattern: str
    type: str
    ttl: bool | None
    what: str


TABLE: tuple[Kind, ...] = (
    Kind(r"layout", "hash", False, "layout version, environment, made at"),
    Kind(r"clock", "string", False, "offset in ms of a turned clock (demo and tests)"),
    Kind(r"late", "string", True, "when the oldest webhook was received that was split late a moment ago: evidence is behind"),
    Kind(r"stops", "hash", False, "what is stopped: scope -> until, who, why"),
    Kind(
        r"acked\{(p:\d\d|k:\d{4}-\d\d-\d\d|([aix]|otp):[0-9a-z]{32}|stops|apikeys|agents|seconds|desk)\}", "string", True,
        "written beside something to wait for replicas",
    ),
    Kind(r"fuses", "hash", False, "events that the fuse holds -> how many people, why, who may say go on"),
    Kind(r"usual:[a-z_]+", "hash", True, "a notification's people by hour, 14 days"),
    Kind(r"\{usual:[a-z_]+\}\d+", "set", True, "events of a day (since the epoch) that are in that count"),
    Kind(r"restored", "hash", False, "what the store was brought back from, and whether that still holds everything"),
    Kind(r"apikeys", "hash", False, "hash of an API key -> name and scopes"),
    Kind(r"agents", "hash", False, "agent id -> name, password hash, rights"),
    Kind(r"canned", "hash", False, "agent id -> their own canned answers, sealed"),
    Kind(r"seconds", "hash", False, "agent id -> their second factor: secret, hashes of codes on paper; sealed"),
    Kind(r"blocks", "hash", False, "keyed hash of a blocked address -> until, who"),
    Kind(r"session:[0-9a-f]{64}", "string", True, "a console session, by the hash of its token"),
    Kind(r"signed", "zset", False, "sessions of the desk -> when they end (ms)"),
    Kind(r"half:[0-9a-f]{64}", "string", True, "a sign-in whose second factor is due, by the hash of its token, sealed"),
    Kind(r"pend:[0-9a-f]{64}", "string", True, "what somebody began and comes back for, by the hash of their token, sealed"),
    Kind(r"otp:[0-9a-z]{32}", "string", True, "a code of a second factor that was used"),
    Kind(r"idem:[0-9a-f]{32}", "string", True, "an API command's first answer"),
    Kind(r"templates:[\w.-]+", "hash", False, "template:language -> state at the channel, of one sender"),
    Kind(r"\{p:00\}versions:[\w.-]+", "hash", False, "notification -> the version of it that one sender uses, since when, why"),
    Kind(r"\{p:00\}rollouts", "hash", False, "a roll-out -> what it is about, its share and stages, and who changed it last"),
    Kind(r"capabilities:[\w.-]+", "hash", False, "what a sender is able to do: as the channel says, as sends showed"),
    Kind(r"speakers:[\w.-]+", "hash", False, "keyed hash of a name -> the channel's id of that speaker, of one sender"),
    Kind(r"sync:[\w.-]+", "string", None, "when something was last read from a channel"),
    Kind(r"import:[0-9a-f]{32}", "string", True, "how far an import came"),
    Kind(r"thuisfront:events", "stream", None, "events that others add for us to read, where GATEWAY_SOURCE_REDIS_URL=store"),
    Kind(r"thuisfront:events:dead", "stream", True, "entries of it that were not taken, as they came"),
    Kind(r"lease:[\w:.-]+", "string", True, "who owns a partition or a job"),
    Kind(r"workers", "zset", None, "process -> last seen (ms)"),
    Kind(r"signs", "hash", None, "process -> when it last spoke (ms) and its figures, for alerts"),
    Kind(r"alerts", "hash", None, "an alert that fires -> since when, and whether somebody was told"),
    Kind(r"alerts:now", "string", True, "the alerts that fire, as whoever watches saw them last"),
    Kind(r"alerts:had", "hash", True, "an alert -> who looks after it, and until when it is put aside on the board"),
    Kind(r"a:[0-9a-z]{32}", "string", False, "keyed hash of an address -> contact|address"),
    Kind(r"x:[0-9a-z]{32}", "string", False, "keyed hash of (source, customer) -> contact"),
    Kind(r"b:[0-9a-z]{32}", "string", True, "keyed hash of a booking code -> the order"),
    Kind(r"i:[0-9a-z]{32}", "string", True, "keyed hash of an invitation's token or code -> invitation"),
    Kind(r"\{k:\d{4}-\d\d-\d\d\}", "string", True, "the wrapped key of a day"),
    Kind(r"\{s:[\w.-]+\}b", "hash", True, "a sender's bucket: level, at; while it is slowed rate, slow, cut"),
    Kind(r"\{s:[\w.-]+\}st", "hash", None, "a sender's state: paused until, why, quality, tier"),
    Kind(r"\{f:[\w.-]*\}p", "zset", True, "distinct people of a portfolio in 24 h"),
    Kind(r"\{wh:\d\d\}", "stream", None, "webhooks as they came, sealed"),
    Kind(r"\{out\}q", "stream", None, "outgoing webhooks due"),
    Kind(r"\{out\}r", "zset", None, "outgoing webhooks to try again -> ms"),
    Kind(r"\{out\}m:[0-9a-z]+", "string", True, "an outgoing webhook waiting for its next try"),
    Kind(r"\{desk\}q:[\w.-]+", "zset", None, "a queue: conversation -> waiting since (ms)"),
    Kind(r"\{desk\}mine:[\w.-]+", "zset", None, "an agent's conversations -> since (ms)"),
    Kind(r"\{desk\}slots:[\w.-]+", "hash", None, "an agent's live conversations, and what is reserved"),
    Kind(r"\{desk\}asked:[\w.-]+", "zset", None, "conversations that an agent is asked about by a note -> until (ms)"),
    Kind(r"\{desk\}parked:[\w.-]+", "zset", True, "places in which an agent parks -> since (ms), 0 to be looked at"),
    Kind(r"\{desk\}res", "zset", None, "reservations of slots -> since (ms)"),
    Kind(r"\{desk\}due", "zset", None, "conversations -> when to look next (ms)"),
    Kind(r"\{desk\}all", "zset", None, "unresolved conversations -> opened (ms)"),
    Kind(r"\{desk\}done", "zset", None, "resolved conversations -> when (ms)"),
    Kind(r"\{desk\}at", "hash", None, "conversation -> revision and place that the desk knows"),
    Kind(r"\{desk\}a:[\w.-]+", "hash", True, "an agent's presence: status, beat, when they were last given something"),
    Kind(r"\{desk\}notes", "string", True, "what the router says of its queues: waits, and who cannot be helped"),
    Kind(r"\{desk\}here", "zset", None, "who is at the desk -> last beat (ms)"),
    Kind(r"\{desk\}first", "zset", False, "queues answered before all others -> since (ms)"),
    Kind(r"\{desk\}media", "zset", None, "files to fetch -> when (ms)"),
    Kind(r"\{desk\}private", "zset", None, "files that show who somebody is -> when they are deleted (ms)"),
    Kind(r"\{desk\}feed", "stream", None, "what changed on the desk, for live pages"),
    Kind(r"try:[0-9a-z]{32}", "string", True, "failed sign-ins of a name or from an address"),
    Kind(r"\{p:\d\d\}e:e\w+", "string", True, "an event's digest and place in the stream"),
    Kind(r"\{p:\d\d\}ev", "stream", None, "events, sealed by the key of their day"),
    Kind(r"\{p:\d\d\}evw", "zset", None, "open events -> next look (ms)"),
    Kind(r"\{p:\d\d\}evt", "hash", None, "open events -> how often they were begun"),
    Kind(r"\{p:\d\d\}j:j\w+", "hash", True, "a subject's memory"),
    Kind(r"\{p:\d\d\}iv:i\w+", "hash", True, "an invitation"),
    Kind(r"\{p:\d\d\}ij:j\w+", "set", True, "a subject's invitations"),
    Kind(r"\{p:\d\d\}fam:j\w+", "hash", True, "a family: whose it is, who is in it; names are sealed"),
    Kind(r"\{p:\d\d\}famdue", "zset", None, "families -> when to look next (ms)"),
    Kind(r"\{p:\d\d\}wd:a\w+", "string", True, "what somebody was asked about their way in, sealed"),
    Kind(r"\{p:\d\d\}as:a\w+", "hash", True, "brand -> what the assistant asked somebody and decided, sealed"),
    Kind(r"\{p:\d\d\}wt:j\w+", "set", True, "wrong surnames tried for an order"),
    Kind(r"\{p:\d\d\}timers", "zset", None, "moments of subjects -> due (ms)"),
    Kind(r"\{p:\d\d\}c:c\w+", "string", False, "a contact: version, sealed profile"),
    Kind(r"\{p:\d\d\}k:c\w+", "string", False, "a contact's wrapped data key"),
    Kind(r"\{p:\d\d\}f:c\w+", "hash", False, "a contact's plain facts"),
    Kind(r"\{p:\d\d\}led:c\w+", "list", False, "a contact's consent ledger, sealed"),
    Kind(r"\{p:\d\d\}cs:c\w+", "hash", False, "a contact's subscriptions"),
    Kind(r"\{p:\d\d\}su:j\w+", "zset", None, "a subject's subscribers in this partition"),
    Kind(r"\{p:\d\d\}all", "zset", None, "contacts -> last seen (ms)"),
    Kind(r"\{p:\d\d\}fan", "zset", None, "fan-outs under way"),
    Kind(r"\{p:\d\d\}fanc", "hash", None, "fan-out cursors"),
    Kind(r"\{p:\d\d\}m:m\w+", "string", True, "a message: header, sealed body"),
    Kind(r"\{p:\d\d\}q:[\w.-]+", "zset", None, "all lanes of a sender"),
    Kind(r"\{p:\d\d\}later:[\w.-]+", "zset", None, "messages not yet due"),
    Kind(r"\{p:\d\d\}lane:[\w.-]+", "hash", None, "lane records and the sequence"),
    Kind(r"\{p:\d\d\}ready:[\w.-]+:[0-3]", "zset", None, "lanes that may send -> deadline of the head (s)"),
    Kind(r"\{p:\d\d\}due:[\w.-]+:[0-3]", "zset", None, "lanes that wait -> until (ms)"),
    Kind(r"\{p:\d\d\}told:c\w+", "hash", True, "what was last planned per subject, notification and item"),
    Kind(r"\{p:\d\d\}w:[0-9a-z]{32}", "string", True, "keyed hash of a channel id -> message"),
    Kind(r"\{p:\d\d\}claim:[\w.-]+", "string", True, "a claimed batch"),
    Kind(r"\{p:\d\d\}doc:[0-9a-z]{32}", "string", True, "a document's bytes, sealed"),
    Kind(r"\{p:\d\d\}media:[0-9a-z]{32}:[\w.-]+", "string", True, "a document's media id at a sender, sealed"),
    Kind(r"\{p:\d\d\}pg:d\w+", "hash", True, "the page of a pass or ticket: sealed paper, wrong answers"),
    Kind(r"\{p:\d\d\}pn:c\w+", "hash", True, "a contact's newest pages, and the devices that they are open on (keyed hashes)"),
    Kind(r"\{p:\d\d\}in", "stream", None, "inbox: webhook items, sealed"),
    Kind(r"\{p:\d\d\}int", "hash", None, "inbox items -> how often they were begun"),
    Kind(r"\{p:\d\d\}parked", "stream", None, "items, events, and people of an event that could not be handled"),
    Kind(r"\{p:\d\d\}seen:[0-9a-z]{32}", "string", True, "an item that was taken in"),
    Kind(r"\{p:\d\d\}facts", "stream", None, "what happened"),
    Kind(r"\{p:\d\d\}spent:\d{4}-\d\d", "hash", True, "expected prices of a month, added up: currency:brand:day -> millionths"),
    Kind(r"\{p:\d\d\}ways", "zset", None, "messages for which another way is due -> when (ms)"),
    Kind(r"\{p:\d\d\}rc:a\w+", "zset", True, "an address's messages whose receipts come by time -> sent (ms)"),
    Kind(r"\{p:\d\d\}dead", "zset", None, "dead letters -> when (ms)"),
    Kind(r"\{p:\d\d\}erase", "zset", None, "contacts being erased"),
    Kind(r"\{p:\d\d\}co:c\w+:[0-9a-z]{32}", "string", None, "the last conversation of (contact, brand, address)"),
    Kind(r"\{p:\d\d\}cv:v\w+", "hash", None, "a conversation"),
    Kind(r"\{p:\d\d\}ct:v\w+", "stream", None, "a conversation's entries, sealed"),
    Kind(r"\{p:\d\d\}sy:v\w+", "hash", True, "what the house is about to say in a conversation, sealed"),
    Kind(r"\{p:\d\d\}dr:v\w+", "list", True, "why a conversation was given to whom it was, the last ten times"),
    Kind(r"\{p:\d\d\}kv:[0-9a-z]{32}", "hash", True, "a link to show who one is: whose conversation, until when, its code"),
    Kind(r"\{p:\d\d\}kp:c\w+", "hash", True, "a contact's wrong codes, and codes sent, until the pause is over"),
    Kind(r"\{p:\d\d\}vs:c\w+", "zset", None, "a contact's conversations -> opened (ms)"),
    Kind(r"\{p:\d\d\}vo", "zset", None, "unresolved conversations of a partition -> opened (ms)"),
    Kind(r"\{p:\d\d\}vd", "zset", None, "conversations that the desk has yet to hear of -> revision"),
    Kind(r"\{p:\d\d\}dft:v\w+", "hash", True, "agents' unsent words in a conversation, sealed"),
    Kind(r"\{p:\d\d\}wsp:v\w+", "list", True, "what supervisors whispered to whoever had a conversation, sealed"),
    Kind(r"\{p:\d\d\}vr", "zset", None, "replies on their way: conversation|message -> next look (ms)"),
    Kind(r"\{p:\d\d\}vk:[0-9a-z]{32}", "string", True, "an entry's key -> its conversation"),
    Kind(r"\{p:\d\d\}ik:v\w+:[0-9a-z]{32}", "string", True, "a conversation command's first answer"),
    Kind(r"\{p:\d\d\}md:c\w+", "hash", True, "files of a contact's conversations: state, and sealed what names them"),
    Kind(r"\{p:\d\d\}qt:v\w+", "string", True, "what somebody in a queue was told: closed when, how long it takes"),
    Kind(r"\{p:\d\d\}bk:a\w+", "string", True, "an address that is blocked: by whom"),
    Kind(r"\{p:\d\d\}pm:a\w+", "list", True, "the last proactive messages to an address, sealed"),
)

_COMPILED = tuple((re.compile(kind.pattern), kind) for kind in TABLE)


def kind_of(name: str) -> Kind | None:
    """The row that a key belongs to, None for a key that nobody knows."""
    return next((kind for pattern, kind in _COMPILED if pattern.fullmatch(name)), None)


LAYOUT = "layout"
CLOCK = "clock"
STOPS = "stops"
LATE = "late"
ROLLOUTS = "{p:00}rollouts"
"""Beside the facts of the first partition: a change and its fact are one step."""
FUSES = "fuses"
DESK_FIRST = "{desk}first"
HERE = "{desk}here"
DESK_NOTES = "{desk}notes"
RESERVATIONS = "{desk}res"
DESK_DUE = "{desk}due"
RESTORED = "restored"
API_KEYS = "apikeys"
AGENTS = "agents"
SECONDS = "seconds"
CANNED = "canned"
SIGNED = "signed"
BLOCKS = "blocks"
WORKERS = "workers"
SIGNS = "signs"
ALERTS = "alerts"
ALERTS_NOW = "alerts:now"
ALERTS_HAD = "alerts:had"


def tag(partition: int) -> str:
    return f"{{p:{partition:02d}}}"


def of(identifier: str, name: str) -> str:
    """A key about one id, in that id's partition: of(contact, "f") -> {p:07}f:c07..."""
    return f"{{p:{identifier[1:3]}}}{name}:{identifier}"


def beside(identifier: str, name: str) -> str:
    """A partition-wide key in an id's partition: beside(contact, "facts") -> {p:07}facts"""
    return f"{{p:{identifier[1:3]}}}{name}"


def part(partition: int, name: str) -> str:
    return f"{{p:{partition:02d}}}{name}"


def in_partition_of(identifier: str, name: str, suffix: str) -> str:
    """A key with a suffix of its own in an id's partition: {p:07}w:<hash>"""
    return f"{{p:{identifier[1:3]}}}{name}:{suffix}"


def spent(partition: int, month: str) -> str:
    return f"{{p:{partition:02d}}}spent:{month}"


def lane_keys(partition: int, sender: str) -> list[str]:
    """The eleven keys of one sender's lanes in one partition: q, later, lane, ready 0-3, due 0-3."""
    prefix = tag(partition)
    return [
        f"{prefix}q:{sender}",
        f"{prefix}later:{sender}",
        f"{prefix}lane:{sender}",
        *(f"{prefix}ready:{sender}:{priority}" for priority in range(4)),
        *(f"{prefix}due:{sender}:{priority}" for priority in range(4)),
    ]


def address_index(blind: str) -> str:
    return f"a:{blind}"


def customer_index(blind: str) -> str:
    return f"x:{blind}"


def day_key(date: str) -> str:
    return f"{{k:{date}}}"


def acked(name: str) -> str:
    """The key that is written to wait for replicas, in the slot of the one named. No key that is looked for begins so."""
    begin, end = name.find("{"), name.find("}")
    return f"acked{{{name[begin + 1 : end] if 0 <= begin < end else name}}}"


def bucket(sender: str) -> str:
    return f"{{s:{sender}}}b"


def sender_state(sender: str) -> str:
    return f"{{s:{sender}}}st"


def people(portfolio: str) -> str:
    return f"{{f:{portfolio}}}p"


def webhook_log(number: int) -> str:
    return f"{{wh:{number:02d}}}"


def templates(sender: str) -> str:
    return f"templates:{sender}"


def versions(sender: str) -> str:
    """Beside the facts of the first partition: a switch and its fact are one step."""
    return f"{{p:00}}versions:{sender}"


def usual(notification: str) -> str:
    return f"usual:{notification}"


def usual_events(notification: str, day: int) -> str:
    """In the slot of `usual`: the tag of one is the whole name of the other."""
    return f"{{usual:{notification}}}{day}"


def capabilities(sender: str) -> str:
    return f"capabilities:{sender}"


def speakers(sender: str) -> str:
    return f"speakers:{sender}"


def slots(agent: str) -> str:
    return f"{{desk}}slots:{agent}"


def mine(agent: str) -> str:
    return f"{{desk}}mine:{agent}"


def half(token: str) -> str:
    return f"half:{hashlib.sha256(token.encode()).hexdigest()}"


def parked(agent: str) -> str:
    return f"{{desk}}parked:{agent}"


def asked(agent: str) -> str:
    return f"{{desk}}asked:{agent}"


def presence(agent: str) -> str:
    return f"{{desk}}a:{agent}"


def lease(name: str) -> str:
    return f"lease:{name}"


def all_partitions() -> range:
    return range(PARTITIONS)


__all__ = ["partition_of"]
