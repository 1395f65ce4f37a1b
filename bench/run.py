"""All rows in one run, from the store's filling to its emptying, or some parts of it. Prints each as soon as it is known."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from typing import Any

from bench import dispatch, fanout, latency, memory, stage, webhooks
from bench.children import child, first_line
from bench.report import Row, line
from bench.sizes import QUICK, TINY, WHOLE, Sizes

HEAD = "ours beside the bare limit of this machine, in turns; ratios can be compared, figures of different hours cannot\n"
PARTS = ("dispatch", "webhooks", "latency", "fanout", "memory")


async def measure(sizes: Sizes, told: Callable[[Row], None], only: Collection[str] = PARTS) -> list[Row]:
    """These parts, in a directory and with processes of its own. told: each row as it comes."""
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
        filled: list[Row] = []
        if {"dispatch", "memory"} & set(only):  # what is dispatched is what was filled in
            filled, _ = await memory.measure(runtime, sizes)
        if "dispatch" in only:
            keep([await dispatch.measure(runtime, graph, sizes)])
        if "webhooks" in only:
            keep([await webhooks.measure(runtime, sizes)])
        if "fanout" in only:
            await stage.emptied(runtime)
            keep(await fanout.measure(runtime, environ, graph, sizes))
        if "latency" in only:
            await stage.emptied(runtime)
            keep(await latency.measure(runtime, environ, graph, sizes))
        if "memory" in only:
            keep(filled)
    return rows


def machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform(terse=True)}


def run(*, quick: bool = False, tiny: bool = False, as_json: bool = False, only: Collection[str] = PARTS) -> int:
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
    rows = uvloop.run(measure(sizes, told, only))
    if as_json:
        print(json.dumps({"machine": machine(), "rows": [row.as_json() for row in rows]}, indent=2))
    return 0
