"""How much is measured: the whole, a quick look, and the smallest that still passes every step (for the tests)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """groups x group_size contacts, each subscribed to the `flights` flights of its group: so many messages are queued once.

    rounds x sends messages of them are dispatched and timed, after a round of `warm`; each round may leave up to 200 more in
    flight, so the queue must hold (sends + 200) x rounds + warm + 200
    """

    groups: int
    group_size: int
    flights: int
    rounds: int
    sends: int
    warm: int
    webhook_rounds: int
    webhooks: int
    events: int
    loose_events: int

    @property
    def contacts(self) -> int:
        return self.groups * self.group_size

    @property
    def messages(self) -> int:
        return self.contacts * self.flights


WHOLE = Sizes(40, 167, 3, 5, 3500, 500, 5, 4000, 300, 20)
QUICK = Sizes(10, 167, 3, 3, 1000, 300, 3, 1500, 100, 10)
TINY = Sizes(2, 25, 3, 1, 20, 10, 1, 50, 3, 1)
