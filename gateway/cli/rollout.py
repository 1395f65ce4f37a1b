"""`python main.py rollout`: news that goes to a share of the people first. See docs/rollout.md."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from gateway import directory as directories
from gateway.api.rollouts import moved, shown, stage
from gateway.cli import arguments, asking, opening, printing
from gateway.cli.opening import Opened
from gateway.errors import BadInput, Problem, StoreUnavailable
from gateway.notifications import catalogue as catalogues
from gateway.planning import rolling_start
from gateway.planning.rolling_start import its_senders
from gateway.rules import warm_up
from gateway.rules.rollout import PLACES, Limits, Match, Rollout, Stage, percent
from gateway.settings import Settings
from gateway.store.rollouts import Rollouts
from gateway.store.senders import Senders

if TYPE_CHECKING:
    from gateway.insight.rolled import Measures

DAY_MS = 24 * 3600_000
COUNT_S = 60.0
"""How long `show` counts: somebody waits for it, and nothing else does."""
_STAGE = re.compile(r"(\d+(?:\.\d{1,2})?):(\d+)(m|h|d)(?::(\d+))?")
_UNIT_MS = {"m": 60_000, "h": 3600_000, "d": DAY_MS}


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "rollout", help="news that goes to a share of the people first")
    start = arguments.command(
        group,
        "start",
        help="tell some news to a share of the people only",
        about=(
            "What it is not limited by is all of them: every notification that may be part of one, every brand, sender and\n"
            "route. Tickets, cancellations and urgent news always go to everybody. It says how many it is about and asks."
        ),
        example='rollout start check-in --notification checkin_open --stages 10:24h:100,30:24h:100,100:0h --why "new"',
        yes=True,
    )
    start.add_argument("name", type=_name, metavar="NAME", help="what to call it")
    start.add_argument("--notification", action="append", default=[], metavar="NAME", help="may be given several times")
    start.add_argument("--brand", action="append", default=[], metavar="BRAND", help="may be given several times")
    start.add_argument("--sender", action="append", default=[], metavar="ID", help="a number or page of ours: only this way")
    start.add_argument("--from", dest="origin", default="", metavar="PLACE", help="as the event names it: AMS")
    start.add_argument("--to", dest="destination", default="", metavar="PLACE", help="as the event names it: LHR")
    start.add_argument("--carrier", default="", metavar="CODE", help="of a flight: ZZ")
    start.add_argument("--line", default="", metavar="OPERATOR/LINE", help="of a trip")
    start.add_argument("--share", type=_percent, metavar="PERCENT", help="how many are told (default: the first stage)")
    start.add_argument(
        "--stages", type=_stages, default=(), metavar="LIST",
        help="PERCENT:TIME[:PEOPLE],...: the next share after so long and so many people told",
    )  # fmt: skip
    start.add_argument(
        "--warm-up", type=arguments.at_least_one, metavar="PEOPLE",
        help="instead of stages: what the senders' limit has room for today, of so many people a day, and double each day",
    )  # fmt: skip
    start.add_argument("--hold-out", type=_percent, default=0.0, metavar="PERCENT", help="never told, to compare with")
    start.add_argument("--max-failed", type=_percent, default=5.0, metavar="PERCENT", help="stop above it (default: 5)")
    start.add_argument("--max-opted-out", type=_percent, default=2.0, metavar="PERCENT", help="stop above it (default: 2)")
    start.add_argument("--least", type=arguments.at_least_one, default=20, metavar="N", help="told before either counts")
    _why(start)
    start.set_defaults(work=_start)
    show = arguments.command(group, "show", help="how roll-outs stand, and what came of one", example="rollout show check-in")
    show.add_argument("name", nargs="?", metavar="NAME", help="one of them, with its measures (default: all)")
    show.set_defaults(work=_show)
    for word, help_ in (("raise", "tell a larger share"), ("lower", "tell a smaller share")):
        one = arguments.command(group, word, help=help_, example=f'rollout {word} check-in 30 --why "read by many"', yes=True)
        one.add_argument("name", metavar="NAME", help="as `rollout show` shows it")
        one.add_argument("share", type=_percent, metavar="PERCENT", help="the new share")
        _why(one)
        one.set_defaults(work=_move, move=word)
    for word, help_ in (
        ("hold", "freeze the share: it is not raised until somebody resumes"),
        ("resume", "let a share that is held or stopped rise again"),
        ("end", "end it: from now on everybody is told"),
    ):
        example = f'rollout {word} check-in --why "looked at it"'
        one = arguments.command(group, word, help=help_, example=example, yes=word == "end")
        one.add_argument("name", metavar="NAME", help="as `rollout show` shows it")
        _why(one)
        one.set_defaults(work=_move, move=word, share=None)


def _why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--why", type=arguments.line, required=True, metavar="TEXT", help="for everybody who wonders")
    arguments.add_who(parser)


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", text):
        raise argparse.ArgumentTypeError("should be one word of at most 40 small letters, digits and _ -")
    return text


def _percent(text: str) -> float:
    if not re.fullmatch(r"\d{1,3}(\.\d{1,2})?", text) or float(text) > 100:
        raise argparse.ArgumentTypeError("should be a number from 0 to 100, with at most two decimals")
    return float(text)


def _stages(text: str) -> tuple[Stage, ...]:
    found = [_STAGE.fullmatch(part.strip()) for part in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError("should be such as 10:24h:100,30:24h:100,100:0h (percent, time, people told)")
    return tuple(stage(float(one[1]), int(one[2]) * _UNIT_MS[one[3]], int(one[4] or 0)) for one in found if one is not None)


def _start(args: argparse.Namespace) -> int:
    async def work(opened: Opened, book: Rollouts) -> int:
        catalogue = catalogues.load(opened.settings.templates_dir)
        match = Match(
            tuple(args.notification), tuple(args.brand), tuple(args.sender),
            args.origin, args.destination, args.carrier, args.line,
        )  # fmt: skip
        stages = await _warm_up(opened, args) if args.warm_up else args.stages
        limits = Limits(rolling_start.in_places(args.max_failed), rolling_start.in_places(args.max_opted_out), args.least)
        rollout = rolling_start.made(
            args.name, match, args.share, stages, catalogue, directories.read(opened.settings),
            hold_out=args.hold_out, limits=limits, who=args.who, why=args.why,
        )  # fmt: skip
        names = rolling_start.names_of(rollout, catalogue)
        what = f"Tell {', '.join(names)} to {percent(rollout.share)} of the people only?"
        if not await _sure(args, what, opened, rollout, names, PLACES):
            print("Nothing was changed.")
            return 1
        begun = await book.start(rollout)
        if args.json:
            printing.as_json(shown(begun))
        else:
            print(f"Started: {begun.name}, {percent(begun.share)}. Every process knows within two seconds.")
            print(f"next: {printing.typed(f'rollout show {begun.name}')}")
        return 0

    return _run(work)


def _move(args: argparse.Namespace) -> int:
    async def work(opened: Opened, book: Rollouts) -> int:
        seen = await book.get(args.name)
        share = rolling_start.in_places(args.share) if args.share is not None else seen.share
        if args.move in ("raise", "lower", "end"):
            now = PLACES if args.move == "end" else share
            names = rolling_start.names_of(seen, catalogues.load(opened.settings.templates_dir))
            what = f"Tell {percent(now)} of the people instead of {percent(seen.share)}?"
            if not await _sure(args, what, opened, seen, names, seen.share):
                print("Nothing was changed.")
                return 1
        after = await moved(book, seen, args.move, share, who=args.who, why=args.why)
        if args.json:
            printing.as_json({**shown(after or seen), "ended": after is None})
        elif after is None:
            print(f"Ended: {seen.name}. From the next event on everybody is told.")
        else:
            print(f"{after.name}: {percent(after.share)}, {after.state}.")
        return 0

    return _run(work)


def _show(args: argparse.Namespace) -> int:
    async def work(opened: Opened, book: Rollouts) -> int:
        if args.name is None:
            return _list(await book.all(), as_json=args.json)
        one = await book.get(args.name)
        found: Measures | None = None
        try:
            async with opening.opened_history(opened.settings, call_s=COUNT_S) as history:
                found = await history.rolled(one.name, since_ms=one.began_ms, until_ms=opened.clock.now_ms() + 1)
        except StoreUnavailable as error:  # how it stands is known all the same
            print(f"what came of it is not known: {error}", file=sys.stderr)
        if args.json:
            printing.as_json({**shown(one), "measures": measures(found) if found is not None else None})
            return int(found is None)
        _list([one], as_json=False)
        if found is None:
            return 1
        print()
        print(printing.columns(("", "people", "asked within 48 h", "percent"), [
            ("told", found.told, found.told_asked, _of(found.told_asked, found.told)),
            ("held out", found.held_out, found.held_out_asked, _of(found.held_out_asked, found.held_out)),
        ]))  # fmt: skip
        print(f"\nnot told yet: {found.left_out:,}. Of {printing.counted(found.messages, 'message')} {found.failed:,} failed "
              f"({_of(found.failed, found.messages)}); {found.opted_out:,} of the told stopped news "
              f"({_of(found.opted_out, found.told)}).")
        return 0

    return _run(work)


def measures(found: Measures) -> dict[str, int]:
    return {
        "told": found.told, "left_out": found.left_out, "held_out": found.held_out, "messages": found.messages,
        "failed": found.failed, "opted_out": found.opted_out, "told_asked": found.told_asked,
        "held_out_asked": found.held_out_asked,
    }  # fmt: skip


def _list(rollouts: list[Rollout], *, as_json: bool) -> int:
    if as_json:
        printing.as_json([shown(one) for one in rollouts])
    elif not rollouts:
        print("Nothing is rolled out in steps: everybody is told.")
    else:
        rows = [
            (one.name, percent(one.share), percent(one.next_stage.share) if one.next_stage else "-", percent(one.hold_out),
             one.state.value, printing.when(one.since_ms), one.who, one.why)
            for one in rollouts
        ]  # fmt: skip
        print(printing.columns(("name", "share", "next", "held out", "state", "since", "who", "why"), rows))
    return 0


def _of(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


async def _warm_up(opened: Opened, args: argparse.Namespace) -> tuple[Stage, ...]:
    """Raises BadInput beside stages, and where the limit of the senders is not known."""
    if args.stages:
        raise BadInput([Problem("--warm-up", "makes the stages: leave --stages out")])
    directory = directories.read(opened.settings)
    senders = its_senders(directory, args.sender, args.brand)
    states = await Senders(opened.connection.redis, opened.clock).states(senders)
    tiers = [state.tier for state in states.values() if state.tier > 0]
    if not tiers:
        raise BadInput([Problem("--warm-up", "no limit of these senders is known: `doctor --only tier` asks the channel")])
    return warm_up.plan(args.warm_up, min(tiers))


async def _sure(
    args: argparse.Namespace, what: str, opened: Opened, rollout: Rollout, names: list[str], share: int
) -> bool:
    """Said beforehand nobody is counted, and where nobody can be, it is said: to tell fewer must not wait for the history."""
    if args.yes:
        return True
    try:
        about = await _touched(opened, rollout, names, share)
    except StoreUnavailable as error:
        about = f"How many people it is about is not known: {error}."
    return await asking.sure(f"{what} {about}", yes=False)


async def _touched(opened: Opened, rollout: Rollout, names: list[str], share: int) -> str:
    """How many people it is about, from the last day: those of its notifications, on any route and of any brand."""
    now = opened.clock.now_ms()
    async with opening.opened_history(opened.settings) as history:
        people = await history.people_of(names, since_ms=now - DAY_MS, until_ms=now + 1)
    narrowed = rollout.match != Match(notifications=rollout.match.notifications)
    told = round(people * min(share, PLACES - rollout.hold_out) / PLACES)
    most = "at most " if narrowed else ""
    about = printing.counted(people, "person", "people")
    return f"In the last day this news was for {most}{about}; of so many its share now is about {told:,}."


def _run(work: Callable[[Opened, Rollouts], Awaitable[int]]) -> int:
    settings: Settings = opening.read_settings()

    async def run() -> int:
        async with opening.open_store(settings) as opened:
            return await work(opened, Rollouts(opened.connection.redis, opened.clock))

    return opening.run(run)
