"""Add events to the Redis stream that a gateway reads (docs/sources.md).

    REDIS_URL=redis://127.0.0.1:6379 python examples/xadd_event.py tests/samples/events/ce-flight-delayed.json

An XADD whose answer was lost may have been carried out: it is simply done again. Each event has its own source and id, so
the gateway counts it once however often it lies in the stream.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

STREAM = os.environ.get("STREAM", "thuisfront:events")


def connect(url: str) -> Redis:
    """A client that asks again for about a minute while the server is away."""
    patience = Retry(ExponentialWithJitterBackoff(base=0.2, cap=10), 10)
    return Redis.from_url(url, decode_responses=True, socket_timeout=5, retry=patience)


def add_events(redis: Redis, events: list[dict[str, Any]]) -> list[str]:
    """Add them in their order; their places in the stream. No MAXLEN: the gateway deletes what it has kept."""
    return [str(redis.xadd(STREAM, {"event": json.dumps(event)})) for event in events]


def main() -> None:
    with connect(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")) as redis:
        for path in sys.argv[1:]:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            for place in add_events(redis, found if isinstance(found, list) else [found]):
                print(place)


if __name__ == "__main__":
    main()
