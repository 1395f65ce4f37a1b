"""Who gets whom: one turn of the router as a pure function.

Conversations come by rank, and each takes the best agent that is left: its own agent of last time where they are here (for whom
it waits a while when they are full), else among those who may answer it and know what it needs the one with the fewest live
conversations, then who has had a free slot for longest, then the lowest id. What an agent was given counts for the next
conversation of the same turn.

Time that somebody waits is time in which their queue is open: what they wait through a night makes no ring wider and keeps them
from no agent of their own. Only the order counts it, so that the oldest goes first in the morning.

Nobody is given what they may not answer, more than they have slots for, or two within the gap. Why each other one was left
out goes with the decision, for the supervisor who asks "why this agent".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.model.agent import Permission, Role, parse_right
from gateway.model.conversation import Agent, AgentId, Conversation, ConversationState
from gateway.model.ids import ConversationId
from gateway.model.webcare import (
    GONE_MS,
    LIVE,
    AgentStatus,
    Boost,
    Decision,
    DeskPlan,
    Figures,
    LeftOut,
    Load,
    Presence,
    Queue,
)
from gateway.rules.calendars import OpenTime, is_open
from gateway.rules.ranks import order
from gateway.rules.routing import GENERAL

LEFT_OUT_MAX = 30
"""So many who were left out, and as many candidates, are kept with a decision: a full team."""
IMPOSSIBLE_S = 120
"""After so long without anybody here who could have it, a conversation goes to the general queue."""

_ANSWER = (Role.AGENT, Role.SENIOR, "reply")
_AT_WORK = (AgentStatus.AVAILABLE, AgentStatus.BUSY)


@dataclass(frozen=True, slots=True)
class Teammate:
    """Somebody who is here. languages: empty = every language; skills: what they know."""

    agent: Agent
    presence: Presence
    load: Load = field(default_factory=Load)
    languages: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()

    @property
    def id(self) -> AgentId:
        return self.agent.id

    @property
    def free_since_ms(self) -> int:
        """Since when a slot of theirs is free: the last one that fell free, or since they are here."""
        return self.presence.free_ms or self.presence.since_ms


@dataclass(frozen=True, slots=True)
class Given:
    """One conversation for one agent. returning: it is theirs already, and comes back to them under the same epoch."""

    conversation: Conversation
    decision: Decision
    figures: Figures
    returning: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """given: in rank order. held: those that wait for their own agent, who is full.

    impossible: nobody who is here could ever be given it, and what is missing: brand, queue, language or skills
    absent:     wants its own agent back, who is not here: it belongs into its queue
    closed:     those whose queue is closed now
    full:       those for whom everybody who could has no room now
    """

    given: tuple[Given, ...] = ()
    held: tuple[ConversationId, ...] = ()
    impossible: Mapping[ConversationId, str] = field(default_factory=dict)
    absent: tuple[ConversationId, ...] = ()
    closed: tuple[ConversationId, ...] = ()
    full: tuple[ConversationId, ...] = ()


def decide(
    queued: Iterable[Conversation],
    here: Sequence[Teammate],
    plan: DeskPlan,
    now_ms: int,
    *,
    first: Collection[str] = (),
) -> Turn:
    """What the router does now.

    queued: those that stand in a queue, and those that want their own agent back (`returning_ms`); in any order
    here:   everybody who has the desk open or had it a moment ago, whatever their status
    first:  queues that go before all others (crises)
    """
    return _Deciding(here, plan, now_ms, first).turn(order(queued, first))


def free_since(given: Given, here: Sequence[Teammate], now_ms: int) -> int:
    """Since when the agent of a decision could have been given it, at the earliest: 0 when they are not here any more."""
    mate = next((one for one in here if one.id == given.decision.agent), None)
    return max(mate.free_since_ms, mate.presence.given_ms + given.figures.gap_s * 1000) if mate else 0


class _Deciding:
    def __init__(self, here: Sequence[Teammate], plan: DeskPlan, now_ms: int, first: Collection[str] = ()) -> None:
        self._plan = plan
        self._crises = frozenset(first)
        self._now = now_ms
        self._here = {one.id: one for one in sorted(here, key=lambda one: one.id)}
        self._open: dict[tuple[str, str], bool] = {}
        self._times: dict[tuple[str, str], OpenTime] = {}
        self._possible: dict[tuple[object, ...], str] = {}
        self._fits: dict[tuple[object, ...], frozenset[AgentId]] = {}
        # Only these can be given something new; everybody else is looked at when a decision says why they were left out. By the
        # widest figures of all brands: with everybody full, a long queue then costs next to nothing.
        every = [plan.figures, *(brand.figures for brand in plan.brands.values())]
        self._widest = replace(
            plan.figures,
            capacity=max(one.capacity for one in every),
            owned_max=max(one.owned_max for one in every),
            gap_s=min(one.gap_s for one in every),
        )
        self._ready = {
            one.id for one in here if one.presence.available(now_ms) and self._no_room(one, self._widest) is None
        }

    def turn(self, queued: Iterable[Conversation]) -> Turn:
        given: list[Given] = []
        held: list[ConversationId] = []
        absent: list[ConversationId] = []
        closed: list[ConversationId] = []
        full: list[ConversationId] = []
        impossible: dict[ConversationId, str] = {}
        for one in queued:
            brand = self._plan.of(one.brand)
            figures, queue = brand.figures, brand.queue(one.queue)
            if one.owner is not None:
                if not one.returning_ms or one.state in LIVE:
                    continue  # theirs, and nothing is wanted
                back = self._back(one, figures)
                if back is None:
                    absent.append(one.id)
                elif back:
                    given.append(back)
                else:
                    held.append(one.id)
                continue
            if one.state is not ConversationState.QUEUED or queue.desk != "own":
                continue
            if not one.safety and not self._opened(one.brand, one.queue):
                closed.append(one.id)
                continue
            if missing := self._missing(one, queue):
                impossible[one.id] = missing
                continue
            own = self._own(one, figures)
            if own == "held":
                held.append(one.id)
                continue
            found = self._pick(one, queue, figures, sticky=own == "free")
            if found is None:
                full.append(one.id)
            else:
                given.append(found)
        return Turn(tuple(given), tuple(held), impossible, tuple(absent), tuple(closed), tuple(full))

    # its own agent

    def _back(self, one: Conversation, figures: Figures) -> Given | tuple[()] | None:
        """A conversation that is somebody's and wants them back: now, () not yet, None they are not here."""
        assert one.owner is not None
        mate = self._here.get(one.owner)
        if mate is None or mate.presence.status not in _AT_WORK or not mate.presence.reachable(self._now):
            return None
        if mate.load.live >= figures.capacity + figures.over_cap:
            return ()
        decision = Decision(
            one.id, mate.id, self._now, "returning", one.queue, 0, (mate.id,), (), None, self._plan.version,
            self._waited_ms(one), _boost(one),
        )  # fmt: skip
        self._take(mate, owned=0)
        return Given(one, decision, figures, returning=True)

    def _own(self, one: Conversation, figures: Figures) -> str:
        """"free": their agent of last time can have it; "held": it waits for them; "" it is for anybody."""
        mate = self._here.get(one.sticky) if one.sticky is not None else None
        if mate is None or not mate.presence.available(self._now) or not self._covers(mate, one) or self._excluded(mate, one):
            return ""
        why = self._no_room(mate, figures)
        if why is None:
            return "free"
        if one.safety or (one.sticky_until_ms and self._now >= one.sticky_until_ms):
            return ""
        since = self._time(one).since
        held = since(one.queued_ms or one.waiting_since_ms or one.opened_ms) < figures.sticky_hold_s * 1000
        if one.waiting_since_ms is not None:  # answered in time by somebody else is better than late by their own agent
            held = held and since(one.waiting_since_ms) < figures.service_level_s * 1000
        return "held" if held else ""

    # anybody

    def _pick(self, one: Conversation, queue: Queue, figures: Figures, *, sticky: bool) -> Given | None:
        ring = ring_of(self._waited_ms(one), figures)
        if sticky and one.sticky is not None:
            candidates = [self._here[one.sticky]]
        else:
            fit = self._fit(one, queue, ring) & self._ready
            candidates = [
                mate
                for mate in map(self._here.__getitem__, fit)
                if self._no_room(mate, figures) is None and not (one.excluded and self._excluded(mate, one))
            ]
            candidates.sort(key=lambda mate: (mate.load.live, mate.free_since_ms, mate.id))
        if not candidates:
            return None
        best = candidates[0]
        names = tuple(mate.id for mate in candidates[:LEFT_OUT_MAX])
        decision = Decision(
            one.id, best.id, self._now, "sticky" if sticky else "idle", one.queue, ring, names,
            self._left_out(one, queue, ring, figures, {mate.id for mate in candidates}),
            candidates[1].id if len(candidates) > 1 else None, self._plan.version, self._waited_ms(one), _boost(one),
        )  # fmt: skip
        self._take(best, owned=1)
        return Given(one, decision, figures)

    def _fit(self, one: Conversation, queue: Queue, ring: int) -> frozenset[AgentId]:
        """Who may answer it and knows what it needs: looked at once a turn for all of a kind."""
        kind = (one.brand, one.queue, one.language, ring)
        if kind not in self._fits:
            wanted = skills_of(queue, ring)
            self._fits[kind] = frozenset(
                mate.id
                for mate in self._here.values()
                if self._covers(mate, one) and _speaks(mate, one) and wanted <= mate.skills
            )
        return self._fits[kind]

    def _why_not(self, mate: Teammate, one: Conversation, wanted: frozenset[str], figures: Figures) -> str | None:
        """Why somebody is not a candidate: what they may and know first, then whether they are there, then room."""
        if not self._covers(mate, one):
            return "queue" if answers(mate.agent, one.brand) else "brand"
        if not _speaks(mate, one):
            return "language"
        if not wanted <= mate.skills:
            return "skills"
        if self._excluded(mate, one):
            return "excluded"
        if mate.presence.status is not AgentStatus.AVAILABLE:
            return mate.presence.status.value
        if not mate.presence.reachable(self._now):
            return "unreachable"
        return self._no_room(mate, figures)

    def _no_room(self, mate: Teammate, figures: Figures) -> str | None:
        if mate.load.live >= figures.capacity:
            return "full"
        if mate.load.owned >= figures.owned_max:
            return "owned"
        return "gap" if self._now - mate.presence.given_ms < figures.gap_s * 1000 else None

    def _left_out(
        self, one: Conversation, queue: Queue, ring: int, figures: Figures, chosen: Collection[AgentId]
    ) -> tuple[LeftOut, ...]:
        """Everybody else who is here. not_sticky: nothing was in the way but that another had spoken with them before."""
        wanted = skills_of(queue, ring)
        found = []
        for mate in self._here.values():
            if mate.id not in chosen:
                found.append(LeftOut(mate.id, self._why_not(mate, one, wanted, figures) or "not_sticky"))
            if len(found) == LEFT_OUT_MAX:
                break
        return tuple(found)

    def _missing(self, one: Conversation, queue: Queue) -> str:
        """What nobody who is here has, even when all optional skills are dropped; "" when somebody could have it some day.

        Nobody here at all is full and not impossible: who comes next may answer. Who is on a break is here, also with their
        computer shut, until they count as offline: a lunch is no reason to send a specialist's conversations elsewhere."""
        kind = (one.brand, one.queue, one.language)
        if kind not in self._possible:
            self._possible[kind] = self._what_is_missing(one, queue)
        return self._possible[kind]

    def _what_is_missing(self, one: Conversation, queue: Queue) -> str:
        mates = [mate for mate in self._here.values() if self._signed_in(mate.presence)]
        if not mates:
            return ""
        steps = (
            ("brand", lambda mate: answers(mate.agent, one.brand)),
            ("queue", lambda mate: self._covers(mate, one)),
            ("language", lambda mate: _speaks(mate, one)),
            ("skills", lambda mate: queue.required <= mate.skills),
        )
        for missing, has in steps:
            mates = [mate for mate in mates if has(mate)]
            if not mates:
                return missing
        return ""

    # bookkeeping

    def _take(self, mate: Teammate, *, owned: int) -> None:
        """What was given counts for who comes next. owned 0: it was theirs before, and is no gift that needs a gap."""
        load = Load(mate.load.live + 1, mate.load.owned + owned)
        presence = replace(mate.presence, given_ms=self._now) if owned else mate.presence
        after = self._here[mate.id] = replace(mate, load=load, presence=presence)
        if self._no_room(after, self._widest) is not None:
            self._ready.discard(mate.id)

    def _covers(self, mate: Teammate, one: Conversation) -> bool:
        """A crisis is everybody's of the brand: nobody was given a right for a queue that there was not yesterday."""
        return answers(mate.agent, one.brand, None if one.queue in self._crises else one.queue)

    def _signed_in(self, one: Presence) -> bool:
        away = one.status is AgentStatus.BREAK
        return away or (one.status is not AgentStatus.OFFLINE and self._now - one.beat_ms < GONE_MS)

    def _excluded(self, mate: Teammate, one: Conversation) -> bool:
        return one.excluded.get(mate.id, 0) > self._now

    def _opened(self, brand: str, queue: str) -> bool:
        if (brand, queue) not in self._open:
            self._open[brand, queue] = is_open(self._plan.calendar(brand, queue), self._now)
        return self._open[brand, queue]

    def _time(self, one: Conversation) -> OpenTime:
        kind = one.brand, one.queue
        if kind not in self._times:
            self._times[kind] = OpenTime(self._plan.calendar(*kind), self._now)
        return self._times[kind]

    def _waited_ms(self, one: Conversation) -> int:
        return self._time(one).since(one.waiting_since_ms or one.queued_ms or one.opened_ms)


def ring_of(waited_ms: int, figures: Figures) -> int:
    """0: all skills are asked for; 1: the preferred ones no more; 2: the optional ones no more either."""
    return 2 if waited_ms >= figures.optional_s * 1000 else 1 if waited_ms >= figures.preferred_s * 1000 else 0


def skills_of(queue: Queue, ring: int) -> frozenset[str]:
    """The skills that a ring asks for."""
    wanted = queue.required
    if ring < 2:
        wanted |= queue.optional
    return wanted | queue.preferred if ring < 1 else wanted


def to_general(one: Conversation, missing: str, since_ms: int, now_ms: int) -> bool:
    """Whether a conversation that nobody here can answer goes to the general queue: where that changes what is asked for.

    since_ms: since when nobody could, while it stood there: what it waited before, beside somebody who could, does not count
    """
    return missing in ("skills", "queue") and one.queue != GENERAL and now_ms - since_ms >= IMPOSSIBLE_S * 1000


def answers(agent: Agent, brand: str, queue: str | None = None) -> bool:
    """Whether somebody is there to be given conversations. A supervisor may take any, and is given none; one who also answers
    has a right for that too."""
    rights = [right for right in map(parse_right, agent.rights) if right is not None]
    return any(right.role in _ANSWER and right.covers(Permission.REPLY, brand, queue) for right in rights)


def _speaks(mate: Teammate, one: Conversation) -> bool:
    return not one.language or not mate.languages or one.language in mate.languages


def _boost(one: Conversation) -> Boost | None:
    return Boost(one.boost) if one.boost in Boost._value2member_map_ else None
