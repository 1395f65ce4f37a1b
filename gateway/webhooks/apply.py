"""One inbox item, applied: to whoever knows its kind. In order within a partition; every step may run twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.webhooks.deps import Deps
from gateway.webhooks.messages import Messages
from gateway.webhooks.people import People
from gateway.webhooks.statuses import Statuses

__all__ = ["Applier", "Deps"]

Item = Mapping[str, Any]


class Applier:
    def __init__(self, deps: Deps) -> None:
        people = People(deps)
        self._kinds: Mapping[str, Callable[[Item], Awaitable[None]]] = {
            "status": Statuses(deps, people).status,
            "message": Messages(deps, people).message,
            "preference": people.preference,
            "identity": people.identity,
        }

    async def apply(self, value: Item) -> None:
        """Apply one item. Raises for what makes it fail; the worker counts and parks."""
        known = self._kinds.get(value["kind"])
        if known is None:
            raise ValueError(f"unknown kind {value['kind']}")
        await known(value)
