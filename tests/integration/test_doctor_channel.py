"""What `doctor` says of faults at the channel: each is seeded in the sandbox and asked for over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from gateway.cli.checks.finding import Level
from gateway.clock import Clock
from gateway.store import keys
from sandbox.account import WABA_ID
from tests.integration.clinic import CONFIG, NUMBER, Clinic, clinic
from tests.support.server import free_port

pytestmark = pytest.mark.long  # test_doctor.py shows how a finding is told; these are the seeds of the other

__all__ = ["clinic"]

APP_TOKEN = f"{CONFIG.app_id}|{CONFIG.app_secret}"
DAY_S = 86_400

Change = Callable[[dict[str, Any]], object]


@asynccontextmanager
async def altered(clinic: Clinic, path: str, change: Change) -> AsyncIterator[str]:
    """A channel that answers as the sandbox does, but for what `change` does to the answers of one path; its URL."""

    async def forward(request: web.Request) -> web.Response:
        headers = {"Authorization": request.headers["Authorization"], "Content-Type": "application/json"}
        url = f"{clinic.sandbox_url}{request.path_qs}"
        data = await request.read()
        async with clinic.session.request(request.method, url, data=data, headers=headers) as reply:
            answer = await reply.json()
            if request.path.endswith(path):
                change(answer)
            version = {"facebook-api-version": reply.headers["facebook-api-version"]}
            return web.json_response(answer, status=reply.status, headers=version)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", forward)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("/")).rstrip("/")
    await server.close()


async def test_channel_that_does_not_answer_fails_once(clinic: Clinic) -> None:
    code, lines = await clinic.run(json_=True, GATEWAY_GRAPH_URL=f"http://127.0.0.1:{free_port()}")
    findings = json.loads(lines[-1])["findings"]
    assert (code, [one["check"] for one in findings if one["level"] == "fail"]) == (1, ["channel"])
    assert {one["check"] for one in findings if one["mend"] == "see `channel`"} >= {"token", "number", "templates", "tier"}


async def test_wrong_token_fails_and_the_rest_only_refers_to_it(clinic: Clinic) -> None:
    code, lines = await clinic.run(json_=True, GATEWAY_WHATSAPP_TOKEN="not-the-token")
    findings = json.loads(lines[-1])["findings"]
    assert (code, [one["check"] for one in findings if one["level"] == "fail"]) == (1, ["token"])
    assert "not-the-token" not in lines[-1]


async def test_token_that_has_ended_says_how_long_ago(clinic: Clinic) -> None:
    await clinic.sandbox("PUT", "account", {"switches": {"token_expired": True}})
    found = await clinic.one("token")
    assert (found.level, "ended 60 min ago" in found.what) == (Level.FAIL, True)


@pytest.mark.parametrize(("days", "level"), [(2, Level.WARN), (20, Level.WARN), (45, Level.NOTE)])
async def test_token_that_will_end_says_in_how_many_days(clinic: Clinic, days: int, level: Level) -> None:
    ends_s = clinic.clock.now_ms() // 1000 + days * DAY_S + 600
    async with altered(clinic, "/debug_token", lambda answer: answer["data"].update(expires_at=ends_s)) as url:
        found = await clinic.one("token-end", GATEWAY_GRAPH_URL=url)
    assert (found.level, found.what) == (level, f"the token of whatsapp ends in {days} days")


async def test_token_without_a_permission_names_it(clinic: Clinic) -> None:
    await clinic.sandbox("PUT", "account", {"scopes": ["whatsapp_business_management"]})
    found = await clinic.one("token-scopes")
    assert (found.level, "lacks whatsapp_business_messaging" in found.what) == (Level.FAIL, True)


async def test_token_of_another_app_or_without_the_account_is_told_apart(clinic: Clinic) -> None:
    async with altered(clinic, "/debug_token", lambda answer: answer["data"].update(app_id="1")) as url:
        assert "made for another app" in (await clinic.one("token", GATEWAY_GRAPH_URL=url)).what
    assert "not given the account" in (await clinic.one("token", GATEWAY_WHATSAPP_WABA_ID="1")).what


async def test_wrong_app_secret_fails_and_a_second_one_only_warns(clinic: Clinic) -> None:
    found = await clinic.one("app-secret", GATEWAY_APP_SECRET="wrong-secret")
    assert (found.level, "GATEWAY_APP_SECRET is not the secret" in found.what) == (Level.FAIL, True)
    assert "wrong-secret" not in found.what
    found = await clinic.one("app-secret", GATEWAY_APP_SECRET=f"{CONFIG.app_secret},wrong-secret")
    assert (found.level, "number 2 is not accepted" in found.what) == (Level.WARN, True)
    assert (await clinic.one("app-secret", GATEWAY_APP_SECRET="")).level is Level.FAIL
    assert (await clinic.one("app-secret", GATEWAY_APP_ID="")).level is Level.WARN


# the way in


async def test_callback_that_is_not_set_fails(clinic: Clinic) -> None:
    await clinic.graph("DELETE", f"{CONFIG.app_id}/subscriptions", token=APP_TOKEN)
    found = await clinic.one("callback")
    assert (found.level, "no callback is set" in found.what) == (Level.FAIL, True)


async def test_callback_to_somebody_else_shows_both_addresses_without_their_query(clinic: Clinic) -> None:
    theirs = f"{clinic.public_url}/webhooks/whatsapp?secret=word"
    wish = {"webhook_configuration": {"override_callback_uri": theirs, "verify_token": CONFIG.verify_token}}
    await clinic.graph("POST", NUMBER, wish)
    found = await clinic.one("callback")
    assert (found.level, "instead of" in found.what, "secret=word" in found.what) == (Level.FAIL, True, False)


@pytest.mark.parametrize(("fields", "level"), [("account_update", Level.FAIL), ("messages,account_update", Level.WARN)])
async def test_callback_without_its_fields_is_told(clinic: Clinic, fields: str, level: Level) -> None:
    body = {
        "object": "whatsapp_business_account",
        "callback_url": f"{clinic.public_url}/webhooks/whatsapp",
        "verify_token": CONFIG.verify_token,
        "fields": fields,
    }
    await clinic.graph("POST", f"{CONFIG.app_id}/subscriptions", body, token=APP_TOKEN)
    found = await clinic.one("callback")
    assert (found.level, "subscribed" in found.what) == (level, True)


async def test_app_that_is_not_subscribed_to_the_account_fails(clinic: Clinic) -> None:
    await clinic.graph("DELETE", f"{WABA_ID}/subscribed_apps")
    found = await clinic.one("subscription")
    assert (found.level, "no webhook ever comes" in found.what) == (Level.FAIL, True)


# numbers


async def test_number_that_is_not_registered_fails(clinic: Clinic) -> None:
    await clinic.change_number(registered=False)
    found = await clinic.one("number")
    assert (found.level, "not registered" in found.what) == (Level.FAIL, True)


async def test_number_that_is_not_ours_fails(clinic: Clinic) -> None:
    found = await clinic.one("number", GATEWAY_WHATSAPP_PHONE_NUMBER_ID="999")
    assert (found.level, "cannot be seen" in found.what) == (Level.FAIL, True)


@pytest.mark.parametrize(("registered", "level"), [(True, Level.WARN), (False, Level.FAIL)])
async def test_number_that_nobody_verified_is_told(clinic: Clinic, registered: bool, level: Level) -> None:
    await clinic.change_number(verified=False, registered=registered)
    assert (await clinic.one("number-verified")).level is level


async def test_test_number_reaches_five_phones_only(clinic: Clinic) -> None:
    await clinic.sandbox("PUT", "account", {"test_mode": True})
    found = await clinic.one("test-mode")
    assert (found.level, "131030" in found.what) == (Level.NOTE, True)


@pytest.mark.parametrize(("rating", "level"), [("RED", Level.FAIL), ("YELLOW", Level.WARN), ("GREEN", Level.OK)])
async def test_quality_of_the_number_is_told(clinic: Clinic, rating: str, level: Level) -> None:
    await clinic.change_number(quality_rating=rating)
    assert (await clinic.one("quality")).level is level


async def test_account_without_payment_cannot_send(clinic: Clinic) -> None:
    await clinic.sandbox("PUT", "account", {"switches": {"payment_problem": True}})
    found = await clinic.one("account")
    assert (found.level, "payment method" in found.what) == (Level.FAIL, True)


async def test_tier_is_held_against_the_people_who_are_due(clinic: Clinic, redis: Redis) -> None:
    await clinic.sandbox("PUT", "account", {"tier": "TIER_50"})
    tomorrow = clinic.clock.now_ms() + 20 * 3600 * 1000
    lane, later = keys.part(7, "q:whatsapp"), keys.part(7, "later:whatsapp")
    await redis.zadd(lane, {f"a07{number:013d}:2{number:010d}0000000000:m07x": 0 for number in range(30)})
    # The same people again tomorrow are no more people, and what is due after that does not count.
    await redis.zadd(later, {f"a07{number:013d}:2{number + 99:010d}0000000000:m07y": tomorrow for number in range(30)})
    await redis.zadd(later, {f"a07{number:013d}:20000000000:m07z": tomorrow + DAY_S * 1000 for number in range(50, 90)})
    found = await clinic.one("tier")
    assert (found.level, "50 people in 24 hours; 30 people wait" in found.what) == (Level.OK, True)
    await redis.zadd(lane, {f"a07{number:013d}:20000000000:m07w": 0 for number in range(100, 121)})
    found = await clinic.one("tier")
    assert (found.level, "51 people wait" in found.what) == (Level.FAIL, True)


async def test_somebody_who_counts_better_is_believed(clinic: Clinic) -> None:
    async def due(senders: Any) -> int:
        return 90_000

    clinic.people_due = due
    found = await clinic.one("tier")
    assert (found.level, "90000 people wait" in found.what) == (Level.WARN, True)


# time and version


@pytest.mark.parametrize(("off_ms", "words"), [(90_000, "ahead of"), (-90_000, "behind")])
async def test_clock_that_is_off_says_by_how_much(clinic: Clinic, off_ms: int, words: str) -> None:
    clinic.clock = Clock(off_ms)
    found = await clinic.one("clock")
    assert (found.level, words in found.what) == (Level.FAIL, True)
    assert "time synchronisation" in found.mend


@pytest.mark.parametrize(
    ("version", "level"), [("v18.0", Level.FAIL), ("v25.0", Level.OK), ("v26.0", Level.OK), ("v39.0", Level.NOTE)]
)
async def test_version_of_the_api_is_judged(clinic: Clinic, version: str, level: Level) -> None:
    assert (await clinic.one("graph-version", GATEWAY_GRAPH_VERSION=version)).level is level


async def test_version_that_ended_or_ends_soon_is_told(clinic: Clinic) -> None:
    for version, level in (("v21.0", Level.WARN), ("v21.0", Level.FAIL)):
        day = 1_798_000_000_000 if level is Level.WARN else 1_801_000_000_000  # 2026-12-23, 2027-01-27
        clinic.clock = Clock(day - Clock().now_ms())
        assert (await clinic.one("graph-version", GATEWAY_GRAPH_VERSION=version)).level is level


# templates


async def template_id(clinic: Clinic, name: str) -> str:
    answer = await clinic.graph("GET", f"{WABA_ID}/message_templates?fields=id,name,language&limit=100")
    return str(next(one["id"] for one in answer["data"] if one["name"] == name))


async def decide(clinic: Clinic, name: str, **decision: str) -> None:
    await clinic.sandbox("POST", f"templates/{await template_id(clinic, name)}/decide", decision)


async def test_template_that_the_channel_lacks_is_named(clinic: Clinic) -> None:
    await clinic.graph("DELETE", f"{WABA_ID}/message_templates?name=address_check_v1")
    found = await clinic.one("templates")
    assert (found.level, "does not have: address_check_v1 (en)" in found.what) == (Level.WARN, True)


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        ({"decision": "PAUSED"}, "paused"),
        ({"decision": "DISABLED"}, "disabled"),
        ({"decision": "REJECTED", "reason": "SCAM"}, "refused with the words we have"),
        ({"decision": "APPROVED", "category": "MARKETING"}, "the channel says marketing, we say utility"),
    ],
)
async def test_template_that_the_channel_stopped_is_named(clinic: Clinic, decision: dict[str, str], words: str) -> None:
    await decide(clinic, "order_confirmed_v1", **decision)
    found = await clinic.one("templates")
    assert found.level is Level.WARN
    assert words in found.what
    assert "order_confirmed_v1" in found.what


async def test_template_under_review_is_a_note(clinic: Clinic) -> None:
    await decide(clinic, "order_confirmed_v1", decision="PENDING")
    found = await clinic.one("templates")
    assert (found.level, "under review: order_confirmed_v1" in found.what) == (Level.NOTE, True)


async def test_other_words_at_the_channel_than_here_are_noticed(clinic: Clinic) -> None:
    file = clinic.templates / "address_check" / "en.yaml"
    file.write_text(file.read_text().replace("is this number yours?", "may we ask whether this number is yours?"))
    found = await clinic.one("templates")
    assert (found.level, "raise version" in found.what) == (Level.WARN, True)


async def test_mistake_in_the_templates_fails_before_anything_is_compared(clinic: Clinic) -> None:
    (clinic.templates / "address_check" / "en.yaml").write_text("body: [")
    found = await clinic.one("templates")
    assert (found.level, "templates lint" in found.mend) == (Level.FAIL, True)


async def test_refused_management_calls_are_not_taken_for_missing_templates(clinic: Clinic) -> None:
    def refuse(answer: dict[str, Any]) -> None:
        answer.clear()
        answer["error"] = {"code": 80007, "message": "Rate limit issues"}

    async with altered(clinic, "/message_templates", refuse) as url:
        found = await clinic.one("templates", GATEWAY_GRAPH_URL=url)
    assert (found.level, "80007" in found.what, "an hour" in found.mend) == (Level.WARN, True, True)


async def test_what_may_be_meant_elsewhere_fails_in_production(clinic: Clinic) -> None:
    clinic.production = True
    await clinic.sandbox("PUT", "account", {"test_mode": True})
    await clinic.graph("DELETE", f"{WABA_ID}/message_templates?name=address_check_v1")
    ends_s = clinic.clock.now_ms() // 1000 + 2 * DAY_S
    async with altered(clinic, "/debug_token", lambda answer: answer["data"].update(expires_at=ends_s)) as url:
        changes = {"GATEWAY_GRAPH_URL": url, "GATEWAY_PUBLIC_URL": ""}
        code, lines = await clinic.run(json_=True, **changes)
    failing = {one["check"] for one in json.loads(lines[-1])["findings"] if one["level"] == "fail"}
    assert (code, failing) == (1, {"test-mode", "templates", "token-end", "public-url"})
