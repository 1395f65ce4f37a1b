"""The roll-outs under way: few, small, plain; read by every process once a second, written by compare-and-set.

One hash in the first partition, beside its facts: a change and the fact about it are one step. A record is JSON with a format
number; one of a newer format is not understood here and passed over, as by a process from before there were roll-outs. Such a
process tells everybody. So a roll-out is begun when all processes run this version or a later one, and none is taken back to an
earlier version while one is under way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any, TypeVar

import structlog
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound
from gateway.rules.rollout import Limits, Match, Rollout, Stage, State
from gateway.store import audit, keys, promised, scripts
from gateway.store.reply import words

FORMAT = 1
T = TypeVar("T")
_FACTS = keys.part(audit.PARTITION, "facts")

log = structlog.get_logger()


class Rollouts:
    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def all(self) -> list[Rollout]:
        """In the order of their names."""
        raw: Mapping[Any, Any] = await self._redis.hgetall(keys.ROLLOUTS)
        found = (read(words(name), words(value)) for name, value in raw.items())
        return sorted((one for one in found if one is not None), key=lambda one: one.name)

    async def get(self, name: str) -> Rollout:
        """Raises NotFound."""
        found = next((one for one in await self.all() if one.name == name), None)
        if found is None:
            raise NotFound(f"there is no roll-out {name}")
        return found

    async def start(self, rollout: Rollout) -> Rollout:
        """rollout: with who and why. Raises Conflict when there is one of that name; StoreUnavailable."""
        begun = replace(rollout, revision=1, began_ms=self._clock.now_ms(), since_ms=self._clock.now_ms())
        await self._put(begun, 0, "rollout_started", before=-1)
        return begun

    async def change(self, seen: Rollout, changed: Rollout, kind: str) -> Rollout:
        """Write `changed` in place of `seen`. kind: the fact's. Raises Conflict when it has changed since; StoreUnavailable."""
        made = replace(changed, revision=seen.revision + 1)
        if (made.share, made.state) != (seen.share, seen.state):
            made = replace(made, since_ms=self._clock.now_ms())
        await self._put(made, seen.revision, kind, before=seen.share)
        return made

    async def end(self, seen: Rollout, *, who: str, why: str) -> None:
        """From now on everybody is told. Raises Conflict when it has changed since; StoreUnavailable."""
        since = promised.turns_of(self._redis)
        detail: dict[str, str | int] = {"ro": seen.name, "share": seen.share, "who": audit.plain(who), "why": audit.plain(why)}
        await self._run(seen.name, seen.revision, "", "rollout_ended", detail)
        await promised.stand(self._redis, keys.ROLLOUTS, _FACTS, since=since)

    async def _put(self, made: Rollout, seen: int, kind: str, *, before: int) -> None:
        since = promised.turns_of(self._redis)
        detail: dict[str, str | int] = {"ro": made.name, "share": made.share, "out": made.hold_out}
        if before >= 0:
            detail["before"] = before
        detail |= {"who": audit.plain(made.who), "why": audit.plain(made.why)}
        await self._run(made.name, seen, dump(made), kind, detail)
        await promised.stand(self._redis, keys.ROLLOUTS, _FACTS, since=since)

    async def _run(self, name: str, seen: int, record: str, kind: str, detail: Mapping[str, str | int]) -> None:
        packed = " ".join(f"{key}={value}" for key, value in detail.items())
        args: list[scripts.Part] = [self._clock.offset_ms, name, seen, record, kind, packed]
        if not await scripts.run(self._redis, "rollout_put", [keys.ROLLOUTS, _FACTS], args):
            raise Conflict(f"the roll-out {name} has changed since you looked" if seen else f"there is a roll-out {name} already")


def dump(one: Rollout) -> str:
    value = asdict(one)
    del value["name"]
    return json.dumps({"f": FORMAT, "rev": value.pop("revision"), **value}, sort_keys=True)


def read(name: str, record: str) -> Rollout | None:
    """See `load`."""
    try:
        return load(name, json.loads(record))
    except ValueError:
        log.error("rollout.not_understood", rollout=name, error="no JSON")
        return None


def load(name: str, value: Mapping[str, Any]) -> Rollout | None:
    """None: of a format that this program does not know, or not whole.

    Fields that it does not know are passed over, and gone once this program writes the record. So what narrows whom a roll-out is
    about, or must outlive a change by an older process beside, comes with a new format.
    """
    try:
        if value["f"] != FORMAT:
            raise ValueError("another format")
        return Rollout(
            name=name,
            seed=value["seed"],
            match=_made(Match, value["match"]),
            share=value["share"],
            hold_out=value["hold_out"],
            state=State(value["state"]),
            stages=tuple(_made(Stage, one) for one in value["stages"]),
            stage=value["stage"],
            limits=_made(Limits, value["limits"]),
            began_ms=value["began_ms"],
            since_ms=value["since_ms"],
            revision=value["rev"],
            who=value["who"],
            why=value["why"],
        )
    except (KeyError, TypeError, ValueError) as error:
        # One record that cannot be read must not keep a process from planning anything.
        log.error("rollout.not_understood", rollout=name, error=type(error).__name__)
        return None


def _made(kind: type[T], value: Mapping[str, Any]) -> T:
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: tuple(one) if isinstance(one, list) else one for name, one in value.items() if name in known})
