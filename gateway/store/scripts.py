"""Loads lua/: one atomic change a file. Runs them by EVALSHA, loads them again where a server does not know them.

A file's header says what it does and why in one step, then each KEYS with its type, each ARGV with its unit, what it returns.
`-- include NAME` takes lua/_NAME.lua in. Every script may run twice: redis-py repeats a call whose answer was lost.
EVALSHA and not FCALL: on a cluster the client asks the server twice for the keys of each FCALL.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from gateway.errors import StoreUnavailable
from gateway.store import promised

_FOLDER = Path(__file__).parent / "lua"
_INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)

Part = str | bytes | int | float


@cache
def source(name: str) -> str:
    """The text of one script with its includes; FileNotFoundError when there is none."""
    text = (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda match: (_FOLDER / f"_{match.group(1)}.lua").read_text(encoding="utf-8"), text)


@cache
def sha(name: str) -> str:
    return hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest()


def names() -> list[str]:
    return sorted(path.stem for path in _FOLDER.glob("*.lua") if not path.stem.startswith("_"))


async def load_all(redis: Redis) -> None:
    for name in names():
        await redis.script_load(source(name))


LOADS = 3
"""How often they are loaded for one call: a server that starts again in between knows none of them again."""
FORGETS = "the store starts again and again: it knew none of our scripts whenever they had been loaded"

Call = tuple[str, Sequence[str], Sequence[Part]]
"""(script, KEYS, ARGV)"""


async def run(redis: Redis, name: str, keys: Sequence[str], args: Sequence[Part]) -> Any:
    return (await run_many(redis, [(name, keys, args)]))[0]


async def run_many(redis: Redis, calls: Sequence[Call]) -> list[Any]:
    """Run several scripts in one round trip; each is atomic, together they are not. Raises the first error.

    What may not be taken back is answered once replicas have it: promised.py says which.
    """
    if not calls:
        return []
    results = await _pipeline(redis, calls)
    for _ in range(LOADS):
        unknown = [place for place, result in enumerate(results) if isinstance(result, NoScriptError)]
        if not unknown:
            break
        await load_all(redis)  # a new or just promoted server: it knows no scripts yet
        again = await _pipeline(redis, [calls[place] for place in unknown])
        for place, result in zip(unknown, again, strict=True):
            results[place] = result
    for result in results:
        if isinstance(result, NoScriptError):
            raise StoreUnavailable(FORGETS) from result
        if isinstance(result, Exception):
            raise result
    return results


async def _pipeline(redis: Redis, calls: Sequence[Call]) -> list[Any]:
    pipeline = redis.pipeline(transaction=False)
    for name, keys, args in calls:
        pipeline.execute_command("EVALSHA", sha(name), len(keys), *keys, *args)
    replicas = promised.replicas_of(redis)
    named = [keys[0] for name, keys, args in calls if promised.waits(name, args)] if replicas else []
    if named:
        promised.queue(pipeline, named, replicas)
    answers = list(await pipeline.execute(raise_on_error=False))
    if named:
        promised.judge(answers[len(calls) :], replicas)
    return answers[: len(calls)]
