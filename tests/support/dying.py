"""A worker that dies between any two of its round trips to the store, at the one that a test names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.intake.expand import Expander
from gateway.store import bulk
from gateway.store.guarded import GuardedPipeline, GuardedRedis
from tests.support.core import House


class Died(BaseException):
    """No handler of the gateway's may catch it: it is the end of the process."""


@contextmanager
def dying(at: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process dies before its `at`-th round trip to the store, which is just after the one before."""
    count = 0

    def wrap(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def wrapped(*args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count >= at:
                raise Died
            return await call(*args, **options)

        return wrapped

    with monkeypatch.context() as patch:
        patch.setattr(GuardedPipeline, "execute", wrap(GuardedPipeline.execute))
        patch.setattr(GuardedRedis, "execute_command", wrap(GuardedRedis.execute_command))
        patch.setattr(bulk, "each", wrap(bulk.each))
        yield


async def run_until_death(house: House, worker: Expander, at: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Expand with a worker that dies at step `at`; whether it did."""
    with dying(at, monkeypatch):
        try:
            async with asyncio.timeout(20):
                await house.expand(worker)
        except Died:
            return True
    return False
