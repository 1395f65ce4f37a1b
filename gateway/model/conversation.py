"""People answering people: conversations, what stands in them, and the agents who own them.

A conversation is one question of one contact on one address with one brand; at most one of these is unresolved. `epoch` grows
with every change of owner: whatever was decided under another epoch is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.model.agent import Agent as Agent
from gateway.model.agent import AgentId as AgentId
from gateway.model.identity import NOTHING_SHOWN, Shown
from gateway.model.ids import AddressId, ContactId, ConversationId, MessageId, SenderId
from gateway.model.personal import Personal

AUTOMATION = "automation"
"""The author of what no person wrote."""
INBOX = "inbox"
"""The author of what a person said in the channel's own inbox."""
PROGRAM = "program"
"""The author of what another program said."""

EDIT = "edit"
"""The form of an entry that changes an earlier one of theirs."""
WANTED = "wanted"
"""The form of a note that somebody else asks us for the thread."""


class ConversationState(StrEnum):
    """AUTOMATED: nobody is needed. QUEUED: in exactly one queue. ASSIGNED: given to an agent who has not opened it.

    ACTIVE: an agent's, opened. WAITING: an agent's, who spoke last and was not answered for a while. PARKED: its agent waits
    for somebody else, until a time. WRAPUP: finished for the contact, its reason is due. RESOLVED: done; may reopen. INCIDENT and
    CALLBACK refuse entry so far."""

    AUTOMATED = "automated"
    INCIDENT = "incident"
    QUEUED = "queued"
    CALLBACK = "callback"
    ASSIGNED = "assigned"
    ACTIVE = "active"
    WAITING = "waiting"
    PARKED = "parked"
    WRAPUP = "wrapup"
    RESOLVED = "resolved"


class EntryKind(StrEnum):
    IN = "in"
    OUT = "out"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class InboundEntry:
    """What a person said, as it is kept in a thread.

    key:     names it for ever; the same key again adds nothing (the channel's message id will do: only a keyed hash is kept)
    kind:    the channel contract's word: text, button, media, location, contacts, reaction, unsupported, other
    origin:  which of our messages it answers
    media:   JSON that names the file: channel_media_id, mime, filename ...; more_media: the second and further ones
    answers: the channel's id of what it answers, ours or theirs
    standby: another program held the thread: we only heard it
    edit_of: the key of the entry that it changes; edits: how often that was changed so far
    family:  the journeys whose traveller's family they are, where they write as such; asked: "answered" or "person", where
             they asked how it stands
    hidden:  kinds of what was covered in its text before it was kept (rules/masking.py)
    """

    key: str
    kind: str
    text: Personal
    at_ms: int
    payload: str | None = None
    media: Mapping[str, str] | None = None
    channel_message_id: Personal | None = None
    origin: MessageId | None = None
    detail: str = ""
    more_media: tuple[Mapping[str, str], ...] = ()
    answers: Personal | None = None
    standby: bool = False
    edit_of: str = ""
    edits: int = 0
    family: str = ""
    asked: str = ""
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutsideEntry:
    """What was said to a person by other hands than ours: in the channel's own inbox, or by another program.

    key:     names it for ever; person: a person said it, so whoever waited was answered
    program: the channel's id of what sent it, "" unknown
    """

    key: str
    kind: str
    text: Personal
    at_ms: int
    person: bool
    program: str = ""
    media: Mapping[str, str] | None = None
    channel_message_id: Personal | None = None
    answers: Personal | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """What a line said before it was changed."""

    text: Personal
    at_ms: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a thread. id: its place in the stream; author: an agent, AUTOMATION, INBOX, PROGRAM, or "" for the contact.

    message:  for OUT the message it became; origin: for IN which of our messages it answers
    again:    for OUT the message that this one repeats, after its agent said so; for an EDIT the key of what it changes
    versions: for IN what it said before, oldest first; text is what it says now, since edited_ms
    """

    id: str
    kind: EntryKind
    at_ms: int
    author: str
    message: MessageId | str
    origin: MessageId | str
    key: str
    text: Personal
    form: str = "text"
    payload: str | None = None
    media: Mapping[str, str] | None = None
    channel_message_id: Personal | None = None
    again: MessageId | str = ""
    detail: str = ""
    more_media: tuple[Mapping[str, str], ...] = ()
    answers: Personal | None = None
    standby: bool = False
    program: str = ""
    edits: int = 0
    edited_ms: int | None = None
    versions: tuple[Version, ...] = ()
    family: str = ""
    hidden: tuple[str, ...] = ()
    template: Mapping[str, Any] | None = None
    """for OUT that went as a template: the notification's `name`, and the `values` that its agent gave"""


@dataclass(frozen=True, slots=True)
class Mention:
    """A proactive message that an address was sent lately: what somebody who writes back may mean."""

    message: MessageId
    notification: str
    brand: str
    sender: SenderId
    text: Personal
    at_ms: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """waiting_since_ms: since when the contact waits for us, None when nobody waits. inbound: how often they wrote.

    elsewhere_since_ms: since when they wait for whoever holds the thread instead of us, None when nobody does
    answered_ms:        when a person last answered in the channel's own inbox, 0 never
    undelivered: message -> why it did not arrive, of those that nobody has decided about yet
    decided: message -> "left" or the message that repeats it, for those whose fate was uncertain or that failed
    queued_ms: since when it stands in its queue (age of an earlier stay kept), 0 never; boost, boost_s: why it goes first
    sticky:             whom it waits for, if anybody; sticky_until_ms: how long at most, 0 not yet said
    excluded:           agent -> until when they are not given it again
    returning_ms:       since when it wants its own agent back (they wrote, or its time came), 0 it does not
    parked_until_ms, wrapup_until_ms: 0 where it is neither
    offered_to, offered_ms: the agent who was asked to take it over; transfers: how often it changed hands
    reason, complaint_due_ms, safety, language: what is known of it; human: a person of ours spoke since it was opened
    flooded_ms:         when it was last told that they write more in a minute than anybody does, 0 never
    assisted: the house said something by itself, and no person was ushered in since
    consulted:          colleagues who were asked by a note and have not answered -> until when they should
    identity:           how far they showed in it who they are
    parked_place_ms:    by which place with its agent it was last parked (store/parking.py)
    """

    id: ConversationId
    contact: ContactId
    brand: str
    address: AddressId
    sender: SenderId
    state: ConversationState
    owner: AgentId | None
    owner_since_ms: int
    epoch: int
    queue: str
    opened_ms: int
    waiting_since_ms: int | None
    last_in_ms: int
    last_out_ms: int
    inbound: int
    revision: int
    resolved_ms: int | None
    resolved_by: str
    previous: ConversationId | None
    reopened: int
    last_owner: AgentId | None
    elsewhere_since_ms: int | None = None
    answered_ms: int = 0
    decided: Mapping[str, str] = field(default_factory=dict)
    undelivered: Mapping[str, str] = field(default_factory=dict)
    queued_ms: int = 0
    boost: str = ""
    boost_s: int = 0
    sticky: AgentId | None = None
    sticky_until_ms: int = 0
    excluded: Mapping[AgentId, int] = field(default_factory=dict)
    returning_ms: int = 0
    parked_until_ms: int = 0
    wrapup_until_ms: int = 0
    offered_to: AgentId | None = None
    offered_ms: int = 0
    transfers: int = 0
    reason: str = ""
    complaint_due_ms: int = 0
    safety: str = ""
    language: str = ""
    flooded_ms: int = 0
    human: bool = False
    assisted: bool = False
    consulted: Mapping[AgentId, int] = field(default_factory=dict)
    identity: Shown = NOTHING_SHOWN
    parked_place_ms: int = 0

    @property
    def rank_ms(self) -> int:
        """Its place in a queue: lowest first."""
        return (self.waiting_since_ms or self.queued_ms or self.opened_ms) - self.boost_s * 1000

    @property
    def answered(self) -> bool:
        """Whether their last words were answered in the channel's own inbox."""
        return self.answered_ms > 0 and self.answered_ms >= self.last_in_ms

    @property
    def resolved(self) -> bool:
        return self.state is ConversationState.RESOLVED


def what_of(item: InboundEntry) -> str:
    """What a message of theirs is, in a word for other programs; of a file what its type says."""
    if item.edit_of:
        return EDIT
    if item.detail == "revoke":
        return WITHDRAWN
    if item.kind != "media":
        return item.kind
    if item.detail == "sticker":
        return item.detail
    family = (item.media or {}).get("mime", "").partition("/")[0]
    return family if family in ("image", "audio", "video") else "document"


# Thanks and goodbyes, whole messages only. What is not on the list reopens: a question lost is worse than one look too many.
_COURTESIES = frozenset(
    """
    thanks thx thankyou thankyouverymuch thankyousomuch manythanks thanksalot ok okay great perfect cheers bye goodbye super
    dank dankje dankjewel dankuwel bedankt heelergbedankt hartstikkebedankt oke oké prima top fijn doei tot ziens totziens
    danke dankeschön vielendank merci mercibeaucoup gracias grazie
    """.split()  # noqa: SIM905
)


def is_courtesy(kind: str, text: Personal) -> bool:
    """Whether a message asks for nothing: a reaction, emoji alone, or a thank-you and no other word."""
    if kind == "reaction":
        return True
    if kind != "text":
        return False
    words = re.sub(r"[^\w]", "", text.reveal().casefold())
    if words:
        return words in _COURTESIES
    return any(unicodedata.category(char) in ("So", "Sk") for char in text.reveal())
WITHDRAWN = "withdrawn"
"""The detail of a line of theirs once they deleted it at the channel: its time is left, its words are not shown."""
