"""A Redis stream as a source of events. Any program adds one with XADD, in one of two forms:

    XADD thuisfront:events * event '{"specversion": "1.0", "id": ...}'                                      structured
    XADD thuisfront:events * ce-specversion 1.0 ce-id 7 ce-source /ops ... data '{"flightNumber": ...}'     binary

Values are UTF-8 as they are, not percent-encoded as in HTTP headers; further fields are left alone. The stream is one partition.
Several processes share it as readers of one group, each entry going to one of them; a reader that dies is followed after a
minute, one that stops gives back at once. Where the stream is read by us alone, what was kept is deleted from it: it lies there
unsealed.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import AsyncGenerator, Callable, Mapping

import structlog

from gateway.errors import SourceUnavailable
from gateway.intake.sources import Batch, Entry
from gateway.metrics import Metrics
from gateway.store.sourcestream import Fields, Letter, SourceStream, StreamEntry

BATCH_MAX = 100
BLOCK_MS = 1000
CLAIM_MS = 60_000
"""A reader that did nothing with an entry for so long is taken for dead. The longest that a living one is silent is 15 s."""
LOOK_S = 5.0
"""How often a reader looks for its own pending entries, and for those of the dead."""
TIDY_S = 600.0

NO_EVENT = "malformed: should have a field `event`, or `ce-id` and its kind with `data`"

log = structlog.get_logger()


def reader_name() -> str:
    """A name that no other reader ever had."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"


class RedisStream:
    """delete: remove from the stream what was kept, as long as no other group reads it
    close:  whether the stream's client is ours to close
    """

    name = "redis_stream"

    def __init__(
        self,
        stream: SourceStream,
        metrics: Metrics,
        *,
        delete: bool,
        close: bool,
        claim_ms: int = CLAIM_MS,
        look_s: float = LOOK_S,
    ) -> None:
        self._stream = stream
        self._metrics = metrics
        self._delete = delete
        self._close = close
        self._claim_ms = claim_ms
        self._look_s = look_s
        self._shared = False
        self._held: dict[str, StreamEntry] = {}
        self._tidied_s = float("-inf")

    async def start(self) -> None:
        shared = await self._stream.open()
        if shared and self._delete and not self._shared:
            log.warning("source.shared", source=self.name, group=self._stream.group, kept="left in the stream")
        self._shared = shared

    async def batches(self, room: Callable[[], bool]) -> AsyncGenerator[Batch, None]:
        looked_s = float("-inf")
        while True:
            due = time.monotonic() - looked_s >= self._look_s
            if due:
                looked_s = time.monotonic()
                mine = await self._stream.mine(BATCH_MAX)  # also says that they are still in good hands
                await self._upkeep()
                if not room():
                    yield Batch()
                    continue
                if mine:
                    yield self._batch(mine)
                while room() and (orphan := await self._stream.claim(self._claim_ms)) is not None:
                    yield self._batch([orphan])
            if not room():
                yield Batch()
                continue
            yield self._batch(await self._stream.fresh(BATCH_MAX, block_ms=BLOCK_MS))

    async def kept(self, batch: Batch, dead: Mapping[str, str]) -> None:
        letters = []
        for entry in batch.entries:
            if entry.place in dead:
                fields = self._held[entry.place].fields
                letters.append(Letter(entry.place, dead[entry.place], entry.deliveries, fields))
        # First among the dead, then out of the stream: a crash between the two leaves it in both, the other way round in none.
        await self._stream.bury(letters)
        await self._stream.acknowledge([entry.place for entry in batch.entries], delete=self._delete and not self._shared)

    async def stop(self) -> None:
        try:
            await self._stream.leave(idle_ms=self._claim_ms)
        except SourceUnavailable:
            log.info("source.not_left", source=self.name)  # others follow it after a minute
        if self._close:
            await self._stream.close()

    def _batch(self, entries: list[StreamEntry]) -> Batch:
        self._held = {one.id: one for one in entries}
        return Batch(self._stream.stream, [entry_of(one) for one in entries])

    async def _upkeep(self) -> None:
        depth, metrics = await self._stream.depth(), self._metrics
        if depth.waiting is not None:
            metrics.source_waiting.labels(self.name).set(depth.waiting)
        metrics.source_pending.labels(self.name).set(depth.pending)
        metrics.source_dead.labels(self.name).set(depth.dead)
        metrics.source_oldest.labels(self.name).set(depth.oldest_ms / 1000)
        if time.monotonic() - self._tidied_s >= TIDY_S:
            self._tidied_s = time.monotonic()
            await self.start()  # another group may have come
            await self._stream.tidy()


def entry_of(one: StreamEntry) -> Entry:
    """A stream's entry as one event, in either form. Pure."""
    if one.fields is None:
        return Entry(one.id, None, b"", one.deliveries, "trimmed: the stream was cut before this was read")
    by_name = {name.lower(): value for name, value in one.fields.items()}
    whole = by_name.get(b"event")
    if whole is not None:
        return Entry(one.id, None, whole, one.deliveries)
    attributes = _attributes(by_name)
    if attributes is None:
        return Entry(one.id, None, b"", one.deliveries, "malformed: ce- fields should be UTF-8")
    if not attributes:
        return Entry(one.id, None, b"", one.deliveries, NO_EVENT)
    return Entry(one.id, attributes, by_name.get(b"data", b""), one.deliveries)


def _attributes(fields: Fields) -> dict[str, str] | None:
    try:
        return {name[3:].decode(): value.decode() for name, value in fields.items() if name.startswith(b"ce-")}
    except UnicodeDecodeError:
        return None
