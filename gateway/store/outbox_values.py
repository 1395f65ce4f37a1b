"""What is put into the outbox, handed out by it and told to it; and the record of one message (lua/_message.lua)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.model.ids import AddressId, ContactId, MessageId, SenderId
from gateway.model.message import DeliveryStatus, MessageRecord, MessageState, Priority
from gateway.store import keys
from gateway.store.spending import Spend
from gateway.store.vault import Box

STUB_TTL_MS = keys.KEEP_MS


@dataclass(frozen=True, slots=True)
class GoesOn:
    """How a message that a roll-out leaves out goes to whoever was told an older one in its place: why later ("" = at once)."""

    reason: str
    due_ms: int
    detail: str


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """One message to put. state QUEUED or SUPPRESSED; body: sealed. told: field of told:C ("" = nothing to replace)."""

    id: MessageId
    contact: ContactId
    sender: SenderId | str
    address: AddressId | str
    priority: Priority
    due_ms: int
    deadline_ms: int
    told: str
    state: MessageState
    reason: str
    notification: str
    body: bytes
    revive: bool = False
    conversation: str = ""
    another_way_ms: int = 0
    """not delivered so long after it fell due, another way is tried; 0 = not by time"""
    detail: str = ""
    """for its first fact, e.g. which way this is and why"""
    told_with: tuple[str, ...] = ()
    """fields of told:C of other notifications that speak of the same value"""
    goes_on: GoesOn | None = None
    """of a suppressed one: queued all the same where the phone says an older one, or is about to; None = suppressed anyway"""

    def gone_on(self) -> PlannedMessage:
        """As it is queued for somebody who was told before."""
        assert self.goes_on is not None
        on = self.goes_on
        return replace(self, state=MessageState.QUEUED, reason=on.reason, due_ms=on.due_ms, detail=on.detail, goes_on=None)


@dataclass(frozen=True, slots=True)
class PlannedContact:
    """ends: prefixes of told fields (subject + notification) that this event makes pointless."""

    id: ContactId
    consent_version: int
    ends: tuple[str, ...] = ()
    messages: tuple[PlannedMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What one event means for up to 25 contacts of one partition. fan "" = no fan-out stands behind it.

    start: the cursor where this began, which moves to `cursor` if it stands there still; None = no fan-out was opened here, the
    whole audience of the partition is told at once
    over: notification -> (replaced or ended, by which event): it is no news any more, and planned as that
    """

    partition: int
    event: str
    version: int
    subject: str
    contacts: tuple[PlannedContact, ...]
    fan: str = ""
    cursor: str = ""
    done: bool = False
    start: str | None = None
    over: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PutResult:
    """written False: nothing was written; `contacts` says why per contact: ok, moved:<C>, erasing, replan.

    moved:  the fan-out's cursor stands where the plan says; False: another process moved it meanwhile
    behind: an older event of the subject is being told here, which this one must not overtake
    """

    written: bool
    messages: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    moved: bool = True
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """The pair rate of a channel: one per interval, bursts as debt."""

    interval_ms: int
    burst: int

    @property
    def tolerance_ms(self) -> int:
        return self.interval_ms * max(self.burst - 1, 0)


@dataclass(frozen=True, slots=True)
class Peek:
    """What one sender could send in one partition.

    due_in_ms: after how long, by the store's clock, something falls due (0 or less: it has); None = nothing waits
    ready:     per priority the deadlines (s) of the first lanes that may send
    """

    partition: int
    sender: SenderId
    due_in_ms: int | None
    ready: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class ClaimWant:
    """What to claim: up to `limit` heads with a deadline of at most `deadline_s`. id: names the batch, repeatable."""

    id: str
    partition: int
    sender: SenderId
    priority: Priority
    limit: int
    deadline_s: int = 9_999_999_999


@dataclass(frozen=True, slots=True)
class Claimed:
    """One leased message. attempt: counted from 1; resend: its last attempt was uncertain and no evidence came."""

    partition: int
    sender: SenderId
    address: AddressId
    member: str
    fence: int
    attempt: int
    resend: bool
    leased_at_ms: int
    priority: Priority
    record: MessageRecord
    body: bytes
    raw: bytes = b""
    """the whole record, as it was handed out"""
    store_ms: int = 0
    """the store's clock when it was leased"""

    @property
    def id(self) -> MessageId:
        return self.record.id


@dataclass(frozen=True, slots=True)
class Settlement:
    """outcome: a accepted, r retry at, h hold lane until at, l later at, u uncertain, x finished as `state`.

    at_ms:   of r, h and l: a time that somebody planned, as the end of a night; of u: how long to wait for evidence
    wait_ms: of r, h and l, instead of at_ms: so long from when it is settled, by the store's clock, whatever ours says
    """

    claimed: Claimed
    outcome: str
    attempt: int
    at_ms: int = 0
    wait_ms: int | None = None
    hold_ms: int = 0
    reason: str = ""
    state: MessageState = MessageState.DEAD
    stub: bytes = b""
    sent: str = ""
    """what the channel's answer told, see `seal_sent`"""
    channel_hash: str = ""
    detail: str = ""
    ttl_ms: int = STUB_TTL_MS
    pair: bool = False
    """refused for the pair rate: the lane waits until its whole debt is repaid"""
    another_way: bool = False
    """where it ends here, another way to the person is tried"""
    sent_at_ms: int = 0
    """when it left, for a channel whose receipts say "everything until then"; 0 = receipts name their message"""
    spend: Spend | None = None
    """what it costs where it is accepted"""


def told_prefix(subject: str, notification: str) -> str:
    return f"{subject[3:]}.{notification}"


def told_field(subject: str, notification: str, item: str) -> str:
    return f"{told_prefix(subject, notification)}:{item}"


def parse_record(message: MessageId, raw: bytes) -> tuple[MessageRecord, bytes]:
    """Header and sealed body of a message record."""
    head, _, body = raw.partition(b"\n")
    part = head.decode().split("|")
    record = MessageRecord(
        id=message,
        state=MessageState(part[1]),
        attempt=int(part[2]),
        sender=SenderId(part[3]),
        address=AddressId(part[4]),
        priority=Priority(int(part[5])),
        sequence=int(part[6]),
        deadline_ms=int(part[7]),
        version=int(part[8]),
        event=part[9],
        subject=part[10],
        contact=ContactId(part[12]),
        notification=part[16],
        status=DeliveryStatus(int(part[13])),
        status_at_ms=int(part[14]),
        reason=part[15],
        planned_at_ms=int(part[17]),
        due_at_ms=int(part[18]),
        conversation=part[19] if len(part) > 19 else "",
        told=part[11],
        sent=part[20] if len(part) > 20 else "",
    )
    return record, body


def seal_sent(box: Box, message: MessageId, sent: Mapping[str, str]) -> str:
    """What only the channel's answer told, beside the body: the body stays as it was sealed when it was planned."""
    return b64encode(box.seal_json(sent, f"sent:{message}")).decode()


def open_message(box: Box, record: MessageRecord, sealed: bytes) -> dict[str, Any]:
    """Its body with `as` (a template's name, or "free") and `id` (the channel's) where it was accepted.

    raises: Sealed; ValueError for a body that is no JSON
    """
    body: dict[str, Any] = box.open_json(sealed, record.id)
    return {**body, **box.open_json(b64decode(record.sent), f"sent:{record.id}")} if record.sent else body
