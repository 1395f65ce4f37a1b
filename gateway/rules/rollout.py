"""Phased roll-out: who of those whom a message is for is told already, while the rest is not. Pure.

A roll-out says what it is about (notifications, brands, senders, a route; whatever it leaves out is all of them) and how large
its share is. A keyed hash of the person's booking gives each booking a place from 0 to 9999, the same in every process and for
ever; the first `share` places are told. So raising the share only adds people, and who is in stays in. The booking is hashed
where there is one, and the contact otherwise: a family that is told half is worse than one that is not told. The last
`hold_out` places are never told while the roll-out lasts, whatever the share: they show what the messages change.

It is asked once, when a message is planned, after everything else has let the message pass: the reasons `not_in_rollout` and
`held_out` therefore count exactly those who would have been told. A message that was planned stays planned when the share falls,
and one that was left out is not made up for when the share rises; the next event finds the new share. A story goes on: who was
told is told what comes in its place, in the share or not, for they would keep what no longer holds (lua/outbox_put.lua).

What somebody must not miss is never part of one (`notifications/rolling.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.rules.verdict import Reason

PLACES = 10_000
"""Shares are counted in these: a hundredth of a percent each."""


class State(StrEnum):
    """RUNNING: the governor may raise it. HELD: a person froze the share. STOPPED: the governor did, and a person resumes."""

    RUNNING = "running"
    HELD = "held"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Match:
    """What a roll-out is about; what is empty matches all. origin, destination: as the event names the places (AMS)."""

    notifications: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    origin: str = ""
    destination: str = ""
    carrier: str = ""
    line: str = ""
    """OPERATOR/LINE of a trip"""


@dataclass(frozen=True, slots=True)
class Stage:
    """share: of PLACES. The next stage comes at the earliest after `least_ms` and so many people told."""

    share: int
    least_ms: int
    least_people: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """When the governor stops. failed, opted_out: of PLACES of the people told; `least` = people told before either counts."""

    failed: int = 500
    opted_out: int = 200
    least: int = 20


@dataclass(frozen=True, slots=True)
class Rollout:
    """seed: makes its hash another one's than other roll-outs'. stage: place in `stages` that it stands at, -1 = in none.

    since_ms: when its share last changed, or it was resumed; revision: counts its changes
    """

    name: str
    seed: str
    match: Match
    share: int
    hold_out: int = 0
    state: State = State.RUNNING
    stages: tuple[Stage, ...] = ()
    stage: int = -1
    limits: Limits = field(default_factory=Limits)
    began_ms: int = 0
    since_ms: int = 0
    revision: int = 0
    who: str = ""
    why: str = ""

    @property
    def next_stage(self) -> Stage | None:
        """The first behind its own that is larger than its share; None below the first, where only a person raises it."""
        if self.stage < 0:
            return None
        return next((one for one in self.stages[self.stage + 1 :] if one.share > self.share), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the roll-outs say of one message. reason None = told, and names are all of them; else the one that leaves it out."""

    names: tuple[str, ...]
    reason: Reason | None


def place_of(hash_text: str) -> int:
    """The place from 0 to PLACES - 1 of a keyed hash."""
    return int.from_bytes(hashlib.sha256(hash_text.encode()).digest()[:8], "big") % PLACES


def matching(
    rollouts: Iterable[Rollout], *, notification: str, brand: str, sender: str, state: Mapping[str, Any]
) -> list[Rollout]:
    """Those that a message is part of. state: its subject's, for the route."""
    return [
        one
        for one in rollouts
        if _named(one.match.notifications, notification)
        and _named(one.match.brands, brand)
        and _named(one.match.senders, sender)
        and _on_route(one.match, state)
    ]


def decide(matched: Sequence[Rollout], place: Callable[[str], int]) -> Standing | None:
    """None: no roll-out is about it. Of several all must let it pass; the first in the order of names that does not is named.

    place: seed -> the place of this booking or contact
    """
    ordered = sorted(matched, key=lambda one: one.name)
    for one in ordered:
        at = place(one.seed)
        if at >= PLACES - one.hold_out:
            return Standing((one.name,), Reason.HELD_OUT)
        if at >= one.share:
            return Standing((one.name,), Reason.NOT_IN_ROLLOUT)
    # Each of them counts it: one that only saw whom it leaves out would never rise, nor see what failed.
    return Standing(tuple(one.name for one in ordered), None) if ordered else None


def percent(share: int) -> str:
    """A share in words: 10 %, 0.5 %."""
    return f"{share / 100:g} %"


def _named(wanted: Sequence[str], found: str) -> bool:
    return not wanted or found in wanted


def _on_route(match: Match, state: Mapping[str, Any]) -> bool:
    line = f"{state.get('operator')}/{state.get('line')}"
    found = (
        (match.origin, _place_name(state.get("from"))),
        (match.destination, _place_name(state.get("to"))),
        (match.carrier, str(state.get("carrier") or "")),
        (match.line, line),
    )
    return all(not wanted or wanted.casefold() == there.casefold() for wanted, there in found)


def _place_name(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("code") or value.get("id") or value.get("name") or "")
    return str(value or "")
