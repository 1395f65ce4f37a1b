"""What agents choose for themselves at the desk: what sends a reply, the letters of their keys, the language of their page.

It stands in the agent's record and not in a browser: people change desks. Nothing else of the record can be changed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import BadInput, Problem
from gateway.model.agent import Agent
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.pages import KEY_LIST

COMMANDS = frozenset(name for name, _ in KEY_LIST)


def shown(agent: Agent) -> dict[str, Any]:
    """For the page's scripts."""
    return {"send_key": agent.send_key, "locale": agent.locale, "keys": dict(agent.keys)}


async def change(deps: WebcareDeps, agent: Agent, body: Mapping[str, Any]) -> Agent:
    """body: any of send_key, locale, keys (command -> letter). Raises BadInput, Conflict."""
    fields: dict[str, Any] = {}
    for name in ("send_key", "locale"):
        if name in body:
            if not isinstance(body[name], str):
                raise BadInput([Problem(name, "should be a word")])
            fields[name] = body[name]
    if "keys" in body:
        keys = body["keys"]
        if not isinstance(keys, dict) or not all(name in COMMANDS and isinstance(key, str) for name, key in keys.items()):
            raise BadInput([Problem("keys", "should give commands of the desk a letter each")])
        fields["keys"] = tuple(sorted(keys.items()))
    return await deps.agents.change(agent.id, **fields)
