"""Other doors for events than HTTP: streams and queues that somebody else fills, which we read.

What every such source is to us is `Source`, four calls: start, batches, kept, stop. One loop (pump.py) works with any of
them; it reads each entry, checks it as HTTP does, keeps the good ones on disk, sends the others to the dead letters of their
source, and only then says `kept`. redis_stream.py is the first; Kafka, AMQP, NATS and JetStream fit the same four:

    at least once     an entry comes again until `kept` was called for its batch. So a kill at any line costs nothing: the event
                      is known by its (source, id) and counts once. A source never loses an entry by itself, and one that its
                      server dropped before it was read is told as a dead letter.
    commit after      `kept` is where Redis acknowledges, Kafka commits an offset, AMQP acks a delivery tag. A source that commits
    keeping           positions commits the last one of the batch.
    batches           `batches` gives some entries at once, for one fsync costs as much for a hundred as for one.
    order             a batch is of one partition, in the partition's order, and the next one of that partition comes after
                      `kept` of this. Between partitions, and among several processes on a Redis stream, there is no order; our
                      events need none, for their versions and times decide which is newer.
    pause             `batches` asks `room` before it takes anything up. While there is none it takes nothing, but keeps what it
                      holds as its own and its connection alive (Kafka: pause the partitions and poll on). Nothing spins.
    ask again         leaving `batches` and entering it again gives first whatever was not kept. That is all there is to a store
                      that was away.
    poison            `Entry.deliveries` counts the workers that had it. An entry that ended too many of them is given to the
                      dead letters without being looked at. Coming again because a store was away is no delivery.

What may fail: `SourceUnavailable` from any call, when the source's server does not answer or does not let us in; the pump waits
and starts anew, for as long as it takes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One CloudEvent as its source holds it.

    place:       where it lies, in the source's words (1795348800000-0, topic/3/118): unique in the source, nothing personal
    attributes:  of the binary form, by their CloudEvents names (id, source, type ...); None for the structured form
    body:        the whole event as JSON, or in the binary form its data
    deliveries:  how many workers were handed it, this one included; 0 where the source does not count
    wrong:       why it is none and cannot be read at all, "" for one to look at
    """

    place: str
    attributes: Mapping[str, str] | None
    body: bytes
    deliveries: int = 0
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of one partition in its order. An empty one says that the source is well and has nothing now."""

    partition: str = ""
    entries: Sequence[Entry] = ()


class Source(Protocol):
    @property
    def name(self) -> str:
        """For logs and metrics: which source of this installation, one word."""

    async def start(self) -> None:
        """Be ready to read: connected, with its group there. Called again after every failure. Raises SourceUnavailable."""

    def batches(self, room: Callable[[], bool]) -> AsyncGenerator[Batch, None]:
        """What is there, first what was given before and not kept; an empty batch every few seconds where nothing is.

        room:    asked before anything is taken up. While it says False empty batches come at once, and whoever reads waits
        raises:  SourceUnavailable
        """

    async def kept(self, batch: Batch, dead: Mapping[str, str]) -> None:
        """The batch needs not come again: its events are on disk, and `dead` of it is first laid among the dead letters.

        dead:    place -> why it was not taken, without anything of its content
        raises:  SourceUnavailable; the batch then comes again, and a dead letter may lie there twice
        """

    async def stop(self) -> None:
        """Give back what is held, so that another process takes it up at once, and close. Raises nothing of its own."""
