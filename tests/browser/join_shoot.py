"""Take docs/pictures/join-page.png: `python -m tests.browser.join_shoot [--to FOLDER]`. It shows what the test looks at."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.aside import aside
from tests.browser.test_join_page import served
from tests.support.chromium import chromium
from tests.support.server import StoreServer

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


def shoot(browser: Browser, folder: Path) -> None:
    server = StoreServer()
    try:
        with tempfile.TemporaryDirectory() as data, aside(lambda: served(server.url, Path(data))) as (site, _):
            context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=1, locale="nl-NL")
            page = context.new_page()
            page.goto(site.url)
            page.screenshot(path=folder / "join-page.png", full_page=True)
    finally:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=PICTURES, help="where the pictures go")
    folder = parser.parse_args().to
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        shoot(browser, folder)


if __name__ == "__main__":
    main()
