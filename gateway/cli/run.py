"""`python main.py run`: the gateway, all roles or some."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import structlog

from gateway import log, settings
from gateway.app import open_runtime
from gateway.settings import ROLES, Environment, Settings


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

            for missing, mend in reaches_nobody(len(runtime.directory), loaded):
                structlog.get_logger("run").warning(missing, mend=mend)
            await roles.run(runtime, names)

    _run(main)
    return 0


def reaches_nobody(senders: int, loaded: Settings) -> Iterator[tuple[str, str]]:
    """What keeps a gateway that is otherwise well from writing to anybody: event name and mend, for a first start."""
    if senders == 0:
        yield "gateway.no_sender", "python main.py connect whatsapp, or connect messenger"
    if loaded.env is not Environment.PRODUCTION and not loaded.only_to:
        yield "gateway.nobody_may_be_written_to", "GATEWAY_ONLY_TO=+44... with your own phone; it counts outside production"


def _run(main: Any) -> None:
    try:
        import uvloop
    except ImportError:  # not built for this platform: asyncio's own loop is slower and otherwise the same
        asyncio.run(main())
    else:
        uvloop.run(main())
