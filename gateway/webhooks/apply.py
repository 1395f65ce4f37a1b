"""One inbox item, applied: to whoever knows its kind. In order within a partition; every step may run twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.webhooks.deps import Deps
from gateway.webhooks.messages import Messages
from gateway.webhooks.origins import Origins
from gateway.webhooks.people import People
from gateway.webhooks.statuses import Statuses
from gateway.webhooks.threads import Threads

__all__ = ["Applier", "Deps"]

Item = Mapping[str, Any]


class Applier:
    def __init__(self, deps: Deps) -> None:
        self.deps = deps
        people, origins = People(deps), Origins(deps)
        statuses = Statuses(deps, people)
        threads = Threads(deps, people, origins, statuses)
        messages = Messages(deps, people, origins, threads)
        self._kinds: Mapping[str, Callable[[Item], Awaitable[None]]] = {
            "status": statuses.status,
            "receipt": statuses.receipt,
            "message": messages.message,
            "edit": messages.edit,
            "arrival": messages.arrival,
            "echo": threads.echo,
            "thread": threads.thread,
            "preference": people.preference,
            "identity": people.identity,
        }

    async def apply(self, value: Item) -> None:
        """Apply one item. Raises for what makes it fail; the worker counts and parks."""
        known = self._kinds.get(value["kind"])
        if known is None:
            raise ValueError(f"unknown kind {value['kind']}")
        await known(value)
