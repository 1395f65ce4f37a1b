"""`python main.py webhooks replay`: sends outgoing webhooks again."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.cli import arguments, opening, printing
from gateway.errors import BadInput, Problem, SettingsError
from gateway.insight.hooks import DEFAULT_TYPES, check_targets, kinds_of
from gateway.store.facts import Facts
from gateway.store.outgoing import Outgoing


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "webhooks", help="what we tell other systems")
    parser = arguments.command(
        group,
        "replay",
        help="queue outgoing webhooks again",
        about=(
            "Those that nobody took within three days are dead for 30 days, and queued again. With --all every webhook of\n"
            "that time is made again from the history, also delivered ones, under its old id: for a receiver that lost its\n"
            "data. Which types and conversations are told of is as the settings say now. It is sent by a running gateway."
        ),
        example="webhooks replay --since 12h",
    )
    parser.add_argument(
        "--since", type=arguments.moment, required=True, metavar="TIME", help="12h, 3d, or 2026-11-22T06:00"
    )
    parser.add_argument("--all", action="store_true", help="delivered ones too")
    parser.set_defaults(work=_replay)


def _replay(args: argparse.Namespace) -> int:
    from gateway import desk_plan
    from gateway.insight.desk_hooks import desks_of
    from gateway.insight.outgoing import replay  # brings SQLAlchemy: half of a command's start

    settings = opening.read_settings()
    targets = check_targets(settings.webhook_targets)
    if args.all and not targets:
        raise SettingsError(["GATEWAY_WEBHOOK_TARGETS is empty: nobody would be told"])

    async def work() -> int:
        async with opening.open_store(settings) as opened:
            redis, clock = opened.connection.redis, opened.clock
            since_ms = args.since.before(clock.now_ms())
            if since_ms > clock.now_ms():
                raise BadInput([Problem("--since", "should be in the past")])
            queue = Outgoing(redis)
            if args.all:
                async with opening.opened_history(settings) as history:
                    count = await replay(
                        queue=queue, clock=clock, since_ms=since_ms, everything=True, history=history, facts=Facts(redis),
                        targets=list(targets), kinds=kinds_of(settings.webhook_types or DEFAULT_TYPES),
                        desks=desks_of(desk_plan.read(settings), settings.webhook_conversations),
                    )  # fmt: skip
            else:
                count = await replay(queue=queue, clock=clock, since_ms=since_ms)
            depth = await queue.depth()
        if args.json:
            data = {"queued": count, "waiting": depth.queued + depth.retrying, "dead": depth.dead}
            printing.as_json({"since": printing.iso(since_ms), **data})
        else:
            waiting = depth.queued + depth.retrying
            print(f"{printing.counted(count, 'webhook')} queued again; {waiting:,} wait to be sent, {depth.dead:,} are dead.")
        return 0

    return opening.run(work)
