"""Every sample request about a Page is answered as the sample says; every sample refusal is produced in its shape."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import messenger_graph as graph
import pytest
from aiohttp import FormData
from messenger_graph import AIR, SAMPLES, TEMPLATES, chat, sample, shape
from sandbox_box import ANN, Box

from sandbox.messenger import world as pages

SENDS = sorted(path.stem for path in SAMPLES.glob("send-*.json"))
ERRORS = sorted(path.stem for path in SAMPLES.glob("error-*.json"))
PAGE, PSID, REPLIED = "108234561237890", "7894561230123456", "8123456701234567"
TOKENS = ("user_ref", "comment_id", "post_id", "one_time_notif_token", "notification_messages_token")


def localised(value: Any, mid: str, psid: str, attachment: str, persona: str) -> Any:
    """The sample's body with the ids that this sandbox gave."""
    text = json.dumps(value).replace(PSID, psid).replace(PAGE, AIR).replace("1203948576102938", attachment)
    return json.loads(re.sub(r"m_[A-Za-z0-9_-]{90,}", mid, text).replace("392817465019283", persona))


async def prepared(box: Box, body: Any) -> Any:
    """Ann's chat, an attachment, a persona, the template and the token that a sample speaks of; the body to send."""
    psid = await chat(box)
    phone = await box.control("GET", f"handsets/{ANN}")
    mid = phone["threads"][0]["bubbles"][0]["id"]
    picture = "https://static.example/p/mara.png"
    graph.behind(box, picture)
    _, kept = await box.graph("POST", f"{AIR}/message_attachments", {"message": {"attachment": {
        "type": "image", "payload": {"url": picture, "is_reusable": True}}}})
    _, persona = await box.graph("POST", f"{AIR}/personas", {"name": "Mara K.", "profile_picture_url": picture})
    await graph.switch(box, airline_templates=True)
    body = localised(body, mid, psid, kept["attachment_id"], persona["id"])
    recipient = body.get("recipient", {})
    for kind in TOKENS:
        if kind in recipient:
            pages.keep_token(box.world, AIR, kind, recipient[kind], ANN)
    message = body.get("message", {})
    graph.keep_files(box, message.get("attachment") or message.get("attachments") or {})
    if "template" in message:
        await graph.approved(box, TEMPLATES[message["template"]["name"]])
    return body


@pytest.mark.parametrize("name", [name for name in SENDS if name != "send-file-multipart"])
async def test_sample_send_gets_the_documented_answer(box: Box, name: str) -> None:
    case = sample(name)
    status, answer = await graph.post(box, await prepared(box, case["request"]["body"]))
    assert (status, shape(answer)) == (case["response"]["status"], shape(case["response"]["body"])), answer
    if status == 200 and "message_id" in answer and "sender_action" not in case["request"]["body"]:
        assert re.fullmatch(r"m_[A-Za-z0-9_-]{98}", answer["message_id"])


async def test_sample_upload_beside_a_send_gets_the_documented_answer(box: Box) -> None:
    case, psid, form = sample("send-file-multipart"), await chat(box), FormData()
    for part in case["request"]["parts"]:
        if part["name"] == "filedata":
            form.add_field("filedata", b"%PDF-1.7", filename=part["filename"], content_type=part["content_type"])
        else:
            form.add_field(part["name"], part["value"].replace(PSID, psid))
    async with await box.raw("POST", f"/v25.0/{AIR}/messages", data=form) as reply:
        answer = await reply.json()
    assert (reply.status, shape(answer)) == (200, shape(case["response"]["body"])), answer
    shown = await graph.bubble(box, answer["message_id"])
    assert (shown["type"], shown["attachment"]["filename"]) == ("file", "ticket-bk_7Q2M.pdf")
    again = await graph.sent(box, psid, {"attachment": {"type": "file", "payload": {"attachment_id": answer["attachment_id"]}}})
    assert (await graph.bubble(box, again["message_id"]))["attachment"] == shown["attachment"]


APIS = ["api-attachment-upload-url", "api-conversations", "api-persona-create", "api-persona-list", "api-persona-delete",
        "api-profile-set", "api-profile-get", "api-profile-delete", "api-subscribe-page", "api-template-create",
        "api-template-create-named-buttons", "api-template-list", "api-thread-extend", "api-thread-owner",
        "api-thread-pass-to-inbox", "api-thread-release", "api-thread-request", "api-thread-take", "api-user-profile",
        "api-template-library-search", "api-debug-token"]


async def _made_ready(box: Box, name: str, psid: str) -> None:
    """What a sample of a call takes for granted."""
    if name == "api-conversations":
        mid = (await graph.sent(box, psid))["message_id"]
        await graph.sent(box, psid, {"text": "again"}, reply_to={"mid": mid})
        await box.say(ANN, {"text": "yes", "page_id": AIR})
    elif name.startswith("api-profile"):
        await box.graph("POST", f"{AIR}/messenger_profile", sample("api-profile-set")["request"]["body"])
    elif name in ("api-template-create", "api-template-list"):
        await box.control("PUT", "account", {"review_ms": 0})
    if name == "api-template-list":
        await graph.made(box, TEMPLATES["train_delay_v2"])
    elif name in ("api-thread-owner", "api-thread-request"):
        await box.control("PUT", f"pages/{AIR}/threads/{ANN}", {"holder": "inbox"})
    elif name in ("api-thread-extend", "api-thread-release"):
        await graph.sent(box, psid)


@pytest.mark.parametrize("name", APIS)
async def test_sample_call_gets_the_documented_answer(box: Box, name: str) -> None:
    case = sample(name)
    request = case["request"]
    psid = await chat(box)
    for picture in ("https://static.lindental-rail.example/i/re.png", "https://static.lindental-rail.example/p/mara.png"):
        graph.behind(box, picture)
    _, persona = await box.graph("POST", f"{AIR}/personas", {
        "name": "Mara K.", "profile_picture_url": "https://static.lindental-rail.example/p/mara.png"})
    await _made_ready(box, name, psid)
    url = urlsplit(request["url"].replace("<PAGE_ACCESS_TOKEN>", graph.PAGE_TOKEN + AIR))
    path = f"{url.path.removeprefix('/v25.0/')}?{url.query}".replace(PAGE, AIR).replace(PSID, psid)
    body = localised(request.get("body"), "", psid, "", "")
    status, answer = await box.graph(request["method"], path.replace("392817465019283", persona["id"]), body)
    theirs, ours = shape(case["response"]["body"]), shape(answer)
    if name == "api-debug-token":  # the reference names granular_scopes, which the sample does not have
        assert ours["data"].pop("granular_scopes")
    if name == "api-conversations":
        assert "reply_to" in answer["data"][0]["messages"]["data"][1], "the second newest answers another"
    assert (status, ours) == (200, theirs), answer


@pytest.mark.parametrize("name", ERRORS)
async def test_sample_refusal_is_produced_on_demand_in_its_shape(box: Box, name: str) -> None:
    psid, case = await chat(box), sample(name)
    error = case["response"]["body"]["error"]
    details = {"details": error["message"].removeprefix(f"(#{error['code']}) ")} if "error_subcode" not in error else {}
    await box.fault(name="code", code=error["code"], subcode=error.get("error_subcode", 0), page_id=AIR, address=ANN, times=1,
                    **details)
    async with await box.raw("POST", f"/v25.0/{AIR}/messages", json={
            "recipient": {"id": psid}, "messaging_type": "RESPONSE", "message": {"text": "Hello"}}) as reply:
        answer = await reply.json()
    assert (reply.status, shape(answer)) == (case["response"]["status"], shape(case["response"]["body"]))
    assert {key: answer["error"][key] for key in ("code", "error_subcode", "is_transient") if key in error} == {
        key: error[key] for key in ("code", "error_subcode", "is_transient") if key in error}
    for header, value in case["response"]["headers"].items():
        if header.startswith("X-"):
            assert shape(json.loads(reply.headers[header])).keys() == shape(
                json.loads(value.replace(PAGE, AIR))).keys(), "how much of the day's calls is used"
    assert (await graph.send(box, psid))[0] == 200, "the fault was for once"


async def test_injected_refusal_strikes_one_person_only_or_a_share(box: Box) -> None:
    ann, bob = await chat(box), await chat(box, "447700900456")
    await box.fault(name="code", code=551, subcode=1545041, page_id=AIR, address=ANN)
    assert await graph.refused(box, ann) == (551, 1545041)
    assert (await graph.send(box, bob))[0] == 200
    await box.control("DELETE", "faults")
    await box.fault(name="code", code=1200, page_id=AIR, share=0.5)
    statuses = {(await graph.send(box, bob))[0] for _ in range(40)}
    assert statuses == {200, 500}
