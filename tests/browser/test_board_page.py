"""The board in a browser: accessible at every width, patched while one looks, and its brake in reach of a thumb."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, expect

from tests.browser.board_shoot import open_board, set_the_board
from tests.browser.desk_stage import Stage

pytestmark = pytest.mark.long


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


def test_a_thumb_stops_everything_by_two_taps_and_lets_it_go_on_again(stage: Stage, browser: Browser) -> None:
    sue = set_the_board(stage)
    assert stage.deps.hands is not None
    book = stage.deps.hands.book
    for width in (1440, 390, 320):
        page = open_board(browser, stage, sue, (width, 844), "dark" if width == 390 else "light")
        assert Axe().run(page).response["violations"] == [], width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        table = page.locator(".board-scroll")
        assert table.evaluate("node => node.scrollWidth <= node.clientWidth"), width
        page.context.close()
    page = open_board(browser, stage, sue, (390, 844))
    button = page.locator(".board-hand [data-do=stop]")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    assert box["y"] > 700
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This stops everything automatic")
    assert Axe().run(page).response["violations"] == []
    assert [one.scope for one in stage.call(book.stops())] == ["sender:zz-wa"]
    page.fill("#sure-why", "wrong gates")
    dialog.get_by_role("button", name="Stop everything").click()
    expect(page.locator("#brakes")).to_contain_text("wrong gates")
    assert "all" in {one.scope for one in stage.call(book.stops())}
    page.locator("[data-do=resume][data-target=all]").click()
    page.fill("#sure-why", "mended")
    dialog.get_by_role("button", name="Go on").click()
    expect(page.locator("#brakes")).not_to_contain_text("wrong gates")
    page.locator("#agents li", has_text="Ann").locator("select").select_option("break:lunch")
    expect(page.locator("#agents li", has_text="Ann")).to_contain_text("Break: lunch")

    page.clock.install()
    page.clock.fast_forward(61_000)
    with page.expect_request("**/desk/seen"):  # reading on the board is being there: no lock in the middle of it
        page.locator("#now h2").click()

    # Nothing heard, or a phone that slept: what stood there is not how it stands.
    page.context.set_offline(True)
    page.clock.fast_forward(25_000)
    expect(page.locator("#unheard")).to_contain_text("This page hears nothing")
    expect(page.locator("#line .board-line")).to_be_hidden()
    assert Axe().run(page).response["violations"] == []
    page.context.set_offline(False)
    page.clock.fast_forward(10_000)
    expect(page.locator("#line .board-line")).to_be_visible()
    expect(page.locator("#unheard")).to_be_hidden()
    page.context.close()
