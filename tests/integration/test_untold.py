"""One person whom an event cannot be told is set aside alone: everybody else hears it, and newer news of the subject goes on."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.intake import fanturns
from gateway.intake.expand import CLOSE_AFTER_MS, TRIES, Expander
from gateway.intake.fan import Fan
from gateway.intake.role import make_expander
from gateway.model.contact import Contact
from gateway.model.event import BusinessEvent
from gateway.model.ids import ContactId, EventId
from gateway.planning import plan
from gateway.planning.telling import Teller
from gateway.store import keys
from gateway.store.kept import Kept
from gateway.store.parked import listed
from tests.integration.pace_stage import ALL, Stage, pace_stage
from tests.support.core import House, facts_of

FLIGHT = "ZZ1007/2026-11-22/AMS"


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(fanturns, "ASIDE_S", 0.0)
    async with pace_stage(redis_url, data_dir) as made:
        yield made


async def poison(stage: Stage, monkeypatch: pytest.MonkeyPatch, *, everybody: bool = False) -> str:
    """One of the contacts breaks whoever plans for them; who."""
    house = stage.house
    found = [one for number in ALL for one in await house.runtime.contacts.walk(number, "", 99)]
    victim = found[len(found) // 2]
    whole = house.expander._teller.planned

    async def planned(contact: Contact, *rest: Any, **options: Any) -> Any:
        if everybody or contact.id == victim:
            raise ZeroDivisionError
        return await whole(contact, *rest, **options)

    monkeypatch.setattr(house.expander._teller, "planned", planned)
    return victim


def house_teller(stage: Stage) -> Teller:
    return stage.house.expander._teller


def unwritable(patch: pytest.MonkeyPatch, name: str) -> None:
    """Whatever is written of this notification breaks."""
    forms = plan._forms

    def broken(notification: Any, *rest: Any) -> Any:
        if notification.name == name:
            raise ZeroDivisionError
        return forms(notification, *rest)

    patch.setattr(plan, "_forms", broken)


async def told(stage: Stage, event: BusinessEvent) -> list[str]:
    return [one.contact for one in await stage.house.messages() if one.event == event.id and one.state == "q"]


@pytest.mark.parametrize("people", [5, 60])
async def test_one_who_cannot_be_told_keeps_nobody_else_and_is_told_when_that_is_mended(
    stage: Stage, people: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = stage.house
    await stage.followers({FLIGHT: people})
    event = stage.cancelled(FLIGHT, 5)
    with monkeypatch.context() as patch:
        victim = await poison(stage, patch)
        await house.keep(event)
        await house.expand()
        assert len(await told(stage, event)) == people - 1
        assert victim not in await told(stage, event)
        newer = stage.cancelled(FLIGHT, 5, version=2, status="scheduled")
        await house.keep(newer)
        await house.expand()
        assert len(await told(stage, newer)) == people - 1
    assert await house.parked() == ["telling", "telling"]
    (fact,) = [one for one in await facts_of(house.redis) if one.kind == "untold" and event.id in one.ids]
    assert victim in fact.ids
    assert fact.detail["why"] == "ZeroDivisionError"
    assert await house.expander.tell_again(newer.id) == (1, 0)
    assert victim in await told(stage, newer)
    assert await house.parked() == ["telling"]
    assert await house.expander.tell_again(newer.id) == (0, 0)


async def test_an_event_that_cannot_be_read_any_more_is_set_aside_whole_and_newer_news_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = stage.house
    await stage.followers({FLIGHT: 60})
    event = stage.cancelled(FLIGHT, 5)
    people = house.expander.fan.turns._people

    async def broken(known: Any, fans: Any, result: Any) -> Any:
        if result.event == event.id:
            raise ZeroDivisionError
        return await people(known, fans, result)

    newer = stage.cancelled(FLIGHT, 5, version=2, status="scheduled", gate="D4")
    with monkeypatch.context() as patch:
        patch.setattr(house.expander.fan.turns, "_people", broken)
        await house.keep(event)
        await house.expand()
        await house.keep(newer)
        await house.expand()
        assert len(await told(stage, newer)) == 60
        assert await house.parked() == ["event"]
        assert await stage.under_way() == 0
        asked: list[str] = []
        place_of = house.runtime.events.place_of

        async def noted(one: EventId) -> str | None:
            asked.append(one)
            return await place_of(one)

        patch.setattr(house.runtime.events, "place_of", noted)
        another = make_expander(house.runtime)
        for version in (3, 4):
            await house.keep(stage.cancelled(FLIGHT, 5, version=version, status="scheduled", gate=f"E{version}"))
            await house.expand(another)
        assert asked.count(event.id) == 1, "what was set aside is not looked for with each newer event"
    assert await told(stage, event) == []


@pytest.mark.parametrize("people", [5, 60])
@pytest.mark.parametrize("closed", [False, True])
async def test_a_notification_that_breaks_is_set_aside_once_and_told_to_all_when_it_is_mended(
    stage: Stage, people: int, closed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = stage.house
    await stage.followers({FLIGHT: people})
    event = stage.cancelled(FLIGHT, 5)

    with monkeypatch.context() as patch:
        unwritable(patch, "flight_cancelled")
        await house.keep(event)
        await house.expand()
    assert await told(stage, event) == []
    assert await house.parked() == ["wording"]
    (found,) = await listed(house.redis, house.clock, 10)
    assert (found.kind, found.id, found.why) == ("wording", event.id, "could not be written: flight_cancelled")
    if closed:
        for _ in range(3):
            house.pass_ms(CLOSE_AFTER_MS + 1000)
            await house.expand()
        assert await house.runtime.events.depth() == 0
    await replay(house, event)
    assert sorted(await told(stage, event)) == sorted(set(await told(stage, event)))
    assert len(await told(stage, event)) == people
    await replay(house, event)
    assert len(await told(stage, event)) == people


async def test_one_persons_notification_that_breaks_is_told_when_it_is_mended(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = stage.house
    await house.tell(stage.cancelled(FLIGHT, 5))  # nobody listens yet: whoever comes is told what holds

    order = house.order(house.recipient(101), itinerary=[house.leg(FLIGHT)])
    with monkeypatch.context() as patch:
        unwritable(patch, "flight_cancelled")
        await house.tell(order)
    assert "flight_cancelled" not in await house.told(101, "q")
    assert await house.parked() == ["telling"]
    (aside,) = await listed(house.redis, house.clock, 10)
    assert await house.expander.tell_again(EventId(aside.id)) == (1, 0)
    assert "flight_cancelled" in await house.told(101, "q")
    assert await house.parked() == []


async def test_one_who_fails_again_keeps_nobody_else_from_being_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    house = stage.house
    await stage.followers({FLIGHT: 5})
    event = stage.cancelled(FLIGHT, 5)
    with monkeypatch.context() as patch:
        await poison(stage, patch, everybody=True)
        await house.keep(event)
        await house.expand()
    assert await house.parked() == ["telling"] * 5
    with monkeypatch.context() as patch:
        victim = await poison(stage, patch)
        assert await house.expander.tell_again(event.id) == (4, 1)
    assert len(await told(stage, event)) == 4
    assert victim not in await told(stage, event)
    assert await house.parked() == ["telling"]


async def test_who_stopped_following_meanwhile_is_told_nothing_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    house = stage.house
    await stage.followers({FLIGHT: 5})
    event = stage.cancelled(FLIGHT, 5)
    with monkeypatch.context() as patch:
        victim = await poison(stage, patch)
        await house.keep(event)
        await house.expand()
    assert await house.runtime.contacts.unsubscribe(ContactId(victim), stage.subject(FLIGHT), "tests")
    await house.expander.tell_again(event.id)
    assert len(await told(stage, event)) == 4
    assert await house.parked() == []


async def test_what_fails_for_everybody_is_not_waited_for_again_with_each_25(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = stage.house
    await stage.followers({FLIGHT: 60})
    monkeypatch.setattr(fanturns, "ASIDE_S", 3600.0)
    turns = house.expander.fan.turns
    await poison(stage, monkeypatch, everybody=True)
    await house.keep(stage.cancelled(FLIGHT, 5))
    await house.expand()
    assert len(turns._aside) == 1, "after the first turn that fails all others go first"
    turns._aside.clear()
    await house.expand()
    assert await house.parked() == ["telling"] * 60
    assert await stage.under_way() == 0


class Killed(BaseException):
    """What takes the whole process with it."""


async def test_what_ends_its_process_is_set_aside_and_newer_news_of_its_subject_is_not(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, lives = stage.house, 0
    await stage.followers({FLIGHT: 5})
    killer, newer = stage.cancelled(FLIGHT, 5), stage.cancelled(FLIGHT, 5, version=2, status="scheduled")
    begin = Fan.begin

    async def kills(self: Fan, event: BusinessEvent, *rest: Any, **more: Any) -> Any:
        if event.id == killer.id:
            raise Killed
        return await begin(self, event, *rest, **more)

    monkeypatch.setattr(Fan, "begin", kills)
    await house.keep(killer)
    while await house.runtime.events.depth() and lives < 20:
        lives += 1
        with contextlib.suppress(Killed):
            await house.expand(make_expander(house.runtime))
        if lives == 1:
            await house.keep(newer)
        house.pass_ms(CLOSE_AFTER_MS + 1000)
    assert len(await told(stage, newer)) == 5
    assert await house.parked() == ["event"]


async def test_what_is_replayed_too_early_is_set_aside_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    house, expander = stage.house, stage.house.expander
    await stage.followers({FLIGHT: 5})
    event = stage.cancelled(FLIGHT, 5)

    async def closed() -> None:
        for _ in range(3):
            house.pass_ms(CLOSE_AFTER_MS + 1000)
            await house.expand(expander)
        assert await house.runtime.events.depth() == 0

    with monkeypatch.context() as patch:
        unwritable(patch, "flight_cancelled")
        await house.keep(event)
        await house.expand()
        await closed()
        await replay(house, event, expander)
        await closed()
    assert await house.parked() == ["wording"]
    await replay(house, event, expander)
    assert len(await told(stage, event)) == 5
    await house.redis.delete(memory := keys.of(event.subject_id, "j"))
    await house.runtime.untold.broken(event.id, event.subject_id, 1, {}, ["flight_cancelled"])
    assert await Kept(house.redis, house.clock).take_up_again(event.id)
    assert await house.redis.pttl(memory) > 0, "what is put back of a subject that was forgotten ends like any other"


async def test_a_document_that_could_not_be_written_comes_with_its_file(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    house = stage.house
    person = house.recipient(101)
    await house.tell(house.order(person, status="processing"))
    ticket = house.event_of(
        "order.document", "ZX7K2P",
        {
            "orderNumber": "ZX7K2P", "document": {"id": "T1", "kind": "ticket", "title": "Ticket", "content": "JVBERi0xLjQK"},
            "recipients": [{"customerId": person["customerId"], "addresses": person["addresses"]}],
        },
        source="/ticketing",
    )  # fmt: skip

    with monkeypatch.context() as patch:
        unwritable(patch, "ticket_issued")
        await house.tell(ticket)
    assert await house.parked() == ["wording"]
    await replay(house, ticket)
    (record,) = [one for one in await house.messages(await house.find(101)) if one.notification == "ticket_issued"]
    body = await house.body(record)
    assert (record.state.value, record.reason) == ("q", "")
    assert await house.runtime.documents.get(record.contact, body["document"]["ref"]) == b"%PDF-1.4\n"


async def test_one_of_an_order_who_cannot_be_told_keeps_nothing_from_the_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, whole = stage.house, house_teller(stage).planned
    await house.tell(stage.cancelled(FLIGHT, 5))
    found: list[str] = []

    async def planned(contact: Contact, *rest: Any, **options: Any) -> Any:
        found.append(contact.id)
        if contact.id == found[0]:  # the first of the order
            raise ZeroDivisionError
        return await whole(contact, *rest, **options)

    people = [house.recipient(number) for number in (101, 102)]
    order = house.order(*people, itinerary=[house.leg(FLIGHT)])
    ticket = house.event_of(
        "order.document", "ZX7K2P",
        {
            "orderNumber": "ZX7K2P", "document": {"id": "T1", "kind": "ticket", "title": "Ticket", "content": "JVBERi0xLjQK"},
            "recipients": [{"customerId": one["customerId"], "addresses": one["addresses"]} for one in people],
        },
        source="/ticketing",
    )  # fmt: skip
    monkeypatch.setattr(house_teller(stage), "planned", planned)
    for event in (order, ticket):
        await house.keep(event)
        await house.expand()
    assert sorted(await house.told(102, "q")) == ["flight_cancelled", "order_confirmed", "ticket_issued"]
    assert await house.told(101, "q") == []
    for _ in range(TRIES):
        house.pass_ms(CLOSE_AFTER_MS)
        await house.expand()
    assert sorted(await house.parked()) == ["event", "event", "telling"]


async def replay(house: House, event: BusinessEvent, expander: Expander | None = None) -> None:
    """As the command does."""
    await house.runtime.fans.forget(event.id, ALL)
    await house.expander.tell_again(event.id)
    if not await house.runtime.events.reopen(event.id):
        await Kept(house.redis, house.clock).take_up_again(event.id)
    house.pass_ms(1000)
    await house.expand(expander or make_expander(house.runtime))
