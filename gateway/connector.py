"""The contract between the gateway and a channel.

A connector knows the wire and nothing of store, rules or webcare. Of its calls only `send` does I/O; the others are pure,
so that every case is a row in a table. What it makes is a `RenderedRequest`; `send` carries it and gives back a
`RawResponse` or raises what broke; `classify` turns either into a `SendResult`. `verify` looks at raw bytes only;
`parse_webhook` turns a body that was verified and kept into inbound events, each of which can fail alone.

The channel's numbers (window, limits, lengths) are `facts`, handed over as data with their source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from gateway.model.capability import Findings
from gateway.model.contact import Identifier
from gateway.model.ids import SenderId
from gateway.model.message import DeliveryStatus, OutboundMessage
from gateway.model.personal import Personal, Secret


class Outcome(StrEnum):
    """What became of one attempt."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    THROTTLED = "throttled"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    OPTED_OUT = "opted_out"
    SENDER_PAUSED = "sender_paused"
    UNCERTAIN = "uncertain"


class Scope(StrEnum):
    """How far a throttle or pause reaches."""

    MESSAGE = "message"
    PAIR = "pair"
    SENDER = "sender"
    ACCOUNT = "account"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Sender:
    """One of our numbers or pages.

    account: the channel's own ids, e.g. phone_number_id, waba_id
    scope:   within what the channel's person ids are unique (WhatsApp: the business portfolio; Messenger: the page)
    """

    id: SenderId
    channel: str
    brand: str
    account: Mapping[str, str]
    scope: str
    token: Secret
    per_second: float = 80.0


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """The channel's numbers. Every one names its source in the connector's facts.py."""

    channel: str
    window_ms: int
    pair_interval_ms: int
    pair_burst: int
    text_max: int
    caption_max: int
    button_label_max: int
    buttons_max: int
    document_mimes: Mapping[str, int]
    """MIME type -> largest size in bytes"""
    opaque_max: int
    media_ttl_ms: int
    delivers_in_order: bool = False
    sound_mimes: Mapping[str, int] = field(default_factory=dict)
    """what a person of ours may send besides documents, as document_mimes; never with a caption"""
    interactive_text_max: int = 1024
    """the longest text that may have buttons; longer words go out plain"""
    template_document_mimes: frozenset[str] = frozenset()
    """documents that may travel in the header of a template, outside the service window"""
    person_window_ms: int = 0
    """how long after their last message a person (never a machine) may still answer freely; 0 = no longer than the window"""
    receipts_by_time: bool = False
    """receipts say "everything until then", not which message"""
    shows_speaker: bool = False
    """the channel can show who speaks: the assistant, or a person by name"""
    thread_control: bool = False
    """another program may hold a person's thread, and then only it may write there"""
    name: str = ""
    """the channel as people know it"""
    group_link: str = ""
    """a pattern of links that invite to a group which people of the channel have among themselves; "" = it has none such"""

    @property
    def file_mimes(self) -> Mapping[str, int]:
        """Everything that can be sent as a file: MIME type -> largest size in bytes."""
        return {**self.document_mimes, **self.sound_mimes}

    @property
    def captions(self) -> bool:
        """Whether a document can carry words. Without, they go as two messages: the words, then the file."""
        return self.caption_max > 0


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file for a multipart upload."""

    name: str
    filename: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class RenderedRequest:
    """One HTTP request towards the channel, complete but for its token.

    path:  below the base URL, with the version, e.g. /v25.0/314159265358979/messages; or an absolute https URL (media)
    body:  JSON object, or None
    form:  multipart fields when `file` is given
    """

    method: str
    path: str
    sender: SenderId
    token: Secret
    body: Mapping[str, Any] | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    file: FilePart | None = None
    wants_bytes: bool = False
    """True for a download: the response's body is the file itself"""
    raw: bytes | None = None
    """the body as it goes over the wire, where that was written with it; None: `send` writes it"""


@dataclass(frozen=True, slots=True)
class RawResponse:
    """What came back, unread. headers: asked for by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class SendResult:
    """outcome, and what the channel said.

    channel_id:  the channel's id of the message (or of the uploaded media); personal data
    recipient:   identifiers the answer named (a phone's canonical form, a BSUID)
    code:        the channel's own code, 0 when none; detail: its words, cut, without personal data
    retry_after_ms: when the channel says when, or the table knows; None = our own backoff
    retries:     how often at most this may be tried again, None = until the deadline
    scope:       how far the throttle or pause reaches
    held:        accepted, but the channel may still drop it (template pacing)
    """

    outcome: Outcome
    channel_id: Personal | None = None
    recipient: tuple[Identifier, ...] = ()
    code: int = 0
    subcode: int = 0
    detail: str = ""
    retry_after_ms: int | None = None
    retries: int | None = None
    scope: Scope = Scope.MESSAGE
    template_problem: bool = False
    """the template is missing, paused, disabled or differs: its state must be read again"""
    media_problem: bool = False
    """the uploaded media is gone or refused: upload again before the next attempt"""
    window_closed: bool = False
    held: bool = False
    held_elsewhere: bool = False
    """another program holds this person's thread: it may be taken over, or comes free by itself"""
    speaker_problem: bool = False
    """whoever was to be shown as speaking is not known to the channel any more"""
    lacks: str = ""
    """a capability that this answer shows the sender not to have: see model/capability.py"""


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """The channel tells what became of a message of ours.

    status: NONE with failed=True for a failure. opaque: ours, if the channel brought it back.
    """

    account_id: str
    channel_id: Personal
    status: DeliveryStatus
    failed: bool
    at_ms: int
    opaque: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    result: SendResult | None = None
    """for failures: the same classification as for an answer"""
    pricing: Mapping[str, str] = field(default_factory=dict)


class InboundKind(StrEnum):
    TEXT = "text"
    BUTTON = "button"
    MEDIA = "media"
    LOCATION = "location"
    CONTACTS = "contacts"
    REACTION = "reaction"
    UNSUPPORTED = "unsupported"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A file they sent: fetched with the sender's token."""

    channel_media_id: Personal
    mime: str
    filename: Personal | None = None
    sha256: str = ""
    voice: bool = False


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """Somebody wrote to us.

    identifiers: every way the webhook names the writer; the first is the one to keep
    text:        what to show a person: body, caption, label of the pressed button, place name
    payload:     the pressed button's or row's payload
    answers:     the channel's id of the message it answers
    opens_window: whether the channel counts it as opening the service window
    """

    account_id: str
    channel_id: Personal
    identifiers: tuple[Identifier, ...]
    at_ms: int
    kind: InboundKind
    text: Personal
    payload: str | None = None
    answers: Personal | None = None
    media: MediaRef | None = None
    profile_name: Personal | None = None
    detail: str = ""
    """the channel's type where it matters: sticker, order, voice, poll ..."""
    referral: Personal | None = None
    """what the link carried by which they came: the token of an invitation, if it is ours"""
    opens_window: bool = True
    group: bool = False
    standby: bool = False
    """another program holds the thread: we only hear it"""
    more_media: tuple[MediaRef, ...] = ()
    """the second and further files of a message that has several"""


@dataclass(frozen=True, slots=True)
class PreferenceEvent:
    """The channel's own opt-out or opt-in (WhatsApp: user_preferences). purposes: ours, e.g. ("offers",)."""

    account_id: str
    identifiers: tuple[Identifier, ...]
    at_ms: int
    granted: bool
    purposes: tuple[str, ...]
    key: str


@dataclass(frozen=True, slots=True)
class IdentityEvent:
    """One person, known anew: a number or user id changed. Only the channel's own evidence merges identifiers."""

    account_id: str
    previous: tuple[Identifier, ...]
    current: tuple[Identifier, ...]
    at_ms: int
    key: str
    identity_changed: bool = False
    """a new device or key: proofs drop"""


@dataclass(frozen=True, slots=True)
class ReceiptEvent:
    """Everything of ours that they were sent until `until_ms` has this status. key: names it, for doing it once."""

    account_id: str
    identifiers: tuple[Identifier, ...]
    status: DeliveryStatus
    until_ms: int
    at_ms: int
    key: str


@dataclass(frozen=True, slots=True)
class EchoEvent:
    """Words that left our sender by other hands: the channel's own inbox, another program. Not one of our own sends.

    program: the channel's id of what sent them, "" unknown; person: whether people write there (the channel's inbox)
    """

    account_id: str
    channel_id: Personal
    identifiers: tuple[Identifier, ...]
    at_ms: int
    text: Personal
    kind: InboundKind = InboundKind.TEXT
    program: str = ""
    person: bool = True
    answers: Personal | None = None
    media: MediaRef | None = None


@dataclass(frozen=True, slots=True)
class EditEvent:
    """They changed what they had written. edits: how often so far; a lower number that comes later is older."""

    account_id: str
    channel_id: Personal
    identifiers: tuple[Identifier, ...]
    at_ms: int
    text: Personal
    edits: int


class Holder(StrEnum):
    """Who may write in a thread."""

    US = "us"
    OTHER = "other"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class ThreadEvent:
    """Who holds a person's thread now. wanted: somebody only asks us for it. program: the channel's id of who holds or asks."""

    account_id: str
    identifiers: tuple[Identifier, ...]
    holder: Holder
    at_ms: int
    key: str
    program: str = ""
    wanted: bool = False


@dataclass(frozen=True, slots=True)
class ArrivalEvent:
    """Somebody came by a link into a chat that they already had, and said nothing yet. referral: what the link carried."""

    account_id: str
    identifiers: tuple[Identifier, ...]
    at_ms: int
    referral: Personal
    key: str
    source: str = ""
    opens_window: bool = True


@dataclass(frozen=True, slots=True)
class TemplateEvent:
    """A template's state changed at the channel: status APPROVED, PAUSED ..., quality, category (each may be None).

    becomes: the category that it will have in a day, if nothing is done; edited: its words were changed there
    """

    account_id: str
    name: str
    language: str
    at_ms: int
    status: str | None = None
    quality: str | None = None
    category: str | None = None
    reason: str = ""
    becomes: str | None = None
    edited: bool = False


@dataclass(frozen=True, slots=True)
class SenderEvent:
    """Something about a number, page or account: quality, tier, restriction, name.

    what: a word such as quality, tier, restriction, disabled, reinstated, throughput; value: the channel's word
    tier: distinct people in 24 h, -1 unlimited, None unknown
    """

    account_id: str
    what: str
    value: str
    at_ms: int
    tier: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """The channel reports a fault that belongs to no message."""

    account_id: str
    code: int
    at_ms: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """A kind we do not know: kept and counted, never a crash. what: its field and type, without personal data."""

    account_id: str
    what: str
    at_ms: int


InboundEvent = (
    StatusEvent
    | MessageEvent
    | PreferenceEvent
    | IdentityEvent
    | ReceiptEvent
    | EchoEvent
    | EditEvent
    | ThreadEvent
    | ArrivalEvent
    | TemplateEvent
    | SenderEvent
    | ErrorEvent
    | UnknownEvent
)


@dataclass(frozen=True, slots=True)
class BadItem:
    """One item of a webhook that could not be read; its neighbours could. where: a JSON path; why: no personal data."""

    where: str
    why: str
    raw: bytes


class Connector(Protocol):
    channel: str
    facts: ChannelFacts

    def identify(self, to: str, scope: str) -> Identifier:
        """An address as a source writes it ("+447700900123", "GB.7392..."); BadInput says what it should be."""

    def render(self, message: OutboundMessage, sender: Sender) -> RenderedRequest:
        """Pure. Raises CannotRender when the content breaks a limit of the channel."""

    def render_upload(self, sender: Sender, file: FilePart) -> RenderedRequest:
        """Pure. The answer's channel_id is the media id."""

    def render_speaker(self, sender: Sender, name: str, picture: str = "") -> RenderedRequest | None:
        """Pure. Make a speaker that messages can name; the answer's channel_id is its id. None: the channel shows none.

        picture: https address that the channel can fetch, where the sender's account names none of its own
        """

    def render_take_over(self, sender: Sender, recipient: Sequence[tuple[str, Personal]]) -> RenderedRequest | None:
        """Pure. Take a person's thread from the program that holds it. None: the channel knows no such thing."""

    def link_in(self, sender: Sender, token: str, words: str) -> str | None:
        """Pure. An https link that opens a chat with us and brings the token; None when we lack what it needs.

        words: what the person sends with it, where the channel has no other place for the token (it holds the token then)
        """

    def render_media_lookup(self, sender: Sender, channel_media_id: Personal) -> RenderedRequest:
        """Pure. First half of a download; the whole of it where the request has `wants_bytes` (the id is an address)."""

    def render_media_download(self, sender: Sender, lookup: RawResponse) -> RenderedRequest:
        """Pure. Second half, where there is one; refuses to send the token to a host that is not the channel's."""

    async def send(self, request: RenderedRequest) -> RawResponse:
        """The one call with I/O, within a time limit of its own. Raises what broke; `classify` reads that too."""

    def classify(self, outcome: RawResponse | BaseException) -> SendResult:
        """Pure. An unknown code is RETRY with retries=2."""

    def verify_handshake(self, query: Mapping[str, str], verify_token: Secret) -> str | None:
        """The challenge to answer with, or None to refuse."""

    def verify(self, headers: Mapping[str, str], raw: bytes, secrets: Sequence[Secret]) -> bool:
        """Whether these raw bytes were signed with one of the app secrets; constant time."""

    def parse_webhook(self, raw: bytes) -> list[InboundEvent | BadItem]:
        """Pure. Never raises for what a neighbour did."""

    async def close(self) -> None:
        """Close what `send` opened."""


class CapabilityProbe(Protocol):
    """Finds out what a sender is able to do, by asking its channel. connectors/<channel>/capabilities.py implements it."""

    async def ask(self, sender: Sender) -> Findings:
        """What the channel says; able None where it answers and does not tell. What nobody answered is left out, so that
        what was known before goes on counting. Raises nothing for what the channel answers, or for silence."""
