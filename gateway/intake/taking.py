"""Taking events in: one way for every door. HTTP and sources read their own form; from there on the same checks, the same
rights of a key, the same answer to an event that comes again, and the same promise of the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.clock import Clock
from gateway.connector import Connector
from gateway.crashpoint import crash_point
from gateway.directory import Directory
from gateway.errors import Problem
from gateway.intake.checks import Checks
from gateway.intake.cloudevents import Refusal, parse
from gateway.model.event import BusinessEvent
from gateway.notifications.catalogue import Catalogue
from gateway.settings import Settings
from gateway.store.apikeys import ApiKey, ApiKeys
from gateway.store.events import Events
from gateway.store.kept import Kept
from gateway.store.vault import Vault
from gateway.wake import Wake

KEEP_S = 10.0
MEMORY_MAX = 0.8
"""Of the store's memory. What is over it is for promises that were given: settling, evidence, stops, webhooks."""

OTHER = Refusal(
    409, (Problem("id", "was used by this source before, for an event with another type, subject or data"),)
)

CODES = {
    400: ("malformed", "This cannot be read."),
    403: ("forbidden", "This key does not speak for this event."),
    409: ("other_content", "An event with this source and id was kept before, with other content."),
    413: ("too_large", "This is larger than is taken here."),
    415: ("media_type", "This is no CloudEvent in a form that is taken here."),
    422: ("bad_event", "Some fields are not as they should be."),
}
"""What a refusal is called, and in words, by its status."""


def _uncounted(answer: str, how_many: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Deps:
    """connectors: by channel. depth: messages waiting in the outbox. memory: the store's, used of what may be used
    count: told each answer (new, same, other, refused, busy) and of how many events
    """

    events: Events
    kept: Kept
    keys: ApiKeys
    vault: Vault
    clock: Clock
    connectors: Mapping[str, Connector]
    directory: Directory
    catalogue: Catalogue
    settings: Settings
    wake: Wake
    depth: Callable[[], int]
    memory: Callable[[], float] = lambda: 0.0
    count: Callable[[str, int], None] = _uncounted


class Taking:
    def __init__(self, deps: Deps) -> None:
        self._d = deps
        self._checks = Checks(deps.connectors, deps.directory, deps.catalogue.wordings, deps.settings.brand)

    def has_room(self) -> bool:
        """Whether what is taken in now would still be sent in time, and leaves the store room for what was promised before."""
        return not self.too_much()

    def too_much(self) -> str:
        """Why nothing is taken in for now: "backlog", "memory" or ""."""
        if self._d.memory() >= MEMORY_MAX:
            return "memory"
        return "backlog" if self._d.depth() > self._d.settings.backlog_max else ""

    def look(self, value: Any, key: ApiKey) -> BusinessEvent | Refusal:
        """One event as JSON gives it, read and checked for whoever holds `key`. Keeps nothing."""
        deps = self._d
        ids = (deps.vault.event_id, deps.vault.subject_id)
        found = parse(value, ids=ids, now_ms=deps.clock.now_ms(), key=key.name)
        if isinstance(found, Refusal):
            return found
        forbidden = self._checks.forbidden(found, key)
        if forbidden:
            return Refusal(403, tuple(forbidden))
        wrong = self._checks.problems(found)
        return Refusal(422, tuple(wrong)) if wrong else found

    async def keep(self, events: Sequence[BusinessEvent]) -> list[str]:
        """Keep them, on disk and where asked for on replicas; per event new, same or other (kept before, different).

        May be repeated as a whole, whatever of it was done. Raises StoreUnavailable, TimeoutError.
        """
        deps = self._d
        if not events:
            return []
        async with asyncio.timeout(KEEP_S):
            answers = await deps.events.append_once(events)
            crash_point("event.kept")
            kept = [event.id for event, answer in zip(events, answers, strict=True) if answer != "other"]
            new = [event.id for event, answer in zip(events, answers, strict=True) if answer == "new"]
            if not all(deps.events.in_hand.has(one) for one in new):
                deps.wake.now("expand")
            await deps.kept.wait_acks(kept, deps.settings.store_acks)
        for answer in answers:
            deps.count(answer, 1)
        return answers
