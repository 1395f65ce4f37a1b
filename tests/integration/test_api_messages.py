"""Messages over HTTP: where one is and why, and its words only for whoever may read them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from gateway.model.ids import ContactId
from gateway.model.message import MessageState
from gateway.store.apikeys import Scope
from tests.integration.api_stage import Client, Stage, ask

TEXT = "Your flight leaves at 11:40."


@pytest.fixture
async def stage(redis: Redis) -> Stage:
    return Stage(redis)


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    async with stage.serve() as client:
        yield client


@pytest.fixture
async def eva(stage: Stage, client: Client) -> ContactId:
    return (await stage.take(client, "ce-order-confirmed-flight"))[0]


async def test_a_message_says_where_it_is_and_why(stage: Stage, client: Client, eva: ContactId) -> None:
    queued, held = await stage.plan(eva, TEXT), await stage.plan(eva, "Gate E4.", reason="no_consent")
    _, one = await ask(client, "GET", f"/v1/messages/{queued}")
    assert (one["state"], one["reason"], one["status"], one["attempts"]) == ("queued", None, "none", 0)
    assert (one["notification"], one["priority"], one["contact"]) == ("flight_delayed", "normal", eva)
    assert one["event"] == stage.vault.event_id("ops", TEXT)
    _, other = await ask(client, "GET", f"/v1/messages/{held}")
    assert (other["state"], other["reason"]) == ("suppressed", "no_consent")
    assert other["sentence"] == "nobody has agreed to news of this kind on this channel"
    morning = stage.clock.now_ms() + 3_000_000
    later = await stage.plan(eva, "Boarding soon.", reason="night", due_ms=morning, state=MessageState.QUEUED)
    _, waiting = await ask(client, "GET", f"/v1/messages/{later}")
    assert (waiting["state"], waiting["sentence"]) == ("queued", "it is night where they are: it waits for the morning")


async def test_words_and_number_of_a_message_are_for_those_who_may_and_ask(
    stage: Stage, client: Client, eva: ContactId
) -> None:
    message = await stage.plan(eva, TEXT)
    _, plain = await ask(client, "GET", f"/v1/messages/{message}")
    assert not {"text", "to"} & set(plain)
    reader = (await stage.keys.make("reader", [Scope.MESSAGES_READ])).reveal()
    assert (await ask(client, "GET", f"/v1/messages/{message}", key=reader))[0] == 200
    status, answer = await ask(client, "GET", f"/v1/messages/{message}?reveal=true", key=reader)
    assert (status, TEXT in json.dumps(answer)) == (403, False)
    both = (await stage.keys.make("both", [Scope.MESSAGES_READ, Scope.MESSAGES_REVEAL])).reveal()
    status, answer = await ask(client, "GET", f"/v1/messages/{message}?reveal=true", key=both)
    assert (status, answer["text"], answer["to"]) == (200, TEXT, [{"kind": "phone", "value": "+447700900123"}])


async def test_messages_of_a_contact_come_newest_first(stage: Stage, client: Client, eva: ContactId) -> None:
    first = await stage.plan(eva, TEXT, item="a")
    stage.clock.offset_ms += 5000
    second = await stage.plan(eva, "Gate E4.", item="b")
    _, answer = await ask(client, "GET", f"/v1/messages?contact={eva}")
    assert [one["id"] for one in answer["messages"]] == [second, first]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/messages/m07unknown", 404),
        ("/v1/messages/m0700000000000000000000", 404),
        ("/v1/messages", 422),
        ("/v1/messages?contact=%2B447700900123", 422),
        ("/v1/messages?contact=c070000000000000", 404),
    ],
)
async def test_what_is_not_there_is_said(client: Client, path: str, status: int) -> None:
    found, answer = await ask(client, "GET", path)
    assert found == status
    assert "900123" not in json.dumps(answer)
