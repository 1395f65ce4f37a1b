"""`python main.py audit`: who did what at the desk and at the brakes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gateway.cli import arguments, opening, printing
from gateway.errors import NotFound
from gateway.store.agents import Agents
from gateway.store.audit import Audit

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start
    from gateway.insight.audit import Entry


def add_parser(commands: Any) -> None:
    parser = arguments.command(
        commands,
        "audit",
        help="who did what at the desk and at the brakes, newest first",
        about=(
            "Entries are some seconds old when they stand here. A place is a keyed hash of a network address: the same address,\n"
            "the same place; --place ADDRESS shows what came from there."
        ),
        example="audit --agent kim@example.org --from 7d",
    )
    parser.add_argument("--agent", type=arguments.not_a_number, metavar="NAME", help="done by them, or to them")
    parser.add_argument("--what", metavar="WORD", help="one kind of entry: sign_in_failed, read_outside, agent_rights ...")
    parser.add_argument("--about", metavar="ID", help="a conversation, contact or message of ours")
    parser.add_argument("--place", metavar="ADDRESS", help="from this network address")
    parser.add_argument("--from", dest="since", type=arguments.moment, metavar="TIME", help="30m, 7d ago, or 2026-11-22T18:00")
    parser.add_argument("--limit", type=arguments.at_least_one, default=200, metavar="N", help="at most so many (default: 200)")
    parser.set_defaults(work=_show)


def _show(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        from gateway.insight.audit import AuditBook

        async with opening.open_store(settings) as opened, opening.opened_history(settings) as history:
            agents = Agents(opened.connection.redis, opened.clock, opened.vault)
            names = {str(agent.id): agent.name.reveal() for agent in await agents.all()}
            who = _wanted(args.agent, names)
            since = args.since.before(opened.clock.now_ms()) if args.since else 0
            found = await AuditBook(history.database).read(
                since_ms=since, agent=who, what=args.what or "", about=args.about or "", limit=args.limit
            )
            if args.place:
                place = Audit(opened.connection.redis, opened.clock, opened.vault).place_of(args.place)
                found = [one for one in found if one.detail.get("place") == place]
        if args.json:
            printing.as_json([_data(one) for one in found])
        elif not found:
            print("Nothing of this kind stands in the audit.")
        else:
            rows = [
                (
                    printing.when(one.at_ms), names.get(one.agent, one.agent or "-"), one.what, " ".join(one.about) or "-",
                    _rest(one, names),
                )
                for one in found
            ]  # fmt: skip
            print(printing.columns(("when", "who", "what", "about", "more"), rows))
        return 0

    return opening.run(work)


def _wanted(name: str | None, names: Mapping[str, str]) -> str:
    """The id of the agent who is asked for; a word such as `operator` stands for itself."""
    if name is None:
        return ""
    known = [identifier for identifier, shown in names.items() if shown.casefold() == name.casefold() or identifier == name]
    if not known and "@" in name:
        raise NotFound("no agent of this name; `agents list` shows them")
    return known[0] if known else name


def _rest(one: Entry, names: Mapping[str, str]) -> str:
    shown = {**one.detail}
    if "target" in shown:
        shown["target"] = names.get(shown["target"], shown["target"])
    return " ".join(f"{name}={value}" for name, value in shown.items() if name not in ("agent", "who"))


def _data(one: Entry) -> dict[str, Any]:
    at = printing.iso(one.at_ms)
    return {"at": at, "what": one.what, "agent": one.agent or None, "about": list(one.about), "detail": dict(one.detail)}
