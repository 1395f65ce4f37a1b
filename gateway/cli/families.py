"""`python main.py families`: who at home follows a journey, and how that is closed, opened and ended. See docs/families.md."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from gateway.api.families import shown
from gateway.api.views import initial
from gateway.cli import arguments, asking, opening, printing, whose
from gateway.cli.opening import Opened
from gateway.errors import NotFound
from gateway.families.overview import MOST, Move, Overview, Seen
from gateway.insight.naming import find_subject
from gateway.insight.trace import facts_about
from gateway.model.ids import AddressId, SubjectId, is_id
from gateway.store.brakes import BrakeBook
from gateway.store.contacts import Contacts
from gateway.store.facts import Facts
from gateway.store.families import Families
from gateway.store.subjects import Subjects

_HELP = {
    Move.CLOSE: "let nobody in any more; who is in stays",
    Move.OPEN: "let people in again by its link",
    Move.END: "end it: its members are told once, without a reason",
}
_DONE = {
    Move.CLOSE: "Closed: nobody comes in by its link.",
    Move.OPEN: "Opened: people come in by its link again.",
    Move.END: "Ended: its members are told within seconds, and its list is erased.",
}


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "families", help="who at home follows whose journey")
    several = arguments.command(
        group,
        "list",
        help="families of those who travel by a flight or train, or are on an order",
        about="SUBJECT is flight:..., trip:..., order:... as its source writes it, or our id j11... (`-` asks for it, hidden).",
        example="families list flight:ZZ1007/2026-11-22/AMS",
    )
    several.add_argument("subject", type=arguments.not_a_number, metavar="SUBJECT", help="`-` asks for it, and does not show it")
    several.set_defaults(work=_list)
    one = arguments.command(
        group,
        "show",
        help="how one stands, who is in it, who left, and why",
        about="Members are shown by our own ids; --reveal shows what they are called, and leaves nothing behind but this screen.",
        example="families show j38x2m9hq4w6tz",
    )
    one.add_argument("family", type=_id, metavar="ID", help="as `families list` shows it")
    one.add_argument("--reveal", action="store_true", help="show what members are called and where they are reached")
    one.set_defaults(work=_show)
    for move, help_ in _HELP.items():
        example = f'families {move} j38x2m9hq4w6tz --why "the link was posted in public"'
        parser = arguments.command(group, move.value, help=help_, example=example, yes=move is Move.END)
        parser.add_argument("family", type=_id, metavar="ID", help="as `families list` shows it")
        parser.add_argument("--why", type=arguments.line, required=True, metavar="TEXT", help="for everybody who wonders")
        arguments.add_who(parser)
        parser.set_defaults(work=_steer, move=move)


def _id(text: str) -> SubjectId:
    if not is_id(text.strip().lower(), "j"):
        raise argparse.ArgumentTypeError("should be our id of a family, j11..., as `families list` shows it")
    return SubjectId(text.strip().lower())


def _list(args: argparse.Namespace) -> int:
    async def work(opened: Opened, overview: Overview) -> int:
        wanted = (await asking.hidden("Which flight, trip or order")).reveal() if args.subject == "-" else args.subject
        book = BrakeBook(opened.connection.redis, opened.clock)
        subject = await find_subject(wanted.strip(), opened.vault, book)
        found, more = await overview.of(subject)
        if args.json:
            rows = [await shown(overview, one, reveal=False) for one in found]
            printing.as_json({"subject": subject, "families": rows, "more": more, "most": MOST})
        elif not found:
            print(f"Nobody at home follows it. {whose.looked_in(opened)}")
        else:
            head = ("family", "state", "door", "members", "reached", "made", "until", "traveller")
            print(printing.columns(head, [_row(one) for one in found]))
            if more:
                print(f"\nThese are the first {MOST:,}; there are more.")
        return 0

    return _run(work)


def _show(args: argparse.Namespace) -> int:
    async def work(opened: Opened, overview: Overview) -> int:
        seen = await overview.one(args.family)
        async with opening.opened_history(opened.settings) as history:
            facts = await facts_about(args.family, history=history, facts=Facts(opened.connection.redis))
        left = [(fact.id_of("c"), fact.at_ms, fact.detail.get("why", "")) for fact in facts if fact.kind == "family_left"]
        if args.json:
            gone = [{"contact": contact, "at_ms": at_ms, "why": why} for contact, at_ms, why in left]
            printing.as_json({**await shown(overview, seen, reveal=args.reveal), "left": gone})
            return 0
        _print(seen, await overview.addresses(seen.family) if args.reveal else None)
        if left:
            print(f"\n{printing.counted(len(left), 'member')} left")
            print(printing.columns(("contact", "left", "why"), [(contact, printing.when(at), why) for contact, at, why in left]))
        print(f"\nnext: {printing.typed(f'trace {seen.family.id}')}")
        return 0

    return _run(work)


def _row(seen: Seen) -> tuple[object, ...]:
    family = seen.family
    return (
        family.id, seen.state, seen.door, f"{len(family.members)} of {family.places}", sum(seen.reached.values()),
        printing.when(family.made_ms), printing.when(seen.until_ms), family.contact or "-",
    )  # fmt: skip


def _print(seen: Seen, addresses: Mapping[AddressId, Sequence[str]] | None) -> None:
    """addresses: where members are reached, where names and numbers may be shown; else None"""
    family = seen.family
    ended = f" since {printing.when(family.ended_ms)} ({family.ended_why})" if family.ended_ms else ""
    print(f"family {family.id}: {seen.state}{ended}")
    print(f"door: {seen.door}; link number {family.renewals}; taken out: {len(family.barred)}; "
          f"group of their own: {'shared' if family.group_link is not None else 'none'}")  # fmt: skip
    print(f"made {printing.when(family.made_ms)}; the journey is over {printing.when(seen.until_ms)}; "
          f"traveller {family.contact or '-'}; order {family.order or '-'}")  # fmt: skip
    print(f"\n{printing.counted(len(family.members), 'member')} of {family.places}")
    if not family.members:
        return
    rows = []
    for one in family.members:
        named = (initial(one.name, True) or "-", " ".join(addresses.get(one.address, ()))) if addresses is not None else ()
        reached = "yes" if seen.reached.get(one.contact) else "no"
        rows.append((one.contact, one.channel, printing.when(one.joined_ms), reached, *named))
    print(printing.columns(("contact", "channel", "joined", "reached", *(("name", "to") if addresses is not None else ())), rows))


def _steer(args: argparse.Namespace) -> int:
    async def work(opened: Opened, overview: Overview) -> int:
        before = await overview.one(args.family)
        if args.move is Move.END and not await _sure(before, args):
            print("Nothing was changed.")
            return 1
        after = await overview.steer(args.family, args.move, who=args.who, why=args.why)
        if args.json:
            printing.as_json(await shown(overview, after, reveal=False))
        else:
            print(_DONE[args.move])
            print(f"next: {printing.typed(f'families show {args.family}')}")
        return 0

    return _run(work)


async def _sure(seen: Seen, args: argparse.Namespace) -> bool:
    told = printing.counted(sum(seen.reached.values()), "member")
    return await asking.sure(f"End it for good? {told} would be told that it is over.", yes=args.yes)


def _run(work: Callable[[Opened, Overview], Awaitable[int]]) -> int:
    settings = opening.read_settings()

    async def run() -> int:
        async with opening.open_store(settings) as opened:
            redis, clock, vault = opened.connection.redis, opened.clock, opened.vault
            subjects = Subjects(redis, clock, vault)
            overview = Overview(Families(redis, clock, vault), Contacts(redis, clock, vault), subjects)
            try:
                return await work(opened, overview)
            except NotFound as error:
                raise NotFound(f"{error} {whose.looked_in(opened)}") from None

    return opening.run(run)
