"""`agents second-factor` and `agents sessions`: who is signed in, and what to do when a phone is lost."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gateway.cli import arguments, printing
from gateway.cli.agents_store import find, name_argument, run
from gateway.model.agent import AgentId
from gateway.model.audit import OPERATOR, Audited
from gateway.store.agents import Agents
from gateway.store.sessions import Session


def add_parsers(group: Any) -> None:
    second = arguments.command(
        group,
        "second-factor",
        help="forget an agent's second factor: they set it up anew when they next sign in",
        about="Their open sessions end. Make sure that it is they who ask: whoever has the password then has all.",
        example="agents second-factor reset kim@example.org",
    )
    second.add_argument("what", choices=("reset",), help="the only thing there is to do")
    name_argument(second)
    second.set_defaults(work=_reset)
    sessions = arguments.command(
        group, "sessions", help="who is signed in; or end an agent's sessions", example="agents sessions end kim@example.org"
    )
    sessions.add_argument("what", choices=("list", "end"), help="show them, or end those of one agent")
    sessions.add_argument("name", nargs="?", type=arguments.not_a_number, metavar="NAME", help="of this agent")
    sessions.set_defaults(work=_sessions)


def _reset(args: argparse.Namespace) -> int:
    async def work(agents: Agents) -> int:
        agent = await find(agents, args.name)
        had = await agents.sessions.seconds.reset(agent.id)
        ended = await _end(agents, agent.id, "second_reset")
        await agents.audit(Audited.SECOND_RESET, OPERATOR, target=agent.id)
        if args.json:
            printing.as_json({"id": agent.id, "had": had, "sessions_ended": ended})
        else:
            print("Forgotten; it is set up anew at the next sign-in." if had else "There was none.")
            print(f"{printing.counted(ended, 'session')} ended.")
        return 0

    return run(work)


def _sessions(args: argparse.Namespace) -> int:
    if args.what == "end" and not args.name:
        args.fail("say whose sessions should end: agents sessions end NAME")

    async def work(agents: Agents) -> int:
        wanted = (await find(agents, args.name)).id if args.name else None
        if args.what == "end" and wanted is not None:
            ended = await _end(agents, wanted, "operator")
            if args.json:
                printing.as_json({"id": wanted, "sessions_ended": ended})
            else:
                print(f"{printing.counted(ended, 'session')} ended.")
            return 0
        return await _list(args, agents, wanted)

    return run(work)


async def _list(args: argparse.Namespace, agents: Agents, wanted: AgentId | None) -> int:
    found = [one for one in await agents.sessions.all() if wanted in (None, one.agent)]
    names = {agent.id: agent.name.reveal() for agent in await agents.all()}
    if args.json:
        printing.as_json([_data(one, names) for one in found])
    elif not found:
        print("Nobody is signed in.")
    else:
        rows = [
            (
                names.get(one.agent, one.agent), printing.when(one.made_ms), printing.when(one.seen_ms),
                "locked" if one.locked else "open", one.how, one.place or "-",
            )
            for one in found
        ]  # fmt: skip
        print(printing.columns(("name", "since", "last key", "state", "by", "place"), rows))
    return 0


def _data(one: Session, names: Mapping[AgentId, str]) -> dict[str, Any]:
    return {
        "agent": one.agent,
        "name": names.get(one.agent),
        "since": printing.iso(one.made_ms),
        "seen": printing.iso(one.seen_ms),
        "how": one.how,
        "second_factor": one.second,
        "locked": one.locked,
        "place": one.place,
    }


async def _end(agents: Agents, agent: AgentId, why: str) -> int:
    """How many sessions there were."""
    found = [one for one in await agents.sessions.all() if one.agent == agent]
    for session in found:
        await agents.sessions.end(session, OPERATOR, why)
    return len(found)
