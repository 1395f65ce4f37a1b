"""The travel page in a browser: at 320 px and wide, light and dark, by keys alone, without script, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.aside import Aside, aside
from tests.browser.pass_shoot import BCBP, pages, two_passes
from tests.browser.test_invitations_shown import CONTRAST
from tests.integration.pass_stage import Site
from tests.support.server import StoreServer

TARGETS = """() => [...document.querySelectorAll("a,button,input:not([type=hidden]),summary")]
  .filter(one => one.checkVisibility()).map(one => [one.textContent, one.getBoundingClientRect()])
  .filter(([_, box]) => box.width < 24 || box.height < 24)
  .map(([text]) => text)"""
NAMELESS = """() => [...document.querySelectorAll("a,button,nav,[role=img]")].filter(one => !one.textContent.trim()
  && !one.getAttribute("aria-label")).map(one => one.outerHTML).concat([...document.querySelectorAll("input:not([type=hidden])")]
  .filter(one => !one.labels.length).map(one => one.outerHTML))"""
DOUBLE = """() => [...document.querySelectorAll("[id]")].map(one => one.id)
  .filter((id, place, all) => all.indexOf(id) !== place)"""


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Site, Aside]]:
    server = StoreServer()
    with aside(lambda: pages(server.url)) as found:
        yield found
    server.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Any]:
    """Opens a browser of one's own; what its console complains of fails the test, but for a page that refuses."""
    contexts, complaints = [], []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in complaints if "Failed to load resource" not in text] == []


def looked_at(page: Page) -> None:
    """What holds on every page of it: nothing sticks out, stands out too little, is too small to hit, or has no name."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [text for text, ratio in page.evaluate(CONTRAST) if ratio < 4.5] == []
    assert [page.evaluate(check) for check in (TARGETS, NAMELESS, DOUBLE)] == [[], [], []]
    assert page.locator("h1").count() == 1
    for button in page.locator("button:visible, a.go:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44


def read(place: Locator) -> str:
    """What a gate reads off the screen, quiet zone and all."""
    found = zxingcpp.read_barcodes(Image.open(BytesIO(place.screenshot())).convert("L"))
    return found[0].text if found else ""


def prove(page: Page, url: str, said: str = "Berg") -> None:
    page.goto(url)
    page.fill("#said", said)
    page.press("#said", "Enter")


@pytest.mark.timeout(120)
def test_it_asks_opens_and_reads_on_every_screen(stage: tuple[Site, Aside], opened: Any) -> None:
    one, loop = stage
    tokens = loop.call(two_passes(one.holder))
    url = f"{one.url}/d/{tokens[0]}"
    page = opened(viewport={"width": 320, "height": 640}, color_scheme="dark", device_scale_factor=2)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    looked_at(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "said", "the first thing that one comes to by keys"
    page.keyboard.type("smit")
    page.keyboard.press("Enter")
    expect(page.locator("#bad")).to_contain_text("nog 4 keer")
    expect(page.locator("#said")).to_be_focused()
    looked_at(page)
    page.keyboard.type("van den berg")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Amsterdam")
    assert {found.partition("?")[0] for found in asked} == {url}, "nothing is loaded from elsewhere"

    for width, height, colours in ((320, 640, "dark"), (390, 844, "light"), (1280, 900, "light")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
        looked_at(page)
        assert read(page.locator("#code-1 svg")) == BCBP
    page.get_by_role("link", name="groter").press("Enter")
    large = page.locator("#code-1 svg").bounding_box()
    assert large is not None
    assert large["height"] > 600
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Sluiten")).to_be_hidden()

    page.get_by_role("link", name="Volgende").click()
    expect(page.locator("article")).to_contain_text("Joris van der Berg")
    page.get_by_role("link", name="Français").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    looked_at(page)


@pytest.mark.timeout(120)
def test_without_a_network_it_stays_and_says_so_and_what_changes_comes_in(stage: tuple[Site, Aside], opened: Any) -> None:
    one, loop = stage
    tokens = loop.call(two_passes(one.holder, "+447700900124"))
    page = opened(viewport={"width": 390, "height": 844})
    page.clock.install()
    prove(page, f"{one.url}/d/{tokens[0]}")
    expect(page.locator("#part-0")).to_contain_text("E4")
    page.context.set_offline(True)
    page.clock.run_for(61_000)
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator("#part-0")).to_contain_text("E4")
    assert page.locator("#code-1 svg").is_visible()

    page.context.set_offline(False)
    loop.call(one.holder.news(one.holder.flight, status="boarding", gate="F9"))
    page.clock.run_for(61_000)
    expect(page.locator("#news")).to_contain_text("Nieuwe gate: F9.")
    expect(page.locator("#part-0 s").first).to_contain_text("D18")
    expect(page.locator("#offline")).to_be_hidden()


@pytest.mark.long
@pytest.mark.timeout(120)
def test_without_script_it_asks_opens_and_shows_the_code_large(stage: tuple[Site, Aside], opened: Any) -> None:
    one, loop = stage
    tokens = loop.call(two_passes(one.holder, "+447700900125"))
    page = opened(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    prove(page, f"{one.url}/d/{tokens[1]}", "0123")
    expect(page.locator("article")).to_contain_text("Joris van der Berg")
    page.get_by_role("link", name="groter").click()
    large = page.locator("#code-1 svg").bounding_box()
    assert large is not None
    assert large["width"] > 350
    page.get_by_role("link", name="Sluiten").click()
    page.locator("summary").click()
    page.locator("details button").click()
    expect(page.locator("h1")).to_have_text("Het document is hier gesloten")
