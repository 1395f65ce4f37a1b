"""All rows in one run, from the store's filling to its emptying. Prints each as soon as it is known."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from bench import dispatch, latency, memory, stage, webhooks
from bench.children import child, first_line
from bench.report import Row, line
from bench.sizes import QUICK, TINY, WHOLE, Sizes

HEAD = "ours beside the bare limit of this machine, in turns; ratios can be compared, figures of different hours cannot\n"


async def measure(sizes: Sizes, told: Callable[[Row], None]) -> list[Row]:
    """Everything, in a directory and with processes of its own. told: each row as it comes."""
    rows: list[Row] = []

    def keep(found: list[Row]) -> None:
        for row in found:
            rows.append(row)
            told(row)

    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(stage.directory())
        noop = await stack.enter_async_context(child(["-m", "bench.noop"]))
        port = int(await first_line(noop))
        graph, environ = f"http://127.0.0.1:{port}", stage.environment(directory, port)
        runtime = await stack.enter_async_context(stage.opened(stage.read_settings(environ)))
        filled, _ = await memory.measure(runtime, sizes)
        keep([await dispatch.measure(runtime, graph, sizes)])
        keep([await webhooks.measure(runtime, sizes)])
        await runtime.connection.redis.flushall()
        await stage.approve_templates(runtime)
        keep(await latency.measure(runtime, environ, graph, sizes))
        keep(filled)
    return rows


def machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform(terse=True)}


def run(*, quick: bool = False, tiny: bool = False, as_json: bool = False) -> int:
    """What `python main.py bench` does. Returns the exit code: 0, also where a target is missed (it says so)."""
    import uvloop

    from gateway import log

    log.configure("text", level="error")
    sizes = TINY if tiny else QUICK if quick else WHOLE

    def told(row: Row) -> None:
        if not as_json:
            print(line(row), flush=True)

    if not as_json:
        found = machine()
        print(f"{found['cores']} cores, Python {found['python']}, {found['system']}; {HEAD}", flush=True)
    rows = uvloop.run(measure(sizes, told))
    if as_json:
        print(json.dumps({"machine": machine(), "rows": [row.as_json() for row in rows]}, indent=2))
    return 0
