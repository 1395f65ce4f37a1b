"""Take docs/pictures/pass-*.png: `python -m tests.browser.pass_shoot [--to FOLDER]`. What they show is what the test looks at."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser
from redis.asyncio import Redis

from gateway.documents.paper import Symbol, SymbolKind
from tests.browser.aside import aside
from tests.integration.pass_stage import HOUR_MS, Holder, Site, boarding_pass, iso, site
from tests.support.chromium import chromium
from tests.support.server import StoreServer

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
BCBP = (
    "M1VANDERBERG/MILA MRS EZX7K2P AMSLISZZ 1007 326Y012C0042 13F>60B2MM6325BZZ 2A000241234567801ZZ ZZ 2001234567       1PCN"
)


@asynccontextmanager
async def pages(url: str) -> AsyncIterator[Site]:
    redis = Redis.from_url(url)
    try:
        async with site(redis) as found:
            yield found
    finally:
        await redis.aclose()


async def two_passes(holder: Holder, number: str = "+447700900123") -> list[str]:
    """Mother and son on one number; their flight has another gate and time by now."""
    contact = (await holder.somebody(number)).id
    departs = holder.clock.now_ms() // 60_000 * 60_000 + 2 * HOUR_MS
    tokens = []
    for order, (name, seat) in enumerate((("Mila van der Berg", "12C"), ("Joris van der Berg", "12D"))):
        paper = boarding_pass(departs, name)
        leg = replace(paper.legs[0], origin_name="Amsterdam", destination_name="Lisbon", seat=seat)
        paper = replace(
            paper, travellers=(name,), reference="ZX7K2P", ticket_number="000 2412345678", baggage="1 koffer", legs=(leg,),
            symbols=(Symbol(SymbolKind.AZTEC, BCBP.encode()),),
        )  # fmt: skip
        tokens.append(await holder.keep(contact, f"p{order}", order=order, paper=paper))
    moved = {"scheduled": iso(departs), "estimated": iso(departs + 35 * 60_000)}
    await holder.news(holder.flight, status="delayed", gate="E4", departure=moved)
    return tokens


def shoot(browser: Browser, folder: Path) -> None:
    server = StoreServer()
    try:
        with aside(lambda: pages(server.url)) as (one, loop):
            token = loop.call(two_passes(one.holder))[0]
            context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=1.5)
            page = context.new_page()
            page.goto(f"{one.url}/d/{token}?lang=en")
            page.screenshot(path=folder / "pass-asks.png")
            page.fill("#said", "van der Berg")
            page.click("button")
            page.screenshot(path=folder / "pass-open.png")
    finally:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=PICTURES)
    with chromium() as browser:
        shoot(browser, parser.parse_args().to)


if __name__ == "__main__":
    main()
