"""What time does to agents and to what they have: the router's second look at the floor.

Who does not open what they were given loses it and is "not responding" until a click (T6, E11). Who gave no sign of life for two
minutes loses what waits for their answer, first in the queue (E1); what they answered stays theirs and is waited with (E2). Who
gave none for half an hour is offline. Each step names the epoch that was seen, so whoever opens, answers or comes back in that
moment keeps what they have. Nothing is taken from anybody for answering late: they and their supervisor are reminded (E12,
rules/presences.py), which is for the page to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from gateway.model.conversation import Conversation, ConversationState
from gateway.model.webcare import Boost, DeskPlan, Presence
from gateway.rules.assign import Turn
from gateway.rules.presences import gone, open_until_ms
from gateway.store.floor import Notes
from gateway.store.presence import FORGOTTEN_MS, PresenceBook
from gateway.webcare.floor import View
from gateway.webcare.told import Say

TOOK_OVER = "took_over"

log = structlog.get_logger()


class Moves(Protocol):
    """What is needed of `Conversations`. False: it moved since it was looked at, and nothing was done."""

    async def requeue(
        self, one: Conversation, why: str, *, exclude_ms: int = 0, boost: Boost | None = None, queue: str = ""
    ) -> bool: ...

    async def rest(self, one: Conversation) -> bool: ...


@dataclass
class Attendance:
    conversations: Moves
    book: PresenceBook
    plan: DeskPlan
    say: Say

    async def look(self, view: View, turn: Turn, notes: Notes, now_ms: int) -> None:
        factors = {one.id: one.agent.limit_factor for one in view.team}
        for presence in view.here:
            owned = view.owned.get(presence.agent, ())
            if gone(presence, now_ms):
                await self._gone(presence, owned, now_ms)
            else:
                await self._late(presence, owned, now_ms, factors.get(presence.agent, 1))

    async def _gone(self, presence: Presence, owned: Sequence[Conversation], now_ms: int) -> None:
        for one in owned:
            if one.state is ConversationState.WRAPUP or one.returning_ms:
                continue  # the one ends by itself, the other goes to its queue because its agent is not here
            if one.waiting_since_ms is not None:
                if await self.conversations.requeue(one, "unreachable", boost=Boost.UNREACHABLE):
                    if one.human:  # who spoke with nobody yet has nobody taken over from
                        await self.say(one, TOOK_OVER, {}, str(one.epoch))
                    log.info("presence.unreachable", conversation=one.id, agent=presence.agent)
            elif one.state is ConversationState.ACTIVE:
                await self.conversations.rest(one)
        if now_ms - presence.beat_ms >= FORGOTTEN_MS:
            await self.book.gone(presence.agent)

    async def _late(
        self, presence: Presence, owned: Sequence[Conversation], now_ms: int, factor: int
    ) -> None:
        missed = False
        for one in owned:
            if one.state is not ConversationState.ASSIGNED:
                continue
            figures = self.plan.of(one.brand).figures
            if now_ms >= open_until_ms(one, presence, figures, factor=factor):
                # First the conversation, then the mark: the other way round would mark who opened it in this moment.
                missed = await self.conversations.requeue(one, "not_opened", exclude_ms=figures.exclude_s * 1000) or missed
        if missed:
            await self.book.missed(presence.agent)
            log.info("presence.not_responding", agent=presence.agent)
