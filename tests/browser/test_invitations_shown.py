"""The page behind a short link, in a browser: kind, small, readable, and consuming nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.browser.aside import aside
from tests.integration.invitations_stage import Trip, invited, is_bound, link, rail_house, state_of, tell
from tests.support.house import House
from tests.support.server import StoreServer

LARGEST = 60_000

CONTRAST = """() => {
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = colour => { const [r, g, b] = rgb(colour).map(v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = node => { for (; node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor; if (!/, 0\\)$|transparent/.test(colour)) return colour; } };
  return [...document.querySelectorAll("h1,h2,p,a,blockquote,span")].map(node => {
    const [a, b] = [light(getComputedStyle(node).color), light(ground(node))];
    return [node.textContent.slice(0, 30), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]; });
}"""


def looked_at(page: Page) -> None:
    """What holds at every width, light and dark: nothing sticks out, every text stands out, buttons are large enough."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [text for text, ratio in page.evaluate(CONTRAST) if ratio < 4.5] == []
    assert page.locator("h1").count() == 1
    for button in page.locator("a.go").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44


def _note(asked: list[str], request: Request) -> None:
    asked.append(request.url)


async def answered(house: House, method: str, url: str) -> str:
    """The page's text; what its headers say holds however it is asked for."""
    assert house.http is not None
    async with house.http.request(method, url) as answer:
        assert answer.status == (404 if url.endswith("0" * 24) else 200)
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        return await answer.text()


async def made_for(house: House, trip: Trip) -> dict[str, Any]:
    made = await invited(house, trip)
    await tell(house, trip.order())
    return made


async def follow(house: House, made: dict[str, Any]) -> None:
    """Open the chat by the link and write."""
    await house.handset("+447700900301", "Mila")
    await house.says("+447700900301", link=link(made, "whatsapp"))
    await is_bound(house, made)


@pytest.fixture
def store() -> Iterator[StoreServer]:
    """Of its own: an embedded one is started from the main thread alone, and the house lives aside."""
    server = StoreServer()
    yield server
    server.close()


@pytest.mark.timeout(150)
def test_the_page_shows_what_comes_and_two_ways_and_consumes_nothing(
    data_dir: Path, store: StoreServer, browser: Browser
) -> None:
    trip = Trip()
    with aside(lambda: rail_house(data_dir, GATEWAY_REDIS_URL=store.url)) as (house, loop):
        made = loop.call(made_for(house, trip))
        url, nowhere = (f"{house.public}/i/{token}" for token in (made["link"].rpartition("/")[2], "0" * 24))
        for method in ("GET", "HEAD", "GET"):
            text = loop.call(answered(house, method, url))
            assert (0 < len(text.encode()) < LARGEST) is (method == "GET")
        assert loop.call(state_of(house, made))["state"] == "open"
        assert not any(mark in text for mark in (trip.number, trip.customer, "Mila", "Berg"))
        loop.call(answered(house, "GET", nowhere))

        for width, colours in ((320, "light"), (390, "dark"), (1280, "light")):
            options: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": colours}
            page = browser.new_page(**options)
            asked: list[str] = []
            page.on("request", partial(_note, asked))
            page.goto(url)
            looked_at(page)
            assert asked == [url], "nothing is loaded from elsewhere"
            assert page.locator("html").get_attribute("lang") == "nl"
            assert page.locator("a.go").all_inner_texts() == ["Open in WhatsApp", "Open in Messenger"]
            assert page.locator("a.go").first.get_attribute("href") == link(made, "whatsapp")
            assert page.get_by_text("Ja, stuur mij nieuws over deze boeking").is_visible()
            assert page.locator("svg").is_visible() is (width == 1280)
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.textContent") == "Open in WhatsApp"
            page.goto(nowhere)
            looked_at(page)
            page.close()

        loop.call(follow(house, made))
        assert "al een keer gebruikt" in loop.call(answered(house, "GET", url))
