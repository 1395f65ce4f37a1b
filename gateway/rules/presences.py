"""What time does at the desk: until when something given must be opened, who is gone, who is reminded of whom."""

from __future__ import annotations

from enum import IntEnum

from gateway.model.conversation import Conversation, ConversationState
from gateway.model.webcare import GONE_MS, Figures, Presence

REMIND_OWNER_MS = 5 * 60 * 1000
REMIND_SUPERVISOR_MS = 8 * 60 * 1000
WARNED_FOR_MS = 3600 * 1000


class Reminder(IntEnum):
    """Of a conversation that its agent opened and left without an answer. Nobody takes it away from them for that."""

    NONE = 0
    OWNER = 1
    SUPERVISOR = 2


def open_until_ms(one: Conversation, presence: Presence, figures: Figures, *, factor: int = 1) -> int:
    """Until when its agent must open what they were given.

    The time runs only while they touch nothing: who types in another conversation is nudged, and has `nudge_s` in all. Pages
    tell of touches with their beats, so a touch counts from its beat.
    factor: the agent's own factor for time limits, 1-10
    """
    patient = max(one.owner_since_ms, presence.touched_ms) + figures.open_by_s * 1000 * factor
    return min(patient, one.owner_since_ms + max(figures.nudge_s, figures.open_by_s) * 1000 * factor)


def nudged(one: Conversation, presence: Presence, figures: Figures, now_ms: int, *, factor: int = 1) -> bool:
    """Whether its agent works elsewhere while it waits to be opened for longer than it should."""
    late = now_ms >= one.owner_since_ms + figures.open_by_s * 1000 * factor
    return one.state is ConversationState.ASSIGNED and late and now_ms < open_until_ms(one, presence, figures, factor=factor)


def gone(presence: Presence, now_ms: int) -> bool:
    """Whether somebody who was here gave no sign of life for two minutes. Who was never here is not gone."""
    return presence.beat_ms > 0 and now_ms - presence.beat_ms >= GONE_MS


def reminder(one: Conversation, now_ms: int) -> Reminder:
    """Who is reminded that somebody waits for a word of the agent who has them."""
    if one.state is not ConversationState.ACTIVE or one.waiting_since_ms is None:
        return Reminder.NONE
    silent_ms = now_ms - max(one.waiting_since_ms, one.owner_since_ms)
    if silent_ms >= REMIND_SUPERVISOR_MS:
        return Reminder.SUPERVISOR
    return Reminder.OWNER if silent_ms >= REMIND_OWNER_MS else Reminder.NONE


def flagged(presence: Presence, now_ms: int) -> bool:
    """Whether the supervisor sees that somebody twice within an hour did not open what they were given."""
    return presence.warned_ms > 0 and now_ms - presence.warned_ms < WARNED_FOR_MS
