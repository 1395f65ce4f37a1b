"""What the board shows: the first sentence, each queue, everybody who is here, and the brakes. Values for templates.

The house is read once for all open boards, each second and a half at most; what the history says (the day's figures, the service
level) each minute, in a thread of its own, and never waited for: a history that does not answer leaves those places empty. What
a supervisor sees of it are the brands and queues that they have the right for. People at the desk stand in the order of their
names; nothing here says who was quick.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from gateway.model.agent import Permission
from gateway.model.conversation import Agent, AgentId, Conversation, ConversationState
from gateway.model.ids import ConversationId
from gateway.model.webcare import AgentStatus, Load, Presence
from gateway.rules.queueing import queues_of
from gateway.rules.rollout import Rollout
from gateway.settings import ROLES
from gateway.store.alarms import Had
from gateway.store.floor import Floor, Notes
from gateway.store.fuses import Held
from gateway.store.hold import ALL
from gateway.store.incidents import PREFIX, Crisis, standing
from gateway.store.senders import Stop
from gateway.store.signs import Sign
from gateway.webcare import views
from gateway.webcare.board_line import Day, Pulled
from gateway.webcare.catalogue import LOCALES, words_in
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.queue_titles import queue_title

SHARED_S = 1.5
PAST_S = 60.0
PAST_WAIT_S = 20.0
HEADS = 1000
"""Of each queue so many are looked at."""
NAMED = 20
"""Of each list so many are named on the page."""
DAY_MS = 24 * 3600_000
LATELY_MS = 30 * 60_000


@dataclass(frozen=True, slots=True)
class Named:
    """A conversation that a list names."""

    id: ConversationId
    name: str
    state: str
    since_ms: int
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueRow:
    """titles: locale -> what the queue is called

    wait_s: predicted for who comes now, None unknown; opens_ms: shut until then; today, lately: service level, None unknown
    """

    brand: str
    queue: str
    waiting: int
    since_ms: int
    wait_s: int | None
    opens_ms: int
    today: float | None
    lately: float | None
    nobody: int
    listed: tuple[Named, ...]
    titles: tuple[tuple[str, str], ...] = ()

    def title(self, locale: str) -> str:
        return dict(self.titles).get(locale, self.queue)


@dataclass(frozen=True, slots=True)
class AgentRow:
    """away: chose to be here, and no page of theirs speaks; missed: did not open twice in an hour; may: their status changed"""

    id: AgentId
    name: str
    status: str
    kind: str
    since_ms: int
    away: bool
    live: int
    owned: int
    missed: bool
    may: bool
    listed: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Now:
    """The house as somebody may see it. safety, complaints, failed: conversations that are not resolved."""

    queues: tuple[QueueRow, ...]
    agents: tuple[AgentRow, ...]
    live: int
    capacity: int
    safety: tuple[Named, ...]
    complaints: tuple[Named, ...]
    failed: tuple[Named, ...]

    @property
    def waiting(self) -> int:
        return sum(one.waiting for one in self.queues)

    @property
    def since_ms(self) -> int:
        return min((one.since_ms for one in self.queues if one.since_ms), default=0)


@dataclass(frozen=True, slots=True)
class Brakes:
    """may: who looks may work them, which are the whole house's. second: above so many people a release takes two"""

    may: bool
    second: int = 0
    stops: tuple[Stop, ...] = ()
    fuses: tuple[Held, ...] = ()
    crises: tuple[Crisis, ...] = ()
    rollouts: tuple[Rollout, ...] = ()

    @property
    def pulled(self) -> list[Pulled]:
        """What does not go out: all of it, what is held and nobody decided about, crises, then single senders and the like."""
        stops = [Pulled("board.stopped", {"what": one.scope}, one.at_ms, one.who) for one in self.stops]
        held = [Pulled("board.held", {"n": one.rest}, one.at_ms) for one in self.fuses]
        crises = [Pulled("board.crisis", {"what": one.said}, one.at_ms, one.who) for one in self.crises]
        return sorted([*stops, *held, *crises], key=lambda one: (one.places.get("what") != ALL, one.key == "board.stopped"))


@dataclass(frozen=True, slots=True)
class Board:
    """missing: roles that no process has, as far as processes say which they have"""

    day: Day
    alarms: Sequence[Had] | None
    names: Mapping[str, str]
    now: Now
    brakes: Brakes
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """Everything, before anybody's rights are looked at."""

    waiting: Sequence[Conversation] = ()
    owned: Mapping[AgentId, Sequence[Conversation]] = field(default_factory=dict)
    loads: Mapping[AgentId, Load] = field(default_factory=dict)
    here: Sequence[Presence] = ()
    notes: Notes = field(default_factory=Notes)
    people: Mapping[str, Agent] = field(default_factory=dict)
    named: Mapping[ConversationId, str] = field(default_factory=dict)
    alarms: Sequence[Had] | None = None
    brakes: Brakes = field(default_factory=lambda: Brakes(False))
    urgent_s: float | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Past:
    """levels: (brand, queue) -> service level today, and of the last half hour"""

    day: Day = field(default_factory=Day)
    levels: Mapping[tuple[str, str], tuple[float | None, float | None]] = field(default_factory=dict)


def may_look(agent: Agent) -> bool:
    return agent.may(Permission.FORCE) or agent.may(Permission.AUDIT)


def sees(agent: Agent, brand: str, queue: str) -> bool:
    """Supervisors, and who audits what they may read: an admin keeps people and queues, and reads no conversations."""
    audits = all(agent.may(right, brand, queue) for right in (Permission.AUDIT, Permission.READ))
    return audits or agent.may(Permission.FORCE, brand, queue)


def may_brake(agent: Agent) -> bool:
    """Brakes are the whole house's: whoever is a supervisor of one brand does not stop another's news."""
    return agent.may(Permission.FORCE, "", "")


def may_steer(deps: WebcareDeps, agent: Agent, other: Agent) -> bool:
    """Whether somebody may change another's status: they are a supervisor where the other one answers."""
    return any(agent.may(Permission.FORCE, brand) and other.may(Permission.REPLY, brand) for brand in deps.brands)


class BoardReader:
    def __init__(self, deps: WebcareDeps) -> None:
        self._deps = deps
        self._shared: _Read | None = None
        self._shared_s = 0.0
        self._past = _Past()
        self._past_s = 0.0
        self._asking: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()

    async def board(self, agent: Agent) -> Board:
        """agent: who looks"""
        self._look_back()
        async with self._reading:
            if self._shared is None or time.monotonic() - self._shared_s > SHARED_S:
                self._shared, self._shared_s = await self._read(), time.monotonic()
            read = self._shared
        day = self._past.day
        names = {name: one.display.reveal() for name, one in read.people.items()}
        brakes = read.brakes if may_look(agent) else Brakes(False)
        return Board(
            Day(day.told, day.late, day.lost, read.urgent_s),
            read.alarms,
            names,
            self._now(read, agent),
            Brakes(may_brake(agent), brakes.second, brakes.stops, brakes.fuses, brakes.crises, brakes.rollouts),
            read.missing,
        )

    def forget(self) -> None:
        """Somebody did something here: the next look is a new one."""
        self._shared_s = 0.0

    def stop(self) -> None:
        """Nobody looks any more."""
        if self._asking is not None:
            self._asking.cancel()

    # one reading

    async def _read(self) -> _Read:
        deps = self._deps
        queues = list(dict.fromkeys([*await deps.first_queues(), *queues_of(deps.plan)]))
        floor: Floor | None = deps.floor
        if floor is None:
            return _Read(**await self._hands())
        lists = await floor.lists(queues, HEADS)
        people: dict[str, Agent] = {one.id: one for one in await deps.agents.all()}
        # Who went home is not here, and a complaint of theirs is due all the same.
        away = [one.id for one in people.values() if one.id not in lists.mine]
        mine = {**lists.mine, **dict(zip(away, await deps.conversations.desk.mine_of(away), strict=True))}
        ids = [one for some in (*lists.heads.values(), *mine.values()) for one in some]
        known = dict(zip(ids, await deps.conversations.get_many(ids), strict=True))
        waiting = {one.id: one for one in known.values() if one is not None and one.state is ConversationState.QUEUED}
        found = {
            agent: [one for name in theirs if (one := known[name]) is not None and one.owner == agent and not one.resolved]
            for agent, theirs in mine.items()
        }
        shown = [*_first(waiting.values()), *(one for some in found.values() for one in some)]
        contacts = await views.contacts_of(deps, shown)
        return _Read(
            waiting=sorted(waiting.values(), key=lambda one: one.waiting_since_ms or one.opened_ms),
            owned=found,
            loads=lists.loads,
            here=lists.presence,
            notes=await floor.notes(deps.clock.now_ms()),
            people=people,
            named={one.id: views.first_name(contacts.get(one.contact), one.address) for one in shown},
            **await self._hands(),
        )

    async def _hands(self) -> dict[str, Any]:
        hands = self._deps.hands
        if hands is None:
            return {}
        now = hands.clock.now_ms()
        stops = [one for one in await hands.book.stops() if not one.scope.startswith(PREFIX)]
        fuses = [replace(one, asked=standing(one.asked, now)) for one in await hands.fuses.all() if one.waits]
        crises = [replace(one, asked=standing(one.asked, now)) for one in await hands.incidents.all()]
        rollouts = tuple(await hands.rollouts.all())
        brakes = Brakes(False, hands.second, tuple(stops), tuple(fuses), tuple(crises), rollouts)
        signs = [one for one in await hands.signs.all() if one.alive]
        ages = [
            value
            for sign in signs
            for name, labels, value in sign.samples
            if name == "thuisfront_oldest_due_seconds" and labels.get("priority") == "urgent"
        ]
        alarms, urgent_s = await hands.alarms.all(), max(ages, default=None)
        return {"alarms": alarms, "brakes": brakes, "urgent_s": urgent_s, "missing": _missing(signs)}

    # what the history says

    def _look_back(self) -> None:
        due = time.monotonic() - self._past_s > PAST_S or not self._past_s
        if self._deps.past is not None and due and (self._asking is None or self._asking.done()):
            self._past_s = time.monotonic()
            self._asking = asyncio.create_task(self._ask_past(), name="board.past")

    async def _ask_past(self) -> None:
        try:
            async with asyncio.timeout(PAST_WAIT_S):
                self._past = await self._of_today()
        except Exception as error:  # the top of a task: figures of the day are then not known
            self._past = _Past()
            structlog.get_logger().info("board.no_past", error=type(error).__name__)

    async def _of_today(self) -> _Past:
        # SQLAlchemy is loaded by whoever opens the history, and only then.
        from gateway.insight import webcare_report
        from gateway.insight.history import History
        from gateway.rules.measures import Measures

        assert self._deps.past is not None
        database, now = await self._deps.past.database(), self._deps.clock.now_ms()
        midnight = now - now % DAY_MS
        counts = await History(database).counts(since_ms=midnight, until_ms=now + 1)
        t_ms = self._deps.plan.figures.service_level_s * 1000

        async def levels(since_ms: int) -> dict[tuple[str, str], float | None]:
            found = await database.count(
                lambda connection: webcare_report.read(
                    connection, since_ms=since_ms, until_ms=now, now_ms=now, t_ms=t_ms, hours=self._deps.plan.calendar
                )
            )
            sums: dict[tuple[str, str], Measures] = {}
            for key, one in found.items():
                sums.setdefault((key[0], key[1]), Measures()).add(one)
            return {place: one.service_level for place, one in sums.items()}

        today, lately = await levels(midnight), await levels(now - LATELY_MS)
        day = Day(counts.get("accepted", 0), counts.get("expired", 0), counts.get("dead", 0))
        return _Past(day, {place: (today.get(place), lately.get(place)) for place in today.keys() | lately.keys()})

    # what somebody may see of it

    def _now(self, read: _Read, agent: Agent) -> Now:
        def mine(one: Conversation) -> bool:
            return sees(agent, one.brand, one.queue)

        waiting = [one for one in read.waiting if mine(one)]
        owned = [one for some in read.owned.values() for one in some if mine(one)]
        every = [*waiting, *owned]
        rows = tuple(self._agent(read, one, agent, mine) for one in read.here if self._shows(read, one, agent))
        named = read.named
        return Now(
            tuple(self._queue(read, brand, queue, waiting) for brand, queue in self._places(agent, waiting)),
            tuple(sorted(rows, key=lambda one: one.name)),
            sum(one.live for one in rows),
            self._deps.plan.figures.capacity * sum(one.status == AgentStatus.AVAILABLE and not one.away for one in rows),
            tuple(_named(one, named) for one in every if one.safety),
            tuple(_named(one, named) for one in sorted(every, key=lambda one: one.complaint_due_ms) if one.complaint_due_ms),
            tuple(_named(one, named) for one in every if one.undelivered),
        )

    def _places(self, agent: Agent, waiting: Sequence[Conversation]) -> list[tuple[str, str]]:
        """Queues that there always are, and those in which somebody waits; of brands and queues that they look after."""
        planned = [(brand, queue.name) for brand in self._deps.brands for queue in self._deps.plan.of(brand).queues]
        places = dict.fromkeys([*planned, *((one.brand, one.queue) for one in waiting)])
        return [(brand, queue) for brand, queue in places if sees(agent, brand, queue)]

    def _queue(self, read: _Read, brand: str, queue: str, waiting: Sequence[Conversation]) -> QueueRow:
        here = [one for one in waiting if (one.brand, one.queue) == (brand, queue)]
        note = read.notes.queues.get(f"{brand}/{queue}")
        today, lately = self._past.levels.get((brand, queue), (None, None))
        return QueueRow(
            self._deps.brands.get(brand, brand),
            queue,
            len(here),
            min((one.waiting_since_ms or one.opened_ms for one in here), default=0),
            note.wait_s if note else None,
            note.opens_ms if note else 0,
            today,
            lately,
            sum(one.id in read.notes.impossible for one in here),
            tuple(_named(one, read.named) for one in here[:NAMED]),
            tuple((locale, queue_title(self._deps.plan, brand, queue, words_in(locale))) for locale in LOCALES),
        )

    def _shows(self, read: _Read, one: Presence, agent: Agent) -> bool:
        other = read.people.get(one.agent)
        return other is not None and (agent.may(Permission.AUDIT, "") or may_steer(self._deps, agent, other))

    def _agent(self, read: _Read, one: Presence, agent: Agent, mine: Any) -> AgentRow:
        other, now = read.people[one.agent], self._deps.clock.now_ms()
        load = read.loads.get(one.agent, Load())
        return AgentRow(
            one.agent,
            other.display.reveal(),
            one.status.value,
            one.kind,
            one.since_ms,
            one.status is not AgentStatus.OFFLINE and not one.reachable(now),
            load.live,
            load.owned,
            one.warned_ms > now - 3600_000,
            may_steer(self._deps, agent, other),
            tuple(_named(each, read.named) for each in read.owned.get(one.agent, ()) if mine(each)),
        )


def _missing(signs: Sequence[Sign]) -> tuple[str, ...]:
    """Roles that none of these processes has; () where one of them, of an older version, does not say what it does."""
    said = [one.roles for one in signs]
    return tuple(role for role in ROLES if all(said) and not any(role in one for one in said)) if said else ()


def _named(one: Conversation, names: Mapping[ConversationId, str]) -> Named:
    since = one.waiting_since_ms or 0
    return Named(one.id, names.get(one.id, "Somebody new"), one.state.value, since, views.marks(one))


def _first(waiting: Any) -> list[Conversation]:
    """Those whose names the page may show: the first of each queue, and whoever must not be overlooked."""
    taken: dict[tuple[str, str], int] = {}
    found = []
    for one in sorted(waiting, key=lambda one: one.waiting_since_ms or one.opened_ms):
        place = one.brand, one.queue
        taken[place] = taken.get(place, 0) + 1
        if taken[place] <= NAMED or one.safety or one.complaint_due_ms or one.undelivered:
            found.append(one)
    return found


def next_shares(one: Rollout) -> tuple[int | None, int | None]:
    """(one stage up, one stage down) of where a roll-out stands; None where there is none."""
    up = one.next_stage.share if one.next_stage is not None else None
    down = max((stage.share for stage in one.stages if stage.share < one.share), default=None)
    return up, down


