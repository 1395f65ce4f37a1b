"""Meta's answers about the account, read: what is refused and why, what is old, what is not told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from connectors.meta.graph import AnswerLost, Graph, NotSent
from connectors.whatsapp.admin import VERSIONS, WhatsAppAdmin
from connectors.whatsapp.admin_reading import app, number, subscribers, token
from connectors.whatsapp.refusals import refused
from gateway.connector import RawResponse, RenderedRequest
from gateway.model.account import NumberReport, Refused, Why
from gateway.model.message import Template
from gateway.model.personal import Personal, Secret

SAMPLES = Path(__file__).parents[1] / "samples" / "whatsapp"
NEEDED = ("whatsapp_business_messaging", "whatsapp_business_management")


class Wire:
    """Stands where `Graph` stands: answers in turn, and keeps what was asked."""

    def __init__(self, *answers: Mapping[str, Any] | BaseException, headers: Mapping[str, str] | None = None) -> None:
        self.left = list(answers)
        self.asked: list[RenderedRequest] = []
        self.headers = dict(headers or {})

    async def send(self, request: RenderedRequest) -> RawResponse:
        self.asked.append(request)
        answer = self.left.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return RawResponse(400 if "error" in answer else 200, self.headers, json.dumps(answer).encode())


def admin(wire: Wire, version: str = "v25.0") -> WhatsAppAdmin:
    graph = cast(Graph, wire)
    return WhatsAppAdmin(graph, version, app_id="161803", app_secret=Secret("a-secret"), token=Secret("a-token"))


@pytest.mark.parametrize(
    ("sample", "why"),
    [
        ("error-190-token-expired", Why.TOKEN),
        ("error-0-auth-exception", Why.TOKEN),
        ("error-10-permission", Why.PERMISSION),
        ("error-200-permission", Why.PERMISSION),
        ("error-100-33-object-missing", Why.MISSING),
        ("error-131030-not-in-allowed-list", Why.NOT_LISTED),
        ("error-131042-payment", Why.PAYMENT),
        ("error-132001-template-missing", Why.TEMPLATE),
        ("error-133010-not-registered", Why.NOT_REGISTERED),
        ("error-80007-waba-rate-limit", Why.BUSY),
        ("error-2-service-unavailable", Why.BUSY),
    ],
)
def test_recorded_refusal_says_why_and_how_it_is_mended(sample: str, why: Why) -> None:
    found = json.loads((SAMPLES / f"{sample}.json").read_text())
    refusal = refused(RawResponse(found["http_status"], {}, json.dumps(found["body"]).encode()))
    assert refusal is not None
    assert refusal.why is why
    assert refusal.mend


def test_answer_without_an_error_of_metas_is_busy_and_a_sound_one_is_none() -> None:
    assert refused(RawResponse(200, {}, b'{"success": true}')) is None
    for status, body in ((502, b"<html>"), (500, b""), (200, b"[]")):
        refusal = refused(RawResponse(status, {}, body))
        assert refusal is not None
        assert refusal.why is Why.BUSY


def test_words_for_people_are_preferred_and_lose_what_is_personal() -> None:
    error = {"code": 136024, "message": "short", "error_user_msg": "Wait before +44 7700 900123 gets another code"}
    refusal = refused(RawResponse(400, {}, json.dumps({"error": error}).encode()))
    assert refusal is not None
    assert refusal.words.startswith("Wait before")
    assert "900123" not in refusal.sentence
    assert "code 136024" in refusal.sentence


async def test_silence_says_whether_anything_can_have_been_done() -> None:
    for broken, why in ((NotSent("no byte left"), Why.NO_ANSWER), (AnswerLost("reset"), Why.UNCERTAIN)):
        answer = await admin(Wire(broken)).number("1")
        assert isinstance(answer, Refused)
        assert (answer.why, answer.silent) == (why, True)


async def test_fields_that_meta_dropped_cost_only_themselves() -> None:
    unknown = {"error": {"code": 100, "message": "(#100) Tried accessing nonexisting field (account_mode)"}}
    wire = Wire(unknown, {"id": "1", "platform_type": "CLOUD_API", "code_verification_status": "EXPIRED"})
    report = await admin(wire).number("1")
    assert isinstance(report, NumberReport)
    assert (report.registered, report.verified, report.test, report.tier) == (True, True, None, None)
    assert "account_mode" not in wire.asked[1].path


async def test_token_is_asked_as_the_app_and_else_about_itself() -> None:
    wire = Wire({"error": {"code": 101, "message": "no such app"}}, {"data": {"is_valid": True, "scopes": list(NEEDED)}})
    report = await admin(wire).token()
    assert not isinstance(report, Refused)
    assert (report.valid, report.missing) == (True, ())
    assert [request.token.reveal() for request in wire.asked] == ["161803|a-secret", "a-token"]


async def test_clock_and_version_are_read_from_a_refusing_answer_too() -> None:
    headers = {"date": "Sun, 22 Nov 2026 04:05:06 GMT", "facebook-api-version": "v24.0"}
    pulse = await admin(Wire({"error": {"code": 190, "message": "no"}}, headers=headers)).pulse()
    assert not isinstance(pulse, Refused)
    assert (pulse.server_ms, pulse.served) == (1_795_320_306_000, "v24.0")
    pulse = await admin(Wire({}, headers={"date": "yesterday"})).pulse()
    assert not isinstance(pulse, Refused)
    assert pulse.server_ms is None


async def test_first_message_carries_a_mark_that_is_no_message_of_the_gateways() -> None:
    wire = Wire({"messages": [{"id": "wamid.A"}]})
    one = admin(wire)
    await one.send("1", Personal("+447700900123"), Template("hello_world", "en_US"), "connect-0a1b")
    body = wire.asked[0].body
    assert body is not None
    assert body["biz_opaque_callback_data"] == one.opaque_of("connect-0a1b")
    assert not one.opaque_of("connect-0a1b").startswith("m")
    assert (body["to"], body["template"]["name"]) == ("+447700900123", "hello_world")


def test_versions_know_their_end_and_their_age() -> None:
    assert (admin(Wire(), "v25.0").version().known, admin(Wire(), "v25.0").version().ends) == (True, "2028-07-29")
    assert admin(Wire(), "v12.0").version().older
    newer = admin(Wire(), "v99.0").version()
    assert (newer.known, newer.older) == (False, False)
    assert list(VERSIONS) == sorted(VERSIONS)


def test_token_that_may_see_every_account_names_none() -> None:
    grants = [{"scope": NEEDED[0]}, {"scope": NEEDED[1], "target_ids": ["7", 8]}, {"scope": "other", "target_ids": ["9"]}]
    report = token({"data": {"is_valid": True, "expires_at": 1_800_000_000, "granular_scopes": grants}}, NEEDED)
    assert (report.accounts, report.sees_all, report.missing) == (("7", "8"), True, ())
    assert report.expires_ms == 1_800_000_000_000
    assert token({}, NEEDED).missing == NEEDED


def test_callback_is_that_of_our_kind_of_object_and_active() -> None:
    page = {"object": "page", "callback_url": "https://a.example", "fields": []}
    fields = ["messages", {"name": "security"}]
    ours = {"object": "whatsapp", "callback_url": "https://b.example", "active": True, "fields": fields}
    report = app({"data": [page, ours]}, "whatsapp", ("messages", "account_update"))
    assert (report.callback, report.missing) == ("https://b.example", ("account_update",))
    assert app({"data": [{**ours, "active": False}]}, "whatsapp", ("messages",)).callback is None


def test_number_tells_what_stands_in_its_way_and_whose_callback_wins() -> None:
    health = {
        "entities": [
            {"entity_type": "WABA", "can_send_message": "BLOCKED", "errors": [{"error_description": "No payment method."}]},
            {"entity_type": "BUSINESS", "can_send_message": "LIMITED"},
            {"entity_type": "APP", "can_send_message": "AVAILABLE"},
        ]
    }
    hooks = {"application": "https://a.example", "phone_number": "https://b.example"}
    found = number({"id": "1", "status": "CONNECTED", "health_status": health, "webhook_configuration": hooks})
    assert (found.blocked, found.limited) == (("waba: No payment method.",), ("business: limited",))
    assert (found.callback, found.registered) == ("https://b.example", True)
    assert number({}).registered is False


def test_accounts_own_callback_is_told_beside_the_apps() -> None:
    entry = {"whatsapp_business_api_data": {"id": 7}, "override_callback_uri": "https://c.example"}
    assert subscribers({"data": [entry]}).apps == ("7",)
    assert subscribers({"data": [entry]}).override == "https://c.example"
