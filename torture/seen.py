"""What the count works on, and what comes out of it: plain values of the three witnesses, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torture.handsets import Bubble

TELLS = {
    "gate": "gate_changed",
    "delay": "flight_delayed",
    "cancelled": "flight_cancelled",
    "reinstated": "flight_reinstated",
    "on_time_again": "flight_on_time_again",
    "rescheduled": "flight_rescheduled",
    "confirmed": "order_confirmed",
    "shipped": "order_shipped",
    "out_for_delivery": "order_out_for_delivery",
    "delivery_failed": "order_delivery_failed",
    "delivered": "order_delivered",
    "document_ready": "ticket_issued",
}
"""A change of the events that are sent here -> the notification that tells it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event as the producers know it. event, subject: the ids it was answered with ("" = never answered).

    follows: the name of the flight that its person has booked with it
    """

    name: str
    subject_name: str
    version: int
    event: str
    subject: str
    answered_ms: int
    person: str
    marks: Mapping[str, str]
    sure: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    follows: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One fact. message "" where it is about none."""

    at_ms: int
    kind: str
    message: str
    contact: str
    event: str
    subject: str
    detail: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """An agent's answer. words: only it has them; message "" where the desk named none.

    refused: the desk said no to it, in the end: it may be on no handset. unsure: the run was over before it said anything
    """

    words: str
    message: str
    refused: str = ""
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Kill:
    at_ms: int
    name: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A process that stood still and went on: what it had claimed before, others may have taken over."""

    name: str
    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Silence:
    """Somebody said STOP. home: their handset; answered_ms: when the webhook that brought it was answered 200, 0 = never."""

    home: str
    said_ms: int
    answered_ms: int


@dataclass(frozen=True, slots=True)
class Brake:
    """An operator's stop of everything. from_ms: it stands in the store; until_ms: nobody had begun to lift it before."""

    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that is counted. homes: contact -> the handset of its person; ends: a notification -> those it ends;

    evidence_ms: how long the gateways promise to wait for evidence; odd: answers, beside those to events, that no retry may get;
    rested: whether nothing was left to do in the time that a house may take for it
    answers: (message, attempt) -> the HTTP status of each answer that the world gave to it, 0 = none left it
    drops: notifications that are never sent again when it is not known whether they left
    tried: what the fire was to do -> how often it did; parked: what was set aside of webhooks that were answered 200
    """

    told: Sequence[Told]
    steps: Sequence[Step]
    bubbles: Sequence[Bubble]
    evidence: Mapping[tuple[str, int], int]
    homes: Mapping[str, str]
    ends: Mapping[str, frozenset[str]]
    waiting: int = 0
    replies: Sequence[Reply] = ()
    evidence_ms: int = 0
    odd: Sequence[str] = ()
    rested: bool = True
    answers: Mapping[tuple[str, int], Sequence[int]] = field(default_factory=dict)
    drops: frozenset[str] = frozenset()
    kills: Sequence[Kill] = ()
    pauses: Sequence[Pause] = ()
    silences: Sequence[Silence] = ()
    brakes: Sequence[Brake] = ()
    tried: Mapping[str, int] = field(default_factory=dict)
    parked: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Double:
    """A message that lies on a handset more than once. allowed: nothing had shown in time that the first was there, or a process
    that had stood still sent what it had begun before."""

    message: str
    attempt: int
    reason: str
    allowed: bool


@dataclass
class Verdict:
    """Each list holds one line a fault. ends: how the messages that reached nobody ended; counts: what was counted.

    told_after_ms: from the 202 to each message's first copy on a handset, shortest first
    stopped_after_ms: from the 200 to the webhook with a STOP to the withdrawn consent, shortest first
    thawed: what would be a fault, had a process that stood still not sent what it had begun before
    welcomed: what was out of order for somebody who had just begun to follow, and still held
    """

    lost: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    doubles: list[Double] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unstopped: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)
    thawed: list[str] = field(default_factory=list)
    welcomed: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    counts: dict[str, int] = field(default_factory=dict)
    told_after_ms: list[int] = field(default_factory=list)
    stopped_after_ms: list[int] = field(default_factory=list)

    @property
    def forbidden(self) -> list[Double]:
        return [one for one in self.doubles if not one.allowed]

    @property
    def ok(self) -> bool:
        faults = (self.lost, self.disorder, self.stale, self.forbidden, self.strange, self.refused, self.unstopped, self.untried)
        return not any(faults)
