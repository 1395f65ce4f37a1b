"""`python main.py run`: the gateway, all roles or some."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from gateway import log, settings
from gateway.app import open_runtime
from gateway.settings import ROLES


def add_parser(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "run", help="run the gateway", description="Run the gateway: all roles, or some of them in each of several processes.",
        epilog="example: python main.py run --roles dispatch,scheduler",
    )  # fmt: skip
    parser.add_argument(
        "--roles", default=",".join(ROLES), metavar="NAMES", help=f"comma separated, of {', '.join(ROLES)} (default: all)"
    )
    parser.set_defaults(work=run)


def run(args: argparse.Namespace) -> int:
    names = [name.strip() for name in args.roles.split(",") if name.strip()]
    unknown = sorted(set(names) - set(ROLES))
    if unknown or not names:
        print(f"--roles: {', '.join(unknown) or 'nothing'} is none of {', '.join(ROLES)}", file=sys.stderr)
        return 2
    loaded = settings.read()
    log.configure(loaded.log_format)

    async def main() -> None:
        async with open_runtime(loaded) as runtime:
            from gateway import roles  # every part of the house: only who runs it waits for them

            await roles.run(runtime, names)

    _run(main)
    return 0


def _run(main: Any) -> None:
    try:
        import uvloop
    except ImportError:  # not built for this platform: asyncio's own loop is slower and otherwise the same
        asyncio.run(main())
    else:
        uvloop.run(main())
