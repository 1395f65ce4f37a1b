"""`python main.py dead-letters parked`: what was set aside because it could not be handled."""

from __future__ import annotations

import argparse

from gateway.cli import opening, printing
from gateway.store.parked import Parked, listed


def run_parked(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        async with opening.open_store(settings) as opened:
            found = await listed(opened.connection.redis, opened.clock, args.limit)
        if args.json:
            printing.as_json({"count": len(found), "parked": [_data(one) for one in found]})
            return 0
        if not found:
            print("Nothing was set aside.")
            return 0
        rows = [(printing.when(one.at_ms), one.kind, one.id or "-", one.why or "-") for one in found]
        print(printing.columns(("set aside", "kind", "id", "why"), rows))
        if any(one.kind in ("event", "wording", "telling") for one in found):
            print("\nOnce the cause is mended: python main.py events replay ID")
        return 0

    return opening.run(work)


def _data(one: Parked) -> dict[str, str | None]:
    return {"at": printing.iso(one.at_ms), "kind": one.kind, "id": one.id or None, "why": one.why or None}
