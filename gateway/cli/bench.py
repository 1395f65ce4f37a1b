"""`python main.py bench`: ours beside the bare limit of this machine. What is measured, and how, is in bench/."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

PARTS = ("dispatch", "webhooks", "latency", "fanout", "memory", "documents", "webcare", "patches", "peers", "curves")


def add_parser(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench",
        help="ours beside the bare limit of this machine",
        description="Measure dispatch, webhooks, latency, fan-out, memory and documents on a store of its own, each "
        "beside the bare limit. "
        "Nothing leaves this machine. About five minutes; --quick about two; --long an hour, with routing for 200 agents, with "
        "what else one would pick and with curves up to a million subscriptions.",
        epilog="example: python main.py bench --quick --only dispatch",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--long", action="store_true", help="also peers and curves, and fan-out to 100,000 (make bench-long)")
    parser.add_argument("--max", type=int, default=1_000_000, metavar="N", help="curves end at so many subscriptions")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.add_argument(
        "--report", type=Path, metavar="PAGE", help="also write the figures into this page, between its bench comments"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=PARTS,
        default=[],
        metavar="PART",
        help=f"measure this part alone, may be given several times: {', '.join(PARTS)}",
    )
    parser.set_defaults(work=run)


def run(args: argparse.Namespace) -> int:
    from bench import run as bench  # not needed to run a gateway: loaded only when asked for

    return bench.run(
        quick=args.quick, long=args.long, as_json=args.json, only=tuple(args.only), most=args.max, report=args.report
    )
