"""A process that plans fan-outs and nothing else, and says how long each took and how large it grew.

    python -m bench.fanning       reads lines "GROUP NUMBER", answers each with a JSON line

It opens the store that its environment names, as a gateway does, and expands one event about that flight to its end. No sender is
waited for: what is measured is the planning. {"people": planned, "seconds": on the clock, "busy": of this process, "rss": its
largest size so far in bytes, "before": its size when it began}
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from bench import stage
from gateway import log, settings
from gateway.app import open_runtime

PAGE = resource.getpagesize()


def size() -> int:
    """Resident bytes of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


class Largest:
    """Looks at its own size now and then. (What the kernel keeps as the peak would be that of starting.)"""

    EVERY_S = 0.05

    def __init__(self) -> None:
        self.bytes = size()

    async def watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, size())
            await asyncio.sleep(self.EVERY_S)


async def main() -> None:
    log.configure("text", level="error")
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with open_runtime(settings.read(stage.environ(), None)) as runtime:
        while line := (await reader.readline()).decode().split():
            before, largest = size(), Largest()
            watching = asyncio.create_task(largest.watch())
            queued = await runtime.outbox.depth(runtime.directory.ids)
            await runtime.events.append_once([stage.event_about(runtime, int(line[0]), int(line[1]))])
            started, busy = time.perf_counter(), time.process_time()
            await stage.expand_all(runtime)
            seconds, busy = time.perf_counter() - started, time.process_time() - busy
            watching.cancel()
            people = await runtime.outbox.depth(runtime.directory.ids) - queued
            told = {"people": people, "seconds": seconds, "busy": busy, "rss": max(largest.bytes, size()), "before": before}
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
