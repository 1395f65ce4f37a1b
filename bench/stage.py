"""The stage: a store of its own, a runtime as `run` opens it, contacts with subscriptions, and events about their flights.

Only two settings differ from an operator's: the sender may send faster than Meta would ever allow (its limit would be what is
measured), and the pair rate is off (a contact has several messages). Both are still asked for every message.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.children import ROOT
from bench.crowd import BRAND, Crowd, Person
from bench.flights import delayed, flight
from gateway import settings as settings_module
from gateway.app import open_runtime
from gateway.intake.role import make_expander
from gateway.model.event import BusinessEvent, EventType
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.store import keys, scripts

FAST = 1_000_000.0
SECRET = "bench-app-secret"
API_KEY = "bench-key-of-thirty-two-letters-"
NUMBER = "314159265358979"

__all__ = ["Crowd", "Person", "delayed", "flight"]


def environment(directory: Path, graph_port: int) -> dict[str, str]:
    """What both our own runtime and a gateway started beside it are told."""
    return {
        "GATEWAY_ENV": "staging",
        "GATEWAY_ONLY_TO": "*",
        "GATEWAY_FUSE_PEOPLE": "0",
        "GATEWAY_DATA_DIR": str(directory),
        "GATEWAY_TEMPLATES_DIR": str(ROOT / "templates"),
        "GATEWAY_GRAPH_URL": f"http://127.0.0.1:{graph_port}",
        "GATEWAY_WHATSAPP_PHONE_NUMBER_ID": NUMBER,
        "GATEWAY_WHATSAPP_WABA_ID": "271828182845904",
        "GATEWAY_WHATSAPP_TOKEN": "bench-token",
        "GATEWAY_APP_SECRET": SECRET,
        "GATEWAY_VERIFY_TOKEN": "bench-verify",
        "GATEWAY_API_KEY": API_KEY,
        "GATEWAY_BRAND": BRAND,
        "GATEWAY_PAIR_INTERVAL_MS": "0",
        "GATEWAY_LOG_FORMAT": "json",
    }


@asynccontextmanager
async def directory() -> AsyncIterator[Path]:
    """A data directory that is deleted; its path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="thuisfront-bench-") as name:
        yield Path(name)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime on an empty store of its own, its scripts loaded and every template approved."""
    async with open_runtime(dataclasses.replace(settings, per_second=FAST)) as runtime:
        await scripts.load_all(runtime.connection.redis)
        await approve_templates(runtime)
        yield runtime


async def emptied(runtime: Runtime) -> None:
    """The store as it was opened."""
    await runtime.connection.redis.flushall()
    await approve_templates(runtime)


@asynccontextmanager
async def unsynced(runtime: Runtime) -> AsyncIterator[None]:
    """While a crowd is loaded the disk is not waited for; afterwards every write is on it again before its answer."""
    redis = runtime.connection.redis
    await redis.config_set("appendfsync", "no")
    try:
        yield
    finally:
        await redis.config_set("appendfsync", "always")


def environ() -> dict[str, str]:
    """The GATEWAY_* settings that a process of the benchmark was started with."""
    return {name: value for name, value in os.environ.items() if name.startswith("GATEWAY_")}


def read_settings(environ: dict[str, str]) -> Settings:
    return settings_module.read(environ, None)


async def approve_templates(runtime: Runtime) -> None:
    listed = {
        (ref.name, ref.language): {"state": "APPROVED", "category": notification.category.upper()}
        for notification in runtime.catalogue
        for ref in notification.candidates((), brand=BRAND, brand_language="en")
    }
    for sender in runtime.directory:
        await runtime.senders.replace_templates(sender.id, listed)


def event_about(runtime: Runtime, group: int, number: int, minutes: int = 45) -> BusinessEvent:
    """This flight is late, as a source would say it."""
    now, external, subject = runtime.clock.now_ms(), secrets.token_hex(8), flight(group, number)
    return BusinessEvent(
        id=runtime.vault.event_id("/ops/flights", external),
        source="/ops/flights",
        external_id=external,
        type=EventType.FLIGHT_STATUS,
        subject=subject,
        subject_id=runtime.vault.subject_id("flight", subject),
        item="",
        version=1,
        occurred_at_ms=now,
        received_at_ms=now,
        data=delayed(group, number, minutes),
    )


async def plan_events(runtime: Runtime, groups: int, flights: int) -> None:
    """One event about each flight, kept and expanded as intake does it; returns when every message is in the outbox."""
    for group in range(groups):
        await runtime.events.append_once([event_about(runtime, group, number) for number in range(flights)])
    await expand_all(runtime)


async def expand_all(runtime: Runtime) -> None:
    """Expand what is kept to its end, as fast as it goes: no sender is waited for, since nothing is sent meanwhile."""
    expander, partitions = make_expander(runtime), keys.all_partitions()
    expander.fan.wait_for_nobody()
    while await expander.look(partitions) + await expander.chunks(partitions):
        pass


async def used_bytes(runtime: Runtime) -> int:
    info: dict[str, Any] = await runtime.connection.redis.info("memory")
    return int(info["used_memory"])


async def store_seconds(runtime: Runtime) -> float:
    """Processor time of the store so far, its forks' included."""
    info: dict[str, Any] = await runtime.connection.redis.info("cpu")
    return float(sum(info[f"used_cpu_{kind}"] for kind in ("user", "sys", "user_children", "sys_children")))


async def drop_history(runtime: Runtime) -> None:
    """Facts are trimmed behind their readers in a whole gateway; nobody reads them here, and they are counted apart."""
    redis = runtime.connection.redis
    for partition in keys.all_partitions():
        await redis.xtrim(keys.part(partition, "facts"), maxlen=1, approximate=False)


