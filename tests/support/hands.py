"""What the board works the brakes with, on a test's store."""

from __future__ import annotations

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import SenderId
from gateway.store.alarms import Alarms
from gateway.store.audit import Audit
from gateway.store.brakes import BrakeBook
from gateway.store.events import Events
from gateway.store.fuses import Fuses
from gateway.store.incidents import Incidents
from gateway.store.rollouts import Rollouts
from gateway.store.signs import Signs
from gateway.store.subjects import Subjects
from gateway.store.vault import Vault
from gateway.webcare.board_hands import Hands

SENDER = SenderId("zz-wa")


def hands_of(redis: Redis, clock: Clock, vault: Vault) -> Hands:
    return Hands(
        book=BrakeBook(redis, clock), fuses=Fuses(redis, clock, vault), incidents=Incidents(redis, clock),
        subjects=Subjects(redis, clock, vault), events=Events(redis, clock, vault), rollouts=Rollouts(redis, clock),
        alarms=Alarms(redis), signs=Signs(redis), audit=Audit(redis, clock, vault), vault=vault, clock=clock, second=1_000,
        senders=(SENDER,),
    )  # fmt: skip
