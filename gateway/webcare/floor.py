"""The floor as the router sees it in one look: who waits, what each agent has, who is here.

Conversations are read again only when the desk knows a newer revision of them, people only every few seconds: a look at a long
queue then costs a few round trips and not a few thousand records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.model.conversation import Agent, AgentId, Conversation
from gateway.model.ids import ConversationId
from gateway.model.webcare import DeskPlan, Load, Presence
from gateway.rules.assign import Teammate
from gateway.rules.queueing import queues_of
from gateway.store.agents import Agents
from gateway.store.conversations import Conversations
from gateway.store.floor import Floor

HEADS = 1000
"""Of each queue so many are looked at, by rank."""
AGENTS_AGAIN_MS = 5000
"""A right that was taken away counts for new work after so long; commands ask at once."""


@dataclass(frozen=True, slots=True)
class View:
    """queued: by queue name, each in rank order; owned: per agent who is here; first: queues before all others

    here: everybody's presence, also of those who may not sign in any more; team: who of them may work
    strays: others that something was heard of
    """

    queued: Mapping[str, Sequence[Conversation]] = field(default_factory=dict)
    owned: Mapping[AgentId, Sequence[Conversation]] = field(default_factory=dict)
    here: Sequence[Presence] = ()
    team: Sequence[Teammate] = ()
    first: Sequence[str] = ()
    strays: Sequence[Conversation] = ()

    @property
    def waiting(self) -> list[Conversation]:
        """Everybody in a queue, each once."""
        return [one for some in self.queued.values() for one in some]

    @property
    def returning(self) -> list[Conversation]:
        """Those that want their own agent back."""
        every = [*(one for some in self.owned.values() for one in some), *self.strays]
        return list({one.id: one for one in every if one.returning_ms and one.owner is not None}.values())


class FloorView:
    def __init__(
        self, floor: Floor, conversations: Conversations, agents: Agents, plan: DeskPlan, clock: Clock
    ) -> None:
        self._floor = floor
        self._conversations = conversations
        self._agents = agents
        self._clock = clock
        self._queues = queues_of(plan)
        self._held: dict[ConversationId, Conversation] = {}
        self._people: dict[AgentId, Agent] = {}
        self._people_ms = 0

    async def look(self, first: Sequence[str], heard: Iterable[ConversationId] = ()) -> View:
        """first: queues that are there besides those of the plan, and go before them; heard: looked at wherever they are"""
        lists = await self._floor.lists(list(dict.fromkeys([*first, *self._queues])), HEADS)
        heard = list(heard)
        found = await self._conversations_of([*_all(lists.heads.values()), *_all(lists.mine.values()), *heard])
        people = await self._people_of([one.agent for one in lists.presence])
        team = [
            _teammate(people[one.agent], one, lists.loads[one.agent])
            for one in lists.presence
            if one.agent in people and not people[one.agent].disabled
        ]
        return View(
            {name: [found[one] for one in ids if one in found] for name, ids in lists.heads.items()},
            {agent: [found[one] for one in ids if one in found] for agent, ids in lists.mine.items()},
            lists.presence,
            team,
            tuple(first),
            [found[one] for one in heard if one in found],
        )

    async def _conversations_of(self, ids: Iterable[ConversationId]) -> dict[ConversationId, Conversation]:
        wanted = list(dict.fromkeys(ids))
        known = await self._conversations.desk.known(wanted)
        old = [
            one for one, revision in zip(wanted, known, strict=True)
            if one not in self._held or self._held[one].revision < revision
        ]  # fmt: skip
        kept = {one: self._held[one] for one in wanted if one in self._held}
        for identifier, state in zip(old, await self._conversations.get_many(old), strict=True):
            if state is not None:
                kept[identifier] = state
            else:
                kept.pop(identifier, None)
        self._held = kept  # what no list names any more is forgotten
        return kept

    async def _people_of(self, agents: Sequence[AgentId]) -> Mapping[AgentId, Agent]:
        now = self._clock.now_ms()
        if now - self._people_ms >= AGENTS_AGAIN_MS or any(one not in self._people for one in agents):
            found = await self._agents.many(agents)
            self._people = {one: found[one] for one in agents if one in found}
            self._people_ms = now
        return self._people

    def forget(self, conversations: Iterable[ConversationId]) -> None:
        """Read these anew at the next look, whatever the desk knows: something we held of them was not so."""
        for one in conversations:
            self._held.pop(one, None)


def _teammate(agent: Agent, presence: Presence, load: Load) -> Teammate:
    return Teammate(agent, presence, load, frozenset(agent.languages), frozenset(agent.skills))


def _all(lists: Iterable[Sequence[ConversationId]]) -> Iterable[ConversationId]:
    for some in lists:
        yield from some
