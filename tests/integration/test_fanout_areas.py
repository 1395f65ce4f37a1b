"""One event to the people of several postcode areas: a full turn of one area passes nobody over, whoever lives in the next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.intake import fan, orders
from gateway.model.ids import ContactId, random_id
from gateway.store import contacts
from tests.support.core import HOUR_MS, House, iso, open_house

PEOPLE = range(101, 106)


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


async def test_an_area_with_more_people_than_a_turn_before_one_with_none_is_told_to_the_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan, "CHUNK", 2)
    for made_by in (orders, contacts):  # all of them in one partition
        monkeypatch.setattr(made_by, "new_contact_id", lambda: ContactId(random_id("c", 7)))
    service = {"name": "electricity", "area": {"country": "NL", "postcode": "3511AA"}}
    for number in PEOPLE:
        person = house.recipient(number, purpose="service", role="customer")
        await house.tell(
            house.order(person, number=f"SV-{number}", kind="service", service=service, itinerary=None, status="processing")
        )
    now = house.clock.now_ms()
    times: dict[str, Any] = {"startedAt": iso(now - HOUR_MS), "expectedRestoration": iso(now + 4 * HOUR_MS)}
    await house.tell(house.event("ce-outage-started", affected={"postcodes": ["3511", "3512"]}, **times))
    assert [await house.told(number) for number in PEOPLE] == [["outage_started"]] * len(PEOPLE)
