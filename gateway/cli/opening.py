"""Opens as much as a command needs: the settings, the store, the history. A running gateway's embedded store is joined.

Less than `app.open_runtime`: no templates and no connectors, so that a brake or a trace works while those are broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway import log
from gateway import settings as settings_module
from gateway.clock import Clock
from gateway.settings import Environment, Settings
from gateway.store import layout
from gateway.store.client import Connection, connect
from gateway.store.vault import KeyRing, Vault, ring_for
from gateway.store.wakeup import read_offset

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start: only what opens the history pays for it
    from gateway.insight.history import History


@dataclass(frozen=True, slots=True)
class Opened:
    settings: Settings
    connection: Connection
    clock: Clock
    ring: KeyRing
    vault: Vault


def read_settings() -> Settings:
    """The settings; from now on only warnings are logged, on standard error. Raises SettingsError."""
    settings = settings_module.read()
    log.configure(settings.log_format, level="warning")
    return settings


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Opened]:
    """The store of the settings, of their environment and layout.

    raises: SettingsError, StoreUnavailable, StoreRefused (another environment), LayoutMismatch
    """
    ring = ring_for(settings.keys, settings.data_dir)
    connection = await connect(settings)
    try:
        clock = Clock()
        await layout.claim(connection.redis, settings.env, clock.now_ms())
        if settings.env is Environment.DEMO:  # only a demo may turn the clock
            clock.offset_ms = await read_offset(connection.redis)
        vault = Vault(ring, connection.redis)
        vault.form.packed = await layout.packs_bodies(connection.redis)
        yield Opened(settings, connection, clock, ring, vault)
    finally:
        await connection.close()


@asynccontextmanager
async def opened_history(settings: Settings, *, call_s: float | None = None) -> AsyncIterator[History]:
    """call_s: how long a call may take, None = as long as within the gateway"""
    from gateway.insight.history import CALL_S, open_history

    history = await open_history(settings.history_url, call_s=call_s or CALL_S)
    try:
        yield history
    finally:
        await history.close()


def run(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run a command's work to its exit code. Ctrl-C cancels it, closes what is open, and is told to the caller."""
    return asyncio.run(work())
