"""The desk for whoever works by keyboard, by ear, enlarged or in the dark: every page and state holds to the rules of access.

One walk through the states in one browser. The usual run takes it once; the long one in the dark and at 390 and 320 pixels too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from gateway.store.conversations import Command
from tests.browser.desk_shoot import set_the_stage
from tests.browser.desk_stage import PASSWORD, Person, Stage
from tests.unit.test_filetypes import picture

DOINGS = ("park", "finish", "transfer", "offer", "consult", "release")
DIALOGS = ("keys", "palette", "search", "several", "own-canned", *(f"do-{name}" for name in DOINGS))
SMALL = """(least) => [...document.querySelectorAll('button, a[href], input:not([type=hidden]), select, summary, textarea')]
  .filter((node) => node.checkVisibility({visibilityProperty: true}) && !node.closest('.visually-hidden, .skip'))
  .map((node) => [node, (node.closest('label') ?? node).getBoundingClientRect()])
  .filter(([node, box]) => Math.min(box.width, box.height) < least && getComputedStyle(node).display !== 'inline')
  .map(([node, box]) => `${node.outerHTML.slice(0, 80)} ${Math.round(box.width)}x${Math.round(box.height)}`)"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


def holds(page: Page, state: str) -> None:
    """axe finds nothing, nothing is too small to hit, and nothing is wider than the page."""
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:90] for node in one["nodes"]]) for one in found] == [], state
    assert page.evaluate(SMALL, 24) == [], state
    assert page.evaluate(WIDER) <= 0, state


def walk(stage: Stage, page: Page, mila: Person, *, every: bool) -> Iterator[str]:
    """Through the states, saying which. every: also those whose parts others have shown"""
    page.goto(f"{stage.url}/desk/{mila.conversation}")
    yield "sign-in"
    page.fill("#name", "ann@example.org")
    page.fill("#password", "not the right sentence")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#said")).to_be_visible()
    if every:
        yield "sign-in refused"
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    if every:
        yield "thread"
    page.locator("#more summary").click()
    yield "more"
    page.keyboard.press("Escape")
    for name in DIALOGS if every else ():
        page.locator(f"#{name}").evaluate("node => node.showModal()")
        yield name
        page.keyboard.press("Escape")
    if every:
        page.locator("#attach-file").set_input_files({"name": "seat.png", "mimeType": "image/png", "buffer": picture("PNG")})
        expect(page.locator("#attached-name")).to_have_text("seat.png")
        yield "a file to go out"
        page.locator("#reply-send").click()
        expect(page.locator(".line.out img")).to_be_visible()
        yield "a file in the thread"
        stage.close_window(mila, in_ms=-1_000)
        expect(page.locator(".offer .blanks input")).to_be_visible()
        yield "templates"
    page.locator("#sign-out").click()
    expect(page.locator("#leaving")).to_be_visible()
    yield "leaving"
    page.get_by_role("button", name="Stay").click()
    page.locator("#lock-now").click()
    expect(page.locator("#lock")).to_be_visible()
    yield "lock"
    if every:
        stage.agent("kim@example.org", "Kim Oud", ("supervisor",))
        page.context.clear_cookies()
        page.goto(f"{stage.url}/login")
        page.fill("#name", "kim@example.org")
        page.fill("#password", PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#secret")).to_be_visible()
        yield "second factor"
        secret = page.locator("#secret").inner_text()
        page.fill("#code", pyotp.TOTP(secret.replace(" ", "")).now())
        page.locator(".login-box button").click()
        expect(page.locator(".login-paper")).to_be_visible()
        yield "codes on paper"


@pytest.mark.parametrize(
    ("width", "scheme", "every"),
    [(1440, "light", False), *(pytest.param(width, scheme, True, marks=pytest.mark.long)
                               for width in (1440, 390, 320) for scheme in ("light", "dark"))],
)  # fmt: skip
def test_every_state_of_the_desk_can_be_read_reached_and_hit(
    stage: Stage, browser: Browser, width: int, scheme: Literal["light", "dark"], every: bool
) -> None:
    mila = set_the_stage(stage)
    ann = next(one for one in stage.call(stage.agents.all()) if one.display.reveal() == "Ann Berg")
    stage.call(stage.conversations.take(Command(mila.conversation, ann.id, 1, "take")))
    size = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    try:
        for state in walk(stage, page, mila, every=every):
            holds(page, f"{state} at {width} {scheme}")
    finally:
        context.close()
