"""What a server really keeps, and so what "answered with 202" is worth on it. Every problem names the line that mends it.

The facts come from INFO and CONFIG GET. A managed store often bars CONFIG; then its operator must say what it keeps
(GATEWAY_STORE_PROMISE), and that word is repeated in `doctor`, in the log and on the board instead of a check.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from gateway.errors import NotReplicated, StoreRefused, StoreUnavailable
from gateway.settings import Environment, Settings, StorePromise
from gateway.store.cluster import ClusterRedis
from gateway.store.cluster_map import Node
from gateway.store.launch import FLOOR

ACKS_TIMEOUT_MS = 2000
"""How long an append waits for its replicas: well inside the 5 s a connection waits for any reply."""

_CONFIGS = ("appendonly", "appendfsync", "maxmemory-policy", "save")


@dataclass(frozen=True, slots=True)
class Durability:
    """server:         Valkey 9.1.2
    unusable:       why this server may not be used in any environment; each names its mend
    problems:       why production refuses it, `unusable` included; each with the line to write and where
    promise:        what it keeps, as far as we could see or were told
    config_barred:  CONFIG is not allowed to us, so the promise is the operator's word
    sentence:       what a 202 means here, for people
    """

    server: str
    unusable: tuple[str, ...]
    problems: tuple[str, ...]
    promise: StorePromise
    config_barred: bool
    sentence: str

    def demand(self, env: Environment) -> None:
        """Raise StoreRefused where this server may not be used: see `unusable` and `problems`."""
        barred = self.problems if env is Environment.PRODUCTION else self.unusable
        if barred:
            raise StoreRefused(f"{self.server} may not be used for {env.value}:\n" + "\n".join(barred))


async def examine(redis: Redis, settings: Settings) -> Durability:
    """Look at the server, or at each primary of a cluster, and judge it. Raises StoreUnavailable when one does not answer."""
    try:
        looks = await _look_at_all(redis)
    except exceptions.NoPermissionError:
        return _unseen("the server", "INFO is barred to our user: allow it with `ACL SETUSER <user> +info`")
    except exceptions.RedisError as error:
        raise StoreUnavailable(f"the store did not answer INFO or CONFIG GET ({type(error).__name__})") from error
    cluster = isinstance(redis, ClusterRedis)
    judged = [_judge(look, settings, cluster) for look in looks]
    return _weakest(looks, judged) if cluster else judged[0]


@dataclass(frozen=True, slots=True)
class _Look:
    """One server: where (of a cluster), INFO, and CONFIG, None where it is barred."""

    where: str
    info: dict[str, Any]
    config: dict[str, str] | None


async def _look_at_all(redis: Redis) -> list[_Look]:
    if not isinstance(redis, ClusterRedis):
        return [_Look("", await redis.info(), await _config(redis.config_get))]
    found = []
    for node, answer in (await redis.on_each("INFO")).items():

        async def ask(name: str, node: Node = node) -> Any:
            return redis.parsed("CONFIG GET", await redis.on(node, "CONFIG", "GET", name))

        found.append(_Look(f"{node[0]}:{node[1]}", redis.parsed("INFO", answer), await _config(ask)))
    return found


async def _config(ask: Callable[[str], Awaitable[Any]]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for name in _CONFIGS:
        try:
            reply: dict[Any, Any] = await ask(name)
        except exceptions.ResponseError:  # NOPERM by an ACL, or "unknown command" on a managed store
            return None
        found.update({str(key): str(value) for key, value in reply.items()})
    return found


def _judge(look: _Look, settings: Settings, cluster: bool) -> Durability:
    server, version = _server(look.info)
    unusable = _unusable(server, version, look.info, cluster)
    if look.config is None:
        return _told(server, unusable, look.info, settings)
    return _seen(server, unusable, look.config, look.info, settings)


_KEPT = (StorePromise.BEST_EFFORT, StorePromise.REPLICATED, StorePromise.DURABLE)


def _weakest(looks: Sequence[_Look], judged: Sequence[Durability]) -> Durability:
    """What a cluster keeps is what the weakest of its primaries keeps; each problem names who has it."""
    least = min(judged, key=lambda one: _KEPT.index(one.promise))

    def named(problems: Callable[[Durability], tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(
            f"{look.where}: {problem}" for look, one in zip(looks, judged, strict=True) for problem in problems(one)
        )

    return Durability(
        f"{least.server}, a cluster of {len(looks)} primaries",
        named(lambda one: one.unusable),
        named(lambda one: one.problems),
        least.promise,
        any(one.config_barred for one in judged),
        least.sentence.replace("this server", f"one of the cluster's {len(looks)} primaries"),
    )


def _server(info: dict[str, Any]) -> tuple[str, tuple[int, ...]]:
    """Name and version. Valkey reports redis_version 7.2.4 for old clients, and its own beside it."""
    own = info.get("valkey_version")
    version = str(own or info.get("redis_version", "0"))
    parts = tuple(int(part) for part in version.split(".") if part.isdigit())
    return f"{'Valkey' if own else 'Redis'} {version}", parts


def _unusable(server: str, version: tuple[int, ...], info: dict[str, Any], cluster: bool) -> tuple[str, ...]:
    found: list[str] = []
    if version < FLOOR:
        found.append(f"{server} is too old: Valkey or Redis {'.'.join(map(str, FLOOR))} or newer is needed")
    if info.get("role") == "slave":
        found.append("this server is a replica: GATEWAY_REDIS_URL should name the primary, or the sentinels that know it")
    if info.get("cluster_enabled") and not cluster:
        found.append("this server is part of a cluster: write redis+cluster:// in GATEWAY_REDIS_URL instead of redis://")
    return tuple(found)


def _common(info: dict[str, Any], settings: Settings, policy: str) -> list[str]:
    """What can be judged with and without CONFIG."""
    found: list[str] = []
    if policy and policy != "noeviction":
        found.append(
            f"maxmemory-policy is {policy}: a full server would throw promised messages away. Write `maxmemory-policy "
            "noeviction` in the server's configuration (valkey.conf, or the parameter group of a managed store)"
        )
    replicas = int(info.get("connected_slaves", 0))
    if settings.store_acks > replicas:
        found.append(
            f"GATEWAY_STORE_ACKS is {settings.store_acks} and {replicas} replicas are connected: every event would be "
            f"answered 503. Connect replicas, or set GATEWAY_STORE_ACKS={replicas}"
        )
    return found


def _seen(
    server: str, unusable: tuple[str, ...], config: dict[str, str], info: dict[str, Any], settings: Settings
) -> Durability:
    problems = list(unusable)
    loses = ""
    if config.get("appendonly") != "yes":
        loses = "everything since the last snapshot" if config.get("save") else "everything"
        problems.append(
            f"appendonly is {config.get('appendonly')}: a crash loses {loses}. Write `appendonly yes` in the server's "
            "configuration, or run `CONFIG SET appendonly yes` and `CONFIG REWRITE`"
        )
    if config.get("appendfsync") != "always":
        loses = loses or ("up to a second" if config.get("appendfsync") == "everysec" else "up to half a minute")
        problems.append(
            f"appendfsync is {config.get('appendfsync')}: a crash loses up to a second of what was promised, or more. Write "
            "`appendfsync always` in the server's configuration, or run `CONFIG SET appendfsync always` and `CONFIG REWRITE`"
        )
    problems += _common(info, settings, config.get("maxmemory-policy", ""))
    if loses:
        sentence = f"202 means kept in memory: a crash of this server loses {loses} of it."
        return Durability(server, unusable, tuple(problems), StorePromise.BEST_EFFORT, False, sentence)
    sentence = f"202 means on the disk of this server{_acknowledged(settings)}, before the answer."
    if int(info.get("connected_slaves", 0)) and not settings.store_acks:
        sentence += " A failover loses what no replica has heard of yet; GATEWAY_STORE_ACKS=1 waits for one."
    return Durability(server, unusable, tuple(problems), StorePromise.DURABLE, False, sentence)


def _told(server: str, unusable: tuple[str, ...], info: dict[str, Any], settings: Settings) -> Durability:
    problems = [*unusable, *_common(info, settings, str(info.get("maxmemory_policy", "")))]
    if settings.store_promise is None:
        problems.append(
            "CONFIG is barred, so nobody can see what this store keeps. Say it: GATEWAY_STORE_PROMISE=durable (every write "
            "on disk before its answer), replicated (in the memory of several machines) or best_effort; or allow our user "
            "to look: `ACL SETUSER <user> +config|get`"
        )
        sentence = "Nobody has said what 202 means on this store: CONFIG is barred and GATEWAY_STORE_PROMISE is not set."
        return Durability(server, unusable, tuple(problems), StorePromise.BEST_EFFORT, True, sentence)
    meaning = {
        StorePromise.DURABLE: "on the disk of the store",
        StorePromise.REPLICATED: "in the memory of several machines of the store",
        StorePromise.BEST_EFFORT: "kept in memory, which a crash may lose",
    }[settings.store_promise]
    sentence = f"202 means {meaning}{_acknowledged(settings)}: the operator's word, CONFIG is barred and cannot be checked."
    return Durability(server, unusable, tuple(problems), settings.store_promise, True, sentence)


def _unseen(server: str, problem: str) -> Durability:
    sentence = "Nobody can see what 202 means on this store."
    return Durability(server, (problem,), (problem,), StorePromise.BEST_EFFORT, True, sentence)


def _acknowledged(settings: Settings) -> str:
    if not settings.store_acks:
        return ""
    return f" and acknowledged by {settings.store_acks} replica{'s' if settings.store_acks > 1 else ''}"


# WAIT and not WAITAOF: the disk of the primary is written before any reply (appendfsync always), and a replica tells what is
# on ITS disk only once a second, so that WAITAOF 1 1 took 1,005 ms an append where WAIT 1 took 0.7 (Valkey 9.1.2, loopback).


def queue_acks(pipeline: Pipeline, replicas: int) -> None:
    """Put the wait for `replicas` behind the writes of a pipeline. Its reply goes to `judge_acks`.

    The server waits for what the same connection wrote, so a WAIT of its own on a pool would take a connection that has
    written nothing and be answered at once; so would one that is repeated after a lost connection. A pipeline is sent,
    and repeated, as a whole. It must not be a transaction, in which the command does not wait.
    """
    pipeline.wait(replicas, ACKS_TIMEOUT_MS)


def judge_acks(reply: Any, replicas: int) -> None:
    """Read the reply of `queue_acks`: how many replicas have it, or an exception. Raises NotReplicated when too few."""
    if isinstance(reply, Exception):
        raise NotReplicated(f"the store could not wait for its replicas: {reply}") from reply
    if int(reply) < replicas:
        raise NotReplicated(
            f"{int(reply)} of {replicas} replicas acknowledged it within {ACKS_TIMEOUT_MS} ms: kept here, but not promised"
        )
