"""Outgoing webhooks arrive, signed so that anybody's library can tell, at least once, and never where they should not."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from redis.asyncio import Redis
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError
from structlog.testing import capture_logs

from gateway.clock import Clock
from gateway.errors import SettingsError
from gateway.insight.fold import Hooks
from gateway.insight.hooks import Signer, check_targets, kinds_of, webhook_of
from gateway.insight.outgoing import GAPS_MS, HOUR_MS, LIFE_MS, Sender, replay, retry_after_ms, run_outgoing
from gateway.insight.unreached import GRACE_MS
from gateway.metrics import Metrics
from gateway.model.message import DeliveryStatus, MessageState
from gateway.model.personal import Secret
from gateway.store.facts import Fact
from gateway.store.outgoing import DONE_TTL_MS, LEASE_MS, Outgoing, Webhook
from tests.integration.facts_stage import Stage
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"o" * 24).decode()


class Receiver:
    """Somebody else's server: keeps what it got, answers as told (200 unless `answers` says otherwise, oldest first)."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.always: int = 200
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._post)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/hooks/secret-path"

    async def close(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _post(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        status, headers = self.answers.pop(0) if self.answers else (self.always, {})
        return web.Response(status=status, headers=headers)

    def verified(self, secret: str = SECRET) -> list[Any]:
        return [Verifier(secret).verify(body, headers) for headers, body in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def stage(redis: Redis, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = await Stage.make(redis, tmp_path)
    yield stage
    await stage.history.close()


class House:
    """A queue, one sender and a clock that can be turned."""

    def __init__(self, redis: Redis, http: aiohttp.ClientSession, urls: list[str], *, secret: str = SECRET) -> None:
        self.queue, self.clock, self.metrics = Outgoing(redis), Clock(), Metrics()
        self.targets = check_targets(urls)
        self.sender = Sender(
            self.queue, http, targets=self.targets, signer=Signer(Secret(secret)), metrics=self.metrics, clock=self.clock,
            post_s=2.0,
        )  # fmt: skip

    async def push(self, *names: str) -> None:
        webhooks = [Webhook(name, json.dumps({"type": "message.delivered", "name": name}).encode()) for name in names]
        await self.queue.push(webhooks, list(self.targets), now_ms=self.clock.now_ms())

    def count(self, outcome: str) -> float:
        return self.metrics.registry.get_sample_value("thuisfront_outgoing_webhooks_total", {"outcome": outcome}) or 0


async def scores(redis: Redis) -> list[int]:
    """When each waiting job is due (ms), below zero for the dead."""
    rows: Any = await redis.zrange("{out}r", 0, -1, withscores=True)
    return [int(score) for _, score in rows]


# What is said


async def test_facts_of_a_message_arrive_signed_and_hold_ids_reason_and_sentence_only(
    stage: Stage, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    house = House(stage.redis, http, [receiver.url])
    message = await stage.plan()
    await stage.settle()
    await stage.status(message, DeliveryStatus.DELIVERED)
    dead = await stage.plan("gate_changed")
    await stage.settle("x", reason="retries_exhausted", state=MessageState.DEAD)
    hooks = Hooks(house.queue, list(house.targets))
    for _ in range(2):
        fold = stage.fold(hooks)
        await fold.hold(range(64))
        await fold.turn()
        stage.clock.offset_ms += GRACE_MS + 1000
    await house.sender.turn()
    bodies = {body["type"]: body for body in receiver.verified()}
    assert sorted(bodies) == ["message.delivered", "message.failed", "message.unreached"]
    assert bodies["message.delivered"]["data"] == {
        "message_id": message,
        "contact_id": stage.contact,
        "notification": "flight_delayed",
        "event_id": stage.event.id,
        "subject_id": stage.event.subject_id,
        "conversation_id": None,
        "reason": None,
        "sentence": "it is on their phone",
    }
    assert bodies["message.unreached"]["data"]["message_id"] == dead
    assert bodies["message.unreached"]["data"]["reason"] == "retries_exhausted"
    assert bodies["message.unreached"]["data"]["sentence"].endswith("it failed too often")
    assert datetime.fromisoformat(bodies["message.delivered"]["timestamp"]).tzinfo is not None
    assert (await house.queue.depth()).queued == 0


async def test_only_subscribed_types_leave_the_house(stage: Stage, http: aiohttp.ClientSession) -> None:
    house = House(stage.redis, http, ["http://127.0.0.1:1/"])
    await stage.plan()
    await stage.settle()
    fold = stage.fold(Hooks(house.queue, list(house.targets), kinds_of(["message.accepted"])))
    await fold.hold(range(64))
    await fold.turn()
    jobs = await house.queue.take(10, now_ms=house.clock.now_ms())
    assert [json.loads(job.webhook.body)["type"] for job in jobs] == ["message.accepted"]


def test_fact_makes_the_same_webhook_every_time_and_one_without_a_message_none() -> None:
    fact = Fact(7, "17-3", 1_763_786_295_000, "delivered", ("m07x", "c07y"), {"at": "1"})
    first = webhook_of(fact, "flight_delayed")
    assert first is not None
    assert first == webhook_of(fact, "flight_delayed")
    assert first.id == "07x17x3"
    assert webhook_of(Fact(7, "17-3", 1, "delivered", ("c07y",), {}), "") is None
    assert webhook_of(Fact(7, "17-3", 1, "claimed", ("m07x",), {}), "") is None


# Signatures


async def test_both_secrets_sign_while_one_is_replaced(redis: Redis, http: aiohttp.ClientSession, receiver: Receiver) -> None:
    for together in (f"{SECRET} {OLD_SECRET}", f"{SECRET},{OLD_SECRET}"):
        receiver.got.clear()
        house = House(redis, http, [receiver.url], secret=together)
        await house.push(f"one{len(together)}x{together.count(',')}")
        await house.sender.turn()
        assert len(receiver.verified(SECRET)) == len(receiver.verified(OLD_SECRET)) == 1
        with pytest.raises(WebhookVerificationError):
            receiver.verified("whsec_" + base64.b64encode(b"x" * 32).decode())


@pytest.mark.parametrize("secret", ["", "secret", "whsec_", "whsec_c2hvcnQ=", SECRET + ",short"])
def test_secret_that_cannot_sign_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_WEBHOOK_SECRET") as refused:
        Signer(Secret(secret))
    assert "c2hvcnQ" not in str(refused.value)


def test_targets_other_than_http_are_refused_all_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        check_targets(["https://hooks.example.com/a", "file:///etc/passwd", "ftp://x", "http://", "https://h:99999/"])
    assert [problem.split(":")[1].split()[1] for problem in refused.value.problems] == ["2", "3", "4", "5"]


# Trying again


async def test_failed_webhook_is_tried_again_with_growing_gaps_then_dead_then_replayed(
    redis: Redis, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    house = House(redis, http, [receiver.url])
    receiver.always = 500
    began = house.clock.now_ms()
    await house.push("one")
    tries: list[int] = []
    with capture_logs() as lines:
        for _ in range(60):
            if not await house.sender.turn() and (await house.queue.depth()).dead:
                break
            if len(receiver.got) > len(tries):
                tries.append(house.clock.now_ms() - began)
            due = max(await scores(redis))
            house.clock.offset_ms += max(due - house.clock.now_ms() + 1, 0)
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps == sorted(gaps)
    assert len(tries) == len(GAPS_MS) + 1
    assert LIFE_MS * 0.9 < tries[-1] < LIFE_MS * 1.15
    assert (await house.queue.depth()).dead == 1
    assert house.count("dead") == 1
    assert "secret-path" not in json.dumps(lines)

    assert await replay(queue=house.queue, clock=house.clock, since_ms=house.clock.now_ms() + 1) == 0
    receiver.always = 200
    assert await replay(queue=house.queue, clock=house.clock, since_ms=began) == 1
    house.clock.offset_ms += HOUR_MS
    await house.sender.turn()
    assert (await house.queue.depth()).dead == 0
    assert house.count("delivered") == 1
    ids = {headers["webhook-id"] for headers, _ in receiver.got}
    assert ids == {"msg_one"}


async def test_redirect_is_not_followed_and_not_counted_as_delivered(
    redis: Redis, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    elsewhere = Receiver()
    await elsewhere.start()
    try:
        receiver.answers = [(307, {"Location": elsewhere.url})]
        house = House(redis, http, [receiver.url])
        await house.push("one")
        await house.sender.turn()
        assert elsewhere.got == []
        assert (await house.queue.depth()).retrying == 1
    finally:
        await elsewhere.close()


async def test_receivers_wish_to_wait_is_kept(redis: Redis, http: aiohttp.ClientSession, receiver: Receiver) -> None:
    house = House(redis, http, [receiver.url])
    receiver.answers = [(503, {"Retry-After": "7200"})]
    await house.push("one")
    await house.sender.turn()
    (due,) = await scores(redis)
    assert due - house.clock.now_ms() > 7_100_000


def test_retry_after_is_read_as_seconds_or_a_date_and_never_trusted_blindly() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert retry_after_ms("30", now.timestamp()) == 30_000
    assert retry_after_ms(format_datetime(now + timedelta(minutes=2), usegmt=True), now.timestamp()) == 120_000
    assert retry_after_ms(format_datetime(now - timedelta(minutes=2), usegmt=True), now.timestamp()) == 0
    assert [retry_after_ms(text, 0) for text in ("", "soon", "-5", "²")] == [0, 0, 0, 0]


async def test_dead_target_rests_and_does_not_keep_news_from_the_other(
    redis: Redis, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    down = Receiver()
    await down.start()
    down.always = 500
    try:
        house = House(redis, http, [receiver.url, down.url])
        await house.push(*(f"w{number:02d}" for number in range(40)))
        for _ in range(4):
            await house.sender.turn()
        assert len(receiver.got) == 40
        assert 3 <= len(down.got) < 20
        assert (await house.queue.depth()).retrying == 40
    finally:
        await down.close()


async def test_webhook_taken_by_a_process_that_died_is_due_again_after_its_lease(redis: Redis) -> None:
    queue = Outgoing(redis)
    await queue.push([Webhook("one", b"{}")], ["0a1b2c3d"], now_ms=1000)
    assert len(await queue.take(5, now_ms=1000)) == 1
    assert await queue.take(5, now_ms=1000 + LEASE_MS - 1) == []
    (job,) = await queue.take(5, now_ms=1000 + LEASE_MS)
    await queue.done(job)
    assert await queue.take(5, now_ms=1000 + 3 * LEASE_MS) == []


async def test_webhook_pushed_again_is_queued_once_also_after_its_delivery(redis: Redis) -> None:
    queue, webhook = Outgoing(redis), Webhook("one", b"{}")
    assert (await queue.push([webhook], ["aa", "bb"], now_ms=1)).new == 2
    assert (await queue.push([webhook], ["aa", "bb"], now_ms=1)).known == 2
    for job in await queue.take(5, now_ms=1):
        await queue.done(job)
    assert (await queue.push([webhook], ["aa", "bb"], now_ms=1)).known == 2
    assert 0 < await redis.pttl("{out}m:onetaa") <= DONE_TTL_MS


async def test_full_queue_takes_no_more_and_the_history_makes_it_again(
    stage: Stage, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    house = House(stage.redis, http, [receiver.url])
    small = Outgoing(stage.redis, waiting_max=1)
    kinds = kinds_of(["message.suppressed"])
    for notification in ("flight_delayed", "gate_changed", "boarding"):
        await stage.plan(notification, reason="no_consent")
    fold = stage.fold(Hooks(small, list(house.targets), kinds), house.metrics)
    await fold.hold(range(64))
    with capture_logs() as lines:
        await fold.turn()
    assert [line["count"] for line in lines if line["event"] == "outgoing.full"] == [2]
    assert house.count("dropped") == 2
    count = await replay(
        queue=house.queue, clock=house.clock, since_ms=0, everything=True, history=stage.history, facts=stage.facts,
        targets=list(house.targets), kinds=kinds,
    )  # fmt: skip
    assert count == 2
    await house.sender.turn()
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 3


async def test_target_taken_out_of_the_settings_is_dead_and_not_called(
    redis: Redis, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    house = House(redis, http, [receiver.url])
    await house.queue.push([Webhook("one", b"{}")], ["deadbeef"], now_ms=house.clock.now_ms())
    await house.sender.turn()
    assert receiver.got == []
    assert (await house.queue.depth()).dead == 1


async def test_running_sender_is_woken_and_stops(redis: Redis, http: aiohttp.ClientSession, receiver: Receiver) -> None:
    house = House(redis, http, [receiver.url])
    stopping, wake = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(
        run_outgoing(
            house.sender, house.queue, metrics=house.metrics, clock=house.clock, stopping=stopping, wake=wake, interval_s=60
        )
    )
    await wait_until(lambda: house.metrics.registry.get_sample_value(
        "thuisfront_outgoing_webhooks_waiting", {"state": "dead"}) is not None)  # fmt: skip
    await house.push("one")
    wake.set()
    await wait_until(lambda: len(receiver.got) == 1)
    stopping.set()
    await asyncio.wait_for(task, 5)


# The example: unreached people are told by mail


class SmtpSink:
    """A mail server in small: takes every mail, or refuses with `refuse`."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bytes]] = []
        self.refuse = False
        self.port = 0

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to: list[str] = []
        writer.write(b"220 sink\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line[:4].upper()
            if word == "RCPT":
                to.append(line.partition("<")[2].partition(">")[0])
            if word == "DATA":
                writer.write(b"354 go on\r\n")
                data = (await reader.readuntil(b"\r\n.\r\n"))[:-5]
                self.mails.append((to, data))
            if word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            writer.write(b"451 later\r\n" if word == "MAIL" and self.refuse else b"250 ok\r\n")
        writer.close()


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("unreached_to_smtp", ROOT / "examples" / "unreached_to_smtp.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def mailing(http: aiohttp.ClientSession) -> AsyncIterator[tuple[str, SmtpSink, Callable[..., Any]]]:
    """(URL of the example, the mail server, the gateway's answers as a dict of texts)"""
    texts = {"m07known": "Your flight ZZ1007 leaves at 18:05.\nGate B12."}

    async def get_message(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer key"
        text = texts.get(request.match_info["id"])
        return web.json_response({"text": text}) if text else web.Response(status=404)

    sink, module, runners, urls = SmtpSink(), example(), [], []
    server = await sink.start()
    gateway = web.Application()
    gateway.router.add_get("/v1/messages/{id}", get_message)

    async def serve(app: web.Application) -> None:
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        urls.append("http://{}:{}".format(*runner.addresses[0][:2]))

    await serve(gateway)
    config = module.Config(
        urls[0], "key", f"{SECRET} {OLD_SECRET}", "127.0.0.1", sink.port, "news@example.com", "desk@example.com",
        {"c07known": "someone@example.com"},
    )  # fmt: skip
    await serve(module.make_app(config))
    yield f"{urls[1]}/unreached", sink, module.verify
    server.close()
    for runner in runners:
        await runner.cleanup()


def unreached(message: str, contact: str) -> Webhook:
    detail = {"nt": "flight_delayed", "reason": "no_address"}
    fact = Fact(7, f"17-{len(message)}.u", 1_763_786_295_000, "unreached", (message, contact), detail)
    webhook = webhook_of(fact, "")
    assert webhook is not None
    return webhook


async def test_unreached_person_is_mailed_once_when_the_mail_server_takes_it(
    redis: Redis, http: aiohttp.ClientSession, mailing: tuple[str, SmtpSink, Any]
) -> None:
    url, sink, _ = mailing
    house = House(redis, http, [url])
    sink.refuse = True
    await house.queue.push([unreached("m07known", "c07known")], list(house.targets), now_ms=house.clock.now_ms())
    await house.sender.turn()
    assert sink.mails == []
    assert (await house.queue.depth()).retrying == 1
    sink.refuse = False
    house.clock.offset_ms += 10_000
    await house.sender.turn()
    assert house.count("delivered") == 1
    ((to, raw),) = sink.mails
    mail = message_from_bytes(raw)
    assert to == ["someone@example.com"]
    assert mail["Subject"] == "Your flight ZZ1007 leaves at 18:05."
    assert "Gate B12." in mail.get_payload()
    # Sent again by a gateway that lost our answer: known by its id.
    await redis.delete(*[key async for key in redis.scan_iter("{out}m:*")])
    await house.queue.push([unreached("m07known", "c07known")], list(house.targets), now_ms=house.clock.now_ms())
    await house.sender.turn()
    assert house.count("delivered") == 2
    assert len(sink.mails) == 1


async def test_person_without_a_known_mail_address_is_handed_to_the_desk(
    redis: Redis, http: aiohttp.ClientSession, mailing: tuple[str, SmtpSink, Any]
) -> None:
    url, sink, _ = mailing
    house = House(redis, http, [url], secret=OLD_SECRET)
    await house.queue.push([unreached("m07forgotten", "c07other")], list(house.targets), now_ms=house.clock.now_ms())
    await house.sender.turn()
    ((to, raw),) = sink.mails
    assert to == ["desk@example.com"]
    assert "contact c07other" in message_from_bytes(raw).get_payload()


async def test_example_refuses_what_is_not_signed_by_us_or_is_old(
    http: aiohttp.ClientSession, mailing: tuple[str, SmtpSink, Any]
) -> None:
    url, sink, verify = mailing
    body = unreached("m07known", "c07known").body
    headers = Signer(Secret(SECRET)).headers("msg_1", 1000, body)
    async with http.post(url, data=body, headers=headers) as answer:
        assert answer.status == 401
    assert sink.mails == []
    assert verify(SECRET, headers, body, 1100)
    assert not verify(SECRET, headers, body + b" ", 1100)
    assert not verify(OLD_SECRET, headers, body, 1100)
    assert not verify(SECRET, {}, body, 1100)
