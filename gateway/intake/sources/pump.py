"""From a source into intake: one loop for any source. It reads, checks, keeps on disk, buries what is none, then says `kept`.

The order of these is the promise: a kill before `kept` costs a second look at events that are known by then. Nothing is buried
because the store is away or full, because the outbox is too deep, or because the source's key is missing: then entries wait where
they are, and the loop looks again after a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from gateway.crashpoint import crash_point
from gateway.errors import GatewayError
from gateway.intake.cloudevents import MAX_EVENT_BYTES, Malformed, Refusal, load_json
from gateway.intake.sources import Batch, Entry, Source
from gateway.intake.taking import CODES, OTHER, Taking
from gateway.metrics import Metrics
from gateway.model.event import BusinessEvent
from gateway.store.apikeys import ApiKey

DELIVERIES_MAX = 5
"""Workers that may have had an entry and ended: one more, and it is taken for what ends them."""
PAUSE_S = 1.0
RETRY_S = (0.2, 5.0)
"""After a failure: at first, and at most."""
REASON_MAX = 500

log = structlog.get_logger()

KeyOf = Callable[[], Awaitable[ApiKey | None]]
"""Whose rights the source has; None while there is no such key, or while it may not send events."""


@dataclass
class Pump:
    """Reads one source until `stopping`.

    writable:  raises StoreError where the store takes no writes
    beat:      called at every turn; left: once, at the end
    """

    source: Source
    taking: Taking
    key_of: KeyOf
    metrics: Metrics
    stopping: asyncio.Event
    writable: Callable[[], Awaitable[None]]
    beat: Callable[[], None] = lambda: None
    left: Callable[[], None] = lambda: None
    _key: ApiKey | None = None
    _locked: bool = False
    _tries: dict[str, int] = field(default_factory=dict)

    async def run(self) -> None:
        delay_s = RETRY_S[0]
        try:
            while not self.stopping.is_set():
                self.beat()
                try:
                    await self.source.start()
                    async with aclosing(self.source.batches(self._has_room)) as batches:
                        async for batch in batches:
                            self.beat()
                            self._up(True)
                            await self._turn(batch)
                            delay_s = RETRY_S[0]
                            if self.stopping.is_set():
                                break
                    continue
                except (GatewayError, OSError, TimeoutError) as error:
                    log.warning("source.waits", source=self.source.name, why=str(error)[:200] or type(error).__name__)
                except Exception as error:
                    self.metrics.loop_failures.labels("intake").inc()
                    log.exception("source.failed", source=self.source.name, error=type(error).__name__)
                self._up(False)
                await self._wait(delay_s)
                delay_s = min(delay_s * 2, RETRY_S[1])
        finally:
            await self.source.stop()
            self.left()

    def _has_room(self) -> bool:
        return self._key is not None and self.taking.has_room()

    async def _turn(self, batch: Batch) -> None:
        """One batch, and a rest where no more may be taken up. What came just as its key ended is looked at when there is one."""
        self._key = await self.key_of()
        if (self._key is None) != self._locked:
            self._locked = self._key is None
            log.warning("source.key_missing" if self._locked else "source.key_found", source=self.source.name)
        if batch.entries and self._key is not None:
            await self._take(batch, self._key)
        if not self._has_room():
            self.metrics.source_paused.labels(self.source.name).set(1)
            await self._wait(PAUSE_S)
        else:
            self.metrics.source_paused.labels(self.source.name).set(0)

    async def _take(self, batch: Batch, key: ApiKey) -> None:
        dead: dict[str, str] = {}
        good: list[tuple[Entry, BusinessEvent]] = []
        for entry in batch.entries:
            found = self._read(entry, key)
            if isinstance(found, BusinessEvent):
                good.append((entry, found))
            else:
                dead[entry.place] = found
        await self._keep(good, dead)
        crash_point("source.kept")
        await self.source.kept(batch, dead)
        for entry in batch.entries:
            why = dead.get(entry.place, "kept")
            self.metrics.source_entries.labels(self.source.name, why.partition(":")[0]).inc()
            if why != "kept":
                log.warning("source.dead_letter", source=self.source.name, entry=entry.place, why=why)
            self._tries.pop(entry.place, None)

    def _read(self, entry: Entry, key: ApiKey) -> BusinessEvent | str:
        """The event of an entry, or why it is none."""
        if entry.deliveries > DELIVERIES_MAX:
            return f"poison: {entry.deliveries - 1} workers had it, and none lived to tell"
        if entry.wrong:
            return entry.wrong
        if len(entry.body) > 2 * MAX_EVENT_BYTES:  # parse measures it exactly
            return reason_of(Refusal(413, ()))
        try:
            value = load_json(entry.body) if entry.body else None
            if entry.attributes is not None:
                value = {**entry.attributes, **({"data": value} if entry.body else {})}
            found = self.taking.look(value, key)
        except Malformed as error:
            return reason_of(error.refusal)
        except Exception as error:  # the top of an entry: whatever it breaks, the next one is another's
            log.exception("source.entry_failed", source=self.source.name, entry=entry.place, error=type(error).__name__)
            return f"failed: {type(error).__name__}"
        return reason_of(found) if isinstance(found, Refusal) else found

    async def _keep(self, good: Sequence[tuple[Entry, BusinessEvent]], dead: dict[str, str]) -> None:
        """Keep the events. Adds to `dead` those kept before with other content, and one that cannot be kept at all."""
        try:
            answers = await self.taking.keep([event for _, event in good])
        except (GatewayError, OSError, TimeoutError):
            raise
        except Exception as error:
            if len(good) > 1:
                for one in good:
                    await self._keep([one], dead)
                return
            # Something in this one, or something about the store that nobody thought of: told apart by writing something else.
            place = good[0][0].place
            self._tries[place] = self._tries.get(place, 0) + 1
            if self._tries[place] < DELIVERIES_MAX:
                raise
            await self.writable()
            dead[place] = f"failed: {type(error).__name__}"
            return
        for (entry, _), answer in zip(good, answers, strict=True):
            if answer == "other":
                dead[entry.place] = reason_of(OTHER)

    def _up(self, up: bool) -> None:
        self.metrics.source_up.labels(self.source.name).set(up)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            pass


def reason_of(refusal: Refusal) -> str:
    """A refusal in one line: what HTTP calls it, then each field and what it should be."""
    code, said = CODES[refusal.status]
    fields = "; ".join(f"{one.field}: {one.message}" for one in refusal.problems)
    return f"{code}: {fields or said}"[:REASON_MAX]
