"""One loop a process: look, draw, claim over all partitions in one pipeline, one pool of slots, settle in batches.

While little is to do, what was just planned or set free is claimed where it lies (hinted.py), without a look at all partitions.
That look (looking.py) is made whenever more waits than that, and once a second. What is claimed (claiming.py) with tokens at hand
(tokens.py) is sent (sending.py) and settled (settling.py) beside the loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from gateway.clock import Clock
from gateway.connector import Sender
from gateway.directory import Directory
from gateway.dispatch.again import Again
from gateway.dispatch.brakes import Brakes
from gateway.dispatch.claiming import Claiming
from gateway.dispatch.deliver import Deliverer
from gateway.dispatch.evidence import EvidenceClock
from gateway.dispatch.hinted import places_of
from gateway.dispatch.looking import HEADS, Looks
from gateway.dispatch.sending import Sending
from gateway.dispatch.settling import Settling
from gateway.dispatch.tokens import Tokens
from gateway.errors import StoreError
from gateway.metrics import Metrics
from gateway.model.ids import SenderId
from gateway.model.message import Priority
from gateway.store.ahead import Ahead
from gateway.store.mentions import Mentions
from gateway.store.outbox import Claimed, ClaimWant, Outbox, Settlement
from gateway.store.senders import Senders
from gateway.wake import Ready, Wake

IDLE_S = 1.0
ASK_AGAIN_S = 0.25
"""After a claim without an answer: what it leased is ours already, and its time runs."""
HINTED_FRESH_MS = 1500
"""How old the brakes may be for what is claimed without a look at everything: a stop works in two seconds."""
FULL_PAUSE_S = 0.02
"""While more than half of the slots are busy, looks are this far apart: each asks all partitions, whatever it finds."""

log = structlog.get_logger()


class Dispatcher:
    def __init__(
        self,
        outbox: Outbox,
        senders: Senders,
        evidence: EvidenceClock,
        directory: Directory,
        brakes: Brakes,
        deliverer: Deliverer,
        mentions: Mentions,
        clock: Clock,
        wake: Wake,
        metrics: Metrics,
        *,
        slots: int,
        lease_ms: int,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._metrics = metrics
        self._beat = beat
        self._outbox = outbox
        self._evidence = evidence
        self._directory = directory
        self._brakes = brakes
        self._deliverer = deliverer
        self._wake = wake
        self._slots = slots
        self._again = Again(
            outbox, lease_ms=lease_ms, evidence_ms=lambda: evidence.wait_ms, put_back=metrics.played_again.inc
        )
        self._looks = Looks(outbox)
        self._tokens = Tokens(senders)
        self._claiming = Claiming(outbox, evidence, self._again, clock, lease_ms=lease_ms)
        self._settling = Settling(outbox, deliverer, self._again, mentions, self._settled)
        self._sending = Sending(deliverer, self._tokens, self._settling.put)
        self._out: dict[str, Claimed] = {}
        self._turned_s = 0.0
        self._look_s = 0.0
        """when to look at everything next"""
        self._emptied = asyncio.Event()

    async def run(self, stopping: asyncio.Event, drain_s: float) -> None:
        """Until stopping: then claim nothing more, finish what is in flight, settle it, and return."""
        self._wake.serve("dispatch")
        async with asyncio.TaskGroup() as group:
            settle = group.create_task(self._settling.run())
            renew = group.create_task(self._claiming.run_renew(self._out.values))
            try:
                await self._claim_loop(group, stopping)
            finally:
                try:
                    async with asyncio.timeout(drain_s):
                        while self._out or not self._settling.idle:
                            self._emptied.clear()
                            await self._emptied.wait()
                except TimeoutError:
                    log.warning("dispatch.left_behind", count=len(self._out))
                self._settling.leave()
                settle.cancel()
                renew.cancel()

    async def _claim_loop(self, group: asyncio.TaskGroup, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                hints = self._wake.hints("dispatch")
                claimed, ahead = await self._hinted(hints) if hints else (None, None)
                if claimed is not None:
                    self._begin(group, claimed, ahead)
                    await self._top_up(claimed)
                if hints is None or (hints and claimed is None) or time.monotonic() >= self._look_s:
                    claimed, wait = await self._turn()
                    self._look_s = time.monotonic() + wait
                    self._beat()
                    self._begin(group, claimed)
            except (StoreError, OSError, TimeoutError) as error:
                log.warning("dispatch.store_unavailable", error=type(error).__name__)
                self._look_s = time.monotonic() + (ASK_AGAIN_S if self._claiming.unanswered else IDLE_S)
            except Exception as error:
                self._metrics.loop_failures.labels("dispatch").inc()
                log.exception("dispatch.failed", error=type(error).__name__)
                self._look_s = time.monotonic() + IDLE_S
            wait = self._look_s - time.monotonic()
            if wait > 0:
                await self._wake.wait("dispatch", wait)

    def _begin(self, group: asyncio.TaskGroup, claimed: Sequence[Claimed], ahead: Ahead | None = None) -> None:
        for one in claimed:
            self._out[f"{one.id}.{one.fence}"] = one
        if claimed:
            group.create_task(self._sending.deliver_all(group, claimed, ahead))
        self._metrics.slots_busy.set(len(self._out))

    async def _hinted(self, hints: Sequence[Ready]) -> tuple[list[Claimed] | None, Ahead | None]:
        """Claim what was hinted at and nothing else, and read beside it what delivering it must know.

        None: only a look at everything says who goes first.
        The brakes and the evidence clock are those of the last look at everything, about a second old at most.
        """
        await self._brakes.refresh(HINTED_FRESH_MS)
        room = self._slots - len(self._out)
        if self._claiming.unanswered or room < self._slots // 2 or len(hints) > room:
            return None, None
        if any(self._looks.seen.more(SenderId(hint.sender)) for hint in hints):
            await self._looks.see(hints)
            return None, None
        found = await places_of(self._outbox, hints, heads=HEADS)
        if found.more:
            return None, None
        if found.due_in_ms is not None:
            self._look_s = min(self._look_s, time.monotonic() + max(found.due_in_ms / 1000, 0.005))
        wants = []
        for known, ready in found.ready.items():
            sender = self._directory.get(known)
            if sender is None or not self._brakes.may_claim(known):
                continue
            if self._brakes.stopped(known):
                ready[1:] = [{}, {}, {}]
            asked = [sum(one.values()) for one in ready]
            granted, _ = await self._tokens.draw(sender, asked)
            if any(have < want for have, want in zip(granted, asked, strict=True)):
                return None, None
            for prio, partitions in enumerate(ready):
                wants += [self._claiming.want(partition, known, Priority(prio), count) for partition, count in partitions.items()]
        if not wants:
            return [], None
        ahead = self._deliverer.ahead([hint for hint in hints if hint.message])
        claimed = await self._claiming.claim(wants, ahead)
        for one in claimed:
            self._tokens.spend(one.sender, one.priority, 1)
        return claimed, ahead

    async def _top_up(self, claimed: Sequence[Claimed]) -> None:
        for known in {one.sender for one in claimed}:
            sender = self._directory.get(known)
            if sender is not None:
                await self._tokens.top_up(sender, {one.priority for one in claimed if one.sender == known})

    async def _turn(self) -> tuple[list[Claimed], float]:
        """One look at everything: (what was claimed, how long to wait before the next look)."""
        await self._again.ready()
        await self._brakes.refresh()
        if self._claiming.unanswered and (lost := await self._claiming.claim_again()):
            return lost, 0.0
        await self._evidence.look()
        room = self._slots - len(self._out)
        since = time.monotonic() - self._turned_s
        if room < self._slots // 2 and since < FULL_PAUSE_S:
            return [], FULL_PAUSE_S - since
        self._turned_s = time.monotonic()
        senders = [sender for sender in self._directory if self._brakes.may_claim(sender.id)]
        if room <= 0 or not senders:
            return [], 0.02 if room <= 0 else IDLE_S
        await self._looks.look(senders, room)
        wants: list[ClaimWant] = []
        wait = IDLE_S
        for sender in senders:
            share, pause = await self._wants(sender, room)
            room -= sum(want.limit for want in share)
            wants += share
            if pause:
                wait = min(wait, pause)
            elif share and self._looks.seen.more(sender.id):
                wait = 0.0
        claimed_in = {(want.partition, want.sender) for want in wants}
        for partition, known, due_in_ms in self._looks.seen.due:
            if due_in_ms <= 0 and (partition, known) not in claimed_in:
                wants.append(self._claiming.want(partition, known, Priority.NORMAL, 0))
                wait = 0.0
            else:
                wait = min(wait, max(due_in_ms / 1000, 0.005))
        if not wants:
            return [], wait
        return await self._claiming.claim(wants), wait

    async def _wants(self, sender: Sender, room: int) -> tuple[list[ClaimWant], float]:
        """What to claim of one sender, and how long until tokens come (0 = no need to wait for them)."""
        stopped = self._brakes.stopped(sender.id)
        ready = self._looks.seen.ready.get(sender.id) or [[], [], [], []]
        if stopped:
            ready[1:] = [[], [], []]
        asked = [min(len(ready[prio]), room) for prio in range(4)]
        if not any(asked):
            return [], 0.0
        granted, pause = await self._tokens.draw(sender, asked)
        wants = []
        for prio in range(4):
            count = min(granted[prio], room)
            chosen = ready[prio][:count]
            del ready[prio][:count]
            room -= len(chosen)
            self._tokens.spend(sender.id, prio, len(chosen))
            by_partition: dict[int, list[int]] = {}
            for deadline, partition in chosen:
                by_partition.setdefault(partition, []).append(deadline)
            for partition, deadlines in by_partition.items():
                wants.append(self._claiming.want(partition, sender.id, Priority(prio), len(deadlines), max(deadlines)))
        return wants, pause

    def _settled(self, batch: Sequence[Settlement]) -> None:
        for one in batch:
            self._out.pop(f"{one.claimed.id}.{one.claimed.fence}", None)
        freed = {(one.claimed.partition, one.claimed.sender) for one in batch}
        self._wake.here("dispatch", [Ready.look(partition, sender) for partition, sender in freed])
        if not self._out:
            self._emptied.set()
