"""What happened, partition by partition: the streams that every script appends to, read in order.

A fact is written by the script that made the change, so it is true and complete. Two ways to read: `settled` for the fold, only
what is a second old (a failover takes back at most what was just written), and `unfolded` for `trace`, everything there is.

Position: the stream id of the last fact that was folded. It is always still in the stream, for `trim` stops before it; so a
position that is missing means that the store went back behind us (a failover, a restored backup) and facts may be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.store import keys
from gateway.store.reply import fields, words

START = "0-0"
SETTLE_MS = 1000
KEEP_MS = 3600_000
REWIND_MS = 60_000
"""After a gap this much is read again: a new primary's clock may be behind the lost one's."""
_HEADER_BYTES = 512
"""A message record's header fits in this; its sealed body is not fetched."""
_TAIL_PAGE = 1000
_CAUSES = {"event": 0, "older": 1, "applied": 1}


@dataclass(frozen=True, slots=True)
class Fact:
    """One change of state. ids: ours, message first if there is one; detail: words, no personal data.

    stream_id: "milliseconds-number", the server's time; at_ms: the gateway's time (differs where a clock is turned)
    """

    partition: int
    stream_id: str
    at_ms: int
    kind: str
    ids: tuple[str, ...]
    detail: Mapping[str, str]

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Sorts facts as they happened: one partition's by place, several by time, and a cause before its work."""
        milliseconds, number = place(self.stream_id)
        return self.at_ms, milliseconds, _CAUSES.get(self.kind, len(_CAUSES)), number

    def id_of(self, letter: str) -> str:
        """Its first id of this kind ("m" message, "c" contact ...), "" without one."""
        return next((one for one in self.ids if one.startswith(letter)), "")


@dataclass(frozen=True, slots=True)
class Page:
    """facts: settled ones after `after`, oldest first. position: where the next page begins.

    intact: False when the position, or something younger that was seen before, has gone from the stream
    waiting: there are more, settled or not
    """

    partition: int
    after: str
    facts: tuple[Fact, ...]
    position: str
    intact: bool
    waiting: bool


def place(stream_id: str) -> tuple[int, int]:
    """A stream id as numbers; what we derived ("17-0.u") sorts with what it was derived from."""
    milliseconds, _, number = stream_id.partition(".")[0].partition("-")
    return int(milliseconds), int(number or 0)


def parse(partition: int, stream_id: str, raw: bytes) -> Fact:
    """A packed fact; kind "unreadable" where its format is not ours, so that one never stops a fold."""
    try:
        version, at, kind, ids, detail = raw.decode().split("|", 4)
        if version != "1":
            raise ValueError
        return Fact(partition, stream_id, int(at), kind, tuple(ids.split()), parse_detail(detail))
    except ValueError:
        return Fact(partition, stream_id, place(stream_id)[0], "unreadable", (), {})


def parse_detail(text: str) -> dict[str, str]:
    """Words `key=value`; a word without a key belongs to the value before it, at the beginning to "note"."""
    found: dict[str, str] = {}
    last = "note"
    for word in text.split():
        key, equals, value = word.partition("=")
        if equals and key:
            last = key
            found[key] = value
        else:
            found[last] = f"{found[last]} {word}" if found.get(last) else word
    return found


class Facts:
    """settle_ms: how old a fact is before it is folded."""

    def __init__(self, redis: Redis, *, settle_ms: int = SETTLE_MS) -> None:
        self._redis = redis
        self._settle_ms = settle_ms
        self._seen: dict[int, str] = {}
        """partition -> the youngest id ever read from it: it must not be gone at the next look"""

    async def settled(self, positions: Mapping[int, str], *, limit: int) -> list[Page]:
        """The next facts of some partitions that are old enough to stay, in one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.time()
        for partition, after in positions.items():
            # From the position on, not after it: its presence is what says that nothing was lost.
            pipeline.xrange(keys.part(partition, "facts"), min=after if after != START else "-", max="+", count=limit + 1)
        (seconds, micros), *answers = await pipeline.execute()
        until_ms = int(seconds) * 1000 + int(micros) // 1000 - self._settle_ms
        pages = []
        for (partition, after), rows in zip(positions.items(), answers, strict=True):
            found = [(words(name), fields(entry)[b"f"]) for name, entry in rows]
            pages.append(self._page(partition, after, found, until_ms, limit))
        return pages

    def _page(self, partition: int, after: str, rows: list[tuple[str, bytes]], until_ms: int, limit: int) -> Page:
        names = {name for name, _ in rows}
        seen = self._seen.get(partition, START)
        intact = after == START or after in names
        if place(seen) > place(after) and seen not in names:
            intact = False
        if rows:
            self._seen[partition] = rows[-1][0]
        else:
            self._seen.pop(partition, None)
        fresh = [(name, raw) for name, raw in rows if name != after]
        old = [(name, raw) for name, raw in fresh if place(name)[0] <= until_ms][:limit]
        return Page(
            partition=partition,
            after=after,
            facts=tuple(parse(partition, name, raw) for name, raw in old),
            position=old[-1][0] if old else after,
            intact=intact,
            waiting=len(fresh) > len(old) or len(rows) > limit,
        )

    async def after_gap(self, partition: int, lost: str, *, limit: int) -> Page:
        """Where to go on when `lost` has gone: what is there from a minute before it, known to the caller or not.

        position: the last of them, else the youngest fact that is left, else START
        """
        milliseconds, _ = place(lost)
        begin = f"{max(milliseconds - REWIND_MS, 0)}-0"
        name = keys.part(partition, "facts")
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.time()
        pipeline.xrange(name, min=begin, max="+", count=limit)
        pipeline.xrevrange(name, max="+", min="-", count=1)
        (seconds, micros), rows, last = await pipeline.execute()
        until_ms = int(seconds) * 1000 + int(micros) // 1000 - self._settle_ms
        found = [(words(one), fields(entry)[b"f"]) for one, entry in rows]
        old = [(one, raw) for one, raw in found if place(one)[0] <= until_ms]
        youngest = words(last[0][0]) if last else START
        self._seen.pop(partition, None)
        return Page(
            partition=partition,
            after=lost,
            facts=tuple(parse(partition, one, raw) for one, raw in old),
            # Facts too fresh to fold: stay where we are, the gap is found and closed a second later.
            position=old[-1][0] if old else (lost if found else youngest),
            intact=False,
            waiting=len(found) > len(old),
        )

    async def unfolded(self, positions: Mapping[int, str]) -> list[Fact]:
        """Every fact after these positions, the youngest too, in the order in which they happened."""
        found: list[Fact] = []
        todo = dict(positions)
        while todo:
            pipeline = self._redis.pipeline(transaction=False)
            for partition, after in todo.items():
                pipeline.xrange(keys.part(partition, "facts"), min=f"({after}", max="+", count=_TAIL_PAGE)
            more: dict[int, str] = {}
            for partition, rows in zip(todo, await pipeline.execute(), strict=True):
                found += [parse(partition, words(name), fields(entry)[b"f"]) for name, entry in rows]
                if len(rows) == _TAIL_PAGE:
                    more[partition] = words(rows[-1][0])
            todo = more
        return sorted(found, key=lambda fact: fact.order)

    async def trim(self, positions: Mapping[int, str], *, keep_ms: int = KEEP_MS) -> int:
        """Drop what the slowest reader has behind it and is over an hour old; how many facts went."""
        seconds, _ = await self._redis.time()
        floor = (int(seconds) * 1000 - keep_ms, 0)
        pipeline = self._redis.pipeline(transaction=False)
        for partition, position in positions.items():
            first = min(place(position), floor)
            pipeline.xtrim(keys.part(partition, "facts"), minid=f"{max(first[0], 0)}-{first[1]}", approximate=False)
        return sum(await pipeline.execute()) if positions else 0

    async def oldest_after(self, positions: Mapping[int, str]) -> float:
        """How old (s) the oldest fact behind these positions is, by the server's clock; 0 where there is none."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.time()
        for partition, after in positions.items():
            pipeline.xrange(keys.part(partition, "facts"), min=f"({after}", max="+", count=1)
        (seconds, _), *answers = await pipeline.execute()
        return max((int(seconds) - place(words(rows[0][0]))[0] / 1000 for rows in answers if rows), default=0.0)

    async def length(self, partitions: Iterable[int]) -> int:
        """How many facts the streams hold, folded ones of the last hour included."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition in partitions:
            pipeline.xlen(keys.part(partition, "facts"))
        return sum(await pipeline.execute())

    async def notifications(self, messages: Sequence[str]) -> dict[str, str]:
        """The notification of each message that the store still knows, from its header alone."""
        if not messages:
            return {}
        pipeline = self._redis.pipeline(transaction=False)
        for message in messages:
            pipeline.getrange(keys.of(message, "m"), 0, _HEADER_BYTES - 1)
        found = {}
        for message, raw in zip(messages, await pipeline.execute(), strict=True):
            part = bytes(raw).partition(b"\n")[0].split(b"|")
            if len(part) > 16:
                found[message] = part[16].decode()
        return found
