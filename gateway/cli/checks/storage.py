"""The store: reached, ours, keeping what it promises, with room left."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, Level, fail, note, ok, warn
from gateway.errors import GatewayError
from gateway.settings import Environment
from gateway.store import keys, layout
from gateway.store.client import Connection
from gateway.store.durability import Durability
from gateway.store.reply import words
from gateway.store.servers import fullest, infos, unwritten

MEMORY_WARN, MEMORY_FAIL = 0.65, 0.8
"""From 80% intake answers 429: what is new is refused so that what is promised can be finished."""
DISK_WARN_SHARE, DISK_FAIL_SHARE = 0.10, 0.02
DISK_WARN_BYTES, DISK_FAIL_BYTES = 2 << 30, 256 << 20
_LOCAL = ("127.0.0.1", "localhost", "::1")


async def store(case: Case) -> list[Finding]:
    """Somebody answers where the settings say."""
    found = await case.store_or_error()
    if isinstance(found, GatewayError):
        return fail("store", str(found), "docs/stores.md: forms of GATEWAY_REDIS_URL, and what to do when it does not start")
    return ok("store", f"{found.durability.server} at {found.where}")


async def store_keeps(case: Case) -> list[Finding]:
    """Durable, not evicting, new enough, with the replicas that were promised."""
    return judge_durability((await case.store()).durability, case.settings.env)


def judge_durability(durability: Durability, env: Environment) -> list[Finding]:
    """One finding a problem. What bars production is a warning elsewhere, unless the server may not be used at all."""
    check, found = "store-keeps", []
    for problem in durability.problems:
        what, _, mend = problem.partition(": ")
        barred = problem in durability.unusable or env is Environment.PRODUCTION
        found.append(Finding(Level.FAIL if barred else Level.WARN, check, what, mend or "docs/stores.md"))
    if durability.config_barred and not durability.problems:
        return note(check, durability.sentence)
    return found or ok(check, durability.sentence)


async def environment(case: Case) -> list[Finding]:
    """A store belongs to one environment, and its keys lie as this program knows them."""
    check, redis = "environment", (await case.store()).redis
    stamp = {words(name): words(value) for name, value in (await redis.hgetall(keys.LAYOUT)).items()}
    env, theirs = case.settings.env.value, stamp.get("env")
    if not stamp:
        return note(check, "the store is empty: the first start makes it belong to " + env)
    found: list[Finding] = []
    if theirs != env:
        mend = "use another GATEWAY_REDIS_URL or GATEWAY_DATA_DIR for each environment, or mend GATEWAY_ENV"
        found += fail(check, f"the store belongs to {theirs} and GATEWAY_ENV is {env}", mend)
    version = stamp.get("version", "")
    if version != str(layout.VERSION):
        newer = version.isdigit() and int(version) > layout.VERSION
        mend = "use the newer program that wrote it" if newer else "run `python main.py migrate` (with --dry-run first)"
        found += fail(check, f"the store has layout {version or 'unknown'}, this program layout {layout.VERSION}", mend)
    return found or ok(check, f"the store belongs to {env}, layout {version}")


async def store_memory(case: Case) -> list[Finding]:
    """Room for what is promised. Without `maxmemory` the machine's memory is the limit."""
    check, redis = "store-memory", (await case.store()).redis
    info = await fullest(redis)
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    limit = most or int(info.get("total_system_memory", 0))
    if not limit:
        return note(check, f"{_size(used)} used; the store does not say how much there is")
    share = used / limit
    what = f"{_size(used)} of {_size(limit)} used ({share:.0%}{'' if most else ', of the machine'})"
    mend = "raise `maxmemory`, or see what waits: `python main.py dead-letters list`, and the board's outbox"
    if share >= MEMORY_FAIL:
        return fail(check, what + ": new events are refused with 429", mend)
    return warn(check, what, mend) if share >= MEMORY_WARN else ok(check, what)


async def store_writes(case: Case) -> list[Finding]:
    """The last time that the server wrote to its disk it could."""
    check, redis = "store-writes", (await case.store()).redis
    broken = unwritten(await infos(redis, "persistence"))
    if broken:
        return fail(check, f"the store could not write to its disk ({', '.join(broken)})", "look at its log and its disk")
    return ok(check, "the store writes to its disk")


async def disk(case: Case) -> list[Finding]:
    """Room on the disk of the data directory, and of the store where it is on this machine."""
    places: dict[Path, str] = {case.settings.data_dir: "GATEWAY_DATA_DIR"}
    found: list[Finding] = []
    connection = await case.store_or_error()
    if isinstance(connection, Connection) and (beside := await _store_directory(case, connection)) is not None:
        places.setdefault(beside, "the store's directory")
    for path, whose in places.items():
        try:
            free, total = case.world.disk(_existing(path))
        except OSError as error:
            found += warn("disk", f"{whose} {path} cannot be looked at ({error.strerror})", "mend its rights")
            continue
        found += judge_disk(f"{whose} {path}", free, total)
    return found


def _existing(path: Path) -> Path:
    """The path, or what there is of it: a data directory is made by the first start."""
    return next((one for one in (path, *path.resolve().parents) if one.exists()), path)


def judge_disk(whose: str, free: int, total: int) -> list[Finding]:
    """Full is little in absolute figures and little in share: a large disk may be 95% full and have room for years."""
    share = free / total if total else 0.0
    what = f"{whose}: {_size(free)} free ({share:.0%})"
    mend = "make room, or move GATEWAY_DATA_DIR: a store that cannot write promises nothing more"
    if free < DISK_FAIL_BYTES or (share < DISK_FAIL_SHARE and free < DISK_WARN_BYTES):
        return fail("disk", what, mend)
    if free < DISK_WARN_BYTES or (share < DISK_WARN_SHARE and free < 5 * DISK_WARN_BYTES):
        return warn("disk", what, mend)
    return ok("disk", what)


async def _store_directory(case: Case, connection: Connection) -> Path | None:
    """Where a named server on this machine keeps its files; None for the embedded one, a far one, or one that hides it."""
    if case.settings.redis_url is None or connection.durability.config_barred:
        return None
    parts = urlsplit(case.settings.redis_url.reveal())
    if parts.scheme != "unix" and parts.hostname not in _LOCAL:
        return None
    reply = await connection.redis.config_get("dir")
    found = next((str(value) for name, value in reply.items() if str(name) == "dir"), "")
    return Path(found) if found else None


def _size(count: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count // 1024} kB"
