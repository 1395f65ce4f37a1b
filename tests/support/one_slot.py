"""Holds every command of a test against a cluster's rule, on a single server too: what belongs together lies in one slot.

A script's KEYS, a transaction's commands and the keys of a command that no client can spread must share one. A breach is raised
where it happens and remembered, for a loop would catch and log it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from gateway.store import bulk, scripts
from gateway.store.cluster_slots import SPREAD, Command, keys_of, name_of, slots_of


def across(command: Command) -> str | None:
    """What is wrong with one command, None when it could run on a cluster."""
    if len(keys_of(command)) < 2 or name_of(command) in SPREAD or len(slots_of(command)) < 2:
        return None
    name = str(command[0])
    if name_of(command) == "EVALSHA":
        name = next((one for one in scripts.names() if scripts.sha(one) == command[1]), str(command[1]))
    return f"{name}: its keys lie in several slots: {[str(key) for key in keys_of(command)][:30]}"


@contextmanager
def held() -> Iterator[list[str]]:
    """Watch every command of redis-py's clients and of `bulk` while this lasts. Yields what was found so far."""
    found: list[str] = []

    def check(commands: Sequence[Command]) -> None:
        wrong = [one for one in map(across, commands) if one is not None]
        found.extend(wrong)
        assert not wrong, wrong

    def together(commands: Sequence[Command]) -> None:
        check(commands)
        slots = set().union(*map(slots_of, commands)) if commands else set()
        if len(slots) > 1:
            found.append(f"a transaction over several slots: {[list(one)[:2] for one in commands]}")
            raise AssertionError(found[-1])

    with pytest.MonkeyPatch.context() as patch:
        one, many, batch = Redis.execute_command, Pipeline.execute, bulk.each

        async def execute_command(self: Redis, *args: Any, **options: Any) -> Any:
            check([args])
            return await one(self, *args, **options)  # type: ignore[no-untyped-call]

        async def execute(self: Pipeline, raise_on_error: bool = True) -> list[Any]:
            commands: list[Any] = [args for args, _ in self.command_stack]
            (together if self.is_transaction else check)(commands)
            return await many(self, raise_on_error)

        async def each(redis: Redis, commands: Sequence[bulk.Command], **more: Any) -> list[Any]:
            check(commands)
            return await batch(redis, commands, **more)

        patch.setattr(Redis, "execute_command", execute_command)
        patch.setattr(Pipeline, "execute", execute)
        patch.setattr(bulk, "each", each)
        yield found
