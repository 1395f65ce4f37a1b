"""What the tests of Messenger's people share: Pages, what was received about them, and sends in a Page's name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sandbox_box import ANN, Box, wait_until

SAMPLES = Path(__file__).parent.parent / "samples" / "messenger"
AIR, RAIL = "141421356237301", "141421356237302"
BOB = "447700900456"
INBOX_APP = 263902037430900


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def shape(value: Any) -> Any:
    """Keys and types all the way down, of every item of a list; a key that is an app's id is any app's."""
    if isinstance(value, dict):
        return {"<app>" if key.isdigit() else key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


def entries(box: Box, page: str | None = None) -> list[Any]:
    return [entry for body in box.receiver.bodies if body["object"] == "page" for entry in body["entry"]
            if page in (None, entry["id"])]


def items(box: Box, key: str, kind: str = "messaging") -> list[Any]:
    """Every event with this key that stood under ``kind``."""
    return [one for entry in entries(box) for one in entry.get(kind, []) if key in one]


async def heard(box: Box, key: str, kind: str = "messaging", count: int = 1) -> Any:
    """The last of at least ``count`` such events."""
    return (await wait_until(lambda: len(items(box, key, kind)) >= count and items(box, key, kind), f"{kind} {key}"))[-1]


def forget(box: Box) -> None:
    """What was received so far is no longer looked at."""
    for kept in (box.receiver.bodies, box.receiver.raws, box.receiver.headers):
        kept.clear()


async def opened(box: Box, address: str = ANN, page: str = AIR, **handset: Any) -> str:
    """The person has a phone, wrote "hi" to the Page, and what was told of it is forgotten. Returns the PSID."""
    await box.handset(address, **handset)
    await box.say(address, {"text": "hi", "page_id": page})
    await wait_until(lambda: items(box, "message"), "the first words")
    forget(box)
    phone = await box.control("GET", f"handsets/{address}")
    return str(phone["psids"][page])


async def send(box: Box, psid: str, message: Any, page: str = AIR, expect: int = 200, **more: Any) -> Any:
    """A send by API; the answer."""
    body = {"recipient": {"id": psid}, "messaging_type": "RESPONSE", "message": message, **more}
    status, answer = await box.graph("POST", f"{page}/messages", body)
    assert status == expect, answer
    return answer


async def bubbles(box: Box, address: str = ANN, page: str = AIR) -> list[Any]:
    phone = await box.control("GET", f"handsets/{address}")
    return [bubble for thread in phone["threads"] if thread["sender_id"] == page for bubble in thread["bubbles"]]


async def thread(box: Box, address: str = ANN, page: str = AIR) -> Any:
    phone = await box.control("GET", f"handsets/{address}")
    return next(one for one in phone["threads"] if one["sender_id"] == page)
