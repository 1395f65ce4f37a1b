"""Takes the picture of the demo's page with phones and desk: `python -m tests.browser.side_shoot docs/pictures/side.png`.

It plays the demo in a directory of its own, at its quickest, signs in as Sanne when the story has ended, asks from Noor's phone
and answers. The picture is what both then show. Chromium stands where tests/support/chromium.py finds it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, expect

from tests.support.chromium import chromium
from tests.support.core import ROOT
from tests.support.server import free_port
from tests.support.waiting import wait_until_sync

PORTS = ("GATEWAY_PUBLIC_PORT", "GATEWAY_INTERNAL_PORT", "GATEWAY_CONSOLE_PORT", "SANDBOX_PORT", "DEMO_ACCOUNTS_PORT")
QUESTION, ANSWER = "Kan iemand me bellen over mijn factuur?", "Dag Noor, dat kan. Tussen twee en drie vanmiddag, past dat?"


def play(page: Page, password: str) -> None:
    phones, desk = page.frame_locator(".side-phones"), page.frame_locator(".side-desk")
    expect(phones.get_by_text("ended", exact=True)).to_be_visible(timeout=180_000)
    desk.locator("#name").fill("sanne")
    desk.locator("#password").fill(password)
    desk.locator("#password").press("Enter")
    expect(desk.locator("#connection")).to_have_attribute("data-state", "live")
    phones.get_by_role("tab", name=re.compile("Noor")).click()
    box = phones.get_by_role("textbox", name=re.compile("Message|Bericht")).first
    box.fill(QUESTION)
    box.press("Enter")
    row = desk.locator("#mine .row", has_text="factuur")
    expect(row).to_be_visible(timeout=30_000)
    row.click()
    expect(desk.locator(".head")).to_have_attribute("data-state", "active")
    expect(desk.locator("#connection")).to_have_attribute("data-state", "live")
    desk.locator("#reply-text").fill(ANSWER)
    desk.locator("#reply-send").click()
    expect(desk.locator(".line.out", has_text=ANSWER).locator(".fate")).to_contain_text("read", timeout=30_000)


def main(target: str) -> None:
    with TemporaryDirectory(prefix="thuisfront-side-") as name:
        place = Path(name)
        ports = {one: str(free_port()) for one in PORTS}
        environment = {**os.environ, **ports, "GATEWAY_DATA_DIR": name}
        with (place / "out.txt").open("wb") as out:
            words = [sys.executable, str(ROOT / "main.py"), "demo", "--speed", "20"]
            demo = subprocess.Popen(words, env=environment, cwd=ROOT, stdout=out, stderr=out, start_new_session=True)
        try:
            wait_until_sync(lambda: "password" in (place / "out.txt").read_text(), timeout=120)
            found = re.search(r"password (\S+)", (place / "out.txt").read_text())
            assert found is not None
            with chromium() as browser:
                page = browser.new_page(viewport={"width": 1600, "height": 900}, reduced_motion="reduce")
                page.goto(f"http://127.0.0.1:{ports['SANDBOX_PORT']}/side")
                play(page, found[1])
                page.screenshot(path=target)
        finally:
            os.killpg(demo.pid, signal.SIGINT)
            demo.wait(60)


if __name__ == "__main__":
    main(sys.argv[1])
