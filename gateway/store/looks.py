"""When a conversation must be looked at again though nobody does anything: by the state that it is in."""

from __future__ import annotations

from gateway.model.conversation import Conversation, ConversationState
from gateway.model.webcare import Figures

SILENT_MS = 24 * 3600 * 1000
"""An answered conversation in which nobody said anything for so long is done."""

BEFORE_MS = 3600 * 1000
"""So long before their window shuts, a day after their last words, they are told that it ends."""


def ending_ms(one: Conversation, figures: Figures) -> int:
    """From when somebody who was answered is told that it ends by itself; 0: they are not. Until their window is shut."""
    answered = one.state is ConversationState.WAITING and 0 < one.last_in_ms <= one.last_out_ms
    wanted = figures.closing_line and not one.complaint_due_ms and not one.returning_ms
    return one.last_in_ms + SILENT_MS - BEFORE_MS if answered and wanted else 0


def silent_since_ms(one: Conversation) -> int:
    """When somebody last said something, or it came to its agent."""
    return max(one.last_in_ms, one.last_out_ms, one.owner_since_ms if one.owner else 0)


def next_look_ms(one: Conversation, figures: Figures) -> int:
    """The time (ms), 0 for never: whoever waits for us is waited for by people, not by clocks."""
    state = one.state
    if state is ConversationState.ASSIGNED:
        return 0  # whether its agent is typing elsewhere is known where they are watched (webcare/presence.py)
    if state is ConversationState.QUEUED:
        return silent_since_ms(one) + SILENT_MS if one.answered else 0
    if state is ConversationState.WRAPUP:
        return one.wrapup_until_ms
    if one.returning_ms and one.owner is not None:
        return one.returning_ms + figures.sticky_hold_s * 1000
    if state is ConversationState.PARKED:
        return one.parked_until_ms
    if one.waiting_since_ms is not None or one.resolved:
        return 0
    if one.elsewhere_since_ms is not None:
        return silent_since_ms(one) + SILENT_MS
    if state is ConversationState.ACTIVE:
        return silent_since_ms(one) + figures.idle_after_s * 1000 if one.last_out_ms >= one.last_in_ms else 0
    if told_ms := ending_ms(one, figures):
        return told_ms  # and from then on each half minute, until it ends
    return silent_since_ms(one) + SILENT_MS if state in (ConversationState.AUTOMATED, ConversationState.WAITING) else 0
