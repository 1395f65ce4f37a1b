"""Take docs/pictures/phones-*.png: `python -m tests.browser.phones_shoot [URL of a running sandbox] [--dark]`.

Without a URL the fixture's day is photographed; with `--pages` the one over Messenger, as messenger-*.png.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import phones_day, phones_pages_day
from tests.browser.phones_stage import Stage
from tests.support.chromium import where

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SIZES = {"desktop": (1440, 900), "mobile": (390, 844)}


def shoot(url: str, to: Path, *, dark: bool = False, name: str = "phones") -> list[Path]:
    """One picture of each size, as `<name>-<size>.png` (`<name>-<size>-dark.png`) in the folder `to`."""
    made = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where(), args=["--no-sandbox"])
        for size, (width, height) in SIZES.items():
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                reduced_motion="reduce",
            )
            page.goto(f"{url}/phones")
            page.locator(".phone .row").first.wait_for()
            page.locator(".connection[data-state=live]").wait_for()
            made.append(to / f"{name}-{size}{'-dark' if dark else ''}.png")
            page.screenshot(path=made[-1])
            page.close()
        browser.close()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("url", nargs="?", help="a running sandbox, such as http://127.0.0.1:8090")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--pages", action="store_true", help="the day over Messenger")
    parser.add_argument("--to", type=Path, default=PICTURES)
    options = parser.parse_args()
    name = "messenger" if options.pages else "phones"
    if options.url:
        shoot(options.url.rstrip("/"), options.to, dark=options.dark, name=name)
        return
    story = None if options.pages else phones_day.story()
    stage = Stage((phones_pages_day if options.pages else phones_day).day(), story, phones_day.NOW_MS)
    stage.pages = phones_pages_day.pages() if options.pages else []
    stage.start()
    try:
        shoot(stage.url, options.to, dark=options.dark, name=name)
    finally:
        stage.stop()


if __name__ == "__main__":
    main()
