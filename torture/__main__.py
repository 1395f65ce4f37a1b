"""`python -m torture`: exit code 0 when every count is right, 1 when one is not, 2 for bad arguments."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from gateway import log
from torture import report
from torture.run import Outcome, torture
from torture.sizes import for_seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="torture", description="A whole house under fire, and a count at the handsets.")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long it burns (default 600; settling comes after it)")
    parser.add_argument("--seed", type=int, help="events, faults and victims again as they were (default: a new one)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report, and pictures/torture.svg beside it")
    parser.add_argument("--keep", action="store_true", help="keep the directory with data and logs, also when all is well")
    args = parser.parse_args()
    if not 5 <= args.seconds <= 86_400:
        parser.error("--seconds: should be from 5 to 86400")
    seed = args.seed if args.seed is not None else secrets.randbelow(1_000_000)
    log.configure("text", level="error")
    directory = Path(tempfile.mkdtemp(prefix="torture-"))
    keep = args.keep

    began = time.monotonic()

    def told(line: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {line}", file=sys.stderr, flush=True)

    told(f"seed {seed}, in {directory}")
    try:
        outcome = asyncio.run(torture(directory, for_seconds(args.seconds), seed, told))
        keep = keep or not outcome.ok
        _say(outcome, directory, as_json=args.json)
        if args.report is not None:
            report.write(outcome, args.report)
        return 0 if outcome.ok else 1
    except BaseException:
        keep = True
        print(f"broken off: seed {seed}, data and logs in {directory}", file=sys.stderr)
        raise
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)


def _say(outcome: Outcome, directory: Path, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_json(outcome), indent=2))
    else:
        print(report.lines(outcome))
    if not outcome.ok:
        print(f"seed {outcome.seed}; data and logs: {directory} (logs/ has one file a process)", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
