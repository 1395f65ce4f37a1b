"""Chromium for tests that look at a page. scripts/chromium says where it is; where it is not, a test fails with the mend."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "chromium"


@cache
def where() -> str:
    """Chromium's path. Raises AssertionError with the mend: a page that nobody has looked at is not tested."""
    said = subprocess.run([str(SCRIPT)], capture_output=True, text=True, timeout=600, check=False)
    assert said.returncode == 0, said.stderr.strip()
    return said.stdout.strip()


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where(), args=["--no-sandbox"])
        yield browser
        browser.close()
