"""Tokens, the WABA, its numbers, callbacks, and what the sandbox says it does not play."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import FormData
from sandbox_box import ANN, PHONE, WABA, Box, wait_until

MESSAGING, MANAGEMENT = "whatsapp_business_messaging", "whatsapp_business_management"


async def test_token_tells_what_it_may_do(box: Box) -> None:
    token = box.headers["Authorization"].split()[1]
    _, answer = await box.graph("GET", f"debug_token?input_token={token}")
    data = answer["data"]
    assert (data["is_valid"], data["app_id"], data["expires_at"]) == (True, box.world.config.app_id, 0)
    granted = {one["scope"]: one.get("target_ids") for one in data["granular_scopes"]}
    assert granted[MESSAGING] == granted[MANAGEMENT] == [WABA]
    _, answer = await box.graph("GET", "debug_token?input_token=nonsense")
    assert answer["data"]["is_valid"] is False
    await box.control("PUT", "account", {"switches": {"token_expired": True}})
    status, answer = await box.graph("GET", PHONE)
    assert (status, answer["error"]["error_subcode"]) == (401, 463)
    app = {"headers": {"Authorization": f"Bearer {box.world.config.app_id}|{box.world.config.app_secret}"}}
    _, answer = await box.graph("GET", f"debug_token?input_token={token}", **app)
    assert (answer["data"]["is_valid"], answer["data"]["error"]["subcode"]) == (False, 463)


async def test_token_may_stand_in_the_query_and_any_version_is_served(box: Box) -> None:
    token = box.headers["Authorization"].split()[1]
    for version in ("v21.0", "v26.0"):
        async with box.client.get(f"/{version}/{PHONE}?access_token={token}") as reply:
            assert (reply.status, reply.headers["facebook-api-version"]) == (200, version)


async def test_apps_token_is_had_for_its_secret(box: Box) -> None:
    config = box.world.config
    path = f"oauth/access_token?client_id={config.app_id}&grant_type=client_credentials&client_secret="
    status, answer = await box.graph("GET", path + config.app_secret, headers={})
    assert (status, answer["access_token"]) == (200, f"{config.app_id}|{config.app_secret}")
    assert (await box.graph("GET", path + "wrong", headers={}))[0] == 400
    status, _ = await box.graph("GET", f"app/subscriptions?access_token={answer['access_token']}")
    assert status == 200, "the token in the query goes before the one in the header"
    log = await box.control("GET", "requests")
    assert config.app_secret not in str(log)


async def test_blocked_person_is_neither_heard_nor_written_to(box: Box) -> None:
    body = {"messaging_product": "whatsapp", "block_users": [{"user": "+447700900123"}]}
    _, answer = await box.graph("POST", f"{PHONE}/block_users", body)
    assert answer["block_users"]["failed_users"][0]["errors"][0]["code"] == 139100, "never wrote"
    await box.open_window()
    _, answer = await box.graph("POST", f"{PHONE}/block_users", body)
    assert answer["block_users"]["added_users"][0]["wa_id"] == ANN
    message_id = await box.text()
    await wait_until(lambda: box.receiver.names(message_id) == ["failed"])
    assert box.receiver.statuses(message_id)[0]["errors"][0]["code"] == 130403
    before = len(box.receiver.messages())
    await box.say(ANN, {"text": "can you hear me?"})
    assert (await box.graph("GET", f"{PHONE}/block_users"))[1]["data"][0]["wa_id"] == ANN
    await box.graph("DELETE", f"{PHONE}/block_users", body)
    await box.say(ANN, {"text": "and now?"})
    await wait_until(lambda: len(box.receiver.messages()) > before)
    assert box.receiver.messages()[-1]["text"]["body"] == "and now?"


async def test_scopes_that_are_missing_are_refused(box: Box) -> None:
    await box.control("PUT", "account", {"scopes": [MANAGEMENT]})
    status, answer = await box.send({"to": ANN, "text": {"body": "x"}})
    assert (status, answer["error"]["code"]) == (403, 200)
    assert (await box.graph("GET", PHONE))[0] == 200


async def test_number_and_waba_show_their_fields(box: Box) -> None:
    _, number = await box.graph("GET", f"{PHONE}?fields=display_phone_number,verified_name,quality_rating,status,name_status,"
                                       "throughput,platform_type,code_verification_status,"
                                       "whatsapp_business_manager_messaging_limit,health_status{can_send_message}")
    assert number.pop("health_status")["can_send_message"] == "AVAILABLE"
    assert number == {
        "display_phone_number": "+1 202-555-0142", "verified_name": "Polderwind Air", "quality_rating": "GREEN",
        "status": "CONNECTED", "name_status": "APPROVED", "throughput": {"level": "STANDARD"}, "platform_type": "CLOUD_API",
        "code_verification_status": "VERIFIED", "whatsapp_business_manager_messaging_limit": "TIER_100K", "id": PHONE}
    _, numbers = await box.graph("GET", f"{WABA}/phone_numbers?fields=verified_name")
    assert len(numbers["data"]) == 3
    status, answer = await box.graph("GET", f"{PHONE}?fields=colour")
    assert (status, answer["error"]["code"]) == (400, 100)
    _, waba = await box.graph("GET", f"{WABA}?fields=name,currency")
    assert set(waba) == {"id", "name", "currency"}
    status, answer = await box.graph("GET", f"{PHONE}/friends")
    assert (status, answer["error"]["code"]) == (400, 2500)


async def test_blocked_account_shows_in_its_health(box: Box) -> None:
    await box.control("PUT", "account", {"switches": {"payment_problem": True}})
    _, number = await box.graph("GET", f"{PHONE}?fields=health_status")
    health = number["health_status"]
    states = {entity["entity_type"]: entity["can_send_message"] for entity in health["entities"]}
    assert (health["can_send_message"], states) == (
        "BLOCKED", {"PHONE_NUMBER": "AVAILABLE", "WABA": "BLOCKED", "BUSINESS": "AVAILABLE", "APP": "AVAILABLE"})


async def test_refused_change_of_the_account_changes_nothing(box: Box) -> None:
    await box.control("PUT", "account", {"tier": "TIER_2K", "numbers": [{"id": "1"}]}, expect=400)
    assert (await box.control("GET", "account"))["tier"] == "TIER_100K"
    await box.control("PUT", "account", {"switches": {"colour": True}}, expect=400)
    await box.control("PUT", "account", {"tier": "TIER_3"}, expect=400)
    changed = await box.control("PUT", "account", {"numbers": [{"id": PHONE, "verified_name": "Zeewind Air"}]})
    assert changed["numbers"][0]["verified_name"] == "Zeewind Air"


async def test_number_may_have_a_callback_of_its_own(box: Box) -> None:
    await box.handset()
    override = box.receiver.url + "?own=1"
    wish = {"webhook_configuration": {"override_callback_uri": override, "verify_token": box.world.config.verify_token}}
    assert await box.graph("POST", PHONE, wish) == (200, {"success": True})
    _, number = await box.graph("GET", PHONE)
    assert number["webhook_configuration"] == {"application": box.receiver.url, "phone_number": override}
    wish["webhook_configuration"]["verify_token"] = "wrong"
    assert (await box.graph("POST", PHONE, wish))[1]["error"]["code"] == 2200
    await box.say(ANN, {"text": "to the own callback"})
    await wait_until(lambda: box.receiver.messages())
    row = box.world.store.row("SELECT COUNT(*) AS n FROM webhooks")
    assert row is not None
    await box.graph("POST", PHONE, {"webhook_configuration": {"override_callback_uri": ""}})
    _, number = await box.graph("GET", PHONE)
    assert number["webhook_configuration"] == {"application": box.receiver.url}


async def test_unsubscribed_app_hears_nothing(box: Box) -> None:
    await box.handset()
    assert await box.graph("DELETE", f"{WABA}/subscribed_apps") == (200, {"success": True})
    await box.say(ANN, {"text": "nobody hears"})
    assert box.world.store.count("SELECT COUNT(*) FROM webhooks") == 0
    await box.graph("POST", f"{WABA}/subscribed_apps", {})
    _, apps = await box.graph("GET", f"{WABA}/subscribed_apps")
    assert apps["data"][0]["whatsapp_business_api_data"]["id"] == box.world.config.app_id


async def test_subscription_of_the_app_is_set_shown_and_dropped(box: Box) -> None:
    app = {"headers": {"Authorization": f"Bearer {box.world.config.app_id}|{box.world.config.app_secret}"}}
    path = f"{box.world.config.app_id}/subscriptions"
    _, shown = await box.graph("GET", path, **app)
    assert shown["data"][0]["callback_url"] == box.receiver.url
    wish = {"object": "whatsapp_business_account", "callback_url": box.receiver.url, "fields": ["account_update"],
            "verify_token": box.world.config.verify_token}
    assert await box.graph("POST", path, wish, **app) == (200, {"success": True})
    _, shown = await box.graph("GET", path, **app)
    assert shown["data"][0]["fields"] == [{"name": "account_update", "version": "v25.0"}]
    await box.handset()
    await box.say(ANN, {"text": "not a field we asked for"})
    assert box.world.store.count("SELECT COUNT(*) FROM webhooks") == 0
    await box.graph("POST", path, {**wish, "fields": "messages,nonsense"}, **app)
    await box.graph("DELETE", path, **app)
    assert (await box.graph("GET", path, **app))[1] == {"data": []}
    assert (await box.graph("POST", path, {**wish, "callback_url": "http://127.0.0.1:1/x"}, **app))[1]["error"]["code"] == 2200


async def test_profile_and_short_links(box: Box) -> None:
    profile = {"messaging_product": "whatsapp", "about": "Here to help", "vertical": "TRAVEL"}
    assert await box.graph("POST", f"{PHONE}/whatsapp_business_profile", profile) == (200, {"success": True})
    _, answer = await box.graph("GET", f"{PHONE}/whatsapp_business_profile?fields=about,vertical")
    assert answer == {"data": [profile]}
    _, link = await box.graph("POST", f"{PHONE}/message_qrdls", {"prefilled_message": "Hello"})
    assert link["deep_link_url"] == f"https://wa.me/message/{link['code']}"
    _, links = await box.graph("GET", f"{PHONE}/message_qrdls")
    assert links["data"] == [link]


async def upload(box: Box, data: bytes, mime: str, phone: str = PHONE, **fields: str) -> tuple[int, Any]:
    form = FormData()
    for name, value in {"messaging_product": "whatsapp", "type": mime, **fields}.items():
        form.add_field(name, value)
    form.add_field("file", data, filename="f", content_type=mime)
    async with await box.raw("POST", f"/v25.0/{phone}/media", data=form) as reply:
        return reply.status, await reply.json()


async def test_media_belongs_to_its_number_and_lives_thirty_days_its_url_five_minutes(box: Box) -> None:
    await box.open_window()
    _, answer = await upload(box, b"abc", "application/pdf")
    media_id = answer["id"]
    send = {"to": ANN, "type": "document", "document": {"id": media_id, "filename": "a.pdf"}}
    assert (await box.send(send))[0] == 200
    assert (await box.send(send, phone="314159265358980"))[1]["error"]["code"] == 100
    _, found = await box.graph("GET", media_id)
    path = "/" + found["url"].split("/", 3)[3]
    async with await box.raw("GET", path, headers={}) as reply:
        assert reply.status == 401
    async with await box.raw("GET", path) as reply:
        assert (reply.status, reply.content_type, await reply.read()) == (200, "application/pdf", b"abc")
    await box.forward(5 * 60_000 + 1)
    async with await box.raw("GET", path) as reply:
        assert reply.status == 404
    await box.forward(30 * 86_400_000)
    assert (await box.graph("GET", media_id))[1]["error"]["error_subcode"] == 33
    assert (await box.send(send))[1]["error"]["code"] == 100


@pytest.mark.parametrize(("mime", "size", "code"), [
    ("image/png", 5 * 1024 * 1024 + 1, 131053), ("image/webp", 500 * 1024 + 1, 131053), ("application/zip", 3, 131053),
    ("image/png", 0, 131053), ("image/png", 5 * 1024 * 1024, None)])
async def test_file_of_the_wrong_type_or_size_is_refused(box: Box, mime: str, size: int, code: int | None) -> None:
    status, answer = await upload(box, b"x" * size, mime)
    assert (None if status == 200 else answer["error"]["code"]) == code


async def test_picture_sent_as_a_document_goes_and_a_document_sent_as_a_picture_fails(box: Box) -> None:
    await box.open_window()
    _, picture = await upload(box, b"abc", "image/png")
    _, paper = await upload(box, b"abc", "application/pdf")
    _, good = await box.send({"to": ANN, "type": "document", "document": {"id": picture["id"]}})
    _, bad = await box.send({"to": ANN, "type": "image", "image": {"id": paper["id"]}})
    await wait_until(lambda: "delivered" in box.receiver.names(good["messages"][0]["id"]))
    await wait_until(lambda: box.receiver.names(bad["messages"][0]["id"]) == ["failed"])
