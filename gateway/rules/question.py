"""What eligibility is asked: all it may look at, gathered by the caller, so that the answer is a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.contact import Consent, Proof


class Night(StrEnum):
    """What a notification does when it would arrive in the person's night.

    JOURNEY: wait until morning, unless its deadline falls before: then at once.
    WAIT:    wait until morning; past its deadline it is suppressed.
    WAKE:    declared urgent: goes at once at any hour.
    """

    JOURNEY = "journey"
    WAIT = "wait"
    WAKE = "wake"


class TemplateState(StrEnum):
    APPROVED = "approved"
    PENDING = "pending"
    REJECTED = "rejected"
    PAUSED = "paused"
    DISABLED = "disabled"
    RECATEGORISED = "recategorised"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """A template that could carry this message, in order of preference: own languages first, then substitutes."""

    name: str
    language: str
    state: TemplateState


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local hours [start, end) in which proactive messages rest; start == end means never. Default 22 to 7."""

    start_hour: int = 22
    end_hour: int = 7


@dataclass(frozen=True, slots=True)
class Question:
    """May this message be sent to this address of this contact now, and as what?

    kind:        "notification" (proactive), "reply" (an agent's or the assistant's words in a conversation),
                 "service" (a confirmation of a stop, an address check: asked for or owed, needs no consent of its own)
    consents:    the contact's, key "purpose.channel.brand"
    purpose:     what the person must have agreed to
    automatic:   a reply that no person wrote (the assistant's): a brake holds it like everything automatic
    urgent:      told however often: no cap holds it back (it does not wake anybody: night does)
    personal:    it holds a name, a code or a document, so it needs proof
    proof:       of this address: None = none; not_me = they said it is not them
    window_opened_at_ms: when they last wrote to this sender from this address
    blocked, opted_out_at_channel, unreachable: channel facts about the address
    stopped:     a brake matches (all, sender, notification, subject, source)
    only_to:     None in production; else whether this address is listed
    timezone:    of the next leg within 24 h, else the contact's, else the brand's
    spoke_at_ms: when the person last spoke in a conversation (no night for 30 min after)
    templates_allowed: whether this sender may use templates at all; None = not known
    person_window_ms:  how long a person may answer freely; 0 = no longer than the window, or this sender may not
    document_in_template: whether the channel carries its document in a template; True where it has none
    held_elsewhere:    another program holds the thread
    told_elsewhere:    they have it already, by another address
    complaint:         a complaint of theirs with this brand is open
    """

    kind: str
    purpose: str
    channel: str
    brand: str
    now_ms: int
    deadline_ms: int
    not_before_ms: int = 0
    urgent: bool = False
    automatic: bool = False
    personal: bool = False
    night: Night = Night.JOURNEY
    quiet: QuietHours = field(default_factory=QuietHours)
    timezone: str = "UTC"
    erasing: bool = False
    consents: Mapping[str, Consent] = field(default_factory=dict)
    proof: Proof | None = None
    not_me: bool = False
    blocked: bool = False
    opted_out_at_channel: bool = False
    unreachable: bool = False
    stopped: bool = False
    capped: bool = False
    only_to: bool | None = None
    production: bool = False
    window_ms: int = 24 * 3600 * 1000
    window_opened_at_ms: int | None = None
    templates: tuple[TemplateChoice, ...] = ()
    spoke_at_ms: int | None = None
    templates_allowed: bool | None = True
    person_window_ms: int = 0
    document_in_template: bool = True
    held_elsewhere: bool = False
    told_elsewhere: bool = False
    complaint: bool = False
