"""Items of a webhook, each read for itself: one that nobody can read costs only itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from connectors.meta.reading import Unreadable, check_depth, dump
from gateway.connector import BadItem, InboundEvent

Item = tuple[str, Any, Callable[[], list[InboundEvent]]]
"""where it stands (a JSON path), the item itself, and how to read it"""


def read_each(items: Iterable[Item], events: list[InboundEvent | BadItem]) -> None:
    """Append the events of every item, or a BadItem in its place."""
    for where, item, read in items:
        try:
            check_depth(item, "")
            events.extend(read())
        except Unreadable as error:
            events.append(BadItem(where + error.where, error.why, dump(item)))
        except Exception as error:
            # The top of the loop: a mistake of ours about one item must not cost the others.
            events.append(BadItem(where, type(error).__name__, dump(item)))


def refuse(why: str) -> NoReturn:
    raise Unreadable("", why)


def key_of(*parts: str) -> str:
    """A key for an item that has no id of its own, the same whenever it is delivered again; names nobody."""
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()
