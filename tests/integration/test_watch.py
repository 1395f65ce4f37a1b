"""Without a Prometheus one process watches for all, and one address hears of each change once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import NotFound
from gateway.health import Beats
from gateway.insight.history import open_history
from gateway.insight.incident import Incident, gather
from gateway.insight.watch import LEASE, Watch, run_watch
from gateway.insight.watch_gauges import look_at_self
from gateway.insight.watch_post import Change, Poster, body_of
from gateway.insight.watch_rules import ALERTS_FILE, load, names_of
from gateway.insight.watch_signs import run_signs, samples_of
from gateway.metrics import Metrics
from gateway.model.ids import AddressId, ContactId, EventId, SenderId, message_id, random_id
from gateway.model.message import MessageState, Priority
from gateway.model.personal import Secret
from gateway.settings import ROLES
from gateway.store import keys
from gateway.store.alarms import Alarms
from gateway.store.leases import Leases
from gateway.store.outbox import Outbox, Pair, Plan, PlannedContact, PlannedMessage
from gateway.store.readings import Readings, blocked
from gateway.store.signs import SILENT_MS, Signs
from tests.support.house import house_running
from tests.support.waiting import wait_until

RULES = load()
NAMES = names_of(RULES)
PAUSED = ("thuisfront_sender_paused", {"sender": "air"}, 1.0)
WELL = ("thuisfront_sender_paused", {"sender": "air"}, 0.0)


@dataclass
class Receiver:
    """Somebody's chat or on-call service. answers: the statuses to give, then 200."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.bodies.append(await request.json())
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

    @property
    def heard(self) -> list[tuple[str, str]]:
        return [(one["status"], one["labels"]["alertname"]) for body in self.bodies for one in body["alerts"]]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook/secret-part"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@dataclass
class Turning:
    """A clock for a watch and its poster: a turn a quarter of a minute."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """A watch on a real store, one process "a:1" beside it that says how it is at every turn."""

    def __init__(self, redis: Redis, http: aiohttp.ClientSession, url: str, time: Turning) -> None:
        self.redis, self.signs, self.time, self.metrics = redis, Signs(redis), time, Metrics()
        self.poster = Poster(http, Secret(url), self.metrics, env="test", now_s=time, every_s=10, gaps_s=(20, 40))
        self.watch = self.another()

    def another(self, own: str = "a:1") -> Watch:
        metrics = self.metrics
        return Watch(
            self.signs, RULES, own=lambda: (own, samples_of(metrics, NAMES)), poster=self.poster, metrics=metrics,
            now_s=self.time, alarms=Alarms(self.redis),
        )  # fmt: skip

    async def turn(self, *samples: tuple[str, dict[str, str], float], minutes: float = 0.25, watch: Watch | None = None) -> None:
        """Turns over so many minutes, in which the process says the same."""
        for _ in range(max(round(minutes * 4), 1)):
            self.time.now += 15
            await self.signs.put("a:1", samples)
            await (watch or self.watch).turn()


async def test_what_fires_and_what_is_over_is_told_once(redis: Redis, http: aiohttp.ClientSession, receiver: Receiver) -> None:
    stage = Stage(redis, http, receiver.url, Turning())
    await stage.turn(WELL, minutes=1)
    await stage.turn(PAUSED, minutes=2)
    assert receiver.heard == [], "not before two minutes have gone by"
    await stage.turn(PAUSED, minutes=10)
    assert receiver.heard == [("firing", "SenderHeldUp")]
    assert [one.firing.name for one in await Alarms(redis).all() or []] == ["SenderHeldUp"]
    await stage.turn(WELL, minutes=5)
    assert receiver.heard == [("firing", "SenderHeldUp"), ("resolved", "SenderHeldUp")]
    fired, over = (body["alerts"][0] for body in receiver.bodies)
    assert fired["labels"] == {"alertname": "SenderHeldUp", "sender": "air", "severity": "page", "environment": "test"}
    assert fired["annotations"]["runbook_url"] == "docs/runbook/SenderHeldUp.md"
    assert fired["fingerprint"] == over["fingerprint"]
    assert fired["startsAt"] == over["startsAt"] < over["endsAt"]
    assert receiver.bodies[0]["text"].startswith("FIRING SenderHeldUp: The channel has paused sender air")
    assert await redis.hlen(keys.ALERTS) == 0
    assert await Alarms(redis).all() == [], "all is well, which is not that nobody watches"


async def test_a_receiver_that_fails_is_asked_again_with_growing_gaps(
    redis: Redis, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    stage = Stage(redis, http, receiver.url, Turning())
    receiver.answers = [500, 302, 429]
    await stage.turn(PAUSED, minutes=2.25)
    assert len(receiver.answers) == 2
    await stage.turn(PAUSED, minutes=0.25)
    assert len(receiver.answers) == 2, "not before twenty seconds"
    await stage.turn(PAUSED, minutes=3)
    assert receiver.heard == [("firing", "SenderHeldUp")], "a redirect is a failure, and nothing is told twice"
    value = stage.metrics.registry.get_sample_value
    assert value("thuisfront_alert_posts_total", {"outcome": "failed"}) == 3
    assert value("thuisfront_alert_posts_total", {"outcome": "delivered"}) == 1


async def test_many_changes_go_in_one_body_and_at_most_six_bodies_a_minute(
    http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    time = Turning()
    poster = Poster(http, Secret(receiver.url), Metrics(), now_s=time)
    for number in range(60):
        poster.add(Change(f"f{number}", {"alertname": "A"}, "something", "", time.now))
        await poster.turn()
        time.now += 1
    assert 2 <= len(receiver.bodies) <= 6
    time.now += 10
    await poster.turn()
    assert len(receiver.heard) == 60


async def test_the_next_watcher_does_not_say_it_again_and_says_when_it_is_over(
    redis: Redis, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    stage = Stage(redis, http, receiver.url, Turning())
    await stage.turn(PAUSED, minutes=3)
    assert await redis.hlen(keys.ALERTS) == 1
    second = stage.another()
    await stage.turn(PAUSED, minutes=4, watch=second)
    assert receiver.heard == [("firing", "SenderHeldUp")]
    third = stage.another()
    await stage.turn(WELL, minutes=1.5, watch=third)
    assert len(receiver.heard) == 1, "it has not watched as long as the rule looks back"
    await stage.turn(WELL, minutes=1, watch=third)
    assert receiver.heard[1:] == [("resolved", "SenderHeldUp")]


async def test_what_came_and_went_while_nobody_could_be_told_is_not_told(
    redis: Redis, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    stage = Stage(redis, http, receiver.url, Turning())
    receiver.answers = [503, 503]
    await stage.turn(PAUSED, minutes=2.25)
    await stage.turn(WELL, minutes=5)
    assert receiver.heard == []


async def test_a_killed_process_is_missed_and_one_that_ends_in_good_order_is_not(
    redis: Redis, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    stage = Stage(redis, http, receiver.url, Turning())
    for name in ("killed:2", "ended:3"):
        await stage.signs.put(name, [])
    await stage.turn(WELL)
    await stage.signs.leave("ended:3")
    old = (await redis.hget(keys.SIGNS, "killed:2") or b"").decode()
    at, _, rest = old.partition(" ")
    await redis.hset(keys.SIGNS, "killed:2", f"{int(at) - SILENT_MS - 1000} {rest}")
    await stage.turn(WELL, minutes=2)
    assert receiver.heard == [("firing", "ProcessSilent")]
    assert receiver.bodies[0]["alerts"][0]["labels"]["instance"] == "killed:2"
    await stage.signs.put("killed:2", [])
    await stage.turn(WELL, minutes=1)
    assert receiver.heard[1:] == [("resolved", "ProcessSilent")], "it was started again under its name"


async def test_a_process_silent_for_a_quarter_of_an_hour_is_forgotten(redis: Redis) -> None:
    signs = Signs(redis)
    await signs.put("long:1", [PAUSED])
    raw = (await redis.hget(keys.SIGNS, "long:1") or b"").decode()
    await redis.hset(keys.SIGNS, "long:1", f"{int(raw.partition(' ')[0]) - 901_000} []")
    await signs.put("here:1", [PAUSED])
    (one,) = await signs.all()
    assert (one.instance, one.samples) == ("here:1", (PAUSED,))
    assert one.age_ms < 5000


async def test_while_the_store_is_gone_the_last_watcher_says_so(
    redis: Redis, http: aiohttp.ClientSession, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(redis, http, receiver.url, Turning())
    await stage.turn(WELL)

    async def gone(*args: object) -> Any:
        raise ConnectionError

    async def store_ms() -> int:
        return int(await gone())

    monkeypatch.setattr(Signs, "all", gone)
    monkeypatch.setattr(Signs, "keep_told", gone)
    with pytest.raises(ConnectionError):
        await look_at_self(stage.metrics, Beats(), Clock(), store_ms, set())
    for _ in range(6):
        stage.time.now += 15
        await stage.watch.turn()
    assert receiver.heard == [("firing", "StoreAtRisk")]
    assert receiver.bodies[0]["alerts"][0]["labels"]["why"] == "gone"
    monkeypatch.undo()
    await stage.turn(("thuisfront_store_at_risk", {"why": "gone"}, 0.0))
    assert receiver.heard[1:] == [("resolved", "StoreAtRisk")]
    assert await redis.hlen(keys.ALERTS) == 0


async def test_of_two_processes_one_watches(redis: Redis, http: aiohttp.ClientSession, receiver: Receiver) -> None:
    stopping, looked = asyncio.Event(), {"one": 0, "two": 0}
    stages = {name: Stage(redis, http, receiver.url, Turning()) for name in looked}

    class Counted:
        def __init__(self, name: str) -> None:
            self.name = name

        async def turn(self) -> None:
            looked[self.name] += 1

        def rest(self) -> None:
            looked[self.name] = -1000

    async def survey() -> None:
        return None

    async with asyncio.TaskGroup() as group:
        for name, stage in stages.items():
            group.create_task(
                run_watch(
                    Counted(name), leases=Leases(redis), survey=survey, metrics=stage.metrics, stopping=stopping, every_s=0.02,  # type: ignore[arg-type]
                )
            )  # fmt: skip
        await wait_until(lambda: max(looked.values()) > 5)
        stopping.set()
    assert min(looked.values()) == 0
    assert await Leases(redis).holder(LEASE) is None, "given back, for the next one"


async def test_who_watched_goes_on_while_nobody_can_have_the_lease_and_nobody_else_begins(redis: Redis) -> None:
    stopping, turns, broken = asyncio.Event(), {"first": 0, "second": 0}, False

    class Failing(Leases):
        async def acquire(self, names: Sequence[str], ttl_ms: int) -> list[bool]:
            if broken:
                raise ConnectionError
            return await super().acquire(names, ttl_ms)

    class Counted:
        def __init__(self, name: str) -> None:
            self.name = name

        async def turn(self) -> None:
            turns[self.name] += 1

        def rest(self) -> None:
            raise AssertionError

    async def survey() -> None:
        raise ConnectionError

    def watching(name: str) -> Coroutine[Any, Any, None]:
        watch: Any = Counted(name)
        return run_watch(
            watch, leases=Failing(redis), survey=survey, metrics=Metrics(), stopping=stopping, every_s=0.02
        )

    async with asyncio.TaskGroup() as group:
        group.create_task(watching("first"))
        await wait_until(lambda: turns["first"] > 0)
        group.create_task(watching("second"))
        broken = True
        before = turns["first"]
        await wait_until(lambda: turns["first"] > before + 5)
        stopping.set()
    assert turns["second"] == 0


async def test_a_process_says_how_it_is_and_takes_its_name_out_at_the_end(redis: Redis) -> None:
    metrics, beats, stopping, signs = Metrics(), Beats(now_s=iter(range(0, 9000, 100)).__next__), asyncio.Event(), Signs(redis)
    beats.expect("dispatch", 60)
    task = asyncio.create_task(
        run_signs(
            signs, instance="a:1", names=NAMES, channels=["x"], metrics=metrics, beats=beats, clock=Clock(-7_000_000),
            stopping=stopping, every_s=0.02,
        )
    )  # fmt: skip

    async def late() -> bool:
        return any(name == "thuisfront_loop_late_seconds" for sign in await signs.all() for name, _, _ in sign.samples)

    await wait_until(late)
    (sign,) = await signs.all()
    words = ("answer", "kind", "outcome")
    found = {(name, next((labels[word] for word in words if word in labels), "")) for name, labels, _ in sign.samples}
    assert ("thuisfront_webhooks_received_total", "bad_signature") in found
    assert ("thuisfront_facts_total", "unreached") in found
    assert ("thuisfront_sends_total", "accepted") in found
    assert (metrics.registry.get_sample_value("thuisfront_clock_skew_seconds") or 0) < 1, "a turned clock is no wrong one"
    stopping.set()
    await task
    assert await signs.all() == []


async def test_it_speaks_also_when_memory_is_full(redis: Redis) -> None:
    await redis.config_set("maxmemory", "1")
    try:
        await Signs(redis).put("a:1", [PAUSED])
        assert await Readings(redis, Clock()).memory() > 1
    finally:
        await redis.config_set("maxmemory", "0")
    assert len(await Signs(redis).all()) == 1


async def test_the_oldest_message_that_could_be_sent_is_found_and_what_waits_on_purpose_is_not(redis: Redis) -> None:
    clock, sender = Clock(), SenderId("air")
    readings = Readings(redis, clock)
    empty = await readings.lanes([sender], sending=[sender])
    assert (empty.queued, empty.due, max(empty.oldest_s.values())) == ({sender: 0}, {sender: 0}, 0)
    now = clock.now_ms()
    ages = [(Priority.NORMAL, 300_000), (Priority.URGENT, 20_000), (Priority.NORMAL, -600_000)]
    for number, (priority, due_ms) in enumerate(ages):
        contact = ContactId(random_id("c", number))
        message = PlannedMessage(
            id=message_id(EventId("e010km9pty8hrv2c5rr"), "flight_delayed", "", contact, 0), contact=contact, sender=sender,
            address=AddressId("a" + contact[1:]), priority=priority, due_ms=now - due_ms, deadline_ms=now + 3600_000, told="",
            state=MessageState.QUEUED, reason="night" if due_ms < 0 else "", notification="flight_delayed", body=b"sealed",
        )  # fmt: skip
        plan = Plan(number, EventId("e010km9pty8hrv2c5rr"), 1, "", (PlannedContact(contact, 0, messages=(message,)),))
        assert (await Outbox(redis, Clock(-400_000), {sender: Pair(0, 1)}).put(plan)).written
    found = await readings.lanes([sender], sending=[sender])
    assert found.queued == {sender: 3}
    assert found.due == {sender: 2}
    assert found.oldest_s[Priority.NORMAL] == pytest.approx(300, abs=5)
    assert found.oldest_s[Priority.URGENT] == pytest.approx(20, abs=5)
    stopped = await readings.lanes([sender], sending=[])
    assert (stopped.queued, stopped.due) == ({sender: 3}, {sender: 0})


def test_only_templates_in_use_count_as_blocked() -> None:
    known = {("a", "nl"): {"state": "PAUSED"}, ("b", "nl"): {"state": "DISABLED"}, ("old", "nl"): {"state": "PAUSED"}}
    known |= {("c", "nl"): {"state": "APPROVED"}, ("d", "nl"): {"state": "APPROVED", "category": "marketing"}}
    in_use = {(name, language): "utility" for name in "abcd" for language in ("nl", "en")}
    assert blocked(known, in_use) == 3


def test_a_body_says_nothing_of_a_person_and_is_for_chats_and_on_call_services() -> None:
    body = body_of([Change("f", {"alertname": "A"}, "all is lost", "docs/x.md", 0.0, 60.0)], "production")
    assert body["version"] == "4"
    assert body["status"] == body["alerts"][0]["status"] == "resolved"
    assert body["text"] == "RESOLVED A: all is lost"
    assert body["alerts"][0]["endsAt"] == "1970-01-01T00:01:00.000Z"
    assert json.loads(json.dumps(body)) == body


@pytest.mark.long
async def test_a_whole_gateway_says_that_a_sender_was_paused_and_that_it_is_over(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = [replace(rule, for_s=0) for rule in RULES]
    monkeypatch.setattr("gateway.insight.watch_rules.load_here", lambda: at_once)
    monkeypatch.setitem(run_watch.__kwdefaults__, "every_s", 0.1)
    monkeypatch.setitem(run_signs.__kwdefaults__, "every_s", 0.1)
    monkeypatch.setitem(Poster.__init__.__kwdefaults__, "every_s", 0.1)
    async with house_running(tmp_path / "d", GATEWAY_ALERT_URL=receiver.url) as house:
        runtime = house.runtime
        assert runtime is not None
        await runtime.senders.set_state(SenderId("air"), {"paused": runtime.clock.now_ms() + 600_000, "why": "code 131031"})
        await wait_until(lambda: ("firing", "SenderHeldUp") in receiver.heard)
        await runtime.senders.set_state(SenderId("air"), {"paused": 0})
        await wait_until(lambda: ("resolved", "SenderHeldUp") in receiver.heard)
        (sign,) = await Signs(runtime.connection.redis).all()
        assert sign.instance.rpartition(":")[2] == str(house.ports["internal"])
        assert sign.roles == set(ROLES)
    assert {name for _, name in receiver.heard} == {"SenderHeldUp"}
    assert receiver.heard.count(("firing", "SenderHeldUp")) == 1


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_a_channel_that_takes_nothing_is_told_of_and_the_report_says_who_was_late(
    data_dir: Path, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = tmp_path / "alerts.yaml"
    quick.write_text(re.sub(r"\[\d+m\]", "[2s]", re.sub(r"for: \w+", "for: 0s", ALERTS_FILE.read_text("utf-8"))))
    monkeypatch.setattr("gateway.insight.watch_rules.load_here", lambda: load(quick))
    monkeypatch.setitem(run_watch.__kwdefaults__, "every_s", 0.2)
    monkeypatch.setitem(run_signs.__kwdefaults__, "every_s", 0.2)
    monkeypatch.setitem(Poster.__init__.__kwdefaults__, "every_s", 0.1)
    async with house_running(data_dir, GATEWAY_ALERT_URL=receiver.url) as house:
        assert house.http is not None
        assert house.runtime is not None
        await house.fault("http_500")
        begin = house.runtime.clock.now_ms()
        assert (await house.event("ce-order-confirmed-flight.json"))[0] == 202
        await wait_until(lambda: ("firing", "NothingSent") in receiver.heard, timeout=40)
        async with house.http.delete(f"{house.sandbox}/sandbox/faults/http_500") as answer:
            assert answer.status == 200
        await house.wait_for("+447700900123", 1, timeout=60)
        await wait_until(lambda: ("resolved", "NothingSent") in receiver.heard, timeout=30)
        end = house.runtime.clock.now_ms()
        history = await open_history(house.runtime.settings.history_url)

        async def told() -> Incident | None:
            try:
                report = await gather(history, since_ms=begin - 1000, until_ms=end + 60_000)
            except NotFound:
                return None
            return report if report.people["told"] else None

        try:
            report = await wait_until(told, timeout=20)
        finally:
            await history.close()
        late = [case.late_ms for case in report.cases if case.notification == "order_confirmed" and case.accepted_ms]
        assert max(late) > 1000
