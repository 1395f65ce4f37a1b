"""What the page reads and presses: the JSON of the phones, the stream, the story, reasons and messages not sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
from sandbox_box import ANN, PHONE, Box, wait_until

HANDSET = {"name", "label", "address", "user_id", "username", "language", "timezone", "online", "typing", "threads",
           "messenger", "psids"}
BUBBLE = {"id", "kind", "at_ms", "type", "template", "header", "body", "footer", "buttons", "list", "reply_to", "reaction",
          "ticks", "error", "opaque", "why"}
STORY = {"title": "A day", "steps": [{"title": "Booked", "caption": "Ann books"}], "position": 0, "state": "playing",
         "speed": 2.0, "note": None}
WHY = {"text": "Because the gate changed", "details": ["asked for it"], "trace": "main.py trace m1"}


class Listener:
    """Collects server-sent events."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, Any]] = []

    async def run(self, reply: aiohttp.ClientResponse) -> None:
        event: dict[str, str] = {}
        async for raw in reply.content:
            line = raw.decode().rstrip("\n")
            if not line and "data" in event:
                self.events.append((int(event["id"]), event["event"], json.loads(event["data"])))
                event = {}
            elif ": " in line and not line.startswith(":"):
                key, _, value = line.partition(": ")
                event[key] = value

    def named(self, name: str) -> list[Any]:
        return [data for _, kind, data in self.events if kind == name]


async def test_phones_have_the_shape_that_was_agreed(box: Box) -> None:
    await box.handset(name="Ann Example", label="the traveller", language="nl", timezone="Europe/Amsterdam")
    await box.say(ANN, {"text": "hi", "phone_number_id": PHONE})
    await box.text("hello", biz_opaque_callback_data="m9.1.s")
    whole = await box.control("GET", "handsets")
    assert set(whole) == {"cursor", "now_ms", "handsets", "story"}
    phone = whole["handsets"][0]
    assert set(phone) == HANDSET
    thread = phone["threads"][0]
    assert {key: thread[key] for key in thread if key != "bubbles"} == {
        "channel": "whatsapp", "sender_id": PHONE, "sender_name": "Polderwind Air",
        "phone_number_id": PHONE, "display_phone_number": "+1 202-555-0142", "verified_name": "Polderwind Air"}
    assert [set(bubble) for bubble in thread["bubbles"]] == [BUBBLE, BUBBLE]
    assert [(bubble["kind"], bubble["opaque"]) for bubble in thread["bubbles"]] == [("sent", None), ("received", "m9.1.s")]


async def test_reason_is_attached_before_or_after_the_message(box: Box) -> None:
    await box.open_window()
    await box.text(biz_opaque_callback_data="m1.1.s")
    assert (await box.control("PUT", "why", {"opaque": "m1", "why": WHY}))["attached"] == 1
    await box.control("PUT", "why", {"opaque": "m2", "why": {"text": "Early"}})
    await box.text(biz_opaque_callback_data="m2.1.s")
    phone = await box.control("GET", f"handsets/{ANN}")
    assert [bubble["why"] for bubble in phone["threads"][0]["bubbles"][1:]] == [
        WHY, {"text": "Early", "details": [], "trace": None}]
    await box.control("PUT", "why", {"opaque": "m1", "why": "no"}, expect=400)


async def test_message_not_sent_is_a_pale_bubble_until_it_is_taken_back(box: Box) -> None:
    unsent = {"id": "u1", "address": ANN, "phone_number_id": PHONE, "at_ms": 5, "body": "Gate B4", "reason": "night",
              "why": WHY, "template": {"name": "gate", "language": "nl", "category": "UTILITY"}}
    await box.control("PUT", "unsent", unsent)
    await box.control("PUT", "unsent", {**unsent, "body": "Gate B5"})
    bubble = (await box.control("GET", f"handsets/{ANN}"))["threads"][0]["bubbles"]
    assert len(bubble) == 1
    assert (bubble[0]["kind"], bubble[0]["body"], bubble[0]["reason"], bubble[0]["at_ms"]) == ("unsent", "Gate B5", "night", 5)
    assert set(bubble[0]) == (BUBBLE - {"ticks"}) | {"reason"}
    assert bubble[0]["why"] == WHY
    await box.control("DELETE", "unsent/u1")
    await box.control("DELETE", "unsent/u1", expect=404)
    assert (await box.control("GET", f"handsets/{ANN}"))["threads"] == []


async def test_stream_tells_each_change_and_replays_what_was_missed(box: Box) -> None:
    cursor = (await box.control("GET", "handsets"))["cursor"]
    listener = Listener()
    async with box.client.get(f"/sandbox/stream?since={cursor}") as reply:
        assert reply.content_type == "text/event-stream"
        task = asyncio.create_task(listener.run(reply))
        await box.open_window()
        message_id = await box.text("hello")
        await box.control("PUT", "story", STORY)
        await box.forward(5)

        def ticks() -> list[str]:
            return [bubble["ticks"] for data in listener.named("handset") for bubble in data["bubbles"]
                    if bubble["id"] == message_id]

        await wait_until(lambda: ticks() and ticks()[-1] == "read")
        await wait_until(lambda: listener.named("clock"))
        task.cancel()
    assert list(dict.fromkeys(ticks())) == ["pending", "sent", "delivered", "read"]
    first = listener.named("handset")[0]
    assert set(first) == {"address", "bubbles", "handset"}
    assert set(first["handset"]) == HANDSET - {"threads", "psids"}
    assert all(bubble["phone_number_id"] == PHONE for data in listener.named("handset") for bubble in data["bubbles"])
    assert listener.named("story") == [STORY]
    cursors = [number for number, _, _ in listener.events]
    assert cursors == sorted(set(cursors))
    replay = Listener()
    async with box.client.get("/sandbox/stream", headers={"Last-Event-ID": str(cursors[2])}) as reply:
        task = asyncio.create_task(replay.run(reply))
        await wait_until(lambda: len(replay.events) >= len(cursors) - 3)
        task.cancel()
    assert replay.events[:len(cursors) - 3] == listener.events[3:]
    stale = Listener()
    async with box.client.get("/sandbox/stream?since=17") as reply:
        task = asyncio.create_task(stale.run(reply))
        await wait_until(lambda: stale.named("reset"))
        task.cancel()


async def test_story_is_driven_from_outside_and_its_keys_are_pressed_on_the_page(box: Box) -> None:
    assert (await box.control("GET", "handsets"))["story"] is None
    await box.control("PUT", "story", STORY)
    assert (await box.control("GET", "handsets"))["story"] == STORY
    waiting = asyncio.create_task(box.control("GET", "story/control?since=0&wait=5"))
    await asyncio.sleep(0)
    await box.control("POST", "story/control", {"action": "pause"})
    heard = await waiting
    assert ([action["action"] for action in heard["actions"]], heard["since"]) == (["pause"], 1)
    await box.control("POST", "story/control", {"action": "speed", "speed": 5})
    heard = await box.control("GET", "story/control?since=1&wait=0")
    assert [(action["action"], action["speed"]) for action in heard["actions"]] == [("speed", 5)]
    assert (await box.control("GET", "story/control?since=2&wait=0"))["actions"] == []
    await box.control("POST", "story/control", {"action": "dance"}, expect=400)
    await box.control("PUT", "story", {**STORY, "state": "lost"}, expect=400)


async def test_reset_forgets_and_tells(box: Box) -> None:
    await box.open_window()
    await box.fault(name="slow", ms=1)
    await box.forward(1_000)
    await box.control("POST", "reset")
    whole = await box.control("GET", "handsets")
    assert whole["handsets"] == []
    assert (await box.control("GET", "faults"))["faults"] == []
    assert (await box.control("GET", "clock"))["offset_ms"] == 0
    assert (await box.graph("GET", PHONE))[0] == 200


async def test_another_sites_page_cannot_steer_the_sandbox(box: Box) -> None:
    async with box.client.post("/sandbox/reset", headers={"Origin": "https://evil.example"}) as reply:
        assert reply.status == 403
    own = f"http://{box.client.host}:{box.client.port}"
    async with box.client.post("/sandbox/reset", headers={"Origin": own}) as reply:
        assert reply.status == 200


async def test_requests_are_kept_without_tokens(box: Box) -> None:
    token = box.headers["Authorization"].split()[1]
    await box.text("remember me")
    await box.graph("GET", f"{PHONE}?access_token={token}", headers={})
    log = await box.control("GET", "requests?since=0")
    assert [(entry["method"], entry["status"]) for entry in log["requests"]] == [("POST", 200), ("GET", 200)]
    assert log["requests"][0]["body"]["text"]["body"] == "remember me"
    assert token not in json.dumps(log)
    assert (await box.control("GET", f"requests?since={log['last']}"))["requests"] == []


async def test_wrong_taps_and_words_are_refused(box: Box) -> None:
    await box.open_window()
    message_id = await box.text("no buttons here")
    for body in ({}, {"text": ""}, {"text": "a", "location": {}}, {"colour": 1}, {"button": {"bubble": message_id, "index": 0}},
                 {"button": {"bubble": "none", "index": 0}}, {"text": "x", "reply_to": "none"},
                 {"image": {"mime": "image/tiff", "data": "YQ=="}}, {"image": {"mime": "image/png", "data": "%"}},
                 {"text": "x", "phone_number_id": "1"}):
        await box.say(ANN, body, expect=400)
    await box.say("447700900999", {"text": "x"}, expect=404)
    await box.control("POST", "handsets", {"address": "12"}, expect=400)
    await box.control("POST", "handsets", {"address": ANN, "colour": "red"}, expect=400)
