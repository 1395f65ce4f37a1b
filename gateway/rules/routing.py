"""Which queue a conversation belongs in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

GENERAL = "general"
"""The queue that every brand has, so that no conversation is without one."""


AHEAD = "rebooking"
"""Whoever asked for another journey, or for their money, after theirs was cancelled: answered before the general one."""
QUEUES = (AHEAD, GENERAL)
"""The queues there always are, in the order in which they are answered; those of crises go before them."""


@dataclass(frozen=True, slots=True)
class QueueRule:
    """One row of the table; what is None matches anything.

    brand, language: of the conversation
    notification:    the notification that they answer, by name
    """

    queue: str
    brand: str | None = None
    notification: str | None = None
    language: str | None = None

    def matches(self, brand: str, notification: str | None, language: str | None) -> bool:
        return (
            self.brand in (None, brand)
            and self.notification in (None, notification)
            and self.language in (None, language)
        )


def queue_for(
    brand: str,
    rules: Iterable[QueueRule] = (),
    *,
    notification: str | None = None,
    language: str | None = None,
    first: str | None = None,
) -> str:
    """The queue of the first rule that matches, else the general one. The table's order is the operator's.

    first: the queue of a crisis that is about this person, or AHEAD: it goes before every rule
    """
    if first:
        return first
    for rule in rules:
        if rule.matches(brand, notification, language):
            return rule.queue
    return GENERAL
