"""/v1/invitations: made once, told once, seen without what is secret, revoked; and by the command line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.model.contact import Identifier
from gateway.model.invitation import Claim
from gateway.model.personal import Personal
from gateway.store.apikeys import Scope
from gateway.store.invitations import Invitations
from gateway.store.reply import words
from tests.integration.api_stage import FIRST, Client, Stage, ask, bearer

BODY: dict[str, Any] = {
    "origin": "booking_page",
    "reason": "ticket",
    "subject": {"order": "ZX4299"},
    "customerId": "C-10482",
    "language": "nl",
    "brand": "zz",
    "proof": "app_login",
    "consents": [{"purpose": "journey", "wording": "journey-nl-3"}],
}
MARKS = ("ZX4299", "C-10482")


@pytest.fixture
async def stage(redis: Redis) -> Stage:
    return Stage(redis, GATEWAY_PUBLIC_URL="https://news.example.org")


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    async with stage.serve() as client:
        yield client


async def post(client: Client, body: Any, *, key: str = FIRST, once: str = "") -> tuple[int, dict[str, Any]]:
    headers = bearer(key) | ({"Idempotency-Key": once} if once else {})
    async with client.post("/v1/invitations", json=body, headers=headers) as response:
        assert response.headers.get("Cache-Control") == "no-store" or response.status >= 400
        return response.status, await response.json()


async def everything(redis: Redis) -> str:
    """All that the store holds, as text."""
    found: list[str] = []
    client: Any = redis
    async for name in client.scan_iter(count=1000):
        kind = words(await client.type(name))
        read = {"string": client.get, "hash": client.hgetall}.get(kind, client.dump)
        found.append(f"{name!r} {await read(name)!r}")
    return "\n".join(found)


async def test_a_link_is_made_and_nothing_in_the_store_shows_it(client: Client, stage: Stage) -> None:
    status, made = await post(client, BODY)
    assert status == 201
    token = made["link"].removeprefix("https://news.example.org/i/")
    assert made["links"][0]["url"].startswith("https://wa.me/12025550123?text=Stuur%20mijn%20ticket%2C%20code%20")
    assert made["code"] in made["links"][0]["url"]
    assert made["qr"]["of"] == made["link"]
    assert made["qr"]["png"].startswith("data:image/png;base64,")
    kept = await everything(stage.redis)
    for mark in (*MARKS, token, made["code"], made["code"].replace("-", "").lower()):
        assert mark not in kept
        assert mark not in made["id"]


async def test_the_same_request_says_the_same_links_and_another_body_is_refused(client: Client) -> None:
    status, made = await post(client, BODY, once="booking-1")
    again, same = await post(client, BODY, once="booking-1")
    assert (status, again) == (201, 200)
    assert (same["link"], same["code"], same["id"]) == (made["link"], made["code"], made["id"])
    assert (await post(client, {**BODY, "language": "en"}, once="booking-1"))[0] == 409
    assert (await post(client, {**BODY, "subject": {"order": "ZX9999"}}, once="booking-1"))[0] == 409
    other, another = await post(client, BODY)
    assert other == 201
    assert another["link"] != made["link"]


async def test_it_is_seen_without_its_links_and_revoked_once(client: Client, stage: Stage) -> None:
    _, made = await post(client, BODY)
    status, found = await ask(client, "GET", f"/v1/invitations/{made['id']}")
    assert (status, found["state"]) == (200, "open")
    text = json.dumps(found)
    assert not any(mark in text for mark in (*MARKS, made["code"], made["link"].rpartition("/")[2]))
    assert (await ask(client, "DELETE", f"/v1/invitations/{made['id']}"))[0] == 204
    assert (await ask(client, "DELETE", f"/v1/invitations/{made['id']}"))[0] == 204
    assert (await ask(client, "GET", f"/v1/invitations/{made['id']}"))[1]["state"] == "revoked"
    assert (await ask(client, "GET", "/v1/invitations/i07abcdefghjkmnp"))[0] == 404

    _, taken = await post(client, BODY)
    comer = [Identifier("phone", "", Personal("+447700900301"))]
    invitations = Invitations(stage.redis, stage.clock, stage.vault)
    assert await invitations.claim(taken["id"], "whatsapp", comer, stage.clock.now_ms()) is Claim.FIRST
    assert (await ask(client, "DELETE", f"/v1/invitations/{taken['id']}"))[0] == 409


async def test_of_two_who_come_at_once_one_is_first_and_stays_it(client: Client, stage: Stage) -> None:
    _, made = await post(client, BODY)
    invitations = Invitations(stage.redis, stage.clock, stage.vault)
    now = stage.clock.now_ms()
    first = [Identifier("user_id", "p", Personal("GB.1")), Identifier("phone", "", Personal("+447700900301"))]
    second = [Identifier("phone", "", Personal("+447700900302"))]
    assert await invitations.claim(made["id"], "whatsapp", first, now) is Claim.FIRST
    assert await invitations.claim(made["id"], "whatsapp", second, now) is Claim.USED
    assert await invitations.claim(made["id"], "whatsapp", first[1:], now) is Claim.YOURS, "known by any of their names"
    assert await invitations.claim(made["id"], "messenger", first, now) is Claim.USED, "the same word elsewhere is another"
    stage.clock.offset_ms += 40 * 24 * 3600_000
    late = stage.clock.now_ms()
    assert await invitations.claim(made["id"], "whatsapp", first, late) is Claim.YOURS
    _, another = await post(client, BODY)
    stage.clock.offset_ms += 40 * 24 * 3600_000
    assert await invitations.claim(another["id"], "whatsapp", second, stage.clock.now_ms()) is Claim.EXPIRED
    assert await invitations.claim(another["id"], "whatsapp", second, late) is Claim.FIRST, "in time is who came in time"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": {}}, "subject"),
        ({"subject": {"entity": "ZZ1007/2026-11-22/AMS"}}, "subject"),
        ({"origin": "a dream"}, "origin"),
        ({"proof": "surname"}, "proof"),
        ({"channels": ["pigeon"]}, "channels[0]"),
        ({"channels": ["messenger"]}, "channels[0]"),
        ({"consents": [{"purpose": "offers", "wording": "journey-nl-3"}]}, "consents[0].wording"),
        ({"validUntil": "2020-01-01T00:00:00Z"}, "validUntil"),
        ({"language": "n"}, "language"),
        ({"token": "x"}, "*"),
    ],
)
async def test_what_is_wrong_is_named(client: Client, change: dict[str, Any], field: str) -> None:
    status, answer = await post(client, {**BODY, **change})
    assert status == 422, answer
    assert [one["field"] for one in answer["problems"]] == [field]


async def test_a_key_needs_the_scope_and_speaks_for_its_brands_only(client: Client, stage: Stage) -> None:
    reader = (await stage.keys.make("reader", [Scope.CONTACTS_READ])).reveal()
    other = (await stage.keys.make("other", [Scope.CONTACTS_READ, Scope.CONTACTS_WRITE], brands=["exr"])).reveal()
    assert (await post(client, BODY, key=reader))[0] == 403
    assert (await post(client, BODY, key=other))[0] == 403
    _, made = await post(client, BODY)
    assert (await ask(client, "GET", f"/v1/invitations/{made['id']}", key=reader))[0] == 200
    assert (await ask(client, "GET", f"/v1/invitations/{made['id']}", key=other))[0] == 404
    assert (await ask(client, "DELETE", f"/v1/invitations/{made['id']}", key=other))[0] == 404
