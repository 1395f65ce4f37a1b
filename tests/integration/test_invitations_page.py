"""The page behind a short link: kind, small, readable, and consuming nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Request, async_playwright

from gateway.model.invitation import Purpose
from gateway.webhooks.invite import Limit
from gateway.webhooks.invite_page import ended, invitation, language_of
from tests.integration.invitations_stage import Trip, invited, is_bound, link, rail_house, state_of, tell

CHROMIUM = "/usr/bin/chromium"
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


async def looked_at(page: Page) -> None:
    """What holds at every width, light and dark: nothing sticks out, every text stands out, buttons are large enough."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [text for text, ratio in await page.evaluate(CONTRAST) if ratio < 4.5] == []
    assert await page.locator("h1").count() == 1
    for button in await page.locator("a.go").all():
        box = await button.bounding_box()
        assert box is not None
        assert box["height"] >= 44


def _note(asked: list[str], request: Request) -> None:
    asked.append(request.url)


@pytest.mark.timeout(150)
async def test_the_page_shows_what_comes_and_two_ways_and_consumes_nothing(data_dir: Path) -> None:
    trip = Trip()
    async with rail_house(data_dir) as house:
        assert house.http is not None
        made = await invited(house, trip)
        await tell(house, trip.order())
        url = f"{house.public}/i/{made['link'].rpartition('/')[2]}"
        for method in ("GET", "HEAD", "GET"):
            async with house.http.request(method, url) as answer:
                assert answer.status == 200
                assert answer.headers["Cache-Control"] == "no-store"
                assert "noindex" in answer.headers["X-Robots-Tag"]
                text = await answer.text()
                assert (0 < len(text.encode()) < LARGEST) is (method == "GET")
        assert (await state_of(house, made))["state"] == "open"
        assert not any(mark in text for mark in (trip.number, trip.customer, "Mila", "Berg"))
        async with house.http.get(f"{house.public}/i/{'0' * 24}") as answer:
            assert answer.status == 404

        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for width, colours in ((320, "light"), (390, "dark"), (1280, "light")):
                options: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": colours}
                page = await browser.new_page(java_script_enabled=True, **options)
                asked: list[str] = []
                page.on("request", partial(_note, asked))
                await page.goto(url)
                await looked_at(page)
                assert asked == [url], "nothing is loaded from elsewhere"
                assert await page.locator("html").get_attribute("lang") == "nl"
                assert await page.locator("a.go").all_inner_texts() == ["Open in WhatsApp", "Open in Messenger"]
                assert await page.locator("a.go").first.get_attribute("href") == link(made, "whatsapp")
                assert await page.get_by_text("Ja, stuur mij nieuws over deze boeking").is_visible()
                assert await page.locator("svg").is_visible() is (width == 1280)
                await page.keyboard.press("Tab")
                assert await page.evaluate("document.activeElement.textContent") == "Open in WhatsApp"
                await page.goto(f"{house.public}/i/{'0' * 24}")
                await looked_at(page)
                await page.close()
            await browser.close()

        await house.handset("+447700900301", "Mila")
        await house.says("+447700900301", link=link(made, "whatsapp"))
        await is_bound(house, made)
        async with house.http.get(url) as answer:
            assert answer.status == 200
            assert "al een keer gebruikt" in await answer.text()


def test_what_a_brand_is_called_is_never_markup() -> None:
    text = invitation(
        "en", "<b>&co", "https://example.org/?a=1&b=2", purpose=Purpose.UPDATES, agreed=["<script>"],
        links={"Chat": "https://example.org/?x=1&y=\"2\""}, code="AAAA-0000", qr="", used=False,
    )  # fmt: skip
    assert "<script" not in text
    assert "<b>" not in text
    assert '"2"' not in text
    assert "&amp;y=&quot;2&quot;" in text
    assert "<svg" not in text
    assert ended("nl", "", "").count("<h1>") == 1


@pytest.mark.parametrize(("accepted", "language"), [("nl-NL,nl;q=0.9", "nl"), ("fr,nl;q=0.5", "nl"), ("", "en"), ("de", "en")])
def test_the_page_speaks_a_language_that_it_has(accepted: str, language: str) -> None:
    assert language_of(accepted) == language


def test_a_prefix_that_asks_too_often_waits_and_its_neighbours_do_not() -> None:
    limit = Limit(per_minute=3)
    assert [limit.allows(f"192.0.2.{number}", 10) for number in range(5)] == [True, True, True, False, False]
    assert limit.allows("198.51.100.1", 10)
    assert limit.allows("192.0.2.9", 71), "the next minute"
    assert [limit.allows(f"2001:db8:1:{number}::1", 10) for number in range(4)] == [True, True, True, False]
    assert limit.allows("2001:db8:2::1", 10)
    assert limit.allows("not an address", 10)
