"""A Redis client whose losses are ours: whatever means "no answer, or no room" is raised as StoreUnavailable.

Only this package knows Redis; above it a store that is gone, loading, read-only after a failover, or full is one thing: answer
503, try again, lose nothing. Errors of our own making (a wrong script, a wrong type) go through as they are.
"""

from __future__ import annotations

import re
from typing import Any

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from gateway.errors import StoreUnavailable
from gateway.store.lineage import Lineage

_LOST = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.MaxConnectionsError,
    exceptions.TryAgainError,
    exceptions.AskError,  # and MovedError: a slot that changed hands more often than we asked
    exceptions.ClusterDownError,
    OSError,
)
_REFUSED = re.compile(r"\b(?:NOREPLICAS|MISCONF|MASTERDOWN|BUSY) ")
"""Codes that redis-py has no error of its own for: too few replicas, a full disk, a replica alone, a script that runs long."""


def translated(error: BaseException) -> StoreUnavailable | None:
    """The error as ours, when it means that the store cannot answer, or may not write, now. A torn connection counts too."""
    torn = isinstance(error, AttributeError | TypeError) and "writelines" in str(error)
    refused = isinstance(error, exceptions.ResponseError) and _REFUSED.search(str(error)) is not None
    if isinstance(error, StoreUnavailable):
        return error
    if torn or refused or isinstance(error, _LOST):
        return StoreUnavailable(f"the store does not answer ({type(error).__name__})")
    return None


class GuardedPipeline(Pipeline):
    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        try:
            answers: list[Any] = await super().execute(raise_on_error)
        except Exception as error:
            ours = translated(error)
            if ours is None:
                raise
            raise ours from error
        for answer in answers:  # with raise_on_error=False the losses stand among the answers
            if isinstance(answer, Exception) and (ours := translated(answer)) is not None:
                raise ours from answer
        return answers


class GuardedRedis(Redis):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lineage = Lineage()
        """of the servers behind it, where client.connect had its connections tell"""
        self.acks = 0
        """how many replicas must have what may not be taken back (promised.py), where client.connect was told"""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except Exception as error:
            ours = translated(error)
            if ours is None:
                raise
            raise ours from error

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return GuardedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
