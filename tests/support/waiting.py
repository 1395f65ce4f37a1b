"""Wait for something to come true, never for a time to pass."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

PAUSE_S = 0.01


async def wait_until(predicate: Callable[[], Any], timeout: float = 10.0) -> Any:
    """Ask `predicate`, plain or async, until it says something true, and return that.

    raises: AssertionError with the predicate's name or source line after `timeout` seconds
    """
    deadline = time.monotonic() + timeout
    while True:
        answer = predicate()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(_late(predicate, timeout, answer))
        await asyncio.sleep(PAUSE_S)


def wait_until_sync(predicate: Callable[[], T], timeout: float = 10.0) -> T:
    """`wait_until` for tests and fixtures without a loop."""
    deadline = time.monotonic() + timeout
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(_late(predicate, timeout, answer))
        time.sleep(PAUSE_S)


def _late(predicate: Callable[[], object], timeout: float, answer: object) -> str:
    try:
        words = inspect.getsource(predicate).strip()
    except (OSError, TypeError):
        words = repr(predicate)
    return f"not within {timeout:g} s, last {answer!r}: {words}"
