"""`python main.py stop` and `resume`: the brakes. A stop works within two seconds, in every process, until it is lifted.

    all                    everything automatic
    sender:ID              of one of our numbers or pages
    notification:NAME      one kind of news
    subject:WHAT           about one flight, trip, order or outage: as its source writes it, or our id
    source:NAME            made by the events of one source
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gateway import directory as directories
from gateway.cli import arguments, asking, opening, printing, whose
from gateway.directory import Directory
from gateway.errors import BadInput, NotFound, Problem
from gateway.insight.naming import find_subject
from gateway.model.message import MessageRecord
from gateway.settings import Settings
from gateway.store.brakes import BrakeBook
from gateway.store.incidents import PREFIX as CRISIS
from gateway.store.senders import Stop
from gateway.store.vault import Vault

_SCOPES = (
    "scopes:\n"
    "  all                  everything automatic; what agents write goes on\n"
    "  sender:ID            of one of our numbers or pages\n"
    "  notification:NAME    one kind of news\n"
    "  subject:WHAT         one flight, trip, order or outage: ZZ1007/2026-11-22/AMS, or our id (j11...);\n"
    "                       all trips of a line: subject:line:OPERATOR/LINE;\n"
    "                       one that nothing is known of yet with its kind: subject:flight:ZZ1007/2026-11-22/AMS\n"
    "  source:NAME          what the events of one source say"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """key: as it stands in the store; said: as it was typed; ids: what it is about, where that has an id of ours."""

    key: str
    said: str
    ids: tuple[str, ...] = ()


def add_parser(commands: Any) -> None:
    stop = arguments.command(
        commands,
        "stop",
        help="stop sending, within two seconds",
        about="Deadlines keep running: what grows stale meanwhile is not sent afterwards.\n\n" + _SCOPES,
        example='stop notification:gate_changed --until 2h --why "wrong gates from the source"',
    )
    stop.add_argument("scope", nargs="?", type=_form, metavar="SCOPE", help="what to stop")
    stop.add_argument("--until", type=arguments.moment, metavar="TIME", help="2h, or 2026-11-22T18:00 (default: until resumed)")
    stop.add_argument("--why", type=arguments.line, metavar="TEXT", help="for everybody who wonders; nothing about a person")
    stop.add_argument("--list", action="store_true", help="show what is stopped")
    arguments.add_who(stop)
    stop.set_defaults(work=_stop)
    resume = arguments.command(
        commands,
        "resume",
        help="lift a stop",
        about="What waits and is not stale goes out at once, so it says how many and asks.\n\n" + _SCOPES,
        example="resume notification:gate_changed",
        yes=True,
    )
    resume.add_argument("scope", nargs="?", type=_form, metavar="SCOPE", help="what was stopped, as `stop --list` shows it")
    resume.add_argument("--why", type=arguments.line, metavar="TEXT", help="what has changed")
    resume.add_argument("--list", action="store_true", help="show what is stopped")
    arguments.add_who(resume)
    resume.set_defaults(work=_resume)


def _form(text: str) -> str:
    kind, colon, rest = text.partition(":")
    known = kind in ("sender", "notification", "subject", "source") and colon and rest.strip()
    if text != "all" and not known:
        raise argparse.ArgumentTypeError("should be all, sender:ID, notification:NAME, subject:WHAT or source:NAME")
    return text.strip()


def _stop(args: argparse.Namespace) -> int:
    if not args.list and (args.scope is None or args.why is None):
        missing = "SCOPE" if args.scope is None else "--why"
        args.fail(f"{missing} is missing: stop SCOPE --why TEXT, or stop --list")
    settings = opening.read_settings()

    async def work() -> int:
        async with opening.open_store(settings) as opened:
            book = BrakeBook(opened.connection.redis, opened.clock)
            if args.list:
                return _show(await book.stops(), as_json=args.json)
            scope = await _resolve(args.scope, settings, opened.vault, book, lifting=False)
            now = opened.clock.now_ms()
            until_ms = args.until.after(now) if args.until else 0
            if until_ms and until_ms <= now:
                raise BadInput([Problem("--until", "should be in the future")])
            stop = Stop(scope.key, until_ms, args.who, args.why, now)
            before = next((one for one in await book.stops() if one.scope == scope.key), None)
            await book.stop(stop, scope.ids)
            is_heard = await whose.heard(opened)
            if args.json:
                printing.as_json({**_data(stop), "replaced": _data(before) if before else None})
                return 0
            ends = f"until {printing.when(until_ms)}" if until_ms else f"until `{printing.typed(f'resume {scope.said}')}`"
            what = "everything automatic" if scope.said == "all" else scope.said
            print(f"Stopped: {what}, {ends}. {whose.soon(is_heard)}; deadlines keep running.")
            if before is not None:
                ended = f"until {printing.when(before.until_ms)}" if before.until_ms else "until resumed"
                print(f"It was stopped already, {ended}, since {printing.when(before.at_ms)} by {before.who}: {before.why}")
                if until_ms and not 0 < before.until_ms <= until_ms:
                    print("Careful: it ends sooner now than it would have.", file=sys.stderr)
            return 0

    return opening.run(work)


def _resume(args: argparse.Namespace) -> int:
    if not args.list and args.scope is None:
        args.fail("SCOPE is missing: resume SCOPE, or resume --list")
    settings = opening.read_settings()

    async def work() -> int:
        async with opening.open_store(settings) as opened:
            book = BrakeBook(opened.connection.redis, opened.clock)
            stops = await book.stops()
            if args.list:
                return _show(stops, as_json=args.json)
            scope = await _resolve(args.scope, settings, opened.vault, book, lifting=True)
            if not any(stop.scope == scope.key for stop in stops):
                stopped = ", ".join(stop.scope for stop in stops) or "nothing at all"
                raise NotFound(f"{scope.said} is not stopped; stopped is {stopped}")
            waiting = await _waiting(scope, book, directories.read(settings))
            others = [stop.scope for stop in stops if stop.scope != scope.key]
            still = f" Still stopped: {', '.join(others)}." if others else ""
            if not await asking.sure(f"Lift the stop of {scope.said}? {waiting}{still}", yes=args.yes):
                print("Nothing was changed.")
                return 1
            lifted = await book.resume(scope.key, who=args.who, why=args.why or "", ids=scope.ids)
            if args.json:
                printing.as_json({"scope": scope.key, "lifted": lifted, "waiting": waiting, "still_stopped": others})
            else:
                print(f"Lifted: {scope.said}. {waiting}{still}")
            return 0

    return opening.run(work)


async def _resolve(text: str, settings: Settings, vault: Vault, book: BrakeBook, *, lifting: bool) -> Scope:
    """What was typed, as the store writes it. Raises NotFound naming what there is."""
    kind, _, rest = text.partition(":")
    rest = rest.strip()
    if lifting and any(stop.scope == text for stop in await book.stops()):
        return Scope(text, text, (rest,) if kind == "subject" else ())
    match kind:
        case "all":
            return Scope("all", "all")
        case "sender":
            known = list(directories.read(settings).ids)
            return _named(text, kind, rest, known, "set GATEWAY_WHATSAPP_PHONE_NUMBER_ID or senders.yaml")
        case "notification":
            # By the folders alone: a brake must work while a template cannot be read.
            names = sorted(path.parent.name for path in settings.templates_dir.glob("*/notification.yaml"))
            return _named(text, kind, rest, names, "GATEWAY_TEMPLATES_DIR has none")
        case "subject":
            subject = await find_subject(rest, vault, book, prefix="subject:")
            return Scope(f"subject:{subject}", text, (subject,))
        case _:
            return Scope(f"source:{vault.blind('source', rest)[:12]}", text)


def _named(text: str, kind: str, rest: str, known: Iterable[str], none: str) -> Scope:
    names = list(known)
    if rest not in names:
        raise NotFound(f"no {kind} {rest}; there are {', '.join(names)}" if names else f"there is no {kind} at all: {none}")
    return Scope(text, text)


async def _waiting(scope: Scope, book: BrakeBook, directory: Directory) -> str:
    """How many messages are behind a brake, in words."""
    kind, _, rest = scope.key.partition(":")
    senders = [rest] if kind == "sender" else list(directory.ids)
    wanted: Callable[[MessageRecord], bool] | None = None
    if kind == "notification":
        wanted = lambda record: record.notification == rest  # noqa: E731
    elif kind == "subject":
        wanted = lambda record: record.subject == rest  # noqa: E731
    count = await book.waiting(senders, wanted)
    # Which source made a message stands in its sealed body.
    most = "at most " if kind == "source" else ""
    return f"{most}{printing.counted(count, 'message waits', 'messages wait')}; what is not stale is sent."


def _show(stops: list[Stop], *, as_json: bool) -> int:
    if as_json:
        printing.as_json([_data(stop) for stop in stops])
    elif not stops:
        print("Nothing is stopped.")
    else:
        rows = [(stop.scope, printing.when(stop.at_ms), _ends(stop), stop.who, stop.why) for stop in stops]
        print(printing.columns(("scope", "since", "until", "who", "why"), rows))
    return 0


def _ends(stop: Stop) -> str:
    if stop.scope.startswith(CRISIS):
        return "lifted by two"
    return printing.when(stop.until_ms) if stop.until_ms else "resumed"


def _data(stop: Stop) -> dict[str, Any]:
    return {
        "scope": stop.scope,
        "since": printing.iso(stop.at_ms),
        "until": printing.iso(stop.until_ms),
        "who": stop.who,
        "why": stop.why,
    }
