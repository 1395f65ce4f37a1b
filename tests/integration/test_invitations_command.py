"""`invitations create|show|revoke` from a shell, on a store of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp

from tests.integration.commands_stage import House, Launcher, house, launcher
from tests.unit.test_invitation_words import pixels

__all__ = ["launcher"]

SETTINGS = {
    "GATEWAY_ENV": "demo",
    "GATEWAY_GRAPH_URL": "http://127.0.0.1:9",
    "GATEWAY_BRAND": "zz",
    "GATEWAY_WHATSAPP_NUMBER": "+12025550142",
    "GATEWAY_PUBLIC_URL": "https://news.example.org",
}


@pytest.fixture
async def home(data_dir: Path, launcher: Launcher) -> AsyncIterator[House]:
    async with house(data_dir, launcher, **SETTINGS) as one:
        yield one


async def test_a_link_is_made_shown_and_revoked(home: House, tmp_path: Path) -> None:
    picture = tmp_path / "link.png"
    words = ("--order", "ZX4299", "--consent", "journey=journey-nl-3", "--customer", "-", "--until", "2d", "--qr", str(picture))
    done = await home.run("invitations", "create", "--json", *words, stdin="C-10482\n")
    assert done.code == 0, done.err
    made: dict[str, Any] = json.loads(done.out)
    assert zxingcpp.read_barcodes(pixels(picture.read_bytes()))[0].text == made["link"]
    assert made["links"][0]["url"].startswith("https://wa.me/12025550142?text=")
    shown = (await home.run("invitations", "show", made["id"], "--json")).data
    assert (shown["state"], shown["proof"]) == ("open", "none")
    assert (await home.run("invitations", "revoke", made["id"])).code == 0
    assert "state       revoked" in (await home.run("invitations", "show", made["id"])).out


async def test_what_is_wrong_is_said_in_one_line(home: House) -> None:
    wrong = await home.run("invitations", "create", "--order", "ZX4299", "--consent", "journey=nothing")
    assert (wrong.code, wrong.out) == (1, "")
    assert "consents[0].wording" in wrong.err
    assert (await home.run("invitations", "create", "--order", "ZX1", "--qr", "link.gif")).code == 2
    assert (await home.run("invitations", "create", "--customer", "+447700900123", "--order", "ZX1")).code == 2
    nobody = await home.run("invitations", "show", "i07abcdefghjkmnp")
    assert (nobody.code, nobody.out) == (1, "")
