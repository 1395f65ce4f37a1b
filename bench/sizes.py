"""How much is measured: the whole, a quick look, and the smallest that still passes every step (for the tests)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """groups x group_size contacts, each subscribed to the `flights` flights of its group: so many messages are queued once.

    rounds x sends messages of them are dispatched and timed, after a round of `warm`; each round may leave up to 200 more in
    flight, so the queue must hold (sends + 200) x rounds + warm + 200
    fan_few, fan_many: subscribers of the flights whose planning is compared, in fan_rounds turns
    peer_sends: sends of one round beside what else one would pick
    documents: boarding passes drawn in one of document_rounds
    agents: who are given `conversations` that come within over_s seconds
    notices: urgent notices of other flights, once alone and once while fan_many are told at 80 a second
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
    fan_few: int = 0
    fan_many: int = 0
    fan_rounds: int = 0
    notices: int = 0
    peer_sends: int = 0
    documents: int = 0
    document_rounds: int = 0
    agents: int = 200
    conversations: int = 2000
    over_s: float = 10.0

    @property
    def contacts(self) -> int:
        return self.groups * self.group_size

    @property
    def messages(self) -> int:
        return self.contacts * self.flights


LONG = Sizes(40, 167, 3, 5, 3500, 500, 5, 4000, 300, 1000, 100_000, 1, 200, 1000, 200, 5)
WHOLE = Sizes(40, 167, 3, 5, 3500, 500, 5, 4000, 300, 1000, 10_000, 3, 100, 1000, 200, 5)
QUICK = Sizes(10, 167, 3, 3, 1000, 300, 3, 1500, 100, 1000, 5_000, 1, 40, 200, 60, 3)
TINY = Sizes(2, 25, 3, 1, 20, 10, 1, 50, 3, 30, 300, 1, 2, 0, 4, 1, 4, 20, 1.0)
