"""How people were answered by people, as formulas over what happened; automation is counted apart. Definitions: version 2.

A *stretch* begins when a conversation needs a person (it enters a queue: opened, asked for, reopened) and ends with the first
words of a person, or with its end. A change of queue or agent within it begins nothing new: the contact waits on.

    wait              first human reply - beginning, calendar time: what the queue was closed in between does not count
    abandoned         ended by the contact before anybody replied; or replied to after 30 min and silent for 24 h since
    not counted       ended by the contact within 30 s
    service level     replied to within T / (answered + abandoned after T); T = 120 s, the goal 80 %
    ASA               mean wait of the answered
    longest wait      of those that began in the time, also of who waits now
    hand-over rate    resolved conversations that changed hands or queue by a transfer / resolved, of those a person had
    reopen rate       of these, opened again within 72 h / resolved; a conversation counts in the time it was resolved
    by automation     resolved without a person's words

A stretch counts in the half hour it began in, for the queue and brand that it began in. What waits still counts for
the longest wait alone. A share of nothing is None, never 0. Version 1 counted nights and closed hours as waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.model.webcare import Calendar
from gateway.rules.calendars import open_ms

VERSION = 2
T_MS = 120_000
SHORT_MS = 30_000
LATE_MS = 30 * 60_000
SILENT_MS = 24 * 3600_000
REOPEN_MS = 72 * 3600_000
HALF_HOUR_MS = 30 * 60_000
GOAL = 0.8
HAND_OVER_GOAL = 0.05
CONTACT = "contact"
"""By whom a conversation is resolved that its contact withdrew."""
OTHERS = frozenset({"automation", "silence", CONTACT, "", "system"})
"""By whom it is resolved if by no agent."""


Hours = Callable[[str, str], Calendar | None]
"""The calendar of a brand's queue; None is always open."""


def always(brand: str, queue: str) -> Calendar | None:
    return None


@dataclass(frozen=True, slots=True)
class Step:
    """kind: enters, replied, wrote, transferred, resolved, reopened (which enters too). by: of resolved, by whom.

    wait_ms: of replied, since a person was needed, by the clock on the wall
    """

    at_ms: int
    conversation: str
    kind: str
    brand: str = ""
    queue: str = ""
    wait_ms: int | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """wait_ms: of open hours until the first human reply, None none yet; replied_ms: when that was

    withdrawn_ms: when the contact withdrew, None they did not
    """

    conversation: str
    brand: str
    queue: str
    began_ms: int
    wait_ms: int | None = None
    withdrawn_ms: int | None = None
    replied_ms: int = 0

    def waits(self) -> bool:
        return self.wait_ms is None and self.withdrawn_ms is None


@dataclass
class Measures:
    """Of one brand, queue and time. Figures that are shares are derived, so that sums of them stay right."""

    began: int = 0
    answered: int = 0
    within: int = 0
    abandoned: int = 0
    """in all; late_abandoned of them after T"""
    late_abandoned: int = 0
    wait_ms: int = 0
    """of the answered, added up"""
    longest_ms: int = 0
    waiting: int = 0
    resolved: int = 0
    transferred: int = 0
    reopened: int = 0
    automated: int = 0

    @property
    def service_level(self) -> float | None:
        return _share(self.within, self.answered + self.late_abandoned)

    @property
    def asa_ms(self) -> float | None:
        return _share(self.wait_ms, self.answered)

    @property
    def hand_over_rate(self) -> float | None:
        return _share(self.transferred, self.resolved)

    @property
    def reopen_rate(self) -> float | None:
        return _share(self.reopened, self.resolved)

    def add(self, other: Measures) -> None:
        self.longest_ms = max(self.longest_ms, other.longest_ms)
        for name in (
            "began", "answered", "within", "abandoned", "late_abandoned", "wait_ms", "waiting", "resolved", "transferred",
            "reopened", "automated",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass
class _Talk:
    """What was seen of one conversation so far, step by step."""

    brand: str = ""
    queue: str = ""
    stretches: list[Stretch] = field(default_factory=list)
    replied_ms: list[int] = field(default_factory=list)
    wrote_ms: list[int] = field(default_factory=list)
    transfers: int = 0
    ends: list[tuple[int, str, int]] = field(default_factory=list)
    """(when, by whom, transfers until then) of each time it was resolved"""
    again_ms: list[int] = field(default_factory=list)


Key = tuple[str, str, int]
"""(brand, queue, half hour in ms)"""


def measure(
    steps: Iterable[Step], *, since_ms: int, until_ms: int, now_ms: int, t_ms: int = T_MS, hours: Hours = always
) -> dict[Key, Measures]:
    """Per brand, queue and half hour of [since, until). steps: in the order in which they happened, also from before `since`.

    hours: when the queues were open, as they are organised now
    """
    talks: dict[str, _Talk] = {}
    for step in steps:
        _take_in(talks.setdefault(step.conversation, _Talk()), step, hours)
    found: dict[Key, Measures] = {}

    def of(brand: str, queue: str, at_ms: int) -> Measures | None:
        if not since_ms <= at_ms < until_ms:
            return None
        return found.setdefault((brand, queue, at_ms - at_ms % HALF_HOUR_MS), Measures())

    for talk in talks.values():
        for stretch in talk.stretches:
            into = of(stretch.brand, stretch.queue, stretch.began_ms)
            if into is not None:
                _count(into, stretch, _silent(talk, stretch, now_ms), now_ms, t_ms, hours(stretch.brand, stretch.queue))
        for at_ms, by, transfers in talk.ends:
            into = of(talk.brand, talk.queue, at_ms)
            if into is not None:
                _count_end(into, talk, at_ms, by, transfers)
    return found


def _take_in(talk: _Talk, step: Step, hours: Hours) -> None:
    talk.brand, talk.queue = step.brand or talk.brand, step.queue or talk.queue
    last = talk.stretches[-1] if talk.stretches else None
    if step.kind == "reopened":
        talk.again_ms.append(step.at_ms)
    if step.kind in ("enters", "reopened"):
        if last is None or not last.waits():
            talk.stretches.append(Stretch(step.conversation, talk.brand, talk.queue, step.at_ms))
    elif step.kind == "wrote":
        talk.wrote_ms.append(step.at_ms)
    elif step.kind == "replied":
        talk.replied_ms.append(step.at_ms)
        if last is not None and last.waits():
            wait = step.wait_ms if step.wait_ms is not None else step.at_ms - last.began_ms
            wait = open_ms(hours(last.brand, last.queue), step.at_ms - wait, step.at_ms)
            talk.stretches[-1] = replace(last, wait_ms=wait, replied_ms=step.at_ms)
    elif step.kind == "transferred":
        talk.transfers += 1
    elif step.kind == "resolved":
        talk.ends.append((step.at_ms, step.by, talk.transfers))
        if last is not None and last.waits():
            # Resolved by an agent without a word, it was neither answered nor left: it counts for nothing.
            withdrawn = step.at_ms if step.by == CONTACT else None
            talk.stretches.pop()
            if withdrawn is not None:
                talk.stretches.append(replace(last, withdrawn_ms=withdrawn))


def _silent(talk: _Talk, stretch: Stretch, now_ms: int) -> bool:
    """Whether they said nothing for a day after the reply that came late."""
    if stretch.wait_ms is None or stretch.wait_ms <= LATE_MS:
        return False
    replied = stretch.replied_ms
    return now_ms - replied > SILENT_MS and not any(replied < at <= replied + SILENT_MS for at in talk.wrote_ms)


def _count(into: Measures, stretch: Stretch, silent: bool, now_ms: int, t_ms: int, calendar: Calendar | None) -> None:
    if stretch.withdrawn_ms is not None:
        waited = open_ms(calendar, stretch.began_ms, stretch.withdrawn_ms)
        if waited < SHORT_MS:
            return
        into.abandoned += 1
        into.late_abandoned += waited > t_ms
    elif stretch.wait_ms is None:
        waited = open_ms(calendar, stretch.began_ms, now_ms)
        into.waiting += 1
    else:
        waited = stretch.wait_ms
        if silent:
            into.abandoned += 1
            into.late_abandoned += 1
        else:
            into.answered += 1
            into.within += waited <= t_ms
            into.wait_ms += waited
    into.began += 1
    into.longest_ms = max(into.longest_ms, waited)


def _count_end(into: Measures, talk: _Talk, at_ms: int, by: str, transfers: int) -> None:
    if by in OTHERS and not any(at <= at_ms for at in talk.replied_ms):
        into.automated += by != CONTACT
        return
    into.resolved += 1
    into.transferred += transfers > 0
    into.reopened += any(at_ms < at <= at_ms + REOPEN_MS for at in talk.again_ms)


def total(found: Iterable[Measures]) -> Measures:
    """Of several brands, queues or times together."""
    whole = Measures()
    for one in found:
        whole.add(one)
    return whole


def by_queue(found: dict[Key, Measures]) -> dict[tuple[str, str], Measures]:
    """Over the whole time, per brand and queue."""
    whole: dict[tuple[str, str], Measures] = {}
    for (brand, queue, _), one in sorted(found.items()):
        whole.setdefault((brand, queue), Measures()).add(one)
    return whole


def half_hours(found: dict[Key, Measures]) -> Sequence[tuple[Key, Measures]]:
    return sorted(found.items())
