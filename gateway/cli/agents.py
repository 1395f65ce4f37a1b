"""`python main.py agents`: who may sign in to the desk. A password is asked hidden, or read from a pipe; never an argument."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.cli import arguments, asking, opening, printing
from gateway.errors import BadInput, Conflict, NotFound, Problem
from gateway.model.audit import OPERATOR, Audited
from gateway.model.conversation import Agent, AgentId
from gateway.model.personal import Secret
from gateway.store.agents import PASSWORD_MIN, Agents


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "agents", help="who may sign in to the desk")
    add = arguments.command(
        group,
        "add",
        help="make an agent",
        about="The password is asked twice and not shown; through a pipe it is one line of standard input.",
        example="agents add kim@example.org --display Kim --rights reply@zz,read",
    )
    _name(add)
    add.add_argument("--display", metavar="TEXT", help="the name that colleagues see (default: NAME up to its @)")
    add.add_argument(
        "--rights", default="reply", metavar="LIST", help="read, reply; for one brand reply@brand; by commas (default: reply)"
    )
    add.set_defaults(work=_add)
    arguments.command(group, "list", help="show all agents", example="agents list").set_defaults(work=_list)
    password = arguments.command(
        group,
        "password",
        help="give an agent a new password",
        about="Open sessions go on: `agents disable` ends them.",
        example="agents password kim@example.org",
    )
    _name(password)
    password.set_defaults(work=_password)
    disable = arguments.command(
        group,
        "disable",
        help="keep an agent out; what is open ends with its next request",
        about="Their conversations stay theirs: hand them over at the desk.",
        example="agents disable kim@example.org",
    )
    _name(disable)
    disable.set_defaults(work=lambda args: _switch(args, disabled=True))
    enable = arguments.command(group, "enable", help="let an agent in again", example="agents enable kim@example.org")
    _name(enable)
    enable.set_defaults(work=lambda args: _switch(args, disabled=False))


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=arguments.not_a_number, metavar="NAME", help="what they sign in with")


@asynccontextmanager
async def _agents() -> AsyncIterator[Agents]:
    async with opening.open_store(opening.read_settings()) as opened:
        yield Agents(opened.connection.redis, opened.clock, opened.vault)


def _run(work: Callable[[Agents], Awaitable[int]]) -> int:
    async def opened() -> int:
        async with _agents() as agents:
            return await work(agents)

    return opening.run(opened)


def _add(args: argparse.Namespace) -> int:
    display = args.display or args.name.partition("@")[0]
    rights = tuple(right.strip() for right in args.rights.split(",") if right.strip())
    if not rights:
        args.fail("--rights: should be read, reply or both, for one brand as reply@brand")

    async def work(agents: Agents) -> int:
        if await _known(agents, args.name) is not None:
            raise Conflict("an agent of this name is there already: `agents password` gives a new password")
        agent = await agents.add_agent(args.name, display, await _new_password(), rights)
        await agents.audit(Audited.AGENT_ADDED, OPERATOR, target=agent.id, new=",".join(agent.rights))
        return _tell(args, agent, f"{agent.display.reveal()} may sign in as {agent.name.reveal()}.")

    return _run(work)


def _list(args: argparse.Namespace) -> int:
    async def work(agents: Agents) -> int:
        found = await agents.all()
        if args.json:
            printing.as_json([_data(agent) for agent in found])
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

    return _run(work)


def _password(args: argparse.Namespace) -> int:
    async def work(agents: Agents) -> int:
        agent = await _find(agents, args.name)
        await agents.set_password(agent.id, await _new_password())
        await agents.audit(Audited.AGENT_PASSWORD, OPERATOR, target=agent.id)
        return _tell(args, agent, "The new password counts from the next sign-in; open sessions go on.")

    return _run(work)


def _switch(args: argparse.Namespace, *, disabled: bool) -> int:
    async def work(agents: Agents) -> int:
        agent = await agents.set_disabled((await _find(agents, args.name)).id, disabled)
        await agents.audit(Audited.AGENT_DISABLED if disabled else Audited.AGENT_ENABLED, OPERATOR, target=agent.id)
        return _tell(args, agent, "Kept out from now on." if disabled else "May sign in again.")

    return _run(work)


async def _known(agents: Agents, name: str) -> Agent | None:
    return (await agents.many([agents.agent_id(name)])).get(AgentId(agents.agent_id(name)))


async def _find(agents: Agents, name: str) -> Agent:
    found = await _known(agents, name)
    if found is None:
        names = ", ".join(agent.name.reveal() for agent in await agents.all())
        raise NotFound(f"no agent of this name; there are {names}" if names else "there are no agents yet")
    return found


async def _new_password() -> Secret:
    """Asked twice on a terminal; from a pipe, its next line. Raises BadInput when the two differ."""
    first = await asking.hidden(f"Password, at least {PASSWORD_MIN} characters")
    if sys.stdin.isatty() and await asking.hidden("The same again") != first:
        raise BadInput([Problem("password", "the two were not the same; nothing was changed")])
    return first


def _tell(args: argparse.Namespace, agent: Agent, words: str) -> int:
    if args.json:
        printing.as_json(_data(agent))
    else:
        print(words)
    return 0


def _data(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name.reveal(),
        "display": agent.display.reveal(),
        "rights": list(agent.rights),
        "disabled": agent.disabled,
    }
