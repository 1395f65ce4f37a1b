"""A webcare team as values: who may do what, who is here, which queues there are and when they are open, what the router decided.

Shapes only: decisions are in rules/ (moves, assign, calendars, safety, reasons), what is kept is in store/. Times are in ms since
the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from gateway.model.agent import Permission as Permission
from gateway.model.agent import Role as Role
from gateway.model.conversation import AgentId, ConversationState
from gateway.model.ids import ConversationId

LIVE = frozenset({ConversationState.ASSIGNED, ConversationState.ACTIVE, ConversationState.WRAPUP})
"""States that take one of their agent's slots."""
OWNED = LIVE | {ConversationState.WAITING, ConversationState.PARKED}
"""States in which a conversation has an agent."""


class AgentStatus(StrEnum):
    """Chosen, but NOT_RESPONDING, which the house sets after a conversation was not opened and a click ends.

    BUSY finishes what there is and takes no new; BREAK has a kind."""

    AVAILABLE = "available"
    BUSY = "busy"
    BREAK = "break"
    OFFLINE = "offline"
    NOT_RESPONDING = "not_responding"


UNREACHABLE_MS = 45_000
"""Without a beat for so long somebody is given nothing."""
GONE_MS = 120_000
"""Without a beat for so long their conversations that wait for an answer go back to the queue."""
BEAT_MS = 15_000


@dataclass(frozen=True, slots=True)
class Presence:
    """since_ms: of the status; beat_ms: when a page of theirs last spoke; touched_ms: when they last pressed a key or clicked;
    given_ms: when they were last given a conversation; free_ms: when a slot of theirs last fell free; missed_ms: when they last
    did not open what they were given; warned_ms: when that was last the second time within an hour."""

    agent: AgentId
    status: AgentStatus = AgentStatus.OFFLINE
    kind: str = ""
    since_ms: int = 0
    beat_ms: int = 0
    touched_ms: int = 0
    given_ms: int = 0
    free_ms: int = 0
    missed_ms: int = 0
    warned_ms: int = 0

    def reachable(self, now_ms: int) -> bool:
        return now_ms - self.beat_ms < UNREACHABLE_MS

    def available(self, now_ms: int) -> bool:
        return self.status is AgentStatus.AVAILABLE and self.reachable(now_ms)


@dataclass(frozen=True, slots=True)
class Load:
    """live: slots taken, reservations with them; owned: live and what waits or is parked"""

    live: int = 0
    owned: int = 0


class Safety(StrEnum):
    """Words that cannot wait."""

    DANGER = "danger"
    MEDICAL = "medical"
    SELF_HARM = "self_harm"
    LEFT_BEHIND = "left_behind"
    MINOR_ALONE = "minor_alone"


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message says of itself (rules/listening.py), without its words.

    safety:    the kind of words that cannot wait, None without any
    language:  nl, en, de, fr, "" where nobody could say; usual: what this person usually writes, "" not known
    complaint: they complain, without a doubt
    reasons:   code -> how likely
    """

    safety: Safety | None = None
    language: str = ""
    usual: str = ""
    complaint: bool = False
    reasons: Mapping[str, float] = field(default_factory=dict)


class Boost(StrEnum):
    """Why somebody is answered before others who waited as long. The largest single one counts."""

    SAFETY = "safety"
    STILL_BROKEN = "still_broken"
    DEPARTS_SOON = "departs_soon"
    UNDELIVERED = "undelivered"
    REOPENED = "reopened"
    UNREACHABLE = "unreachable"
    LOW = "low"
    BY_HAND = "by_hand"


BOOST_S: Mapping[Boost, int] = {
    Boost.SAFETY: 3600,
    Boost.STILL_BROKEN: 1800,
    Boost.DEPARTS_SOON: 1200,
    Boost.UNDELIVERED: 900,
    Boost.REOPENED: 600,
    Boost.UNREACHABLE: 600,
    Boost.LOW: -600,
}


@dataclass(frozen=True, slots=True)
class Interval:
    """Minutes since midnight of the calendar's own zone; until may be 1440."""

    begin: int
    until: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """week: seven days, Monday first, each with its intervals; special: dates with other hours (none: closed)."""

    name: str
    timezone: str
    week: tuple[tuple[Interval, ...], ...]
    special: Mapping[date, tuple[Interval, ...]] = field(default_factory=dict)


EXTERNAL = "external"
"""The desk of a queue that another program answers."""


@dataclass(frozen=True, slots=True)
class Queue:
    """calendar "" = always open. required: skills that never drop; preferred and optional drop with the time waited (rings).

    desk: "own", or "external": the router gives nobody what stands in it, for another program that answers by the API
    titles: (language of the page, what people at the desk read for its name)
    """

    name: str
    calendar: str = ""
    required: frozenset[str] = frozenset()
    preferred: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    desk: str = "own"
    titles: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table of a brand: what is None matches anything, the first row that matches decides."""

    queue: str
    notification: str | None = None
    language: str | None = None
    reason: str | None = None
    complaint: bool | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody writes. shortcut: three letters; words: any of them means it (rules/reasons.py)."""

    code: str
    parent: str
    label: Mapping[str, str]
    shortcut: str
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of webcare, one set a house; a brand may have its own."""

    capacity: int = 2
    over_cap: int = 0
    owned_max: int = 8
    parked_max: int = 5
    gap_s: int = 3
    open_by_s: int = 45
    nudge_s: int = 120
    wrapup_s: int = 60
    idle_after_s: int = 600
    sticky_hold_s: int = 120
    sticky_h: int = 72
    reopen_h: int = 72
    exclude_s: int = 300
    service_level_s: int = 120
    preferred_s: int = 60
    optional_s: int = 120
    closed_again_h: int = 12
    complaint_days: int = 14
    closing_line: bool = False


SILENCEABLE = frozenset({"glad", "human", "took_over", "closed", "full", "ending"})
"""Lines of the house that a brand may switch off; the others law or the channels' rules demand (assistant/lines.py)."""


@dataclass(frozen=True, slots=True)
class BrandPlan:
    """queues: in the order in which they are answered where rank alone does not decide; the general one is always last.

    automation: simple questions are answered by itself; silent: lines of the house that it does not want said (SILENCEABLE)
    """

    brand: str
    queues: tuple[Queue, ...]
    routes: tuple[Route, ...] = ()
    figures: Figures = field(default_factory=Figures)
    complaint_owner: str = ""
    automation: bool = True
    silent: frozenset[str] = frozenset()

    def queue(self, name: str) -> Queue:
        """One of its queues. What the file does not name (a crisis's, for one) is always open and asks for no skill."""
        return next((one for one in self.queues if one.name == name), Queue(name))


@dataclass(frozen=True, slots=True)
class DeskPlan:
    """The whole of webcare.yaml. version: a digest of it, kept with every decision. push: the router gives; else agents take."""

    brands: Mapping[str, BrandPlan]
    calendars: Mapping[str, Calendar]
    reasons: tuple[Reason, ...]
    version: str
    push: bool = True
    figures: Figures = field(default_factory=Figures)

    @classmethod
    def plain(cls) -> DeskPlan:
        """Without a file: every brand has the general queue, always open, and the router gives."""
        return cls({}, {}, (), "plain")

    def of(self, brand: str) -> BrandPlan:
        """What holds for a brand; one that the file does not name has the general queue, always open."""
        return self.brands.get(brand) or BrandPlan(brand, (Queue("general"),), figures=self.figures)

    def calendar(self, brand: str, queue: str) -> Calendar | None:
        """The hours of a brand's queue; None = always open."""
        found = self.of(brand).queue(queue)
        return self.calendars.get(found.calendar) if found.calendar else None

    def external(self, brand: str, queue: str) -> bool:
        """Whether another program answers what stands in a brand's queue."""
        return self.of(brand).queue(queue).desk == EXTERNAL

    @property
    def has_external(self) -> bool:
        return any(queue.desk == EXTERNAL for brand in self.brands.values() for queue in brand.queues)


@dataclass(frozen=True, slots=True)
class LeftOut:
    agent: AgentId
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Why this agent. how: sticky, idle, returning, taken, accepted.

    ring: 0 all skills, 1 preferred dropped, 2 optional dropped. No names and no texts: agents by their ids.
    """

    conversation: ConversationId
    agent: AgentId
    at_ms: int
    how: str
    queue: str
    ring: int
    candidates: tuple[AgentId, ...]
    left_out: tuple[LeftOut, ...]
    next_best: AgentId | None
    version: str
    waited_ms: int
    boost: Boost | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """That a conversation is to be an agent's: who waits in a queue, or who comes back to the agent that they have.

    epoch:     of the conversation, as it was seen; another one and nothing is given
    capacity:  live conversations the agent may have; over_cap: how many more where it is their own that comes back
    owned_max: conversations the agent may have in all; 0 there is no such limit (nor for a capacity of 0)
    gap_ms:    how long after the last one they were given; by_router: they must be here and available too
    decision:  why this agent; kept with the conversation where it is given
    returning: it is theirs already, waits or is parked, and comes back to them
    """

    conversation: ConversationId
    agent: AgentId
    epoch: int
    capacity: int
    over_cap: int = 0
    owned_max: int = 0
    gap_ms: int = 0
    by_router: bool = True
    decision: Decision | None = None
    returning: bool = False
