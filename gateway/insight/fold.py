"""The fold: facts out of the store's streams into history, log, counters and outgoing webhooks.

One folder a partition, by lease; one turn takes the next facts of all its partitions in one round trip and does, in this order:

    read      facts that are a second old, from the position on
    push      outgoing webhooks, each under an id that the fact gives it: pushed twice it is queued once
    commit    rows, pending messages and positions in one SQL transaction, positions compared and set
    tell      a log line and the counters for each fact
    trim      what lies behind, and is over an hour old

Killed between any two of them, the next folder begins at the committed position: rows once, webhooks at least once under the same
id (once while the first push is remembered), log lines and counters at most once.

Where the position has gone from the stream the store went back behind us: a `gap` is written, and the fold goes on a minute
before it, leaving out what history knows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from gateway.clock import Clock
from gateway.errors import Conflict
from gateway.insight import desk_hooks
from gateway.insight.audit import AUDIT_MONTHS, AuditBook
from gateway.insight.desk_hooks import Desks
from gateway.insight.history import KEEP_MONTHS, Batch, History, Position, later_of
from gateway.insight.hooks import DEFAULT_TYPES, NO_DESKS, kinds_of, leaves, webhook_of
from gateway.insight.lines import Counting, fields_of
from gateway.insight.unreached import Book
from gateway.metrics import Metrics
from gateway.model.ids import PARTITIONS
from gateway.store.facts import Fact, Facts, Page, place
from gateway.store.leases import Leases
from gateway.store.outgoing import Outgoing, Webhook

LEASE_MS = 15_000
RENEW_S = 4.0
TURN_S = 30.0
"""A turn that takes longer is given up; its transaction may still win, which the next turn sees."""
BREATH = 50
"""Lines written before others in this process get their turn: about 3 ms."""
TRIM_EVERY_S = 60.0
RETENTION_EVERY_S = 3600.0
MONTH_MS = 2_629_746_000
"""A twelfth of a mean year."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Hooks:
    """Where outgoing webhooks go and which facts they are about.

    targets: short names (hooks.check_targets); desks: of which conversations another program is told
    """

    queue: Outgoing
    targets: Sequence[str]
    kinds: frozenset[str] = kinds_of(DEFAULT_TYPES)
    desks: Desks = NO_DESKS
    pushed: Callable[[], None] = lambda: None
    """called after a push, to wake the sender of the same process"""


@dataclass
class _Held:
    """What a folder knows of a partition that it holds: read with the lease, written with each commit."""

    position: Position
    book: Book = field(default_factory=Book)


class Fold:
    """Folds the partitions it is told to hold; `run_fold` gives it turns and leases."""

    def __init__(
        self,
        *,
        facts: Facts,
        history: History,
        metrics: Metrics,
        clock: Clock,
        hooks: Hooks | None = None,
        is_news: Callable[[str], bool] = lambda notification: True,
        limit: int = 40,
    ) -> None:
        """limit: facts of one partition in one turn; small, for a turn shares its process with sends that must not wait."""
        self._facts = facts
        self._history = history
        self._metrics = metrics
        self._counting = Counting(metrics)
        self._clock = clock
        self._hooks = hooks
        self._is_news = is_news
        self._limit = limit
        self._held: dict[int, _Held] = {}

    @property
    def held(self) -> list[int]:
        return sorted(self._held)

    async def hold(self, partitions: Iterable[int]) -> None:
        """From now on exactly these; the position and the pending messages of new ones are read."""
        wanted = set(partitions)
        for partition in set(self._held) - wanted:
            del self._held[partition]
        new = sorted(wanted - set(self._held))
        if new:
            positions, pending = await self._history.positions(new), await self._history.pending(new)
            for partition in new:
                self._held[partition] = _Held(positions[partition], Book(pending[partition]))
        self._metrics.fold_held.set(len(self._held))

    async def turn(self) -> bool:
        """Fold what there is, at most `limit` facts a partition; whether more waits already.

        raises: Conflict, StoreUnavailable and what the store raises; nothing is held then, all is read anew by `hold`
        """
        try:
            return await self._turn()
        except BaseException:
            self._held.clear()
            raise

    async def _turn(self) -> bool:
        if not self._held:
            return False
        positions = {partition: held.position.stream_id for partition, held in self._held.items()}
        pages = await self._facts.settled(positions, limit=self._limit)
        batches = [batch for page in pages if (batch := await self._batch(page)) is not None]
        folded = [fact for batch in batches for fact in batch.facts]
        if batches:
            await self._push(folded)
            await self._history.commit(batches)
            self._remember(batches)
            await self._tell(folded)
        self._metrics.fold_lag.set(max((self._clock.now_ms() - fact.at_ms for fact in folded), default=0) / 1000)
        return any(page.waiting and len(page.facts) >= self._limit for page in pages)

    async def _batch(self, page: Page) -> Batch | None:
        """What to write about one partition, None for nothing."""
        held = self._held[page.partition]
        if not page.intact:
            again = await self._facts.after_gap(page.partition, page.after, limit=self._limit)
            if again.position == page.after and again.waiting and not again.facts:
                return None  # what is left is too fresh: the same gap is found in the next turn
            page = again
        elif not page.facts and not held.book.due(self._clock.now_ms()):
            return None
        facts = list(page.facts)
        if not page.intact:
            facts.append(self._gap(page))
        # What is not younger than the youngest ever folded may be known, after a gap.
        old = [fact.stream_id for fact in facts if fact.kind == "gap" or place(fact.stream_id) <= place(held.position.high)]
        if old:
            known = await self._history.known(page.partition, old)
            facts = [fact for fact in facts if fact.stream_id not in known]
        before, book = held.book.all(), Book(held.book.all().values())
        for fact in facts:
            book.take_in(fact, self._is_news)
        for pending in book.due(self._clock.now_ms()):
            facts.append(pending.fact())
            book.drop(pending.message)
        after = Position(page.position, later_of(page.position, held.position.high))
        if not facts and after == held.position:
            return None
        left = book.all()
        return Batch(
            partition=page.partition,
            before=held.position,
            after=after,
            facts=tuple(facts),
            added=tuple(one for message, one in left.items() if before.get(message) != one),
            dropped=tuple(message for message in before if message not in left),
        )

    def _gap(self, page: Page) -> Fact:
        detail = {"after": page.after, "on": page.position}
        return Fact(page.partition, f"{page.after}.gap", self._clock.now_ms(), "gap", (), detail)

    async def _push(self, facts: Sequence[Fact]) -> None:
        if self._hooks is None or not self._hooks.targets:
            return
        webhooks = await make_webhooks(facts, self._hooks.kinds, self._facts, self._hooks.desks)
        if not webhooks:
            return
        pushed = await self._hooks.queue.push(webhooks, self._hooks.targets, now_ms=self._clock.now_ms())
        if pushed.full:
            self._metrics.outgoing.labels("dropped").inc(pushed.full)
            log.warning("outgoing.full", count=pushed.full, mend="webhooks replay --since makes them again from the history")
        self._hooks.pushed()

    def _remember(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            held = self._held[batch.partition]
            held.position = batch.after
            book = held.book.all()
            for message in batch.dropped:
                book.pop(message, None)
            book.update({one.message: one for one in batch.added})
            held.book = Book(book.values())

    async def _tell(self, facts: Sequence[Fact]) -> None:
        for number, fact in enumerate(sorted(facts, key=lambda one: one.order)):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            line, fields = fields_of(fact)
            log.info(line, **fields)
            self._counting.count(fact)

    async def trim(self) -> int:
        """Drop from the streams what is folded and over an hour old."""
        return await self._facts.trim({partition: held.position.stream_id for partition, held in self._held.items()})


async def make_webhooks(
    facts: Sequence[Fact], kinds: frozenset[str], store: Facts, desks: Desks = NO_DESKS
) -> list[Webhook]:
    """The webhooks about these facts; notifications that a fact does not name are read from the messages' headers."""
    wanted = [fact for fact in facts if fact.kind in kinds and leaves(fact, desks)]
    of_messages = {fact.id_of("m") for fact in wanted if fact.kind not in desk_hooks.TYPES and not fact.detail.get("nt")}
    unnamed = sorted(of_messages - {""})
    names: Mapping[str, str] = await store.notifications(unnamed)
    made = (webhook_of(fact, names.get(fact.id_of("m"), ""), desks) for fact in wanted)
    return [webhook for webhook in made if webhook is not None]


async def run_fold(
    fold: Fold,
    *,
    leases: Leases,
    history: History,
    metrics: Metrics,
    clock: Clock,
    stopping: asyncio.Event,
    beat: Callable[[], None] = lambda: None,
    interval_s: float = 1.0,
    keep_months: int = KEEP_MONTHS,
    audit_months: int = AUDIT_MONTHS,
    partitions: Sequence[int] = tuple(range(PARTITIONS)),
) -> None:
    """Fold until `stopping`: every free partition, a turn a second (at once while more waits), leases renewed in between.

    A turn that fails is logged and begun again from the committed positions. Leases are given back at the end.
    """
    names = {partition: f"fold:{partition:02d}" for partition in partitions}
    renewed = trimmed = -RENEW_S * 1000
    forgotten = time.monotonic() - RETENTION_EVERY_S + 60
    try:
        while not stopping.is_set():
            began, more = time.monotonic(), False
            beat()
            try:
                async with asyncio.timeout(TURN_S):
                    if began - renewed >= RENEW_S:
                        mine = await leases.acquire(list(names.values()), LEASE_MS)
                        renewed = began
                        await fold.hold(partition for partition, held in zip(names, mine, strict=True) if held)
                    more = await fold.turn()
                    if began - trimmed >= TRIM_EVERY_S:
                        trimmed = began
                        await fold.trim()
                    if began - forgotten >= RETENTION_EVERY_S:
                        forgotten = began
                        await _forget(history, clock.now_ms() - keep_months * MONTH_MS)
                        await AuditBook(history.database).forget(clock.now_ms() - audit_months * MONTH_MS)
                metrics.fold_seconds.observe(time.monotonic() - began)
            except Conflict:
                renewed = -RENEW_S * 1000
                log.info("fold.conflict", role="fold")
            except Exception as error:
                renewed, more = -RENEW_S * 1000, False
                metrics.fold_failures.inc()
                log.warning("fold.failed", role="fold", error=type(error).__name__)
            if not more:
                await _wait(stopping, interval_s - (time.monotonic() - began))
    finally:
        try:
            async with asyncio.timeout(2):
                await asyncio.shield(leases.release([names[partition] for partition in partitions]))
        except Exception as error:
            log.info("fold.leases_left", role="fold", error=type(error).__name__)


async def _forget(history: History, before_ms: int) -> None:
    """Retention, in pieces that fit into a turn."""
    for _ in range(5):
        if await history.forget_before(before_ms) == 0:
            return


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(seconds, 0.01)):
            await stopping.wait()
    except TimeoutError:
        pass
