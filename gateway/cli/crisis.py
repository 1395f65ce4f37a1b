"""`python main.py crisis SUBJECT`: from now on nothing automatic about it leaves. By one person, at once; lifted by two."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from gateway import directory as directories
from gateway.cli import arguments, asking, opening, printing, whose
from gateway.errors import NotFound
from gateway.insight.naming import find_subject
from gateway.model.ids import SenderId, SubjectId
from gateway.store.brakes import BrakeBook
from gateway.store.incidents import Crisis, Incidents, people_of
from gateway.store.subjects import Subjects

QUEUE = "crisis"


def add_parser(commands: Any) -> None:
    parser = arguments.command(
        commands,
        "crisis",
        help="nothing automatic about this flight, trip, line, order or outage any more",
        about=(
            "At once, in every process, until two people lift it: the first asks with --lift, another one confirms with\n"
            "the same command. What its people write goes to a queue of its own, before all others; they are spared\n"
            "surveys and offers. Deadlines keep running: what grows stale meanwhile is not sent afterwards. Agents'\n"
            "answers go out as ever."
        ),
        example='crisis flight:ZZ1007/2026-11-22/AMS --why "emergency landing, the care team speaks"',
        yes=True,
    )
    parser.add_argument("subject", nargs="?", metavar="SUBJECT", help="flight:ZZ1007/2026-11-22/AMS, line:OPERATOR/LINE, j11...")
    parser.add_argument("--why", type=arguments.line, metavar="TEXT", help="for everybody who wonders; nothing about a person")
    parser.add_argument("--queue", type=_queue, default=QUEUE, metavar="NAME", help=f"where answers go (default: {QUEUE})")
    parser.add_argument("--lift", action="store_true", help="ask that it ends, or confirm what somebody else asked")
    parser.add_argument("--list", action="store_true", help="show crises")
    arguments.add_who(parser)
    parser.set_defaults(work=_crisis)


def _queue(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,39}", text):
        raise argparse.ArgumentTypeError("should be one word of at most 40 small letters, digits and . _ -")
    return text


def _crisis(args: argparse.Namespace) -> int:
    if not args.list and (args.subject is None or args.why is None):
        missing = "SUBJECT" if args.subject is None else "--why"
        args.fail(f"{missing} is missing: crisis SUBJECT --why TEXT, crisis SUBJECT --lift --why TEXT, or crisis --list")
    settings = opening.read_settings()

    async def work() -> int:
        async with opening.open_store(settings) as opened:
            redis, clock = opened.connection.redis, opened.clock
            incidents, book = Incidents(redis, clock), BrakeBook(redis, clock)
            if args.list:
                return _show(await incidents.all(), as_json=args.json)
            subject = await find_subject(args.subject.strip(), opened.vault, book)
            if args.lift:
                return await _lift(args, incidents, book, subject, directories.read(settings).ids)
            people = await people_of(Subjects(redis, clock, opened.vault), subject)
            crisis = Crisis(subject, people, args.subject.strip(), args.queue, args.who, args.why, clock.now_ms())
            await incidents.begin(crisis)
            is_heard = await whose.heard(opened)
            if args.json:
                printing.as_json(_data(crisis))
                return 0
            print(f"Crisis: nothing automatic about {crisis.said} leaves any more. {whose.soon(is_heard)}.")
            print(f"What its people write goes to the queue {crisis.queue}, before all others. Deadlines keep running.")
            print(f"Two people lift it: {printing.typed(f'crisis {crisis.said} --lift --why TEXT')}")
            return 0

    return opening.run(work)


async def _lift(
    args: argparse.Namespace, incidents: Incidents, book: BrakeBook, subject: SubjectId, senders: Sequence[SenderId]
) -> int:
    found = next((one for one in await incidents.all() if one.subject == subject), None)
    if found is None:
        raise NotFound(f"there is no crisis about {args.subject}; `python main.py crisis --list` shows what there is")
    count = await book.waiting(senders, lambda record: record.subject == subject)
    waiting = f"{printing.counted(count, 'message waits', 'messages wait')}; what is not stale is sent once it is lifted."
    if not await asking.sure(f"Lift the crisis about {found.said}? {waiting}", yes=args.yes):
        print("Nothing was changed.")
        return 1
    lifted, crisis = await incidents.lift(subject, who=args.who, why=args.why)
    if args.json:
        printing.as_json({**_data(crisis), "lifted": lifted, "waiting": count})
    elif lifted:
        print(f"Lifted: {crisis.said}. {waiting}")
    else:
        print(f"Asked: the crisis about {crisis.said} goes on until somebody else confirms, within an hour, with")
        print(f"  {printing.typed(f'crisis {crisis.said} --lift --why TEXT')}")
    return 0


def _show(crises: list[Crisis], *, as_json: bool) -> int:
    if as_json:
        printing.as_json([_data(one) for one in crises])
    elif not crises:
        print("There is no crisis.")
    else:
        rows = [
            (one.said, one.subject, printing.when(one.at_ms), one.queue, one.who, one.asked.who if one.asked else "-", one.why)
            for one in crises
        ]
        print(printing.columns(("about", "id", "since", "queue", "who", "asked to lift", "why"), rows))
    return 0


def _data(one: Crisis) -> dict[str, Any]:
    asked = one.asked
    return {
        "subject": one.subject,
        "said": one.said,
        "queue": one.queue,
        "since": printing.iso(one.at_ms),
        "who": one.who,
        "why": one.why,
        "asked": {"who": asked.who, "why": asked.why, "at": printing.iso(asked.at_ms)} if asked else None,
    }
