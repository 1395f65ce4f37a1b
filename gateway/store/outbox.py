"""The outbox: plan, claim, settle, evidence. What may be sent, in what order, and what became of it.

A lane is one sender's order to one address; at most one of its messages is out at a time. `put` plans (outbox_puts.py), `peek`
looks and `claim` leases heads (outbox_claims.py), `settle` says what became of them and `evidence` takes in what the channel's
webhooks say (outbox_settles.py). Each is one script a partition; a claim or settle over all partitions is one round trip.
Records: lua/_message.lua, lanes: lua/_lane.lua.
"""

from __future__ import annotations

from gateway.store.outbox_claims import Claims
from gateway.store.outbox_puts import Puts
from gateway.store.outbox_settles import Settles
from gateway.store.outbox_values import (
    STUB_TTL_MS,
    Claimed,
    ClaimWant,
    GoesOn,
    Pair,
    Peek,
    Plan,
    PlannedContact,
    PlannedMessage,
    PutResult,
    Settlement,
    open_message,
    parse_record,
    seal_sent,
    told_field,
    told_prefix,
)

__all__ = [
    "STUB_TTL_MS", "ClaimWant", "Claimed", "GoesOn", "Outbox", "Pair", "Peek", "Plan", "PlannedContact", "PlannedMessage",
    "PutResult", "Settlement", "open_message", "parse_record", "seal_sent", "told_field", "told_prefix",
]  # fmt: skip


class Outbox(Puts, Claims, Settles):
    """Made once a process, over its connection; what it is told of senders is in outbox_reads.py."""
