"""The real thing, killed: `main.py run` with its embedded store, towards a sandbox that lives on and counts what it was sent."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crash.plant import NUMBER, PERSON, Plant, plant_running
from tests.support.embedded import record
from tests.support.waiting import wait_until


@pytest.fixture
async def plant(data_dir: Path) -> AsyncIterator[Plant]:
    async with plant_running(data_dir) as made:
        yield made


@pytest.mark.timeout(150)
async def test_an_event_answered_with_202_outlives_a_power_cut_and_is_told_once(plant: Plant) -> None:
    for number, pause in (("CUT-0001", 0.0), ("CUT-0002", 0.03)):
        assert await plant.order(number) == 202
        if pause:
            await asyncio.sleep(pause)  # where in its work it is hit, not how long the test waits
        await plant.kill()
        await plant.start()
    await wait_until(lambda: plant.received("CUT-0001"), timeout=40)
    await wait_until(lambda: plant.received("CUT-0002"), timeout=40)
    assert [await plant.received(number) for number in ("CUT-0001", "CUT-0002")] == [1, 1]


@pytest.mark.timeout(120)
async def test_a_gateway_killed_in_the_middle_of_a_send_learns_from_the_channel_that_it_was_sent(plant: Plant) -> None:
    await plant.sandbox("PUT", "faults", {"name": "hang", "accepted": True, "ms": 60_000, "times": 1})
    assert await plant.order("HANG-001") == 202
    await wait_until(lambda: plant.received("HANG-001"), timeout=20)  # the channel took it, and has not answered
    await plant.kill()
    await plant.start()
    await wait_until(lambda: plant.has("accepted", by="evidence"), timeout=40)
    assert await plant.order("HANG-002") == 202
    await wait_until(lambda: plant.received("HANG-002"), timeout=40)
    assert await plant.received("HANG-001") == 1


@pytest.mark.timeout(120)
async def test_an_answer_that_was_lost_is_waited_for_and_the_message_not_sent_again(plant: Plant) -> None:
    await plant.sandbox("PUT", "faults", {"name": "lost_answer", "times": 1})
    assert await plant.order("LOST-001") == 202
    await wait_until(lambda: plant.has("accepted", by="evidence"), timeout=40)
    assert await plant.order("LOST-002") == 202
    await wait_until(lambda: plant.received("LOST-002"), timeout=40)
    assert await plant.received("LOST-001") == 1


@pytest.mark.timeout(120)
async def test_a_store_that_is_killed_alone_comes_back_and_nothing_is_lost(plant: Plant) -> None:
    assert await plant.order("ALONE-001") == 202
    os.kill(record(plant.data_dir)["pid"], signal.SIGKILL)
    await wait_until(plant.ready, timeout=40)
    await wait_until(lambda: plant.received("ALONE-001"), timeout=40)
    assert await plant.received("ALONE-001") == 1


@pytest.mark.timeout(120)
async def test_a_webhook_answered_with_200_outlives_a_power_cut(plant: Plant) -> None:
    assert await plant.order("STOP-001") == 202
    await wait_until(lambda: plant.received("STOP-001"), timeout=20)
    await plant.sandbox("POST", f"handsets/{PERSON}/say", {"phone_number_id": NUMBER, "text": "stop"})
    await plant.kill()
    await plant.start()
    await wait_until(lambda: plant.has("consent", **{"k:journey.whatsapp.zz": "w"}), timeout=40)
    await wait_until(lambda: plant.received("Stopped"), timeout=40)
    assert await plant.received("Stopped") == 1
