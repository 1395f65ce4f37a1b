"""`python main.py trace ID`: where something is, and why. Works while the gateway runs and while it does not."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.cli import arguments, asking, opening, printing, whose
from gateway.cli.trace import trace, zone_of
from gateway.errors import NotFound
from gateway.model.ids import EventId, is_id
from gateway.planning.underway import Underway, underway
from gateway.store.events import Events
from gateway.store.facts import Facts
from gateway.store.fanout import FanOuts
from gateway.store.subjects import Subjects


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


async def _so_far(opened: opening.Opened, wanted: str) -> Underway | None:
    """How far an event that is not closed has come."""
    if not is_id(wanted, "e"):
        return None
    redis, clock, vault = opened.connection.redis, opened.clock, opened.vault
    return await underway(
        Events(redis, clock, vault), Subjects(redis, clock, vault), FanOuts(redis), clock, EventId(wanted)
    )


def _trace(args: argparse.Namespace) -> int:
    zone = zone_of(args.zone)
    settings = opening.read_settings()

    async def work() -> int:
        wanted = (await asking.hidden("What to look for")).reveal() if args.id == "-" else args.id
        async with opening.open_store(settings) as opened, opening.opened_history(settings) as history:
            facts = Facts(opened.connection.redis)
            try:
                story = await trace(
                    wanted, vault=opened.vault, facts=facts, history=history, zone=zone, as_json=args.json
                )
            except NotFound as error:
                raise NotFound(f"{error} {whose.looked_in(opened)}") from None
            so_far = await _so_far(opened, wanted.strip().lower())
        if isinstance(story, str):
            print(story if so_far is None else f"{story}\n\nnow: {so_far.sentence}")
        else:
            now = {"state": so_far.state, "people": so_far.people, "done": so_far.done} if so_far is not None else None
            printing.as_json({**story, "now": now} if now else story)
        return 0

    return opening.run(work)
