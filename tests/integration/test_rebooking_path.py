"""A cancelled flight through the whole house: three people press three buttons on their phones, every webhook comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.support.house import House, house_running
from tests.support.waiting import wait_until

EVA, TOM, NOOR = "+447700900123", "+447700900124", "+447700900125"
NAMES = {EVA: "ZXEVA1", TOM: "ZXTOM1", NOOR: "ZXNOOR"}
ENTITY = "ZZ0522/2026-11-22/LHR"
LATER = {"carrier": "ZZ", "flightNumber": "0526", "originDate": "2026-11-22", "departure": "2026-11-22T18:10:00+00:00"}
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"


def order(number: str) -> dict[str, Any]:
    consent = {"purpose": "journey", "channel": "whatsapp", "granted": True, "at": "2026-11-20T19:20:11Z", "how": "box"}
    times = {"departure": {"scheduled": "2026-11-22T12:10:00+00:00"}, "arrival": {"scheduled": "2026-11-22T13:30:00+00:00"}}
    return {
        "specversion": "1.0", "type": "org.example.order.status.v1", "source": "/booking/orders", "subject": NAMES[number],
        "id": f"order-{NAMES[number]}", "data": {
            "orderNumber": NAMES[number], "kind": "flight", "brand": "zz", "status": "confirmed",
            "itinerary": [{"entity": ENTITY, "type": "flight", "from": {"code": "LHR", "timezone": "Europe/London"},
                           "to": {"code": "DUB", "timezone": "Europe/Dublin"}, "times": times}],
            "recipients": [{"customerId": f"C-{number}", "locale": "en-GB", "role": "booker", "consents": [consent],
                            "addresses": [{"channel": "whatsapp", "to": number, "proof": "otp", "givenBy": "self"}]}],
        },
    }  # fmt: skip


def cancelled(version: int, **rebooking: Any) -> dict[str, Any]:
    leg = {"carrier": "ZZ", "flightNumber": "0522", "originDate": "2026-11-22", "from": "LHR", "to": "DUB"}
    return {
        "specversion": "1.0", "type": "org.example.flight.status.v1", "source": "/ops/flights", "subject": ENTITY,
        "id": f"flight-{version}", "sequence": str(version),
        "data": {"leg": leg, "status": "cancelled", "rebooking": {**LATER, **rebooking}},
    }  # fmt: skip


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[str, dict[str, str]]]:
    """The operator's own program: (its URL, webhook-id -> type of what it was told)."""
    heard: dict[str, str] = {}

    async def post(request: web.Request) -> web.Response:
        heard[request.headers["webhook-id"]] = (await request.json())["type"]
        return web.Response()

    app = web.Application()
    app.router.add_post("/", post)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "http://{}:{}/".format(*runner.addresses[0]), heard
    finally:
        await runner.cleanup()


async def newest(house: House, number: str, words: str) -> dict[str, Any]:
    """The newest message on a phone, once it says this."""
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        found[:] = await house.received(number)
        return bool(found) and words in found[-1]["body"]

    await wait_until(there, timeout=20)
    return found[-1]


async def press(house: House, number: str, bubble: dict[str, Any], index: int) -> None:
    await house.says(number, button={"bubble": bubble["id"], "index": index})


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_accept_other_and_refund_go_their_way_once_though_every_webhook_comes_twice(data_dir: Path) -> None:
    types = "rebooking.accepted,rebooking.other,rebooking.refund"
    async with receiver() as (url, heard):
        hooks = {"GATEWAY_WEBHOOK_TARGETS": url, "GATEWAY_WEBHOOK_SECRET": SECRET, "GATEWAY_WEBHOOK_TYPES": types}
        async with house_running(data_dir, **hooks) as house:
            await house.fault("webhook_double")
            for number in NAMES:
                assert (await house.event(order(number)))[0] == 202
                await house.wait_for(number, 1)
            assert (await house.event(cancelled(1, offer="proposed")))[0] == 202
            asked = {number: await newest(house, number, "we can offer you flight ZZ 0526, leaving at 18:10") for number in NAMES}
            assert [one["text"] for one in asked[EVA]["buttons"]] == ["I take this one", "Another flight", "My money back"]
            assert "https://support.example.org/polderwind-air/rights" in asked[EVA]["body"]
            for place, number in enumerate(NAMES):
                await press(house, number, asked[number], place)
            await newest(house, EVA, "We have passed on that you take flight ZZ 0526.")
            await newest(house, TOM, "We have passed on that you want to travel in another way.")
            await newest(house, NOOR, "We have passed on that you want your money back.")

            async def two_wait() -> bool:
                _, waiting = await house.get("/v1/conversations?queue=rebooking")
                return len(waiting["conversations"]) == 2

            await wait_until(two_wait, timeout=20)
            # Inside the service window the next offer is free text with buttons, and comes back as another kind of answer.
            assert (await house.event(cancelled(2, flightNumber="0528", offer="proposed")))[0] == 202
            again = await newest(house, EVA, "we can offer you flight ZZ 0528")
            await press(house, EVA, asked[EVA], 0)
            await newest(house, EVA, "This no longer holds: there is a newer offer, flight ZZ 0528.")
            await press(house, EVA, again, 2)
            await newest(house, EVA, "We have passed on that you want your money back.")

            async def all_told() -> bool:
                return len(heard) == 4

            await wait_until(all_told, timeout=20)
            assert sorted(heard.values()) == ["rebooking.accepted", "rebooking.other", "rebooking.refund", "rebooking.refund"]
