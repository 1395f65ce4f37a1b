"""The door for events, over a real store: every answer it gives, and what is on disk after each."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis as redis_sync
from redis.asyncio import Redis

from gateway.errors import StoreUnavailable
from gateway.intake.api import MAX_BODY
from gateway.model.ids import EventId
from gateway.settings import read
from gateway.store.client import connect
from gateway.store.kept import Kept
from tests.integration.api_stage import BATCH, FIRST, SAMPLES, STRUCTURED, Client, Stage, bearer, sample, send
from tests.support.server import StoreServer, free_port
from tests.support.waiting import wait_until

STRUCTURED_SAMPLES = sorted(path.stem for path in SAMPLES.glob("ce-*.json") if path.stem.count(".") == 0)
STRUCTURED_SAMPLES.remove("ce-batch")


@pytest.fixture
async def stage(redis: Redis) -> Stage:
    return Stage(redis)


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    async with stage.serve() as client:
        yield client


def fields(answer: dict[str, Any]) -> list[str]:
    return [one["field"] for one in answer["problems"]]


async def open_events(stage: Stage) -> int:
    return await stage.events.depth()


# kept


@pytest.mark.parametrize("name", STRUCTURED_SAMPLES)
async def test_each_sample_is_kept_as_it_came(stage: Stage, client: Client, name: str) -> None:
    event = sample(name)
    status, answer = await send(client, event)
    assert (status, answer["answer"]) == (202, "new")
    place = await stage.events.place_of(EventId(answer["event"]))
    assert place is not None
    kept = await stage.events.read(EventId(answer["event"]), place)
    assert kept is not None
    assert (kept.data, kept.source, kept.external_id) == (event["data"], event["source"], event["id"])
    assert (kept.traceparent, kept.key) == (event.get("traceparent"), "first")
    assert kept.version == int(event["sequence"])
    assert stage.counted == {"new": 1}


async def test_a_batch_is_kept_and_names_each_event(stage: Stage, client: Client) -> None:
    status, answer = await send(client, sample("ce-batch"), batch=True)
    assert status == 202
    assert [(one["index"], one["answer"]) for one in answer["events"]] == [(0, "new"), (1, "new"), (2, "new")]
    assert answer["refused"] == []
    assert await open_events(stage) == 3


async def test_the_binary_form_is_the_same_event_as_the_structured_one(stage: Stage, client: Client) -> None:
    head, _, body = (SAMPLES / "ce-flight-delayed.binary-http.txt").read_text().partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    del headers["host"]
    async with client.post("/v1/events", data=body.strip().encode(), headers=bearer(**headers)) as response:
        first = await response.json()
        assert response.status == 202
    status, second = await send(client, sample("ce-flight-delayed"))
    assert (status, second["answer"]) == (202, "same")
    assert second["event"] == first["event"]
    assert await open_events(stage) == 1


async def test_a_kept_event_wakes_the_loop_that_takes_it_up(stage: Stage, client: Client) -> None:
    await send(client, sample("ce-flight-delayed"))
    assert await stage.wake.wait("expand", 0.5)


async def test_an_empty_batch_is_taken(client: Client) -> None:
    assert await send(client, [], batch=True) == (202, {"events": [], "refused": []})


# again


async def test_the_same_event_again_is_taken_and_counts_once(stage: Stage, client: Client) -> None:
    event = sample("ce-flight-delayed")
    assert (await send(client, event))[1]["answer"] == "new"
    again = {**event, "data": dict(reversed(event["data"].items())), "time": "2026-11-22T09:00:00Z"}
    status, answer = await send(client, again)
    assert (status, answer["answer"]) == (202, "same")
    assert await open_events(stage) == 1


async def test_the_same_id_with_other_content_is_refused(client: Client) -> None:
    event = sample("ce-flight-delayed")
    await send(client, event)
    event["data"]["gate"] = "E4"
    status, answer = await send(client, event)
    assert (status, answer["code"], fields(answer)) == (409, "other_content", ["id"])


async def test_an_event_twice_in_one_batch_is_kept_once(stage: Stage, client: Client) -> None:
    event = sample("ce-flight-delayed")
    status, answer = await send(client, [event, event], batch=True)
    assert status == 202
    assert sorted(one["answer"] for one in answer["events"]) == ["new", "same"]
    assert await open_events(stage) == 1


# refused


async def test_a_bad_event_is_refused_field_by_field_and_without_its_values(stage: Stage, client: Client) -> None:
    event = sample("ce-order-confirmed-flight")
    event["specversion"] = "0.3"
    event["time"] = "yesterday"
    event["data"]["status"] = "marvellous"
    event["data"]["recipients"][1]["addresses"][0]["proof"] = "pinky promise"
    event["data"]["recipients"][0]["consents"][0]["granted"] = "no"
    status, answer = await send(client, event)
    assert status == 422
    assert fields(answer) == [
        "specversion",
        "time",
        "data.status",
        "data.recipients[0].consents[0].granted",
        "data.recipients[1].addresses[0].proof",
    ]
    text = json.dumps(answer)
    assert not any(value in text for value in ("yesterday", "marvellous", "pinky", "+4477"))
    assert await open_events(stage) == 0


async def test_a_number_that_is_none_is_refused_at_the_door_with_its_path(client: Client) -> None:
    event = sample("ce-order-confirmed-flight")
    event["data"]["recipients"][1]["addresses"][0]["to"] = "07700900124"
    status, answer = await send(client, event)
    assert (status, fields(answer)) == (422, ["data.recipients[1].addresses[0].to"])
    assert "07700900124" not in json.dumps(answer)


async def test_a_code_that_its_symbol_cannot_hold_is_refused_at_the_door_with_its_path(client: Client) -> None:
    event = sample("ce-order-document-ready")
    event["data"]["document"] = {
        "kind": "event_ticket", "id": "T-1", "barcode": {"format": "pdf417", "message": "Secret" + "\N{SNOWMAN}" * 400},
    }  # fmt: skip
    status, answer = await send(client, event)
    assert (status, fields(answer)) == (422, ["data.document.barcode"])
    assert "Secret" not in json.dumps(answer)


async def test_a_consent_under_an_unknown_wording_is_refused_with_its_path(client: Client) -> None:
    event = sample("ce-order-confirmed-flight")
    event["data"]["recipients"][0]["consents"][1]["wording"] = "journey-nl-99"
    status, answer = await send(client, event)
    assert (status, fields(answer)) == (422, ["data.recipients[0].consents[1].wording"])


async def test_an_unknown_brand_is_taken(client: Client) -> None:
    event = sample("ce-order-confirmed-flight")
    event["data"]["brand"] = "a-brand-of-tomorrow"
    assert (await send(client, event))[0] == 202


async def test_an_event_from_the_future_is_refused(client: Client) -> None:
    status, answer = await send(client, sample("ce-flight-delayed") | {"time": "2026-11-22T12:06:00Z"})
    assert (status, fields(answer)) == (422, ["time"])


@pytest.mark.parametrize(
    ("raw", "content_type", "status"),
    [
        (b"{", STRUCTURED, 400),
        (b'{"id": "1", "id": "2"}', STRUCTURED, 400),
        (b'{"id": NaN}', STRUCTURED, 400),
        (b'{"id": "\\ud800"}', STRUCTURED, 400),
        (b'{"id": 1e999}', STRUCTURED, 400),
        (b"\xff", STRUCTURED, 400),
        (b"[" * 100_000, BATCH, 400),
        (b"7", STRUCTURED, 400),
        (b"{}", BATCH, 400),
        (b"{}", "application/json", 415),
        (b"<order/>", "application/xml", 415),
        (b"[" + b"{}," * 500 + b"{}]", BATCH, 413),
        (b'{"pad": "' + b"x" * 300_000 + b'"}', STRUCTURED, 413),
        (b"x" * (MAX_BODY + 1), STRUCTURED, 413),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_what_cannot_be_read_is_refused_as_a_whole(
    client: Client, raw: bytes, content_type: str, status: int
) -> None:
    async with client.post("/v1/events", data=raw, headers=bearer() | {"Content-Type": content_type}) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"
        answer = await response.json()
    assert (answer["status"], bool(answer["detail"])) == (status, True)


async def test_half_a_batch_is_kept_and_the_other_half_named(stage: Stage, client: Client) -> None:
    order, delay, outage = sample("ce-batch")
    order["data"]["status"] = "lost"
    del outage["id"]
    status, answer = await send(client, [order, 7, delay, outage], batch=True)
    assert status == 207
    assert [one["index"] for one in answer["events"]] == [2]
    assert [(one["index"], one["status"], fields(one)) for one in answer["refused"]] == [
        (0, 422, ["data.status"]),
        (1, 400, ["event"]),
        (3, 422, ["id"]),
    ]
    assert await open_events(stage) == 1
    assert stage.counted == {"new": 1, "refused": 3}


async def test_a_batch_without_a_good_event_is_refused(stage: Stage, client: Client) -> None:
    status, answer = await send(client, [{}, 7], batch=True)
    assert (status, [one["status"] for one in answer["refused"]]) == (422, [422, 400])
    assert await open_events(stage) == 0


# who calls


async def test_without_a_key_nobody_is_let_in(client: Client) -> None:
    async with client.post("/v1/events", json={}) as response:
        assert (response.status, (await response.json())["code"]) == (401, "no_key")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    for key in ("another key", FIRST + " ", FIRST[:-1], "\xfc", "x" * 5000):
        async with client.post("/v1/events", json={}, headers={"X-API-Key": key}) as response:
            assert response.status == (401 if key.strip() != FIRST else 415)


async def test_a_key_opens_what_its_limits_say_and_nothing_else(stage: Stage, client: Client) -> None:
    made = await stage.keys.make(
        "shop", ["events"], sources=["/shops/*", "/booking/orders"], types=["order.status"], brands=["zz"]
    )
    key = made.reveal()
    assert (await send(client, sample("ce-order-confirmed-flight"), key=key))[0] == 202
    for name, wrong in {
        "ce-flight-delayed": ["source", "type"],
        "ce-order-confirmed-rail": ["data.brand"],
        "ce-order-document-ready": ["source", "type"],
    }.items():
        status, answer = await send(client, sample(name), key=key)
        assert (status, fields(answer)) == (403, wrong)


async def test_a_key_without_the_scope_is_refused(stage: Stage, client: Client) -> None:
    key = (await stage.keys.make("reader", ["messages:read"])).reveal()
    status, answer = await send(client, sample("ce-flight-delayed"), key=key)
    assert (status, answer["code"]) == (403, "scope")


async def test_a_key_that_was_ended_opens_nothing_a_second_later(stage: Stage, client: Client) -> None:
    key = (await stage.keys.make("shop", ["events"])).reveal()
    assert (await send(client, sample("ce-flight-delayed"), key=key))[0] == 202
    other = Stage(stage.redis).keys  # another process
    await other.end("shop")
    stage.clock.offset_ms += 1000
    assert (await send(client, sample("ce-flight-delayed"), key=key))[0] == 401


async def test_no_key_is_kept_in_the_clear(stage: Stage) -> None:
    made = await stage.keys.make("shop", ["events"])
    kept = await stage.redis.hgetall("apikeys")
    assert len(kept) == 1
    assert made.reveal() not in str(kept)


# trying, asking


async def test_validate_says_what_each_event_would_be_and_keeps_nothing(stage: Stage, client: Client) -> None:
    delay = sample("ce-flight-delayed")
    status, answer = await send(client, [delay, {}], batch=True, path="/v1/events/validate")
    assert status == 207
    assert answer["events"][0]["answer"] == "new"
    assert "flight_delayed" in answer["events"][0]["notifications"]
    assert await open_events(stage) == 0
    await send(client, delay)
    assert (await send(client, delay, path="/v1/events/validate"))[1]["answer"] == "same"
    delay["data"]["gate"] = "E4"
    assert (await send(client, delay, path="/v1/events/validate"))[0] == 409
    assert await open_events(stage) == 1


async def test_a_pushing_sender_that_asks_is_told_that_it_may(client: Client) -> None:
    asked = {"WebHook-Request-Origin": "eventgrid.azure.example", "WebHook-Request-Rate": "120"}
    async with client.options("/v1/events", headers=asked) as response:
        assert response.status == 200
        assert response.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.example"
        assert response.headers["WebHook-Allowed-Rate"] == "*"
    async with client.options("/v1/events", headers={"WebHook-Request-Origin": "not a host"}) as response:
        assert response.status == 400


# too much, too little


async def test_a_full_outbox_refuses_work_first(stage: Stage, client: Client) -> None:
    stage.depth = stage.settings.backlog_max + 1
    async with client.post("/v1/events", json=sample("ce-flight-delayed"), headers=bearer()) as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0
    assert stage.counted == {"busy": 1}


async def test_a_nearly_full_store_takes_no_new_work_and_says_why(stage: Stage, client: Client) -> None:
    stage.memory = 0.8
    async with client.post("/v1/events", json=sample("ce-flight-delayed"), headers=bearer()) as response:
        assert (response.status, (await response.json())["code"]) == (429, "memory")
    stage.memory = 0.79
    assert (await send(client, sample("ce-flight-delayed")))[0] == 202


async def test_an_event_that_no_replica_has_is_not_promised(redis: Redis, redis_url: str) -> None:
    stage = Stage(redis, GATEWAY_STORE_ACKS="2")  # a test's cluster has one for each primary
    async with stage.serve() as client:
        status, answer = await send(client, sample("ce-flight-delayed"))
    assert (status, answer["code"]) == (503, "store_unavailable")


@pytest.fixture
def primary() -> Iterator[StoreServer]:
    """A server with one replica."""
    servers = [StoreServer({"repl-diskless-sync-delay": "0"}, port=free_port())]
    servers.append(StoreServer({"replicaof": f"127.0.0.1 {servers[0].port}"}))
    yield servers[0]
    for server in reversed(servers):
        server.close()


async def test_an_event_that_a_replica_has_is_promised(primary: StoreServer) -> None:
    redis = Redis.from_url(primary.url)

    async def followed() -> bool:
        info = await redis.info("replication")
        return bool(info["connected_slaves"] == 1 and info["slave0"]["state"] == "online")

    await wait_until(followed, timeout=20)
    async with Stage(redis, GATEWAY_STORE_ACKS="1").serve() as client:
        assert [(await send(client, sample("ce-batch"), batch=True))[0] for _ in range(2)] == [202, 202]
    await redis.aclose()


async def test_an_event_that_a_failover_took_back_is_not_promised(primary: StoreServer) -> None:
    redis = Redis.from_url(primary.url)
    kept = Kept(redis, Stage(redis).clock)
    with pytest.raises(StoreUnavailable, match="gone again"):
        await kept.wait_acks([Stage(redis).vault.event_id("ops", "1")], 1)
    await redis.aclose()


# a store that dies


async def test_a_batch_that_a_dying_store_half_kept_is_sent_again_and_each_event_counts_once() -> None:
    server = StoreServer()
    connection = await connect(read({"GATEWAY_REDIS_URL": server.url, "GATEWAY_ENV": "demo",
                                     "GATEWAY_GRAPH_URL": "http://127.0.0.1:9"}, None))  # fmt: skip
    stage = Stage(connection.redis)
    watcher = redis_sync.Redis(unix_socket_path=str(server.socket))
    try:
        async with stage.serve() as client:
            for attempt in range(8):
                batch = [_fat(attempt, number) for number in range(400)]
                killer = asyncio.create_task(asyncio.to_thread(_kill_half_way, server, watcher, 400 * attempt))
                status, answer = await send(client, batch, batch=True)
                stopped = await killer
                if stopped:
                    assert (status, answer["code"]) == (503, "store_unavailable")
                server.restart()
                kept = await stage.events.depth() - 400 * attempt
                status, answer = await send(client, batch, batch=True)
                assert status == 202
                answers = [one["answer"] for one in answer["events"]]
                # What was on disk is known as such, the rest is new; nothing is twice.
                assert (answers.count("same"), answers.count("new")) == (kept, 400 - kept)
                assert await stage.events.depth() == 400 * (attempt + 1)
                if 0 < kept < 400:
                    return
        raise AssertionError("the store never died in the middle of a batch")
    finally:
        watcher.close()
        await connection.close()
        server.close()


def _fat(attempt: int, number: int) -> dict[str, Any]:
    """One of 400 events that fill many reads of the server's socket, so that it can die between two of them."""
    event = sample("ce-flight-delayed")
    event["data"]["padding"] = "x" * 12_000
    return {**event, "id": f"{attempt}-{number}"}


def _kill_half_way(server: StoreServer, watcher: redis_sync.Redis, before: int) -> bool:
    """Kill the server as soon as some, not all, of the events are in; whether that was before the last."""
    deadline = time.monotonic() + 20
    seen = 0
    while time.monotonic() < deadline:
        pipeline = watcher.pipeline(transaction=False)
        for partition in range(64):
            pipeline.zcard(f"{{p:{partition:02d}}}evw")
        seen = sum(pipeline.execute()) - before
        if seen > 0:
            server.kill()
            return seen < 400
    raise AssertionError("no event came in")
