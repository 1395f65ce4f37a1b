"""A Redis stream as a source: every entry kept once or buried with a reason, whatever dies in between."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.cli.checks import sources as checks
from gateway.cli.checks.case import Case, Surroundings
from gateway.clock import Clock
from gateway.directory import Directory
from gateway.errors import StoreUnavailable
from gateway.intake.sources import pump, redis_stream
from gateway.model.event import BusinessEvent
from gateway.settings import read
from gateway.store.apikeys import ApiKey, ApiKeys, Scope
from gateway.store.client import open_other
from gateway.store.reply import words
from gateway.store.sourcestream import SourceStream
from gateway.store.vault import KeyRing
from tests.integration.api_stage import Stage, sample
from tests.integration.source_stage import GROUP, STREAM, Reader, event, letters, staged, structured, waiting
from tests.support.house import house_running
from tests.support.server import StoreServer
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "RETRY_S", (0.02, 0.1))
    monkeypatch.setattr(pump, "PAUSE_S", 0.05)
    monkeypatch.setattr(redis_stream, "BLOCK_MS", 50)


@pytest.fixture
def ring() -> str:
    return KeyRing.generate().reveal()


@pytest.fixture
async def stage(redis: Redis, ring: str) -> Stage:
    return staged(redis, ring)


@pytest.fixture(scope="module")
def other_server() -> Iterator[StoreServer]:
    """A server that is not the gateway's."""
    server = StoreServer()
    yield server
    server.close()


@pytest.fixture
async def stream(other_server: StoreServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(other_server.url)
    await client.flushall()
    yield client
    await client.aclose()


async def add(client: Redis, *entries: dict[Any, Any]) -> list[str]:
    return [words(await client.xadd(STREAM, entry)) for entry in entries]


async def done(client: Redis) -> bool:
    """Nothing in the stream and nothing pending."""
    return (await waiting(client))[:2] == (0, 0)


async def emptied(client: Redis, timeout: float = 10) -> None:
    async def there() -> bool:
        return await done(client)

    await wait_until(there, timeout)


# the two forms


async def test_an_event_in_either_form_is_kept_as_http_keeps_it(
    stage: Stage, stream: Redis, other_server: StoreServer
) -> None:
    one, other = sample("ce-flight-delayed"), sample("ce-trip-delayed")
    binary: dict[Any, Any] = {f"ce-{name}": value for name, value in other.items() if name not in ("data", "datacontenttype")}
    await add(stream, structured(one), {**binary, "data": json.dumps(other["data"]), "note": "of the sender's own"})
    async with Reader(stage, other_server.url).reading() as reader:
        await wait_until(lambda: reader.counted("kept") == 2)
        await emptied(stream)
    assert stage.counted == {"new": 2}
    for value in (one, other):
        identifier = stage.vault.event_id(value["source"], value["id"])
        kept = await stage.events.read(identifier, await stage.events.place_of(identifier) or "")
        assert isinstance(kept, BusinessEvent)
        assert (kept.data, kept.subject, kept.key) == (value["data"], value["subject"], "stream")
    assert await stage.wake.wait("expand", 0.5), "the loop that takes events up is woken"


async def test_a_value_of_the_binary_form_is_taken_as_it_is(stage: Stage, stream: Redis, other_server: StoreServer) -> None:
    value = event(1)
    value["source"] = "/ops/a%20b"
    binary: dict[Any, Any] = {f"CE-{name}": one for name, one in value.items() if name != "data"}
    await add(stream, {**binary, "data": json.dumps(value["data"])})
    async with Reader(stage, other_server.url).reading() as reader:
        await wait_until(lambda: reader.counted("kept") == 1)
    assert await stage.events.place_of(stage.vault.event_id("/ops/a%20b", "e-1")) is not None


async def test_an_event_that_came_over_http_and_by_the_stream_counts_once(
    stage: Stage, stream: Redis, other_server: StoreServer
) -> None:
    async with stage.serve() as client:
        headers = {"Authorization": "Bearer a first key that nobody guesses, 1", "Content-Type": "application/cloudevents+json"}
        async with client.post("/v1/events", data=json.dumps(event(1)), headers=headers) as answer:
            assert answer.status == 202
    await add(stream, structured(event(1)))
    async with Reader(stage, other_server.url).reading() as reader:
        await wait_until(lambda: reader.counted("kept") == 1)
    assert stage.counted == {"new": 1, "same": 1}
    assert await stage.events.depth() == 1


async def test_the_example_adds_events_that_are_kept(stage: Stage, stream: Redis, other_server: StoreServer) -> None:
    command = [sys.executable, "examples/xadd_event.py", "tests/samples/events/ce-batch.json"]
    environment = {**os.environ, "REDIS_URL": other_server.url}
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, len(done.stdout.split()), done.stderr) == (0, 3, "")
    async with Reader(stage, other_server.url).reading() as reader:
        await wait_until(lambda: reader.counted("kept") == 3)


# what is not taken


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"hello": "world"}, "malformed: should have a field `event`"),
        ({"event": "{"}, "malformed: body: should be JSON (line 1, column 2)"),
        ({"event": "[]"}, "malformed: event: should be a JSON object"),
        ({"event": b'"\xff"'}, "malformed: body: should be UTF-8"),
        ({b"ce-id": b"\xff", "data": "{}"}, "malformed: ce- fields should be UTF-8"),
        (structured({**event(1), "type": "org.example.unknown.v1"}), "bad_event: type: should end in one of"),
        (structured({**event(1), "subject": ""}), "bad_event: subject: should be a text"),
        ({"event": '"' + "x" * 600_000 + '"'}, "too_large: "),
        ({"event": "[" * 2000}, "malformed: body: "),
    ],
)
async def test_an_entry_that_is_no_event_ends_among_the_dead_letters_as_it_came(
    stage: Stage, stream: Redis, other_server: StoreServer, entry: dict[Any, Any], reason: str
) -> None:
    (place,) = await add(stream, entry)
    await add(stream, structured(event(2)))
    async with Reader(stage, other_server.url).reading() as reader:
        await wait_until(lambda: reader.counted("kept") == 1)
        await emptied(stream)
    (letter,) = await letters(stream)
    assert letter["dead-reason"].startswith(reason)
    assert (letter["dead-entry"], letter["dead-deliveries"]) == (place, "1")
    for name, value in entry.items():
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        assert letter[name.decode() if isinstance(name, bytes) else name] == text
    assert await stream.pttl(f"{STREAM}:dead") > 0
    assert stage.counted == {"new": 1}


async def test_an_id_with_other_content_is_buried_and_the_first_stays(
    stage: Stage, stream: Redis, other_server: StoreServer
) -> None:
    await add(stream, structured(event(1)), structured(event(1, gate="E4")), structured(event(2)))
    async with Reader(stage, other_server.url).reading() as reader:
        await wait_until(lambda: reader.counted("kept") == 2)
        await emptied(stream)
    (letter,) = await letters(stream)
    assert letter["dead-reason"].startswith("other_content: id: was used by this source before")
    assert "E4" in letter["event"]


async def test_the_stream_speaks_for_no_more_than_its_key(stage: Stage, stream: Redis, other_server: StoreServer) -> None:
    reader = Reader(stage, other_server.url)
    reader.key = ApiKey("trips", frozenset({Scope.EVENTS}), types=("trip.status",))
    await add(stream, structured(event(1)), structured(sample("ce-trip-delayed")))
    async with reader.reading():
        await wait_until(lambda: reader.counted("kept") == 1)
        await emptied(stream)
    (letter,) = await letters(stream)
    assert letter["dead-reason"] == "forbidden: type: is none that this key speaks for"


async def test_what_was_buried_goes_in_again_once_it_is_mended(stage: Stage, stream: Redis, other_server: StoreServer) -> None:
    reader = Reader(stage, other_server.url)
    reader.key = ApiKey("trips", frozenset({Scope.EVENTS}), types=("trip.status",))
    await add(stream, structured(event(1)))
    async with reader.reading():
        await wait_until(lambda: reader.counted("forbidden") == 1)
        reader.key = ApiKey("flights", frozenset({Scope.EVENTS}), types=("flight.status",))
        rows: Any = await stream.xrange(f"{STREAM}:dead")
        ((_, letter),) = rows
        await add(stream, letter)
        await wait_until(lambda: reader.counted("kept") == 1)


# pauses


async def test_nothing_is_taken_up_while_the_outbox_is_too_deep(
    stage: Stage, stream: Redis, other_server: StoreServer
) -> None:
    stage.depth = stage.settings.backlog_max + 1
    await add(stream, *(structured(event(number)) for number in range(5)))
    reader = Reader(stage, other_server.url)
    async with reader.reading():
        await wait_until(lambda: reader.beats > 8)
        assert await waiting(stream) == (5, 0, 0), "they wait in the stream, in nobody's hands"
        assert reader.beats < 200, "and nothing spins"
        assert reader.metrics.registry.get_sample_value("thuisfront_source_paused", {"source": "redis_stream"}) == 1
        stage.depth = 0
        await wait_until(lambda: reader.counted("kept") == 5)


async def test_nothing_is_taken_up_while_the_key_is_missing(stage: Stage, stream: Redis, other_server: StoreServer) -> None:
    reader = Reader(stage, other_server.url)
    reader.key = None
    await add(stream, structured(event(1)))
    async with reader.reading():
        await wait_until(lambda: reader.beats > 3)
        assert await waiting(stream) == (1, 0, 0)
        reader.key = ApiKey("stream", frozenset({Scope.EVENTS}))
        await wait_until(lambda: reader.counted("kept") == 1)


async def test_a_full_store_leaves_entries_pending_however_often_they_are_tried(
    stage: Stage, stream: Redis, other_server: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(stream, *(structured(event(number)) for number in range(3)))
    tries, full = 0, True
    append = stage.events.append_once

    async def refusing(events: Any) -> list[str]:
        nonlocal tries
        tries += 1
        if full:
            raise StoreUnavailable("the store is full")
        return await append(events)

    monkeypatch.setattr(stage.events, "append_once", refusing)
    async with Reader(stage, other_server.url).reading() as reader:
        await wait_until(lambda: tries > pump.DELIVERIES_MAX + 2)
        assert await waiting(stream) == (3, 3, 0)
        full = False
        await wait_until(lambda: reader.counted("kept") == 3)
    assert await letters(stream) == []


async def test_restarts_while_the_store_is_full_bury_nothing(
    stage: Stage, stream: Redis, other_server: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(stream, *(structured(event(number)) for number in range(3)))
    tries, full = 0, True
    append = stage.events.append_once

    async def refusing(events: Any) -> list[str]:
        nonlocal tries
        tries += 1
        if full:
            raise StoreUnavailable("the store is full")
        return await append(events)

    monkeypatch.setattr(stage.events, "append_once", refusing)

    def tried() -> bool:
        return tries > 2

    for _ in range(pump.DELIVERIES_MAX + 1):
        tries = 0
        async with Reader(stage, other_server.url).reading():
            await wait_until(tried)
    full = False
    async with Reader(stage, other_server.url).reading():
        await emptied(stream)
    assert await letters(stream) == []
    assert await stage.events.depth() == 3


async def test_what_came_while_the_store_was_out_of_memory_is_kept_once_it_has_room(
    stage: Stage, stream: Redis, other_server: StoreServer, redis_url: str, ring: str
) -> None:
    client = open_other(redis_url, connections=8)
    reader = Reader(staged(client, ring), other_server.url)
    full: Any = await stage.redis.config_get("maxmemory")
    await stage.redis.config_set("maxmemory", "1mb")
    try:
        await add(stream, *(structured(event(number)) for number in range(3)))
        async with reader.reading():
            up = {"source": "redis_stream"}
            await wait_until(lambda: reader.metrics.registry.get_sample_value("thuisfront_source_up", up) == 0)
            assert await waiting(stream) == (3, 3, 0)
            await stage.redis.config_set("maxmemory", full["maxmemory"])
            await wait_until(lambda: reader.counted("kept") == 3)
    finally:
        await stage.redis.config_set("maxmemory", full["maxmemory"])
        await client.aclose()


async def test_one_event_that_cannot_be_kept_holds_up_nobody(
    stage: Stage, stream: Redis, other_server: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "DELIVERIES_MAX", 2)  # each try tells the log a whole traceback
    await add(stream, *(structured(event(number)) for number in range(4)))
    append = stage.events.append_once

    async def breaking(events: Any) -> list[str]:
        if any(one.external_id == "e-1" for one in events):
            raise TypeError("a mistake of ours")
        return await append(events)

    monkeypatch.setattr(stage.events, "append_once", breaking)
    async with Reader(stage, other_server.url).reading() as reader:
        await wait_until(lambda: reader.counted("kept") == 3)
        await emptied(stream)
    (letter,) = await letters(stream)
    assert letter["dead-reason"] == "failed: TypeError"


# servers that go away


async def test_after_its_server_was_gone_the_stream_is_read_on_by_itself(stage: Stage) -> None:
    server = StoreServer()
    try:
        async with Redis.from_url(server.url) as client:
            await add(client, structured(event(1)))
            async with Reader(stage, server.url).reading() as reader:
                await wait_until(lambda: reader.counted("kept") == 1)
                server.kill()
                up = {"source": "redis_stream"}
                await wait_until(lambda: reader.metrics.registry.get_sample_value("thuisfront_source_up", up) == 0)
                server.restart()
                await add(client, structured(event(2)))
                await wait_until(lambda: reader.counted("kept") == 2)
                await client.flushall()  # stream and group are gone, as after a failover that lost them
                await add(client, structured(event(3)))
                await wait_until(lambda: reader.counted("kept") == 3)
    finally:
        server.close()
    assert await stage.events.depth() == 3


async def test_entries_that_a_lost_answer_handed_out_are_found_again(
    stage: Stage, stream: Redis, other_server: StoreServer
) -> None:
    await add(stream, structured(event(1)), structured(event(2)))
    reader = Reader(stage, other_server.url)
    await stream.xgroup_create(STREAM, GROUP, id="0")
    await stream.xreadgroup(GROUP, reader.name, {STREAM: ">"})  # handed to us, and the answer never came
    async with reader.reading():
        await wait_until(lambda: reader.counted("kept") == 2)
        await emptied(stream)


async def test_what_was_cut_from_the_stream_before_it_was_kept_is_told(
    stage: Stage, stream: Redis, other_server: StoreServer
) -> None:
    (place,) = await add(stream, structured(event(1)))
    await stream.xgroup_create(STREAM, GROUP, id="0")
    await stream.xreadgroup(GROUP, "somebody-who-died", {STREAM: ">"})
    await stream.xtrim(STREAM, maxlen=0, approximate=False)
    async with Reader(stage, other_server.url).reading() as reader:
        await wait_until(lambda: reader.counted("trimmed") == 1)
    (letter,) = await letters(stream)
    assert letter["dead-entry"] == place


# several readers


async def test_two_processes_share_a_stream_and_each_event_is_kept_once(
    stage: Stage, stream: Redis, other_server: StoreServer
) -> None:
    one, other = Reader(stage, other_server.url), Reader(stage, other_server.url)
    async with one.reading(), other.reading():
        for begin in range(0, 60, 6):
            await add(stream, *(structured(event(number)) for number in range(begin, begin + 6)))
        await wait_until(lambda: one.counted("kept") + other.counted("kept") == 60)
        await emptied(stream)
    assert stage.counted == {"new": 60}
    assert await stage.events.depth() == 60
    assert (await stream.xinfo_groups(STREAM))[0]["consumers"] == 0, "who stops with nothing in hand leaves the group"


def child(store: str, server: StoreServer, ring: str, dies: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.integration.source_stage", store, server.url, ring, dies]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


async def ended(process: subprocess.Popen[bytes]) -> int:
    return await asyncio.to_thread(process.wait, 20)


async def test_killed_between_keeping_and_acknowledging_each_event_is_kept_once(
    stage: Stage, stream: Redis, other_server: StoreServer, redis_url: str, ring: str
) -> None:
    await add(stream, *(structured(event(number)) for number in range(7)))
    assert await ended(child(redis_url, other_server, ring, "before_kept")) == -9
    assert await stage.events.depth() == 7, "kept"
    assert await waiting(stream) == (7, 7, 0), "and not acknowledged"
    async with Reader(stage, other_server.url).reading() as heir:
        await wait_until(lambda: heir.counted("kept") == 7)
        await emptied(stream)
    assert stage.counted == {"same": 7}
    assert await stage.events.depth() == 7


@pytest.mark.long
async def test_an_entry_that_kills_its_workers_is_buried_and_its_neighbours_are_kept(
    stage: Stage, stream: Redis, other_server: StoreServer, redis_url: str, ring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "DELIVERIES_MAX", 2)
    await add(stream, *(structured(event(number)) for number in range(5)))
    for _ in range(2):
        assert await ended(child(redis_url, other_server, ring, "at:e-2")) == -9
    assert (await waiting(stream))[1] > 0
    async with Reader(stage, other_server.url).reading() as heir:
        await wait_until(lambda: heir.counted("poison") == 1)
        await emptied(stream)
    (letter,) = await letters(stream)
    assert letter["dead-reason"] == "poison: 2 workers had it, and none lived to tell"
    assert json.loads(letter["event"])["id"] == "e-2"
    assert await stage.events.depth() == 4


async def test_a_reader_that_stops_gives_back_what_it_holds_at_once(
    stage: Stage, stream: Redis, other_server: StoreServer
) -> None:
    place = (await add(stream, structured(event(1))))[0]
    await stream.xgroup_create(STREAM, GROUP, id="0")
    leaving = SourceStream(stream, stream=STREAM, group=GROUP, reader="leaving")
    assert [one.id for one in await leaving.fresh(10, block_ms=1)] == [place]
    other = SourceStream(stream, stream=STREAM, group=GROUP, reader="other")
    assert await other.claim(60_000) is None
    await leaving.leave(idle_ms=60_000)
    claimed = await other.claim(60_000)
    assert claimed is not None
    assert (claimed.id, claimed.deliveries) == (place, 1), "whoever gives back did not end with it"
    again = await other.mine(10)
    assert [(one.id, one.deliveries) for one in again] == [(place, 1)], "looking through one's own counts nothing"


# what stays in the stream


async def test_where_another_group_reads_the_stream_nothing_is_deleted(
    stage: Stage, stream: Redis, other_server: StoreServer
) -> None:
    await add(stream, structured(event(1)))
    await stream.xgroup_create(STREAM, "somebody-else", id="0")
    async with Reader(stage, other_server.url).reading() as reader:
        await wait_until(lambda: reader.counted("kept") == 1)
    assert await waiting(stream) == (1, 0, 0)


async def test_entries_are_left_where_the_settings_say_so(stage: Stage, stream: Redis, other_server: StoreServer) -> None:
    await add(stream, structured(event(1)))
    async with Reader(stage, other_server.url, delete=False).reading() as reader:
        await wait_until(lambda: reader.counted("kept") == 1)
    assert await waiting(stream) == (1, 0, 0)


async def test_depth_tells_what_waits_what_is_in_work_and_what_is_dead(stream: Redis) -> None:
    source = SourceStream(stream, stream=STREAM, group=GROUP, reader="one")
    empty = await source.depth()
    assert (empty.waiting, empty.pending, empty.dead, empty.oldest_ms, empty.readers) == (0, 0, 0, 0, 0)
    await add(stream, *({"event": str(number)} for number in range(5)))
    assert not await source.open()
    await source.fresh(2, block_ms=1)
    found = await source.depth()
    assert (found.waiting, found.pending, found.dead, found.readers, found.groups) == (3, 2, 0, 1, 1)
    assert 0 <= found.oldest_ms < 60_000


# in the whole gateway


async def test_a_gateway_reads_the_stream_on_its_own_store_as_the_named_key_may(data_dir: Path) -> None:
    async with house_running(
        data_dir,
        names=("intake",),
        read_templates=False,
        GATEWAY_SOURCE_REDIS_URL="store",
        GATEWAY_SOURCE_KEY_NAME="ops",
    ) as house:
        assert house.runtime is not None
        runtime, client = house.runtime, house.runtime.connection.redis
        for value in (event(1), sample("ce-trip-delayed")):
            del value["time"]
            await add(client, structured(value))
        api_keys = ApiKeys(client, runtime.clock, None)
        await api_keys.make("ops", ["events"], types=["flight.status"])
        await emptied(client)
        (letter,) = await letters(client)
        assert letter["dead-reason"].startswith("forbidden: type")
        identifier = runtime.vault.event_id(event(1)["source"], "e-1")
        assert await runtime.events.place_of(identifier) is not None
        sampled = runtime.metrics.registry.get_sample_value
        assert sampled("thuisfront_events_received_total", {"answer": "new"}) == 1


async def test_doctor_tells_what_the_stream_lacks(stream: Redis, other_server: StoreServer, redis: Redis, redis_url: str) -> None:
    def case(**more: str) -> Case:
        given = {"GATEWAY_REDIS_URL": redis_url, "GATEWAY_SOURCE_REDIS_URL": other_server.url, **more}
        settings = read(given, None)
        return Case(settings, Directory([]), admins={}, template_admins={}, surroundings=Surroundings(Clock()))

    async def found(one: Case) -> list[tuple[str, str]]:
        try:
            return [(finding.level.value, finding.what) for finding in await checks.source(one)]
        finally:
            await one.close()

    assert await found(case()) == [("ok", "0 entries wait, 0 are in work, 0 readers")]
    await stream.xadd(STREAM, {"event": "x"}, id="1-1")  # 1970
    await stream.xadd(f"{STREAM}:dead", {"dead-reason": "malformed"})
    late, dead = await found(case())
    assert late[0] == "fail"
    assert "the oldest is" in late[1]
    assert dead == ("warn", "1 entries were not taken and lie in the stream's dead letters")
    (key, *_) = await found(case(GATEWAY_SOURCE_KEY_NAME="ops"))
    assert key[0] == "fail"
    assert "GATEWAY_SOURCE_KEY_NAME" in key[1]
    (gone,) = await found(case(GATEWAY_SOURCE_REDIS_URL="unix:///nowhere/valkey.sock"))
    assert gone == ("fail", "the source's server does not answer (ConnectionError)")
    assert await found(case(GATEWAY_SOURCE_REDIS_URL="")) == [("ok", "no stream is set: events come over HTTP")]
