"""Facts become rows once, in whatever process and whenever it is killed; and `trace` tells them as a story."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from gateway.cli.trace import trace, zone_of
from gateway.errors import BadInput, Conflict, NotFound, SettingsError
from gateway.insight.fold import MONTH_MS, Hooks, run_fold
from gateway.insight.history import open_history
from gateway.insight.hooks import kinds_of
from gateway.insight.unreached import CHECK_MS, GRACE_MS
from gateway.metrics import Metrics
from gateway.model.message import DeliveryStatus, MessageState
from gateway.store import keys
from gateway.store.facts import START, Fact, Facts, parse
from gateway.store.leases import Leases
from gateway.store.outgoing import Outgoing
from tests.integration.facts_stage import CRASHES, FLIGHT, TARGET, Stage, add_fact
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
EVERYWHERE = range(64)


@pytest.fixture
async def stage(redis: Redis, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = await Stage.make(redis, tmp_path)
    yield stage
    await stage.history.close()


async def fold_once(stage: Stage, **options: Any) -> None:
    fold = stage.fold(**options)
    await fold.hold(EVERYWHERE)
    await fold.turn()


# Reading


def test_fact_is_read_with_its_ids_and_words() -> None:
    fact = parse(7, "17-3", b"1|1763786295000|closed|e42x j11y|parked why=three words here n=2")
    assert fact == Fact(
        7, "17-3", 1763786295000, "closed", ("e42x", "j11y"), {"note": "parked", "why": "three words here", "n": "2"}
    )
    assert (fact.id_of("j"), fact.id_of("m")) == ("j11y", "")


@pytest.mark.parametrize("raw", [b"2|1|event|e|", b"garbage", b"\xff\xfe", b"1|soon|event|e|"])
def test_fact_in_an_unknown_form_is_shown_as_such_and_stops_nothing(raw: bytes) -> None:
    assert parse(0, "17-0", raw) == Fact(0, "17-0", 17, "unreadable", (), {})


async def test_fact_is_folded_only_when_it_is_a_second_old(redis: Redis) -> None:
    facts = Facts(redis)
    written = await add_fact(redis, 3, "contact", "c03x")
    (page,) = await facts.settled({3: START}, limit=10)
    assert page.facts == ()
    assert page.waiting

    async def settled() -> tuple[Fact, ...]:
        return (await facts.settled({3: START}, limit=10))[0].facts

    (fact,) = await wait_until(settled, timeout=5)
    assert fact.stream_id == written
    assert [one.stream_id for one in await facts.unfolded({3: START})] == [written]
    assert await facts.unfolded({3: written}) == []


async def test_trim_keeps_the_last_hour_and_what_is_not_folded(redis: Redis) -> None:
    facts = Facts(redis, settle_ms=0)
    for number in (1000, 2000, 3000, 4000):
        await add_fact(redis, 5, "contact", "c05x", stream_id=f"{number}-0")
    fresh = await add_fact(redis, 5, "contact", "c05x")
    assert await facts.trim({5: "3000-0"}) == 2
    assert await facts.trim({5: fresh}) == 2
    assert await redis.xlen(keys.part(5, "facts")) == 1


# Folding


async def test_every_step_of_a_message_becomes_one_row(stage: Stage) -> None:
    await stage.keep_event()
    message = await stage.plan()
    await stage.settle()
    for status in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ):
        await stage.status(message, status)
    fold = stage.fold()
    await fold.hold(EVERYWHERE)
    await fold.turn()
    await fold.turn()
    assert await stage.kinds(message) == ["enqueued", "claimed", "accepted", "sent", "delivered", "read"]
    assert (await stage.kinds(stage.event.id))[0] == "event"
    assert await stage.history.counts(since_ms=0, until_ms=stage.clock.now_ms() + 1) == {
        "event": 1, "enqueued": 1, "claimed": 1, "accepted": 1, "sent": 1, "delivered": 1, "read": 1,
    }  # fmt: skip


async def test_each_fact_is_one_line_and_is_counted_once(stage: Stage) -> None:
    message = await stage.plan()
    await stage.settle()
    metrics = Metrics()
    with capture_logs() as lines:
        await fold_once(stage, metrics=metrics)
        await fold_once(stage, metrics=metrics)
    assert [line["event"] for line in lines] == ["message.enqueued", "message.claimed", "message.accepted"]
    accepted = lines[-1]
    assert (accepted["role"], accepted["message_id"], accepted["contact_id"]) == ("dispatch", message, stage.contact)
    assert accepted["attempt"] == 1
    assert metrics.registry.get_sample_value("thuisfront_facts_total", {"kind": "accepted"}) == 1
    assert metrics.registry.get_sample_value("thuisfront_messages_planned_total", {"notification": "flight_delayed"}) == 1
    assert metrics.registry.get_sample_value("thuisfront_message_accepted_seconds_count") == 1


async def test_of_two_folders_with_one_position_the_second_writes_nothing(stage: Stage) -> None:
    message = await stage.plan()
    first, second = stage.fold(), stage.fold()
    await first.hold(EVERYWHERE)
    await second.hold(EVERYWHERE)
    await first.turn()
    with capture_logs() as lines, pytest.raises(Conflict):
        await second.turn()
    assert lines == []
    assert second.held == []
    await second.hold(EVERYWHERE)
    await second.turn()
    assert await stage.kinds(message) == ["enqueued"]


@pytest.mark.parametrize("point", CRASHES)
async def test_killed_at_any_step_nothing_is_lost_or_told_twice(stage: Stage, redis_url: str, point: str) -> None:
    message = await stage.plan()
    await stage.settle()
    await stage.status(message, DeliveryStatus.DELIVERED)
    lost = await stage.plan("gate_changed")
    await stage.settle("x", reason="retries_exhausted", state=MessageState.DEAD)
    command = [sys.executable, "-m", "tests.integration.facts_stage", redis_url, stage.url, point]
    child = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, timeout=50, capture_output=True)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()[-600:]

    queue = Outgoing(stage.redis)
    await fold_once(stage, hooks=Hooks(queue, [TARGET]))
    stage.clock.offset_ms += GRACE_MS + 1000
    await fold_once(stage, hooks=Hooks(queue, [TARGET]))
    assert await stage.kinds(message) == ["enqueued", "claimed", "accepted", "delivered"]
    assert await stage.kinds(lost) == ["enqueued", "claimed", "dead", "unreached"]
    jobs = await queue.take(100, now_ms=stage.clock.now_ms())
    assert sorted(json.loads(job.webhook.body)["type"] for job in jobs) == [
        "message.delivered", "message.failed", "message.unreached",
    ]  # fmt: skip


async def test_store_that_went_back_is_seen_and_folding_goes_on(stage: Stage) -> None:
    name = keys.part(9, "facts")
    for number in (1000, 2000, 3000):
        await add_fact(stage.redis, 9, "contact", "c09x", stream_id=f"{number}-0")
    fold = stage.fold()
    await fold.hold(EVERYWHERE)
    await fold.turn()
    await stage.redis.xdel(name, "3000-0")  # what a failover took back, and what came after it
    await add_fact(stage.redis, 9, "subscribed", "c09x j11y", stream_id="4000-0")
    metrics = Metrics()
    for _ in range(2):
        await fold_once(stage, metrics=metrics)
    found = await stage.history.of_kinds(["contact", "subscribed", "gap"], since_ms=0, until_ms=stage.clock.now_ms() + 1)
    assert sorted(fact.kind for fact in found) == ["contact", "contact", "contact", "gap", "subscribed"]
    assert metrics.registry.get_sample_value("thuisfront_facts_gaps_total") == 1


async def test_facts_lost_before_they_were_folded_leave_a_gap_too(stage: Stage) -> None:
    await add_fact(stage.redis, 9, "contact", "c09x", stream_id="1000-0")
    facts = Facts(stage.redis, settle_ms=3600_000)
    fresh = await add_fact(stage.redis, 9, "subscribed", "c09x j11y")
    fold = stage.fold()
    fold._facts = facts
    await fold.hold([9])
    await fold.turn()
    await stage.redis.xdel(keys.part(9, "facts"), fresh)
    await fold.turn()
    await fold.turn()
    found = await stage.history.of_kinds(["contact", "gap"], since_ms=0, until_ms=stage.clock.now_ms() + 1)
    assert sorted(fact.kind for fact in found) == ["contact", "gap"]


async def test_emptied_store_leaves_a_gap_and_new_facts_are_folded(stage: Stage) -> None:
    await add_fact(stage.redis, 9, "contact", "c09x")
    await fold_once(stage)
    await stage.redis.delete(keys.part(9, "facts"))
    fold = stage.fold()
    await fold.hold([9])
    await fold.turn()
    await add_fact(stage.redis, 9, "subscribed", "c09x j11y")
    await fold.turn()
    assert await stage.kinds("c09x") == ["contact", "subscribed"]
    assert await stage.history.counts(since_ms=0, until_ms=stage.clock.now_ms() + 1) == {
        "contact": 1, "gap": 1, "subscribed": 1,
    }  # fmt: skip


async def test_running_fold_takes_leases_beats_and_gives_them_back(stage: Stage) -> None:
    message = await stage.plan()
    stopping, beats = asyncio.Event(), []
    leases, metrics = Leases(stage.redis, "first"), Metrics()
    task = asyncio.create_task(
        run_fold(
            stage.fold(), leases=leases, history=stage.history, metrics=metrics, clock=stage.clock, stopping=stopping,
            beat=lambda: beats.append(1), interval_s=0.02,
        )
    )  # fmt: skip

    async def folded() -> bool:
        return await stage.kinds(message) == ["enqueued"]

    await wait_until(folded)
    assert await Leases(stage.redis).holder("fold:07") == "first"
    assert await Leases(stage.redis, "second").acquire(["fold:07"], 1000) == [False]
    await wait_until(lambda: len(beats) > 2)
    stopping.set()
    await asyncio.wait_for(task, 5)
    assert await leases.holder("fold:07") is None


async def test_fold_outlives_a_database_that_fails(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    message = await stage.plan()
    commit = stage.history.commit
    failures: list[int] = []

    async def failing(batches: Any) -> None:
        if len(failures) < 2:
            failures.append(1)
            raise RuntimeError("+447700900123")
        await commit(batches)

    monkeypatch.setattr(stage.history, "commit", failing)
    stopping, metrics = asyncio.Event(), Metrics()
    with capture_logs() as lines:
        task = asyncio.create_task(
            run_fold(
                stage.fold(), leases=Leases(stage.redis), history=stage.history, metrics=metrics, clock=stage.clock,
                stopping=stopping, interval_s=0.02,
            )
        )  # fmt: skip

        async def folded() -> bool:
            return await stage.kinds(message) == ["enqueued"]

        await wait_until(folded)
        stopping.set()
        await asyncio.wait_for(task, 5)
    assert metrics.registry.get_sample_value("thuisfront_fold_failures_total") == 2
    assert "447700900123" not in json.dumps(lines)


async def test_lease_is_one_holders_until_it_ends_or_is_given_back(redis: Redis) -> None:
    one, other = Leases(redis, "one"), Leases(redis, "other")
    assert await one.acquire(["a", "b"], 10_000) == [True, True]
    assert await other.acquire(["a", "b"], 10_000) == [False, False]
    assert await one.acquire(["a"], 10_000) == [True]
    assert await other.renew(["a"], 10_000) == [False]
    assert await other.release(["a"]) == [False]
    assert await one.release(["a"]) == [True]
    assert await other.acquire(["a"], 50) == [True]
    assert await one.renew(["a"], 10_000) == [False]

    async def ended() -> bool:
        return await other.holder("a") is None

    await wait_until(ended)
    assert await other.renew(["a"], 1000) == [False]
    await one.check_writable()


# Unreached


async def unreached_after(stage: Stage, message: str, wait_ms: int = GRACE_MS + 1000) -> bool:
    await fold_once(stage)
    assert "unreached" not in await stage.kinds(message)
    stage.clock.offset_ms += wait_ms
    await fold_once(stage)
    return "unreached" in await stage.kinds(message)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("no_address", True),
        ("no_consent", True),
        ("template_pending", True),
        ("unreachable", True),
        ("a_reason_of_tomorrow", True),
        ("withdrawn", False),
        ("stopped", False),
        ("night_past_deadline", False),
        ("only_to", False),
    ],
)
async def test_suppressed_message_leaves_its_person_unreached_unless_silence_was_chosen(
    stage: Stage, reason: str, expected: bool
) -> None:
    assert await unreached_after(stage, await stage.plan(reason=reason)) is expected


async def test_dead_letter_leaves_its_person_unreached_unless_another_leg_is_named(stage: Stage) -> None:
    dead = await stage.plan()
    await stage.settle("x", reason="retries_exhausted", state=MessageState.DEAD)
    other = await stage.plan("gate_changed")
    await stage.settle("x", reason="unreachable", state=MessageState.DEAD, detail="next=m07another")
    assert await unreached_after(stage, dead)
    assert "unreached" not in await stage.kinds(other)


async def test_further_leg_enqueued_meanwhile_keeps_a_message_from_being_unreached(stage: Stage) -> None:
    message = await stage.plan()
    await stage.settle()
    await stage.status(message, DeliveryStatus.NONE, failed=True, code=131026)
    stage.clock.offset_ms += 10
    leg = await stage.plan(leg=1)
    assert not await unreached_after(stage, message)
    await stage.settle("x", reason="unreachable", state=MessageState.DEAD)
    assert await unreached_after(stage, leg)
    assert "unreached" not in await stage.kinds(message)


async def test_two_travellers_of_one_address_are_unreached_each_for_themselves(stage: Stage) -> None:
    fact = "nt=boarding_pass reason=no_address"
    await add_fact(stage.redis, 7, "suppressed", "m07one c07x j11y e42z", fact, at_ms=1000)
    await add_fact(stage.redis, 7, "enqueued", "m07two c07x j11y e42z", "nt=boarding_pass", at_ms=1000)
    await fold_once(stage)
    assert await stage.kinds("m07one") == ["suppressed", "unreached"]


async def test_failed_message_that_arrived_after_all_is_not_unreached(stage: Stage) -> None:
    message = await stage.plan()
    await stage.settle()
    await stage.status(message, DeliveryStatus.NONE, failed=True, code=131000)
    await stage.status(message, DeliveryStatus.DELIVERED)
    assert not await unreached_after(stage, message)


async def test_address_check_is_waited_for_before_anybody_counts_as_unreached(stage: Stage) -> None:
    answered = await stage.plan(reason="address_check_sent")
    silent = await stage.plan("gate_changed", reason="address_check_sent")
    assert not await unreached_after(stage, answered)
    assert await stage.plan() == answered  # the answer came: the same message is enqueued now
    await fold_once(stage)
    assert await unreached_after(stage, silent, CHECK_MS)
    assert "unreached" not in await stage.kinds(answered)


async def test_agents_reply_and_what_is_no_news_are_never_unreached(stage: Stage) -> None:
    await add_fact(stage.redis, 7, "dead", "m07reply c07x v07y", "nt=reply reason=retries_exhausted")
    await add_fact(stage.redis, 7, "dead", "m07check c07x", "nt=address_check reason=unreachable")
    await fold_once(stage, is_news=lambda notification: notification != "address_check")
    assert await stage.kinds("c07x") == ["dead", "dead"]


# History


async def test_retention_drops_the_old_in_pieces(stage: Stage) -> None:
    for number in range(1, 8):
        await add_fact(stage.redis, 9, "contact", f"c09x{number}", at_ms=number * 1000)
    await fold_once(stage)
    assert await stage.history.forget_before(6000, limit=3) == 3
    assert await stage.history.forget_before(6000, limit=3) == 2
    assert await stage.history.forget_before(6000, limit=3) == 0
    assert await stage.kinds("c09x5") == []
    assert await stage.kinds("c09x6") == ["contact"]
    assert int(365.2425 * keys.DAY_MS) == MONTH_MS * 12


async def test_facts_of_kinds_come_page_by_page(stage: Stage) -> None:
    for number in range(5):
        await add_fact(stage.redis, number, "contact", f"c{number:02d}x", at_ms=1000)
    await fold_once(stage)
    first = await stage.history.of_kinds(["contact"], since_ms=0, until_ms=2000, limit=3)
    last = first[-1]
    rest = await stage.history.of_kinds(
        ["contact"], since_ms=0, until_ms=2000, limit=3, after=(last.at_ms, last.partition, last.stream_id)
    )
    assert [fact.partition for fact in (*first, *rest)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("url", ["nonsense", "mysql://localhost/x", "postgresql+psycopg://localhost/x", "sqlite:////proc/none/history.db"])
async def test_history_that_cannot_be_opened_names_its_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_HISTORY_URL"):
        await open_history(url)


# Trace


async def tell(stage: Stage, identifier: str, **options: Any) -> Any:
    return await trace(identifier, vault=stage.vault, facts=stage.facts, history=stage.history, **options)


async def test_trace_tells_a_messages_way_in_words_and_what_to_do_next(stage: Stage) -> None:
    await stage.keep_event()
    message = await stage.plan()
    await stage.settle("x", reason="retries_exhausted", state=MessageState.DEAD)
    await fold_once(stage)
    text = await tell(stage, message, zone=ZoneInfo("Europe/Amsterdam"))
    steps = [line.split()[1] for line in text.splitlines() if line.startswith("  ")]
    assert steps == ["event", "enqueued", "claimed", "dead"]
    assert "it failed too often" in text
    assert ", CE" in text
    assert f"contact:      {stage.contact}" in text
    assert text.endswith(f"next: python main.py dead-letters show {message}")


async def test_trace_shows_what_is_not_folded_yet_and_nothing_twice(stage: Stage) -> None:
    message = await stage.plan()
    await fold_once(stage)
    await stage.settle()
    await stage.status(message, DeliveryStatus.DELIVERED)
    told = await tell(stage, message, as_json=True)
    assert [step["kind"] for step in told["steps"]] == ["enqueued", "claimed", "accepted", "delivered"]
    assert told["what"] == "message"
    assert told["linked"]["event"] == [stage.event.id]
    assert json.loads(json.dumps(told)) == told


async def test_trace_finds_a_flight_as_its_source_writes_it_in_any_case(stage: Stage) -> None:
    await stage.keep_event()
    message = await stage.plan()
    for text in (FLIGHT, FLIGHT.lower(), f" {stage.event.subject_id} "):
        told = await tell(stage, text, as_json=True)
        assert (told["what"], told["id"]) == ("subject", stage.event.subject_id)
        assert told["linked"]["message"] == [message]
    assert FLIGHT not in json.dumps(told)


async def test_trace_of_an_event_with_many_messages_sums_them_up(stage: Stage) -> None:
    await stage.keep_event()
    ids = f"c07x {stage.event.subject_id} {stage.event.id}"
    for number in range(30):
        message = f"m07{number:020d}"
        await add_fact(stage.redis, 7, "enqueued", f"{message} {ids}", "nt=flight_delayed", at_ms=stage.clock.now_ms())
        kind, detail = ("delivered", "at=1") if number % 3 else ("suppressed", "nt=flight_delayed reason=no_consent")
        await add_fact(stage.redis, 7, kind, f"{message} {ids}", detail, at_ms=stage.clock.now_ms())
    told = await tell(stage, stage.event.id, as_json=True)
    assert told["outcomes"] == {"delivered": 20, "suppressed: no_consent": 10}
    assert [step["kind"] for step in told["steps"]] == ["event"]
    assert "      20  delivered" in await tell(stage, stage.event.id)


async def test_trace_shows_a_gap_that_may_hide_a_step(stage: Stage) -> None:
    message = await stage.plan()
    await fold_once(stage)
    await stage.redis.delete(keys.part(7, "facts"))
    await fold_once(stage)
    told = await tell(stage, message, as_json=True)
    assert [step["kind"] for step in told["steps"]] == ["enqueued", "gap"]


@pytest.mark.parametrize("text", ["ZX7K2P", "m07aaaaaaaaaaaaaaaaaaaa", "", "+447700900123"])
async def test_unknown_id_is_told_what_ids_look_like_and_not_repeated(stage: Stage, text: str) -> None:
    with pytest.raises(NotFound, match="m07") as refused:
        await tell(stage, text)
    assert text == "" or text not in str(refused.value).replace("ZX7K2P,", "")


def test_zone_that_does_not_exist_is_refused_with_an_example() -> None:
    assert zone_of(None) is None
    assert zone_of("UTC") == ZoneInfo("UTC")
    with pytest.raises(BadInput, match="Europe/Amsterdam"):
        zone_of("Mars/Phobos")


def test_unknown_type_of_webhook_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"message\.lost"):
        kinds_of(["message.delivered", "message.lost"])
