"""Who is there and what happens to them, from the seed alone: people, subjects, and every event with the moment of its sending.

An event carries `marks`: words that its message must show and no other version's does (a gate, a reason, a carrier). They are
how the count at the handsets knows what a bubble says without asking the gateway. `sure` names the notifications that everybody
who follows the subject must be told if this version is its newest.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torture import events
from torture.sizes import Sizes

NUMBERS = 1_000
"""As many telephone numbers are kept for fiction."""
TWICE, HELD_BACK = 0.12, 0.2
CANCELS, DELAYS = 0.07, 0.35


@dataclass(frozen=True, slots=True)
class Person:
    """address: the handset's number; to: how an order names the person's address (a PSID is known only to the world)."""

    customer: str
    channel: str
    address: str
    order: str

    def to(self, psids: Mapping[str, str]) -> str:
        return f"psid:{psids[self.address]}" if self.channel == "messenger" else f"+{self.address}"


@dataclass(frozen=True, slots=True)
class Event:
    """at_s: when it is sent, from the start of the fire (0 = before it); again_s: when it is sent a second time (0 = it is not).

    person: whom an order is about, "" for a flight; follows: the flight that is booked with it
    """

    subject: str
    version: int
    body: dict[str, Any]
    at_s: float = 0.0
    again_s: float = 0.0
    person: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)
    sure: tuple[str, ...] = ()
    follows: str = ""

    @property
    def name(self) -> str:
        return f"{self.subject}@{self.version}"


@dataclass(frozen=True, slots=True)
class Cast:
    """first: bookings sent before it burns, by which people follow flights. rest: everything else, by the time of sending.

    talkers: handsets whose people write to us and are answered; stoppers: others, who want no more of it
    """

    people: tuple[Person, ...]
    first: tuple[Event, ...]
    rest: tuple[Event, ...]
    talkers: tuple[Person, ...]
    stoppers: tuple[Person, ...]

    @property
    def all(self) -> tuple[Event, ...]:
        return self.first + self.rest


def people(sizes: Sizes) -> tuple[Person, ...]:
    """Telephone numbers first, then the same handsets once more by Messenger; in a short run every third by Messenger."""
    found = []
    for place in range(sizes.people):
        by_messenger = place >= NUMBERS if sizes.people > NUMBERS else place % 3 == 2
        number = f"447700900{place % NUMBERS:03d}"
        found.append(Person(f"T-{place:05d}", "messenger" if by_messenger else "whatsapp", number, f"TB{place:05d}"))
    return tuple(found)


def cast(sizes: Sizes, seed: int, psids: Mapping[str, str]) -> Cast:
    """psids: a handset's number -> its PSID on our Page."""
    rng = random.Random(seed)
    zone, day = events.by_day(), events.travel_day()
    everybody = people(sizes)
    known = {one.customer: events.recipient(one.customer, one.channel, one.to(psids), zone) for one in everybody}
    flights = [f"{1000 + place}" for place in range(1 + sizes.flights)]

    def booked(one: Person, flight: str, at_s: float) -> Event:
        body = events.booking(one.order, flight, day, known[one.customer])
        marks = {"order_confirmed": one.order}
        follows = events.entity(flight, day)
        return Event(one.order, 1, body, at_s, person=one.customer, marks=marks, sure=("order_confirmed",), follows=follows)

    old, new = everybody[: len(everybody) - sizes.newcomers], everybody[len(everybody) - sizes.newcomers :]
    first = [
        booked(one, flights[0] if place < sizes.crowd else flights[1 + (place - sizes.crowd) % sizes.flights], 0.0)
        for place, one in enumerate(old)
    ]
    rest = [booked(one, rng.choice(flights), rng.uniform(0.1, 0.9) * sizes.seconds) for one in new]
    for place, number in enumerate(flights):
        rest += _flight(rng, number, sizes.seconds, sizes.crowd_step_s if place == 0 else sizes.step_s)
    on_phones = [one for one in old if one.channel == "whatsapp"]
    for place in range(sizes.goods):
        one = rng.choice(old)
        rest += _goods(rng, f"TG{place:05d}", one.customer, known[one.customer], sizes.seconds)
    for place in range(sizes.documents):
        one = rng.choice(on_phones)  # no template of the other channel carries a file
        title = f"Evening {place:05d}"
        body = events.document(f"TD{place:05d}", one.order, title, [known[one.customer]])
        at_s = rng.uniform(0.02, 0.95) * sizes.seconds
        marks = {"ticket_issued": title}
        rest.append(Event(f"TD{place:05d}", 1, body, at_s, person=one.customer, marks=marks, sure=("ticket_issued",)))
    rest = [_disturbed(rng, one, sizes.seconds) for one in rest]
    rest.sort(key=lambda one: one.at_s)
    talkers = tuple(rng.sample(old, min(sizes.replies, len(old) // 2)))
    others = [one for one in old if one not in talkers]
    return Cast(everybody, tuple(first), tuple(rest), talkers, tuple(rng.sample(others, min(sizes.stoppers, len(others)))))


def _disturbed(rng: random.Random, one: Event, seconds: float) -> Event:
    """Some are sent twice, some come so late that their successors are there first."""
    at_s = one.at_s
    if rng.random() < HELD_BACK:
        at_s = min(at_s + rng.uniform(1.0, 8.0), seconds)
    again_s = at_s + rng.uniform(0.2, 5.0) if rng.random() < TWICE else 0.0
    return replace(one, at_s=at_s, again_s=again_s)


def _flight(rng: random.Random, number: str, seconds: float, step_s: float) -> list[Event]:
    """Gates change, delays grow, sometimes it is cancelled and goes after all; the last word is a gate."""
    day = events.travel_day()
    subject = events.entity(number, day)
    found: list[Event] = []
    status, gate, late, at_s, version = "scheduled", "A000", 0, rng.uniform(0.2, 1.0), 0
    while True:
        version += 1
        last = at_s >= seconds * 0.97
        reason = f"note {number}-{version:03d}"
        what = rng.random()
        if status == "cancelled":
            status, gate = ("delayed" if late else "scheduled"), f"{rng.choice('BCDEF')}{version:03d}"
        elif last or version < 3 or what > CANCELS + DELAYS:
            gate = f"{rng.choice('BCDEF')}{version:03d}"
        elif what < CANCELS:
            status = "cancelled"
        else:
            status, late = "delayed", late + rng.choice((20, 25, 40))
        body = events.flight(number, day, version, status=status, gate=gate, reason=reason, late=late)
        marks = {"gate_changed": gate, "flight_delayed": reason, "flight_cancelled": reason}
        sure = ("gate_changed",) if gate.endswith(f"{version:03d}") and status != "cancelled" else ()
        found.append(Event(subject, version, body, at_s, marks=marks, sure=sure))
        if last:
            return found
        at_s = min(at_s + rng.uniform(0.4, 1.6) * step_s, seconds * 0.97)


def _goods(rng: random.Random, order: str, customer: str, person: Mapping[str, Any], seconds: float) -> list[Event]:
    steps = ["confirmed", "shipped", "out_for_delivery", "delivered"]
    if rng.random() < 0.2:
        steps[3:3] = ["delivery_failed"]
    moments = sorted(rng.uniform(0.01, 0.95) * seconds for _ in steps)
    found = []
    for version, (status, at_s) in enumerate(zip(steps, moments, strict=True), 1):
        carrier = f"Example Post {version:03d}"
        body = events.goods(order, version, status, carrier, person)
        notification = f"order_{status}"
        words = order if status in ("confirmed", "delivered") else carrier
        sure = (notification,) if version == len(steps) else ()
        found.append(Event(order, version, body, at_s, person=customer, marks={notification: words}, sure=sure))
    return found
