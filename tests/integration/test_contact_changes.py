"""What a person agreed to and hears about, changed from the command line: real commands on a real store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commands_stage import House, Launcher, house, launcher

__all__ = ["launcher"]

HEAD = "channel,address,customer,name,language,timezone,purpose,brand,granted_at,how,wording,evidence"
LINE = "whatsapp,+447700900133,C-1,Ann,nl-NL,Europe/Amsterdam,journey,zz,2026-11-01T10:00:00Z,counter,journey-nl-3,form 12"


@pytest.fixture
async def home(data_dir: Path, launcher: Launcher) -> AsyncIterator[House]:
    async with house(data_dir, launcher) as one:
        yield one


@pytest.fixture
async def contact(home: House) -> str:
    file = home.data_dir / "people.csv"
    file.write_text(f"{HEAD}\n{LINE}\n")
    done = await home.run("contacts", "import", str(file))
    assert done.code == 0, done.err
    known = await home.run("contacts", "show", "-", "--json", stdin="+447700900133\n")
    assert known.code == 0, known.err
    return str(known.data["id"])


async def shown(home: House, contact: str) -> dict[str, Any]:
    value: dict[str, Any] = (await home.run("contacts", "show", contact, "--json")).data
    return value


async def test_consents_language_and_subscriptions_change_from_the_command_line(home: House, contact: str) -> None:
    journey = ("--purpose", "journey", "--brand", "zz", "--how", "telephone")
    assert (await home.run("contacts", "consent", contact, "--withdraw", *journey)).code == 0
    assert [one["granted"] for one in (await shown(home, contact))["consents"]] == [False]

    older = await home.run(
        "contacts", "consent", contact, "--grant", *journey, "--wording", "journey-nl-3", "--evidence", "call 7",
        "--at", "2026-11-02T10:00:00Z",
    )  # fmt: skip
    assert "later word" in older.out
    bare = await home.run("contacts", "consent", contact, "--grant", *journey)
    assert bare.code == 1
    assert "--wording" in bare.err
    assert "--evidence" in bare.err

    assert (await home.run("contacts", "set", contact, "--language", "en-GB", "--timezone", "Europe/London")).code == 0
    assert ((await shown(home, contact))["language"], (await shown(home, contact))["timezone"]) == ("en-GB", "Europe/London")

    flight = ("flight", "ZZ1007/2026-11-22/AMS")
    followed = await home.run("contacts", "follow", contact, *flight, "--order", "ZX7K2P")
    assert json.loads(followed.out)["answer"] == "added"
    assert len((await shown(home, contact))["subscriptions"]) == 1
    assert (await home.run("contacts", "unfollow", contact, *flight)).code == 0
    assert (await shown(home, contact))["subscriptions"] == []
    again = await home.run("contacts", "unfollow", contact, *flight)
    assert again.code == 1
    assert "Traceback" not in again.err
