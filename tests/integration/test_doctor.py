"""What `doctor` says of a healthy installation, and of faults in settings, store, keys, disk and flow. A real store each time."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from demo.accounts import Accounts
from gateway import oidc
from gateway.cli.checks.finding import Level
from gateway.cli.checks.storage import judge_durability
from gateway.clock import Clock
from gateway.directory import read as read_directory
from gateway.errors import BadInput
from gateway.insight.history import Batch, Position, open_history
from gateway.model.ids import SubjectId, new_contact_id, random_id
from gateway.model.personal import Secret
from gateway.settings import Environment
from gateway.store import keys, layout, reply
from gateway.store.brakes import BrakeBook
from gateway.store.client import connect
from gateway.store.facts import parse
from gateway.store.hold import HELD, Hold
from gateway.store.incidents import Crisis, Incidents
from gateway.store.readings import Readings
from gateway.store.senders import Senders, Stop
from gateway.store.vault import KeyRing, Vault
from tests.conftest import ON_CLUSTER
from tests.integration.clinic import ROOMY, Clinic, clinic
from tests.support.embedded import alive
from tests.support.server import StoreServer, free_port

__all__ = ["clinic"]

MINUTE_MS = 60_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def test_healthy_installation_is_well_and_says_what_is_kept(clinic: Clinic, redis: Redis) -> None:
    await layout.claim(redis, Environment.STAGING, now_ms())
    code, lines = await clinic.run(json_=True)
    answer = json.loads(lines[-1])
    assert (code, answer["well"]) == (0, True)
    where = "one of the cluster's 3 primaries" if ON_CLUSTER else "this server"
    assert answer["promise"].startswith(f"202 means on the disk of {where}, before the answer.")
    assert ("GATEWAY_STORE_ACKS=1" in answer["promise"]) == ON_CLUSTER, "where there are replicas"
    wrong = [one for one in answer["findings"] if one["level"] != "ok"]
    assert [one["check"] for one in wrong] == ["tls"]  # nothing to look at without https
    assert answer["sentence"].startswith("All is well")


async def test_examination_changes_nothing_in_the_store(clinic: Clinic, redis: Redis) -> None:
    await clinic.run()
    assert await redis.dbsize() == 0
    assert not clinic.data_dir.exists()


async def test_people_read_every_finding_its_mend_and_one_last_sentence(clinic: Clinic) -> None:
    code, lines = await clinic.run(GATEWAY_WHATSAPP_TOKEN="not-the-token")
    text = "\n".join(lines)
    assert code == 1
    assert "FAIL  token " in text
    assert "-> make one that never ends: business.facebook.com" in text
    assert lines[-2].startswith("Not well: 1 to mend (token)")
    assert lines[-1].startswith("202 means")
    assert "not-the-token" not in text
    assert "447700900123" not in text


async def test_one_check_may_be_asked_alone_and_an_unknown_one_is_named(clinic: Clinic) -> None:
    code, lines = await clinic.run("disk", json_=True)
    assert code == 0
    assert {one["check"] for one in json.loads(lines[-1])["findings"]} == {"disk"}
    with pytest.raises(BadInput, match=r"--only: disc: no check has this name; there are senders"):
        await clinic.run("disc")


async def test_check_asked_alone_does_not_keep_silent_about_what_it_cannot_see(clinic: Clinic) -> None:
    _, lines = await clinic.run("quality", json_=True, GATEWAY_WHATSAPP_TOKEN="not-the-token")
    (finding,) = json.loads(lines[-1])["findings"]
    assert (finding["level"], finding["mend"]) == ("warn", "see `token`")


# settings and this machine


async def test_no_sender_fails_and_nothing_else_is_blamed_for_it(clinic: Clinic) -> None:
    code, lines = await clinic.run(json_=True, GATEWAY_WHATSAPP_TOKEN="")
    failing = [one["check"] for one in json.loads(lines[-1])["findings"] if one["level"] == "fail"]
    assert (code, failing) == (1, ["senders"])


async def test_sender_without_its_account_is_named(clinic: Clinic) -> None:
    found = await clinic.one("senders", GATEWAY_WHATSAPP_WABA_ID="")
    assert (found.level, "GATEWAY_WHATSAPP_WABA_ID" in found.mend) == (Level.FAIL, True)


async def test_empty_list_outside_production_means_nobody_is_written_to(clinic: Clinic) -> None:
    found = await clinic.one("only-to", GATEWAY_ONLY_TO="")
    assert (found.level, "nobody at all" in found.what) == (Level.WARN, True)


async def test_senders_file_that_cannot_be_read_is_a_finding(clinic: Clinic) -> None:
    code, lines = await clinic.run(json_=True, GATEWAY_SENDERS_FILE="/nowhere/senders.yaml")
    (finding,) = json.loads(lines[-1])["findings"]
    assert (code, finding["check"], finding["what"]) == (1, "settings", "GATEWAY_SENDERS_FILE")


async def test_webcare_file_is_looked_at_and_each_mistake_named(clinic: Clinic, tmp_path: Path) -> None:
    file = tmp_path / "webcare.yaml"
    assert (await clinic.one("webcare")).level is Level.OK
    file.write_text("brands: {default: {calendar: office}}")
    found = await clinic.one("webcare", GATEWAY_WEBCARE=str(file))
    assert (found.level, "brands.default.calendar: 'office' is no calendar" in found.what) == (Level.FAIL, True)
    file.write_text("calendars: {c: {timezone: UTC, week: {}}}")
    assert "opens no more" in (await clinic.one("webcare", GATEWAY_WEBCARE=str(file))).what
    file.write_text("brands: {default: {queues: [{name: theirs, desk: external}]}}")
    plan = {"GATEWAY_WEBCARE": str(file)}
    assert "answers default/theirs and is told nothing" in (await clinic.one("webcare", **plan)).what
    plan |= {"GATEWAY_WEBHOOK_TARGETS": "https://helpdesk.example/hooks", "GATEWAY_WEBHOOK_SECRET": "whsec_" + "aGVsbG8g" * 5}
    assert (await clinic.one("webcare", **plan)).level is Level.OK
    deaf = await clinic.one("webcare", **plan, GATEWAY_WEBHOOK_TYPES="message.failed")
    assert (deaf.level, "does not hear" in deaf.what) == (Level.WARN, True)
    file.write_text("brands: {nobody: {}}")
    assert "no sender speaks" in (await clinic.one("webcare", GATEWAY_WEBCARE=str(file))).what


async def test_how_customers_show_who_they_are_is_said_and_a_provider_that_is_away_is_a_fault(clinic: Clinic) -> None:
    assert "no way" in (await clinic.one("identity")).what
    more = {"GATEWAY_CUSTOMER_OIDC_CLIENT_ID": "x", "GATEWAY_PUBLIC_URL": "https://zz.example"}
    away = await clinic.one("identity", GATEWAY_CUSTOMER_OIDC_ISSUER=f"http://127.0.0.1:{free_port()}", **more)
    assert (away.level, "does not answer" in away.what) == (Level.FAIL, True)
    outside = Accounts((), "x", "", "")
    port = free_port()
    async with outside.running(port):
        found = await clinic.one("identity", GATEWAY_CUSTOMER_OIDC_ISSUER=outside.issuer, **more)
    assert (found.level, "signing in" in found.what) == (Level.OK, True)


async def test_the_provider_of_agents_is_looked_at_with_its_issuer_its_clock_and_what_its_tokens_say(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert oidc._ahead_s("Mon, 23 Nov 2026 02:00:30 GMT", 1_795_399_200) == 30
    assert oidc._ahead_s("soon", 0) is None
    assert "name and password" in (await clinic.one("sign-in")).what
    groups = tmp_path / "groups.yaml"
    groups.write_text("webcare: [agent@zz]")
    port = free_port()
    outside = Accounts((), "x", "", "")
    more = {
        "GATEWAY_OIDC_ISSUER": f"http://127.0.0.1:{port}", "GATEWAY_OIDC_CLIENT_ID": "x", "GATEWAY_OIDC_CLIENT_SECRET": "y",
        "GATEWAY_OIDC_GROUPS_FILE": str(groups), "GATEWAY_CONSOLE_URL": "https://desk.example.org",
    }  # fmt: skip
    away = await clinic.one("sign-in", **more)
    assert (away.level, "does not answer" in away.what) == (Level.FAIL, True)
    async with outside.running(port):
        well = await clinic.one("sign-in", **more)
        assert (well.level, "right time" in well.what) == (Level.OK, True), well
        other = await clinic.one("sign-in", **{**more, "GATEWAY_OIDC_ISSUER": f"http://localhost:{port}"})
        assert (other.level, "another issuer" in other.what) == (Level.FAIL, True)
        monkeypatch.setattr(oidc, "_ahead_s", lambda date, now_s: -120.0)
        late = await clinic.one("sign-in", **more)
        assert (late.level, "120 s behind ours" in late.what) == (Level.FAIL, True)
        groups.write_text("webcare: [dancer@zz]")
        assert (await clinic.one("sign-in", **more)).level is Level.FAIL


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_port_in_other_hands_is_named_with_its_setting(clinic: Clinic) -> None:
    with listening() as port:
        found = await clinic.one("ports", GATEWAY_CONSOLE_PORT=str(port))
    assert found.level is Level.FAIL
    assert f"GATEWAY_CONSOLE_PORT: port {port} on 127.0.0.1 is taken" in found.what


async def test_ports_in_the_hands_of_a_running_gateway_are_in_order(clinic: Clinic) -> None:
    async def alive(request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    app = web.Application()
    app.router.add_get("/healthz", alive)
    server = TestServer(app)
    await server.start_server()
    found = await clinic.one("ports", GATEWAY_INTERNAL_PORT=str(server.port))
    await server.close()
    assert (found.level, "a gateway runs" in found.what) == (Level.OK, True)


# the store


async def test_store_that_does_not_answer_fails_once(clinic: Clinic) -> None:
    code, lines = await clinic.run(json_=True, GATEWAY_REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    findings = json.loads(lines[-1])["findings"]
    assert [one["check"] for one in findings if one["level"] == "fail"] == ["store"]
    assert {one["check"] for one in findings if one["mend"] == "see `store`"} >= {"keys", "store-memory", "facts"}
    assert code == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"appendfsync": "everysec"}, "appendfsync is everysec"),
        ({"appendonly": "no"}, "appendonly is no"),
        ({"maxmemory-policy": "allkeys-lru"}, "maxmemory-policy is allkeys-lru"),
    ],
)
async def test_store_that_may_lose_promises_is_a_warning_and_in_production_a_failure(
    clinic: Clinic, options: dict[str, str], words: str
) -> None:
    server = StoreServer(options)
    try:
        found = await clinic.one("store-keeps", GATEWAY_REDIS_URL=server.url)
        connection = await connect(clinic.settings(GATEWAY_REDIS_URL=server.url))
        await connection.close()
    finally:
        server.close()
    assert (found.level, words in found.what) == (Level.WARN, True)
    (in_production,) = judge_durability(connection.durability, Environment.PRODUCTION)
    assert (in_production.level, in_production.what) == (Level.FAIL, found.what)


async def old_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speaks as Redis 6.2 does, as far as anybody asks before they notice its age."""
    info = b"redis_version:6.2.14\r\nrole:master\r\nconnected_slaves:0\r\n"
    while header := await reader.readline():
        words = []
        for _ in range(int(header[1:])):
            length = int((await reader.readline())[1:])
            words.append((await reader.readexactly(length + 2))[:-2].upper())
        if words[0] == b"INFO":
            writer.write(b"$%d\r\n%s\r\n" % (len(info), info))
        elif words[0] == b"PING":
            writer.write(b"+PONG\r\n")
        elif words[0] == b"HELLO":
            writer.write(b"%1\r\n+proto\r\n:3\r\n")
        elif words[0] == b"CLIENT":
            writer.write(b"+OK\r\n")
        else:
            writer.write(b"-ERR unknown command\r\n")


async def test_store_that_is_too_old_is_refused_everywhere(clinic: Clinic) -> None:
    server = await asyncio.start_server(old_server, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found = await clinic.one("store-keeps", GATEWAY_REDIS_URL=f"redis://127.0.0.1:{port}")
    server.close()
    assert (found.level, found.what) == (Level.FAIL, "Redis 6.2.14 is too old")


async def test_full_memory_fails_before_events_are_lost(clinic: Clinic) -> None:
    server = StoreServer({"maxmemory": "8mb"})
    client = Redis.from_url(server.url)
    try:
        assert (await clinic.one("store-memory", GATEWAY_REDIS_URL=server.url)).level is Level.OK
        while int((await client.info("memory"))["used_memory"]) < 0.82 * (8 << 20):
            await client.rpush("filling", b"x" * 50_000)
        found = await clinic.one("store-memory", GATEWAY_REDIS_URL=server.url)
    finally:
        await client.aclose()
        server.close()
    assert (found.level, "429" in found.what) == (Level.FAIL, True)


async def test_store_of_another_environment_or_layout_is_refused(clinic: Clinic, redis: Redis) -> None:
    await layout.claim(redis, Environment.DEMO, now_ms())
    found = await clinic.one("environment")
    assert (found.level, found.what) == (Level.FAIL, "the store belongs to demo and GATEWAY_ENV is staging")
    await redis.hset(keys.LAYOUT, mapping={"env": "staging", "version": "0"})
    found = await clinic.one("environment")
    assert (found.level, "main.py migrate" in found.mend) == (Level.FAIL, True)
    await redis.hset(keys.LAYOUT, "version", str(layout.VERSION + 1))
    assert "newer program" in (await clinic.one("environment")).mend


async def test_nearly_full_disk_is_named_with_its_directory(clinic: Clinic) -> None:
    assert clinic.disk == ROOMY
    clinic.disk = (100 << 20, 100 << 30)
    found = await clinic.look("disk")
    assert [one.level for one in found] == [Level.FAIL, Level.FAIL]  # ours and the store's
    assert "GATEWAY_DATA_DIR" in found[0].what
    assert "the store's directory" in found[1].what


# keys


def ring(*versions: int) -> dict[str, str]:
    entries = KeyRing.generate().reveal().split(",")[0]
    more = [f"{version}:{KeyRing.generate().reveal().partition('1:')[2]}" for version in versions]
    return {str(count): ",".join([entries, *more[: count + 1]]) for count in range(len(versions))}


async def test_key_that_wraps_what_the_store_holds_is_missed(clinic: Clinic, redis: Redis) -> None:
    rings = ring(1, 2)
    contact = new_contact_id()
    vault = Vault(KeyRing(Secret(rings["1"])), redis)
    await vault.contact_box(contact, create=True)
    await redis.zadd(keys.beside(contact, "all"), {contact: now_ms()})
    assert (await clinic.one("keys", GATEWAY_KEYS=rings["1"])).what.endswith("(keys 2 in use, 0 days)")
    found = await clinic.one("keys", GATEWAY_KEYS=rings["0"])
    assert (found.level, found.what.partition(": ")[2]) == (Level.FAIL, "key 2 is missing")
    other = await clinic.one("keys", GATEWAY_KEYS=ring(1, 2)["1"])
    assert (other.level, other.what.partition(": ")[2]) == (Level.FAIL, "key 2 is another one")


async def test_key_of_a_day_that_cannot_be_opened_is_missed(clinic: Clinic, redis: Redis) -> None:
    await Vault(KeyRing(KeyRing.generate()), redis).day_box(Vault.day_of(now_ms()))
    found = await clinic.one("keys")
    assert (found.level, "the key that wraps" in found.what) == (Level.FAIL, True)


async def test_sealed_data_without_any_ring_fails_and_makes_none(clinic: Clinic, redis: Redis) -> None:
    assert (await clinic.one("keys", GATEWAY_KEYS="")).level is Level.NOTE
    await Vault(KeyRing(KeyRing.generate()), redis).day_box(Vault.day_of(now_ms()))
    found = await clinic.one("keys", GATEWAY_KEYS="")
    assert (found.level, (clinic.data_dir / "keys").exists()) == (Level.FAIL, False)


async def test_ring_that_is_no_ring_says_which_entry(clinic: Clinic) -> None:
    found = await clinic.one("keys", GATEWAY_KEYS="index:short,1:short")
    assert (found.level, "'index'" in found.what) == (Level.FAIL, True)


# flow


async def fact(redis: Redis, kind: str, ago_ms: int, detail: str = "", partition: int = 3) -> str:
    """One packed fact, written `ago_ms` ago by the server's clock as well."""
    at = now_ms() - ago_ms
    raw = f"1|{at}|{kind}|m03aaaaaaaaaaaa|{detail}".encode()
    name = reply.words(await redis.xadd(keys.part(partition, "facts"), {"f": raw}, id=f"{at}-1"))
    assert parse(partition, name, raw).kind == kind
    return name


async def test_webhooks_that_wait_too_long_are_counted(clinic: Clinic, redis: Redis) -> None:
    for ago_ms, level in ((1_000, Level.OK), (2 * MINUTE_MS, Level.WARN), (9 * MINUTE_MS, Level.FAIL)):
        await redis.delete(keys.webhook_log(4))
        await redis.xadd(keys.webhook_log(4), {"b": b"sealed"}, id=f"{now_ms() - ago_ms}-1")
        found = await clinic.one("webhook-backlog")
        assert (found.level, found.what.startswith("1 webhooks wait")) == (level, True)


async def test_channel_that_never_tells_what_became_of_messages_is_noticed(clinic: Clinic, redis: Redis) -> None:
    await fact(redis, "accepted", 20 * MINUTE_MS, "attempt=1")
    found = await clinic.one("webhooks-silent")
    assert (found.level, found.what.endswith("no webhook came ever")) == (Level.FAIL, True)
    await fact(redis, "accepted", 19 * MINUTE_MS, "attempt=2 by=evidence")
    assert (await clinic.one("webhooks-silent")).level is Level.OK
    await fact(redis, "accepted", 7 * MINUTE_MS, "attempt=1")
    found = await clinic.one("webhooks-silent")
    assert (found.level, "1 messages were handed over" in found.what) == (Level.WARN, True)
    await fact(redis, "delivered", MINUTE_MS)
    assert (await clinic.one("webhooks-silent")).level is Level.OK


async def test_facts_that_nobody_folds_are_noticed(clinic: Clinic, redis: Redis) -> None:
    first = await fact(redis, "event", 40 * MINUTE_MS)
    found = await clinic.one("facts")
    assert (found.level, "40 min old" in found.what) == (Level.FAIL, True)
    assert not clinic.data_dir.exists()
    history = await open_history(clinic.settings().history_url)
    await history.commit([Batch(3, Position(), Position(first, first), ())])
    await history.close()
    assert (await clinic.one("facts")).level is Level.OK
    await fact(redis, "event", 3 * MINUTE_MS)
    assert (await clinic.one("facts")).level is Level.WARN


async def test_moments_that_nobody_fires_are_noticed(clinic: Clinic, redis: Redis) -> None:
    assert (await clinic.one("moments")).level is Level.OK
    for ago_ms, level in ((-60 * MINUTE_MS, Level.OK), (2 * MINUTE_MS, Level.WARN), (60 * MINUTE_MS, Level.FAIL)):
        await redis.zadd(keys.part(9, "timers"), {"j09aaaaaaaaaaa:check_in_opens": now_ms() - ago_ms})
        assert (await clinic.one("moments")).level is level


async def test_embedded_store_is_looked_at_too_and_ends_with_the_doctor(clinic: Clinic) -> None:
    found = await clinic.one("store", GATEWAY_REDIS_URL="")
    assert (found.level, str(clinic.data_dir / "store") in found.what) == (Level.OK, True)
    assert (await clinic.one("store-keeps", GATEWAY_REDIS_URL="")).level is Level.OK
    assert not alive(clinic.data_dir)


async def test_stops_crises_and_a_restore_that_holds_are_named_with_how_they_are_lifted(clinic: Clinic, redis: Redis) -> None:
    assert (await clinic.one("brakes")).level is Level.OK
    clock, now = clinic.clock, clinic.clock.now_ms()
    book = BrakeBook(redis, clock)
    await book.stop(Stop("notification:survey", now + 3_700_000, "ada", "too many", now - 200_000))
    subject = SubjectId(random_id("j", 3))
    crisis = Crisis(subject, (subject,), "flight:ZZ1007/2026-11-22/AMS", "care", "kim", "emergency landing", now - 330_000)
    await Incidents(redis, clock).begin(crisis)
    stop, about = sorted(await clinic.look("brakes"), key=lambda one: one.what, reverse=True)
    assert stop.what == "notification:survey is stopped for 3 min, for another 61 min, by ada: too many"
    assert stop.mend == "`python main.py resume notification:survey` lifts it"
    assert about.what == "crisis about flight:ZZ1007/2026-11-22/AMS, for 5 min, by kim: emergency landing"
    assert {stop.level, about.level} == {Level.NOTE}

    await Hold(redis).put(clock, who="ada", why="restored: the store is that of Sunday", note={})
    found = await clinic.look("brakes")
    assert [one.level for one in found].count(Level.WARN) == 1
    assert "resume all" in next(one for one in found if one.level is Level.WARN).mend
    await redis.hdel(keys.STOPS, "all")
    assert Level.WARN not in {one.level for one in await clinic.look("brakes")}
    assert await redis.hget(keys.RESTORED, HELD) == b"1", "a doctor changes nothing"


async def test_who_travels_within_a_day_is_estimated_from_when_their_orders_end(redis: Redis) -> None:
    clock, flight = Clock(), random_id("j", 3)
    ends = {"tomorrow": 2.5, "next week": 9.0, "today, long over": 1.0, "a contract": 3000.0}
    people = 0
    for partition in (1, 2, 60):
        for number, days in enumerate([*ends.values(), ends["tomorrow"]]):
            contact = f"c{partition:02d}{number:013d}"
            await redis.zadd(keys.part(partition, "all"), {contact: number})
            until = clock.now_ms() + round(days * keys.DAY_MS)
            await redis.hset(keys.part(partition, f"cs:{contact}"), mapping={flight: f"{until}|", random_id("j", 4): "1|x"})
            people += days == ends["tomorrow"]
    found = await Readings(redis, clock).travelling()
    assert (found.people, found.looked_at, found.contacts) == (people, 15, 15)
    assert found.basis == "estimated from 15 of 15 contacts, by when their orders end"


async def test_a_sender_that_is_slowed_paused_or_has_a_long_queue_says_so(clinic: Clinic, redis: Redis) -> None:
    assert (await clinic.one("pace")).level is Level.OK
    sender, senders = next(iter(read_directory(clinic.settings()))), Senders(redis, Clock())
    began = time.monotonic()
    await senders.slow_down(sender.id, 1000)
    found = await clinic.one("pace")
    assert found.level is Level.NOTE
    told = re.search(rf"{sender.id} sends at (\d+)% of its {sender.per_second:g} a second.* whole again in (\d+) s", found.what)
    assert told is not None, found.what
    percent, whole_s = map(int, told.groups())
    took_s = time.monotonic() - began  # each second gives two hundredths back
    assert 50 <= percent <= 51 + 2 * took_s
    assert 24 - took_s <= whole_s <= 26
    await redis.delete(keys.bucket(sender.id))
    await redis.zadd(keys.part(3, f"q:{sender.id}"), {f"lane-{place}": 0 for place in range(int(sender.per_second * 150))})
    found = await clinic.one("pace")
    assert (found.level, "12,000 messages wait" in found.what, "2 min at its pace" in found.what) == (Level.WARN, True, True)
    await senders.set_state(sender.id, {"paused": now_ms() + 60 * MINUTE_MS, "why": "code 131031"})
    found = await clinic.one("pace")
    assert (found.level, "paused for another" in found.what, "code 131031" in found.what) == (Level.WARN, True, True)
