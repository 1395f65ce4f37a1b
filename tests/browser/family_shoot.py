"""Take docs/pictures/family-*.png: `LONG=1 python -m tests.browser.family_shoot [--to FOLDER]` (the whole browser).

Plays the demo in a directory and on ports of its own, and stops it where there is something to see: what the traveller has, what
those at home have, the page between them (on a phone: join_shoot), and the desk with a question that only a person can answer.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from demo import people, story
from tests.support.chromium import where
from tests.support.server import free_port
from tests.support.waiting import wait_until_sync

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
PHONE, WIDE, DESK = (390, 844), (1280, 900), (1440, 900)
QUESTION = "Mag Eva haar hondje mee in de cabine nemen?"


@dataclass(frozen=True, slots=True)
class Demo:
    sandbox: str
    console: str
    data_dir: Path

    def json(self, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.sandbox}{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def position(self) -> int:
        try:
            found = self.json("/sandbox/handsets")["story"] or {}
        except OSError:
            return -1
        return len(story.make(datetime.now(UTC).date())) if found.get("state") == "ended" else int(found.get("position", -1))

    def until(self, title: str) -> None:
        """Let the story come to this step, and stand still."""
        titles = [step.title for step in story.make(datetime.now(UTC).date())]
        wanted = titles.index(title) if title else len(titles)
        wait_until_sync(lambda: self.position() >= 0, timeout=60)
        self.json("/sandbox/story/control", {"action": "play"})
        wait_until_sync(lambda: self.position() >= wanted, timeout=180)
        self.json("/sandbox/story/control", {"action": "pause"})

    def says(self, name: str, text: str) -> None:
        """Type something on a phone, and wait for what is answered."""
        person = next(one for one in people.EVERYBODY if one.name == name)
        self.json(f"/sandbox/handsets/{person.number.lstrip('+')}/say", {"text": text})

    def bubbles(self, name: str) -> list[dict[str, Any]]:
        phone = next(one for one in self.json("/sandbox/handsets")["handsets"] if one["name"] == name)
        return [bubble for thread in phone["threads"] for bubble in thread["bubbles"]]


@contextmanager
def playing() -> Iterator[Demo]:
    names = ("GATEWAY_PUBLIC_PORT", "GATEWAY_INTERNAL_PORT", "GATEWAY_CONSOLE_PORT", "SANDBOX_PORT", "DEMO_ACCOUNTS_PORT")
    ports = {name: str(free_port()) for name in names}
    with tempfile.TemporaryDirectory(prefix="thuisfront-shoot-") as directory, (Path(directory) / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), "demo", "--speed", "4"], cwd=ROOT, stdout=out, stderr=out,
            env={**os.environ, **ports, "GATEWAY_DATA_DIR": directory}, start_new_session=True,
        )  # fmt: skip
        local = "http://127.0.0.1"
        try:
            yield Demo(f"{local}:{ports['SANDBOX_PORT']}", f"{local}:{ports['GATEWAY_CONSOLE_PORT']}", Path(directory))
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)


def opened(browser: Browser, url: str, size: tuple[int, int], locale: str = "nl-NL") -> Page:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale=locale, reduced_motion="reduce", color_scheme="light"
    )
    page = context.new_page()
    page.goto(url)
    return page


def phone(browser: Browser, demo: Demo, name: str, to: Path, last: str) -> None:
    """One phone alone. last: words that stand in the bubble which it is about, scrolled into sight"""
    page = opened(browser, f"{demo.sandbox}/phones/{name}", PHONE)
    bubble = page.locator(".row").filter(has_text=last).last
    expect(bubble).to_be_visible()
    bubble.evaluate("node => node.scrollIntoView({block: 'end'})")
    page.screenshot(path=to)
    page.context.close()


def desk(browser: Browser, demo: Demo, to: Path) -> None:
    page = opened(browser, f"{demo.console}/desk", DESK, "en-GB")
    page.fill("#name", "sanne")
    page.fill("#password", (demo.data_dir / "demo" / "desk-password").read_text())
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text(QUESTION).first.click()
    page.get_by_role("button", name="Take", exact=True).click()
    expect(page.locator("#reply-text")).to_be_focused()
    page.screenshot(path=to)
    page.context.close()


def shoot(to: Path) -> None:
    with playing() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where(), args=["--no-sandbox"])
        demo.until("Night: the flight is late")
        phone(browser, demo, "eva", to / "family-invitation.png", "Volg de reis van")
        phone(browser, demo, "eva", to / "family-joined.png", "Nieuw bij wie je reis volgt")
        phone(browser, demo, "Uwe", to / "family-welcome.png", "Sie verfolgen jetzt")
        demo.says("eva", "Wie volgt mij?")
        phone(browser, demo, "eva", to / "family-list.png", "1 Corrie")
        (link,) = {found[0] for one in demo.bubbles("eva") if (found := re.search(r"https?://\S+/j/\w+", one["body"] or ""))}
        page = opened(browser, link, WIDE)
        page.screenshot(path=to / "family-page-wide.png", full_page=True)
        page.context.close()
        demo.until("Landed")
        phone(browser, demo, "Corrie", to / "family-question.png", "onderweg")
        phone(browser, demo, "Lena", to / "family-late.png", "ist gestartet")
        demo.says("Corrie", QUESTION)
        desk(browser, demo, to / "family-desk.png")
        demo.until("")
        phone(browser, demo, "Uwe", to / "family-ended.png", "Ende der Nachrichten")
        phone(browser, demo, "eva", to / "family-group.png", "Wil je foto")
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=PICTURES)
    shoot(parser.parse_args().to)


if __name__ == "__main__":
    main()
