"""Opens the store that the settings name: a server, sentinels, a cluster, or, when they name none, the embedded one.

redis-py repeats a command after a lost reply without a word, so nothing may be sent here that may not run twice. Values are
bytes. Two clients share a store: `redis` gives up on a reply after 5 s; `blocking` waits for ever, which subscriptions and
BLOCK need: on the first, a longer BLOCK would time out, be repeated, and what the server meanwhile handed out would be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis import exceptions
from redis.asyncio import Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff

from gateway.errors import SettingsError, StoreRefused, StoreUnavailable
from gateway.settings import Settings
from gateway.store.cluster import ClusterRedis
from gateway.store.durability import Durability, examine
from gateway.store.embedded import EmbeddedServer, open_embedded
from gateway.store.guarded import GuardedRedis
from gateway.store.lineage import Lineage
from gateway.store.pool import QuickPool

CONNECTIONS_MAX = 64
"""One pipeline occupies one connection; whoever finds none free waits in line. redis-py's own pool raises instead."""
BLOCKING_MAX = 256
POOL_WAIT_S = 5
REPLY_S = 5.0
REDIS_PORT = 6379
SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True)
class Connection:
    """redis:       for commands: a reply within 5 s, at most 64 at once, repeated up to 3 times after a lost connection
    blocking:    for subscriptions and blocking reads: no time limit on a reply
    embedded:    the server that we started or joined, None for one that the settings name
    durability:  what the store keeps; `run` calls `durability.demand(settings.env)`
    where:       the store's address for people, without user and password
    """

    redis: Redis
    blocking: Redis
    embedded: EmbeddedServer | None
    durability: Durability
    where: str

    @property
    def promise(self) -> str:
        """What "an event answered with 202 is kept" means on this store, in a sentence."""
        return self.durability.sentence

    async def recover(self) -> None:
        """After a lost connection: bring the embedded server back, or see whether the named one answers again.

        raises: StoreUnavailable, StoreRefused
        """
        if self.embedded is not None:
            await self.embedded.ensure()
            for client in (self.redis, self.blocking):
                client.connection_pool.connection_kwargs["path"] = str(self.embedded.socket)
                await client.connection_pool.disconnect(inuse_connections=False)
        await _answers(self.redis, self.where)

    async def close(self) -> None:
        """Close the connections, then end the embedded server if it is ours."""
        await self.redis.aclose()
        await self.blocking.aclose()
        if self.embedded is not None:
            await self.embedded.close()


async def connect(settings: Settings) -> Connection:
    """Open the store, starting or joining the embedded server where no URL is set, and look at what it keeps.

    raises: SettingsError     a URL that cannot be understood
            StoreUnavailable  nobody answers there
            StoreRefused      user or password refused; an embedded store that cannot start
    """
    embedded = None
    if settings.redis_url is None:
        embedded = await open_embedded(settings.data_dir)
        url, where = embedded.url, str(embedded.directory)
    else:
        url = _plain(settings.redis_url.reveal())
        where = _masked(url)
    redis = blocking = None
    try:
        redis, blocking = _open(url, REPLY_S, CONNECTIONS_MAX), _open(url, None, BLOCKING_MAX)
        await _answers(redis, where)
        redis.lineage.begin()
        redis.acks = settings.store_acks
        durability = await examine(redis, settings)
    except BaseException:
        for client in (redis, blocking):
            if client is not None:
                await client.aclose()
        if embedded is not None:
            await embedded.close()
        raise
    return Connection(redis, blocking, embedded, durability, where)


def _open(url: str, reply_s: float | None, connections: int) -> GuardedRedis:
    """A client on its own pool, not yet connected. Every connection of it tells `lineage` where it leads."""
    client = _open_greeted(url, reply_s, connections, lineage := Lineage())
    client.lineage = lineage
    return client


def _open_greeted(url: str, reply_s: float | None, connections: int, lineage: Lineage) -> GuardedRedis:
    options: dict[str, Any] = {
        "socket_timeout": reply_s,
        "socket_connect_timeout": 3,
        "health_check_interval": 30,
        "client_name": "thuisfront",
        "redis_connect_func": lineage.greet,
        # In all about 0.2 s: a restarted server or a stale connection is not noticed, a lost one is told soon.
        "retry": Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.5), 3),
    }
    if url.startswith("redis+sentinel:"):
        return _by_sentinel(urlsplit(url), options, connections)
    if url.startswith("redis+cluster:"):
        return _cluster(urlsplit(url), options, connections)
    try:
        pool = QuickPool.from_url(url, max_connections=connections, timeout=POOL_WAIT_S, **options)
    except ValueError as error:
        raise SettingsError([f"GATEWAY_REDIS_URL: {error}"]) from error
    return cast(GuardedRedis, GuardedRedis.from_pool(pool))


def open_other(url: str, *, connections: int) -> Redis:
    """A client of another server than the store, not yet connected; the same forms of URL, a reply within 5 s."""
    return _open(_plain(url), REPLY_S, connections)


def _by_sentinel(parts: SplitResult, options: dict[str, Any], connections: int) -> GuardedRedis:
    """redis+sentinel://[user:password@]host[:port][,host[:port]...]/service[/db][?tls=yes&sentinel_password=...]

    User and password are the server's. Their pool cannot wait for a free connection, so its limit is set out of reach.
    """
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    service, _, db = parts.path.strip("/").partition("/")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    tls = query.get("tls", "no") == "yes"
    try:
        sentinels = [_host(word) for word in hosts.split(",") if word]
        if not sentinels or not service:
            raise ValueError
        database = int(db or 0)
    except ValueError:
        raise SettingsError(
            ["GATEWAY_REDIS_URL: should be redis+sentinel://host:26379,host:26379/service, with the service's name"]
        ) from None
    known = {"socket_timeout": 2, "socket_connect_timeout": 2, "ssl": tls, "password": query.get("sentinel_password")}
    sentinel = Sentinel(sentinels, sentinel_kwargs=known, ssl=tls, **options)  # type: ignore[no-untyped-call]
    master: GuardedRedis = sentinel.master_for(
        service,
        redis_class=GuardedRedis,
        db=database,
        username=unquote(user) or None,
        password=unquote(password) or None,
        max_connections=connections * 16,
    )
    return master


def _cluster(parts: SplitResult, options: dict[str, Any], connections: int) -> GuardedRedis:
    """redis+cluster://[user:password@]host[:port][,host[:port]...][?tls=yes&ssl_ca_certs=/path/ca.pem]

    Any of its nodes leads to all of them. A lost connection is repeated by the cluster's client, which knows who else to ask.
    """
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    try:
        seeds = [_host(word, REDIS_PORT) for word in hosts.split(",") if word]
        if not seeds or parts.path.strip("/"):
            raise ValueError
    except ValueError:
        raise SettingsError(
            ["GATEWAY_REDIS_URL: should be redis+cluster://host:6379,host:6379, without a database: a cluster has only one"]
        ) from None
    given: dict[str, Any] = {"username": unquote(user) or None, "password": unquote(password) or None}
    if query.get("tls", "no") == "yes":
        given |= {"connection_class": SSLConnection, "ssl_ca_certs": query.get("ssl_ca_certs")}
    alone = options | given | {"retry": Retry(NoBackoff(), 0)}

    def make_pool(node: tuple[str, int]) -> QuickPool:
        return QuickPool(max_connections=connections, timeout=POOL_WAIT_S, host=node[0], port=node[1], **alone)

    return ClusterRedis(seeds, make_pool)


def _host(word: str, default_port: int = SENTINEL_PORT) -> tuple[str, int]:
    parts = urlsplit(f"//{word}")
    if not parts.hostname:
        raise ValueError(word)
    return parts.hostname, parts.port or default_port


def _plain(url: str) -> str:
    """valkey:// and valkeys:// are other words for redis:// and rediss://."""
    scheme, _, rest = url.partition("://")
    return f"{ {'valkey': 'redis', 'valkeys': 'rediss'}.get(scheme, scheme) }://{rest}"


def _masked(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


async def _answers(redis: Redis, where: str) -> None:
    try:
        await redis.ping()
    except (exceptions.RedisError, OSError, StoreUnavailable) as error:
        if any(isinstance(one, exceptions.AuthenticationError | exceptions.NoPermissionError) for one in _chain(error)):
            raise StoreRefused(f"GATEWAY_REDIS_URL: {where} refuses the user or password, or bars PING to it") from error
        if any("cluster support disabled" in str(one) for one in _chain(error)):
            raise StoreRefused(f"GATEWAY_REDIS_URL: {where} is a server alone and no cluster: write redis:// instead") from error
        # The error's own text may hold the address as it was given: only its kind is repeated.
        raise StoreUnavailable(
            f"nobody answers at {where} ({type(error).__name__}): start that server or mend GATEWAY_REDIS_URL; "
            "without the setting an embedded server is started"
        ) from error
