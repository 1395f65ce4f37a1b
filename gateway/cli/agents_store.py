"""What the commands about agents share: the store opened, an agent found by their name, an agent shown."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.cli import arguments, opening
from gateway.errors import NotFound
from gateway.model.agent import Agent
from gateway.store.agents import Agents


def run(work: Callable[[Agents], Awaitable[int]]) -> int:
    async def opened() -> int:
        async with opening.open_store(opening.read_settings()) as found:
            return await work(Agents(found.connection.redis, found.clock, found.vault))

    return opening.run(opened)


def name_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=arguments.not_a_number, metavar="NAME", help="what they sign in with")


def listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))


async def known(agents: Agents, name: str) -> Agent | None:
    """By the name that they sign in with, here or at their provider; by id too."""
    found = (await agents.many([agents.agent_id(name)])).get(agents.agent_id(name))
    if found is not None:
        return found
    wanted = name.strip().casefold()
    same = [one for one in await agents.all() if wanted in (one.name.reveal().casefold(), one.id)]
    return same[0] if len(same) == 1 else None


async def find(agents: Agents, name: str) -> Agent:
    """Raises NotFound, naming those who are there."""
    found = await known(agents, name)
    if found is None:
        names = ", ".join(agent.name.reveal() for agent in await agents.all())
        raise NotFound(f"no agent of this name; there are {names}" if names else "there are no agents yet")
    return found


def data_of(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name.reveal(),
        "display": agent.display.reveal(),
        "rights": list(agent.rights),
        "disabled": agent.disabled,
        "languages": list(agent.languages),
        "skills": list(agent.skills),
        "locale": agent.locale or None,
        "send_key": agent.send_key or None,
        "limit_factor": agent.limit_factor,
        "provider": agent.provider or None,
    }
