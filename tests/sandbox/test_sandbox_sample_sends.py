"""Every sample request is answered as the sample says, or refused with the documented error where it is not played."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sandbox_templates
from aiohttp import FormData
from sandbox_box import ANN, PHONE, SAMPLES, WABA, Box, sample, wait_until

SENDS = sorted(path.stem for path in SAMPLES.glob("send-*.json"))
# not played by the sandbox: what it answers instead
REFUSED = {
    "send-direct-send-utility-beta": (400, 100), "send-group-create": (400, 131215), "send-group-pin": (400, 131215),
    "send-text-to-group": (400, 131215), "send-interactive-flow": (400, 131051), "send-interactive-product": (400, 131051),
    "send-interactive-voice-call": (400, 131051), "send-template-flow-button": (404, 132001),
    "send-template-group-invite": (404, 132001)}
OTHERS = ("send-media-upload", "send-media-get-url", "send-media-delete", "send-template-create", "send-template-list")
MIMES = {"image": "image/png", "audio": "audio/ogg; codecs=opus", "video": "video/mp4", "document": "application/pdf",
         "sticker": "image/webp"}


def shape(value: Any) -> Any:
    """Keys and kinds of values, all the way down."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def keep_files(box: Box, thing: Any) -> None:
    """Put the files that a sample names into the sandbox: uploads by id, links into the fetched ones."""
    for key, item in thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ():
        if key in MIMES and isinstance(item, dict):
            file_id = item.get("id") or "1003999999999999"
            box.world.store.run("INSERT OR IGNORE INTO media VALUES (?, ?, ?, NULL, 'aa', 'upload', 0, ?, ?)", file_id, PHONE,
                                MIMES[str(key)], 10**14, b"abc")
            if "link" in item:
                box.world.store.run("INSERT OR IGNORE INTO links VALUES (?, ?, ?)", item["link"], file_id, 10**14)
        keep_files(box, item)


@pytest.mark.parametrize("name", [name for name in SENDS if name not in OTHERS])
async def test_sample_request_gets_the_documented_answer(box: Box, name: str) -> None:
    case = sample(name)
    request = case["request"]
    await box.handset("447700900321", name="Dan Hidden", username="dan.hidden", user_id="GB.66120937485561920374")
    await box.open_window()
    keep_files(box, request["body"])
    wanted = request["body"].get("template", {}).get("name")
    if wanted in sandbox_templates.SAMPLES:
        template_id = await sandbox_templates.approved(box, wanted)
        if case["response"]["body"]["messages"][0]["message_status"] == "held_for_quality_assessment":
            await box.control("POST", f"templates/{template_id}/decide", {"held": True})
    if "message_id" in request["body"]:
        phone = await box.control("GET", f"handsets/{ANN}")
        request["body"]["message_id"] = phone["threads"][0]["bubbles"][0]["id"]
    status, answer = await box.graph(request["method"], request["path"].removeprefix("/v25.0/"), request["body"])
    if name in REFUSED:
        assert (status, answer["error"]["code"]) == REFUSED[name]
        return
    assert (status, shape(answer)) == (200, shape(case["response"]["body"])), answer
    if "contacts" in answer:
        assert answer["contacts"] == case["response"]["body"]["contacts"]
        ours, theirs = answer["messages"][0], case["response"]["body"]["messages"][0]
        assert ours.get("message_status") == theirs.get("message_status")
        assert re.fullmatch(r"wamid\.[A-Za-z0-9+/]+=*", ours["id"])
        assert ours["id"][:19] == theirs["id"][:19], "the same layout and recipient inside"


async def test_media_goes_up_is_found_and_is_deleted(box: Box) -> None:
    form = FormData()
    form.add_field("messaging_product", "whatsapp")
    form.add_field("type", "image/png")
    form.add_field("file", b"\x89PNG-like", filename="seat-map.png", content_type="image/png")
    async with await box.raw("POST", f"/v25.0/{PHONE}/media", data=form) as reply:
        answer = await reply.json()
    assert shape(answer) == shape(sample("send-media-upload")["response"]["body"])
    status, found = await box.graph("GET", f"{answer['id']}?phone_number_id={PHONE}")
    assert (status, shape(found)) == (200, shape(sample("send-media-get-url")["response"]["body"]))
    async with await box.raw("GET", "/" + found["url"].split("/", 3)[3]) as reply:
        assert (reply.status, await reply.read()) == (200, b"\x89PNG-like")
    assert await box.graph("DELETE", answer["id"]) == (200, sample("send-media-delete")["response"]["body"])
    status, gone = await box.graph("GET", answer["id"])
    assert (status, gone["error"]["code"], gone["error"]["error_subcode"]) == (400, 100, 33)


async def test_template_is_created_and_listed_page_by_page(box: Box) -> None:
    case = sample("send-template-create")
    status, answer = await box.graph("POST", f"{WABA}/message_templates", case["request"]["body"])
    assert (status, shape(answer), answer["status"]) == (200, shape(case["response"]["body"]), "PENDING")
    listing = sample("send-template-list")
    status, page = await box.graph("GET", listing["request"]["path"].removeprefix("/v25.0/"))
    assert (status, shape(page)) == (200, shape(listing["response"]["body"]))
    status, rest = await box.graph("GET", page["paging"]["next"].split("/v25.0/", 1)[1])
    names = [page["data"][0]["name"], *(template["name"] for template in rest["data"])]
    assert sorted(names) == ["hello_world", "order_update"]
    assert "next" not in rest["paging"]
    await wait_until(lambda: sandbox_templates.status_of(box, answer["id"]) == "APPROVED")
    approved = box.receiver.changes("message_template_status_update")
    await wait_until(lambda: box.receiver.changes("message_template_status_update"))
    approved = box.receiver.changes("message_template_status_update")[0]
    assert (approved["event"], approved["message_template_id"]) == ("APPROVED", int(answer["id"]))
