"""Role name -> run function; one task group a process; order of start and of stop.

Start: listeners last, so that nothing comes in before somebody works on it. Stop: not ready, no new work is taken, what is in
flight is finished within `drain_s`, leases are given up, listeners closed. A second signal, or a watchdog just past the
drain, ends the process and says what was left.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog
from aiohttp import web

from gateway import collector, http, surface
from gateway.dispatch import role as dispatch
from gateway.errors import SettingsError, StoreError
from gateway.health import Health
from gateway.intake import role as intake
from gateway.runtime import Runtime
from gateway.scheduler import role as scheduler
from gateway.settings import Environment
from gateway.store.hold import Hold
from gateway.store.leases import Leases
from gateway.store.wakeup import follow_offset, listen
from gateway.webcare import WebcareDeps
from gateway.webcare import run as run_webcare
from gateway.webhooks import api as webhooks_api
from gateway.webhooks import role as webhooks

WATCHDOG_S = 10.0
HELD_LOOK_S = 1.0

log = structlog.get_logger()


async def run(runtime: Runtime, names: Sequence[str], *, ready: Callable[[], None] = lambda: None) -> None:
    """Run these roles until SIGTERM or SIGINT (or runtime.stopping is set)."""
    health = Health(
        runtime.beats,
        store=Leases(runtime.connection.redis).check_writable,
        keys=lambda: bool(runtime.ring.wrapping),
        promise=lambda: runtime.connection.promise,
        metrics=runtime.metrics,
    )
    _on_signals(runtime)
    for name in names:
        runtime.metrics.role.labels(name).set(1)
    desk = surface.webcare_deps(runtime)
    collector.calm()
    runtime.metrics.agents_present.set_function(lambda: desk.live.agents)
    runners: list[web.AppRunner] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work, name=name) for name, work in _loops(runtime, names, desk)]
            try:
                runners = await _listeners(runtime, names, health, desk)
                ready()
                log.info("gateway.ready", roles=list(names), env=runtime.settings.env.value, store=runtime.connection.where)
                await runtime.stopping.wait()
            finally:
                runtime.stopping.set()
                watchdog = _watchdog(runtime.settings.drain_s + 2 * WATCHDOG_S)
                health.stop()
                log.info("gateway.stopping")
                runtime.wake.all()
                endless = [task for task in tasks if task.get_name() in ("wake", "clock", "recover", "webcare", "depth")]
                working = [task for task in tasks if task not in endless]
                if working:
                    _, late = await asyncio.wait(working, timeout=runtime.settings.drain_s + WATCHDOG_S)
                    for task in late:
                        log.warning("gateway.left_behind", task=task.get_name())
                        task.cancel()
                for task in endless:
                    task.cancel()
                for runner in reversed(runners):
                    await runner.cleanup()
                if endless:
                    await asyncio.wait(endless, timeout=WATCHDOG_S)
                watchdog.cancel()
    except ExceptionGroup as several:
        if isinstance(several.exceptions[0], SettingsError):  # a port that is taken: a sentence and not a traceback
            raise several.exceptions[0] from None
        raise


def _watchdog(seconds: float) -> threading.Timer:
    """Ends the process when stopping itself hangs: what was in flight is then uncertain, which the next process mends."""

    def bite() -> None:
        log.error("gateway.watchdog", after_s=seconds)
        os._exit(1)

    timer = threading.Timer(seconds, bite)
    timer.daemon = True
    timer.start()
    return timer


def _loops(runtime: Runtime, names: Sequence[str], desk: WebcareDeps) -> list[tuple[str, Coroutine[Any, Any, None]]]:
    known: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "intake": lambda: intake.run(runtime),
        "dispatch": lambda: _dispatch(runtime),
        "webhooks": lambda: webhooks.run(runtime),
        "webcare": lambda: run_webcare(desk),
        "scheduler": lambda: scheduler.run(runtime),
    }
    loops: list[tuple[str, Coroutine[Any, Any, None]]] = [(name, known[name]()) for name in names]
    connection = runtime.connection
    loops.append(("wake", listen(connection.blocking, runtime.wake.heard, runtime.stopping)))
    loops.append(("recover", _recover(runtime)))
    loops.append(("depth", surface.sample_depth(runtime)))
    loops.append(("signs", surface.say_signs(runtime)))
    if runtime.settings.env is Environment.DEMO:
        loops.append(("clock", follow_offset(connection.redis, runtime.clock, runtime.stopping)))
    return loops


async def _dispatch(runtime: Runtime) -> None:
    """After a restore nobody is written to until somebody resumes, so dispatch does not begin before."""
    hold, told = Hold(runtime.connection.redis), False
    standing: bool | None
    while not runtime.stopping.is_set():
        try:
            async with asyncio.timeout(5):
                standing = await hold.standing()
        except (StoreError, OSError, TimeoutError):
            standing = None  # unknown; dispatch could do nothing without the store either
        if standing is False:
            await dispatch.run(runtime)
            return
        if standing and not told:
            log.warning("gateway.held", why="restored from a backup", mend="python main.py resume all")
            told = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HELD_LOOK_S):
                await runtime.stopping.wait()


async def _listeners(runtime: Runtime, names: Sequence[str], health: Health, desk: WebcareDeps) -> list[web.AppRunner]:
    settings = runtime.settings
    runners = []
    if "webhooks" in names:
        public = http.make_app(largest=webhooks_api.MAX_BYTES)
        webhooks.add_routes(public, runtime)
        runners.append(await http.listen(public, settings.host, settings.public_port, "GATEWAY_PUBLIC_PORT"))
    internal = http.make_app(largest=surface.LARGEST)
    surface.add_internal(internal, runtime, names, health, desk)
    runners.append(await http.listen(internal, settings.host, settings.internal_port, "GATEWAY_INTERNAL_PORT"))
    if "webcare" in names:
        console = http.make_app(largest=1024 * 1024)
        surface.add_console(console, desk, settings)
        runners.append(await http.listen(console, settings.host, settings.console_port, "GATEWAY_CONSOLE_PORT"))
    return runners


async def _recover(runtime: Runtime) -> None:
    """Bring the embedded store back when it is gone: any process that loses it tries the lock."""
    while not runtime.stopping.is_set():
        try:
            async with asyncio.timeout(5):
                await runtime.connection.redis.ping()
        except (StoreError, OSError, TimeoutError):
            try:
                await runtime.connection.recover()
                log.info("store.recovered")
            except (StoreError, OSError, TimeoutError) as error:
                log.warning("store.gone", error=type(error).__name__)
        await asyncio.sleep(1.0)


def _on_signals(runtime: Runtime) -> None:
    """The first signal drains, the second ends at once."""

    def first() -> None:
        if runtime.stopping.is_set():
            os._exit(130)
        runtime.stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, first)
        except (NotImplementedError, RuntimeError, ValueError):  # not the main thread: a test drives `stopping` itself
            return
