"""What we say and what is said to us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum, StrEnum

from gateway.model.ids import AddressId, ContactId, ConversationId, EventId, MessageId, SenderId, SubjectId
from gateway.model.personal import Personal


class Priority(IntEnum):
    AGENT = 0
    URGENT = 1
    NORMAL = 2
    BULK = 3


class MessageState(StrEnum):
    """Where a message is. One letter each, as it stands in the store's records."""

    QUEUED = "q"
    ACCEPTED = "a"
    FAILED = "f"
    SUPPRESSED = "s"
    REPLACED = "r"
    ENDED = "e"
    EXPIRED = "x"
    DEAD = "d"


class DeliveryStatus(IntEnum):
    """Ranked: a status never goes back. `failed` is not in the rank: see rules/status.py."""

    NONE = 0
    SENT = 1
    DELIVERED = 2
    READ = 3
    PLAYED = 4


class OnUncertain(StrEnum):
    RESEND = "resend"
    ASK = "ask"
    DROP = "drop"


class ButtonKind(StrEnum):
    REPLY = "reply"
    URL = "url"


@dataclass(frozen=True, slots=True)
class Button:
    """kind REPLY: `payload` comes back when pressed. kind URL: `url` opens; in a template only its last part varies.

    url_suffix: what fills the one variable at the end of a template's URL, or None where the URL is fixed
    """

    kind: ButtonKind
    label: str
    payload: str = ""
    url: str = ""
    url_suffix: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document to send: its bytes lie sealed in the store under `ref` until it is uploaded.

    mime: application/pdf, image/png or image/jpeg
    """

    ref: str
    mime: str
    filename: str


@dataclass(frozen=True, slots=True)
class Text:
    body: Personal
    preview_url: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """An approved template of the channel, with every named parameter formatted.

    header_parameters, body_parameters: name -> text
    media_id: the header's document or image after upload (None where the header has none)
    """

    name: str
    language: str
    body_parameters: Mapping[str, Personal] = field(default_factory=dict)
    header_parameters: Mapping[str, Personal] = field(default_factory=dict)
    header_document: Document | None = None
    media_id: Personal | None = None
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Media:
    """An image or a document inside the service window."""

    document: Document
    caption: Personal | None = None
    media_id: Personal | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A text with up to three reply buttons."""

    body: Personal
    buttons: tuple[Button, ...]
    header: Personal | None = None
    footer: Personal | None = None
    header_document: Document | None = None
    media_id: Personal | None = None


@dataclass(frozen=True, slots=True)
class ListRow:
    payload: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceList:
    """A text with a list of up to ten rows; sections are (title, rows)."""

    body: Personal
    button: str
    sections: tuple[tuple[str, tuple[ListRow, ...]], ...]
    header: Personal | None = None
    footer: Personal | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A text with one button that opens a page."""

    body: Personal
    label: str
    url: Personal
    header: Personal | None = None
    footer: Personal | None = None


@dataclass(frozen=True, slots=True)
class Location:
    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A title with at least one of: a second line, a picture, a page that a tap opens, buttons."""

    title: Personal
    subtitle: Personal | None = None
    image_url: Personal | None = None
    url: Personal | None = None
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Cards:
    """One card, or several side by side."""

    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """price: of the whole line, in the receipt's currency."""

    title: Personal
    price: Decimal
    subtitle: Personal | None = None
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was paid, for what.

    order_number:   differs from every other receipt's
    currency:       ISO 4217
    payment_method: in words, e.g. the kind of card and its last four digits
    adjustments:    (name, amount) taken off, such as a railcard
    """

    recipient_name: Personal
    order_number: Personal
    currency: str
    payment_method: Personal
    total: Decimal
    lines: tuple[ReceiptLine, ...] = ()
    merchant_name: str = ""
    order_url: Personal | None = None
    paid_at_ms: int | None = None
    subtotal: Decimal | None = None
    tax: Decimal | None = None
    adjustments: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Reaction:
    """emoji "" takes a reaction back."""

    channel_message_id: Personal
    emoji: str


@dataclass(frozen=True, slots=True)
class MarkRead:
    """Read receipt for a message of theirs; with `typing`, also shows that we are writing."""

    channel_message_id: Personal
    typing: bool = False


Content = Text | Template | Media | Choice | ChoiceList | Link | Location | Cards | Receipt | Reaction | MarkRead


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One message to one address, as a connector gets it.

    opaque:    "message.attempt.sender", comes back in every status of it
    reply_to:  the channel's id of the message it quotes
    answering: said in a conversation, not by ourselves
    by_person: a person wrote it, and it goes out only because of that: the service window is over
    speaker:   the channel's id of who is shown to speak; None = the sender itself
    """

    id: MessageId
    attempt: int
    sender: SenderId
    recipient: tuple[tuple[str, Personal], ...]
    """(kind, value) of the address's identifiers"""
    content: Content
    reply_to: Personal | None = None
    answering: bool = False
    by_person: bool = False
    speaker: Personal | None = None

    @property
    def opaque(self) -> str:
        return f"{self.id}.{self.attempt}.{self.sender}"


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message as the store has it (header of `m:M`), for trace, API and desk. No personal data."""

    id: MessageId
    state: MessageState
    attempt: int
    sender: SenderId
    address: AddressId
    priority: Priority
    sequence: int
    deadline_ms: int
    version: int
    event: EventId | str
    subject: SubjectId | str
    contact: ContactId
    notification: str
    status: DeliveryStatus
    status_at_ms: int
    reason: str
    planned_at_ms: int
    due_at_ms: int
    conversation: ConversationId | str = ""
    told: str = ""
    """what of its contact's `told` it stands under: subject, notification and item, hashed"""
    sent: str = ""
    """sealed, base64: as what it was accepted, and the channel's id of it (store/outbox.py); "" = not, or in its body"""


def parse_opaque(text: str) -> tuple[MessageId, int, SenderId] | None:
    """The parts of our own opaque data; None when it is somebody else's."""
    parts = text.split(".", 2)
    if len(parts) != 3 or not parts[0].startswith("m") or not parts[1].isascii() or not parts[1].isdigit():
        return None
    return MessageId(parts[0]), int(parts[1]), SenderId(parts[2])
