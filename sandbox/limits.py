"""How much Meta lets through: a number's throughput, one pair's rate, the portfolio's people a day."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sandbox.account import TIERS, Account
from sandbox.clock import DAY_MS, HOUR_MS, SECOND_MS, Clock
from sandbox.store import Store

PAIR_GAP_MS = 6_000
PAIR_BURST = 45
# A clock on either side jitters: a quarter second's worth above the rate is let through in any one second.
_JITTER = 1.25


@dataclass
class _Flow:
    """One number's bucket (a second's worth) and the times of its last second."""

    level: float
    at_ms: int
    recent: deque[int] = field(default_factory=deque)


class Limits:
    """Throughput and pairs live in memory (seconds and minutes); people reached are rows, for they count for a day."""

    def __init__(self, store: Store, clock: Clock, account: Account) -> None:
        self._store, self._clock, self._account = store, clock, account
        self._flows: dict[str, _Flow] = {}
        self._pairs: dict[tuple[str, str], tuple[int, int]] = {}
        self._calls: dict[tuple[str, str], deque[int]] = {}

    def management(self, waba_id: str, *, an_hour: int, what: str = "call") -> bool:
        """Count one management call (or creation of a template) of a WABA in a moving hour."""
        now = self._clock.now_ms()
        calls = self._calls.setdefault((waba_id, what), deque())
        while calls and not now - HOUR_MS < calls[0] <= now:
            calls.popleft()
        if len(calls) >= an_hour:
            return False
        calls.append(now)
        return True

    def forget(self) -> None:
        self._flows.clear()
        self._pairs.clear()
        self._calls.clear()

    def pass_through(self, number_id: str, per_second: int, *, inbound: bool = False) -> bool:
        """Count one message in or out (they share the rate); False when an outbound one is too many."""
        now = self._clock.now_ms()
        flow = self._flows.setdefault(number_id, _Flow(float(per_second), now))
        flow.level = min(float(per_second), flow.level + max(0, now - flow.at_ms) * per_second / SECOND_MS)
        flow.at_ms = now
        while flow.recent and not now - SECOND_MS < flow.recent[0] <= now:
            flow.recent.popleft()
        if not inbound and (flow.level < 1 or len(flow.recent) >= per_second * _JITTER):
            return False
        flow.level -= 1
        flow.recent.append(now)
        return True

    def pair(self, number_id: str, address: str, *, rule: str) -> bool:
        """One message each 6 s to one person; up to 45 within 6 s, which are borrowed from the time after.

        rule "debt" (Meta's words): after those 6 s nothing goes until 6 s for each of the burst are over. Rule "bucket":
        45 may always be owed, one more each 6 s.
        """
        now = self._clock.now_ms()
        start, sent = self._pairs.get((number_id, address), (0, 0))
        if start > now or now >= start + max(sent, 1) * PAIR_GAP_MS:
            start, sent = now, 0
        elif rule == "bucket":
            paid = (now - start) // PAIR_GAP_MS
            start, sent = start + paid * PAIR_GAP_MS, sent - paid
            if sent >= PAIR_BURST:
                return False
        elif now >= start + PAIR_GAP_MS or sent >= PAIR_BURST:
            return False
        self._pairs[number_id, address] = (start, sent + 1)
        if len(self._pairs) > 100_000:
            self._pairs = {key: value for key, value in self._pairs.items() if now < value[0] + value[1] * PAIR_GAP_MS}
        return True

    def reach(self, waba_id: str, address: str) -> bool:
        """Count a person written to outside a window; False when that is one person too many in 24 hours."""
        now = self._clock.now_ms()
        self._store.run("DELETE FROM reach WHERE at_ms <= ?", now - DAY_MS)
        if self._store.row("SELECT 1 FROM reach WHERE waba_id = ? AND address = ?", waba_id, address) is not None:
            return True
        tier = self._account.doc()["tier"]
        most = tier if isinstance(tier, int) else TIERS[tier]
        if most is not None and self._store.count("SELECT COUNT(*) FROM reach") >= most:
            return False
        self._store.run("INSERT INTO reach VALUES (?, ?, ?)", waba_id, address, now)
        return True
