"""What happened between two times, for the review afterwards: who was told how late, and who was not, and why.

Read from the facts of the history alone, so it can be made again a year later and says the same; there is nothing of a person
in it but our own ids. A message belongs to the report when it was planned, fell due, was handed over or ended in the range; what
became of it later counts up to a day after. How late is counted: incident_cases.py.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.errors import BadInput, NotFound, Problem, StoreUnavailable
from gateway.insight.incident_cases import KINDS, Case, Tally, number
from gateway.store.facts import Fact

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start: only what opens the history pays for it
    from gateway.insight.history import History

DAY_MS = 24 * 3600_000
PAGE = 5000
MESSAGES_MAX = 500_000
SUBJECT_FACTS_MAX = 1_000_000
BRAKES_BACK_MS = 90 * DAY_MS
"""A brake that was pulled longer ago than this and is still in force is not found."""
WORST = 10
BUCKETS = 60
_WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Late:
    """Over the messages that were handed over: half, 90 and 99 of a hundred, and the worst; ms. None without any."""

    p50: int
    p90: int
    p99: int
    worst: int


@dataclass(frozen=True, slots=True)
class Row:
    """Counts of messages; a message that was held and then sent counts in both. outdated: newer news took its place."""

    notification: str
    channel: str
    planned: int
    told: int
    delivered: int
    waiting: int
    held: int
    stopped: int
    suppressed: int
    outdated: int
    expired: int
    dead: int
    unreached: int
    uncertain: int
    doubled: int
    late: Late | None


@dataclass(frozen=True, slots=True)
class Brake:
    """verb: stopped or resumed. before: it was pulled before the range and still in force at its beginning."""

    at_ms: int
    verb: str
    scope: str
    who: str
    why: str
    before: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """A piece of the range: messages that became known, were taken by a channel, ended without arriving in it."""

    at_ms: int
    known: int
    told: int
    lost: int


@dataclass(frozen=True, slots=True)
class Incident:
    """people: concerned, told, unreached, doubled, waiting: distinct contacts. gaps: facts may be missing so many times."""

    since_ms: int
    until_ms: int
    subject: str
    people: Mapping[str, int]
    total: Row
    rows: tuple[Row, ...]
    reasons: tuple[tuple[str, str, int], ...]
    brakes: tuple[Brake, ...]
    buckets: tuple[Bucket, ...]
    worst: tuple[Case, ...]
    cases: tuple[Case, ...]
    gaps: int
    channels: Mapping[str, str] = field(default_factory=dict)

    def channel_of(self, case: Case) -> str:
        return channel_of(case.sender, self.channels)


def channel_of(sender: str, channels: Mapping[str, str]) -> str:
    """The channel of a sender; "none" for what was never given to one, the sender itself where it is not known any more."""
    return channels.get(sender, sender) or "none"


async def gather(
    history: History,
    *,
    since_ms: int,
    until_ms: int,
    subject: str = "",
    channels: Mapping[str, str] | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Incident:
    """The report over [since, until), about one subject (its id) or everything. channels: sender -> its channel.

    raises: BadInput  a range that ends before it begins, or holds over half a million messages
            NotFound  nothing is known of the range, or of the subject in it
            StoreUnavailable
    """
    if until_ms <= since_ms:
        raise BadInput([Problem("--to", "should be later than --from")])
    tally = Tally()
    if subject and await _about(history, tally, subject):
        unsure = await _all(history, ["uncertain", "gap"], since_ms, until_ms + DAY_MS, progress)
        tally.take(fact for fact in unsure if fact.kind == "gap" or fact.id_of("m") in tally.cases)
    else:
        await _scan(history, tally, since_ms - DAY_MS, until_ms + DAY_MS, subject, progress)
        await _complete(history, tally, since_ms, until_ms)
    brakes = await _all(history, ["stopped", "resumed"], since_ms - BRAKES_BACK_MS, until_ms, lambda count: None)
    return _made(tally, since_ms, until_ms, subject, _brakes(brakes, since_ms), channels or {})


async def _about(history: History, tally: Tally, subject: str) -> bool:
    """Take in all that names a subject; False where that is more than the database gives in one answer."""
    try:
        found = await history.of_ids([subject], limit=SUBJECT_FACTS_MAX)
    except StoreUnavailable:
        return False
    if not found:
        raise NotFound("nothing is known of that subject: it may be written otherwise, or be older than the retention")
    tally.take(found)
    return True


async def _scan(
    history: History, tally: Tally, since_ms: int, until_ms: int, subject: str, progress: Callable[[int], None]
) -> None:
    after: tuple[int, int, str] | None = None
    seen = 0
    while True:
        facts = await history.of_kinds(KINDS, since_ms=since_ms, until_ms=until_ms, limit=PAGE, after=after)
        tally.take(fact for fact in facts if not subject or _concerns(fact, subject, tally))
        seen += len(facts)
        progress(seen)
        if len(tally.cases) > MESSAGES_MAX:
            most = f"the range holds over {MESSAGES_MAX:,} messages: take a shorter one, or a --subject"
            raise BadInput([Problem("--from", most)])
        if len(facts) < PAGE:
            return
        last = facts[-1]
        after = (last.at_ms, last.partition, last.stream_id)


def _concerns(fact: Fact, subject: str, tally: Tally) -> bool:
    return subject in fact.ids or fact.kind == "gap" or fact.id_of("m") in tally.cases


async def _all(
    history: History, kinds: Sequence[str], since_ms: int, until_ms: int, progress: Callable[[int], None]
) -> list[Fact]:
    found: list[Fact] = []
    after: tuple[int, int, str] | None = None
    while True:
        facts = await history.of_kinds(kinds, since_ms=max(since_ms, 0), until_ms=until_ms, limit=PAGE, after=after)
        found += facts
        progress(len(found))
        if len(facts) < PAGE:
            return found
        last = facts[-1]
        after = (last.at_ms, last.partition, last.stream_id)


async def _complete(history: History, tally: Tally, since_ms: int, until_ms: int) -> None:
    """How messages began that were planned over a day before the range and came to something in it; and their events."""
    unknown = [one.message for one in tally.cases.values() if not one.notification and one.touches(since_ms, until_ms)]
    for begin in range(0, len(unknown), _CHUNK):
        tally.begin(await history.of_ids(unknown[begin : begin + _CHUNK], limit=50_000))
    lost = sorted({one.event for one in tally.cases.values() if one.event and one.event not in tally.kept})
    for begin in range(0, len(lost), _CHUNK):
        tally.note(fact for fact in await history.of_ids(lost[begin : begin + _CHUNK], limit=200_000) if fact.kind == "event")


def _made(
    tally: Tally, since_ms: int, until_ms: int, subject: str, brakes: tuple[Brake, ...], channels: Mapping[str, str]
) -> Incident:
    tally.settle()
    cases = sorted(
        (case for case in tally.cases.values() if case.touches(since_ms, until_ms)), key=lambda case: (case.knew_ms, case.message)
    )
    if not cases:
        raise NotFound("in that range the history has no message" + (" about that subject" if subject else ""))
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.notification or "?", channel_of(case.sender, channels)), []).append(case)
    late = [case for case in cases if case.late_ms is not None]
    reasons = Counter((case.over, case.reason) for case in cases if case.over)
    return Incident(
        since_ms=since_ms,
        until_ms=until_ms,
        subject=subject,
        people=_people(cases),
        total=_row("", "", cases),
        rows=tuple(_row(*group, groups[group]) for group in sorted(groups)),
        reasons=tuple((kind, reason, count) for (kind, reason), count in reasons.most_common()),
        brakes=brakes,
        buckets=_buckets(cases, since_ms, until_ms),
        worst=tuple(sorted(late, key=lambda case: -(case.late_ms or 0))[:WORST]),
        cases=tuple(cases),
        gaps=sum(since_ms <= at < until_ms + DAY_MS for at in tally.gaps),
        channels=channels,
    )


def _people(cases: Sequence[Case]) -> dict[str, int]:
    def count(which: Callable[[Case], bool]) -> int:
        return len({case.contact for case in cases if case.contact and which(case)})

    return {
        "concerned": count(lambda case: True),
        "told": count(lambda case: case.outcome == "told"),
        "waiting": count(lambda case: case.outcome == "waiting"),
        "unreached": count(lambda case: case.unreached),
        "doubled": count(lambda case: case.doubled),
    }


def _row(notification: str, channel: str, cases: Sequence[Case]) -> Row:
    ended = Counter(case.outcome for case in cases)
    return Row(
        notification=notification,
        channel=channel,
        planned=len(cases),
        told=ended["told"],
        delivered=sum(case.delivered_ms > 0 for case in cases),
        waiting=ended["waiting"],
        held=sum(case.held for case in cases),
        stopped=sum(case.stopped for case in cases),
        suppressed=ended["suppressed"],
        outdated=ended["replaced"] + ended["ended"],
        expired=ended["expired"],
        dead=ended["dead"] + ended["failed"],
        unreached=sum(case.unreached for case in cases),
        uncertain=sum(case.uncertain for case in cases),
        doubled=sum(case.doubled for case in cases),
        late=_late(sorted(case.late_ms for case in cases if case.late_ms is not None)),
    )


def _late(times: Sequence[int]) -> Late | None:
    if not times:
        return None
    half, nine, most = (times[max(math.ceil(len(times) * share) - 1, 0)] for share in (0.5, 0.9, 0.99))
    return Late(half, nine, most, times[-1])


def _buckets(cases: Sequence[Case], since_ms: int, until_ms: int) -> tuple[Bucket, ...]:
    least = (until_ms - since_ms) / BUCKETS
    width = next((one * 1000 for one in _WIDTHS_S if one * 1000 >= least), math.ceil(least / DAY_MS) * DAY_MS)

    def counted(times: Iterable[int]) -> Counter[int]:
        return Counter((at - since_ms) // width for at in times if since_ms <= at < until_ms)

    known, told = counted(case.knew_ms for case in cases), counted(case.accepted_ms for case in cases)
    lost = counted(case.over_ms for case in cases if case.over and case.over not in ("replaced", "ended"))
    many = math.ceil((until_ms - since_ms) / width)
    return tuple(Bucket(since_ms + one * width, known[one], told[one], lost[one]) for one in range(many))


def _brakes(facts: Sequence[Fact], since_ms: int) -> tuple[Brake, ...]:
    """What was in force at the beginning, then what was pulled and lifted."""
    before: dict[str, Brake] = {}
    inside: list[Brake] = []
    for fact in facts:
        scope = fact.detail.get("scope", "?")
        brake = Brake(fact.at_ms, fact.kind, scope, fact.detail.get("who", ""), fact.detail.get("why", ""), fact.at_ms < since_ms)
        until = number(fact.detail.get("until", ""))
        if not brake.before:
            inside.append(brake)
        elif fact.kind == "stopped" and not 0 < until <= since_ms:
            before[scope] = brake
        else:
            before.pop(scope, None)
    return (*before.values(), *inside)
