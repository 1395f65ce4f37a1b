"""Leases: claimed under ids that can be asked for again, kept while a POST is slow."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import structlog

from gateway.clock import Clock
from gateway.crashpoint import crash_point
from gateway.dispatch.again import Again
from gateway.dispatch.deliver import LEAST_LEASE_MS
from gateway.dispatch.evidence import EvidenceClock
from gateway.errors import StoreError
from gateway.model.ids import SenderId
from gateway.model.message import Priority
from gateway.store.ahead import Ahead
from gateway.store.outbox import Claimed, ClaimWant, Outbox

RENEW_S = 3.0

log = structlog.get_logger()


class Claiming:
    def __init__(self, outbox: Outbox, evidence: EvidenceClock, again: Again, clock: Clock, *, lease_ms: int) -> None:
        self._outbox = outbox
        self._evidence = evidence
        self._again = again
        self._clock = clock
        self._lease_ms = lease_ms
        self._worker = f"{os.getpid():x}{secrets.token_hex(3)}"
        self._numbers = itertools.count()
        self._asked: tuple[int, Sequence[ClaimWant]] | None = None
        """when and what was claimed last, while it is not answered"""

    @property
    def unanswered(self) -> bool:
        """Whether a claim was asked of which nobody knows what it leased."""
        return self._asked is not None

    def want(self, partition: int, sender: SenderId, priority: Priority, limit: int, deadline: int = 9_999_999_999) -> ClaimWant:
        return ClaimWant(f"{self._worker}-{next(self._numbers)}", partition, sender, priority, limit, deadline)

    async def claim(self, wants: Sequence[ClaimWant], ahead: Ahead | None = None) -> list[Claimed]:
        """Claim, and remember what was asked until it is answered. Raises Turned, StoreUnavailable."""
        return await self._claim(self._clock.now_ms(), wants, ahead)

    async def claim_again(self) -> list[Claimed]:
        """A claim whose answer was lost: asked again under the same ids it gives the same messages. Without this they would
        lie leased with nobody, and count as sent without an answer. Too late for their leases, they are left to just that."""
        asked = self._asked  # kept until it is asked: others may have to play again first
        if asked is None or self._clock.now_ms() - asked[0] > self._lease_ms - LEAST_LEASE_MS:
            self._asked = None
            return []
        return await self._claim(*asked)

    async def _claim(self, at_ms: int, wants: Sequence[ClaimWant], ahead: Ahead | None = None) -> list[Claimed]:
        await self._again.ready()
        self._asked = at_ms, wants
        unanswered: list[ClaimWant] = []
        claimed = await self._outbox.claim(
            wants, worker=self._worker, lease_ms=self._lease_ms, evidence_ms=self._evidence.wait_ms,
            clock_ok=self._evidence.runs, turn=self._again.turn, ahead=ahead, unanswered=unanswered,
        )
        if claimed:
            crash_point("claim.made")
        self._asked = (at_ms, unanswered) if unanswered else None  # of a cluster a part may be lost: the rest is handed out
        self._again.claimed(claimed)
        return [one if one.leased_at_ms <= at_ms else replace(one, leased_at_ms=at_ms) for one in claimed]

    async def run_renew(self, out: Callable[[], Iterable[Claimed]]) -> None:
        """Keep the leases of slow sends, until cancelled. out: what is leased and not settled yet"""
        while True:
            await asyncio.sleep(RENEW_S)
            slow = [one for one in out() if self._clock.now_ms() - one.leased_at_ms > RENEW_S * 1000]
            if slow:
                try:
                    await self._outbox.renew(slow, lease_ms=self._lease_ms)
                except (StoreError, OSError, TimeoutError) as error:
                    log.warning("renew.store_unavailable", error=type(error).__name__)
