"""Our account at a channel, as the channel shows it to its owner: token, numbers, pages, callback. For `connect` and `doctor`.

A refusal is a value, not an exception: whoever asks nearly always has something to say about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.personal import Personal, Secret


class Why(StrEnum):
    """What a refusal means for the next step; the channel's code says it more exactly."""

    NO_ANSWER = "no_answer"
    """nobody was reached: nothing was done there"""
    UNCERTAIN = "uncertain"
    """it was asked and no answer came: it may have been done"""
    BUSY = "busy"
    """the channel is down or wants fewer calls: try again later"""
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    """the token, or app id and secret, are not accepted"""
    PERMISSION = "permission"
    """accepted, but not allowed to do this"""
    MISSING = "missing"
    """no such number, account or app, or not ours"""
    VERIFY_FIRST = "verify_first"
    VERIFIED_ALREADY = "verified_already"
    CODE_WRONG = "code_wrong"
    PIN_WRONG = "pin_wrong"
    TOO_OFTEN = "too_often"
    """tried too often: only time helps"""
    NOT_REGISTERED = "not_registered"
    NOT_LISTED = "not_listed"
    """a test number, and the recipient is not on its list"""
    TEMPLATE = "template"
    PAYMENT = "payment"
    RESTRICTED = "restricted"
    CALLBACK = "callback"
    """the callback did not answer the channel's handshake"""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Refused:
    """why; code, subcode: the channel's own, 0 when it gave none; words: its words, without personal data; mend: ours."""

    why: Why
    code: int = 0
    subcode: int = 0
    words: str = ""
    mend: str = ""

    @property
    def silent(self) -> bool:
        """Nobody said anything."""
        return self.why in (Why.NO_ANSWER, Why.UNCERTAIN)

    @property
    def passing(self) -> bool:
        """Nothing is wrong with what was asked: trying again later may do."""
        return self.silent or self.why is Why.BUSY

    @property
    def sentence(self) -> str:
        """The channel's words with its code, for people."""
        return f"{self.words or 'refused without a word'}{f' (code {self.code})' if self.code else ''}"


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks: the app (id and secret) and a token that may act for its accounts. app_secret None: not known."""

    app_id: str
    app_secret: Secret | None
    token: Secret


@dataclass(frozen=True, slots=True)
class TokenReport:
    """What a token may do.

    expires_ms: when it ends, None = never; missing: scopes that we need and it lacks
    accounts:   ids of the accounts it was given; () with `sees_all` means every account of its owner
    why:        the channel's words when it is not valid
    """

    valid: bool
    app_id: str
    expires_ms: int | None
    scopes: frozenset[str]
    missing: tuple[str, ...]
    accounts: tuple[str, ...] = ()
    sees_all: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class AppReport:
    """That the app's id and secret are accepted, and where its webhooks go.

    callback: None: nowhere. fields: what is subscribed; missing: what we need and is not
    """

    callback: str | None
    fields: frozenset[str]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NumberReport:
    """One of our numbers.

    verified:  None where the channel does not say. test: only listed recipients, None unknown
    quality:   GREEN, YELLOW, RED, UNKNOWN; tier: distinct people in 24 h, -1 unlimited, None not told
    callback:  where its webhooks go in the end (its own, else its account's, else the app's), None not told
    blocked:   what stands in the way of sending, in the channel's words; limited: what limits it
    """

    id: str
    display: str
    name: str
    registered: bool
    verified: bool | None
    test: bool | None
    quality: str
    tier: int | None
    name_status: str = ""
    callback: str | None = None
    blocked: tuple[str, ...] = ()
    limited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageReport:
    """One of our pages. username: the word in its links, "" without one. token: the page's own, where it was given."""

    id: str
    name: str
    username: str = ""
    token: Secret | None = None


@dataclass(frozen=True, slots=True)
class Screen:
    """What people see of a page before they say anything, and beside the chat.

    get_started:  what a newcomer's first tap brings, None: there is no such button. greeting: in the default language
    openers:      questions offered to newcomers; they take the place of that button
    menu:         (label, payload or URL) of each entry, in the default language
    european:     under the European rules, None not told
    """

    get_started: str | None = None
    greeting: str | None = None
    openers: tuple[str, ...] = ()
    menu: tuple[tuple[str, str], ...] = ()
    european: bool | None = None


@dataclass(frozen=True, slots=True)
class Routing:
    """Who may write in a page's threads.

    routed:   a thread has one holder at a time; None not told
    default:  new and idle threads are ours; None: the channel does not say
    why:      the channel's words where it refused to say
    others:   id -> name of the other programs that may hold a thread, without the channel's inbox for people
    """

    routed: bool | None
    default: bool | None
    why: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    def machines(self, apps: Subscribers) -> tuple[str, ...]:
        """Names of programs that may hold threads and that nobody subscribed: the channel's own automation."""
        return tuple(name for program, name in self.others.items() if program not in apps.apps)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What the channel reviewed for a page: feature in small letters with "_" -> its status in capitals."""

    features: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AccountReport:
    """One business account. verified: whether its business is, None not told."""

    id: str
    name: str
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class Subscribers:
    """The apps that an account tells, by id; override: a callback of the account's own.

    fields:  what our app is told of, where the account says it by field; missing: what we need and are not told
    others:  names of the other apps, where the channel names them
    """

    apps: tuple[str, ...]
    override: str | None = None
    fields: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pulse:
    """server_ms: the channel's clock, None when it said no time; rtt_ms: how long the answer took;
    served: the version of the API that answered, "" when it did not say."""

    server_ms: int | None
    rtt_ms: int
    served: str


@dataclass(frozen=True, slots=True)
class Version:
    """Of the API. ends: the day it is served until (YYYY-MM-DD), None open or unknown.

    known False: not on our list, because it is newer or, with `older`, because it ended before our list begins
    """

    name: str
    known: bool
    ends: str | None
    older: bool = False


@dataclass(frozen=True, slots=True)
class Handed:
    """A message that the channel took. channel_id: its id there."""

    channel_id: Personal = field(repr=False)
