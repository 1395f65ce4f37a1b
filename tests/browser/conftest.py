"""One Chromium for all browser tests of a process; each test opens contexts of its own in it.

It drives its own loop for as long as it lives: no test beside it may be a coroutine. What needs one runs aside (aside.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.chromium import chromium

expect.set_options(timeout=20_000)  # what should come true comes within milliseconds, but on a machine that is busy


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found
