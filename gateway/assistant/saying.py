"""Says the house's own lines: one place for the assistant, the hand-off, "closed", "full" and "a colleague takes over".

    await lines.say(conversation, "closed", {"when": "08:00"}, key="closed:2026-11-23")

Said once for each (line, key); lines of one conversation that fall within five seconds are one message
(store/conversation_lines.py). It goes only where the service window is open: what the house says by itself is worth no template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.assistant.lines import CHOOSE, ENDING, LINES, labelled, spoken, text_of
from gateway.clock import Clock
from gateway.connector import ChannelFacts
from gateway.errors import NotFound
from gateway.model.conversation import Conversation
from gateway.model.ids import ConversationId, SenderId
from gateway.model.webcare import DeskPlan
from gateway.rules.window import SERVER_MARGIN_MS, open_until
from gateway.store.contacts import Contacts
from gateway.store.conversation_lines import Line, Outcome, Wanted
from gateway.store.conversations import Conversations
from gateway.wake import Ready

NOTHING: Mapping[str, str] = {}


class Said(StrEnum):
    """SAID, JOINED (with others, one message), AGAIN (under this key before), LATE (dropped: another epoch), OFF (switched off by
    the brand), SHUT (the service window is closed), GONE (no such conversation, or erased)."""

    SAID = "said"
    JOINED = "joined"
    AGAIN = "again"
    LATE = "late"
    OFF = "off"
    SHUT = "shut"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Words:
    """One line with what is filled in. buttons: {kind, label, payload}"""

    name: str
    params: Mapping[str, str] = field(default_factory=dict)
    buttons: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class SystemLines:
    """brands: id -> name for people; channels: sender -> its channel's numbers; enqueued: told of what may go at once"""

    conversations: Conversations
    contacts: Contacts
    clock: Clock
    plan: DeskPlan
    brands: Mapping[str, str]
    channels: Mapping[SenderId, ChannelFacts]
    enqueued: Callable[[Ready], None] = lambda ready: None

    async def say(
        self,
        conversation: ConversationId,
        line: str,
        params: Mapping[str, str] = NOTHING,
        *,
        key: str,
        epoch: int | None = None,
        at_once: bool = False,
        language: str = "",
    ) -> Said:
        """Say one line. key: of its cause, once for each; epoch: dropped where the conversation has another by now, None any.

        at_once:  it answers the person's own words, or ushers somebody in: it does not wait for other lines
        language: "" = the conversation's, else the contact's
        raises:   KeyError for a line or value that there is not; Conflict, StoreUnavailable
        """
        return await self.say_many(
            conversation, [Words(line, params)], key=f"{line}:{key}", epoch=epoch, at_once=at_once, language=language
        )

    async def say_many(
        self,
        conversation: ConversationId,
        said: Sequence[Words],
        *,
        key: str,
        epoch: int | None = None,
        at_once: bool = False,
        language: str = "",
    ) -> Said:
        """Say several lines of one cause in one message; those that the brand switched off are left out."""
        try:
            found = await self.conversations.get(conversation)
        except NotFound:
            return Said.GONE
        silent = self.plan.of(found.brand).silent
        wanted = [one for one in said if one.name not in silent or LINES[one.name].demanded]
        if not wanted:
            return Said.OFF
        facts = (await self.contacts.facts_of([found.contact]))[0]
        opened = facts.window_opened_at(found.sender, found.address)
        known = self.channels.get(found.sender)
        if opened is None or known is None:
            return Said.SHUT
        now = self.clock.now_ms()
        until = open_until(min(opened, now), known.window_ms) - SERVER_MARGIN_MS
        if until <= now:
            return Said.SHUT
        speaks = spoken(language, found.language, facts.language)
        lines = [self._line(one, found, speaks) for one in wanted]
        ushers = any(LINES[one.name].ushers for one in wanted)

        def joined(every: Sequence[Line]) -> tuple[str, Sequence[Mapping[str, str]]]:
            texts = list(dict.fromkeys(one.text for one in every))
            buttons = next((one.buttons for one in reversed(every) if one.buttons), ())
            return labelled(texts, speaks)[: known.text_max], buttons

        outcome: Outcome = await self.conversations.lines.say(
            found.id,
            Wanted(key, lines, until, epoch, at_once or ushers, ushers, speaks, CHOOSE[speaks]),
            joined,
            self.enqueued,
        )
        return Said(outcome.value)

    async def ending(self, one: Conversation) -> Said:
        """Tell somebody who was answered and is silent that the conversation ends by itself: once for each silence of theirs."""
        return await self.say(one.id, ENDING, key=f"{one.last_in_ms}:{one.epoch}", epoch=one.epoch)

    def _line(self, words: Words, found: Conversation, language: str) -> Line:
        params = {"brand": self.brands.get(found.brand, found.brand), **words.params}
        return Line(words.name, text_of(words.name, language, params), words.buttons)
