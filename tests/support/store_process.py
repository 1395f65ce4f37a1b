"""A second process on an embedded store: opens it, says so, and keeps it open until it is ended.

    python -m tests.support.store_process DATA_DIR

Prints one JSON line {"pid", "owned", "socket"} when the store answers, or {"refused"}. SIGTERM closes it in good order;
SIGINT is a gateway that drains: it writes through the store for DRAIN_S, `drained` = yes at the end, and closes it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import structlog
from redis.asyncio import Redis

from gateway.errors import StoreError
from gateway.store.embedded import open_embedded

DRAIN_S = 0.5  # a server that heard SIGINT too is gone after 0.1 s


def _say(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


async def main(data_dir: Path) -> int:
    stop: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.put_nowait, number)
    try:
        server = await open_embedded(data_dir)
    except StoreError as error:
        _say(refused=str(error))
        return 1
    _say(pid=os.getpid(), owned=server.owned, socket=str(server.socket))
    if await stop.get() == signal.SIGINT:
        client = Redis.from_url(server.url)
        until = time.monotonic() + DRAIN_S
        while time.monotonic() < until:
            await client.incr("drained")
        await client.set("drained", "yes")
        await client.aclose()
    await server.close()
    return 0


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
