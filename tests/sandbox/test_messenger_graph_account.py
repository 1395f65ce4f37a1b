"""A Page by API beside its messages: fields, subscriptions, tokens, proof, usage, profile, personas, people, conversations."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import messenger_graph as graph
import pytest
from messenger_graph import AIR, DAY_MS, INBOX_APP, RAIL, chat, code_of, refused, send, sent, switch
from sandbox_box import ANN, PHONE, QUICK, Box, BoxMaker, wait_until

from sandbox.messenger import pages
from sandbox.messenger import world as page_world
from sandbox.world import World

PICTURE = "https://static.example/p/mara.png"


def app_headers(box: Box) -> dict[str, str]:
    return {"Authorization": f"Bearer {box.world.config.app_id}|{box.world.config.app_secret}"}


# pages and tokens

async def test_pages_stand_beside_the_numbers_and_a_new_account_has_none(box: Box, make_box: BoxMaker) -> None:
    _, page = await box.graph("GET", f"{AIR}?fields=name,username,messaging_feature_status,access_token")
    assert page == {"id": AIR, "name": "Polderwind Air", "username": "polderwindair", "access_token": graph.PAGE_TOKEN + AIR,
                    "messaging_feature_status": {"hop_v2": True, "msgr_multi_app": True, "ig_multi_app": True}}
    _, accounts = await box.graph("GET", "me/accounts")
    assert [one["name"] for one in accounts["data"]] == ["Polderwind Air", "Laagland Rail", "Dijknet"]
    _, me = await box.graph("GET", "me?fields=name", headers={"Authorization": f"Bearer {accounts['data'][1]['access_token']}"})
    assert me == {"id": RAIL, "name": "Laagland Rail"}
    assert code_of((await box.graph("GET", f"{AIR}?fields=colour"))[1]) == (100, None)
    fresh = await make_box(account="new")
    assert code_of((await fresh.graph("GET", AIR))[1]) == (100, 33)


async def test_features_that_were_reviewed_are_told(box: Box) -> None:
    await switch(box, human_agent=False)
    _, answer = await box.graph("GET", f"{AIR}/messaging_feature_review")
    assert {one["feature"]: one["status"] for one in answer["data"]} == {"HUMAN_AGENT": "PENDING", "UTILITY_MESSAGES": "APPROVED"}


async def test_token_tells_its_page_and_scopes(box: Box) -> None:
    _, answer = await box.graph("GET", f"debug_token?input_token={graph.PAGE_TOKEN}{AIR}")
    data = answer["data"]
    assert (data["type"], data["profile_id"], data["is_valid"], data["expires_at"]) == ("PAGE", AIR, True, 0)
    assert {"pages_messaging", "pages_manage_metadata", "pages_utility_messaging"} <= set(data["scopes"])
    _, answer = await box.graph("GET", f"debug_token?input_token={box.world.config.token}")
    granted = {one["scope"]: one.get("target_ids") for one in answer["data"]["granular_scopes"]}
    assert granted["pages_messaging"] == [page[0] for page in pages.LIVE]
    await box.control("PUT", "account", {"switches": {"token_expired": True}})
    _, answer = await box.graph("GET", f"debug_token?input_token={graph.PAGE_TOKEN}{AIR}", headers=app_headers(box))
    assert (answer["data"]["is_valid"], answer["data"]["error"]["subcode"]) == (False, 463)


async def test_token_of_a_page_opens_no_number(box: Box) -> None:
    token = {"Authorization": f"Bearer {graph.PAGE_TOKEN}{AIR}"}
    body = {"messaging_product": "whatsapp", "to": ANN, "type": "text", "text": {"body": "Hello"}}
    assert (await box.graph("POST", f"{PHONE}/messages", body, headers=token))[1]["error"]["code"] == 200
    assert (await box.graph("GET", PHONE, headers=token))[1]["error"]["code"] == 10


async def test_proof_is_checked_when_given_and_asked_for_when_required(box: Box) -> None:
    psid, token = await chat(box), box.world.config.token
    proof = hmac.new(box.world.config.app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    assert (await send(box, psid, appsecret_proof=proof))[0] == 200
    status, answer = await send(box, psid, appsecret_proof="0" * 64)
    assert (status, answer["error"]["type"]) == (400, "GraphMethodException")
    assert answer["error"]["message"] == "Invalid appsecret_proof provided in the API argument"
    await switch(box, require_proof=True)
    _, answer = await box.graph("GET", AIR)
    assert answer["error"]["message"] == "API calls from the server require an appsecret_proof argument"
    assert (await box.graph("GET", f"{AIR}?appsecret_proof={proof}"))[0] == 200


# limits

async def test_usage_grows_in_the_headers_until_the_day_is_used_up(box: Box) -> None:
    psid = await chat(box)
    await switch(box, engaged=1)
    body = {"recipient": {"id": psid}, "sender_action": "typing_on"}

    async def used() -> Any:
        async with await box.raw("POST", f"/v25.0/{AIR}/messages", json=body) as reply:
            answer = await reply.json()
            usage = json.loads(reply.headers["X-Business-Use-Case-Usage"])[AIR][0]
            assert {"call_count"} < set(json.loads(reply.headers["X-App-Usage"]))
            return reply.status, answer, usage

    _, _, first = await used()
    assert (first["type"], first["call_count"], first["estimated_time_to_regain_access"]) == ("messenger", 1, 0)
    for _ in range(198):
        box.world.usage.count(AIR, 1)
    status, _, last = await used()
    assert (status, last["call_count"]) == (200, 100)
    status, answer, over = await used()
    assert code_of(answer) == (80006, None)
    assert over["call_count"] > 100
    assert 1_430 <= over["estimated_time_to_regain_access"] <= 1_440
    assert (await box.graph("GET", RAIL))[0] == 200, "each Page for itself"
    await box.forward(DAY_MS + 60_000)
    await box.say(ANN, {"text": "hi", "page_id": AIR})
    assert (await used())[0] == 200


# subscriptions

async def test_page_and_app_are_subscribed_each_for_itself(box: Box) -> None:
    status, answer = await box.graph("POST", f"{AIR}/subscribed_apps?subscribed_fields=messages,message_echoes")
    assert (status, answer) == (200, {"success": True})
    _, answer = await box.graph("GET", f"{AIR}/subscribed_apps")
    assert (answer["data"][0]["id"], answer["data"][0]["subscribed_fields"]) == (
        box.world.config.app_id, ["messages", "message_echoes"])
    for fields in ("", "messages,nonsense"):
        assert code_of((await box.graph("POST", f"{AIR}/subscribed_apps", {"subscribed_fields": fields}))[1]) == (100, None)
    await box.graph("DELETE", f"{AIR}/subscribed_apps")
    assert (await box.graph("GET", f"{AIR}/subscribed_apps"))[1] == {"data": []}
    await box.control("PUT", "account", {"scopes": ["pages_messaging"]})
    assert code_of((await box.graph("GET", f"{AIR}/subscribed_apps"))[1]) == (10, None)


async def test_app_subscribes_for_pages_with_a_handshake_and_receives_what_it_asked_for(make_box: BoxMaker) -> None:
    box = await make_box()
    config, headers = box.world.config, app_headers(box)
    body = {"object": "page", "callback_url": box.receiver.url, "verify_token": config.verify_token,
            "fields": "messages,message_deliveries", "include_values": "true"}
    assert (await box.graph("POST", f"{config.app_id}/subscriptions", body, headers=headers))[1] == {"success": True}
    _, answer = await box.graph("GET", f"{config.app_id}/subscriptions", headers=headers)
    found = {one["object"]: one for one in answer["data"]}
    assert [field["name"] for field in found["page"]["fields"]] == ["messages", "message_deliveries"]
    assert found["page"]["callback_url"] == box.receiver.url
    assert "whatsapp_business_account" in found
    psid = await chat(box)
    await sent(box, psid)
    await wait_until(lambda: [one for body in box.receiver.bodies for entry in body["entry"]
                              for one in entry.get("messaging", []) if "delivery" in one])
    kinds = {key for body in box.receiver.bodies for entry in body["entry"] for one in entry.get("messaging", []) for key in one}
    assert kinds == {"sender", "recipient", "timestamp", "message", "delivery"}, "neither echo nor read was asked for"
    for wrong, code in (({"verify_token": "x"}, 2200), ({"fields": "nonsense"}, 100), ({"callback_url": ""}, 100)):
        _, answer = await box.graph("POST", f"{config.app_id}/subscriptions", {**body, **wrong}, headers=headers)
        assert answer["error"]["code"] == code
    await box.graph("DELETE", f"{config.app_id}/subscriptions?object=page", headers=headers)
    _, answer = await box.graph("GET", f"{config.app_id}/subscriptions", headers=headers)
    assert [one["object"] for one in answer["data"]] == ["whatsapp_business_account"]


# profile

ITEM = {"type": "postback", "title": "Person", "payload": "P"}
MENU = [{"locale": "default", "call_to_actions": [ITEM]}]


async def test_profile_is_kept_read_and_dropped_property_by_property(box: Box) -> None:
    path = f"{AIR}/messenger_profile"
    assert code_of((await box.graph("POST", path, {"persistent_menu": MENU}))[1]) == (100, None), "needs Get Started"
    await box.graph("POST", path, {"get_started": {"payload": "GO"}, "persistent_menu": MENU})
    await box.graph("POST", path, {"greeting": [{"locale": "default", "text": "Hello"}]})
    _, answer = await box.graph("GET", f"{path}?fields=get_started,greeting,persistent_menu,ice_breakers")
    assert answer["data"] == [{"get_started": {"payload": "GO"}, "persistent_menu": MENU,
                               "greeting": [{"locale": "default", "text": "Hello"}]}]
    assert code_of((await box.graph("DELETE", path, {"fields": ["get_started"]}))[1]) == (100, None)
    assert (await box.graph("DELETE", path, {"fields": ["get_started", "persistent_menu"]}))[0] == 200
    assert (await box.graph("GET", f"{path}?fields=get_started"))[1] == {"data": []}
    assert (await box.graph("GET", f"{RAIL}/messenger_profile?fields=greeting"))[1] == {"data": []}


@pytest.mark.parametrize("body", [
    {}, {"subject_to_new_eu_privacy_rules": False}, {"get_started": {"payload": "x" * 1_001}}, {"get_started": {}},
    {"greeting": [{"locale": "default", "text": "x" * 161}]}, {"greeting": [{"locale": "nl_NL", "text": "x"}]},
    {"greeting": [{"locale": "dutch", "text": "x"}]}, {"ice_breakers": [{"question": "x" * 81, "payload": "x"}]},
    {"ice_breakers": [{"question": "x", "payload": "x"}] * 5},
    {"get_started": {"payload": "x"}, "persistent_menu": [{"locale": "default", "call_to_actions": [
        {"type": "postback", "title": "x" * 31, "payload": "x"}]}]},
    {"get_started": {"payload": "x"}, "persistent_menu": [{"locale": "default", "call_to_actions": [
        {"type": "nested", "title": "x", "call_to_actions": []}]}]},
    {"get_started": {"payload": "x"}, "persistent_menu": [{"locale": "default", "call_to_actions": [ITEM] * 21}]},
    {"whitelisted_domains": ["http://rail.example"]}, {"whitelisted_domains": ["https://rail.example"] * 51},
    {"account_linking_url": "x"}, {"commands": [{"locale": "default", "commands": []}]}])
async def test_profile_beyond_its_limits_is_refused(box: Box, body: Any) -> None:
    status, answer = await box.graph("POST", f"{AIR}/messenger_profile", body)
    assert (status, code_of(answer)) == (400, (100, None))


async def test_menu_of_one_person_finds_out_a_thread_under_european_rules(box: Box) -> None:
    psid = await chat(box)
    body = {"psid": psid, "persistent_menu": MENU}
    assert (await box.graph("POST", f"{AIR}/custom_user_settings", body))[1] == {"result": "success"}
    _, answer = await box.graph("GET", f"{AIR}/custom_user_settings?psid={psid}")
    assert answer["data"] == [{"user_level_persistent_menu": MENU}]
    await box.fault(name="code", code=10, subcode=2018336, page_id=AIR, address=ANN)
    assert code_of((await box.graph("POST", f"{AIR}/custom_user_settings", body))[1]) == (10, 2018336)


# personas

async def test_personas_are_made_listed_and_deleted_and_keep_their_picture(box: Box) -> None:
    graph.behind(box, PICTURE, data=b"face")
    for body in ({"name": "x" * 51, "profile_picture_url": PICTURE}, {"name": "Mara", "profile_picture_url": "x"},
                 {"name": "Mara"}):
        assert code_of((await box.graph("POST", f"{AIR}/personas", body))[1]) == (100, None)
    _, made = await box.graph("POST", f"{AIR}/personas", {"name": "Mara K.", "profile_picture_url": PICTURE})
    _, shown = await box.graph("GET", made["id"])
    assert (shown["id"], shown["name"]) == (made["id"], "Mara K.")
    async with box.client.get(shown["profile_picture_url"].partition(box.client.make_url("/").authority)[2]) as reply:
        assert (reply.status, await reply.read()) == (200, b"face")
    assert (await box.graph("GET", f"{RAIL}/personas"))[1] == {"data": []}
    token = {"Authorization": f"Bearer {graph.PAGE_TOKEN}{RAIL}"}
    assert code_of((await box.graph("DELETE", made["id"], headers=token))[1]) == (100, 33)
    assert (await box.graph("DELETE", made["id"]))[1] == {"success": True}
    assert code_of((await box.graph("GET", made["id"]))[1]) == (100, 33)
    assert (await box.graph("GET", f"{AIR}/personas"))[1] == {"data": []}


# people

async def test_profile_of_a_person_has_what_is_known_and_nothing_empty(box: Box) -> None:
    psid = await chat(box)
    _, answer = await box.graph("GET", f"{psid}?fields=first_name,last_name,locale,timezone,gender")
    assert answer == {"id": psid, "first_name": "Ann", "last_name": "Example", "locale": "nl_NL",
                      "timezone": answer["timezone"]}
    assert answer["timezone"] in (1, 2)
    await box.handset(ANN, name="Ann", timezone="Asia/Kolkata")
    _, answer = await box.graph("GET", f"{psid}?fields=name,last_name,timezone")
    assert answer == {"id": psid, "name": "Ann", "timezone": 5.5}
    assert code_of((await box.graph("GET", f"{psid}?fields=email"))[1]) == (100, None)


async def test_picture_of_a_person_ends_and_cannot_be_made_up(box: Box) -> None:
    psid = await chat(box)
    _, answer = await box.graph("GET", f"{psid}?fields=profile_pic")
    path = answer["profile_pic"].partition(box.client.make_url("/").authority)[2]
    async with box.client.get(path) as reply:
        assert (reply.status, reply.content_type, ">AE<" in await reply.text()) == (200, "image/svg+xml", True)
    async with box.client.get(path.replace("oh=03_", "oh=04_")) as reply:
        assert reply.status == 403
    await box.forward(3 * DAY_MS + 1)
    async with box.client.get(path) as reply:
        assert reply.status == 403


async def test_profile_is_only_for_who_wrote_and_may_be_withheld(box: Box) -> None:
    await box.handset(ANN)
    psid = page_world.know(box.world, AIR, ANN)
    _status, answer = await box.graph("GET", psid)
    assert (code_of(answer), answer["error"]["type"]) == ((100, 33), "GraphMethodException")
    await chat(box)
    assert (await box.graph("GET", psid))[0] == 200
    for subcode in (2018218, 2018247):
        await box.fault(name="code", code=100, subcode=subcode, page_id=AIR, address=ANN, times=1)
        assert code_of((await box.graph("GET", psid))[1]) == (100, subcode)
    token = {"Authorization": f"Bearer {graph.PAGE_TOKEN}{RAIL}"}
    assert code_of((await box.graph("GET", psid, headers=token))[1]) == (100, 33)


# conversations

async def test_conversations_tell_both_sides_newest_first(box: Box) -> None:
    psid = await chat(box)
    mid = (await sent(box, psid, {"text": "Hello Ann"}))["message_id"]
    fields = "id,updated_time,can_reply,is_owner,unread_count,participants,messages.limit(5){id,from,to,message}"
    _, answer = await box.graph("GET", f"{AIR}/conversations?platform=messenger&fields={fields}")
    [thread] = answer["data"]
    assert [message["message"] for message in thread["messages"]["data"]] == ["Hello Ann", "hi"]
    newest = thread["messages"]["data"][0]
    assert (newest["id"], newest["from"]["id"], newest["to"]["data"][0]["id"]) == (mid, AIR, psid)
    assert (thread["can_reply"], thread["is_owner"], thread["unread_count"]) == (True, True, 1)
    _, alone = await box.graph("GET", f"{thread['id']}?fields=messages.limit(1){{message}}")
    assert alone["messages"]["data"] == [{"id": mid, "message": "Hello Ann"}]
    await box.forward(8 * DAY_MS)
    _, one = await box.graph("GET", f"{mid}?fields=id,created_time,from,message")
    assert (one["message"], one["from"]["name"]) == ("Hello Ann", "Polderwind Air")
    await box.forward(9 * DAY_MS)
    _, answer = await box.graph("GET", f"{AIR}/conversations?fields=can_reply,is_owner&user_id={psid}")
    assert [(one["can_reply"], one["is_owner"]) for one in answer["data"]] == [(False, False)]


async def test_conversations_show_details_of_the_newest_twenty_and_what_was_attached(box: Box) -> None:
    psid = await chat(box)
    graph.behind(box, "https://static.example/a.pdf", "application/pdf")
    for number in range(20):
        await sent(box, psid, {"text": f"n {number}"})
    await sent(box, psid, {"attachment": {"type": "file", "payload": {"url": "https://static.example/a.pdf"}}})
    _, answer = await box.graph("GET", f"{AIR}/conversations?fields=messages.limit(50){{message,attachments}}")
    messages = answer["data"][0]["messages"]["data"]
    assert len(messages) == 22
    assert [("message" in one) for one in messages] == [True] * 20 + [False] * 2
    [file] = messages[0]["attachments"]["data"]
    async with box.client.get(file["file_url"].partition(box.client.make_url("/").authority)[2]) as reply:
        assert (reply.status, file["mime_type"], file["size"]) == (200, "application/pdf", 3)


async def test_conversations_are_asked_twice_a_second_only_and_brackets_must_match(box: Box) -> None:
    await chat(box)
    answers = [await box.graph("GET", f"{AIR}/conversations") for _ in range(6)]
    assert [status for status, _ in answers[:2]] == [200, 200]
    assert code_of(answers[-1][1]) == (613, None)
    await box.forward(1_500)
    assert code_of((await box.graph("GET", f"{AIR}/conversations?fields=messages{{id"))[1]) == (100, None)


async def test_thread_without_a_message_is_none(box: Box) -> None:
    await box.handset(ANN)
    psid = page_world.know(box.world, AIR, ANN)
    assert code_of((await box.graph("GET", f"t_10{psid}"))[1]) == (100, 2534001)


# what stays

async def test_page_and_its_people_are_there_after_a_restart(tmp_path: Path) -> None:
    first = World(replace(QUICK, data_dir=str(tmp_path)))
    psid = page_world.know(first, AIR, ANN)
    page_world.acted(first, AIR, ANN)
    page_world.give(first, AIR, ANN, "inbox")
    page = pages.get(first.store, AIR)
    assert page is not None
    pages.save(first.store, {**page, "utility": False})
    first.store.close()
    second = World(replace(QUICK, data_dir=str(tmp_path)))
    kept = pages.get(second.store, AIR)
    assert kept is not None
    assert kept["utility"] is False
    assert page_world.who(second, psid) == (AIR, ANN)
    assert page_world.in_window(second, AIR, ANN)
    assert page_world.holder(second, AIR, ANN) == "inbox"
    second.store.close()


async def test_state_of_a_sandbox_without_pages_gets_them(tmp_path: Path) -> None:
    first = World(replace(QUICK, data_dir=str(tmp_path)))
    first.store.run("DELETE FROM pages")
    first.store.run("DELETE FROM kv WHERE key = 'pages_made'")
    first.account.save({**first.account.edit(), "scopes": ["whatsapp_business_messaging"]})
    first.store.close()
    second = World(replace(QUICK, data_dir=str(tmp_path)))
    assert len(pages.everyone(second.store)) == 3
    assert second.account.doc()["scopes"][:2] == ["whatsapp_business_messaging", "pages_show_list"]
    second.store.close()


async def test_reset_makes_the_pages_anew_and_forgets_their_people(box: Box) -> None:
    psid = await chat(box)
    await switch(box, restricted=True)
    await graph.post(box, {"recipient": {"id": psid}, "thread_control": {"app_id": INBOX_APP, "control_type": "pass"}})
    await box.control("POST", "reset")
    assert await refused(box, psid) == (100, 2018001)
    assert (await send(box, await chat(box)))[0] == 200
