"""`invitations create|show|revoke` from a shell, on a store of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import zxingcpp

from tests.unit.test_invitation_words import pixels

ROOT = Path(__file__).parents[2]


def run(data_dir: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "GATEWAY_ENV": "demo",
        "GATEWAY_DATA_DIR": str(data_dir),
        "GATEWAY_GRAPH_URL": "http://127.0.0.1:9",
        "GATEWAY_BRAND": "zz",
        "GATEWAY_WHATSAPP_PHONE_NUMBER_ID": "314159265358979",
        "GATEWAY_WHATSAPP_TOKEN": "sandbox-system-user-token",
        "GATEWAY_WHATSAPP_NUMBER": "+12025550142",
        "GATEWAY_PUBLIC_URL": "https://news.example.org",
    }
    return subprocess.run(
        [sys.executable, "main.py", "invitations", *words],
        cwd=ROOT, env=environment, input=given, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_a_link_is_made_shown_and_revoked(data_dir: Path, tmp_path: Path) -> None:
    picture = tmp_path / "link.png"
    words = ("--order", "ZX4299", "--consent", "journey=journey-nl-3", "--customer", "-", "--until", "2d", "--qr", str(picture))
    done = run(data_dir, "create", "--json", *words, given="C-10482\n")
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    assert zxingcpp.read_barcodes(pixels(picture.read_bytes()))[0].text == made["link"]
    assert made["links"][0]["url"].startswith("https://wa.me/12025550142?text=")
    shown = json.loads(run(data_dir, "show", made["id"], "--json").stdout)
    assert (shown["state"], shown["proof"]) == ("open", "none")
    assert run(data_dir, "revoke", made["id"]).returncode == 0
    assert "state       revoked" in run(data_dir, "show", made["id"]).stdout


def test_what_is_wrong_is_said_in_one_line(data_dir: Path) -> None:
    wrong = run(data_dir, "create", "--order", "ZX4299", "--consent", "journey=nothing")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "consents[0].wording" in wrong.stderr
    assert run(data_dir, "create", "--order", "ZX1", "--qr", "link.gif").returncode == 2
    assert run(data_dir, "create", "--customer", "+447700900123", "--order", "ZX1").returncode == 2
    nobody = run(data_dir, "show", "i07abcdefghjkmnp")
    assert (nobody.returncode, nobody.stdout) == (1, "")
