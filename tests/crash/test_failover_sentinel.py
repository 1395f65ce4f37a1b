"""The primary is killed under load and a sentinel promotes a replica: what was answered 202 is at the handset once.

The replicas hear of every write a fifth of a second late, so that the primary's death takes something with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.house import house_running
from tests.support.sentinels import Sentinels
from tests.support.under_load import Orders

RECOMMENDED = {"min-replicas-to-write": "1", "min-replicas-max-lag": "10"}
"""docs/stores.md"""
LAG_S = 0.2


@pytest.fixture
def sentinels() -> Iterator[Sentinels]:
    made = Sentinels(RECOMMENDED)
    yield made
    made.close()


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_what_was_answered_is_told_once_when_the_primary_is_killed_under_load(
    sentinels: Sentinels, data_dir: Path
) -> None:
    async with (
        house_running(
            data_dir, GATEWAY_REDIS_URL=sentinels.url, GATEWAY_STORE_ACKS="1", GATEWAY_LEASE_MS="4000"
        ) as house,
        sentinels.lagging(LAG_S),
    ):
        orders = Orders(house, 24)

        async def kill() -> None:
            await asyncio.to_thread(sentinels.kill_primary)

        await orders.send(every_s=0.1, at=8, then=kill)
        await orders.wait_until_all_arrived()
        assert len(orders.answered) == 24
        assert set((await orders.counts()).values()) == {1}
