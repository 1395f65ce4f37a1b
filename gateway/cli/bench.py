"""`python main.py bench`: ours beside the bare limit of this machine. What is measured, and how, is in bench/."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench",
        help="ours beside the bare limit of this machine",
        description="Measure dispatch, webhooks, latency and memory on a store of its own, each beside the bare limit. "
        "Nothing leaves this machine. About three minutes; --quick about one.",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.add_argument(
        "--only",
        action="append",
        choices=("dispatch", "webhooks", "latency", "fanout", "memory"),
        default=[],
        metavar="PART",
        help="measure this part alone: dispatch, webhooks, latency, fanout or memory; may be given several times",
    )
    parser.set_defaults(work=run)


def run(args: argparse.Namespace) -> int:
    from bench import run as bench  # not needed to run a gateway: loaded only when asked for

    return bench.run(quick=args.quick, as_json=args.json, only=args.only or bench.PARTS)
