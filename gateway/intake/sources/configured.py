"""The sources that the settings name, each with whatever it takes to read it."""

from __future__ import annotations

from functools import partial

from gateway.intake.sources import Source
from gateway.intake.sources.pump import Pump
from gateway.intake.sources.redis_stream import RedisStream, reader_name
from gateway.intake.taking import Deps, Taking
from gateway.metrics import Metrics
from gateway.runtime import Runtime
from gateway.settings import AfterKeeping, Settings
from gateway.store.apikeys import ApiKey, Scope
from gateway.store.client import Connection, open_other
from gateway.store.leases import Leases
from gateway.store.sourcestream import SourceStream

STORE = "store"
"""The value of GATEWAY_SOURCE_REDIS_URL that means the gateway's own store."""
CONNECTIONS_MAX = 4
ANYBODY = ApiKey("redis-stream", frozenset({Scope.EVENTS}))
"""Where the settings name no key: whoever can add to the stream speaks for every source, type and brand."""


def owns(settings: Settings) -> bool:
    """Whether the stream lies on the gateway's own store."""
    return settings.source_redis_url is not None and settings.source_redis_url.reveal() == STORE


def open_stream(settings: Settings, connection: Connection) -> SourceStream | None:
    """The stream that the settings name, not yet connected; None where they name none."""
    url = settings.source_redis_url
    if url is None:
        return None
    redis = connection.redis if owns(settings) else open_other(url.reveal(), connections=CONNECTIONS_MAX)
    return SourceStream(redis, stream=settings.source_stream, group=settings.source_group, reader=reader_name())


def open_sources(settings: Settings, connection: Connection, metrics: Metrics) -> list[Source]:
    stream = open_stream(settings, connection)
    if stream is None:
        return []
    delete = settings.source_after is AfterKeeping.DELETE
    return [RedisStream(stream, metrics, delete=delete, close=not owns(settings))]


def pumps(runtime: Runtime, deps: Deps) -> list[Pump]:
    """One for each source."""

    async def key_of() -> ApiKey | None:
        name = runtime.settings.source_key_name
        if name is None:
            return ANYBODY
        return next((key for key in await deps.keys.all() if key.name == name and key.may(Scope.EVENTS)), None)

    taking, leases = Taking(deps), Leases(runtime.connection.redis)
    return [
        Pump(
            source=source,
            taking=taking,
            key_of=key_of,
            metrics=runtime.metrics,
            stopping=runtime.stopping,
            writable=leases.check_writable,
            beat=runtime.beats.expect(source.name, 60),
            left=partial(runtime.beats.leave, source.name),
        )
        for source in open_sources(runtime.settings, runtime.connection, runtime.metrics)
    ]
