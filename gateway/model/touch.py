"""What passed between a person and the operator by ways that are not ours: a call, a mail, a visit to a counter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.ids import ContactId
from gateway.model.personal import Personal


class TouchChannel(StrEnum):
    CALL = "call"
    MAIL = "mail"
    COUNTER = "counter"
    CHAT = "chat"
    LETTER = "letter"
    SURVEY = "survey"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Touch:
    """external: the id that its source gave it, one a touch; only a keyed hash of it is kept
    inward: they came to us; agent: who of the operator's people it was, as colleagues call them
    reason: a code of ours or the source's, "" unknown
    """

    contact: ContactId
    brand: str
    channel: TouchChannel
    inward: bool
    at_ms: int
    external: Personal
    subject: Personal
    summary: Personal
    agent: Personal
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One thing that passed between a person and us. kind: conversation, message, or a `TouchChannel`.

    id:       ours
    inward:   they came to us
    state:    of a conversation its state, of a message how far it came or why it did not go
    subject, summary: words of people, None where there are none or their time is over
    sender:   of ours, for a conversation or a message
    """

    at_ms: int
    kind: str
    id: str
    brand: str = ""
    inward: bool = False
    state: str = ""
    reason: str = ""
    agent: str = ""
    sender: str = ""
    queue: str = ""
    notification: str = ""
    transfers: int = 0
    reopened: int = 0
    complaint: bool = False
    subject: Personal | None = None
    summary: Personal | None = None
    by: Personal | None = None
    """of a touch: who of the operator's people it was"""


@dataclass(frozen=True, slots=True)
class Counted:
    """count: how often; last_ms: when last, None never"""

    count: int = 0
    last_ms: int | None = None


@dataclass(frozen=True, slots=True)
class BeenThrough:
    """What a person has been through in the last twelve months. A flight that was late three times is one delay."""

    delays: Counted = Counted()
    cancellations: Counted = Counted()
    failed_deliveries: Counted = Counted()
    """of parcels"""
    undelivered: Counted = Counted()
    """messages of ours that failed at the channel"""
    reopened: Counted = Counted()
    complaints: Counted = Counted()
