"""`python main.py dead-letters`: what was given up, why, and one more attempt of it."""

from __future__ import annotations

import argparse
import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from gateway import directory as directories
from gateway.app import open_runtime
from gateway.cli import arguments, asking, opening, printing
from gateway.cli.parked import run_parked
from gateway.cli.trace import as_dict, as_text
from gateway.clock import Clock
from gateway.dispatch.deadletters import MAYBE_ARRIVED, DeadLetters, Filter, sentence, standing
from gateway.errors import BadInput, NotFound, Problem
from gateway.insight.trace import find
from gateway.model.ids import MessageId, is_id
from gateway.planning.pacing import Pacer, Patience
from gateway.store.deadletters import DeadLetter, DeadLetterBox
from gateway.store.facts import Facts
from gateway.store.outbox import Outbox
from gateway.store.wakeup import publish_to


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "dead-letters", help="messages that were given up, and why")
    listed = arguments.command(
        group, "list", help="show dead letters, the youngest first", example="dead-letters list --reason rejected --since 1d"
    )
    _add_filter(listed)
    listed.add_argument(
        "--limit", type=arguments.at_least_one, default=50, metavar="N", help="show at most so many (default 50)"
    )
    listed.set_defaults(work=_list)
    parked = arguments.command(
        group,
        "parked",
        help="show what was set aside because it could not be handled",
        about="Events, single people of an event, and parts of webhooks, the youngest first, each with the reason.",
        example="dead-letters parked --limit 20",
    )
    parked.add_argument(
        "--limit", type=arguments.at_least_one, default=50, metavar="N", help="show at most so many (default 50)"
    )
    parked.set_defaults(work=run_parked)
    show = arguments.command(
        group, "show", help="one dead letter: why, and every attempt", example="dead-letters show m07k8p0gt2r562c8bb5521q"
    )
    show.add_argument("id", type=_message, metavar="ID")
    show.set_defaults(work=_show)
    replay = arguments.command(
        group,
        "replay",
        help="try some again",
        about=(
            "Each is a new attempt of the same message: consent, window, brakes, template, and whether newer news has taken its\n"
            "place are looked at again. Without IDs those that the filters name; it says how many and asks. Exit code 1 when\n"
            "none was replayed, or one that was named was not."
        ),
        example="dead-letters replay --reason template_paused --deadline +2h",
        yes=True,
    )
    replay.add_argument(
        "--deadline", type=arguments.moment, metavar="TIME", help="of use until then: +2h (default: each keeps its own)"
    )
    _add_which(replay)
    replay.set_defaults(work=_replay)
    discard = arguments.command(
        group,
        "discard",
        help="let some be: they leave the list",
        about="`trace` goes on telling what became of them.",
        example="dead-letters discard m07k8p0gt2r562c8bb5521q",
        yes=True,
    )
    discard.add_argument("--forgotten", action="store_true", help="those whose record has ended (8 days)")
    _add_which(discard)
    discard.set_defaults(work=_discard)


def _add_filter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--notification", default="", metavar="NAME")
    parser.add_argument("--reason", default="", metavar="WORD", help="as the list shows it")
    parser.add_argument("--sender", default="", metavar="ID")
    parser.add_argument("--since", type=arguments.moment, metavar="TIME", help="died since: 2h, 1d, 2026-11-22T06:00")


def _add_which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", type=_message, metavar="ID")
    _add_filter(parser)
    parser.add_argument("--all", action="store_true", help="all of them")
    arguments.add_who(parser)


def _message(text: str) -> MessageId:
    if not is_id(text.strip().lower(), "m"):
        raise argparse.ArgumentTypeError("should be the id of a message: m, two digits and 20 characters")
    return MessageId(text.strip().lower())


def _filter(args: argparse.Namespace, clock: Clock) -> Filter:
    since_ms = args.since.before(clock.now_ms()) if args.since else 0
    return Filter(args.notification, args.reason, args.sender, since_ms)


def _plain(opened: opening.Opened) -> DeadLetters:
    """For looking and discarding: nothing is sent by it, so it needs no channel."""
    redis, clock = opened.connection.redis, opened.clock
    box = DeadLetterBox(redis, clock)
    return DeadLetters(box, Outbox(redis, clock, {}), opened.vault, directories.read(opened.settings))


def _list(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        async with opening.open_store(settings) as opened:
            found = await _plain(opened).matching(_filter(args, opened.clock))
        shown = found[: args.limit]
        if args.json:
            printing.as_json({"count": len(found), "letters": [_data(letter) for letter in shown]})
            return 0
        if not found:
            print("There are no dead letters." if not _narrowed(args) else "No dead letter is like that.")
            return 0
        rows = [_row(letter) for letter in shown]
        print(printing.columns(("died", "id", "state", "notification", "sender", "attempts", "reason"), rows))
        print(f"\n{len(shown):,} of {len(found):,}. Why one died: python main.py dead-letters show ID")
        forgotten = sum(letter.record is None for letter in found)
        if forgotten:
            print(f"{forgotten:,} forgotten (their record ended): python main.py dead-letters discard --forgotten")
        return 0

    return opening.run(work)


def _row(letter: DeadLetter) -> tuple[object, ...]:
    record = letter.record
    named = (record.notification, record.sender, str(record.attempt), record.reason) if record else ("-", "-", "-", "-")
    return printing.when(letter.died_at_ms), letter.message, standing(letter), *named


def _narrowed(args: argparse.Namespace) -> bool:
    return bool(args.notification or args.reason or args.sender or args.since)


def _show(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        async with opening.open_store(settings) as opened, opening.opened_history(settings) as history:
            letter = await _plain(opened).get(args.id)
            try:
                story = await find(args.id, vault=opened.vault, history=history, facts=Facts(opened.connection.redis))
            except NotFound:  # its facts are older than the history reaches
                story = None
        if args.json:
            printing.as_json({**_data(letter), "story": as_dict(story, None) if story else None})
            return 0
        record = letter.record
        print(f"{standing(letter)}: {sentence(letter)}")
        if record is not None:
            rows = [
                ("notification", record.notification),
                ("sender", record.sender),
                ("attempts", record.attempt),
                ("died", printing.when(letter.died_at_ms)),
                ("of use until", printing.when(record.deadline_ms)),
                ("contact", record.contact),
            ]
            print("\n".join(f"  {name:<13} {value}" for name, value in rows))
        if story is not None:
            print("\n" + as_text(story, None).rpartition("\n\nnext:")[0])
        print(f"\nnext: {printing.typed(f'dead-letters replay {args.id}')}, or discard {args.id}")
        return 0

    return opening.run(work)


def _replay(args: argparse.Namespace) -> int:
    _which(args)
    settings = opening.read_settings()

    async def work() -> int:
        async with open_runtime(settings) as runtime:
            redis, clock = runtime.connection.redis, runtime.clock
            box = DeadLetterBox(redis, clock, runtime.pairs)
            letters = DeadLetters(box, runtime.outbox, runtime.vault, runtime.directory)
            deadline_ms = args.deadline.after(clock.now_ms()) if args.deadline else 0
            if deadline_ms and deadline_ms <= clock.now_ms():
                raise BadInput([Problem("--deadline", "should be in the future")])
            found = await _chosen(args, letters, clock)
            if not found:
                print("No dead letter is like that: nothing was replayed.")
                return 1
            if not await asking.sure(_question(found), yes=args.yes):
                print("Nothing was replayed.")
                return 1
            io, results = asking.terminal(), []
            patience = Patience(Pacer(runtime.senders, runtime.directory, clock))
            for letter in found:
                if (record := letter.record) is not None:
                    deadline = deadline_ms or record.deadline_ms
                    await patience.one_more(record.priority, deadline, {record.sender}, of=len(found))
                results.append(await letters.replay(letter.message, deadline_ms=deadline_ms, who=args.who))
                io.progress(f"{len(results):,} of {len(found):,}")
            io.progress("")
            with contextlib.suppress(OSError):  # dispatch looks by itself within a second
                await publish_to(redis)("dispatch", ())
        queued = sum(one.queued for one in results)
        if args.json:
            rows = [{"id": one.message, "answer": one.answer, "words": one.words} for one in results]
            printing.as_json({"queued": queued, "refused": len(results) - queued, "letters": rows})
        else:
            for words, count in Counter(one.words for one in results).most_common():
                print(f"{count:>6,}  {words}")
            if queued:
                print("A running gateway looks at each again and sends it: python main.py trace ID")
        return 1 if not queued or (args.ids and queued < len(results)) else 0

    return opening.run(work)


def _question(found: Sequence[DeadLetter]) -> str:
    people = len({letter.record.contact for letter in found if letter.record})
    maybe = sum(letter.record is not None and letter.record.reason in MAYBE_ARRIVED for letter in found)
    text = f"Try {printing.counted(len(found), 'message')} to {printing.counted(people, 'person', 'people')} again?"
    return text + (f" {maybe:,} of them may have arrived already: no answer came." if maybe else "")


def _discard(args: argparse.Namespace) -> int:
    if not args.forgotten:
        _which(args)
    settings = opening.read_settings()

    async def work() -> int:
        async with opening.open_store(settings) as opened:
            letters = _plain(opened)
            found = await _chosen(args, letters, opened.clock)
            if args.forgotten:
                found = [letter for letter in found if letter.record is None]
            text = f"Discard {printing.counted(len(found), 'dead letter')}? Nobody will be told."
            # One that was named was looked at; many are worth a second thought.
            if found and not args.ids and not await asking.sure(text, yes=args.yes):
                print("Nothing was changed.")
                return 1
            answers = [await letters.discard(letter.message, who=args.who) for letter in found]
        gone = sum(answer != "alive" for answer in answers)
        if args.json:
            rows = [{"id": letter.message, "answer": answer} for letter, answer in zip(found, answers, strict=True)]
            printing.as_json({"discarded": gone, "letters": rows})
        else:
            print(f"{printing.counted(gone, 'dead letter')} discarded.")
        return 0 if gone == len(answers) else 1

    return opening.run(work)


def _which(args: argparse.Namespace) -> None:
    """Somebody must say which: nothing means nothing, not all."""
    if not args.ids and not args.all and not _narrowed(args):
        args.fail("ID is missing: name messages, a filter such as --reason rejected, or --all")
    if args.ids and (args.all or _narrowed(args)):
        args.fail("ID: name messages or a filter, not both")


async def _chosen(args: argparse.Namespace, letters: DeadLetters, clock: Clock) -> list[DeadLetter]:
    if args.ids:
        return [await letters.get(message) for message in dict.fromkeys(args.ids)]
    return await letters.matching(_filter(args, clock))


def _data(letter: DeadLetter) -> dict[str, Any]:
    record = letter.record
    return {
        "id": letter.message,
        "state": standing(letter),
        "died": printing.iso(letter.died_at_ms),
        "reason": record.reason if record else None,
        "sentence": sentence(letter),
        "notification": record.notification if record else None,
        "sender": record.sender if record else None,
        "attempts": record.attempt if record else None,
        "deadline": printing.iso(record.deadline_ms) if record else None,
        "contact": record.contact if record else None,
    }
