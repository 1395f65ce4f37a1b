"""After a failover: what this process claimed and settled in the last minute is played again, before anything is handed out.

A replica that is promoted may lack the last moments of its primary. It then shows a message as waiting that was sent, and would
hand it out once more. So whoever sent it has its lease, and what became of it, written again; what the store still knows, it
keeps. Other processes have theirs to play as well: nothing is claimed for two seconds after a promotion. Where claims wait for a
replica (GATEWAY_STORE_ACKS), nothing was sent that the promoted server does not know of, whatever becomes of this process.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from gateway.store.lineage import Turned
from gateway.store.outbox import Claimed, Outbox, Settlement

KEEP_S = 60.0
MOST = 20_000
"""Sends that are remembered: twenty seconds of the fastest sender there is."""
GRACE_S = 2.0
"""A process that has nothing to do looks once a second, so by then each has met the new server."""
BATCH = 100
PUT_OFF = "hl"
"""Outcomes of what was not sent: its settle counts where its lease is still known, else it waits as it did before the claim."""

log = structlog.get_logger()


@dataclass(slots=True)
class _Sent:
    at_s: float
    claimed: Claimed
    settlement: Settlement | None = None

    @property
    def left(self) -> bool:
        """Whether it may have left. Not what was put off, nor what was decided on and ended with no attempt made."""
        done = self.settlement
        return done is None or not (done.outcome in PUT_OFF or (done.outcome == "x" and not done.attempt))


class Again:
    """Call `ready` before claiming, `claimed` and `settled` with what came of it."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        lease_ms: int,
        evidence_ms: Callable[[], int],
        put_back: Callable[[int], object] = lambda count: None,
    ) -> None:
        """evidence_ms: how long evidence is waited for, by now; put_back: told how many claims a failover had taken back"""
        self._outbox = outbox
        self._put_back = put_back
        self._lease_ms = lease_ms
        self._evidence_ms = evidence_ms
        self._sent: OrderedDict[str, _Sent] = OrderedDict()
        self.turn = outbox.lineage.turns
        """up to which of the store's turns everything was played; a claim names it"""

    def claimed(self, batch: Sequence[Claimed]) -> None:
        now = time.monotonic()
        for one in batch:
            self._sent[_name(one)] = _Sent(now, one)
        self._forget(now)

    def settled(self, batch: Sequence[Settlement]) -> None:
        """Told before the store is: what it did not take is played too."""
        for one in batch:
            sent = self._sent.get(_name(one.claimed))
            if sent is not None:
                sent.settlement = one

    async def ready(self) -> None:
        """Play again what a new server may lack. Raises Turned while others may still have to; StoreUnavailable."""
        lineage = self._outbox.lineage
        turn = lineage.turns
        if turn != self.turn:
            count = await self._play()
            self.turn = turn
            self._put_back(count)
            log.warning("dispatch.played_again", count=count, remembered=len(self._sent))
        if time.monotonic() - lineage.promoted_s < GRACE_S:
            raise Turned("a replica has just taken over: other processes play again what they sent")

    async def _play(self) -> int:
        """Lease by lease and in the order of each lane; how many the store had forgotten."""
        self._forget(time.monotonic())
        count = 0
        for batch in self._rounds():
            sent = [one.claimed for one in batch if one.left]
            answers = await self._outbox.relive(sent, lease_ms=self._lease_ms, evidence_ms=self._evidence_ms())
            count += answers.count("leased") + answers.count("unsure")
            done = [one.settlement for one in batch if one.settlement is not None]
            if done:
                await self._outbox.settle(done)
        return count

    def _rounds(self) -> Iterator[list[_Sent]]:
        """Batches in which no lane comes twice."""
        lanes: dict[tuple[str, str], deque[_Sent]] = {}
        for sent in self._sent.values():
            lanes.setdefault((sent.claimed.sender, sent.claimed.address), deque()).append(sent)
        while lanes:
            heads = [lane.popleft() for lane in lanes.values()]
            for begin in range(0, len(heads), BATCH):
                yield heads[begin : begin + BATCH]
            lanes = {name: lane for name, lane in lanes.items() if lane}

    def _forget(self, now: float) -> None:
        """The oldest go first: they stand in front."""
        while self._sent:
            oldest = next(iter(self._sent.values()))
            if now - oldest.at_s <= KEEP_S and len(self._sent) <= MOST:
                break
            self._sent.popitem(last=False)


def _name(claimed: Claimed) -> str:
    return f"{claimed.id}.{claimed.fence}"
