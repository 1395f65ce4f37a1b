"""Where the time of one message goes: dispatch and the bare POST sampled in turns, by the time that this process computes.

    python -m bench.profile [--messages N] [--rounds R] [--functions]

A timer of the kernel interrupts the process after so much computed time (not while it waits), and the step in which it was found
is counted. A step's share of the samples times the computed time of one message is its microseconds. Nothing is wrapped and
nothing is called twice: what is measured is the program as it runs. The store and the no-op server compute in processes of their
own and are not in it. `--functions` shows the single functions as well.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from bench import dispatch, memory, stage
from bench.children import ROOT, child, first_line
from bench.sizes import Sizes
from bench.stage import NUMBER

EVERY_S = 0.001
"""What is asked for; the kernel rounds it up to its own tick (1 to 10 ms)."""
LOOP = "event loop, tasks, collector"

# (step, part of the file's path, function or "" for the whole file): the innermost frame that matches names the step.
STEPS: tuple[tuple[str, str, str], ...] = (
    ("POST: aiohttp itself", "/aiohttp/", ""),
    ("POST: around it, in the Graph client", "/connectors/meta/graph.py", ""),
    ("look and tokens", "/store/outbox.py", "peek"),
    ("look and tokens", "/dispatch/worker.py", "_look"),
    ("look and tokens", "/dispatch/worker.py", "_wants"),
    ("look and tokens", "/store/senders.py", "draw"),
    ("brakes, prices, evidence clock", "/dispatch/brakes.py", "refresh"),
    ("brakes, prices, evidence clock", "/dispatch/evidence.py", ""),
    ("claim", "/store/outbox.py", "claim"),
    ("claim", "/store/outbox.py", "parse_record"),
    ("what delivering must know: read", "/store/outbox.py", "superseded"),
    ("what delivering must know: read", "/store/contacts.py", ""),
    ("what delivering must know: read", "/store/profile_codec.py", ""),
    ("what delivering must know: read", "/dispatch/prepare.py", ""),
    ("eligibility: asked and answered", "/planning/asked.py", ""),
    ("eligibility: asked and answered", "/rules/", ""),
    ("content and the channel's JSON", "/dispatch/content.py", ""),
    ("content and the channel's JSON", "/connectors/", "render"),
    ("the answer read", "/connectors/", "classify"),
    ("price", "/dispatch/purse.py", ""),
    ("price", "/gateway/prices/", ""),
    ("body: opened", "/dispatch/deliver.py", "_task"),
    ("POST: around it, in dispatch", "/dispatch/outgoing.py", ""),
    ("POST: around it, in dispatch", "/dispatch/deliver.py", "post"),
    ("POST: around it, in dispatch", "/dispatch/deliver.py", "_post"),
    ("after the answer: next step, sealed, hashed", "/dispatch/afterwards.py", ""),
    ("settle", "/store/outbox.py", "settle"),
    ("mention for the desk", "/store/mentions.py", ""),
    ("mention for the desk", "/store/conversation_codec.py", ""),
    ("decided, the rest", "/dispatch/deliver.py", ""),
    (LOOP, "/dispatch/worker.py", ""),
)


@dataclass
class Samples:
    """steps, functions: how often each was found. computed_s: this process's own time over so many messages."""

    steps: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)
    computed_s: float = 0.0
    messages: int = 0

    @property
    def per_message_us(self) -> float:
        return self.computed_s * 1e6 / max(self.messages, 1)

    def take(self, _: int, frame: FrameType | None) -> None:
        """The handler of the timer's signal."""
        place, step, seen = frame, "", set()
        while place is not None:
            code = place.f_code
            step = step or _step(code.co_filename, code.co_name)
            seen.add(f"{os.path.relpath(code.co_filename, ROOT)}:{code.co_name}")
            place = place.f_back
        self.steps[step or LOOP] += 1
        for name in seen:
            self.functions[name] += 1

    def shares(self) -> list[tuple[str, float]]:
        """(step, microseconds a message), the dearest first."""
        whole = max(sum(self.steps.values()), 1)
        return [(step, count / whole * self.per_message_us) for step, count in self.steps.most_common()]


_known: dict[tuple[str, str], str] = {}


def _step(path: str, function: str) -> str:
    found = _known.get((path, function))
    if found is None:
        found = next((step for step, part, name in STEPS if part in path and name in ("", function)), "")
        _known[path, function] = found
    return found


@contextmanager
def sampled(into: Samples, messages: int) -> Iterator[None]:
    """Sample this process while the block runs. In the main thread only."""
    before = signal.signal(signal.SIGPROF, into.take)
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
    started = time.process_time()
    try:
        yield
    finally:
        into.computed_s += time.process_time() - started
        into.messages += messages
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


async def measure(messages: int, rounds: int) -> tuple[Samples, Samples, list[tuple[float, float]]]:
    """Samples of ours and of the bare POST, and (ours, bare) messages a second of each round."""
    flights = 3
    contacts = ((messages + 400) * rounds + 1000) // flights
    sizes = Sizes(max(contacts // 160, 1), 167, flights, rounds, messages, 300, 0, 0, 0, 0)
    ours, bare, speeds = Samples(), Samples(), []
    async with stage.directory() as directory, child(["-m", "bench.noop"]) as noop:
        port = int(await first_line(noop))
        graph = f"http://127.0.0.1:{port}"
        async with stage.opened(stage.read_settings(stage.environment(directory, port))) as runtime:
            await memory.measure(runtime, sizes)
            watched, outbox = dispatch.counting(runtime)
            await dispatch.dispatch_round(watched, outbox, sizes.warm)
            body = await dispatch.last_body(graph)
            url = f"{graph}/{runtime.settings.graph_version}/{NUMBER}/messages"
            headers = {"Authorization": "Bearer bench-token", "Content-Type": "application/json", "User-Agent": "bench"}
            await dispatch.bare_round(url, body, headers, sizes.warm)
            for _ in range(rounds):
                with sampled(bare, messages):
                    slow = await dispatch.bare_round(url, body, headers, messages)
                with sampled(ours, messages):
                    speeds.append((await dispatch.dispatch_round(watched, outbox, messages), slow))
    return ours, bare, speeds


def show(ours: Samples, bare: Samples, speeds: list[tuple[float, float]], *, functions: bool) -> None:
    count = sum(ours.steps.values())
    print(f"computed by one process, microseconds a message ({ours.messages:,} messages, {count:,} samples)\n")
    for step, microseconds in ours.shares():
        print(f"{step:<52} {microseconds:7.1f}")
    print(f"{'all of it':<52} {ours.per_message_us:7.1f}")
    print(f"{'a bare POST by aiohttp, all of it':<52} {bare.per_message_us:7.1f}")
    print(f"{'ratio of the two (computed time alone)':<52} {bare.per_message_us / ours.per_message_us:7.2f}")
    ratios = [one / other for one, other in speeds]
    print(f"{'ratio of messages a second, rounds':<52} " + " ".join(f"{ratio:.2f}" for ratio in ratios), end="")
    print(f"  (median {statistics.median(ratios):.2f}; sampling included)")
    if functions:
        print("\nfunctions, with what they call, microseconds a message")
        for name, found in ours.functions.most_common(70):
            print(f"{found / count * ours.per_message_us:8.1f}  {name}")


def main() -> int:
    import uvloop

    from gateway import log

    parser = argparse.ArgumentParser(prog="python -m bench.profile", description="Where the time of one message goes.")
    parser.add_argument("--messages", type=int, default=2500, help="messages a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--functions", action="store_true", help="single functions as well")
    args = parser.parse_args()
    log.configure("text", level="error")
    show(*uvloop.run(measure(args.messages, args.rounds)), functions=args.functions)
    return 0


if __name__ == "__main__":
    sys.exit(main())
