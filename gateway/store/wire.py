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
