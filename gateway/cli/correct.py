"""`python main.py correct EVENT`: writes to exactly those who were handed a wrong message, once."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gateway.app import open_runtime
from gateway.cli import arguments, asking, opening, printing
from gateway.errors import BadInput, Problem
from gateway.intake.corrections import Corrector, shown
from gateway.intake.saying import Said
from gateway.model.ids import EventId, is_id


def add_parser(commands: Any) -> None:
    parser = arguments.command(
        commands,
        "correct",
        help="write to exactly those who were handed a wrong message",
        about=(
            "Everybody whom the channel took a message of this event for is written to, at the address where they have it:\n"
            "as free text inside the service window, else by the template `correction`. Run again it tells nobody twice.\n"
            "Words go by language and name nobody. It says how many and asks."
        ),
        example='correct e42... --words en="flight ZZ 1007 leaves at 10:55 after all." --why "the source sent a wrong time"',
        yes=True,
    )
    parser.add_argument("event", metavar="EVENT", help="our id of the event, e42...; trace shows it")
    parser.add_argument("--notification", metavar="NAME", help="which of its notifications was wrong (default: the only one)")
    add_words(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say to how many, and as what")
    parser.add_argument("--why", type=arguments.line, required=True, metavar="TEXT", help="for everybody who wonders")
    arguments.add_who(parser)
    parser.set_defaults(work=_correct)


def add_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--words", action="append", default=[], metavar="LANGUAGE=TEXT", help="what to say, once for each language"
    )


def words_of(given: list[str]) -> dict[str, str]:
    """--words as typed. Raises BadInput."""
    found = {}
    for one in given:
        language, sign, text = one.partition("=")
        if not sign or language.strip() in found:
            raise BadInput([Problem("--words", "should be LANGUAGE=TEXT, each language once: --words nl=... --words en=...")])
        found[language.strip()] = text
    return found


def _correct(args: argparse.Namespace) -> int:
    settings = opening.read_settings()
    if not is_id(args.event, "e"):
        raise BadInput([Problem("EVENT", "should be an id of ours such as e42...; `trace` shows it")])
    words, event = words_of(args.words), EventId(args.event)

    async def work() -> int:
        async with open_runtime(settings) as runtime, opening.opened_history(settings) as history:
            corrector = Corrector(runtime, history)
            handed = await corrector.handed(event, args.notification)
            dry = await corrector.correct(handed, words, who=args.who, why=args.why, dry=True)
            people = printing.counted(handed.people, "person was", "people were")
            about = f"{people} handed {handed.notification} of this event"
            if args.dry_run:
                return tell(dry, about, as_json=args.json, done=False)
            if not await asking.sure(f"{about}. Write to {dry.sent:,} of them?", yes=args.yes):
                print("Nothing was sent.")
                return 1
            said = await corrector.correct(handed, words, who=args.who, why=args.why)
            return tell(said, about, as_json=args.json, done=True)

    return opening.run(work)


def tell(said: Said, about: str, *, as_json: bool, done: bool) -> int:
    rows: list[Mapping[str, Any]] = list(shown(said))
    if as_json:
        counts = {"people": said.people, "sent": said.sent, "had_it": said.before, "not_sent": said.suppressed}
        printing.as_json({**counts, "done": done, "messages": rows})
        return 0
    print(f"{about}.")
    print(f"{said.sent:,} {'are written to' if done else 'would be written to'}; {said.suppressed:,} may not be; "
          f"{said.before:,} had it before.")  # fmt: skip
    if rows:
        table = [(one["channel"] or "-", one["language"] or "-", one["what"], one["count"]) for one in rows]
        print(printing.columns(("channel", "language", "as, or why not", "people"), table))
    return 0
