"""Two versions of one notification over a real sandbox: which is sent while one is reviewed, paused, moved or edited."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.planning.worlds import OLD_MS
from gateway.rules.question import TemplateState
from tests.integration.versions_stage import SENDER, Stage, stage_running
from tests.support.core import HOUR_MS

DUTCH, ENGLISH = (101, "nl-NL"), (102, "en-GB")


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with stage_running(redis_url, data_dir) as made:
        await made.follows(DUTCH, ENGLISH)
        yield made


async def test_the_new_version_waits_for_every_language_and_is_switched_once_by_whoever_looks_first(stage: Stage) -> None:
    assert await stage.active() == 1
    await stage.push()
    await stage.approves("late_v2", "nl")
    await stage.look()
    assert await stage.tells(101, 102, minutes=15) == ["late_v1:nl", "late_v1:en"]
    assert await stage.active() == 1

    await stage.approves("late_v2", "en")
    # Whoever took the last approval dies before it looks: four others do, at once.
    await asyncio.gather(*(stage.look(stage.another()) for _ in range(4)))
    assert await stage.active() == 2
    assert [(one["v"], one["before"], one["in"]) for one in await stage.switches()] == [("1", "0", "en,nl"), ("2", "1", "en,nl")]
    assert await stage.tells(101, 102, minutes=35) == ["late_v2:nl", "late_v2:en"]

    # A language that is lost again is said by the version before, and nothing is switched back.
    await stage.decides("late_v2", "nl", decision="PAUSED")
    await stage.heard("late_v2", "nl", state="PAUSED")
    await stage.look()
    assert await stage.tells(101, 102, minutes=55) == ["late_v1:nl", "late_v2:en"]
    assert await stage.active() == 2
    stage.pass_ms(3 * 3600 * 1000 + 1000)
    await stage.heard("late_v2", "nl", state="APPROVED")
    assert await stage.tells(101, 102, minutes=75) == ["late_v2:nl", "late_v2:en"]
    assert len(await stage.switches()) == 2


async def test_what_was_planned_before_the_switch_keeps_its_words_as_long_as_they_may_be_sent(stage: Stage) -> None:
    await stage.push()
    await stage.approves("late_v2", "nl")
    await stage.house.tell(stage.house.flight(late_min=15))
    await stage.approves("late_v2", "en")
    await stage.look()
    assert await stage.active() == 2
    await stage.house.dispatch()
    assert stage.shown(101) == ["late_v1:nl"]
    # Whoever takes the old one away at the channel takes nothing from anybody: it is not planned any more.
    for language in ("nl", "en"):
        await stage.decides("late_v1", language, decision="PENDING_DELETION")
        await stage.heard("late_v1", language, state="PENDING_DELETION")
    await stage.look()
    assert await stage.tells(101, 102, minutes=35) == ["late_v2:nl", "late_v2:en"]


async def test_what_waits_while_its_words_are_replaced_and_then_stopped_is_said_in_the_new_ones(stage: Stage) -> None:
    """Not in another language, which would follow the old words otherwise."""
    await stage.push()
    await stage.house.tell(stage.house.flight(late_min=15))
    await stage.approves("late_v2", "nl", "en")
    await stage.look()
    await stage.decides("late_v1", "nl", decision="DISABLED")
    await stage.heard("late_v1", "nl", state="DISABLED")
    await stage.house.dispatch()
    assert (stage.shown(101), stage.shown(102)) == (["late_v2:nl"], ["late_v1:en"])


async def test_what_the_channel_paused_is_not_sent_by_a_process_that_heard_nothing_of_it_and_comes_back_by_itself(
    stage: Stage,
) -> None:
    deaf = stage.another()
    seen = await deaf.now()
    assert seen.template_state(SENDER, "late_v1", "nl", "utility") is TemplateState.APPROVED
    await stage.house.tell(stage.house.flight(late_min=15))
    for language in ("nl", "en"):
        await stage.decides("late_v1", language, decision="PAUSED")
        await stage.heard("late_v1", language, state="PAUSED")
    stage.house.clock.offset_ms += OLD_MS
    seen = await deaf.now()
    assert seen.template_state(SENDER, "late_v1", "nl", "utility") is TemplateState.PAUSED
    # What was planned before, and what is planned now.
    await stage.house.dispatch()
    assert stage.shown(101) == stage.shown(102) == []
    assert await stage.tells(101, 102, minutes=35) == ["template_paused", "template_paused"]
    stage.pass_ms(3 * HOUR_MS + 1000)
    for language in ("nl", "en"):
        await stage.heard("late_v1", language, state="APPROVED")
    assert await stage.tells(101, 102, minutes=55) == ["late_v1:nl", "late_v1:en"]
    assert len(await stage.switches()) == 1


async def test_a_move_to_another_category_is_told_a_day_before_and_stops_its_use_when_it_comes(stage: Stage) -> None:
    await stage.decides("late_v1", "nl", category="MARKETING", notice=True)
    await stage.heard("late_v1", "nl", becomes="marketing")
    assert await stage.tells(101, minutes=15) == ["late_v1:nl"]
    await stage.sync()
    await stage.heard("late_v1", "nl", becomes="marketing", category="utility")
    stage.pass_ms(24 * HOUR_MS + 1000)
    await stage.heard("late_v1", "nl", category="marketing", becomes="")
    world = await stage.house.runtime.worlds.now()
    assert world.template_state(SENDER, "late_v1", "nl", "utility") is TemplateState.RECATEGORISED
    # Another price, and another consent than the one that they gave.
    assert await stage.tells(101, minutes=35) == ["late_v1:en"]


async def test_words_that_somebody_else_changes_at_the_channel_are_known_until_they_are_ours_again(stage: Stage) -> None:
    row = stage.world.store.row("SELECT doc FROM templates WHERE name = 'late_v1' AND language = 'nl'")
    ours = json.loads(row["doc"])["components"]
    theirs = [{**ours[0], "text": ours[0]["text"].replace("is late", "will be late")}]
    await stage.decides("late_v1", "nl", components=theirs)
    await stage.heard("late_v1", "nl", edited="1")
    await stage.sync()
    assert await edited(stage) == {("late_v1", "nl")}
    await stage.decides("late_v1", "nl", components=ours)
    stage.pass_ms(1000)
    await stage.house.take_webhooks()
    await stage.sync()
    assert await edited(stage) == set()


async def test_a_refused_version_is_never_used_and_the_next_one_is(stage: Stage) -> None:
    await stage.push()
    await stage.approves("late_v2", "nl")
    await stage.decides("late_v2", "en", decision="REJECTED", reason="INVALID_FORMAT")
    await stage.heard("late_v2", "en", state="REJECTED")
    await stage.look()
    assert await stage.tells(101, 102, minutes=15) == ["late_v1:nl", "late_v1:en"]
    assert await stage.active() == 1


async def edited(stage: Stage) -> set[tuple[str, str]]:
    known = await stage.house.runtime.senders.templates(SENDER)
    return {one for one, value in known.items() if value.get("edited")}
