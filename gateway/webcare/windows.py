"""How long words may still be sent: while the service window is open, and by a person for longer where that is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.contact import ContactFacts
from gateway.model.conversation import Conversation
from gateway.model.ids import SenderId
from gateway.rules.window import SERVER_MARGIN_MS, open_until
from gateway.webcare.deps import WebcareDeps


@dataclass(frozen=True, slots=True)
class Closing:
    """Times (ms), the margin off; None: past, or never open.

    window_ms: the end of the service window
    person_ms: the end of the time in which a person may answer; None where it is no longer than the window
    """

    window_ms: int | None = None
    person_ms: int | None = None

    @property
    def last_ms(self) -> int | None:
        """When nobody's words will be taken any more."""
        return self.person_ms or self.window_ms


def closing(
    deps: WebcareDeps, conversation: Conversation, facts: ContactFacts | None, persons: Mapping[SenderId, int]
) -> Closing:
    """persons: WebcareDeps.person_windows()."""
    opened = facts.window_opened_at(conversation.sender, conversation.address) if facts else None
    if opened is None:
        return Closing()
    now = deps.clock.now_ms()

    def end(lasts_ms: int) -> int | None:
        until = open_until(min(opened, now), lasts_ms) - SERVER_MARGIN_MS
        return until if until > now else None

    longer = persons.get(conversation.sender)
    return Closing(end(deps.window_ms(conversation.sender)), end(longer) if longer else None)
