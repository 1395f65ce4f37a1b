"""Pages for the tests of /phones: a fresh context for every one."""

from __future__ import annotations

from playwright.sync_api import Browser, ConsoleMessage, Page

DESKTOP = (1440, 900)
MOBILE = (390, 844)
TIMEOUT_MS = 20_000


class Opener:
    """Opens pages, and remembers what their consoles complained about."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._pages: list[Page] = []
        self.complaints: list[str] = []

    def __call__(self, url: str, size: tuple[int, int] = DESKTOP, *, ready: str = ".phone .row") -> Page:
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce", locale="en-GB"
        )
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)
        self._pages.append(page)
        page.goto(url)
        if ready:
            page.locator(ready).first.wait_for()
            page.locator(".connection[data-state=live]").wait_for(state="attached")
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        # Chromium reports every answer of 400 and more by itself; the page says those at the phone.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def close(self) -> None:
        for page in self._pages:
            page.context.close()


def runs_over(page: Page) -> int:
    """By how many pixels the page itself could be scrolled sideways."""
    wide: int = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
    return wide
