"""Which state of a conversation may follow which, by whose doing, and what is needed for it. Every other move is refused.

The table is the specification's, T1 to T15, in its order. `NEW` stands for a conversation that there is not yet. What is possible
also depends on the moment (who owns it by now, whether their slots are full): that the scripts decide, in one step with the
change; they never go beyond this table, which a test holds them against.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.conversation import ConversationState

NEW = None
"""No conversation yet."""


class Who(StrEnum):
    """OWNER: the agent whose it is. AGENT: one who may answer there and whose it is not (yet). DIALLER: whoever calls back."""

    CONTACT = "contact"
    SYSTEM = "system"
    OWNER = "owner"
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    DIALLER = "dialler"


class Need(StrEnum):
    """What a move asks for. SLOT: a free one with the agent; UNTIL: when it wakes; NOTE: words for whoever has it next;
    ACCEPTED: that agent said yes; HOPS: it did not change hands too often; REASON: why they wrote, or the time for it is over."""

    SLOT = "slot"
    UNTIL = "until"
    NOTE = "note"
    ACCEPTED = "accepted"
    HOPS = "hops"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class Move:
    """One row for one pair of states. number: the specification's, "T4"."""

    number: str
    source: ConversationState | None
    target: ConversationState
    who: frozenset[Who]
    needs: frozenset[Need] = frozenset()


@dataclass(frozen=True, slots=True)
class Refused:
    """code: not_available (a state that refuses entry so far), not_possible (no row), not_yours (a row, for somebody else)."""

    code: str
    state: ConversationState | None


_S = ConversationState
NOT_AVAILABLE = frozenset({_S.INCIDENT, _S.CALLBACK})
"""States that exist and refuse entry."""
_CONTACT, _SYSTEM, _OWNER = frozenset({Who.CONTACT}), frozenset({Who.SYSTEM}), frozenset({Who.OWNER})
_LIVE_CHAT = (_S.ACTIVE, _S.WAITING, _S.PARKED)


def _rows(
    number: str,
    sources: Iterable[ConversationState | None],
    targets: Iterable[ConversationState],
    who: Iterable[Who],
    needs: Iterable[Need] = (),
) -> list[Move]:
    ends = list(targets)
    return [Move(number, source, target, frozenset(who), frozenset(needs)) for source in sources for target in ends]


TABLE: tuple[Move, ...] = (
    *_rows("T1", [NEW], [_S.AUTOMATED, _S.QUEUED], _CONTACT),
    *_rows("T2", [_S.AUTOMATED], [_S.QUEUED], [Who.CONTACT, Who.SYSTEM]),
    *_rows("T3", [_S.AUTOMATED, _S.INCIDENT, _S.QUEUED], [_S.RESOLVED], [Who.CONTACT, Who.SYSTEM]),
    *_rows("T4", [_S.QUEUED], [_S.ASSIGNED], _SYSTEM, [Need.SLOT]),
    # Who takes by hand has opened it: that is T4 and T5 in one. "Take over from automation" is everybody's who may answer.
    *_rows("T4", [_S.QUEUED, _S.AUTOMATED], [_S.ACTIVE], [Who.AGENT], [Need.SLOT]),
    *_rows("T5", [_S.ASSIGNED], [_S.ACTIVE], _OWNER),
    *_rows("T6", [_S.ASSIGNED], [_S.QUEUED], [Who.SYSTEM, Who.OWNER]),
    *_rows("T7", [_S.ACTIVE], [_S.WAITING], _SYSTEM),
    *_rows("T7", [_S.WAITING], [_S.ACTIVE], [Who.SYSTEM, Who.OWNER], [Need.SLOT]),
    *_rows("T8", [_S.ACTIVE, _S.WAITING], [_S.PARKED], _OWNER, [Need.UNTIL]),
    *_rows("T8", [_S.PARKED], [_S.ACTIVE], [Who.SYSTEM, Who.OWNER], [Need.SLOT]),
    *_rows("T9", _LIVE_CHAT, [_S.QUEUED], [Who.OWNER], [Need.NOTE, Need.HOPS]),
    *_rows("T9", [_S.ASSIGNED, *_LIVE_CHAT], [_S.QUEUED], [Who.SUPERVISOR], [Need.NOTE]),
    *_rows("T9", _LIVE_CHAT, [_S.QUEUED], _SYSTEM),
    *_rows("T9", _LIVE_CHAT, [_S.ACTIVE], [Who.AGENT], [Need.SLOT, Need.ACCEPTED, Need.HOPS]),
    *_rows("T9", [_S.QUEUED, _S.AUTOMATED, _S.ASSIGNED, *_LIVE_CHAT], [_S.ACTIVE], [Who.SUPERVISOR], [Need.SLOT, Need.NOTE]),
    *_rows("T10", [_S.ACTIVE], [_S.WRAPUP], _OWNER),
    # What took no slot needs one for its wrap-up; where there is none it is resolved without.
    *_rows("T10", [_S.WAITING, _S.PARKED], [_S.WRAPUP], _OWNER, [Need.SLOT]),
    *_rows("T10", _LIVE_CHAT, [_S.RESOLVED], _OWNER),
    *_rows("T10", [_S.WRAPUP], [_S.RESOLVED], [Who.OWNER, Who.SYSTEM], [Need.REASON]),
    *_rows("T11", [_S.WAITING], [_S.RESOLVED], _SYSTEM),
    *_rows("T12", [_S.RESOLVED], [_S.QUEUED], [Who.CONTACT, Who.SYSTEM]),
    # Whoever comes back while another program holds the thread waits for that one; ours again, they are queued by T2.
    *_rows("T12", [_S.RESOLVED], [_S.AUTOMATED], _CONTACT),
    # They write, their agent does, or an answer failed, while its reason is due: it is not done after all, and has its slot.
    *_rows("T12", [_S.WRAPUP], [_S.ACTIVE], [Who.CONTACT, Who.OWNER, Who.SYSTEM]),
    *_rows("T13", [_S.QUEUED, _S.AUTOMATED], [_S.CALLBACK], _CONTACT),
    *_rows("T13", [_S.CALLBACK], [_S.RESOLVED, _S.QUEUED], [Who.CONTACT, Who.DIALLER]),
    *_rows("T14", [_S.AUTOMATED, _S.QUEUED], [_S.INCIDENT], _SYSTEM),
    *_rows("T14", [_S.INCIDENT], [_S.QUEUED], _CONTACT),
    *_rows("T15", [_S.ACTIVE], [_S.AUTOMATED], _OWNER),
)  # fmt: skip


def move(source: ConversationState | None, target: ConversationState, who: Who) -> Move | Refused:
    """The row by which somebody brings a conversation from one state into another, or why there is none."""
    if target in NOT_AVAILABLE:
        return Refused("not_available", source)
    rows = [row for row in TABLE if row.source is source and row.target is target]
    if not rows:
        return Refused("not_possible", source)
    return next((row for row in rows if who in row.who), Refused("not_yours", source))
