"""How large a run is, and how patient the house is in it. A short run is impatient, so that it ends while somebody waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SHORT_S = 150
"""Up to so many seconds a run is a short one."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """crowd:     people who follow the first flight; the fan-out goes in turns where a partition has 25 of them
    flights:   others, each with `following` people
    goods:     orders that are sent, brought and delivered;  documents: tickets, one each for as many people
    newcomers: people who order a seat while it burns
    step_s:    between two events about one flight, on average;  crowd_step_s: the same for the first one
    stoppers:  people who say STOP;  brakes: how often an operator stops everything, for brake_s each
    frozen_s:  how long a gateway stands still: longer than its leases;  freeze_s: between two of these
    evidence_ms, lease_ms: of the gateways;  settle_s: how long it may take until nothing waits any more
    """

    seconds: float
    crowd: int
    flights: int
    following: int
    goods: int
    documents: int
    newcomers: int
    replies: int
    step_s: float
    crowd_step_s: float
    evidence_ms: int
    lease_ms: int
    settle_s: float
    stoppers: int
    brakes: int
    brake_s: float
    frozen_s: float
    freeze_s: float
    roles: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def people(self) -> int:
        return self.crowd + self.flights * self.following + self.newcomers


ALL = "intake,dispatch,webhooks,webcare,scheduler"
THREE = {"all": ALL, "front": "intake,dispatch,webcare", "back": "dispatch,webhooks"}
FIVE = {**THREE, "door": "intake,webhooks", "hand": "dispatch"}


def for_seconds(seconds: float) -> Sizes:
    """A run that burns for so long (settling comes after it)."""
    if seconds <= SHORT_S:
        scale = max(seconds / 30, 0.5)
        return Sizes(
            seconds=seconds,
            crowd=30,
            flights=4,
            following=5,
            goods=int(24 * scale),
            documents=int(8 * scale),
            newcomers=int(6 * scale),
            replies=int(4 * scale),
            step_s=4.0,
            crowd_step_s=8.0,
            evidence_ms=6_000,
            lease_ms=5_000,
            settle_s=150.0,
            stoppers=max(int(3 * scale), 2),
            brakes=int(seconds >= 12),
            brake_s=6.0,
            frozen_s=7.0,
            freeze_s=6.0,
            roles=THREE,
            settings={"GATEWAY_PAIR_INTERVAL_MS": "1000", "GATEWAY_SEND_TIMEOUT_S": "4", "GATEWAY_CONNECT_TIMEOUT_S": "2"},
        )
    return Sizes(
        seconds=seconds,
        crowd=1_700,
        flights=20,
        following=8,
        goods=int(seconds / 2),
        documents=int(seconds / 4),
        newcomers=min(int(seconds / 10), 120),  # in all no more than there are numbers on two channels
        replies=int(seconds / 15),
        step_s=12.0,
        crowd_step_s=75.0,
        evidence_ms=30_000,
        lease_ms=10_000,
        settle_s=600.0,
        stoppers=max(int(seconds / 10), 12),
        brakes=max(int(seconds / 120), 1),
        brake_s=10.0,
        frozen_s=14.0,
        freeze_s=8.0,
        roles=FIVE,
    )
