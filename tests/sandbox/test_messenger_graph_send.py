"""What a send to a Page's chat may be, to whom and when: each rule with what it refuses and what it lets through."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import messenger_graph as graph
import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestServer
from messenger_graph import AIR, DAY_MS, INBOX_APP, RAIL, TEXT, bubble, chat, code_of, refused, send, sent, switch
from sandbox_box import ANN, Box, BoxMaker

from sandbox.messenger import world as pages

GENERIC = {"title": "RE 4711", "subtitle": "07:15"}
POSTBACK = {"type": "postback", "title": "Show", "payload": "SHOW:1"}
WEB = {"type": "web_url", "title": "Open", "url": "https://tickets.example/1"}


def card(kind: str, **payload: Any) -> Any:
    return {"attachment": {"type": "template", "payload": {"template_type": kind, **payload}}}


def quick(count: int = 1, **changes: Any) -> Any:
    one = {"content_type": "text", "title": "Yes", "payload": "YES", **changes}
    return {"text": "Well?", "quick_replies": [one] * count}


# the request

async def test_me_is_the_page_of_the_token_and_the_system_user_is_no_page(box: Box) -> None:
    psid = await chat(box)
    body = {"recipient": {"id": psid}, "messaging_type": "RESPONSE", "message": TEXT}
    token = {"Authorization": f"Bearer {graph.PAGE_TOKEN}{AIR}"}
    status, answer = await box.graph("POST", "me/messages", body, headers=token)
    assert (status, answer["recipient_id"]) == (200, psid)
    assert code_of((await box.graph("POST", "me/messages", body))[1]) == (2500, None), "the system user has no such edge"


async def test_form_and_query_say_the_same_as_json(box: Box) -> None:
    psid = await chat(box)
    form = {"recipient": json.dumps({"id": psid}), "messaging_type": "RESPONSE", "message": json.dumps(TEXT)}
    async with await box.raw("POST", f"/v25.0/{AIR}/messages", data=form) as reply:
        assert reply.status == 200, await reply.text()
    async with await box.raw("POST", f"/v25.0/{AIR}/messages", params={**form, "access_token": graph.PAGE_TOKEN + AIR},
                             headers={}) as reply:
        assert reply.status == 200, await reply.text()


async def test_token_of_another_page_or_of_nobody_is_refused(box: Box) -> None:
    psid = await chat(box)
    for token, wanted in ((graph.PAGE_TOKEN + RAIL, (100, 33)), (graph.PAGE_TOKEN + "1", (190, None)),
                          (f"{box.world.config.app_id}|{box.world.config.app_secret}", (190, None))):
        status, answer = await graph.post(box, {"recipient": {"id": psid}, "message": TEXT},
                                          headers={"Authorization": f"Bearer {token}"})
        assert status >= 400
        assert code_of(answer) == wanted


async def test_message_and_action_together_neither_and_nothing_in_it(box: Box) -> None:
    psid = await chat(box)
    assert await refused(box, psid, TEXT, sender_action="typing_on") == (100, 2018014)
    assert await refused(box, psid, None) == (100, 2018015)
    assert await refused(box, psid, {}) == (100, 2018034)
    assert await refused(box, psid, {"text": "", "metadata": "x"}) == (100, 2018034)
    assert await refused(box, psid, {**TEXT, "sticker_id": 369239263222822}) == (100, None)


async def test_psid_belongs_to_one_page_and_to_who_opened_its_chat(box: Box) -> None:
    air, rail = await chat(box), await chat(box, page=RAIL)
    assert air != rail
    assert len(air) == len(rail) == 17
    assert await refused(box, rail) == (100, 2018001)
    assert (await send(box, rail))[0] == 400
    stranger = pages.psid_of(AIR, "447700900999")
    assert await refused(box, stranger) == (100, 2018001)
    for recipient in ({}, {"id": air, "user_ref": "x"}, {"login_id": "1"}, {"id": "abc"}, "x"):
        status, answer = await graph.post(box, {"recipient": recipient, "message": TEXT})
        assert (status, code_of(answer)) == (400, (100, None))
    _, answer = await graph.post(box, {"recipient": {"phone_number": "+447700900123"}, "message": TEXT})
    assert code_of(answer) == (200, 2018027)


# types, tags, the window

async def test_window_closes_a_day_after_the_persons_last_act(box: Box) -> None:
    psid = await chat(box)
    for kind in ("RESPONSE", "UPDATE"):
        assert (await send(box, psid, messaging_type=kind))[0] == 200
    assert (await graph.post(box, {"recipient": {"id": psid}, "message": TEXT}))[0] == 200, "no type is a response"
    await box.forward(DAY_MS - 60_000)
    assert (await send(box, psid))[0] == 200
    await box.forward(61_000)
    for kind in ("RESPONSE", "UPDATE"):
        assert await refused(box, psid, messaging_type=kind) == (10, 2018278)
    assert code_of((await graph.post(box, {"recipient": {"id": psid}, "message": TEXT}))[1]) == (10, 2018278)
    _, answer = await graph.post(box, {"recipient": {"id": psid}, "sender_action": "typing_on"})
    assert code_of(answer) == (10, 2018278), "an action fails outside as messages do"
    await box.say(ANN, {"text": "again", "page_id": AIR})
    assert (await send(box, psid))[0] == 200


async def test_human_agent_reaches_seven_days_and_needs_the_feature(box: Box) -> None:
    psid, tagged = await chat(box), {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    await box.forward(6 * DAY_MS)
    assert (await send(box, psid, **tagged))[0] == 200
    await switch(box, human_agent=False)
    status, answer = await send(box, psid, **tagged)
    assert (status, answer["error"]["message"]) == (
        400, "(#100) Cannot tag messages with 'HUMAN_AGENT' without prior approval.")
    await switch(box, human_agent=True)
    await box.forward(DAY_MS)
    assert await refused(box, psid, **tagged) == (10, 2018278)


async def test_dead_tags_are_refused_also_inside_the_window(box: Box) -> None:
    psid = await chat(box)
    for tag in ("CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE", "ACCOUNT_UPDATE"):
        for kind in ("MESSAGE_TAG", "RESPONSE"):
            assert await refused(box, psid, messaging_type=kind, tag=tag) == (100, 1893061)
    _status, answer = await send(box, psid, tag="HUMAN_AGENT")
    assert answer["error"]["message"] == "(#100) Messaging type should be MESSAGE_TAG for tagged messages"
    for more in ({"messaging_type": "MESSAGE_TAG"}, {"messaging_type": "MESSAGE_TAG", "tag": "X"}, {"messaging_type": "SPAM"},
                 {"messaging_type": "NON_PROMOTIONAL_SUBSCRIPTION"}, {"notification_type": "LOUD"}):
        assert await refused(box, psid, **more) == (100, None)
    assert (await send(box, psid, notification_type="SILENT_PUSH"))[0] == 200
    assert await refused(box, psid, messaging_type="MESSAGE_TAG", tag="CUSTOMER_FEEDBACK") == (100, None)


# what a message may hold

LIMITS = [
    ("text of 2000", {"text": "x" * 2_000}, None), ("text of 2001", {"text": "x" * 2_001}, (100, None)),
    ("metadata of 1001", {"text": "x", "metadata": "x" * 1_001}, (100, None)),
    ("unknown key", {"text": "x", "body": "y"}, (100, None)),
    ("13 quick replies", quick(13), None), ("14 quick replies", quick(14), (100, None)),
    ("quick reply title of 21", quick(title="x" * 21), (100, None)),
    ("quick reply payload of 1001", quick(payload="x" * 1_001), (100, None)),
    ("quick reply without title", quick(title=""), (100, None)),
    ("quick reply with a picture for a title", quick(title="", image_url="https://static.example/a.png"), None),
    ("quick reply for a place", quick(content_type="location"), (100, None)),
    ("quick reply for a number", quick(content_type="user_phone_number", title="", payload=""), None),
    ("button text of 641", card("button", text="x" * 641, buttons=[POSTBACK]), (100, None)),
    ("no buttons", card("button", text="x", buttons=[]), (100, None)),
    ("4 buttons", card("button", text="x", buttons=[POSTBACK] * 4), (100, None)),
    ("3 buttons", card("button", text="x", buttons=[POSTBACK, WEB, POSTBACK]), None),
    ("button title of 21", card("button", text="x", buttons=[{**POSTBACK, "title": "x" * 21}]), (100, None)),
    ("button without title", card("button", text="x", buttons=[{**POSTBACK, "title": ""}]), (100, 2018053)),
    ("postback without payload", card("button", text="x", buttons=[{"type": "postback", "title": "x"}]), (100, 2018040)),
    ("button without url", card("button", text="x", buttons=[{"type": "web_url", "title": "x"}]), (100, 2018041)),
    ("payload of 1001", card("button", text="x", buttons=[{**POSTBACK, "payload": "x" * 1_001}]), (100, None)),
    ("height", card("button", text="x", buttons=[{**WEB, "webview_height_ratio": "huge"}]), (100, None)),
    ("phone without plus", card("button", text="x", buttons=[{"type": "phone_number", "title": "x", "payload": "044"}]),
     (100, None)),
    ("10 cards", card("generic", elements=[GENERIC] * 10), None),
    ("11 cards", card("generic", elements=[GENERIC] * 11), (100, None)),
    ("card title of 81", card("generic", elements=[{**GENERIC, "title": "x" * 81}]), (100, None)),
    ("card subtitle of 81", card("generic", elements=[{**GENERIC, "subtitle": "x" * 81}]), (100, None)),
    ("card with a title alone", card("generic", elements=[{"title": "x"}]), (100, None)),
    ("card with 4 buttons", card("generic", elements=[{**GENERIC, "buttons": [POSTBACK] * 4}]), (100, None)),
    ("default action with a title", card("generic", elements=[{**GENERIC, "default_action": WEB}]), (100, None)),
    ("image grid of 1", card("image_grid", elements=[{"images": [{"url": "https://a.example/1"}]}]), (100, None)),
    ("image grid of 7", card("image_grid", elements=[{"images": [{"url": "https://a.example/1"}] * 7}]), (100, None)),
    ("two heroes", card("image_grid", elements=[{"images": [{"url": "https://a.example/1", "is_hero_image": True}] * 2}]),
     (100, None)),
    ("grid title of 46", card("image_grid", elements=[{"title": "x" * 46, "images": [{"url": "https://a.example/1"}] * 2}]),
     (100, None)),
    ("receipt without total", card("receipt", recipient_name="A", order_number="1", currency="EUR", payment_method="x",
                                   summary={}), (100, None)),
    ("receipt in no currency", card("receipt", recipient_name="A", order_number="1", currency="euro", payment_method="x",
                                    summary={"total_cost": 1}), (100, None)),
    ("receipt with 101 lines", card("receipt", recipient_name="A", order_number="1", currency="EUR", payment_method="x",
                                    summary={"total_cost": 1}, elements=[{"title": "x", "price": 0}] * 101), (100, None)),
    ("least receipt", card("receipt", recipient_name="A", order_number="1", currency="EUR", payment_method="x",
                           summary={"total_cost": 0}), None),
    ("coupon without code", card("coupon", title="x"), (100, None)),
    ("media from elsewhere", card("media", elements=[{"media_type": "image", "url": "https://a.example/1"}]), (100, None)),
    ("video card in Europe", card("media", elements=[{"media_type": "video", "attachment_id": "1"}]), (10, 2018336)),
    ("a product", card("product", elements=[{"id": "1"}]), (100, 2018320)),
    ("unknown template type", card("list", elements=[GENERIC]), (100, None)),
    ("airline template", card("airline_update", locale="en_US"), (100, None)),
    ("utility template in the wrong place", card("utility", name="x", language={"code": "en"}), (100, None)),
    ("three questions", card("customer_feedback", business_privacy={"url": "https://a.example"}, feedback_screens=[
        {"questions": [{"id": str(n), "type": "csat"} for n in range(3)]}]), (100, None)),
    ("eight days", card("customer_feedback", business_privacy={"url": "https://a.example"}, expires_in_days=8, feedback_screens=[
        {"questions": [{"id": "1", "type": "csat"}]}]), (100, None)),
    ("attachment of no type", {"attachment": {"type": "song", "payload": {"url": "https://a.example/1"}}}, (100, None)),
    ("attachment without source", {"attachment": {"type": "image", "payload": {}}}, (100, None)),
    ("unknown attachment id", {"attachment": {"type": "image", "payload": {"attachment_id": "1"}}}, (100, 2018074)),
    ("31 pictures", {"attachments": [{"type": "image", "payload": {"url": "https://a.example/1"}}] * 31}, (100, None)),
    ("two videos", {"attachments": [{"type": "video", "payload": {"url": "https://a.example/1"}}] * 2}, (100, None)),
    ("sticker that is no number", {"sticker_id": "smile"}, (100, None)),
]


@pytest.mark.parametrize(("message", "wanted"), [case[1:] for case in LIMITS], ids=[case[0] for case in LIMITS])
async def test_limits_of_a_message(box: Box, message: Any, wanted: Any) -> None:
    status, answer = await send(box, await chat(box), message)
    assert (None if status == 200 else code_of(answer)) == wanted, answer


async def test_texts_of_well_known_refusals(box: Box) -> None:
    psid = await chat(box)
    for message, words in ((card("list"), "(#100) Invalid template type"), ({"text": "x" * 2_001},
                           "(#100) Length of param message[text] must be less than or equal to 2000")):
        _, answer = await send(box, psid, message)
        assert answer["error"]["message"] == words


# what the phone shows

async def test_phone_shows_what_was_sent(box: Box) -> None:
    psid = await chat(box)
    answer = await sent(box, psid, {**quick(2), "metadata": "out_1"})
    shown = await bubble(box, answer["message_id"])
    assert (shown["type"], shown["body"], shown["by"], shown["metadata"], shown["opaque"]) == (
        "text", "Well?", "page", "out_1", "out_1")
    assert shown["quick_replies"][1] == {"index": 1, "content_type": "text", "title": "Yes", "payload": "YES"}
    answer = await sent(box, psid, card("generic", elements=[{**GENERIC, "buttons": [POSTBACK, WEB]},
                                                             {**GENERIC, "buttons": [POSTBACK]}]))
    cards = (await bubble(box, answer["message_id"]))["elements"]
    assert [button["index"] for one in cards for button in one["buttons"]] == [0, 1, 2], "counted through all cards"
    assert cards[0]["buttons"][1] == {"index": 1, "type": "web_url", "text": "Open", "url": "https://tickets.example/1"}
    first = answer["message_id"]
    answer = await sent(box, psid, reply_to={"mid": first})
    assert (await bubble(box, answer["message_id"]))["reply_to"] == first
    assert await refused(box, psid, reply_to={"mid": "m_unknown"}) == (100, None)


async def test_persona_speaks_and_a_foreign_one_does_not(box: Box) -> None:
    psid, picture = await chat(box), "https://static.example/mara.png"
    graph.behind(box, picture)
    _, made = await box.graph("POST", f"{AIR}/personas", {"name": "Mara K.", "profile_picture_url": picture})
    answer = await sent(box, psid, persona_id=made["id"])
    shown = (await bubble(box, answer["message_id"]))["persona"]
    assert shown["name"] == "Mara K."
    async with await box.raw("GET", shown["picture"]) as reply:
        assert (reply.status, await reply.read()) == (200, b"abc")
    _, foreign = await box.graph("POST", f"{RAIL}/personas", {"name": "Noor", "profile_picture_url": picture})
    for persona in (foreign["id"], "1"):
        assert await refused(box, psid, persona_id=persona) == (100, None)


async def test_actions_type_see_and_react(box: Box) -> None:
    psid = await chat(box)

    async def act(action: str, **more: Any) -> tuple[int, Any]:
        return await graph.post(box, {"recipient": {"id": psid}, "sender_action": action, **more})

    async def thread() -> Any:
        return (await box.control("GET", f"handsets/{ANN}"))["threads"][0]

    assert (await act("TYPING_ON"))[0] == 200
    assert (await thread())["typing"] == {"persona": None}
    await box.forward(20_001)
    assert (await thread())["typing"] is None
    await act("typing_on")
    await sent(box, psid)
    assert (await thread())["typing"] is None, "the dots go with the next message"
    said = (await thread())["bubbles"][0]["id"]
    assert (await thread())["bubbles"][0]["ticks"] != "read"
    await act("mark_seen")
    assert (await thread())["bubbles"][0]["ticks"] == "read"
    status, answer = await act("react", payload={"message_id": said, "reaction": "👍"})
    assert (status, answer) == (200, {"recipient_id": psid, "message_id": said})
    assert (await thread())["bubbles"][0]["page_reaction"] == "👍"
    await act("unreact", payload={"message_id": said})
    assert (await thread())["bubbles"][0]["page_reaction"] is None
    for action, more in (("dance", {}), ("react", {}), ("react", {"payload": {"message_id": "m_x", "reaction": "👍"}}),
                         ("react", {"payload": {"message_id": said, "reaction": "ok"}})):
        status, answer = await act(action, **more)
        assert code_of(answer) == (100, None)


# persons and pages that cannot be reached

async def test_person_who_blocked_or_left_is_not_available(box: Box) -> None:
    psid = await chat(box)
    for state in ({"blocked": True}, {"messenger": False}):
        await box.control("PATCH", f"handsets/{ANN}/state", state)
        assert await refused(box, psid) == (551, 1545041)
        await box.control("PATCH", f"handsets/{ANN}/state", {key: not value for key, value in state.items()})
        assert (await send(box, psid))[0] == 200


async def test_restricted_page_sends_nothing_and_nothing_of_it_is_accepted(box: Box) -> None:
    psid = await chat(box)
    await switch(box, restricted=True)
    assert await refused(box, psid) == (10, 1893063)
    _, answer = await graph.post(box, {"recipient": {"id": psid}, "sender_action": "typing_on"})
    assert code_of(answer) == (10, 1893063)
    await switch(box, restricted=False)
    assert (await send(box, psid))[0] == 200


async def test_messages_need_their_permission(box: Box) -> None:
    psid = await chat(box)
    await box.control("PUT", "account", {"scopes": ["pages_manage_metadata"]})
    _status, answer = await send(box, psid)
    assert (code_of(answer), "pages_messaging" in answer["error"]["message"]) == ((10, None), True)


async def test_token_that_ended_is_told_with_its_subcode(box: Box) -> None:
    psid = await chat(box)
    await box.control("PUT", "account", {"switches": {"token_expired": True}})
    assert await refused(box, psid) == (190, 463)


# tokens for recipients

async def test_private_reply_is_one_until_the_person_answers_and_reveals_the_psid(box: Box) -> None:
    await box.handset(ANN)
    pages.keep_token(box.world, AIR, "comment_id", "1_2", ANN)
    body = {"recipient": {"comment_id": "1_2"}, "messaging_type": "RESPONSE", "message": TEXT}
    status, answer = await graph.post(box, body)
    assert (status, answer["recipient_id"]) == (200, pages.psid_of(AIR, ANN))
    _, again = await graph.post(box, body)
    assert code_of(again) == (10900, None)
    await box.say(ANN, {"text": "thanks", "page_id": AIR})
    assert (await graph.post(box, body))[0] == 200
    await box.forward(7 * DAY_MS + 1)
    assert code_of((await graph.post(box, body))[1]) == (10903, None)


async def test_one_time_token_is_for_once_and_stopped_notifications_are_refused(box: Box) -> None:
    psid = await chat(box)
    await box.forward(3 * DAY_MS)
    pages.keep_token(box.world, AIR, "one_time_notif_token", "otn", ANN)
    body = {"recipient": {"one_time_notif_token": "otn"}, "messaging_type": "UPDATE", "message": TEXT}
    assert (await graph.post(box, body))[1]["recipient_id"] == psid
    assert code_of((await graph.post(box, body))[1]) == (100, None)
    pages.keep_token(box.world, AIR, "notification_messages_token", "nm", ANN)
    body = {"recipient": {"notification_messages_token": "nm"}, "message": TEXT}
    assert (await graph.post(box, body))[0] == 200
    assert code_of((await graph.post(box, body))[1]) == (4, 2018354), "one in 48 hours"
    pages.keep_token(box.world, AIR, "notification_messages_token", "nm", ANN, stopped=True)
    assert code_of((await graph.post(box, body))[1]) == (10, 1893015)


async def test_one_request_for_notifications_per_topic(box: Box) -> None:
    psid, ask = await chat(box), card("notification_messages", title="News", payload="N")
    assert (await send(box, psid, ask))[0] == 200
    assert await refused(box, psid, ask) == (613, 1893016)
    assert await refused(box, psid, card("notification_messages", title="x" * 66, payload="N")) == (100, None)
    assert await refused(box, psid, card("notification_messages", title="Sale", payload="N",
                                         notification_messages_frequency="DAILY")) == (100, None)


# inline thread control

async def test_message_may_hand_the_thread_over(box: Box) -> None:
    psid = await chat(box)
    assert await refused(box, psid, thread_control={"app_id": "1", "control_type": "pass"}) == (100, 2018164)
    await sent(box, psid, thread_control={"app_id": INBOX_APP, "control_type": "pass"})
    assert pages.holder(box.world, AIR, ANN) == "inbox"
    assert await refused(box, psid) == (10, 2018300)


# files

async def files(box: Box, answers: dict[str, web.Response]) -> tuple[TestServer, str]:
    async def get(request: web.Request) -> web.StreamResponse:
        found = answers.get(request.path)
        if found is None:
            await asyncio.Event().wait()
        assert found is not None
        return found

    app = web.Application()
    app.router.add_get("/{name}", get)
    server = TestServer(app)
    await server.start_server()
    return server, str(server.make_url("/")).rstrip("/")


async def test_files_are_fetched_while_the_send_waits(make_box: BoxMaker) -> None:
    box = await make_box(fetch_timeout_s=0.2)
    psid = await chat(box)
    server, base = await files(box, {
        "/a.png": web.Response(body=b"png", content_type="image/png"),
        "/a.pdf": web.Response(body=b"%PDF", content_type="application/pdf"),
        "/gone.png": web.Response(status=404), "/empty.png": web.Response(body=b"", content_type="image/png"),
        "/big.png": web.Response(body=b"x" * (8 * 1024 * 1024 + 1), content_type="image/png")})
    try:
        for path, kind, wanted in (("/a.png", "image", None), ("/a.pdf", "file", None), ("/a.pdf", "image", (100, 2018047)),
                                   ("/gone.png", "image", (100, 2018008)), ("/empty.png", "image", (100, 2018047)),
                                   ("/big.png", "image", (100, 2018109)), ("/slow.mp4", "video", (100, 2018294)),
                                   ("/slow.mp3", "audio", (100, 2018008))):
            status, answer = await send(box, psid, {"attachment": {"type": kind, "payload": {"url": base + path}}})
            assert (None if status == 200 else code_of(answer)) == wanted, (path, kind)
            assert "attachment_id" not in answer
    finally:
        await server.close()


async def test_attachment_ids_live_90_days_for_their_page_and_kind(box: Box) -> None:
    psid, rail = await chat(box), await chat(box, page=RAIL)
    form = FormData()
    form.add_field("message", json.dumps({"attachment": {"type": "image", "payload": {"is_reusable": True}}}))
    form.add_field("filedata", b"png", filename="map.png", content_type="image/png")
    async with await box.raw("POST", f"/v25.0/{AIR}/message_attachments", data=form) as reply:
        attachment = (await reply.json())["attachment_id"]

    def using(kind: str) -> Any:
        return {"attachment": {"type": kind, "payload": {"attachment_id": attachment}}}

    answer = await sent(box, psid, using("image"))
    assert await refused(box, psid, using("video")) == (100, 2018047)
    _, foreign = await graph.post(box, {"recipient": {"id": rail}, "message": using("image")}, RAIL)
    assert code_of(foreign) == (100, 2018074)
    await box.forward(90 * DAY_MS + 1)
    await box.say(ANN, {"text": "still here?", "page_id": AIR})
    assert await refused(box, psid, using("image")) == (100, 2018074)
    shown = await bubble(box, answer["message_id"])
    async with await box.raw("GET", shown["attachment"]["url"]) as reply:
        assert (reply.status, await reply.read()) == (200, b"png"), "what was delivered stays"


async def test_several_pictures_are_one_message(box: Box) -> None:
    psid = await chat(box)
    urls = [f"https://static.example/{n}.png" for n in range(3)]
    for url in urls:
        graph.behind(box, url, data=url.encode())
    answer = await sent(box, psid, {"attachments": [{"type": "image", "payload": {"url": url}} for url in urls]})
    assert len((await bubble(box, answer["message_id"]))["attachments"]) == 3


# pace

async def test_too_many_at_once_are_throttled(box: Box) -> None:
    psid = await chat(box)
    graph.behind(box, "https://static.example/a.mp3", "audio/mpeg")
    song = {"attachment": {"type": "audio", "payload": {"url": "https://static.example/a.mp3"}}}
    codes = [code_of(answer) for status, answer in [await send(box, psid, song) for _ in range(25)] if status != 200]
    assert codes
    assert set(codes) == {(613, None)}
    assert (await send(box, psid))[0] == 200, "texts have their own, larger rate"
