"""What supervisors whisper to whoever has a conversation: sealed with the contact's key, beside the thread and not in it.

Nothing that reads a thread comes upon a whisper: no history, no search, no export, no program, no answer. It ends after a week,
and with the contact. Who is shown one is decided where it is drawn (webcare/whispering.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import Sealed
from gateway.model.agent import AgentId
from gateway.model.conversation import Conversation
from gateway.model.personal import Personal
from gateway.store import keys
from gateway.store.vault import Box

KEEP_MS = 7 * keys.DAY_MS
MOST = 50
"""So many of a conversation are kept, the last ones."""


@dataclass(frozen=True, slots=True)
class Whisper:
    """by: a supervisor; to: who had the conversation when it was said; key: names it for ever"""

    key: str
    by: AgentId
    to: AgentId
    text: Personal
    at_ms: int


def seal(box: Box, found: Conversation, key: str, text: Personal) -> bytes:
    return box.seal_json({"text": text.reveal()}, _about(found, key))


def parse(raw: Sequence[bytes], box: Box, found: Conversation) -> list[Whisper]:
    """Oldest first. Of what cannot be opened any more there is nothing."""
    whispers = []
    for line in raw:
        _, at, by, to, key, sealed = bytes(line).split(b"|", 5)
        try:
            said = box.open_json(sealed, _about(found, key.decode()))
        except Sealed:
            continue
        who, whom = AgentId(by.decode()), AgentId(to.decode())
        whispers.append(Whisper(key.decode(), who, whom, Personal(said["text"]), int(at)))
    return whispers


def _about(found: Conversation, key: str) -> str:
    return f"whisper:{found.id}:{key}"
