"""How far `connect` came, kept between starts in data_dir, a file a channel (0600). No secret and no person's number in it.

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
"""Of the first channel; another one has its own beside it: connect-messenger.json."""
FIRST = "whatsapp"


@dataclass(slots=True)
class State:
    """graph: the channel's address; what was found at another one (the sandbox) is not taken over.

    channel:    which one; account_id: of the business account, or of the page
    region:     where message contents are kept at rest: two letters, "" the channel's choice, None not yet asked
    env_agreed: whether `.env` may be written, None not yet asked
    tag:        of the first message; sent_ms, delivered_ms, answered_ms: when, 0 not yet
    """

    graph: str = ""
    channel: str = FIRST
    app_id: str = ""
    account_id: str = ""
    number_id: str = ""
    region: str | None = None
    env_agreed: bool | None = None
    tag: str = ""
    sent_ms: int = 0
    delivered_ms: int = 0
    answered_ms: int = 0


def name_of(channel: str) -> str:
    return NAME if channel == FIRST else f"connect-{channel}.json"


def load(data_dir: Path, graph: str, channel: str = FIRST) -> State:
    """What was kept; a fresh one where there is nothing, nothing readable, or another address's."""
    fresh = State(graph=graph, channel=channel)
    try:
        raw = json.loads((data_dir / name_of(channel)).read_text(encoding="utf-8"))
        known = {field.name: raw[field.name] for field in fields(State) if field.name in raw}
        state = State(**known)
    except (OSError, ValueError, TypeError):
        return fresh
    return state if (state.graph, state.channel) == (graph, channel) else fresh


def save(data_dir: Path, state: State) -> None:
    """At once or not at all. raises: GatewayError"""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        wanted = name_of(state.channel)
        descriptor, name = tempfile.mkstemp(prefix=wanted, dir=data_dir)  # made 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(state), file, indent=1)
        os.replace(name, data_dir / wanted)
    except OSError as error:
        raise GatewayError(f"GATEWAY_DATA_DIR: {data_dir} cannot be written ({error.strerror})") from error
