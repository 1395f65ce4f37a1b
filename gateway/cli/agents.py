"""`python main.py agents`: who may sign in to the desk. A password is asked hidden, or read from a pipe; never an argument."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from gateway.cli import agents_import, agents_sessions, arguments, asking, printing
from gateway.cli.agents_store import data_of, find, known, listed, name_argument, run
from gateway.errors import BadInput, Conflict, Problem
from gateway.model.agent import LOCALES, SEND_KEYS
from gateway.model.audit import OPERATOR, Audited
from gateway.model.conversation import Agent
from gateway.model.personal import Personal, Secret
from gateway.rules.rights import needs_second_factor
from gateway.store.agents import PASSWORD_MIN, Agents

RIGHTS = "agent, senior, supervisor, admin, auditor; for one brand agent@brand, for one queue of it agent@brand/queue; by commas"


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "agents", help="who may sign in to the desk")
    add = arguments.command(
        group,
        "add",
        help="make an agent",
        about="The password is asked twice and not shown; through a pipe it is one line of standard input.",
        example="agents add kim@example.org --display Kim --rights agent@zz,auditor --languages nl,en",
    )
    name_argument(add)
    add.add_argument("--display", metavar="TEXT", help="the name that colleagues see (default: NAME up to its @)")
    add.add_argument("--rights", default="agent", metavar="LIST", help=f"{RIGHTS} (default: agent)")
    _knows(add)
    add.set_defaults(work=_add)
    arguments.command(group, "list", help="show all agents", example="agents list").set_defaults(work=_list)
    show = arguments.command(group, "show", help="show one agent", example="agents show kim@example.org")
    name_argument(show)
    show.set_defaults(work=_show)
    rights = arguments.command(
        group,
        "rights",
        help="give an agent other rights, at once",
        about=f"LIST: {RIGHTS}.\nA supervisor or admin signs in anew, with a second factor.",
        example="agents rights kim@example.org supervisor@zz",
    )
    name_argument(rights)
    rights.add_argument("rights", metavar="LIST", help="all that they have from now on")
    rights.set_defaults(work=_rights)
    change = arguments.command(
        group,
        "set",
        help="change what an agent knows, and how their desk is",
        about="What is not named stays. An empty list takes all away: --skills ''.",
        example="agents set kim@example.org --languages nl,en --skills refunds --limit-factor 2",
    )
    name_argument(change)
    _knows(change)
    change.add_argument("--display", metavar="TEXT", help="the name that colleagues see")
    change.add_argument("--locale", choices=LOCALES, help="the language of their desk")
    change.add_argument("--send-key", choices=SEND_KEYS, help="what sends a reply")
    change.add_argument("--limit-factor", type=int, metavar="N", help="how many times as long their time limits are, 1 to 10")
    change.set_defaults(work=_set)
    password = arguments.command(
        group,
        "password",
        help="give an agent a new password",
        about="Open sessions go on: `agents sessions end` ends them.",
        example="agents password kim@example.org",
    )
    name_argument(password)
    password.set_defaults(work=_password)
    disable = arguments.command(
        group,
        "disable",
        help="keep an agent out; what is open ends with its next request",
        about="Their conversations stay theirs: hand them over at the desk.",
        example="agents disable kim@example.org",
    )
    name_argument(disable)
    disable.set_defaults(work=lambda args: _switch(args, disabled=True))
    enable = arguments.command(group, "enable", help="let an agent in again", example="agents enable kim@example.org")
    name_argument(enable)
    enable.set_defaults(work=lambda args: _switch(args, disabled=False))
    agents_sessions.add_parsers(group)
    agents_import.add_parsers(group)


def _knows(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--languages", metavar="LIST", help="those they answer in, nl,en (none: every one)")
    parser.add_argument("--skills", metavar="LIST", help="what they know, as webcare.yaml names it")


def _add(args: argparse.Namespace) -> int:
    display = args.display or args.name.partition("@")[0]
    rights = listed(args.rights)
    if not rights:
        args.fail(f"--rights: should be {RIGHTS}")

    async def work(agents: Agents) -> int:
        if await known(agents, args.name) is not None:
            raise Conflict("an agent of this name is there already: `agents password` gives a new password")
        agent = await agents.add_agent(args.name, display, await _new_password(), rights)
        if args.languages or args.skills:
            agent = await agents.change(agent.id, languages=listed(args.languages or ""), skills=listed(args.skills or ""))
        await agents.audit(Audited.AGENT_ADDED, OPERATOR, target=agent.id, new=",".join(agent.rights))
        return _tell(args, agent, f"{agent.display.reveal()} may sign in as {agent.name.reveal()}.")

    return run(work)


def _list(args: argparse.Namespace) -> int:
    async def work(agents: Agents) -> int:
        found = await agents.all()
        if args.json:
            printing.as_json([data_of(agent) for agent in found])
        elif not found:
            print("There are no agents yet: python main.py agents add NAME")
        else:
            rows = [
                (
                    agent.name.reveal(), agent.display.reveal(), ",".join(agent.rights),
                    "kept out" if agent.disabled else "may sign in", agent.id,
                )
                for agent in found
            ]  # fmt: skip
            print(printing.columns(("name", "display", "rights", "state", "id"), rows))
        return 0

    return run(work)


def _password(args: argparse.Namespace) -> int:
    async def work(agents: Agents) -> int:
        agent = await find(agents, args.name)
        await agents.set_password(agent.id, await _new_password())
        await agents.audit(Audited.AGENT_PASSWORD, OPERATOR, target=agent.id)
        return _tell(args, agent, "The new password counts from the next sign-in; open sessions go on.")

    return run(work)


def _switch(args: argparse.Namespace, *, disabled: bool) -> int:
    async def work(agents: Agents) -> int:
        agent = await agents.set_disabled((await find(agents, args.name)).id, disabled)
        await agents.audit(Audited.AGENT_DISABLED if disabled else Audited.AGENT_ENABLED, OPERATOR, target=agent.id)
        return _tell(args, agent, "Kept out from now on." if disabled else "May sign in again.")

    return run(work)


def _signs_in(agent: Agent) -> str:
    return "by their provider" if agent.provider else "with a password"


def _show(args: argparse.Namespace) -> int:
    async def work(agents: Agents) -> int:
        agent = await find(agents, args.name)
        second = await agents.sessions.seconds.enrolled(agent.id)
        if args.json:
            printing.as_json({**data_of(agent), "second_factor": second})
            return 0
        rows = [
            ("name", agent.name.reveal()), ("display", agent.display.reveal()), ("rights", ", ".join(agent.rights) or "none"),
            ("state", "kept out" if agent.disabled else "may sign in"),
            ("signs in", "not at all: a program, by its key" if agent.program else _signs_in(agent)),
            ("second factor", "set up" if second else "due at the next sign-in" if needs_second_factor(agent.rights) else "none"),
            ("languages", ", ".join(agent.languages) or "every one"), ("skills", ", ".join(agent.skills) or "none"),
            ("time limits", f"times {agent.limit_factor}"), ("id", agent.id),
        ]  # fmt: skip
        for name, value in rows:
            print(f"{name:<14} {value}")
        return 0

    return run(work)


def _rights(args: argparse.Namespace) -> int:
    async def work(agents: Agents) -> int:
        before = await find(agents, args.name)
        if before.provider:
            raise Conflict("their rights are those of their groups at the provider: change them there")
        after = await agents.set_rights(before.id, listed(args.rights))
        old, new = ",".join(before.rights) or "none", ",".join(after.rights) or "none"
        await agents.audit(Audited.AGENT_RIGHTS, OPERATOR, target=after.id, old=old, new=new)
        return _tell(args, after, f"{after.display.reveal()} has {new} from now on; before: {old}.")

    return run(work)


def _set(args: argparse.Namespace) -> int:
    fields: dict[str, Any] = {
        name: value
        for name, value in (
            ("languages", None if args.languages is None else listed(args.languages)),
            ("skills", None if args.skills is None else listed(args.skills)),
            ("display", None if args.display is None else Personal(" ".join(args.display.split()))),
            ("locale", args.locale),
            ("send_key", args.send_key),
            ("limit_factor", args.limit_factor),
        )
        if value is not None
    }
    if not fields:
        args.fail("say what should change: --languages, --skills, --display, --locale, --send-key or --limit-factor")

    async def work(agents: Agents) -> int:
        agent = await agents.change((await find(agents, args.name)).id, **fields)
        await agents.audit(Audited.AGENT_CHANGED, OPERATOR, target=agent.id, new=",".join(sorted(fields)))
        return _tell(args, agent, f"{agent.display.reveal()} was changed.")

    return run(work)


async def _new_password() -> Secret:
    """Asked twice on a terminal; from a pipe, its next line. Raises BadInput when the two differ."""
    first = await asking.hidden(f"Password, at least {PASSWORD_MIN} characters")
    if sys.stdin.isatty() and await asking.hidden("The same again") != first:
        raise BadInput([Problem("password", "the two were not the same; nothing was changed")])
    return first


def _tell(args: argparse.Namespace, agent: Agent, words: str) -> int:
    if args.json:
        printing.as_json(data_of(agent))
    else:
        print(words)
    return 0
