"""Which store a command speaks to: typed in the wrong directory, an order that nobody hears must not look like one obeyed.

Without settings the store is the one below the directory where the command is typed; where there is none, an empty one is made.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.cli.opening import Opened
from gateway.settings import Environment, Settings
from gateway.store.signs import Signs

HEARD_MS = 60_000
"""A process says every ten seconds how it is."""


async def works(opened: Opened) -> bool:
    """Whether a process of a gateway works on this store. Raises StoreUnavailable."""
    return any(sign.age_ms < HEARD_MS for sign in await Signs(opened.connection.redis).all())


async def heard(opened: Opened) -> bool:
    """Whether a process of a gateway works on this store; where none does, standard error says so. Raises StoreUnavailable."""
    if await works(opened):
        return True
    print(
        f"Careful: no process of a gateway has been heard of in {opened.connection.where} for a minute. If yours keeps its data "
        "elsewhere, nobody heard this: type it in its directory, or with --env-file PATH before the command.",
        file=sys.stderr,
    )
    return False


def soon(is_heard: bool) -> str:
    """When a brake is obeyed, in words."""
    return "Every process knows within two seconds" if is_heard else "A process that starts on this store knows"


def looked_in(opened: Opened) -> str:
    """Where something was looked for that is not there. The demo of this directory keeps a store of its own."""
    demo = _demo(opened.settings)
    beside = f" The demo has a store of its own: python main.py --env-file {demo} trace ..." if demo else ""
    return f"Looked in {opened.connection.where}.{beside}"


def _demo(settings: Settings) -> Path | None:
    path = settings.data_dir / "demo" / "env"
    return path if settings.env is not Environment.DEMO and path.is_file() else None
