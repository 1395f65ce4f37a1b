"""A small stage for the tests of facts: a message driven through the real scripts, and a fold on a real database."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.insight.fold import Fold, Hooks
from gateway.insight.history import History, open_history
from gateway.metrics import Metrics
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import AddressId, ContactId, EventId, MessageId, SenderId, message_id, random_id
from gateway.model.message import DeliveryStatus, MessageState, Priority
from gateway.store import keys
from gateway.store.client import open_other
from gateway.store.events import Events
from gateway.store.facts import Facts
from gateway.store.outbox import ClaimWant, Outbox, Pair, Plan, PlannedContact, PlannedMessage, Settlement
from gateway.store.outgoing import Outgoing
from gateway.store.reply import words
from gateway.store.vault import KeyRing, Vault

SENDER = SenderId("wa-main")
FLIGHT = "ZZ1007/2026-11-22/AMS"


@dataclass
class Stage:
    """One contact in partition 7, one event about one flight. settle_ms 0: facts are folded at once."""

    redis: Redis
    history: History
    url: str
    clock: Clock
    vault: Vault
    contact: ContactId
    event: BusinessEvent

    @classmethod
    async def make(cls, redis: Redis, directory: Path) -> Stage:
        url = f"sqlite:///{directory / 'history.db'}"
        vault, clock = Vault(KeyRing(KeyRing.generate()), redis), Clock()
        event = BusinessEvent(
            id=vault.event_id("ops", "1"),
            source="ops",
            external_id="1",
            type=EventType.FLIGHT_STATUS,
            subject=FLIGHT,
            subject_id=vault.subject_id("flight", FLIGHT),
            item="",
            version=1,
            occurred_at_ms=clock.now_ms(),
            received_at_ms=clock.now_ms(),
            data={},
        )
        return cls(redis, await open_history(url), url, clock, vault, ContactId(random_id("c", 7)), event)

    @property
    def facts(self) -> Facts:
        return Facts(self.redis, settle_ms=0)

    def fold(self, hooks: Hooks | None = None, metrics: Metrics | None = None, **options: object) -> Fold:
        return Fold(
            facts=self.facts, history=self.history, metrics=metrics or Metrics(), clock=self.clock, hooks=hooks, **options  # type: ignore[arg-type]
        )

    async def keep_event(self) -> EventId:
        await Events(self.redis, self.clock, self.vault).append_once([self.event])
        return self.event.id

    def _outbox(self) -> Outbox:
        return Outbox(self.redis, self.clock, {SENDER: Pair(0, 1)})

    async def plan(self, notification: str = "flight_delayed", *, reason: str = "", leg: int = 0, item: str = "") -> MessageId:
        """Enqueue a message, or with a reason plan it as suppressed."""
        identifier = message_id(self.event.id, notification, item, self.contact, leg)
        now = self.clock.now_ms()
        message = PlannedMessage(
            id=identifier,
            contact=self.contact,
            sender=SENDER,
            address=AddressId("a" + self.contact[1:]),
            priority=Priority.NORMAL,
            due_ms=now - 1000,
            deadline_ms=now + 3600_000,
            told="",
            state=MessageState.SUPPRESSED if reason else MessageState.QUEUED,
            reason=reason,
            notification=notification,
            body=b"sealed",
            revive=True,
        )
        contact = PlannedContact(self.contact, 0, messages=(message,))
        plan = Plan(keys.partition_of(self.contact), self.event.id, 1, self.event.subject_id, (contact,))
        result = await self._outbox().put(plan)
        assert result.written
        return identifier

    async def settle(
        self, outcome: str = "a", *, reason: str = "", state: MessageState = MessageState.DEAD, detail: str = ""
    ) -> None:
        """Claim the head of the lane and say what became of it."""
        outbox = self._outbox()
        want = ClaimWant(random_id("c", 0), keys.partition_of(self.contact), SENDER, Priority.NORMAL, 1)
        (claimed,) = await outbox.claim([want], worker="w1", lease_ms=10_000, evidence_ms=1000, clock_ok=True)
        done = Settlement(claimed, outcome, 1, reason=reason, state=state, detail=detail)
        assert await outbox.settle([done]) == ["settled"]

    async def status(self, message: MessageId, status: DeliveryStatus, *, failed: bool = False, code: int = 0) -> None:
        outbox = self._outbox()
        found = await outbox.record(message)
        assert found is not None
        await outbox.evidence(
            found[0], attempt=1, status=status, failed=failed, at_ms=self.clock.now_ms(), code=code, channel_hash="", stub=b""
        )

    async def kinds(self, identifier: str) -> list[str]:
        """The kinds of the rows about an id, in their order."""
        return [fact.kind for fact in await self.history.of_ids([identifier])]


async def add_fact(
    redis: Redis, partition: int, kind: str, ids: str, detail: str = "", *, at_ms: int = 1, stream_id: str = "*"
) -> str:
    """A fact as a script would write it."""
    raw = f"1|{at_ms}|{kind}|{ids}|{detail}"
    return words(await redis.xadd(keys.part(partition, "facts"), {"f": raw}, id=stream_id))


TARGET = "0a1b2c3d"
CRASHES: dict[str, tuple[type, str, str]] = {
    "before the push": (Outgoing, "push", "before"),
    "after the push": (Outgoing, "push", "after"),
    "in the transaction": (History, "_set_positions", "after"),
    "after the commit": (History, "commit", "after"),
    "before the trim": (Facts, "trim", "before"),
}
"""Where the child kills itself -> what is wrapped."""


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _wrap(owner: type, name: str, when: str) -> None:
    inner: Callable[..., Any] = getattr(owner, name)

    def plain(*args: Any, **options: Any) -> None:
        inner(*args, **options)
        _die()

    async def waiting(*args: Any, **options: Any) -> None:
        if when == "before":
            _die()
        answer: Awaitable[Any] = inner(*args, **options)
        await answer
        _die()

    setattr(owner, name, waiting if asyncio.iscoroutinefunction(inner) else staticmethod(plain))


async def fold_and_die(store_url: str, history_url: str, point: str) -> None:
    """One turn of a fold in a process of its own, killed at a point of CRASHES."""
    _wrap(*CRASHES[point])
    redis, history = open_other(store_url, connections=16), await open_history(history_url)
    hooks = Hooks(Outgoing(redis), [TARGET])
    fold = Fold(facts=Facts(redis, settle_ms=0), history=history, metrics=Metrics(), clock=Clock(), hooks=hooks)
    await fold.hold(range(64))
    await fold.turn()
    await fold.trim()


if __name__ == "__main__":
    asyncio.run(fold_and_die(*sys.argv[1:4]))
