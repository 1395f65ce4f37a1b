"""Metrics are one list with help texts and bounded labels; alive and ready are two questions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.health import Beats, Health
from gateway.insight.kinds import KINDS, line_of, say
from gateway.insight.lines import Counting, fields_of
from gateway.metrics import NAMES_MAX, Metrics, metrics_handler
from gateway.rules.verdict import Reason
from gateway.store.facts import Fact


def fact(kind: str, detail: dict[str, str] | None = None, at_ms: int = 1000) -> Fact:
    return Fact(7, "17-0", at_ms, kind, ("m07x", "c07y", "j11z", "e42w", "v07u"), detail or {})


def test_every_metric_has_a_help_text_and_few_labels() -> None:
    families = list(Metrics().registry.collect())
    assert len(families) > 25
    for family in families:
        assert family.name.startswith("thuisfront_")
        assert len(family.documentation) > 5, family.name


def test_two_sets_of_metrics_live_beside_each_other() -> None:
    one, other = Metrics(), Metrics()
    one.facts.labels("event").inc()
    assert one.registry.get_sample_value("thuisfront_facts_total", {"kind": "event"}) == 1
    assert other.registry.get_sample_value("thuisfront_facts_total", {"kind": "event"}) is None


def test_label_that_could_grow_is_cut_off() -> None:
    metrics = Metrics()
    names = {metrics.bounded("notification", f"n{number}") for number in range(NAMES_MAX + 50)}
    assert len(names) == NAMES_MAX + 1
    assert "other" in names
    assert metrics.bounded("notification", "n0") == "n0"


def test_unknown_kinds_and_reasons_are_counted_as_other() -> None:
    metrics = Metrics()
    counting = Counting(metrics)
    counting.count(fact("kind_of_tomorrow"))
    counting.count(fact("suppressed", {"reason": "m07anything"}))
    counting.count(fact("dead", {"reason": "retries_exhausted"}))
    value = metrics.registry.get_sample_value
    assert value("thuisfront_facts_total", {"kind": "other"}) == 1
    assert value("thuisfront_messages_ended_total", {"kind": "suppressed", "reason": "other"}) == 1
    assert value("thuisfront_messages_ended_total", {"kind": "dead", "reason": "retries_exhausted"}) == 1


def test_times_are_measured_from_due_to_accepted_to_delivered() -> None:
    metrics = Metrics()
    counting = Counting(metrics)
    counting.count(fact("enqueued", {"due": "5000"}, at_ms=1000))
    counting.count(fact("accepted", at_ms=5500))
    counting.count(fact("delivered", at_ms=7500))
    counting.count(fact("delivered", at_ms=9500))
    value = metrics.registry.get_sample_value
    assert value("thuisfront_message_accepted_seconds_sum") == 0.5
    assert value("thuisfront_message_delivered_seconds_sum") == 2
    assert value("thuisfront_message_delivered_seconds_count") == 1


async def test_metrics_are_served_as_text() -> None:
    app = web.Application()
    metrics = Metrics()
    metrics.facts.labels("event").inc()
    app.router.add_get("/metrics", metrics_handler(metrics))
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/metrics")
        assert answer.content_type == "text/plain"
        assert 'thuisfront_facts_total{kind="event"} 1.0' in await answer.text()


# Lines and words of facts


def test_every_kind_has_a_line_and_a_sentence_even_without_details() -> None:
    for kind in (*KINDS, "kind_of_tomorrow"):
        line, _ = line_of(fact(kind))
        assert "." in line
        words = say(fact(kind), str)
        assert len(words) > 3
        assert "None" not in words


@pytest.mark.parametrize(
    ("kind", "detail", "expected"),
    [
        ("event", {"type": "flight.status"}, "the event was kept: flight.status"),
        ("applied", {"n": "3", "changes": "delay,gate"}, "applied; what changed: delay, gate"),
        ("applied", {"changes": ""}, "applied; nothing in it is news to anybody"),
        ("closed", {"note": "parked", "why": "too many tries"}, "set aside: it could not be handled (too many tries)"),
        ("consent", {"k:journey.whatsapp.acme": "w", "at": "5"}, "asked us to stop journey messages of acme on whatsapp"),
        ("proof", {"p:a07x": "otp", "at": "5"}, "the address is proven to be theirs, by otp"),
        ("enqueued", {"nt": "gate", "s": "wa", "p": "1", "dl": "9", "due": "7", "why": "night"},
         "planned: gate, urgent, by sender wa, of use until <9>; waits until <7> (night)"),
        ("accepted", {"attempt": "2"}, "the channel took it (attempt 2)"),
        ("retry", {"attempt": "1", "at": "9", "why": "131000"}, "did not go through, waits until <9>: 131000"),
        ("suppressed", {"nt": "gate", "reason": "no_proof"}, "gate not sent: we do not know yet"),
        ("replaced", {"by": "e42x"}, "not sent: newer news about the same thing took its place (by event e42x)"),
        ("delivered", {"at": "9"}, "on their phone at <9>"),
        ("assigned", {"agent": "g0", "epoch": "2"}, "taken by agent g0"),
        ("failed", {"code": "131026"}, "the channel took it and could not deliver it (its code 131026)"),
    ],
)  # fmt: skip
def test_sentences_say_what_happened(kind: str, detail: dict[str, str], expected: str) -> None:
    assert say(fact(kind, detail), lambda at_ms: f"<{at_ms}>").startswith(expected)


def test_agents_look_at_a_conversation_is_no_read_message() -> None:
    look = Fact(7, "17-0", 1, "read", ("v07u",), {"agent": "g0"})
    assert line_of(look) == ("conversation.seen", "webcare")
    assert say(look, str) == "looked at by agent g0"


def test_every_reason_is_said_in_words_and_never_as_a_code() -> None:
    for reason in Reason:
        assert "_" not in say(fact("suppressed", {"reason": reason.value}), str)


def test_line_of_a_fact_names_role_ids_and_numbers() -> None:
    line, fields = fields_of(fact("retry", {"attempt": "2", "at": "99", "why": "80007", "event": "x", "k:a.b": "g"}))
    assert line == "message.retry"
    assert fields == {
        "role": "dispatch", "partition": 7, "message_id": "m07x", "contact_id": "c07y", "subject_id": "j11z",
        "event_id": "e42w", "conversation_id": "v07u", "attempt": 2, "again_at_ms": 99, "why": 80007,
        "detail": "event=x k:a.b=g", "at_ms": 1000,
    }  # fmt: skip


# Health


async def fine() -> None:
    return None


def health(store: Callable[[], Awaitable[object]] = fine, **options: Any) -> Health:
    given: dict[str, Any] = {"keys": lambda: True, "promise": lambda: "kept on disk", "store_s": 0.05, "fresh_s": 0.0}
    return Health(options.pop("beats", Beats()), store=store, **{**given, **options})


async def test_ready_when_everything_is() -> None:
    metrics = Metrics()
    answer = await health(metrics=metrics).ready()
    assert answer.ok
    assert answer.promise == "kept on disk"
    assert metrics.registry.get_sample_value("thuisfront_ready") == 1


async def test_loop_that_has_not_beaten_in_time_is_named() -> None:
    now = [100.0]
    beats = Beats(lambda: now[0])
    beat = beats.expect("dispatch", 5)
    beats.expect("webhooks", 60)
    now[0] += 6
    answer = await health(beats=beats).ready()
    assert answer.failing == ["loops"]
    assert "dispatch for 6 s" in answer.checks[2].say
    assert "webhooks" not in answer.checks[2].say
    beat()
    assert (await health(beats=beats).ready()).ok
    now[0] += 60
    beats.leave("dispatch")
    beats.leave("webhooks")
    assert (await health(beats=beats).ready()).ok


async def test_store_that_is_silent_or_refuses_is_not_ready_and_quotes_nothing() -> None:
    async def silent() -> None:
        await asyncio.Event().wait()

    async def refusing() -> None:
        raise ConnectionError("redis://user:hunter2@10.0.0.1")

    for store in (silent, refusing):
        answer = await health(store).ready()
        assert answer.failing == ["store"]
        assert "hunter2" not in str(answer)


async def test_missing_keys_and_stopping_are_not_ready() -> None:
    one = health(keys=lambda: False)
    one.stop()
    assert (await one.ready()).failing == ["stopping", "keys"]


async def test_many_questions_at_once_ask_the_store_once() -> None:
    asked: list[int] = []

    async def store() -> None:
        asked.append(1)

    one = health(store, fresh_s=60.0)
    await asyncio.gather(*(one.ready() for _ in range(20)))
    assert len(asked) == 1


async def test_alive_is_answered_while_not_ready() -> None:
    async def refusing() -> None:
        raise ConnectionError

    one = health(refusing)
    app = web.Application()
    app.router.add_get("/healthz", one.get_alive)
    app.router.add_get("/readyz", one.get_ready)
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/healthz")).status == 200
        answer = await client.get("/readyz")
        body = json.loads(await answer.text())
    assert answer.status == 503
    assert body["failing"] == ["store"]
    assert body["promise"] == "kept on disk"
    assert body["checks"]["keys"] == "the key ring is there"
