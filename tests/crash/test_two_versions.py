"""The version before and this one, side by side on one store, as during a rolling upgrade: each reads what the other wrote.

`previous-version` beside this file names the commit that counts as the version before; at a release it is moved on.
"""

from __future__ import annotations

import asyncio
import io
import re
import subprocess
import tarfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.crash.plant import Plant, plant_running, windows
from tests.support.core import ROOT
from tests.support.server import StoreServer, free_port
from tests.support.waiting import wait_until

PREVIOUS = (Path(__file__).parent / "previous-version").read_text().strip()
ORDERS = 24
PEOPLE = [f"4477009001{number:02d}" for number in range(1, ORDERS + 1)]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the version before."""
    done = subprocess.run(["git", "archive", PREVIOUS], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, (
        f"commit {PREVIOUS} is not in this clone ({done.stderr.decode().strip()}): "
        "two versions cannot be tried together without it; fetch the whole history (git fetch --unshallow)"
    )
    tree = tmp_path_factory.mktemp("before")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(tree, filter="data")
    return tree


@pytest.fixture
async def old(data_dir: Path, before: Path) -> AsyncIterator[Plant]:
    """The version before, alone at first, on a store that it made."""
    server = StoreServer()
    try:
        async with plant_running(data_dir, store=server.url, code=before, more={"GATEWAY_DRAIN_S": "20"}) as made:
            for person in PEOPLE[1:]:
                await made.meet(person)
            await wait_until(lambda: _known(made), timeout=30)
            yield made
    finally:
        server.close()


async def _known(plant: Plant) -> bool:
    return await windows(plant) == len(PEOPLE)


async def shown(plant: Plant) -> list[str]:
    bubbles = [bubble for person in PEOPLE for bubble in await plant.bubbles(person)]
    found: list[Any] = [re.search(r"SIDE-\d{3}", str(one)) for one in bubbles]
    return sorted(one[0] for one in found if one)


async def ordered(door: Plant, name: str, person: str) -> None:
    """As a source does: until somebody says 202."""
    while True:
        try:
            if await door.order(name, person) == 202:
                return
        except (OSError, aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(0.05)


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_two_versions_share_the_work_and_each_goes_on_with_what_the_other_began(old: Plant) -> None:
    async with AsyncExitStack() as stack:
        new = replace(old, name="new", code=ROOT, process=None, public=free_port(), internal=free_port())
        await new.start()
        stack.push_async_callback(new.end)
        names = [f"SIDE-{number:03d}" for number in range(ORDERS)]

        # Side by side: each takes every other order, and either may expand and send it.
        for number in range(12):
            await ordered(old if number % 2 else new, names[number], PEOPLE[number])
        await wait_until(lambda: _all(old, names[:12]), timeout=60)

        # The old one is killed with its work begun: the new one finishes it.
        await old.sandbox("PUT", "faults", {"name": "slow", "ms": 300})
        for number in range(12, 18):
            await ordered(old, names[number], PEOPLE[number])
        await old.kill(store=False)
        await wait_until(lambda: _all(old, names[:18]), timeout=90)

        # And the other way round.
        await old.start()
        for number in range(18, ORDERS):
            await ordered(new, names[number], PEOPLE[number])
        await new.kill(store=False)
        await wait_until(lambda: _all(old, names), timeout=90)

        told = await shown(old)
        doubled = sorted({name for name in told if told.count(name) > 1})
        facts = await old.facts()
        assert not [fact for fact in facts if fact.kind in ("dead", "parked")]
        # A killed process's last sends may be doubled where no webhook proved them in time: never one that was not uncertain.
        assert len(doubled) <= len([fact for fact in facts if fact.kind == "uncertain"])
        for process in (old, new):
            assert "Traceback" not in process.log.read_text(), process.name


async def _all(plant: Plant, names: list[str]) -> bool:
    return set(names) <= set(await shown(plant))
