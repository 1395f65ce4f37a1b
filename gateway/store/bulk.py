"""Many commands in one round trip at a third of the client's usual cost: packed in C, answers read under one time limit.

For the paths that handle every message (docs/performance.md has the figures); everywhere else redis-py's own pipeline does. What
it promises is the same: repeated after a lost connection, so nothing may be sent here that may not run twice; whatever means "no
answer, or no room" is raised as StoreUnavailable. Answers are as the server sends them, without redis-py's rewriting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import hiredis
from redis import exceptions
from redis.asyncio import Redis

from gateway.errors import StoreUnavailable
from gateway.store import scripts
from gateway.store.guarded import translated

Command = tuple[str | bytes | int | float, ...]
LIMIT_EVERY = 64
"""After so many answers the time limit starts again: a long batch on a slow store is no silent store."""


async def run(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    """One answer a command, errors of single commands among them. Raises StoreUnavailable."""
    answers = await each(redis, commands)
    for answer in answers:
        if isinstance(answer, StoreUnavailable):
            raise answer
    return answers


async def each(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    """The same, with a loss of single commands (no room, read-only) in its place as a StoreUnavailable: others were written.

    Raises StoreUnavailable where nothing is known of any.
    """
    if not commands:
        return []
    packed = [hiredis.pack_command(command) for command in commands]  # type: ignore[arg-type]  # its stub knows one part only
    try:
        connection: Any = await redis.connection_pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            answers: list[Any] = await connection.retry.call_with_retry(
                lambda: _exchange(connection, packed), lambda _: connection.disconnect()
            )
        finally:
            await redis.connection_pool.release(connection)
    except Exception as error:
        ours = translated(error)
        if ours is None:
            raise
        raise ours from error
    return [(translated(answer) or answer) if isinstance(answer, Exception) else answer for answer in answers]


async def values(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    """The same, raising the first error of a single command."""
    answers = await run(redis, commands)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


async def run_scripts(redis: Redis, calls: Sequence[scripts.Call]) -> list[Any]:
    """`scripts.run_many` on this path: several scripts, each atomic, in one round trip. Raises the first error."""
    answers = await each_script(redis, calls)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


async def each_script(redis: Redis, calls: Sequence[scripts.Call]) -> list[Any]:
    """The same, with the error of a single script in its place. Raises StoreUnavailable where nothing is known of any."""
    commands: list[Command] = [("EVALSHA", scripts.sha(name), len(keys), *keys, *args) for name, keys, args in calls]
    answers = await each(redis, commands)
    unknown = [place for place, answer in enumerate(answers) if isinstance(answer, exceptions.NoScriptError)]
    if unknown:  # a new or just promoted server: it knows no scripts yet
        await scripts.load_all(redis)
        for place, answer in zip(unknown, await each(redis, [commands[place] for place in unknown]), strict=True):
            answers[place] = answer
    return answers


def mapping(answer: Any) -> dict[bytes, bytes]:
    """HGETALL's answer: a map in RESP3, a flat list in RESP2."""
    return answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))


async def _exchange(connection: Any, packed: list[bytes]) -> list[Any]:
    await connection.send_packed_command(packed)
    loop = asyncio.get_running_loop()
    patience = connection.socket_timeout
    answers: list[Any] = []
    try:
        async with asyncio.timeout(patience) as limit:
            for place in range(len(packed)):
                if patience is not None and place % LIMIT_EVERY == 0:
                    limit.reschedule(loop.time() + patience)
                try:
                    answers.append(await connection.read_response(timeout=float("inf")))
                except exceptions.ResponseError as error:
                    answers.append(error)
    except TimeoutError:
        raise exceptions.TimeoutError("no answer in time") from None
    return answers
