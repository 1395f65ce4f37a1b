"""Looking at a conversation that is not one's own is written down, by whichever way it is looked at.

A page that is loaded is a look. What it asks for after that, its live connection and its files, belongs to that look for ten
minutes; asked for without a page it is a look of its own, so that no address shows a conversation unseen.

A supervisor may look along without being shown to the others who have it open: that is written down as such, each time.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from gateway.model.agent import Agent, AgentId, Permission
from gateway.model.audit import Audited
from gateway.model.conversation import Conversation
from gateway.model.ids import ConversationId
from gateway.rules.rights import Reading, reading
from gateway.store.agents import Agents

ONE_LOOK_S = 600.0
KEPT = 10_000


class Looks:
    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._noted: OrderedDict[tuple[AgentId, ConversationId, Audited], float] = OrderedDict()

    async def note(self, agent: Agent, one: Conversation, place: str, *, page: bool = False, unseen: bool = False) -> None:
        """page: it is loaded now, which is always a look; unseen: nobody else is shown that they look.

        raises: StoreUnavailable, before anything is shown
        """
        await self._note_revealed(agent, one, place, page=page)
        if one.owner == agent.id:  # reading what is one's own leaves its trace in what one does
            return
        if unseen:
            await self._once(Audited.WATCHED, agent, one, place, page=page)
        # Passed on to another queue it is another look.
        what = Audited.READ_OUTSIDE if reading(agent, one) is Reading.OUTSIDE else Audited.READ
        await self._once(what, agent, one, place, page=page)

    @staticmethod
    def unseen(agent: Agent, one: Conversation) -> bool:
        """Whether they may look at it without being shown: a supervisor, at what somebody else has."""
        return one.owner not in (None, agent.id) and agent.may(Permission.FORCE, one.brand, one.queue)

    async def _note_revealed(self, agent: Agent, one: Conversation, place: str, *, page: bool) -> None:
        """Whoever may see what is covered sees it at once, also in what is their own: so each look is such a one."""
        if agent.may(Permission.REVEAL, one.brand, one.queue):
            await self._once(Audited.REVEALED, agent, one, place, page=page)

    async def _once(self, what: Audited, agent: Agent, one: Conversation, place: str, *, page: bool) -> None:
        key, now_s = (agent.id, one.id, what), time.monotonic()
        if not page and now_s - self._noted.get(key, float("-inf")) < ONE_LOOK_S:
            return
        await self._agents.audit(what, agent.id, one.id, place=place, brand=one.brand)
        self._noted[key] = now_s
        self._noted.move_to_end(key)
        while len(self._noted) > KEPT:
            self._noted.popitem(last=False)
