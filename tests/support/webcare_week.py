"""A week of webcare in simulated time: people come, the router's own decision gives them to agents, agents work, people give up.

Nothing of the router is imitated: whenever something changed, and each second while somebody waits beside a free slot, `decide`
is asked with the conversations that wait and the agents that are here, as gateway/webcare/router.py asks it. Around it stand only
chance and time: arrivals (Poisson), how much work a conversation is (exponential), patience (exponential), and that an agent with
two chats does 1.7 times the work of one with one, shared by the two.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gateway.model.agent import Agent, AgentId
from gateway.model.conversation import Conversation, ConversationState
from gateway.model.ids import AddressId, ContactId, ConversationId, SenderId
from gateway.model.personal import Personal
from gateway.model.webcare import AgentStatus, DeskPlan, Load, Presence
from gateway.rules.assign import Teammate, decide
from gateway.rules.staffing import House

TICK_MS = 1000
_EMPTY = Personal("")


@dataclass(frozen=True, slots=True)
class Person:
    """Who comes: how long after the one before, how long they wait before they give up, what their conversation takes alone."""

    after_ms: float
    patience_ms: float
    work_s: float


def people(house: House, count: int, *, seed: int) -> list[Person]:
    """So many, by chance: Poisson arrivals, exponential patience and work."""
    chance = random.Random(seed)
    means = (3600 / house.per_hour * 1000, house.patience_s * 1000, house.alone_s)
    return [Person(*(chance.expovariate(1 / mean) for mean in means)) for _ in range(count)]


@dataclass
class Report:
    """What was seen. within: answered within T; late_losses: gave up after T; most: live conversations of one agent, at most

    beside_ms: how long somebody waited beside a free slot, at most: the gap between two gives
    lasted_ms: from the first arrival to the last; work_s: what those who were answered took alone, together
    """

    came: int = 0
    answered: int = 0
    within: int = 0
    gave_up: int = 0
    late_losses: int = 0
    waited_ms: int = 0
    most: int = 0
    beside_ms: int = 0
    decisions: int = 0
    lasted_ms: float = 0.0
    work_s: float = 0.0

    @property
    def service_level(self) -> float:
        return self.within / (self.answered + self.late_losses)

    def house(self, meant: House) -> House:
        """The house as chance had it: with as many an hour, and as much work each, as really came."""
        return replace(meant, per_hour=(self.came - 1) / self.lasted_ms * 3_600_000, alone_s=self.work_s / self.answered)

    @property
    def speed_of_answer_s(self) -> float:
        return self.waited_ms / self.answered / 1000


@dataclass
class _Desk:
    """An agent at work. left: conversation -> work still to do (s, alone); since_ms: up to when it is counted"""

    mate: Teammate
    left: dict[ConversationId, float] = field(default_factory=dict)
    since_ms: float = 0.0
    turn: int = 0


class Week:
    """One run. Events are (time, number, what to do); the number keeps the order of those at the same moment."""

    def __init__(self, house: House, people: Sequence[Person], *, within_s: float) -> None:
        self._house, self._people, self._within_ms = house, people, within_s * 1000
        self._plan = DeskPlan.plain()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._now = self._began = 1_000_000_000.0
        self._waiting: dict[ConversationId, Conversation] = {}
        self._desks = {agent: _Desk(self._mate(agent)) for agent in (AgentId(f"g{n:03d}") for n in range(house.agents))}
        self._work_s: dict[ConversationId, float] = {}
        self._beat_ms = self._now
        self._ticking = False
        self._beside_since: float | None = None
        self.report = Report()

    def run(self) -> Report:
        self._at(self._now + self._people[0].after_ms, self._comes)
        while self._events:
            self._now, _, what = heapq.heappop(self._events)
            what()
        return self.report

    # what happens

    def _comes(self) -> None:
        person = self._people[self.report.came]
        self.report.came += 1
        self.report.lasted_ms = self._now - self._began
        now = int(self._now)
        name = f"{self.report.came:06d}"
        identifier = ConversationId(f"v00{name}")
        self._waiting[identifier] = Conversation(
            id=identifier, contact=ContactId(f"c00{name}"), brand="zz", address=AddressId(f"a00{name}"), sender=SenderId("zz-wa"),
            state=ConversationState.QUEUED, owner=None, owner_since_ms=now, epoch=1, queue="general", opened_ms=now,
            waiting_since_ms=now, last_in_ms=now, last_out_ms=0, inbound=1, revision=1, resolved_ms=None, resolved_by="",
            previous=None, reopened=0, last_owner=None, queued_ms=now,
        )  # fmt: skip
        self._work_s[identifier] = person.work_s
        self._at(self._now + person.patience_ms, lambda: self._gives_up(identifier))
        if self.report.came < len(self._people):
            self._at(self._now + self._people[self.report.came].after_ms, self._comes)
        self._route()

    def _gives_up(self, identifier: ConversationId) -> None:
        one = self._waiting.pop(identifier, None)
        if one is not None:
            self.report.gave_up += 1
            self.report.late_losses += self._now - one.queued_ms > self._within_ms

    def _ends(self, desk: _Desk, identifier: ConversationId, turn: int) -> None:
        if desk.turn != turn:
            return  # another chat came or went since: it ends at another time
        self._work(desk)
        del desk.left[identifier]
        self._changed(desk, replace(desk.mate.presence, free_ms=int(self._now)))
        self._route()

    def _tick(self) -> None:
        self._ticking = False
        self._route()

    def _route(self) -> None:
        """As the router does: whatever waits, whoever is here, one decision, all of it carried out."""
        if self._waiting and any(len(desk.left) < self._house.slots for desk in self._desks.values()):
            if self._now - self._beat_ms > 20_000:  # every page beats each 15 s
                self._beat_ms = self._now
                for desk in self._desks.values():
                    desk.mate = replace(desk.mate, presence=replace(desk.mate.presence, beat_ms=int(self._now)))
            self.report.decisions += 1
            turn = decide(self._waiting.values(), [desk.mate for desk in self._desks.values()], self._plan, int(self._now))
            for given in turn.given:
                self._given(given.conversation.id, given.decision.agent)
            if self._waiting and not self._ticking and any(len(desk.left) < self._house.slots for desk in self._desks.values()):
                self._ticking = True
                self._at(self._now + TICK_MS, self._tick)
        if not self._waiting or all(len(desk.left) == self._house.slots for desk in self._desks.values()):
            self._beside_since = None
            return
        if self._beside_since is None:
            self._beside_since = self._now
        self.report.beside_ms = max(self.report.beside_ms, int(self._now - self._beside_since))

    def _given(self, identifier: ConversationId, agent: AgentId) -> None:
        one = self._waiting.pop(identifier)
        waited = self._now - one.queued_ms
        self.report.answered += 1
        self.report.within += waited <= self._within_ms
        self.report.waited_ms += int(waited)
        desk = self._desks[agent]
        self._work(desk)
        work_s = self._work_s.pop(identifier)
        self.report.work_s += work_s
        desk.left[identifier] = work_s
        self.report.most = max(self.report.most, len(desk.left))
        self._changed(desk, replace(desk.mate.presence, given_ms=int(self._now)))

    # an agent's work

    def _pace(self, desk: _Desk) -> float:
        """Work done of each of their chats in a second."""
        return 1.0 if len(desk.left) == 1 else self._house.two_at_once / 2

    def _work(self, desk: _Desk) -> None:
        done = (self._now - desk.since_ms) / 1000 * self._pace(desk) if desk.left else 0.0
        for identifier in desk.left:
            desk.left[identifier] -= done
        desk.since_ms = self._now

    def _changed(self, desk: _Desk, presence: Presence) -> None:
        desk.turn += 1
        load = Load(len(desk.left), len(desk.left))
        desk.mate = replace(desk.mate, load=load, presence=presence)
        if desk.left:
            identifier, left = min(desk.left.items(), key=lambda one: one[1])
            turn = desk.turn
            self._at(self._now + max(left, 0.0) / self._pace(desk) * 1000, lambda: self._ends(desk, identifier, turn))

    # chance and time

    def _mate(self, agent: AgentId) -> Teammate:
        presence = Presence(agent, AgentStatus.AVAILABLE, since_ms=int(self._now), beat_ms=int(self._now))
        return Teammate(Agent(agent, _EMPTY, _EMPTY, rights=("agent",)), presence)

    def _at(self, at_ms: float, what: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (at_ms, self._number, what))
