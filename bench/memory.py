"""Bytes in the store, beside those of the prototype that the layout was chosen with: INFO's used_memory before and after.

A subscription is both sides of the index, three a contact, by the subject, without the fact that says so: the prototype
wrote none. A queued message is everything that planning writes for it, facts included. The prototype's bodies were about 300
bytes; ours hold every form of the message ready to be sent, so the figure with a body of that size is given too.
"""

from __future__ import annotations

from typing import Any

from bench.report import Row
from bench.sizes import Sizes
from bench.stage import Crowd, Person, plan_events, used_bytes
from gateway.model.ids import MessageId
from gateway.runtime import Runtime
from gateway.store import keys

SUBSCRIPTION = 153.0
QUEUED = 1151.0
PROTOTYPE_BODY = 300.0
TARGET = 1.3


async def measure(runtime: Runtime, sizes: Sizes) -> tuple[list[Row], list[Person]]:
    """Fills the store: afterwards sizes.messages are queued."""
    crowd = Crowd(runtime)
    before = await used_bytes(runtime)
    people = await crowd.add_people(sizes.groups, sizes.group_size, sizes.flights)
    contacts = await used_bytes(runtime)
    facts_before = await _fact_bytes(runtime)
    await crowd.subscribe(people)
    subscribed = await used_bytes(runtime)
    facts_a, fact_bytes = await _facts(runtime), await _fact_bytes(runtime) - facts_before
    await plan_events(runtime, sizes.groups, sizes.flights)
    planned = await used_bytes(runtime)
    count = await runtime.outbox.depth(runtime.directory.ids)
    if count != sizes.messages:
        raise RuntimeError(f"{count} messages are queued where {sizes.messages} were planned")
    facts_b = await _facts(runtime)
    body = await _body_bytes(runtime)
    per_contact = (contacts - before) / len(people)
    per_fact = fact_bytes / sizes.messages
    per_subscription = (subscribed - contacts) / sizes.messages - per_fact
    per_message = (planned - subscribed) / sizes.messages
    plain = per_message - body + PROTOTYPE_BODY
    facts = (facts_b - facts_a) / sizes.messages
    rows = [
        _row("subscription", per_subscription, SUBSCRIPTION, f"{sizes.messages:,}, without its fact of {per_fact:.0f} B"),
        _row("queued message", per_message, QUEUED, f"{sizes.messages:,}, {facts:.1f} facts each, sealed body {body:.0f} B"),
        _row("queued message, body as the prototype's", plain, QUEUED, f"{PROTOTYPE_BODY:.0f} B in place of {body:.0f}"),
        _row("contact", per_contact, 1002.0, "with key, consent, ledger and one order; no promise was made", target=None),
    ]
    return rows, people


def _row(name: str, ours: float, floor: float, note: str, target: float | None = TARGET) -> Row:
    return Row(f"memory: {name}", "B", ours, floor, ours / floor, target, False, "the prototype", note=note)


async def _facts(runtime: Runtime) -> int:
    redis = runtime.connection.redis
    return sum([int(await redis.xlen(keys.part(partition, "facts"))) for partition in keys.all_partitions()])


async def _fact_bytes(runtime: Runtime) -> int:
    """What the streams of facts hold now: in a whole gateway they are trimmed once they are folded."""
    redis: Any = runtime.connection.redis
    sizes = [await redis.memory_usage(keys.part(partition, "facts"), samples=0) for partition in keys.all_partitions()]
    return sum(int(size or 0) for size in sizes)


async def _body_bytes(runtime: Runtime) -> float:
    """The mean sealed body of some queued messages."""
    redis: Any = runtime.connection.redis
    sizes = []
    for partition in list(keys.all_partitions())[:8]:
        for sender in runtime.directory.ids:
            for member in await redis.zrange(keys.part(partition, f"q:{sender}"), 0, 9):
                found = await runtime.outbox.record(MessageId(member.decode()[39:]))
                if found is not None:
                    sizes.append(len(found[1]))
    return sum(sizes) / len(sizes) if sizes else 0.0
