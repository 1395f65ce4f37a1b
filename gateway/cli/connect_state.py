"""How far `connect` came, kept between starts in data_dir/connect.json (0600). No token, secret, PIN or person's number in it.

What the channel can be asked is asked again at every start; here stands only what it cannot tell.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from gateway.errors import GatewayError

NAME = "connect.json"


@dataclass(slots=True)
class State:
    """graph: the channel's address; what was found at another one (the sandbox) is not taken over.

    region:     where message contents are kept at rest: two letters, "" the channel's choice, None not yet asked
    env_agreed: whether `.env` may be written, None not yet asked
    tag:        of the first message; sent_ms, delivered_ms, answered_ms: when, 0 not yet
    """

    graph: str = ""
    app_id: str = ""
    account_id: str = ""
    number_id: str = ""
    region: str | None = None
    env_agreed: bool | None = None
    tag: str = ""
    sent_ms: int = 0
    delivered_ms: int = 0
    answered_ms: int = 0


def load(data_dir: Path, graph: str) -> State:
    """What was kept; a fresh one where there is nothing, nothing readable, or another channel's."""
    try:
        raw = json.loads((data_dir / NAME).read_text(encoding="utf-8"))
        known = {field.name: raw[field.name] for field in fields(State) if field.name in raw}
        state = State(**known)
    except (OSError, ValueError, TypeError):
        return State(graph=graph)
    return state if state.graph == graph else State(graph=graph)


def save(data_dir: Path, state: State) -> None:
    """At once or not at all. raises: GatewayError"""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(prefix=NAME, dir=data_dir)  # made 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(state), file, indent=1)
        os.replace(name, data_dir / NAME)
    except OSError as error:
        raise GatewayError(f"GATEWAY_DATA_DIR: {data_dir} cannot be written ({error.strerror})") from error
