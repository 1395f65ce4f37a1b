"""`python main.py fuses list|release|discard`: events that would reach too many, held until somebody has looked."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.cli import arguments, asking, opening, printing
from gateway.errors import BadInput, NotFound, Problem
from gateway.model.ids import EventId, is_id
from gateway.rules.fuse import Blown
from gateway.store.events import Events
from gateway.store.fuses import Fuses, Held


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "fuses", help="events that are held because they would reach too many")
    listing = arguments.command(group, "list", help="show what is held, and why", example="fuses list")
    listing.set_defaults(work=_list)
    release = arguments.command(
        group,
        "release",
        help="let a held event go on",
        about=(
            "What is still of use is sent at once, so it says how many and asks. Above GATEWAY_FUSE_SECOND_PERSON people the\n"
            "first asks and somebody else confirms, with the same command. With --part so many people more are told, in the\n"
            "order of the store, and the rest waits on."
        ),
        example='fuses release e42... --part 100 --why "looked at the dry run"',
        yes=True,
    )
    release.add_argument("event", metavar="EVENT", help="our id of the event, e42..., as `fuses list` shows it")
    release.add_argument("--part", type=arguments.at_least_one, metavar="N", help="only so many people more (default: all)")
    release.add_argument("--why", type=arguments.line, required=True, metavar="TEXT", help="what you looked at")
    arguments.add_who(release)
    release.set_defaults(work=_release)
    discard = arguments.command(
        group,
        "discard",
        help="tell nobody more about a held event",
        about="The subject keeps what the event said of it; people are not told. It cannot be taken back.",
        example='fuses discard e42... --why "the source sent a test"',
        yes=True,
    )
    discard.add_argument("event", metavar="EVENT", help="our id of the event, e42...")
    discard.add_argument("--why", type=arguments.line, required=True, metavar="TEXT", help="for everybody who wonders")
    arguments.add_who(discard)
    discard.set_defaults(work=_discard)


def _list(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        async with opening.open_store(settings) as opened:
            held = await Fuses(opened.connection.redis, opened.clock, opened.vault).all()
        if args.json:
            printing.as_json([data(one) for one in held])
        elif not held:
            print("Nothing is held.")
        else:
            rows = [
                (one.event, ", ".join(one.notifications), one.people, one.reached, one.state, printing.when(one.at_ms),
                 one.asked.who if one.asked else "-", _why(one))
                for one in held
            ]  # fmt: skip
            print(printing.columns(("event", "notification", "people", "told", "state", "since", "asked", "why"), rows))
        return 0

    return opening.run(work)


def _event(text: str) -> EventId:
    if not is_id(text, "e"):
        raise BadInput([Problem("EVENT", "should be an id of ours such as e42...; `fuses list` shows it")])
    return EventId(text)


def _release(args: argparse.Namespace) -> int:
    settings, event = opening.read_settings(), _event(args.event)

    async def work() -> int:
        async with opening.open_store(settings) as opened:
            redis, clock = opened.connection.redis, opened.clock
            fuses = Fuses(redis, clock, opened.vault)
            held = await _held(fuses, event)
            number = min(args.part or held.people, held.people)
            people = printing.counted(number, "person", "people")
            what = f"Tell {people} of {', '.join(held.notifications)}? It was held: {_why(held)}."
            if not await asking.sure(what, yes=args.yes):
                print("Nothing was changed.")
                return 1
            released, now = await fuses.release(
                event, who=args.who, why=args.why, part=args.part, second=settings.fuse_second_person
            )
            if released:
                await Events(redis, clock, opened.vault).reopen(event)
        if args.json:
            printing.as_json({**data(now), "released": released})
        elif released:
            print(f"Released: {people} are told, as far as it is still of use.\nnext: {printing.typed('trace ' + event)}")
        else:
            part = f" --part {args.part}" if args.part else ""
            print(f"Asked: more than {settings.fuse_second_person:,} people take two. Somebody else confirms within an hour with")
            print(f"  {printing.typed(f'fuses release {event}{part} --why TEXT')}")
        return 0

    return opening.run(work)


def _discard(args: argparse.Namespace) -> int:
    settings, event = opening.read_settings(), _event(args.event)

    async def work() -> int:
        async with opening.open_store(settings) as opened:
            redis, clock = opened.connection.redis, opened.clock
            fuses = Fuses(redis, clock, opened.vault)
            held = await _held(fuses, event)
            left = printing.counted(max(held.people - held.reached, 0), "person", "people")
            if not await asking.sure(f"Never tell {left} of {', '.join(held.notifications)}?", yes=args.yes):
                print("Nothing was changed.")
                return 1
            now = await fuses.discard(event, who=args.who, why=args.why)
            await Events(redis, clock, opened.vault).reopen(event)
        if args.json:
            printing.as_json(data(now))
        else:
            print(f"Discarded: {left} are not told.")
        return 0

    return opening.run(work)


async def _held(fuses: Fuses, event: EventId) -> Held:
    held = await fuses.get(event)
    if held is None:
        raise NotFound("no such event is held; `python main.py fuses list` shows what is")
    return held


def _why(one: Held) -> str:
    return Blown(one.why, one.people, one.limit, ", ".join(one.notifications)).sentence


def data(one: Held) -> dict[str, Any]:
    asked = one.asked
    return {
        "event": one.event,
        "subject": one.subject,
        "notifications": list(one.notifications),
        "people": one.people,
        "told": one.reached,
        "why": one.why,
        "limit": one.limit,
        "state": one.state,
        "since": printing.iso(one.at_ms),
        "by": one.by or None,
        "asked": {"who": asked.who, "why": asked.why, "at": printing.iso(asked.at_ms), "part": one.asked_part} if asked else None,
    }
