"""The store is away for a minute and comes back on its data: nothing is lost, nobody spins, memory does not pile up."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.crash.plant import Plant, plant_running, windows
from tests.crash.test_takeover import shown
from tests.support.server import StoreServer
from tests.support.waiting import wait_until

ORDERS = 12
PEOPLE = [f"4477009001{number:02d}" for number in range(1, ORDERS + 1)]


@pytest.fixture
def store() -> Iterator[StoreServer]:
    server = StoreServer()
    yield server
    server.close()


@pytest.fixture
async def plant(data_dir: Path, store: StoreServer) -> AsyncIterator[Plant]:
    async with plant_running(data_dir, store=store.url) as made:
        for person in PEOPLE[1:]:
            await made.meet(person)
        await wait_until(lambda: _known(made), timeout=20)
        yield made


async def _known(plant: Plant) -> bool:
    return await windows(plant) == len(PEOPLE)


def spent_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_a_store_that_is_away_for_a_minute_loses_nothing_and_costs_little(plant: Plant, store: StoreServer) -> None:
    names = [f"AWAY-{number:03d}" for number in range(ORDERS)]
    assert plant.process is not None
    pid = plant.process.pid
    await plant.sandbox("PUT", "faults", {"name": "slow", "ms": 400})
    for name, person in zip(names[:6], PEOPLE, strict=False):
        assert await plant.order(name, person) == 202
    store.kill()
    before_s, before_mib, gone_s = spent_s(pid), resident_mib(pid), time.monotonic()
    refusals = 0
    while time.monotonic() - gone_s < 60:
        answer = await plant.order(names[6], PEOPLE[6])  # a source that goes on trying, and people who go on writing
        assert answer == 503
        refusals += 1
        await plant.sandbox("POST", f"handsets/{PEOPLE[7]}/say", {"phone_number_id": "314159265358979", "text": "hello?"})
    assert refusals > 5
    # Each refused event costs some of it; a loop that spins would take all of the minute.
    assert spent_s(pid) - before_s < 20
    assert resident_mib(pid) - before_mib < 20
    store.restart()
    for name, person in zip(names[6:], PEOPLE[6:], strict=True):
        await wait_until(lambda name=name, person=person: _taken(plant, name, person), timeout=60)
    await wait_until(lambda: _all(plant, names), timeout=120)
    told = await shown(plant, "AWAY", PEOPLE)
    uncertain = sum(fact.kind == "uncertain" for fact in await plant.facts())
    assert len(told) - len(names) <= uncertain, (told, uncertain)


async def _taken(plant: Plant, name: str, person: str) -> bool:
    return await plant.order(name, person) == 202


async def _all(plant: Plant, names: list[str]) -> bool:
    return set(names) <= set(await shown(plant, "AWAY", PEOPLE))
