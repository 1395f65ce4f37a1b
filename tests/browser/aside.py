"""Something asynchronous beside a test that is not: on a loop in a thread of its own, from its first line to its last."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
LONGEST_S = 60.0


class Aside:
    """The loop. `call` runs a coroutine there and waits for what it returns."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(LONGEST_S)


@contextmanager
def aside(opened: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[tuple[T, Aside]]:
    """What `opened` opens, and its loop; closed by the task that opened it. Raises what opening or closing raises."""
    made: Future[T] = Future()
    one, over = Aside(), asyncio.Event()

    async def live() -> None:
        try:
            async with opened() as found:
                made.set_result(found)
                await over.wait()
        except BaseException as error:
            if made.done():
                raise
            made.set_exception(error)

    living: Future[None] = Future()

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: one.loop) as runner:
                runner.run(live())
        except BaseException as error:
            living.set_exception(error)
        else:
            living.set_result(None)

    thread = threading.Thread(target=work, name="aside", daemon=True)
    thread.start()
    try:
        yield made.result(LONGEST_S), one
    finally:
        if not one.loop.is_closed():
            one.loop.call_soon_threadsafe(over.set)
        living.result(LONGEST_S)
        thread.join(LONGEST_S)
