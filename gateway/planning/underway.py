"""How far an event has come: how many of its people have been looked at, how fast, and how long the rest will take."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.clock import Clock
from gateway.model.ids import EventId, SubjectId
from gateway.store.events import Events
from gateway.store.fanout import FanOuts
from gateway.store.subjects import Subjects


@dataclass(frozen=True, slots=True)
class Underway:
    """state: waiting (not taken up, or held by the fuse), telling, told (closed soon). seconds: since it came.

    people counts whoever follows several subjects of an area once for each
    """

    state: str
    people: int
    done: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.done / max(self.seconds, 0.001)

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None while nobody was told."""
        return (self.people - self.done) / self.per_second if self.done else None

    @property
    def sentence(self) -> str:
        if self.state == "waiting":
            return "waits: nobody has been looked at yet"
        if self.state == "told":
            return f"all {self.people:,} people have been looked at"
        left = self.seconds_left
        rest = f", about {left:,.0f} s to go" if left is not None else ""
        return f"{self.done:,} of {self.people:,} people looked at so far, {self.per_second:,.1f} a second{rest}"


async def underway(events: Events, subjects: Subjects, fans: FanOuts, clock: Clock, event: EventId) -> Underway | None:
    """None: unknown, closed or set aside. Raises StoreUnavailable."""
    place = await events.place_of(event)
    kept = await events.read(event, place) if place is not None else None
    if kept is None:
        return None
    seconds = (clock.now_ms() - kept.received_at_ms) / 1000
    known = await subjects.result_of(kept.subject_id, event)
    if known is None:
        return Underway("waiting", 0, 0, seconds)
    audience = [SubjectId(one) for one in known[1]["audience"]] if known[1]["notifications"] else []
    partitions = sorted({number for subject in audience for number in await subjects.partitions(subject)})
    found = await fans.progress(event, audience, partitions)
    if found.open == len(partitions) and not found.done and found.people:
        return Underway("waiting", found.people, 0, seconds)
    return Underway("telling" if found.open else "told", found.people, found.done, seconds)
