"""The page behind the link of a family, in a browser: small screens, light and dark, four languages, and a link that is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.sync_api import Browser, Page, Request

from gateway.webhooks.role import add_routes
from tests.browser.aside import aside
from tests.browser.test_invitations_shown import LARGEST, looked_at
from tests.integration.family_door_stage import PUBLIC, TRAVELLER, Door, door_house
from tests.support.server import StoreServer

pytestmark = [pytest.mark.long, pytest.mark.timeout(150)]

SHOWS = """() => [...document.querySelectorAll("nav a, nav b, li, blockquote")].every(node => {
  const box = node.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth && box.height > 0; })"""
TARGETS = """() => [...document.querySelectorAll("nav a")].map(node => node.getBoundingClientRect().height)"""


@dataclass
class Served:
    house: Door
    url: str
    """of the page of a family's link"""


@asynccontextmanager
async def served(store_url: str, data_dir: Path) -> AsyncIterator[Served]:
    """The gateway's public routes over HTTP, and a family whose link was just made."""
    async with door_house(store_url, data_dir) as house:
        await house.books()
        await house.press(TRAVELLER, "family", await house.gets_pass())
        app = web.Application()
        add_routes(app, house.runtime)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            base = "http://{}:{}".format(*runner.addresses[0])
            yield Served(house, base + (await house.page()).removeprefix(PUBLIC))
        finally:
            await runner.cleanup()


@pytest.fixture
def store() -> Iterator[StoreServer]:
    """Of its own: an embedded one is started from the main thread alone, and the house lives aside."""
    server = StoreServer()
    yield server
    server.close()


def _note(asked: list[str], request: Request) -> None:
    asked.append(request.url)


def seen(page: Page) -> None:
    looked_at(page)
    assert page.evaluate(SHOWS)
    assert min(page.evaluate(TARGETS)) >= 44, "languages can be hit with a thumb"


def test_the_page_of_a_family_is_read_on_every_screen_and_in_every_language(
    data_dir: Path, store: StoreServer, browser: Browser
) -> None:
    with aside(lambda: served(store.url, data_dir)) as (site, loop):
        for width, colours in ((320, "light"), (390, "dark"), (1280, "light")):
            options: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": colours, "locale": "de-DE"}
            page = browser.new_page(**options)
            asked: list[str] = []
            page.on("request", partial(_note, asked))
            page.goto(site.url)
            seen(page)
            assert asked == [site.url], "nothing is loaded from elsewhere"
            assert len(page.content().encode()) < LARGEST
            assert page.locator("html").get_attribute("lang") == "de"
            assert page.get_by_text("Flug ZZ 1007, Amsterdam – London Heathrow").is_visible()
            assert page.locator("a.go").all_inner_texts() == ["In WhatsApp öffnen", "In Messenger öffnen"]
            assert "Ich%20m%C3%B6chte" in str(page.locator("a.go").first.get_attribute("href"))
            assert str(page.locator("a.go").last.get_attribute("href")).endswith("-de")
            assert page.locator("svg").is_visible() is (width == 1280)
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.textContent") == "In WhatsApp öffnen"
            for name, language in (("Nederlands", "nl"), ("English", "en"), ("Français", "fr")):
                page.get_by_role("link", name=name).click()
                seen(page)
                assert page.locator("html").get_attribute("lang") == language
                assert page.locator("nav b").inner_text() == name
                assert str(page.locator("a.go").last.get_attribute("href")).endswith(f"-{language}")
            page.close()
        loop.call(site.house.writes(TRAVELLER, "close the link"))
        page = browser.new_page(viewport={"width": 320, "height": 800}, locale="fr-FR")
        page.goto(site.url)
        looked_at(page)
        assert page.locator("h1").inner_text() == "Ce lien ne laisse entrer personne pour le moment"
        assert page.locator("a.go").count() == 0
        page.close()
