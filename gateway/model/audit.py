"""What the audit keeps: what people at the desk, or about it, did that somebody may have to answer for.

Each is a fact of this kind with, in its words: agent (who), target (about whom, an agent), place (from where: store/audit.py),
old and new. The conversation or contact is among its ids. What agents do to a conversation (take, reply, finish) has facts of
its own and is not said twice.
"""

from __future__ import annotations

from enum import StrEnum


class Audited(StrEnum):
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_FAILED = "sign_in_failed"
    """agent is empty where no agent has the name"""
    SECOND_FAILED = "second_failed"
    RECOVERY_USED = "recovery_used"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    UNLOCK_FAILED = "unlock_failed"
    SESSION_ENDED = "session_ended"
    """by somebody else than its agent: why says who or what"""
    AGENT_ADDED = "agent_added"
    AGENT_CHANGED = "agent_changed"
    AGENT_RIGHTS = "agent_rights"
    AGENT_PASSWORD = "agent_password"  # noqa: S105  a word, no secret
    AGENT_DISABLED = "agent_disabled"
    AGENT_ENABLED = "agent_enabled"
    SECOND_ENROLLED = "second_enrolled"
    SECOND_RESET = "second_reset"
    READ = "read"
    """a conversation that is not theirs, in their own queues"""
    READ_OUTSIDE = "read_outside"
    """a conversation in another queue of their brand"""
    WATCHED = "watched"
    """a conversation that somebody else has, by a supervisor whom its readers are not shown"""
    REVEALED = "revealed"
    IDENTITY_SET = "identity_set"
    """a supervisor said who somebody is, or took it back, without a proof: new is set or unset"""
    EXPORTED = "exported"
    SEARCHED = "searched"
    """terms: a keyed hash of what was searched for"""
    AUDIT_READ = "audit_read"
    """the audit itself, on its page: with what was asked for; once a view, however many pages are turned"""
    AUDIT_EXPORTED = "audit_exported"
    """the same as a table, count: of how many entries"""


OF_BRANDS = frozenset(
    {Audited.READ, Audited.READ_OUTSIDE, Audited.WATCHED, Audited.REVEALED, Audited.IDENTITY_SET, Audited.SEARCHED}
)
"""About customers: each says its `brand`, so that who audits a brand sees it when the conversation is long forgotten."""
OF_PEOPLE = frozenset(Audited) - OF_BRANDS - {Audited.EXPORTED}
"""About people at the desk: whoever audits a brand that the person works for sees them."""

OPERATOR = "operator"
"""Who, where it was done on the server's own command line."""
