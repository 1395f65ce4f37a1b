"""Commands on one connection: written in one piece, their answers read in order under one time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import hiredis
from redis import exceptions

LIMIT_EVERY = 64
"""After so many answers the time limit starts again: a long batch on a slow store is no silent store."""


def pack(command: Sequence[Any]) -> bytes:
    packed: bytes = hiredis.pack_command(tuple(command))
    return packed


async def exchange(connection: Any, packed: Sequence[bytes], ready: Callable[[], None] = lambda: None) -> list[Any]:
    """One answer a command as the server sends it, errors among them. A lost connection or silence is raised.

    ready: called when the connection stands and nothing is sent yet; what it raises goes through
    """
    if not connection.is_connected:
        await connection.connect()
    ready()
    await connection.check_health()
    loop = asyncio.get_running_loop()
    patience = connection.socket_timeout
    answers: list[Any] = []
    # Beside the connection's own ways to send and to read: they make a task for each batch and words for each answer's failure.
    try:
        async with asyncio.timeout(patience) as limit:
            await connection._send_packed_command(packed)
            for place in range(1, len(packed) + 1):
                answers.append(await connection._parser.read_response())
                if patience is not None and place % LIMIT_EVERY == 0:
                    limit.reschedule(loop.time() + patience)
    except BaseException as error:  # nobody knows how much was sent, or is still to come
        await connection.disconnect(nowait=True)
        if isinstance(error, TimeoutError):
            raise exceptions.TimeoutError("no answer in time") from None
        if isinstance(error, OSError):
            raise exceptions.ConnectionError(f"lost on the way ({type(error).__name__})") from error
        raise
    if connection.health_check_interval:
        connection.next_health_check = loop.time() + connection.health_check_interval
    return answers
