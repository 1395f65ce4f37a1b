"""What `doctor` says of a Page: each fault is seeded in the sandbox, or in its answers, and asked for over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis.asyncio import Redis

from connectors.messenger.admin import WEBHOOK_FIELDS
from gateway.cli.checks.finding import Level
from gateway.clock import Clock
from gateway.model.capability import Capability, Finding, Findings
from gateway.model.ids import SenderId
from gateway.store.senders import Senders
from tests.integration.clinic import CONFIG
from tests.integration.page_clinic import APP_TOKEN, FIRST_SCREEN, PAGE, PageClinic, pages
from tests.integration.test_doctor_channel import altered

pytestmark = pytest.mark.long  # test_doctor.py shows how a finding is told; these are the seeds of one channel

__all__ = ["pages"]

SENDER = SenderId("messenger")


async def test_a_page_where_all_is_well_has_nothing_to_mend(pages: PageClinic) -> None:
    code, lines = await pages.run(json_=True)
    answer = json.loads(lines[-1])
    assert (code, [one for one in answer["findings"] if one["level"] in ("fail", "warn")]) == (0, [])
    checks = {one["check"] for one in answer["findings"]}
    assert {"page", "default-app", "thread-control", "utility", "human-agent", "get-started", "greeting", "menu"} <= checks
    assert not {"number", "tier", "quality"} & checks  # there is no number to look at
    assert PAGE not in answer["sentence"]


async def test_a_wrong_token_fails_once_and_the_rest_refers_to_it(pages: PageClinic) -> None:
    _, lines = await pages.run(json_=True, GATEWAY_MESSENGER_TOKEN="not-the-token")
    findings = json.loads(lines[-1])["findings"]
    assert [one["check"] for one in findings if one["level"] == "fail"] == ["token"]
    assert "not-the-token" not in lines[-1]


async def test_another_pages_token_does_not_see_this_page(pages: PageClinic) -> None:
    stranger = {"GATEWAY_MESSENGER_TOKEN": "sandbox-page-token-141421356237302"}
    found = await pages.one("token", **stranger)
    assert (found.level, "was not given the Page" in found.what) == (Level.FAIL, True)
    assert (await pages.one("page", **stranger)).level is Level.FAIL


async def test_an_app_that_demands_a_proof_with_each_call_is_told_where_to_switch_that_off(pages: PageClinic) -> None:
    await pages.switch(require_proof=True)
    found = await pages.one("page")
    assert (found.level, "appsecret_proof" in found.what, "Require app secret" in found.mend) == (Level.FAIL, True, True)


async def test_a_token_without_a_permission_names_it(pages: PageClinic) -> None:
    await pages.sandbox("PUT", "account", {"scopes": ["pages_messaging", "pages_utility_messaging"]})
    found = await pages.one("token-scopes")
    assert (found.level, "lacks pages_manage_metadata" in found.what) == (Level.FAIL, True)


async def test_a_token_without_the_templates_permission_says_what_will_not_go_out(pages: PageClinic) -> None:
    await pages.sandbox("PUT", "account", {"scopes": ["pages_messaging", "pages_manage_metadata"]})
    found = await pages.one("utility")
    assert (found.level, "pages_utility_messaging" in found.what) == (Level.WARN, True)
    templates = await pages.one("templates")
    assert (templates.level, templates.mend) == (Level.NOTE, "see `utility`")
    pages.production = True
    assert (await pages.one("utility")).level is Level.FAIL


async def test_callback_and_fields_are_looked_at_on_both_levels(pages: PageClinic) -> None:
    assert "come to" in (await pages.one("callback")).what
    fewer = ",".join(name for name in WEBHOOK_FIELDS if name not in ("standby", "message_echoes"))
    await pages.graph("POST", f"{PAGE}/subscribed_apps?subscribed_fields={fewer}", {})
    found = await pages.one("subscription")
    assert (found.level, "message_echoes, standby" in found.what) == (Level.WARN, True)
    assert "standby" in (await pages.one("thread-control")).what
    await pages.graph("POST", f"{PAGE}/subscribed_apps?subscribed_fields=standby", {})
    assert (await pages.one("subscription")).level is Level.FAIL
    await pages.switch(subscribed=False)
    found = await pages.one("subscription")
    assert (found.level, "no webhook ever comes" in found.what) == (Level.FAIL, True)
    await pages.graph("DELETE", f"{CONFIG.app_id}/subscriptions?object=page", token=APP_TOKEN)
    found = await pages.one("callback")
    assert (found.level, "no callback is set" in found.what) == (Level.FAIL, True)
    assert "connect messenger" in found.mend


async def test_an_app_that_hears_too_is_named(pages: PageClinic) -> None:
    def add(answer: dict[str, Any]) -> None:
        answer["data"].append({"id": "5", "name": "Chatty", "subscribed_fields": ["messages"]})

    async with altered(pages, "/subscribed_apps", add) as url:
        found = await pages.one("subscription", GATEWAY_GRAPH_URL=url)
    assert (found.level, "Chatty" in found.what) == (Level.NOTE, True)


async def test_a_first_screen_that_loses_tokens_is_told(pages: PageClinic) -> None:
    await pages.graph("POST", f"{PAGE}/messenger_profile", {"ice_breakers": [{"question": "Late?", "payload": "late"}]})
    found = await pages.one("get-started")
    assert (found.level, "tokens get lost" in found.what) == (Level.WARN, True)
    await pages.graph("DELETE", f"{PAGE}/messenger_profile", {"fields": [*FIRST_SCREEN, "ice_breakers"]})
    found = await pages.one("get-started")
    assert (found.level, "bring no token" in found.what) == (Level.WARN, True)
    assert (await pages.one("greeting")).level is Level.NOTE
    assert (await pages.one("menu")).level is Level.NOTE
    pages.production = True
    assert (await pages.one("get-started")).level is Level.FAIL


async def test_another_default_app_means_that_new_chats_are_not_ours(pages: PageClinic) -> None:
    def refuse(answer: dict[str, Any]) -> None:
        answer.clear()
        answer["error"] = {"code": 100, "error_subcode": 2534037, "message": "(#100) not the thread owner"}

    async with altered(pages, "/secondary_receivers", refuse) as url:
        found = await pages.one("default-app", GATEWAY_GRAPH_URL=url)
    assert (found.level, "another app is the default" in found.what) == (Level.WARN, True)

    def unrouted(answer: dict[str, Any]) -> None:
        answer["messaging_feature_status"] = {"hop_v2": False, "msgr_multi_app": False}

    async with altered(pages, f"/{PAGE}", unrouted) as url:
        found = await pages.one("default-app", GATEWAY_GRAPH_URL=url)
    assert (found.level, "no default app is chosen" in found.what) == (Level.NOTE, True)


async def test_people_who_may_answer_for_a_day_only_are_told(pages: PageClinic) -> None:
    assert "seven days" in (await pages.one("human-agent")).what
    await pages.switch(human_agent=False)
    found = await pages.one("human-agent")
    assert (found.level, "24 h only" in found.what) == (Level.WARN, True)


async def test_an_assistant_of_the_channels_own_is_told_where_it_shows(pages: PageClinic) -> None:
    found = await pages.one("assistant")
    assert (found.level, "does not say" in found.what) == (Level.NOTE, True)
    await pages.switch(assistant=True)
    found = await pages.one("assistant")
    assert (found.level, "Meta Assistant may take the chats" in found.what) == (Level.WARN, True)


async def test_what_sends_showed_is_told_with_its_age(pages: PageClinic, redis: Redis) -> None:
    now, senders = Clock().now_ms(), Senders(redis, Clock())
    assert "not looked at yet" in (await pages.one("capabilities")).what
    await senders.keep_findings(SENDER, Findings({Capability.TEMPLATES: Finding(True, now - 1_000_000, "2 approved")}))
    assert "2 approved" in (await pages.one("utility")).what
    refused = Finding(False, now - 600_000, "the channel refused a send with code 10")
    for what in (Capability.TEMPLATES, Capability.PERSON_WINDOW, Capability.NO_MACHINE_ELSEWHERE):
        await senders.note_finding(SENDER, what, refused)
    for check in ("utility", "human-agent", "assistant"):
        found = await pages.one(check)
        assert (found.level, "found 10 min ago" in found.what) == (Level.WARN, True)
    assert "templates no (10 min ago)" in (await pages.one("capabilities")).what


async def test_findings_that_nobody_renews_are_old(pages: PageClinic, redis: Redis) -> None:
    old = Finding(True, Clock().now_ms() - 5 * 3600 * 1000, "2 approved")
    await Senders(redis, Clock()).keep_findings(SENDER, Findings({Capability.TEMPLATES: old}))
    found = await pages.one("capabilities")
    assert (found.level, "5 h ago" in found.what, "scheduler" in found.mend) == (Level.WARN, True, True)


async def test_templates_of_a_page_are_held_against_ours(pages: PageClinic) -> None:
    assert (await pages.one("templates")).level is Level.OK
    await pages.graph("DELETE", f"{PAGE}/message_templates?name=address_check_v1")
    found = await pages.one("templates")
    assert (found.level, "does not have: address_check_v1" in found.what) == (Level.WARN, True)


@pytest.mark.parametrize("channel", ["messenger", "whatsapp"])
async def test_a_sender_without_its_account_is_told_which_setting(pages: PageClinic, channel: str) -> None:
    file = pages.data_dir.parent / "senders.yaml"
    file.write_text(f"senders: [{{id: one, channel: {channel}, brand: zz, account: {{name: x}}, token: t}}]\n")
    found = await pages.one("senders", GATEWAY_SENDERS_FILE=str(file))
    wanted = "GATEWAY_MESSENGER_PAGE_ID" if channel == "messenger" else "GATEWAY_WHATSAPP_WABA_ID"
    assert (found.level, wanted in found.mend) == (Level.FAIL, True)
