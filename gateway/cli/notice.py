"""`python main.py notice SUBJECT...`: an operator's words to those who follow flights, trips, orders, outages or areas."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.app import open_runtime
from gateway.cli import arguments, asking, opening, printing
from gateway.cli.correct import add_words, tell, words_of
from gateway.intake.notices import PURPOSES, Notices


def add_parser(commands: Any) -> None:
    parser = arguments.command(
        commands,
        "notice",
        help="write to everybody who follows a flight, trip, order, outage or area",
        about=(
            "As free text inside the service window, else by the template `notice`; consent, night, brakes and the fuse count\n"
            "as for any notification. Whoever follows several of the subjects is told once. The same words about the same\n"
            "subjects are one notice for a day: run again, nobody hears it twice. It says how many and asks."
        ),
        example='notice flight:ZZ1007/2026-11-22/AMS --words en="please come half an hour early today." --why "storm"',
        yes=True,
    )
    parser.add_argument("subjects", nargs="+", metavar="SUBJECT", help="flight:..., trip:..., area:internet/NL/1012, or j11...")
    add_words(parser)
    parser.add_argument("--purpose", choices=PURPOSES, default="journey", help="the consent that it needs (default: journey)")
    parser.add_argument("--until", type=arguments.moment, metavar="TIME", help="of no use after that (default: 12h)")
    parser.add_argument("--dry-run", action="store_true", help="only say to how many, and as what")
    parser.add_argument("--why", type=arguments.line, required=True, metavar="TEXT", help="for everybody who wonders")
    arguments.add_who(parser)
    parser.set_defaults(work=_notice)


def _notice(args: argparse.Namespace) -> int:
    settings, words = opening.read_settings(), words_of(args.words)

    async def work() -> int:
        async with open_runtime(settings) as runtime:
            notices = Notices(runtime)
            until_ms = args.until.after(runtime.clock.now_ms()) if args.until else 0
            notice = await notices.made(args.subjects, words, args.purpose, until_ms)
            to = await notices.audience(notice)
            dry = await notices.say(notice, to, who=args.who, why=args.why, dry=True)
            about = f"{printing.counted(len(to), 'person follows', 'people follow')} this"
            if args.dry_run:
                return tell(dry, about, as_json=args.json, done=False)
            if not await asking.sure(f"{about}. Write to {dry.sent:,} of them?", yes=args.yes):
                print("Nothing was sent.")
                return 1
            return tell(await notices.say(notice, to, who=args.who, why=args.why), about, as_json=args.json, done=True)

    return opening.run(work)
