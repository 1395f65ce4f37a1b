"""What must not be taken back by a failover: its answer waits until GATEWAY_STORE_ACKS replicas have it. Which, stands here.

By SCRIPTS, wherever they are run from: a person's own word (consents, "not me", no longer following, who may be in a family), an
erasure with what they were found by, a data key that is wrapped anew. By `run`, in one round trip: the key that a contact's
things are sealed under, a new agent. By `stand`, behind several steps: brakes and crises with their fact, an API key,
moving all data keys to a new ring. Of the rest events, webhooks, claims and what an agent did wait on ways of their own (kept.py,
bulk.py), the key of a day in vault.py.

WAIT counts from the last write of its own connection, and a step that is repeated writes nothing. So each wait has a write of its
own behind the step, on the same server: replicas take writes in order, so whoever has it has the step, whenever that was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from gateway.errors import NotReplicated
from gateway.store import keys
from gateway.store.durability import judge_acks, queue_acks
from gateway.store.guarded import GuardedRedis

SCRIPTS = frozenset(
    {"contact_erase", "contact_erasing", "family_change", "family_end", "family_leave", "index_drop", "key_swap", "unsubscribe"}
)
FACTS = "contact_facts"
RULES = frozenset({"consent", "proof"})
"""Of contact_facts these alone wait: windows, receipts and threads change with every message, and are told again."""

_TOUCH = "#!lua flags=allow-oom\nreturn redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])"
"""A script, because a stop takes effect in a full store, where SET alone is refused."""
_TOUCH_MS = 60_000

Part = str | bytes | int | float


def waits(script: str, args: Sequence[Part]) -> bool:
    """Whether the answer of this call waits for replicas."""
    return script in SCRIPTS or (script == FACTS and not RULES.isdisjoint(map(str, args[6::5])))


def replicas_of(redis: Redis) -> int:
    """How many replicas must have it: as the settings said when the client was opened."""
    return redis.acks if isinstance(redis, GuardedRedis) else 0


def turns_of(redis: Redis) -> int:
    """How often another server had taken over, as far as this client has met them."""
    return redis.lineage.turns if isinstance(redis, GuardedRedis) else 0


def queue(pipeline: Pipeline, names: Sequence[str], replicas: int) -> int:
    """Put the wait behind what was written beside these keys; how many answers it adds. They go to `judge`."""
    touched = dict.fromkeys(map(keys.acked, names))
    for name in touched:
        pipeline.execute_command("EVAL", _TOUCH, 1, name, _TOUCH_MS)
    queue_acks(pipeline, replicas)
    return len(touched) + 1


def judge(answers: Sequence[Any], replicas: int) -> None:
    """Read what `queue` was answered. Raises NotReplicated: written here, and too few replicas have it."""
    *touched, acknowledged = answers
    for answer in touched:
        if isinstance(answer, Exception):
            raise NotReplicated(f"the store could not wait for its replicas: {answer}") from answer
    judge_acks(acknowledged, replicas)


async def run(redis: Redis, name: str, *commands: Sequence[Part]) -> list[Any]:
    """Commands on one key; their answers once replicas have what they wrote.

    raises: StoreUnavailable; NotReplicated, written here and perhaps nowhere else; a command's own error
    """
    pipeline = redis.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    replicas = replicas_of(redis)
    if replicas:
        queue(pipeline, [name], replicas)
    answers = await pipeline.execute(raise_on_error=False)
    for answer in answers[: len(commands)]:
        if isinstance(answer, Exception):
            raise answer
    if replicas:
        judge(answers[len(commands) :], replicas)
    return answers[: len(commands)]


async def stand(redis: Redis, *names: str, since: int) -> None:
    """Return once replicas have all that was written beside these keys.

    since: `turns_of` before the first of it was written; a server that took over meanwhile may lack it, and is no witness
    raises: StoreUnavailable, NotReplicated: repeat it all
    """
    replicas = replicas_of(redis)
    if not replicas:
        return
    pipeline = redis.pipeline(transaction=False)
    queue(pipeline, names, replicas)
    judge(await pipeline.execute(raise_on_error=False), replicas)
    if turns_of(redis) != since:
        raise NotReplicated("the store failed over meanwhile: look whether it is there, and do it again")
