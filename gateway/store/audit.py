"""A fact about what somebody did by hand that no other script writes down: a brake, a key, a message to one's own phone.

No personal data: `who` is a name of the operator's own people, and the words are theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import partition_of
from gateway.store import keys, scripts

PARTITION = 0
"""Where facts lie that are about nothing of a partition's own."""


async def write_fact(
    redis: Redis, clock: Clock, kind: str, *, ids: Sequence[str] = (), detail: Mapping[str, str | int]
) -> None:
    """Append one fact to the stream of its first id's partition. Values may hold several words; "=" and "|" are taken out."""
    words = " ".join(f"{name}={plain(str(value))}" for name, value in detail.items() if value != "")
    args: list[scripts.Part] = [clock.offset_ms, kind, " ".join(ids), words]
    await scripts.run(redis, "conv_audit", [stream_of(ids)], args)


def stream_of(ids: Sequence[str]) -> str:
    """Where the fact about these ids lies."""
    return keys.part(partition_of(ids[0]) if ids else PARTITION, "facts")


def plain(text: str) -> str:
    """Words that a packed fact can hold."""
    return " ".join(text.replace("|", " ").replace("=", " ").split())[:200]
