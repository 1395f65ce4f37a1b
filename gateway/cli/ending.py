"""Ends a long command on Ctrl-C or SIGTERM, surely and in good order: what it half did is undone before it returns.

`asyncio.wait_for` of Python 3.11 loses a cancellation that comes just as what it waits for is done (bpo-37658), and every call
of the store goes through one. So a cancellation here is repeated until it is heard.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

AGAIN_S = 2.0
"""Long enough for what is undone, which a further cancellation would cut short."""


def run(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run a command's work to its exit code. Raises KeyboardInterrupt when it was ended before."""
    return asyncio.run(_watched(work))


async def _watched(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    task = asyncio.ensure_future(work())
    watch = asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=AGAIN_S)
    finally:
        watch.cancel()
    if task.cancelled():
        raise KeyboardInterrupt
    return task.result()
