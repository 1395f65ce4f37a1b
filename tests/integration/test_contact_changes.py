"""What a person agreed to and hears about, changed from the command line: real commands on a real store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAD = "channel,address,customer,name,language,timezone,purpose,brand,granted_at,how,wording,evidence"
LINE = "whatsapp,+447700900133,C-1,Ann,nl-NL,Europe/Amsterdam,journey,zz,2026-11-01T10:00:00Z,counter,journey-nl-3,form 12"


def command(data_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "GATEWAY_DATA_DIR": str(data_dir), "GATEWAY_ENV": "staging"}
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "contacts", *words],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, input="",
    )  # fmt: skip


@pytest.fixture
def contact(data_dir: Path) -> str:
    data_dir.mkdir(parents=True, exist_ok=True)
    file = data_dir / "people.csv"
    file.write_text(f"{HEAD}\n{LINE}\n")
    done = command(data_dir, "import", str(file))
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "contacts", "show", "-", "--json"],
        env={"PATH": os.environ["PATH"], "GATEWAY_DATA_DIR": str(data_dir)}, cwd=ROOT, capture_output=True, text=True,
        timeout=60, input="+447700900133\n",
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    return str(json.loads(shown.stdout)["id"])


def shown(data_dir: Path, contact: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(command(data_dir, "show", contact, "--json").stdout)
    return value


@pytest.mark.timeout(180)
def test_consents_language_and_subscriptions_change_from_the_command_line(data_dir: Path, contact: str) -> None:
    journey = ("--purpose", "journey", "--brand", "zz", "--how", "telephone")
    assert command(data_dir, "consent", contact, "--withdraw", *journey).returncode == 0
    assert [one["granted"] for one in shown(data_dir, contact)["consents"]] == [False]

    older = command(data_dir, "consent", contact, "--grant", *journey, "--wording", "journey-nl-3", "--evidence", "call 7",
                    "--at", "2026-11-02T10:00:00Z")  # fmt: skip
    assert "later word" in older.stdout
    bare = command(data_dir, "consent", contact, "--grant", *journey)
    assert bare.returncode == 1
    assert "--wording" in bare.stderr
    assert "--evidence" in bare.stderr

    assert command(data_dir, "set", contact, "--language", "en-GB", "--timezone", "Europe/London").returncode == 0
    assert (shown(data_dir, contact)["language"], shown(data_dir, contact)["timezone"]) == ("en-GB", "Europe/London")

    flight = ("flight", "ZZ1007/2026-11-22/AMS")
    followed = command(data_dir, "follow", contact, *flight, "--order", "ZX7K2P")
    assert json.loads(followed.stdout)["answer"] == "added"
    assert len(shown(data_dir, contact)["subscriptions"]) == 1
    assert command(data_dir, "unfollow", contact, *flight).returncode == 0
    assert shown(data_dir, contact)["subscriptions"] == []
    again = command(data_dir, "unfollow", contact, *flight)
    assert again.returncode == 1
    assert "Traceback" not in again.stderr
