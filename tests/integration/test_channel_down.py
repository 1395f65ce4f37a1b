"""The channel is out of reach for ten minutes: no busy loop, order kept, deadlines honoured, and all goes on by itself."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.connector import RawResponse, RenderedRequest
from tests.support.core import NUMBER, House, iso, open_house
from tests.support.edge import edge_running
from tests.support.server import free_port
from tests.support.waiting import wait_until

PEOPLE = range(101, 109)
SOON = "ZZ2002/2026-11-22/AMS"
BACK = "ZZ3003/2026-11-22/AMS"
MINUTE_MS = 60_000


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path, port: int) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir, f"http://127.0.0.1:{port}", GATEWAY_CONNECT_TIMEOUT_S="1") as made:
        yield made


@pytest.fixture
def tries(house: House, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Per address how often the wire was tried."""
    connector, count = house.runtime.connectors["whatsapp"], Counter[str]()
    send = connector.send

    async def counted(request: RenderedRequest) -> RawResponse:
        assert request.body is not None
        count[str(request.body["to"])] += 1
        return await send(request)

    monkeypatch.setattr(connector, "send", counted)
    return count


def leaving_soon(house: House, gate: str) -> dict[str, Any]:
    """Times and leg of a flight that leaves in fourteen minutes: its gate is of no use four minutes from now."""
    departure = {"scheduled": iso(house.began_ms + 14 * MINUTE_MS)}
    times = {"departure": departure, "arrival": {"scheduled": iso(house.began_ms + 90 * MINUTE_MS)}}
    leg = {"carrier": "ZZ", "flightNumber": "2002", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"}
    return {"times": times, "leg": leg, "gate": gate}


async def test_ten_minutes_without_the_channel_lose_no_news_and_send_none_that_is_stale(
    house: House, tries: Counter[str], port: int
) -> None:
    people = [house.recipient(number) for number in PEOPLE]
    soon = house.leg(SOON) | {"times": leaving_soon(house, "B1")["times"]}
    await house.tell(house.order(*people, itinerary=[house.leg(), soon, house.leg(BACK)]))
    await house.tell(house.flight("scheduled", version=1, **_gate("D4")), house.flight(late_min=45, version=2, **_gate("D4")))
    await house.tell(house.flight("scheduled", version=1, entity=SOON, **leaving_soon(house, "B1")))
    await house.tell(house.flight("scheduled", version=2, entity=SOON, **leaving_soon(house, "B9")))
    await house.tell(house.flight(late_min=30, version=1, entity=BACK))
    assert (await house.told(101, "q")).count("gate_changed") == 1

    for second in range(0, 600, 15):
        if second == 180:
            await house.tell(house.flight("cancelled", version=3))
        outcomes = await house.dispatch()
        assert set(outcomes) <= {"r", "x"}, outcomes
        house.pass_ms(15_000)

    # At most one lane head an address is tried, ever more rarely; a wait is up to a minute and falls anywhere in it.
    assert set(tries) == {f"+447700900{number}" for number in PEOPLE}
    assert max(tries.values()) <= 40, tries
    for _ in range(4):  # the last wait may end a minute after the ten
        if not (await house.told(101, "x")).count("gate_changed"):
            assert set(await house.dispatch()) <= {"r", "x"}
            house.pass_ms(15_000)
    assert (await house.told(101, "x")).count("gate_changed") == 1  # past its deadline, and said so

    async with edge_running(port) as edge:
        for _ in range(12):
            await house.dispatch()
            house.pass_ms(15_000)
        shown: dict[str, list[str]] = defaultdict(list)
        for body in edge.sent(NUMBER):
            shown[body["to"]].append(body["template"]["name"].rpartition("_v")[0])
    assert set(shown) == {f"+447700900{number}" for number in PEOPLE}
    assert {tuple(names) for names in shown.values()} == {("flight_delayed", "flight_cancelled", "order_confirmed")}


async def test_a_dispatcher_with_nothing_to_do_but_wait_hardly_looks(house: House, tries: Counter[str]) -> None:
    await house.tell(house.order(*[house.recipient(number) for number in PEOPLE]))
    looks = 0
    peek = house.runtime.outbox.peek

    async def counted(*args: Any, **more: Any) -> Any:
        nonlocal looks
        looks += 1
        return await peek(*args, **more)

    house.runtime.outbox.peek = counted  # type: ignore[method-assign]
    dispatcher, stopping = house.make_dispatcher(), asyncio.Event()
    task = asyncio.create_task(dispatcher.run(stopping, 5.0))
    try:
        await wait_until(lambda: sum(tries.values()) >= 3 * len(PEOPLE), timeout=60)
    finally:
        stopping.set()
        house.runtime.wake.here("dispatch")
        async with asyncio.timeout(10):
            await task
    assert looks <= 4 * sum(tries.values()), (looks, tries)


def _gate(gate: str) -> dict[str, Any]:
    return {"gate": gate}
