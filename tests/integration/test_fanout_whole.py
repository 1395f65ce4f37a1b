"""One event to many: a full turn of one area passes nobody over, and an event that cannot be planned keeps no other waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.intake import fan, fanturns, orders
from gateway.model.contact import Contact
from gateway.model.ids import ContactId, random_id
from gateway.planning.result import EventResult
from gateway.planning.telling import Teller
from gateway.store import contacts
from gateway.store.outbox import PlannedContact
from tests.integration.pace_stage import ALL, pace_stage
from tests.support.core import HOUR_MS, House, iso, open_house

PEOPLE = range(101, 106)


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


async def test_an_area_with_more_people_than_a_turn_before_one_with_none_is_told_to_the_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in (fan, fanturns):
        monkeypatch.setattr(part, "CHUNK", 2)
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


async def test_an_event_that_cannot_be_planned_keeps_nobody_elses_waiting(
    redis: Redis, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, other = "ZZ1007/2026-11-22/AMS", "ZZ2009/2026-11-22/AMS"
    planned = Teller.planned

    async def breaks(self: Teller, contact: Contact, result: EventResult, *more: Any, **named: Any) -> PlannedContact | None:
        if result.subject == stage.subject(broken):
            raise ZeroDivisionError
        return await planned(self, contact, result, *more, **named)

    async with pace_stage(redis_url, data_dir) as stage:
        await stage.followers({broken: 30, other: 30})
        await stage.house.keep(stage.cancelled(broken, 3), stage.cancelled(other, 5))
        await stage.house.expander.look(ALL)
        with monkeypatch.context() as patched:
            patched.setattr(Teller, "planned", breaks)
            while await stage.house.expander.chunks(ALL):
                pass
        assert [await stage.planned(stage.subject(one)) for one in (broken, other)] == [0, 30]
        stage.house.expander.fan.turns._aside.clear()  # five seconds later
        await stage.house.expand()
        assert await stage.planned(stage.subject(broken)) == 30
