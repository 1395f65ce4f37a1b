"""How many people it takes: a birth-death model of agents who chat with two at a time, and of contacts who do not wait for ever.

The state is n, the number of conversations in the house, at an agent or waiting. One more comes at the rate of arrivals. One
fewer comes faster the more there are:

    n <= agents            every conversation has an agent to itself, as the router gives to who has fewest
    n <= slots             some agents have two, and do not do two in the time of one: two chats at once are 1.7 times one chat
    n >  slots             all have two; besides, everybody who waits may lose patience (exponential, mean `patience_s`)

In the long run the house is in state n for a share p(n) of the time, with p(n) x arrivals = p(n+1) x departures at n+1; whoever
arrives finds it in state n with just that probability. Finding k ahead of oneself one waits for k+1 to go, served or out of
patience, and may go oneself: the same chain walked down, with time. From it come the share answered within T, the share who gave
up and the mean wait of the answered.

What it leaves out: agents do not trade chats, so one may have two while another has none for a moment (the model has none of that
and is a little too good); the three seconds between two gives; arrivals in bursts. docs/staffing.md has a worked example, and a
test holds the router's own decision to it over a simulated week.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

TWO_AT_ONCE = 1.7
"""What an agent gets done with two chats, beside one (reference practice: reading one while the other writes)."""
PATIENCE_S = 600.0
_NEGLIGIBLE = 1e-12
_MOST = 20_000
"""States at most; a house that needs more is no house for this model."""


@dataclass(frozen=True, slots=True)
class House:
    """per_hour:  conversations that begin
    alone_s:   how long a conversation takes its agent who has no other, wrap-up included, on average
    slots:     conversations an agent has at once, 1 or 2
    """

    per_hour: float
    agents: int
    alone_s: float
    slots: int = 2
    two_at_once: float = TWO_AT_ONCE
    patience_s: float = PATIENCE_S

    def served_per_s(self, present: int) -> float:
        """How fast conversations end while so many are in the house, those who give up not counted."""
        working = min(present, self.agents * self.slots)
        twos = max(working - self.agents, 0)
        return ((working - 2 * twos) + twos * self.two_at_once) / self.alone_s

    @property
    def full_per_s(self) -> float:
        return self.served_per_s(self.agents * self.slots)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What to expect. service_level: answered within T / (answered + gave up after T), as webcare measures it

    gave_up: share of all who came; speed_of_answer_s: mean wait of who was answered; occupancy: share of an agent's time with at
    least one conversation; per_agent: conversations at once, while busy; load: arrivals / what all agents together can do
    """

    service_level: float
    gave_up: float
    speed_of_answer_s: float
    waiting: float
    occupancy: float
    per_agent: float
    load: float


def outlook(house: House, within_s: float) -> Outlook:
    """The long run of a house. within_s: T of the service level, less what somebody takes to open and to type.

    raises: ValueError for a house without agents, arrivals or patience, or with other slots than 1 and 2
    """
    if house.agents < 1 or house.per_hour <= 0 or house.alone_s <= 0 or house.patience_s <= 0 or house.slots not in (1, 2):
        raise ValueError("a house has agents with one or two slots, arrivals, and contacts with some patience")
    shares = list(_shares(house))
    room = house.agents * house.slots
    behind = shares[room:]  # behind[k]: who comes finds k waiting and no slot free
    at_once = sum(shares[:room])
    walk = Walk(house, len(behind))
    soon, lost_soon = walk.within(within_s)
    served = at_once + _mix(behind, walk.served)
    answered_soon = at_once + _mix(behind, soon)
    lost_late = (1 - served) - _mix(behind, lost_soon)
    busy = sum(share * min(present, house.agents) for present, share in enumerate(shares))
    live = sum(share * min(present, room) for present, share in enumerate(shares))
    return Outlook(
        service_level=answered_soon / (served + max(lost_late, 0.0)),
        gave_up=1 - served,
        speed_of_answer_s=_mix(behind, walk.waited_s) / served,
        waiting=sum(share * waiting for waiting, share in enumerate(behind)),
        occupancy=busy / house.agents,
        per_agent=live / busy if busy else 0.0,
        load=house.per_hour / 3600 / house.full_per_s,
    )


def agents_for(per_hour: float, alone_s: float, *, goal: float, within_s: float, slots: int = 2) -> int:
    """The fewest agents with whom the service level reaches its goal, 0 < goal < 1."""
    few, many = 0, 1
    while outlook(House(per_hour, many, alone_s, slots), within_s).service_level < goal:
        few, many = many, many * 2
    while many - few > 1:
        middle = (few + many) // 2
        reached = outlook(House(per_hour, middle, alone_s, slots), within_s).service_level >= goal
        few, many = (few, middle) if reached else (middle, many)
    return many


def _shares(house: House) -> Iterator[float]:
    """p(0), p(1), ...: the share of time with so many in the house, until what is left out is negligible."""
    come, leave = house.per_hour / 3600, 1 / house.patience_s
    room = house.agents * house.slots
    weights, logarithm, highest = [0.0], 0.0, 0.0
    while len(weights) < _MOST:
        present = len(weights)
        out = house.served_per_s(present) + max(present - room, 0) * leave
        logarithm += math.log(come) - math.log(out)
        weights.append(logarithm)
        highest = max(highest, logarithm)
        if present > room and come < out and logarithm - highest < math.log(_NEGLIGIBLE):
            break
    every = math.fsum(math.exp(one - highest) for one in weights)
    return (math.exp(one - highest) / every for one in weights)


def _mix(behind: list[float], values: list[float]) -> float:
    return math.fsum(share * value for share, value in zip(behind, values, strict=True))


class Walk:
    """From k ahead of oneself to one's turn: each step takes away one who is served or gives up, or oneself who gives up."""

    def __init__(self, house: House, longest: int) -> None:
        self._leave = 1 / house.patience_s
        self._steps = [house.full_per_s + ahead * self._leave for ahead in range(longest)]
        self.served: list[float] = []
        """k -> probability of being served at all"""
        self.waited_s: list[float] = []
        """k -> mean of the wait, counted as 0 for who gives up"""
        sure, waited = 1.0, 0.0
        for step in self._steps:
            stays = step / (step + self._leave)
            waited = stays * (waited + sure / (step + self._leave))
            sure *= stays
            self.served.append(sure)
            self.waited_s.append(waited)

    def within(self, seconds: float) -> tuple[list[float], list[float]]:
        """k -> probability of being served, and of having given up, within so many seconds (uniformisation)."""
        if not self._steps:
            return [], []
        pace = max(self._steps) + self._leave
        down = [step / pace for step in self._steps]
        lost = self._leave / pace
        served, gone = [0.0] * len(down), [0.0] * len(down)
        sums = ([0.0] * len(down), [0.0] * len(down))
        mean, done, jump = pace * max(seconds, 0.0), 0.0, 0
        while done < 1 - 1e-10 and jump < mean + 20 * math.sqrt(mean) + 50:
            weight = math.exp(jump * math.log(mean) - mean - math.lgamma(jump + 1)) if mean > 0 else float(jump == 0)
            done += weight
            for place in range(len(down)):
                sums[0][place] += weight * served[place]
                sums[1][place] += weight * gone[place]
            served = [
                down[k] * (served[k - 1] if k else 1.0) + (1 - down[k] - lost) * served[k] for k in range(len(down))
            ]
            gone = [
                down[k] * (gone[k - 1] if k else 0.0) + (1 - down[k] - lost) * gone[k] + lost for k in range(len(down))
            ]
            jump += 1
        return sums
