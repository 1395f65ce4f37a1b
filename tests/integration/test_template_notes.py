"""What is known of templates: webhooks late and shuffled, a sync beside them, and a program of before beside us."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import SenderId
from gateway.store import keys
from gateway.store.senders import Senders
from gateway.store.templates import MARGIN_MS, PIECE
from tests.support.core import facts_of

SENDER = SenderId("zz-wa")
NAME, LANGUAGE = "late_v1", "nl"
ONE = (NAME, LANGUAGE)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def senders(redis: Redis, clock: Clock) -> Senders:
    return Senders(redis, clock)


async def known(senders: Senders) -> dict[str, str]:
    found = (await senders.templates(SENDER)).get(ONE, {})
    return {name: value for name, value in found.items() if name not in ("t", "at") and value}


async def test_whatever_the_order_they_come_in_the_latest_word_about_each_value_stands(redis: Redis, senders: Senders) -> None:
    heard: list[dict[str, Any]] = [
        {"at": 1000, "state": "APPROVED", "category": "utility"},
        {"at": 2000, "quality": "YELLOW"},
        {"at": 3000, "state": "PAUSED"},
        {"at": 4000, "category": "marketing"},
    ]
    for order in itertools.permutations(heard):
        await redis.delete(keys.templates(SENDER))
        for one in order:
            await senders.set_template(SENDER, NAME, LANGUAGE, **one)
        assert await known(senders) == {"state": "PAUSED", "category": "marketing", "quality": "YELLOW"}, order


async def test_the_same_word_twice_changes_nothing(senders: Senders) -> None:
    assert await senders.set_template(SENDER, NAME, LANGUAGE, at=1000, state="APPROVED")
    assert not await senders.set_template(SENDER, NAME, LANGUAGE, at=1000, state="APPROVED")
    assert not await senders.set_template(SENDER, NAME, LANGUAGE, at=999, state="PAUSED")
    assert await known(senders) == {"state": "APPROVED"}


async def test_what_a_send_showed_counts_until_the_channel_says_how_it_stands(senders: Senders) -> None:
    """The webhook of a pause tells whole seconds, and came after the send that was refused: older by its time than our send."""
    await senders.set_template(SENDER, NAME, LANGUAGE, at=5000, state="APPROVED")
    assert await senders.set_template(SENDER, NAME, LANGUAGE, state="PENDING")
    assert await known(senders) == {"state": "PENDING"}
    await senders.set_template(SENDER, NAME, LANGUAGE, at=4000, state="APPROVED")
    assert await known(senders) == {"state": "PENDING"}
    await senders.set_template(SENDER, NAME, LANGUAGE, at=6000, state="PAUSED")
    assert await known(senders) == {"state": "PAUSED"}


async def test_a_sync_does_not_undo_what_was_heard_while_it_read(senders: Senders, clock: Clock) -> None:
    await senders.set_template(SENDER, NAME, LANGUAGE, at=1000, state="APPROVED", category="utility")
    clock.offset_ms += 1000
    began = await senders.store_ms()
    # The channel's clock is behind: by its own time this happened before the list was asked for.
    await senders.set_template(SENDER, NAME, LANGUAGE, at=began - 30_000, state="PAUSED")
    await senders.set_template(SENDER, "new_v1", LANGUAGE, at=began, state="PENDING")
    listed = {ONE: {"state": "APPROVED", "category": "marketing"}}
    await senders.replace_templates(SENDER, listed, since_ms=began)
    assert await known(senders) == {"state": "PAUSED", "category": "marketing"}
    assert ("new_v1", LANGUAGE) in await senders.templates(SENDER)


async def test_a_sync_mends_what_no_webhook_told_and_takes_out_what_is_gone(senders: Senders, clock: Clock) -> None:
    await senders.set_template(SENDER, NAME, LANGUAGE, at=1000, state="PAUSED", becomes="marketing", edited="1")
    await senders.set_template(SENDER, "gone_v1", LANGUAGE, at=1000, state="APPROVED")
    clock.offset_ms += 1000
    await senders.replace_templates(SENDER, {ONE: {"state": "APPROVED", "category": "utility"}})
    assert await known(senders) == {"state": "APPROVED", "category": "utility"}
    assert set(await senders.templates(SENDER)) == {ONE}
    assert await senders.synced_ms(SENDER)


async def test_a_long_list_comes_in_pieces_and_is_whole_in_the_end(senders: Senders) -> None:
    many = {(f"late_v{number}", LANGUAGE): {"state": "APPROVED"} for number in range(2 * PIECE + 10)}
    await senders.replace_templates(SENDER, many)
    assert set(await senders.templates(SENDER)) == set(many)
    few = dict(list(many.items())[: PIECE + 5])
    await senders.replace_templates(SENDER, few)
    assert set(await senders.templates(SENDER)) == set(few)
    await senders.replace_templates(SENDER, {})
    assert await senders.templates(SENDER) == {}


async def test_a_webhook_that_came_an_hour_late_does_not_undo_the_sync(senders: Senders) -> None:
    await senders.replace_templates(SENDER, {ONE: {"state": "APPROVED"}})
    now = await senders.store_ms()
    await senders.set_template(SENDER, NAME, LANGUAGE, at=now - 3_600_000, state="PAUSED")
    assert await known(senders) == {"state": "APPROVED"}
    await senders.set_template(SENDER, NAME, LANGUAGE, at=now - MARGIN_MS // 2, state="PAUSED")
    assert await known(senders) == {"state": "PAUSED"}  # as young as the list may be


async def test_a_program_of_before_writes_beside_us_and_is_believed(redis: Redis, senders: Senders) -> None:
    """It keeps one time for all values, and leaves ours as they were."""
    await senders.set_template(SENDER, NAME, LANGUAGE, at=1000, state="APPROVED")
    field = f"{NAME}:{LANGUAGE}"
    raw = await redis.hget(keys.templates(SENDER), field)
    assert raw is not None
    value = json.loads(raw)
    assert value["at"] == 1000
    await redis.hset(keys.templates(SENDER), field, json.dumps(value | {"state": "PAUSED", "at": 3000}))
    await senders.set_template(SENDER, NAME, LANGUAGE, at=2000, state="APPROVED")
    assert await known(senders) == {"state": "PAUSED"}
    await senders.set_template(SENDER, NAME, LANGUAGE, at=4000, state="APPROVED")
    assert await known(senders) == {"state": "APPROVED"}
    await redis.hset(keys.templates(SENDER), field, json.dumps({"state": "PAUSED", "category": "utility", "at": 1}))
    await senders.replace_templates(SENDER, {ONE: {"state": "APPROVED", "category": "utility"}})
    assert await known(senders) == {"state": "APPROVED", "category": "utility"}


async def test_many_that_switch_at_once_make_one_switch_and_one_fact(redis: Redis, senders: Senders) -> None:
    others = [Senders(redis, Clock()) for _ in range(8)]
    answers = await asyncio.gather(*(one.switch(SENDER, "late", 2, languages=("en", "nl")) for one in others))
    assert sorted(answers) == [False] * 7 + [True]
    assert not await senders.switch(SENDER, "late", 1, languages=("en",))
    active = (await senders.versions(SENDER))["late"]
    assert (active.version, active.before, active.languages, active.who) == (2, 0, ("en", "nl"), "")
    assert await senders.switch(SENDER, "late", 10, languages=("nl",), who="sanne")
    facts = [fact.detail for fact in await facts_of(redis) if fact.kind == "version"]
    assert facts == [
        {"nt": "late", "s": "zz-wa", "v": "2", "before": "0", "in": "en,nl"},
        {"nt": "late", "s": "zz-wa", "v": "10", "before": "2", "in": "nl", "who": "sanne"},
    ]


async def test_a_record_of_a_later_form_is_passed_over(redis: Redis, senders: Senders) -> None:
    await redis.hset(keys.versions(SENDER), "late", "2|everything|else")
    assert await senders.versions(SENDER) == {}
