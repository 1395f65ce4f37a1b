"""Who works at the demo's desk, and how its queues are cut.

Sanne answers, Ravi is the second line and has the complaints, Ines oversees. All three sign in with the one password that the
demo prints. Ines, who may stop what goes out, is also asked for a code that changes every 30 seconds: `python -m demo.code`
says it, as the app on her phone would. The desk's people live by the clock on the wall, whatever the story's says.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pyotp

from gateway.clock import Clock
from gateway.errors import Conflict
from gateway.model.personal import Secret
from gateway.runtime import Runtime
from gateway.store.agents import Agents
from gateway.store.second import STEP_S, SecondFactors

SANNE, RAVI, INES = "sanne", "ravi", "ines"
TEAM = (
    (SANNE, "Sanne de Boer", ("agent",), ()),
    (RAVI, "Ravi Menon", ("senior",), ("complaints", "second-line")),
    (INES, "Ines Costa", ("supervisor",), ()),
)
"""name to sign in with, name, rights, skills"""
PASSWORD = "desk-password"  # noqa: S105 -- a file's name
CODES = "desk-codes"
"""A file: what Ines's codes are made from."""


def webcare(brands: list[str]) -> dict[str, Any]:
    """webcare.yaml: beside the general queue one for complaints and one for who needs the second line.

    Nobody need sit at the desk for the story to go on, and who plays a customer should not hear from an empty room each time.
    """
    plan = {
        "queues": [{"name": "complaints", "required": ["complaints"]}, {"name": "second-line", "required": ["second-line"]}],
        "routes": [{"complaint": True, "queue": "complaints"}],
        "complaint_owner": RAVI,
        "silent": ["full"],
    }
    return {"brands": {brand: plan for brand in sorted(brands)}}


async def seated(runtime: Runtime, directory: Path) -> tuple[dict[str, str], str]:
    """({name: id}, password). Done again, nothing changes: who is there stays as they are."""
    clock = Clock()
    agents = Agents(runtime.connection.redis, clock, runtime.vault)
    password = _kept(directory / PASSWORD, lambda: "-".join(secrets.token_hex(2) for _ in range(3)))
    found = {}
    for name, display, rights, skills in TEAM:
        try:
            made = await agents.add_agent(name, display, Secret(password), rights)
            await agents.change(made.id, skills=skills)
        except Conflict:
            pass
        found[name] = str(agents.agent_id(name))
    seconds = SecondFactors(runtime.connection.redis, clock, runtime.vault)
    secret = _kept(directory / CODES, pyotp.random_base32)
    if not await seconds.enrolled(agents.agent_id(INES)):
        # The code before this one is still taken, and each only once: Ines has the next.
        code = pyotp.TOTP(secret, interval=STEP_S).at(clock.now_ms() // 1000 - STEP_S)
        await seconds.enrol(agents.agent_id(INES), Secret(secret), code)
    return found, password


def _kept(path: Path, make: Any) -> str:
    """What a file of the demo's holds, which only its owner reads; made when it is not there."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text()
