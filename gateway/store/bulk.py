"""Many commands in one round trip at a third of the client's usual cost: packed in C, answers read under one time limit.

For the paths that handle every message (docs/performance.md has the figures); everywhere else redis-py's own pipeline does. What
it promises is the same: repeated after a lost connection, so nothing may be sent here that may not run twice; whatever means "no
answer, or no room" is raised as StoreUnavailable. Answers are as the server sends them, without redis-py's rewriting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis import exceptions
from redis.asyncio import Redis

from gateway.errors import StoreUnavailable
from gateway.store import scripts, wire
from gateway.store.ahead import Ahead, Command
from gateway.store.cluster import ClusterRedis
from gateway.store.durability import ACKS_TIMEOUT_MS, judge_acks
from gateway.store.guarded import GuardedRedis, translated

__all__ = ["Ahead", "Command", "each", "each_script", "mapping", "run", "run_scripts", "values"]


async def run(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    """One answer a command, errors of single commands among them. Raises StoreUnavailable."""
    answers = await each(redis, commands)
    for answer in answers:
        if isinstance(answer, StoreUnavailable):
            raise answer
    return answers


async def each(redis: Redis, commands: Sequence[Command], *, turn: int | None = None) -> list[Any]:
    """The same, with a loss of single commands (no room, read-only) in its place as a StoreUnavailable: others were written.

    turn: send nothing to a server with another past than those that were known at this turn (lineage.py); raises Turned
    raises: StoreUnavailable where nothing is known of any
    """
    if not commands:
        return []

    def ready() -> None:
        if turn is not None and isinstance(redis, GuardedRedis):
            redis.lineage.demand(turn)

    try:
        if isinstance(redis, ClusterRedis):
            return [_ours(answer) for answer in await redis.exchange(commands, ready)]
        packed = [wire.pack(command) for command in commands]
        connection: Any = await redis.connection_pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            answers: list[Any] = await connection.retry.call_with_retry(
                lambda: wire.exchange(connection, packed, ready), lambda _: connection.disconnect()
            )
        finally:
            await redis.connection_pool.release(connection)
    except Exception as error:
        ours = translated(error)
        if ours is None:
            raise
        raise ours from error
    return [_ours(answer) for answer in answers]


def _ours(answer: Any) -> Any:
    return (translated(answer) or answer) if isinstance(answer, Exception) else answer


async def values(redis: Redis, commands: Sequence[Command], *, ahead: Ahead | None = None) -> list[Any]:
    """The same, raising the first error of a single command. ahead: answers that are here already; or what to read beside."""
    if ahead is None or not commands:
        answers = await run(redis, commands)
    elif (known := ahead.take(commands)) is not None:
        answers = known
    else:
        answers = await run(redis, [*commands, *ahead.wanted])
        if ahead.wanted:
            ahead.keep(answers[len(commands) :])
        answers = answers[: len(commands)]
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


async def run_scripts(
    redis: Redis, calls: Sequence[scripts.Call], *, turn: int | None = None, acks: int = 0, ahead: Ahead | None = None
) -> list[Any]:
    """`scripts.run_many` on this path: several scripts, each atomic, in one round trip. Raises the first error.

    turn: as in `each`. acks: return only when as many replicas have what was written, else raise StoreUnavailable
    ahead: read behind the scripts in the same round trip
    """
    answers = await each_script(redis, calls, turn=turn, acks=acks, ahead=ahead)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


async def each_script(
    redis: Redis, calls: Sequence[scripts.Call], *, turn: int | None = None, acks: int = 0, ahead: Ahead | None = None
) -> list[Any]:
    """The same, with the error of a single script in its place. Raises StoreUnavailable where nothing is known of any."""
    commands: list[Command] = [("EVALSHA", scripts.sha(name), len(keys), *keys, *args) for name, keys, args in calls]
    answers = await _acknowledged(redis, [*commands, *ahead.wanted] if ahead is not None and calls else commands, turn, acks)
    answers, beside = answers[: len(calls)], answers[len(calls) :]
    unknown = [place for place, answer in enumerate(answers) if isinstance(answer, exceptions.NoScriptError)]
    if ahead is not None and beside and not unknown:  # else it was read before what it should have been read behind
        ahead.keep(beside)
    for _ in range(scripts.LOADS):
        if not unknown:
            break
        try:
            await scripts.load_all(redis)  # a new or just promoted server: it knows no scripts yet
            again = await _acknowledged(redis, [commands[place] for place in unknown], turn, acks)
        except StoreUnavailable as error:  # of the others we know
            again = [error] * len(unknown)
        for place, answer in zip(unknown, again, strict=True):
            answers[place] = answer
        unknown = [place for place in unknown if isinstance(answers[place], exceptions.NoScriptError)]
    for place in unknown:
        answers[place] = StoreUnavailable(scripts.FORGETS)
    return answers


async def _acknowledged(redis: Redis, commands: list[Command], turn: int | None, acks: int) -> list[Any]:
    """WAIT counts from the last write of its own connection, so it goes behind the writes on the same one."""
    if not acks or not commands:
        return await each(redis, commands, turn=turn)
    *answers, acknowledged = await each(redis, [*commands, ("WAIT", acks, ACKS_TIMEOUT_MS)], turn=turn)
    judge_acks(acknowledged, acks)
    return answers


def mapping(answer: Any) -> dict[bytes, bytes]:
    """HGETALL's answer: a map in RESP3, a flat list in RESP2."""
    return answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))
