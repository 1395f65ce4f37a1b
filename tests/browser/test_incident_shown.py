"""The report of an incident as a page, opened from a file: on a phone and on a desk, in light and in dark."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser

from gateway.insight.history import open_history
from gateway.insight.incident import gather
from gateway.insight.incident_page import page_of
from tests.support.incident_story import BEGIN, MINUTE, outage


async def _page(folder: Path) -> str:
    history = await open_history(f"sqlite:///{folder / 'history.db'}")
    try:
        await outage().keep(history)
        channels = {"air": "whatsapp", "air-page": "messenger"}
        return page_of(await gather(history, since_ms=BEGIN, until_ms=BEGIN + 40 * MINUTE, channels=channels), None)
    finally:
        await history.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("incident")
    texts: list[str] = []
    working = threading.Thread(target=lambda: texts.append(asyncio.run(_page(folder))))  # the browser has this thread's loop
    working.start()
    working.join(30)
    path = folder / "incident.html"
    path.write_text(texts[0])
    return path


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_a_desk_in_light_and_dark(
    browser: Browser, page_file: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    options: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    page = browser.new_page(**options)
    try:
        page.goto(page_file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("text=people unreached").is_visible()
        assert page.locator("td:has-text('flight_delayed')").first.is_visible()
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 24, 31)")
    finally:
        page.close()
