"""`python main.py sandbox`: the pretend channel, with its own arguments. Started by name: the gateway knows no line of it."""

from __future__ import annotations

import argparse
import runpy
import sys
from typing import Any


def add_parser(commands: Any) -> None:
    # No option is ours: whatever follows, --help too, is the sandbox's. A prefix that nobody types makes it so.
    parser: argparse.ArgumentParser = commands.add_parser(
        "sandbox", help="Meta's API in small, with phones to play with", add_help=False, prefix_chars="\0"
    )
    parser.add_argument("arguments", nargs="*")
    parser.set_defaults(work=_sandbox)


def _sandbox(args: argparse.Namespace) -> int:
    before = sys.argv
    sys.argv = ["python main.py sandbox", *args.arguments]
    try:
        runpy.run_module("sandbox", run_name="__main__", alter_sys=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before
    return 0
