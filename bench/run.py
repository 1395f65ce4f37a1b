"""All rows in one run, from the store's filling to its emptying, or some parts of it. Prints each as soon as it is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import against, curves, dispatch, document, documents, fanout, latency, memory, patches, stage, webcare, webhooks
from bench.children import child, first_line
from bench.report import Row, line, machine
from bench.sizes import LONG, QUICK, TINY, WHOLE, Sizes

HEAD = "ours beside the bare limit of this machine, in turns; ratios can be compared, figures of different hours cannot\n"
PARTS = ("dispatch", "webhooks", "latency", "fanout", "memory", "documents")
LONG_PARTS = (*PARTS, "webcare", "peers", "curves")


@dataclass(slots=True)
class Found:
    rows: list[Row] = field(default_factory=list)
    points: list[curves.Point] = field(default_factory=list)


async def measure(sizes: Sizes, told: Callable[[str], None], only: Collection[str] = PARTS, most: int = 1_000_000) -> Found:
    """These parts, in a directory and with processes of its own. told: lines as they come; most: subscriptions of the curves."""
    found = Found()

    def keep(rows: list[Row]) -> None:
        for row in rows:
            found.rows.append(row)
            told(line(row))

    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(stage.directory())
        noop = await stack.enter_async_context(child(["-m", "bench.noop"]))
        port = int(await first_line(noop))
        graph, environ = f"http://127.0.0.1:{port}", stage.environment(directory, port) | webcare.plan_file(directory)
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
        if "documents" in only:
            keep(await documents.measure(sizes))
        if "webcare" in only:
            await stage.emptied(runtime)
            keep(await webcare.measure(runtime, environ, sizes))
        if "webcare" in only or "patches" in only:
            await stage.emptied(runtime)
            keep(await patches.measure(runtime, environ, webcare.team(runtime), sizes))
        if "peers" in only:
            await stage.emptied(runtime)
            enough = -(-against.taken(sizes) // (sizes.group_size * sizes.flights))
            await memory.measure(runtime, replace(sizes, groups=enough))
            keep(await against.measure(runtime, graph, sizes))
        if "curves" in only:
            await stage.emptied(runtime)
            found.points = await curves.measure(runtime, graph, most, told)
    return found


def run(
    *,
    quick: bool = False,
    tiny: bool = False,
    long: bool = False,
    as_json: bool = False,
    only: Collection[str] = (),
    most: int = 1_000_000,
    report: Path | None = None,
) -> int:
    """What `python main.py bench` does. Returns the exit code: 0, also where a target is missed (it says so).

    long: with peers and curves, and fan-out to 100,000; most: subscriptions of the curves; report: a page to bring up to date
    """
    import uvloop

    from gateway import log

    log.configure("text", level="error")
    parts = only or (LONG_PARTS if long else PARTS)
    if "peers" in parts and not against.installed():
        print(against.MISSING)
        return 2
    if report is not None:
        document.check(report)
    sizes = TINY if tiny else QUICK if quick else LONG if long else WHOLE

    def told(text: str) -> None:
        if not as_json:
            print(text, flush=True)

    about = machine()
    told(f"{about['cores']} cores, Python {about['python']}, {about['system']}; {HEAD}")
    found = uvloop.run(measure(sizes, told, parts, most))
    if as_json:
        values = {"rows": [row.as_json() for row in found.rows], "curves": [point.as_json() for point in found.points]}
        print(json.dumps({"machine": about, **values}, indent=2))
    if report is not None:
        document.bring_up_to_date(report, about, found.rows, found.points)
        told(f"{report} is up to date")
    return 0
