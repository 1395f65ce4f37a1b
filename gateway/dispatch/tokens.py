"""What this process may send of each sender's rate: drawn, before anything is claimed, from the bucket that all share."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import structlog

from gateway.connector import Sender
from gateway.errors import StoreError
from gateway.model.ids import SenderId
from gateway.model.message import Priority
from gateway.store.senders import Senders

log = structlog.get_logger()


class Tokens:
    def __init__(self, senders: Senders) -> None:
        self._senders = senders
        self._held: dict[SenderId, list[int]] = {}

    async def draw(self, sender: Sender, asked: list[int]) -> tuple[list[int], float]:
        """(tokens at hand per priority, seconds until more can be drawn; 0.0 = there are as many as asked for).

        Where fewer are at hand, the missing ones and 100 ms worth more are drawn from the shared bucket, for what comes next.
        The list is what this process holds: `spend` what was claimed.
        """
        have = self._held.setdefault(sender.id, [0, 0, 0, 0])
        short = [max(want - kept, 0) for want, kept in zip(asked, have, strict=True)]
        if not any(short):
            return have, 0.0
        spare = max(int(sender.per_second / 10), 1)
        grant = await self._senders.draw(sender.id, sender.per_second, [n + spare if n else 0 for n in short])
        for prio in range(4):
            have[prio] += grant.tokens[prio]
        return have, grant.wait_ms / 1000 if any(have[p] < asked[p] for p in range(4)) else 0.0

    def spend(self, sender: SenderId, priority: int, count: int) -> None:
        self._held[sender][priority] -= count

    async def top_up(self, sender: Sender, used: Collection[Priority]) -> None:
        """Tokens for the next message of these priorities are drawn now, and not when it comes."""
        asked = [int(prio in used and self._held[sender.id][prio] == 0) for prio in Priority]
        if any(asked):
            await self.draw(sender, asked)

    async def give_back(self, unspent: Mapping[SenderId, int]) -> None:
        """What is not sent (no consent, a stop, over the tier) takes no rate away from what is."""
        try:
            for sender, count in unspent.items():
                await self._senders.give_back(sender, count)
        except (StoreError, OSError, TimeoutError) as error:
            log.warning("dispatch.tokens_lost", error=type(error).__name__)
