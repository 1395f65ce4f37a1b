"""What lies on the handsets, read out of the world's own file in the order in which its API took it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from torture.balancer import parse_opaque


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message on a handset. place: the order of arrival; message "" where its opaque data is not ours."""

    place: int
    at_ms: int
    address: str
    channel: str
    message: str
    attempt: int
    words: str
    failed: bool = False


def read(world: Path, page: str) -> list[Bubble]:
    """Everything the business sent, oldest first. world: the sandbox's data directory; page: the id that stands for Messenger."""
    database = sqlite3.connect(f"file:{world / 'sandbox.sqlite3'}?mode=ro", uri=True)
    try:
        rows = database.execute(
            "SELECT rowid, at_ms, address, phone_number_id, ticks, bubble FROM messages WHERE kind = 'received' ORDER BY rowid"
        ).fetchall()
    finally:
        database.close()
    found = []
    for place, at_ms, address, sender, ticks, raw in rows:
        bubble = json.loads(raw)
        message, attempt = parse_opaque(str(bubble.get("opaque") or bubble.get("metadata") or ""))
        shown = {name: value for name, value in bubble.items() if name not in ("id", "opaque", "metadata", "why")}
        channel = "messenger" if sender == page else "whatsapp"
        words = json.dumps(shown, ensure_ascii=False)
        found.append(Bubble(place, at_ms, address, channel, message, attempt, words, ticks == "failed"))
    return found
