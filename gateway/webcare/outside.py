"""Who acts behind an API key at the desk's API: the key's own technical agent, with what the key may and nothing else.

A key of scope `admin` names an agent of ours and is believed. A key of scope `desk` is another program's, for the whole team
behind it: one agent a key, which owns what the program claims. That agent has no password, no session and no presence, so the
router gives it nothing, nobody can pass work to it by name, and no limit that is a person's (two at once, five parked) holds for
it. What it may read and answer is what the key says now, and not what is kept of it: ending a key or making it anew changes that
at once. Who of the team speaks is said in each call (`as`), and is what the customer sees where a channel shows who speaks.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from aiohttp import web

from gateway.errors import BadInput, Problem
from gateway.model.agent import BY_KEY, Agent
from gateway.model.personal import Personal
from gateway.store.agents import Agents
from gateway.store.apikeys import ApiKey

CALLER = web.RequestKey("api_key", ApiKey)
"""Under this the listener leaves the key in the request, where it is of scope `desk`; one with all rights leaves none."""
NAME_MAX = 80
PER_SECOND = 20.0
BURST = 100.0
KEYS_MAX = 1000


async def technical(agents: Agents, key: ApiKey, spoken: object = None) -> Agent:
    """The agent of a key, made at its first use. spoken: who of the team speaks, None for the key's own name.

    raises: BadInput for a name that is none; StoreUnavailable
    """
    shown = key.name
    if spoken is not None:
        shown = " ".join(spoken.split()) if isinstance(spoken, str) else ""
        if not 1 <= len(shown) <= NAME_MAX or not shown.isprintable():
            raise BadInput([Problem("as", f"should be the name of whoever speaks, up to {NAME_MAX} characters")])
    found = await agents.by_provider(BY_KEY, key.name)
    if found is None:  # kept without a right: a colleague cannot hand it anything
        found = await agents.add_by_provider(BY_KEY, key.name, key.name, key.name, ())
    return replace(found, display=Personal(shown), rights=key.rights)


class Pace:
    """How fast each key may call, a process: 20 a second in the long run, 100 at once."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, name: str) -> int:
        """0 where this call may be made, which counts it; else after how many seconds the next one may."""
        now = self._now()
        left, at = self._left.pop(name, (BURST, now))
        left = min(BURST, left + (now - at) * PER_SECOND)
        allowed = left >= 1
        self._left[name] = (left - 1 if allowed else left, now)
        if len(self._left) > KEYS_MAX:
            self._left.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((1 - left) / PER_SECOND))
