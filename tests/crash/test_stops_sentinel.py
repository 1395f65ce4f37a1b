"""The primary dies under a sentinel just after a stop, an erasure and a brake were answered: all of them stand.

The replicas hear of every write a fifth of a second late, so that without waiting for one all of it would be gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import NotFound, StoreUnavailable
from gateway.model.contact import ConsentEntry
from gateway.store import keys
from gateway.store.brakes import BrakeBook
from gateway.store.erasure import Erasure
from gateway.store.senders import Stop
from gateway.store.vault import Vault
from tests.support.core import House, open_house
from tests.support.sentinels import Sentinels
from tests.support.waiting import wait_until

LAG_S = 0.2
DAY = "2026-12-24"


@pytest.fixture
def sentinels() -> Iterator[Sentinels]:
    made = Sentinels({"min-replicas-to-write": "1", "min-replicas-max-lag": "10"})
    yield made
    made.close()


def erasure(house: House) -> Erasure:
    runtime = house.runtime
    return Erasure(
        house.redis, house.clock, runtime.vault, runtime.contacts, runtime.conversations, runtime.directory.ids, runtime.pairs
    )


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_what_was_answered_stands_when_the_primary_dies(sentinels: Sentinels, data_dir: Path) -> None:
    async with open_house(sentinels.url, data_dir, GATEWAY_STORE_ACKS="1") as house, sentinels.lagging(LAG_S):
        runtime, book = house.runtime, BrakeBook(house.redis, house.clock)
        await house.tell(house.order(house.recipient(101), house.recipient(102)))
        stopping, leaving = await house.contact_of(101), await house.contact_of(102)
        no = ConsentEntry("journey", "whatsapp", "zz", False, house.clock.now_ms(), "phone")
        stop = Stop("all", 0, "eva", "drill", house.clock.now_ms())
        await erasure(house).erase(leaving.id)
        await book.stop(stop)
        sealed = DAY.encode() + (await runtime.vault.day_box(DAY)).seal(b"an event", "e")
        assert await runtime.contacts.set_consents(stopping.id, [no]) == [True]
        for number in range(20):  # nobody waits for these: what of them is gone shows that something was on the line
            await house.redis.set(keys.lease(f"unpromised.{number}"), "1", px=60_000)
        await asyncio.to_thread(sentinels.kill_primary)

        async def answers() -> bool:
            try:
                return bool(await house.redis.ping()) and runtime.outbox.lineage.turns > 0
            except StoreUnavailable:
                return False

        await wait_until(answers, timeout=30)
        names = [keys.lease(f"unpromised.{number}") for number in range(20)]
        assert await house.redis.exists(*names) < len(names), "nothing was lost: this says nothing"
        assert not (await runtime.contacts.get(stopping.id)).facts.consents["journey.whatsapp.zz"].granted
        with pytest.raises(NotFound):
            await runtime.contacts.get(leaving.id)
        assert await house.redis.exists(keys.of(leaving.id, "k")) == 0
        assert await book.stops() == [stop]
        assert await Vault(runtime.ring, house.redis).open_day(sealed, "e") == b"an event"
