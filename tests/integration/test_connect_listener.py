"""The listener of `connect`: it believes only what is signed, and takes only what is about the first message."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.meta.graph import Graph
from connectors.whatsapp.connector import WhatsAppConnector
from gateway.cli.connect_listener import Listener, Signal
from gateway.model.personal import Secret
from tests.support.server import free_port

SAMPLES = Path(__file__).parents[1] / "samples" / "whatsapp"
OPAQUE = "connect-0a1b2c.1.connect"


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return found


def status(name: str, opaque: str = OPAQUE) -> dict[str, Any]:
    body = sample(name)
    for found in body["entry"][0]["changes"][0]["value"]["statuses"]:
        found["biz_opaque_callback_data"] = opaque
    return body


@dataclass
class Post:
    """Whoever calls the listener."""

    listener: Listener
    url: str
    session: aiohttp.ClientSession

    async def send(self, body: dict[str, Any], secret: str = "one-secret") -> int:
        raw = json.dumps(body).encode()
        digest = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
        async with self.session.post(self.url, data=raw, headers={"X-Hub-Signature-256": f"sha256={digest}"}) as reply:
            return reply.status


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    connector = WhatsAppConnector(Graph("http://127.0.0.1:9"))
    secrets = (Secret("one-secret"), Secret("another-secret"))
    listener = Listener(connector, secrets=secrets, verify_token=Secret("a-word"))
    port = free_port()
    await listener.start("127.0.0.1", port)
    author = sample("inbound-text")["entry"][0]["changes"][0]["value"]["messages"][0]["from"]
    listener.expect(OPAQUE, connector.identify(f"+{author}", ""))
    async with aiohttp.ClientSession() as session:
        yield Post(listener, f"http://127.0.0.1:{port}/webhooks/whatsapp", session)
    await listener.close()
    await connector.close()


async def test_handshake_is_answered_to_whoever_knows_the_word(post: Post) -> None:
    for word, expected in (("a-word", 200), ("another-word", 403)):
        query = {"hub.mode": "subscribe", "hub.challenge": "12345", "hub.verify_token": word}
        async with post.session.get(post.url, params=query) as reply:
            assert reply.status == expected
            assert (await reply.text() == "12345") is (expected == 200)
    assert post.listener.shaken == 1


async def test_delivered_of_the_first_message_is_heard_by_whoever_waits(post: Post) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(post.listener.wait_for(Signal.DELIVERED, 10))
        assert await post.send(status("status-sent-utility-template")) == 200
        assert await post.send(status("status-delivered-utility-template"), "another-secret") == 200
    heard = waiting.result()
    assert heard is not None
    assert (heard.signal, heard.failed) == (Signal.DELIVERED, 0)


async def test_failure_is_heard_with_its_code(post: Post) -> None:
    assert await post.send(status("status-failed-131026-undeliverable")) == 200
    heard = await post.listener.wait_for(Signal.DELIVERED, 1)
    assert heard is not None
    assert heard.failed == 131026


async def test_what_nobody_signed_is_not_believed(post: Post) -> None:
    assert await post.send(status("status-delivered-utility-template"), "a-wrong-secret") == 401
    assert await post.listener.wait_for(Signal.DELIVERED, 0.05) is None
    assert post.listener.refused == 1


@pytest.mark.parametrize(
    "body",
    [
        status("status-delivered-utility-template", "m07abc.1.whatsapp"),
        sample("status-delivered-utility-template"),
        sample("account-template-paused"),
        sample("inbound-text-username-no-phone"),
        {"object": "page", "entry": []},
    ],
)
async def test_what_is_not_about_the_first_message_is_left_for_the_gateway(post: Post, body: dict[str, Any]) -> None:
    assert await post.send(body) == 503
    assert await post.listener.wait_for(Signal.DELIVERED, 0.02) is None
    assert await post.listener.wait_for(Signal.ANSWER, 0.02) is None


async def test_answer_of_the_own_phone_is_heard_and_a_mixed_batch_is_brought_again(post: Post) -> None:
    ours, other = sample("inbound-text"), sample("inbound-text-username-no-phone")
    mixed = {**ours, "entry": [*ours["entry"], *other["entry"]]}
    assert await post.send(mixed) == 503
    assert await post.listener.wait_for(Signal.ANSWER, 1) is not None
    assert await post.send(ours) == 200


async def test_what_came_before_a_new_expectation_does_not_count(post: Post) -> None:
    assert await post.send(status("status-delivered-utility-template")) == 200
    connector = WhatsAppConnector(Graph("http://127.0.0.1:9"))
    post.listener.expect("connect-other.1.connect", connector.identify("+447700900999", ""))
    assert await post.listener.wait_for(Signal.DELIVERED, 0.02) is None


async def test_taken_port_is_an_error_and_leaves_nothing_behind(post: Post) -> None:
    connector = WhatsAppConnector(Graph("http://127.0.0.1:9"))
    second = Listener(connector, secrets=(), verify_token=Secret("a-word"))
    with pytest.raises(OSError, match="in use"):
        await second.start("127.0.0.1", int(post.url.split(":")[2].split("/")[0]))
    await second.close()
