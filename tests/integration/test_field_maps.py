"""docs/field-maps.md names every field that another desk is given, and none that it is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from gateway.model.conversation import InboundEntry
from gateway.model.personal import Personal
from tests.integration.test_external_told import WRITER, Outside, outside, picture  # noqa: F401
from tests.support.core import SENDER
from tests.support.meta import inbound_text

PAGE = Path(__file__).resolve().parents[2] / "docs" / "field-maps.md"
WHOLE = ("thread[].price", "consulted")
"""What the page names as one, whatever is in it."""
DIRECTIONS, SURE = {"→", "←", "↔", "–"}, {"H", "M", "L"}


def tables() -> list[list[list[str]]]:
    """Each table of the page: its rows' cells, without the head."""
    found: list[list[list[str]]] = []
    for block in re.findall(r"(?:^\|.*\n)+", PAGE.read_text(), re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.strip().splitlines()]
        found.append(rows[2:])
    return found


def named(rows: list[list[str]]) -> list[str]:
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[0])]


def fields(value: Any, at: str = "") -> set[str]:
    """Every field of a response, with [] for what is in a list."""
    if at in WHOLE:
        return {at}
    if isinstance(value, list):
        return {at}.union(*(fields(one, f"{at}[]") for one in value)) - {f"{at}[]"}
    if isinstance(value, dict):
        under = [fields(one, f"{at}.{name}" if at else name) for name, one in value.items()]
        return ({at} if at and not at.endswith("[]") else set()).union(*under)
    return {at}


async def test_the_maps_name_what_a_conversation_and_its_webhooks_have_and_nothing_else(outside: Outside) -> None:  # noqa: F811
    house = outside.house
    await outside.says(inbound_text(house, WRITER, "hello", wamid="wamid.A"), picture(house, 1))
    contact, now, sent = await house.contact_of(101), house.clock.now_ms(), Personal("wamid.B")
    for item in (
        InboundEntry("k1", "text", Personal("my bag is tron"), now, channel_message_id=sent),
        InboundEntry("k1#1", "text", Personal("my bag is torn"), now, channel_message_id=sent, edit_of="k1", edits=1),
    ):
        address = contact.profile.addresses[0].id
        await house.runtime.conversations.add_inbound(contact.id, "zz", address, SENDER, item=item)
    await outside.does("take")
    await outside.does("reply", text="We look.")
    await outside.does("note", text="asked the handler")
    await outside.does("finish", reason="seat", inbound=4)

    of_conversation, of_line, of_webhook = tables()
    _, one = await outside.ask("GET", f"/{await resolved(outside)}")
    assert sorted(named(of_conversation) + named(of_line)) == sorted(fields(one))
    told = {name for webhook in await outside.told() for name in webhook["data"] if "sequence" in webhook["data"]}
    assert set(named(of_webhook)) >= told
    for row in [*of_conversation, *of_line]:
        assert len(row) == 8, row[0]
        assert {row[2], row[5]} <= DIRECTIONS, row[0]
        assert {row[3], row[6]} <= SURE, row[0]


async def resolved(outside: Outside) -> str:  # noqa: F811
    _, found = await outside.ask("GET", "?state=resolved")
    return str(found["conversations"][0]["id"])
