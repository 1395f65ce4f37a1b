"""The verdict of eligibility, and the closed list of reasons for not sending, each with a sentence for people.

A reason is a word in records, facts, metrics and the API; its sentence is for `trace`, desk and phones. Nothing else
may be given as a reason: a new one is a new row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    NO_CONSENT = "no_consent"
    WITHDRAWN = "withdrawn"
    NO_PROOF = "no_proof"
    NOT_ME = "not_me"
    ADDRESS_CHECK_SENT = "address_check_sent"
    NO_ADDRESS = "no_address"
    NO_SENDER = "no_sender"
    ERASING = "erasing"
    BLOCKED_BY_US = "blocked_by_us"
    ONLY_TO = "only_to"
    WINDOW_CLOSED = "window_closed"
    TEMPLATE_MISSING = "template_missing"
    TEMPLATE_PENDING = "template_pending"
    TEMPLATE_REJECTED = "template_rejected"
    TEMPLATE_PAUSED = "template_paused"
    TEMPLATE_DISABLED = "template_disabled"
    TEMPLATE_RECATEGORISED = "template_recategorised"
    TEMPLATES_NOT_ALLOWED = "templates_not_allowed"
    TEMPLATE_NO_DOCUMENT = "template_no_document"
    HELD_ELSEWHERE = "held_elsewhere"
    TOLD_ELSEWHERE = "told_elsewhere"
    ALREADY_KNOWN = "already_known"
    NOT_IN_ROLLOUT = "not_in_rollout"
    HELD_OUT = "held_out"
    COMPLAINT_OPEN = "complaint_open"
    LEFT = "left"
    EXPIRED = "expired"
    EXPIRED_BEFORE_PLANNING = "expired_before_planning"
    NIGHT_PAST_DEADLINE = "night_past_deadline"
    REPLACED = "replaced"
    ENDED = "ended"
    STOPPED = "stopped"
    CAPPED = "capped"
    OPTED_OUT_AT_CHANNEL = "opted_out_at_channel"
    UNREACHABLE = "unreachable"
    REJECTED = "rejected"
    RETRIES_EXHAUSTED = "retries_exhausted"
    UNCERTAIN_DROPPED = "uncertain_dropped"
    UNCERTAIN_ASK = "uncertain_ask"
    CANNOT_RENDER = "cannot_render"
    DOCUMENT_MISSING = "document_missing"
    FAILED_AT_CHANNEL = "failed_at_channel"
    TIER = "tier"
    DISCARDED = "discarded"
    POISONED = "poisoned"


SENTENCES: dict[Reason, str] = {
    Reason.NO_CONSENT: "nobody has agreed to news of this kind on this channel",
    Reason.WITHDRAWN: "they have asked us to stop news of this kind",
    Reason.NO_PROOF: "we do not know yet that this address is this person's; it names a person, so it waits for proof",
    Reason.NOT_ME: "whoever has this address said that they are not this person",
    Reason.ADDRESS_CHECK_SENT: "we asked whether this is the right person, and wait for the answer",
    Reason.NO_ADDRESS: "no address on any channel we may use",
    Reason.NO_SENDER: "this brand has no sender on that channel",
    Reason.ERASING: "this person's data is being erased",
    Reason.BLOCKED_BY_US: "we have blocked this address",
    Reason.ONLY_TO: "outside production only the listed addresses are written to, and this one is not listed",
    Reason.WINDOW_CLOSED: "their last message is over 24 hours old, so free text is not allowed now",
    Reason.TEMPLATE_MISSING: "the channel has no template for this in a language they read",
    Reason.TEMPLATE_PENDING: "the template still waits for the channel's approval",
    Reason.TEMPLATE_REJECTED: "the channel rejected the template",
    Reason.TEMPLATE_PAUSED: "the channel has paused the template",
    Reason.TEMPLATE_DISABLED: "the channel has disabled the template",
    Reason.TEMPLATE_RECATEGORISED: "the channel has moved the template to another category",
    Reason.TEMPLATES_NOT_ALLOWED: "the channel does not let this sender write by templates, and free text is not allowed now",
    Reason.TEMPLATE_NO_DOCUMENT: "the channel carries no document in a template, and free text is not allowed now",
    Reason.HELD_ELSEWHERE: "another program holds this conversation at the channel",
    Reason.TOLD_ELSEWHERE: "they have it already, on another channel",
    Reason.ALREADY_KNOWN: "it went back and forth, and settled at what they know already",
    Reason.NOT_IN_ROLLOUT: "it is being rolled out in steps, and they are not among those who are told yet",
    Reason.HELD_OUT: "they are in the small group that is not told, which shows what the messages change",
    Reason.COMPLAINT_OPEN: "they have a complaint open: until it is settled nobody offers them anything or asks how it was",
    Reason.LEFT: "they have stopped following this since",
    Reason.EXPIRED: "too late to be of use when its turn came",
    Reason.EXPIRED_BEFORE_PLANNING: "too late to be of use when we heard of it",
    Reason.NIGHT_PAST_DEADLINE: "it is night where they are, and in the morning it would be of no use",
    Reason.REPLACED: "newer news about the same thing took its place",
    Reason.ENDED: "what happened since made it pointless",
    Reason.STOPPED: "somebody has stopped sending",
    Reason.CAPPED: "they had enough messages of this kind for now",
    Reason.OPTED_OUT_AT_CHANNEL: "they stopped us inside the channel's own app",
    Reason.UNREACHABLE: "the channel cannot reach this address",
    Reason.REJECTED: "the channel refused the message",
    Reason.RETRIES_EXHAUSTED: "it failed too often",
    Reason.UNCERTAIN_DROPPED: "no answer came and no evidence; it may have arrived, so it is not sent again",
    Reason.UNCERTAIN_ASK: "no answer came and no evidence; its agent decides",
    Reason.CANNOT_RENDER: "it cannot be said on this channel: a limit would be broken",
    Reason.DOCUMENT_MISSING: "the document could not be had",
    Reason.FAILED_AT_CHANNEL: "the channel took it and could not deliver it",
    Reason.TIER: "the channel lets us write to so many people in 24 hours, and that many have been written to",
    Reason.DISCARDED: "an operator discarded it",
    Reason.POISONED: "it could not be handled, and was set aside with the reason",
}


@dataclass(frozen=True, slots=True)
class FreeText:
    """Send it as free text: the service window is open until `until_ms`.

    by_person: the window is over, and the channel lets a person's own words through until then
    """

    until_ms: int
    by_person: bool = False


@dataclass(frozen=True, slots=True)
class AsTemplate:
    """Send it as this approved template."""

    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not now; look again at `at_ms`. why: "night", "schedule", "settling"."""

    at_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    reason: Reason


Verdict = FreeText | AsTemplate | Later | Suppressed
