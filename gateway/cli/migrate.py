"""`python main.py migrate`: brings the store to the layout of this program, one version after another."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.cli import arguments, opening, printing
from gateway.errors import Conflict, LayoutMismatch, StoreRefused
from gateway.settings import Environment
from gateway.store import layout
from gateway.store.client import connect
from gateway.store.stamp import Stamp, at_work, read_stamp


def add_parser(commands: Any) -> None:
    parser = arguments.command(
        commands,
        "migrate",
        help="bring the store to this program's layout",
        about="Stop the gateway first. Each step may run twice: after a crash, run it again.",
        example="migrate --dry-run",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.set_defaults(work=_migrate)


def _migrate(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        # Not by open_store: that refuses an old layout, which is what brings people here.
        connection = await connect(settings)
        try:
            stamp = await read_stamp(connection.redis)
            _check(stamp, settings.env)
            busy = await at_work(connection.redis)
            if busy and not args.dry_run and stamp is not None and stamp.version < layout.VERSION:
                working = printing.counted(busy, "process works", "processes work")
                raise Conflict(f"{working} on this store: stop the gateway first")
            done = await layout.migrate(connection.redis, dry_run=args.dry_run)
        finally:
            await connection.close()
        if args.json:
            before = stamp.version if stamp else None
            printing.as_json({"dry_run": args.dry_run, "before": before, "after": layout.VERSION, "steps": done})
            return 0
        for line in done:
            print(f"would be done: {line}" if args.dry_run and "nothing to do" not in line else line)
        return 0

    return opening.run(work)


def _check(stamp: Stamp | None, env: Environment) -> None:
    """Refuse another environment's store, and one that a newer program wrote."""
    if stamp is None:
        return
    if stamp.env != env.value:
        raise StoreRefused(
            f"this store belongs to the environment {stamp.env!r} and GATEWAY_ENV is {env.value!r}: "
            "mend GATEWAY_ENV, GATEWAY_REDIS_URL or GATEWAY_DATA_DIR"
        )
    if stamp.version > layout.VERSION:
        raise LayoutMismatch(
            f"the store has layout {stamp.version}, newer than this program ({layout.VERSION}): use a newer program"
        )
