"""What somebody meets who opens a page for the first time: nothing cut or over the edge, nothing offered that is not there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from gateway.api.openapi import document
from gateway.api.page import page as drawn
from gateway.intake.schemas import components
from tests.browser import phones_day as day
from tests.browser.desk_stage import PASSWORD
from tests.browser.desk_stage import Stage as Desk
from tests.browser.phones_browser import Opener, runs_over
from tests.browser.phones_stage import Stage as Phones


@pytest.fixture
def visit(browser: Browser) -> Iterator[Opener]:
    opener = Opener(browser)
    yield opener
    opener.close()
    assert opener.complaints == []


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.close()


@pytest.fixture
def empty_phone() -> Iterator[str]:
    """The narrowest that a phone gets: five beside each other, none of which has a chat."""
    phones = [day.handset(f"p{number}", "Tom de Wit", f"44770090010{number}", "en", "UTC", []) for number in range(5)]
    made = Phones(phones, None, day.NOW_MS).start()
    yield made.url
    made.stop()


@pytest.mark.parametrize("width", [390, 320])
def test_the_api_page_never_scrolls_sideways_on_a_phone(visit: Opener, width: int) -> None:
    page = visit("about:blank", (width, 844), ready="")
    page.set_content(drawn(document(*components())))
    assert runs_over(page) == 0
    page.locator("details").evaluate_all("all => all.forEach((node) => { node.open = true })")
    assert runs_over(page) == 0
    names = page.locator("td:first-child code")
    lines = names.evaluate_all("all => Math.max(...all.map((node) => node.getClientRects().length))")
    assert lines <= 2, "a name is no column of single letters"


def test_a_phone_that_nobody_has_written_to_says_so_and_cuts_no_word(visit: Opener, empty_phone: str) -> None:
    page = visit(f"{empty_phone}/", ready=".composer textarea")
    box = page.locator(".composer textarea").first
    expect(box).to_be_disabled()
    expect(box).to_have_attribute("placeholder", "No chat yet")
    assert box.evaluate("node => node.scrollHeight - node.clientHeight") <= 1, "its words take one line"


def test_a_desk_offers_who_waits_only_while_somebody_does_and_a_way_back_from_what_is_gone(desk: Desk, visit: Opener) -> None:
    desk.agent("ann@example.org", "Ann Berg")
    page = visit(f"{desk.url}/desk", ready="")
    page.fill("#name", "ann@example.org")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    longest = page.get_by_role("button", name="Who waits longest")
    expect(page.get_by_text("Whoever writes appears on the list at once.")).to_be_visible()
    expect(longest).to_be_hidden()
    desk.says(desk.person("Mila Winter", "+447700900101"), "Is my seat still 14C?")
    expect(longest).to_be_visible()
    expect(page.get_by_text("Whoever writes appears on the list at once.")).to_be_hidden()
    longest.click()
    expect(page.locator(".line.in")).to_contain_text("Is my seat still 14C?")
    page.goto(f"{desk.url}/desk/v07nosuchthing00")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("link", name="To the lists").click()
    expect(page.locator("#queue .row")).to_be_visible()
