"""`python main.py trace ID`: where something is, and why. Works while the gateway runs and while it does not."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.cli import arguments, asking, opening, printing
from gateway.cli.trace import trace, zone_of
from gateway.store.facts import Facts


def add_parser(commands: Any) -> None:
    parser = arguments.command(
        commands,
        "trace",
        help="where something is, and why: every step of it",
        about=(
            "ID is ours (m07... a message, e42... an event, j11... a flight, trip, order or outage, c07... a contact,\n"
            "v07... a conversation), or what its source calls it: ZX7K2P, ZZ1007/2026-11-22/AMS."
        ),
        example="trace ZZ1007/2026-11-22/AMS --zone Europe/Amsterdam",
    )
    parser.add_argument("id", type=arguments.not_a_number, metavar="ID", help="`-` asks for it, and does not show it")
    parser.add_argument("--zone", metavar="NAME", help="show times as in this zone (default: this machine's)")
    parser.set_defaults(work=_trace)


def _trace(args: argparse.Namespace) -> int:
    zone = zone_of(args.zone)
    settings = opening.read_settings()

    async def work() -> int:
        wanted = (await asking.hidden("What to look for")).reveal() if args.id == "-" else args.id
        async with opening.open_store(settings) as opened, opening.opened_history(settings) as history:
            facts = Facts(opened.connection.redis)
            story = await trace(
                wanted, vault=opened.vault, facts=facts, history=history, zone=zone, as_json=args.json
            )
        if isinstance(story, str):
            print(story)
        else:
            printing.as_json(story)
        return 0

    return opening.run(work)
