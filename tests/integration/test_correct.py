"""A correction reaches exactly those who were handed the wrong message, where they have it, once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.errors import BadInput, Conflict, NotFound
from gateway.insight.history import History, open_history
from gateway.intake.corrections import Corrector
from gateway.model.event import BusinessEvent
from gateway.model.ids import EventId, random_id
from gateway.model.message import DeliveryStatus
from gateway.store.fuses import Fuses
from tests.integration import commands_stage
from tests.integration.commands_stage import launcher as launcher
from tests.support.core import NUMBER, House, facts_of, open_house
from tests.support.edge import Edge, edge_running, refused

WORDS = {"en": "flight ZZ 1007 leaves at 10:55 after all.", "nl": "vlucht ZZ 1007 vertrekt toch om 10:55."}


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with edge_running() as made:
        yield made


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path, edge: Edge) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir, edge.url) as made:
        yield made


@pytest.fixture
async def history(data_dir: Path, house: House) -> AsyncIterator[History]:
    made = await open_history(house.runtime.settings.history_url)
    yield made
    await made.close()


@pytest.fixture
def corrector(house: House, history: History) -> Corrector:
    return Corrector(house.runtime, history)


async def wrong(house: House, edge: Edge, *, refuse: int = 0) -> BusinessEvent:
    """A delay told to four of five: one has withdrawn, and `refuse` of them the channel did not take."""
    withdrawn = house.recipient(105)
    withdrawn["consents"] = [withdrawn["consents"][0] | {"granted": False}]
    people = [house.recipient(number) for number in (101, 102, 103, 104)]
    await house.tell(house.order(*people, withdrawn, status="placed"))
    await house.dispatch()
    edge.answers(NUMBER, *[refused(131026, 0, "Message undeliverable")] * refuse)
    event = house.flight(late_min=60)
    await house.tell(event)
    await house.dispatch()
    return event


async def corrections(house: House) -> Counter[str]:
    return Counter(one.state.value for one in await house.messages() if one.notification == "correction")


async def test_it_goes_to_who_was_handed_it_and_to_nobody_else(house: House, edge: Edge, corrector: Corrector) -> None:
    event = await wrong(house, edge, refuse=1)
    late = house.order(house.recipient(106), number="ZX9", status="placed")
    await house.tell(late)  # told of the delay, and not handed it yet
    handed = await corrector.handed(event.id)
    assert (handed.notification, handed.people) == ("flight_delayed", 3)
    dry = await corrector.correct(handed, WORDS, who="kim", why="wrong time", dry=True)
    assert (dry.sent, await corrections(house)) == (3, {})
    said = await corrector.correct(handed, WORDS, who="kim", why="wrong time")
    assert (said.people, said.sent, said.before) == (3, 3, 0)
    before = len(edge.sent(NUMBER))
    await house.dispatch()
    bodies = [json.dumps(one) for one in edge.sent(NUMBER)[before:]]
    assert sum(WORDS["en"] in one and "correction_v1" in one for one in bodies) == 3
    assert {one.contact for one in await house.messages() if one.notification == "correction"} == {
        one.contact for one in handed.records
    }


async def test_a_second_run_tells_nobody_again(house: House, edge: Edge, corrector: Corrector) -> None:
    event = await wrong(house, edge)
    for sent, before in ((4, 0), (0, 4)):
        said = await corrector.correct(await corrector.handed(event.id), WORDS, who="kim", why="wrong time")
        assert (said.sent, said.before) == (sent, before)
        await house.dispatch()
    assert await corrections(house) == {"a": 4}
    assert [fact.kind for fact in await facts_of(house.redis)].count("corrected") == 2


async def test_inside_the_window_it_is_free_text_in_their_language(house: House, edge: Edge, corrector: Corrector) -> None:
    event = await wrong(house, edge)
    contact = await house.contact_of(101)
    sender = next(iter(house.runtime.directory)).id
    await house.runtime.contacts.open_window(contact.id, sender, contact.profile.addresses[0].id, house.clock.now_ms())
    await house.redis.hset(f"{{p:{contact.id[1:3]}}}f:{contact.id}", "lang", "nl-NL")
    await corrector.correct(await corrector.handed(event.id), WORDS, who="kim", why="wrong time")
    before = len(edge.sent(NUMBER))
    await house.dispatch()
    texts = [one for one in edge.sent(NUMBER)[before:] if one["type"] != "template"]
    assert len(texts) == 1
    assert f"Correctie: {WORDS['nl']}" in json.dumps(texts[0])


async def test_who_has_withdrawn_since_is_not_written_to(house: House, edge: Edge, corrector: Corrector) -> None:
    event = await wrong(house, edge)
    contact = await house.contact_of(101)
    name = f"{{p:{contact.id[1:3]}}}f:{contact.id}"
    await house.redis.hset(name, "k:journey.whatsapp.zz", f"w|{house.clock.now_ms()}")
    said = await corrector.correct(await corrector.handed(event.id), WORDS, who="kim", why="wrong time")
    assert (said.sent, said.suppressed) == (3, 1)


async def test_who_follows_it_no_more_was_handed_it_all_the_same(house: House, edge: Edge, corrector: Corrector) -> None:
    event = await wrong(house, edge)
    contact = await house.contact_of(101)
    await house.runtime.contacts.unsubscribe(contact.id, event.subject_id, "test")
    assert (await corrector.handed(event.id)).people == 4


async def test_delivered_counts_and_failed_at_the_channel_does_not(house: House, edge: Edge, corrector: Corrector) -> None:
    event = await wrong(house, edge)
    first, second, *_ = (await corrector.handed(event.id)).records
    await house.runtime.outbox.evidence(
        first, attempt=1, status=DeliveryStatus.DELIVERED, failed=False, at_ms=house.clock.now_ms(), channel_hash="0" * 32
    )
    await house.runtime.outbox.evidence(
        second, attempt=1, status=DeliveryStatus.NONE, failed=True, at_ms=house.clock.now_ms(), channel_hash="1" * 32
    )
    handed = await corrector.handed(event.id)
    assert first.id in {one.id for one in handed.records}
    assert second.id not in {one.id for one in handed.records}


async def test_a_stop_holds_corrections_too(house: House, edge: Edge, corrector: Corrector) -> None:
    event = await wrong(house, edge)
    await house.redis.hset("stops", f"subject:{event.subject_id}", json.dumps({"until": 0, "who": "k", "why": "w", "at": 1}))
    house.brakes.stale()
    await corrector.correct(await corrector.handed(event.id), WORDS, who="kim", why="wrong time")
    assert set(await house.dispatch()) == {"l"}


async def test_nobody_wrong_words_and_an_unclear_notification_are_said(house: House, edge: Edge, corrector: Corrector) -> None:
    with pytest.raises(NotFound, match="nobody was handed"):
        await corrector.handed(EventId(random_id("e", 3)))
    event = await wrong(house, edge)
    with pytest.raises(BadInput, match="there are flight_delayed"):
        await corrector.handed(event.id, "gate_changed")
    handed = await corrector.handed(event.id)
    for words, told in (
        ({}, "are missing"),
        ({"en": "  "}, "should say something"),
        ({"en": "x" * 501}, "at most 500"),
        ({"en": "Dear {{name}}, sorry"}, "no place for a name"),
        ({"en": "Dear [name], sorry"}, "no place for a name"),
        ({"en": "call +44 7700 900123"}, "no number"),
        ({"xx": "hello"}, "other languages"),
    ):
        with pytest.raises(BadInput, match=told):
            await corrector.correct(handed, words, who="kim", why="wrong time")
    assert await corrections(house) == {}


async def test_a_large_one_is_held_by_the_fuse(redis: Redis, redis_url: str, data_dir: Path, edge: Edge) -> None:
    async with open_house(redis_url, data_dir, edge.url, GATEWAY_FUSE_PEOPLE="3") as house:
        fuses = Fuses(redis, house.clock, house.runtime.vault)
        event = house.flight(late_min=60)
        people = [house.recipient(number) for number in (101, 102, 103, 104)]
        await house.tell(house.order(*people, status="placed"))
        await house.tell(event)
        (held,) = await fuses.all()
        await fuses.release(held.event, who="kim", why="looked", part=None, second=0)
        await house.runtime.events.reopen(event.id)
        await house.expand()
        await house.dispatch()
        history = await open_history(house.runtime.settings.history_url)
        try:
            corrector = Corrector(house.runtime, history)
            with pytest.raises(Conflict, match="the fuse holds it"):
                await corrector.correct(await corrector.handed(event.id), WORDS, who="kim", why="wrong time")
            assert await corrections(house) == {}
            held = next(one for one in await fuses.all() if one.notifications == ("correction",))
            await fuses.release(held.event, who="kim", why="looked", part=None, second=0)
            said = await corrector.correct(await corrector.handed(event.id), WORDS, who="kim", why="wrong time")
            assert said.sent == 4
        finally:
            await history.close()


@pytest.fixture
async def home(data_dir: Path, launcher: commands_stage.Launcher) -> AsyncIterator[commands_stage.House]:
    async with commands_stage.house(data_dir, launcher) as made:
        yield made


@pytest.mark.long
async def test_the_command_says_what_cannot_be_done(home: commands_stage.House) -> None:
    event = random_id("e", 3)
    for said, code, told in (
        (("correct", event, "--words", "en=hello"), 2, "--why"),
        (("correct", "nonsense", "--words", "en=hello", "--why", "x"), 1, "id of ours"),
        (("correct", event, "--words", "hello", "--why", "x"), 1, "LANGUAGE=TEXT"),
        (("correct", event, "--words", "en=hello", "--why", "x", "--yes"), 1, "nobody was handed"),
    ):
        ran = await home.run(*said)
        assert (ran.code, told in ran.err) == (code, True), ran.err
