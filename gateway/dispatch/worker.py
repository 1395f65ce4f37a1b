"""One loop a process: look, draw, claim over all partitions in one pipeline, one pool of slots, settle in batches.

While little is to do, what was just planned or set free is claimed where it lies (hinted.py), without a look at all partitions.
That look is made whenever more waits than that, and once a second.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from gateway.clock import Clock
from gateway.connector import Sender
from gateway.crashpoint import crash_point
from gateway.directory import Directory
from gateway.dispatch.again import Again
from gateway.dispatch.brakes import Brakes
from gateway.dispatch.deliver import LEAST_LEASE_MS, Delivered, Deliverer, finished
from gateway.dispatch.evidence import EvidenceClock
from gateway.dispatch.hinted import places_of
from gateway.dispatch.outgoing import Alone, Outgoing, Posted
from gateway.dispatch.prepare import Prepared
from gateway.errors import GatewayError, StoreError
from gateway.metrics import Metrics
from gateway.model.ids import SenderId
from gateway.model.message import Priority
from gateway.rules.verdict import Reason
from gateway.store import keys
from gateway.store.ahead import Ahead
from gateway.store.mentions import Mentions
from gateway.store.outbox import Claimed, ClaimWant, Outbox, Settlement
from gateway.store.senders import Senders
from gateway.store.vault import KeyMissing
from gateway.wake import Ready, Wake

IDLE_S = 1.0
ASK_AGAIN_S = 0.25
"""After a claim without an answer: what it leased is ours already, and its time runs."""
HINTED_FRESH_MS = 1500
"""How old the brakes may be for what is claimed without a look at everything: a stop works in two seconds."""
HEADS = 8
FULL_PAUSE_S = 0.02
"""While more than half of the slots are busy, looks are this far apart: each asks all partitions, whatever it finds."""
REUSE_S = 0.1
"""How long a look may serve several claims while it still names more lanes than there is room for."""
TOGETHER = 25
"""Messages decided on and rendered in a go, some 5 ms: nothing else of this process runs meanwhile, and what they hold still
fits the processor's caches."""
SETTLE_MAX = 100
SETTLE_PAUSES_S = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)
"""After a settle that the store did not take; the last again and again."""
SETTLES = 4
"""Batches being settled at a time: one is computed while the store writes another."""
RENEW_S = 3.0
INTERNAL_TRIES = 5
KEY_LOOK_MS = 30_000
"""Until what cannot be opened for want of a wrapping key is looked at again: somebody must change the settings first."""

log = structlog.get_logger()


@dataclass(slots=True)
class Seen:
    """The last look. ready: per sender and priority (deadline s, partition) of lanes not yet claimed, earliest first."""

    at_s: float = 0.0
    ready: dict[SenderId, list[list[tuple[int, int]]]] = field(default_factory=dict)
    due: list[tuple[int, SenderId, int]] = field(default_factory=list)
    """(partition, sender, after how many ms) of what waits for its time"""
    full: set[SenderId] = field(default_factory=set)
    """who has a partition with as many heads as were asked for, and so perhaps more"""

    def more(self, sender: SenderId) -> bool:
        """Whether there may be lanes besides those claimed: else the next look waits until somebody wakes it."""
        return sender in self.full or any(self.ready.get(sender, ()))


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
        self._senders = senders
        self._evidence = evidence
        self._directory = directory
        self._brakes = brakes
        self._deliverer = deliverer
        self._mentions = mentions
        self._clock = clock
        self._wake = wake
        self._slots = slots
        self._lease_ms = lease_ms
        self._again = Again(
            outbox, lease_ms=lease_ms, evidence_ms=lambda: evidence.wait_ms, put_back=metrics.played_again.inc
        )
        self._worker = f"{os.getpid():x}{secrets.token_hex(3)}"
        self._numbers = itertools.count()
        self._out: dict[str, Claimed] = {}
        self._settled: asyncio.Queue[Delivered | Posted] = asyncio.Queue()
        self._tokens: dict[SenderId, list[int]] = {}
        self._turned_s = 0.0
        self._look_s = 0.0
        """when to look at everything next"""
        self._seen = Seen()
        self._emptied = asyncio.Event()
        self._left = False
        """nothing is settled any more: this process ends"""
        self._asked: tuple[int, Sequence[ClaimWant]] | None = None
        """when and what was claimed last, while it is not answered"""

    async def run(self, stopping: asyncio.Event, drain_s: float) -> None:
        """Until stopping: then claim nothing more, finish what is in flight, settle it, and return."""
        self._wake.serve("dispatch")
        async with asyncio.TaskGroup() as group:
            settle = group.create_task(self._settle_loop())
            renew = group.create_task(self._renew_loop())
            try:
                await self._claim_loop(group, stopping)
            finally:
                try:
                    async with asyncio.timeout(drain_s):
                        while self._out or not self._settled.empty():
                            self._emptied.clear()
                            await self._emptied.wait()
                except TimeoutError:
                    log.warning("dispatch.left_behind", count=len(self._out))
                self._left = True
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
                self._look_s = time.monotonic() + (ASK_AGAIN_S if self._asked is not None else IDLE_S)
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
            group.create_task(self._deliver_all(group, claimed, ahead))
        self._metrics.slots_busy.set(len(self._out))

    async def _hinted(self, hints: Sequence[Ready]) -> tuple[list[Claimed] | None, Ahead | None]:
        """Claim what was hinted at and nothing else, and read beside it what delivering it must know.

        None: only a look at everything says who goes first.
        The brakes and the evidence clock are those of the last look at everything, about a second old at most.
        """
        await self._brakes.refresh(HINTED_FRESH_MS)
        room = self._slots - len(self._out)
        if self._asked is not None or room < self._slots // 2 or len(hints) > room:
            return None, None
        if any(self._seen.more(SenderId(hint.sender)) for hint in hints):
            await self._see(hints)
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
            granted, _ = await self._draw(sender, asked)
            if any(have < want for have, want in zip(granted, asked, strict=True)):
                return None, None
            for prio, partitions in enumerate(ready):
                wants += [self._want(partition, known, Priority(prio), count) for partition, count in partitions.items()]
        if not wants:
            return [], None
        ahead = self._deliverer.ahead([hint for hint in hints if hint.message])
        claimed = await self._claim(self._clock.now_ms(), wants, ahead)
        for one in claimed:
            self._tokens[one.sender][one.priority] -= 1
        return claimed, ahead

    async def _see(self, hints: Sequence[Ready]) -> None:
        """Put what was just planned into the last look, which serves for a while: it may be more urgent than all of that."""
        places = sorted({(hint.partition, SenderId(hint.sender)) for hint in hints if hint.message})
        for peek in await self._outbox.peek_at(places, heads=HEADS):
            lists = self._seen.ready.get(peek.sender, [])
            for known, deadlines in zip(lists, peek.ready, strict=False):
                known[:] = sorted(
                    [one for one in known if one[1] != peek.partition] + [(deadline, peek.partition) for deadline in deadlines]
                )

    async def _top_up(self, claimed: Sequence[Claimed]) -> None:
        """Tokens for the next message are drawn now, and not when it comes."""
        for known in {one.sender for one in claimed}:
            sender, used = self._directory.get(known), {one.priority for one in claimed if one.sender == known}
            asked = [int(prio in used and self._tokens[known][prio] == 0) for prio in Priority]
            if sender is not None and any(asked):
                await self._draw(sender, asked)

    async def _turn(self) -> tuple[list[Claimed], float]:
        """One look at everything: (what was claimed, how long to wait before the next look)."""
        await self._again.ready()
        await self._brakes.refresh()
        if self._asked is not None and (lost := await self._claim_again()):
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
        await self._look(senders, room)
        wants: list[ClaimWant] = []
        wait = IDLE_S
        for sender in senders:
            share, pause = await self._wants(sender, room)
            room -= sum(want.limit for want in share)
            wants += share
            if pause:
                wait = min(wait, pause)
            elif share and self._seen.more(sender.id):
                wait = 0.0
        now = self._clock.now_ms()
        claimed_in = {(want.partition, want.sender) for want in wants}
        for partition, known, due_in_ms in self._seen.due:
            if due_in_ms <= 0 and (partition, known) not in claimed_in:
                wants.append(self._want(partition, known, Priority.NORMAL, 0))
                wait = 0.0
            else:
                wait = min(wait, max(due_in_ms / 1000, 0.005))
        if not wants:
            return [], wait
        return await self._claim(now, wants), wait

    async def _claim(self, at_ms: int, wants: Sequence[ClaimWant], ahead: Ahead | None = None) -> list[Claimed]:
        """Claim, and remember what was asked until it is answered."""
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

    async def _claim_again(self) -> list[Claimed]:
        """A claim whose answer was lost: asked again under the same ids it gives the same messages. Without this they would
        lie leased with nobody, and count as sent without an answer. Too late for their leases, they are left to just that."""
        asked = self._asked  # kept until it is asked: others may have to play again first
        if asked is None or self._clock.now_ms() - asked[0] > self._lease_ms - LEAST_LEASE_MS:
            self._asked = None
            return []
        return await self._claim(*asked)

    def _want(self, partition: int, sender: SenderId, priority: Priority, limit: int, deadline: int = 9_999_999_999) -> ClaimWant:
        return ClaimWant(f"{self._worker}-{next(self._numbers)}", partition, sender, priority, limit, deadline)

    async def _look(self, senders: Sequence[Sender], room: int) -> None:
        """Ask all partitions what may be sent, unless the last look is young and still names enough of it."""
        seen, now_s = self._seen, time.monotonic()
        if now_s - seen.at_s < REUSE_S and sum(len(one) for sender in senders for one in seen.ready.get(sender.id, ())) >= room:
            seen.due = []
            return
        peeks = await self._outbox.peek([sender.id for sender in senders], keys.all_partitions(), heads=HEADS)
        ready: dict[SenderId, list[list[tuple[int, int]]]] = {sender.id: [[], [], [], []] for sender in senders}
        for peek in peeks:
            for prio, deadlines in enumerate(peek.ready):
                ready[peek.sender][prio] += [(deadline, peek.partition) for deadline in deadlines]
        full = {peek.sender for peek in peeks if any(len(deadlines) >= HEADS for deadlines in peek.ready)}
        for lists in ready.values():
            for one in lists:
                one.sort()
        due = [(peek.partition, peek.sender, peek.due_in_ms) for peek in peeks if peek.due_in_ms is not None]
        self._seen = Seen(now_s, ready, due, full)

    async def _wants(self, sender: Sender, room: int) -> tuple[list[ClaimWant], float]:
        """What to claim of one sender, and how long until tokens come (0 = no need to wait for them)."""
        stopped = self._brakes.stopped(sender.id)
        ready = self._seen.ready.get(sender.id) or [[], [], [], []]
        if stopped:
            ready[1:] = [[], [], []]
        asked = [min(len(ready[prio]), room) for prio in range(4)]
        if not any(asked):
            return [], 0.0
        granted, pause = await self._draw(sender, asked)
        wants = []
        for prio in range(4):
            count = min(granted[prio], room)
            chosen = ready[prio][:count]
            del ready[prio][:count]
            room -= len(chosen)
            self._tokens[sender.id][prio] -= len(chosen)
            by_partition: dict[int, list[int]] = {}
            for deadline, partition in chosen:
                by_partition.setdefault(partition, []).append(deadline)
            for partition, deadlines in by_partition.items():
                wants.append(self._want(partition, sender.id, Priority(prio), len(deadlines), max(deadlines)))
        return wants, pause

    async def _draw(self, sender: Sender, asked: list[int]) -> tuple[list[int], float]:
        """(tokens at hand per priority, seconds until more can be drawn; 0.0 = there are as many as asked for).

        Where fewer are at hand, the missing ones and 100 ms worth more are drawn from the bucket that all processes share, for
        what comes next. The list is what this process holds: whoever claims takes off it what was claimed.
        """
        have = self._tokens.setdefault(sender.id, [0, 0, 0, 0])
        short = [max(want - kept, 0) for want, kept in zip(asked, have, strict=True)]
        if not any(short):
            return have, 0.0
        spare = max(int(sender.per_second / 10), 1)
        grant = await self._senders.draw(sender.id, sender.per_second, [n + spare if n else 0 for n in short])
        for prio in range(4):
            have[prio] += grant.tokens[prio]
        return have, grant.wait_ms / 1000 if any(have[p] < asked[p] for p in range(4)) else 0.0

    async def _deliver_all(self, group: asyncio.TaskGroup, claimed: Sequence[Claimed], ahead: Ahead | None) -> None:
        """Read what one claim needs in a go, decide on its messages and render them together, post each by itself."""
        for begin in range(0, len(claimed), TOGETHER):
            unspent: Counter[SenderId] = Counter()
            for made in await self._made(claimed[begin : begin + TOGETHER], ahead):
                if isinstance(made, Delivered):
                    self._settled.put_nowait(made)
                    unspent[made.settlement.claimed.sender] += 1
                elif isinstance(made, Alone):
                    group.create_task(self._deliver(made.claimed, made.known))
                else:
                    group.create_task(self._post(made))
            if unspent:
                await self._give_back(unspent)
            await asyncio.sleep(0)  # these POSTs begin, and whoever else waited has their turn

    async def _give_back(self, unspent: Counter[SenderId]) -> None:
        """What is not sent (no consent, a stop, over the tier) takes no rate away from what is."""
        try:
            for sender, count in unspent.items():
                await self._senders.give_back(sender, count)
        except (StoreError, OSError, TimeoutError) as error:
            log.warning("dispatch.tokens_lost", error=type(error).__name__)

    async def _made(self, batch: Sequence[Claimed], ahead: Ahead | None) -> list[Outgoing | Delivered | Alone]:
        try:
            return await self._deliverer.make(batch, await self._deliverer.prepare(batch, ahead))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # one of them may have spoilt it for all: each reads for itself, and says what is wrong
            log.warning("prepare.failed", count=len(batch), error=type(error).__name__)
            return [Alone(one, None) for one in batch]

    async def _post(self, outgoing: Outgoing) -> None:
        posted = await self._deliverer.post(outgoing)
        if posted is None:
            await self._deliver(outgoing.task.claimed)
        else:
            self._settled.put_nowait(posted)

    async def _deliver(self, claimed: Claimed, known: Prepared | None = None) -> None:
        try:
            delivered = await self._deliverer.deliver(claimed, known)
        except KeyMissing as error:
            # Nobody is erased by a GATEWAY_KEYS that lacks a key: it waits, and says what for, until that is mended.
            log.warning("deliver.key_missing", message_id=claimed.id, problem=str(error))
            delivered = Delivered(self._not_sent(claimed, "h", KEY_LOOK_MS, "key_missing"))
        except (StoreError, OSError, TimeoutError) as error:
            # Not a byte has left (what breaks after that is settled as uncertain): it waits a second and costs no attempt.
            log.warning("deliver.store_unavailable", message_id=claimed.id, error=type(error).__name__)
            delivered = Delivered(self._not_sent(claimed, "h", 1000, "store_unavailable"))
        except Exception as error:
            log.exception("deliver.failed", message_id=claimed.id, error=type(error).__name__)
            why = f"error={type(error).__name__}"
            if claimed.attempt >= INTERNAL_TRIES:  # it would hold its lane until its deadline
                delivered = Delivered(finished(claimed, Reason.POISONED, why, sent=True))
            else:
                delivered = Delivered(self._not_sent(claimed, "r", 5000, "internal", why))
        self._settled.put_nowait(delivered)

    def _not_sent(self, claimed: Claimed, outcome: str, wait_ms: int, reason: str, detail: str = "") -> Settlement:
        """Again in a while. What may have left at an earlier attempt stays uncertain: settled as a plain wait, an agent's words
        would go out a second time as if nothing had been."""
        if claimed.resend:
            attempt = claimed.attempt - 1 if outcome == "h" else claimed.attempt
            return Settlement(claimed, "u", attempt, at_ms=wait_ms, reason=reason, detail=detail)
        return Settlement(claimed, outcome, claimed.attempt, wait_ms=wait_ms, reason=reason, detail=detail)

    async def _settle_loop(self) -> None:
        gate = asyncio.Semaphore(SETTLES)
        async with asyncio.TaskGroup() as group:
            while True:
                await gate.acquire()
                batch = [await self._settled.get()]
                while len(batch) < SETTLE_MAX and not self._settled.empty():
                    batch.append(self._settled.get_nowait())
                group.create_task(self._finish(self._concluded(group, batch), gate))

    def _concluded(self, group: asyncio.TaskGroup, batch: Sequence[Delivered | Posted]) -> list[Delivered]:
        """What can be settled now: what was plainly accepted is concluded in a go, anything else alone, and comes back."""
        done = []
        for one in batch:
            delivered = self._deliverer.accepted(one) if isinstance(one, Posted) else one
            if delivered is not None:
                done.append(delivered)
            elif isinstance(one, Posted):
                group.create_task(self._conclude(one))
        return done

    async def _conclude(self, posted: Posted) -> None:
        self._settled.put_nowait(await self._deliverer.conclude(posted))

    async def _finish(self, batch: Sequence[Delivered], gate: asyncio.Semaphore) -> None:
        # Shielded: what was sent is settled even while this process is being stopped.
        await asyncio.shield(asyncio.gather(self._settle([one.settlement for one in batch]), self._mention(batch)))
        for one in batch:
            self._out.pop(f"{one.settlement.claimed.id}.{one.settlement.claimed.fence}", None)
        gate.release()
        crash_point("settle.done")
        freed = {(one.settlement.claimed.partition, one.settlement.claimed.sender) for one in batch}
        self._wake.here("dispatch", [Ready.look(partition, sender) for partition, sender in freed])
        if not self._out:
            self._emptied.set()

    async def _settle(self, batch: Sequence[Settlement]) -> None:
        """For as long as it takes: nobody but this process knows what the channel said, and forgotten it is sent again."""
        self._again.settled(batch)
        pauses = itertools.chain(SETTLE_PAUSES_S, itertools.repeat(SETTLE_PAUSES_S[-1]))
        while not self._left:
            try:
                await self._outbox.settle(batch)
                return
            except (GatewayError, OSError, TimeoutError) as error:
                log.warning("settle.store_unavailable", count=len(batch), error=type(error).__name__)
                await asyncio.sleep(next(pauses))
            except Exception as error:
                log.exception("settle.failed", count=len(batch), error=type(error).__name__)
                break
        for one in batch if len(batch) > 1 else ():  # one of them cannot be written: the others can
            await self._settle([one])

    async def _mention(self, batch: Sequence[Delivered]) -> None:
        """Let the desk see what an answer is about. It is sent already: whatever fails here changes nothing of that."""
        mentions = [one.mention for one in batch if one.mention is not None]
        try:
            await self._mentions.add(mentions)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.warning("mention.failed", count=len(mentions), error=type(error).__name__)

    async def _renew_loop(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            slow = [one for one in self._out.values() if self._clock.now_ms() - one.leased_at_ms > RENEW_S * 1000]
            if slow:
                try:
                    await self._outbox.renew(slow, lease_ms=self._lease_ms)
                except (StoreError, OSError, TimeoutError) as error:
                    log.warning("renew.store_unavailable", error=type(error).__name__)
