"""How long evidence of an uncertain send is waited for, and whether no evidence means anything now.

Evidence comes by our own webhooks. While they are behind, or nobody takes them, silence says nothing, and the clock stands
still (the store's script lets nothing wait for it over 15 minutes, or past its deadline). Until the first webhook since we
started, we do not know that the way in is open at all, and wait twice as long.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.clock import Clock
from gateway.store.webhooks import Webhooks

BEHIND_MS = 2000
LOOK_MS = 1000
NOT_HEARD_YET = 2
"""Times the usual wait."""


class EvidenceClock:
    """served: whether a process that takes webhooks is alive; None where that is not to be asked.

    runs: whether waiting counts. heard: whether a webhook came since this process started
    """

    def __init__(
        self, webhooks: Webhooks, clock: Clock, evidence_ms: int, served: Callable[[], Awaitable[bool]] | None = None
    ) -> None:
        self._webhooks = webhooks
        self._clock = clock
        self._evidence_ms = evidence_ms
        self._served = served
        self._started_ms = clock.now_ms() - clock.offset_ms
        self._looked_ms = 0
        self.runs = False  # nothing is known before the first look
        self.heard = False

    @property
    def wait_ms(self) -> int:
        """How long evidence is waited for, for a send that has just become uncertain."""
        return self._evidence_ms if self.heard else self._evidence_ms * NOT_HEARD_YET

    async def look(self) -> None:
        """Once a second at most. Raises StoreUnavailable; what was known stays."""
        now = self._clock.now_ms()
        if abs(now - self._looked_ms) < LOOK_MS:
            return
        _, age_ms = await self._webhooks.backlog()
        served = self._served is None or await self._served()
        if not self.heard:
            self.heard = await self._webhooks.heard_ms() >= self._started_ms
        self.runs = served and age_ms < BEHIND_MS
        self._looked_ms = now
