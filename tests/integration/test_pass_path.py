"""From a carrier's event to the page on the phone: wired as it runs, with the flight's own news, a new issue and "not me"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from gateway.http import listen, make_app
from gateway.webhooks.role import add_routes
from tests.integration.documents_stage import DocumentHouse
from tests.integration.pass_stage import Browser
from tests.support.core import open_house
from tests.support.server import free_port

pytestmark = pytest.mark.timeout(60)
FAMILY = "Qwertzmark"
"""A surname that stands nowhere else: it must be in no log line and no fact."""


async def planned_page(house: DocumentHouse, number: int) -> str:
    """The token in the newest message with a document that is planned for a traveller."""
    contact = await house.contact_of(number)
    bodies = [await house.body(one) for one in await house.messages(contact.id) if one.state.value == "q"]
    pages: list[Any] = [(body.get("document") or {}).get("page") for body in bodies]
    assert pages[-1]
    return str(pages[-1])


async def test_a_pass_that_was_issued_has_a_page_that_follows_its_flight(redis: Redis, redis_url: str, data_dir: Path) -> None:
    async with open_house(redis_url, data_dir) as made:
        house = DocumentHouse(made.runtime)
        app, port = make_app(largest=4_000_000), free_port()
        add_routes(app, house.runtime)
        runner = await listen(app, "127.0.0.1", port, "GATEWAY_PUBLIC_PORT")
        browser = Browser(f"http://127.0.0.1:{port}", aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
        with capture_logs() as logged:
            await house.booking(house.recipient(101, name={"given": "Eva", "family": FAMILY}))
            await house.tell(house.pass_of(FAMILY, "Eva"))
            token = await planned_page(house, 101)
            assert f"Eva {FAMILY}" in (await browser.say(token, FAMILY.upper())).text

            await house.tell(house.flight("delayed", late_min=45, gate="E4"))
            shown = (await browser.get(f"/d/{token}")).text
            assert "New gate: E4." in shown
            assert "New departure time:" in shown

            house.pass_ms(60_000)
            await house.tell(house.pass_of(FAMILY, "Eva", number=43, gate="E4"))
            newer = await planned_page(house, 101)
            assert newer != token
            assert f"/d/{newer}?" in (await browser.get(f"/d/{token}")).text
            assert "E4" in (await browser.get(f"/d/{newer}")).text, "whoever had the older one open is not asked again"

            house.pass_ms(60_000)
            contact = await house.contact_of(101)
            address = contact.profile.addresses[0].id
            await house.runtime.contacts.set_proof(contact.id, address, None, house.clock.now_ms())
            for one in (token, newer):
                closed = await browser.get(f"/d/{one}")
                assert (closed.status, FAMILY in closed.text) == (410, False)
        text = str(logged) + str([await redis.xrange(name) for name in await redis.keys("*facts")])
        for secret in (FAMILY, token, newer):
            assert secret not in text
        await browser.session.close()
        await runner.cleanup()
