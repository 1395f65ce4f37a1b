"""A Page's webhooks: their bytes and signature, order, retries, the hour after which they end, standby, echo and receipts."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest
from messenger_people import AIR, BOB, INBOX_APP, RAIL, SAMPLES, bubbles, entries, forget, heard, items, opened, send, thread
from sandbox_box import ANN, Box, BoxMaker, wait_until

from sandbox.config import ConfigError, read_config
from sandbox.store import Store
from sandbox.webhooks import PAGE_GAP_MOST_MS, signature, wire

HOUR_MS = 3_600_000


def kept(box: Box) -> int:
    return box.world.store.count("SELECT COUNT(*) FROM webhooks WHERE object = 'page'")


# bytes

def test_example_body_is_written_and_signed_as_meta_does() -> None:
    example = json.loads((SAMPLES / "signature-example.json").read_text("utf-8"))
    raw = wire(json.loads(example["raw_body"]))
    assert raw == example["raw_body"].encode("ascii")
    assert signature(example["app_secret"], raw) == example["headers"]["X-Hub-Signature-256"]


async def test_body_is_ascii_with_escaped_slashes_and_both_signatures_are_of_these_bytes(box: Box) -> None:
    await opened(box)
    await box.say(ANN, {"text": "Grüezi https://rail.example 🚆", "page_id": AIR})
    await heard(box, "message")
    raw, headers = box.receiver.raws[-1], box.receiver.headers[-1]
    assert b'"text":"Gr\\u00fcezi https:\\/\\/rail.example \\ud83d\\ude86"' in raw
    assert raw.startswith(b'{"object":"page","entry":[{"id":"' + AIR.encode() + b'","time":')
    secret = box.receiver.config.app_secret.encode()
    assert headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature"] == "sha1=" + hmac.new(secret, raw, hashlib.sha1).hexdigest()
    assert (headers["Content-Type"], headers["User-Agent"]) == ("application/json", "facebookexternalua")


async def test_signature_is_wrong_or_missing_when_asked(box: Box) -> None:
    await opened(box)
    await box.fault(name="webhook_wrong_signature", page_id=AIR, times=1)
    await box.say(ANN, {"text": "one", "page_id": AIR})
    await wait_until(lambda: len(box.receiver.raws) == 1)
    assert not box.receiver.signed(0)
    await box.fault(name="webhook_no_signature", page_id=AIR, times=1)
    await box.say(ANN, {"text": "two", "page_id": AIR})
    await wait_until(lambda: len(box.receiver.raws) == 2)
    assert not [name for name in box.receiver.headers[1] if name.startswith("X-Hub")]
    await box.say(ANN, {"text": "three", "page_id": AIR})
    await wait_until(lambda: len(box.receiver.raws) == 3)
    assert box.receiver.signed(2)


async def test_fault_of_a_page_leaves_other_pages_and_numbers_alone(box: Box) -> None:
    await opened(box)
    await box.fault(name="webhook_off", page_id=AIR, lost=True)
    await box.say(ANN, {"text": "lost", "page_id": AIR})
    await box.say(ANN, {"text": "rail", "page_id": RAIL})
    await box.say(ANN, {"text": "number"})
    assert (await heard(box, "message"))["message"]["text"] == "rail"
    await wait_until(box.receiver.messages)
    assert [entry["id"] for entry in entries(box)] == [RAIL]


def test_callback_of_pages_is_a_setting_and_a_wrong_one_is_named() -> None:
    hook = "http://localhost:8080/webhooks/messenger"
    assert read_config([], {"SANDBOX_PAGE_WEBHOOK_URL": hook}).page_webhook_url == hook
    assert read_config(["--page-webhook-url", hook], {"SANDBOX_PAGE_WEBHOOK_URL": "http://other"}).page_webhook_url == hook
    with pytest.raises(ConfigError, match="SANDBOX_PAGE_WEBHOOK_URL"):
        read_config([], {"SANDBOX_PAGE_WEBHOOK_URL": "localhost"})


# order, repetition, form

async def test_chat_is_told_in_order_as_long_as_nothing_fails(box: Box) -> None:
    await opened(box)
    said = [f"word {n}" for n in range(25)]
    for text in said:
        await box.say(ANN, {"text": text, "page_id": AIR})
    await wait_until(lambda: len(items(box, "message")) == 25)
    assert [one["message"]["text"] for one in items(box, "message")] == said


async def test_order_is_lost_by_shuffling_and_after_a_failure(box: Box) -> None:
    await opened(box)
    box.receiver.answers = [500]
    for text in ("first", "second"):
        await box.say(ANN, {"text": text, "page_id": AIR})
    await wait_until(lambda: len(items(box, "message")) == 2)
    assert [one["message"]["text"] for one in items(box, "message")] == ["second", "first"]
    forget(box)
    await box.fault(name="webhook_shuffle", page_id=AIR, ms=400)
    said = [f"word {n}" for n in range(12)]
    for text in said:
        await box.say(ANN, {"text": text, "page_id": AIR})
    await wait_until(lambda: len(items(box, "message")) == 12)
    told = [one["message"]["text"] for one in items(box, "message")]
    assert sorted(told) == sorted(said)
    assert told != said


async def test_event_comes_twice_late_in_seconds_in_another_form_or_beside_an_unknown_one(box: Box) -> None:
    await opened(box)
    await box.fault(name="webhook_double", page_id=AIR, times=1)
    await box.say(ANN, {"text": "twice", "page_id": AIR})
    await heard(box, "message", count=2)
    assert box.receiver.raws[0] == box.receiver.raws[1]
    forget(box)
    await box.fault(name="webhook_delay", page_id=AIR, ms=60_000, times=1)
    await box.say(ANN, {"text": "late", "page_id": AIR})
    await box.say(ANN, {"text": "prompt", "page_id": AIR})
    assert (await heard(box, "message"))["message"]["text"] == "prompt"
    await box.forward(60_000)
    assert (await heard(box, "message", count=2))["message"]["text"] == "late"
    forget(box)
    await box.fault(name="webhook_unknown", page_id=AIR, times=1)
    await box.say(ANN, {"text": "beside", "page_id": AIR})
    await heard(box, "message")
    assert "some_future_event" in entries(box)[0]["messaging"][0]
    forget(box)
    await box.fault(name="webhook_changes_form", page_id=AIR, times=1)
    await box.say(ANN, {"text": "other form", "page_id": AIR})
    entry = (await wait_until(lambda: entries(box)))[0]
    assert entry["changes"][0]["field"] == "messages"
    assert entry["changes"][0]["value"]["timestamp"].isdigit()


async def test_only_fields_that_page_and_app_are_subscribed_to_are_sent(box: Box) -> None:
    psid = await opened(box)
    status, answer = await box.graph("POST", f"{AIR}/subscribed_apps?subscribed_fields=messages,message_reads")
    assert (status, answer) == (200, {"success": True})
    await send(box, psid, {"text": "no echo of this, no delivery"})
    await heard(box, "read")
    await box.say(ANN, {"text": "but this", "page_id": AIR})
    await heard(box, "message")
    assert not items(box, "delivery")
    assert not [one for one in items(box, "message") if one["message"].get("is_echo")]
    assert (await box.control("GET", f"pages/{AIR}"))["fields"] == ["messages", "message_reads"]


# what an hour without an answer costs

async def test_app_is_unsubscribed_from_the_page_after_an_hour_of_failures(box: Box) -> None:
    await opened(box)
    box.receiver.answers = [500] * 200
    await box.say(ANN, {"text": "who hears this?", "page_id": AIR})
    await wait_until(lambda: box.receiver.times)

    async def page() -> Any:
        return await box.control("GET", f"pages/{AIR}")

    while (shown := await page())["failing_since"] is None:
        await asyncio.sleep(0)
    began = shown["failing_since"]
    tries = 0
    while (shown := await page())["subscribed"]:
        before = len(box.receiver.times)
        assert (await box.control("GET", "clock"))["now_ms"] - began < HOUR_MS + PAGE_GAP_MOST_MS
        await box.forward(PAGE_GAP_MOST_MS)
        await wait_until(lambda: len(box.receiver.times) > before or not kept(box))  # noqa: B023
        tries += 1
    assert tries == 6
    assert shown["since"] - began >= HOUR_MS
    assert (kept(box), shown["failing_since"]) == (0, None)
    box.receiver.answers = []
    await box.say(ANN, {"text": "into the void", "page_id": AIR})
    await box.say(ANN, {"text": "rail hears", "page_id": RAIL})
    assert (await heard(box, "message"))["message"]["text"] == "rail hears"
    assert await box.graph("POST", f"{AIR}/subscribed_apps?subscribed_fields=messages") == (200, {"success": True})
    await box.say(ANN, {"text": "again", "page_id": AIR})
    told = await heard(box, "message", count=2)
    assert told["message"]["text"] == "again"
    assert (await page())["subscribed"] is True


async def test_one_answer_within_the_hour_keeps_the_subscription(box: Box) -> None:
    await opened(box)
    box.receiver.answers = [500, 500]
    await box.say(ANN, {"text": "try", "page_id": AIR})
    await wait_until(lambda: len(box.receiver.times) >= 2)
    await box.forward(1_800_000)
    await heard(box, "message")
    await wait_until(lambda: kept(box) == 0)
    shown = await box.control("GET", f"pages/{AIR}")
    assert (shown["subscribed"], shown["failing_since"]) == (True, None)
    box.receiver.answers = [500]
    await box.forward(HOUR_MS)
    await box.say(ANN, {"text": "later", "page_id": AIR})
    await heard(box, "message", count=2)
    assert (await box.control("GET", f"pages/{AIR}"))["subscribed"] is True


async def test_slow_answer_counts_as_none(make_box: BoxMaker) -> None:
    box = await make_box(webhook_timeout_s=0.1)
    await opened(box)
    box.receiver.hold = asyncio.Event()
    await box.say(ANN, {"text": "slow", "page_id": AIR})
    await wait_until(lambda: box.world.store.count("SELECT SUM(attempts) FROM webhooks") == 1)
    box.receiver.hold.set()
    await box.forward(1_000)
    await wait_until(lambda: kept(box) == 0)
    assert len(items(box, "message")) >= 1


async def test_webhooks_kept_by_an_earlier_version_still_go_out(tmp_path: Path, make_box: BoxMaker) -> None:
    """A file without the column that says what a webhook is about."""
    before = Store(str(tmp_path))
    before.run("ALTER TABLE webhooks DROP COLUMN object")
    before.run("INSERT INTO webhooks (next_ms, made_ms, attempts, url, phone_number_id, address, batch, entries) "
               "VALUES (0, ?, 0, '', '', '', 0, ?)", int(time.time() * 1_000), '[{"id":"1","changes":[]}]')
    before.close()
    box = await make_box(data_dir=str(tmp_path))
    body = (await wait_until(lambda: box.receiver.bodies))[0]
    assert body == {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": []}]}


async def test_operator_turns_switches_and_wrong_ones_are_refused(box: Box) -> None:
    shown = await box.control("GET", "pages")
    assert [page["name"] for page in shown["pages"]] == ["Polderwind Air", "Laagland Rail", "Dijknet"]
    changed = await box.control("PUT", f"pages/{AIR}", {"utility": False, "default_app": None, "legacy_stickers": "legacy"})
    assert (changed["utility"], changed["default_app"], changed["legacy_stickers"]) == (False, None, "legacy")
    for wrong in ({"utility": "no"}, {"default_app": "somebody"}, {"legacy_stickers": True}, {"colour": "red"}):
        assert (await box.control("PUT", f"pages/{AIR}", wrong, expect=400))["detail"]
    await box.control("GET", "pages/123", expect=404)
    off = await box.control("PUT", f"pages/{AIR}", {"subscribed": False})
    assert off["subscribed"] is False
    assert (await box.control("PUT", f"pages/{AIR}", {"subscribed": True}))["subscribed"] is True


# echo, delivered, read

async def test_send_is_echoed_then_delivered_then_read(box: Box) -> None:
    psid = await opened(box)
    mid = (await send(box, psid, {"text": "Platform 7", "metadata": "out_1"}))["message_id"]
    read = await heard(box, "read")
    keys = [next(key for key in one if key not in ("sender", "recipient", "timestamp"))
            for entry in entries(box) for one in entry["messaging"]]
    assert keys == ["message", "delivery", "read"]
    echo = items(box, "message")[0]
    assert (echo["sender"], echo["recipient"]) == ({"id": AIR}, {"id": psid})
    assert echo["message"] == {"mid": mid, "is_echo": True, "app_id": int(box.receiver.config.app_id), "metadata": "out_1",
                               "text": "Platform 7"}
    delivery = items(box, "delivery")[0]["delivery"]
    assert delivery["mids"] == [mid]
    assert echo["timestamp"] <= delivery["watermark"] <= read["read"]["watermark"]
    assert set(read["read"]) == {"watermark"}
    assert (await bubbles(box))[-1]["ticks"] == "read"


@pytest.mark.parametrize("how", ["switch", "fault"])
async def test_echo_comes_before_the_answer_when_asked(box: Box, how: str) -> None:
    psid = await opened(box)
    if how == "switch":
        await box.control("PUT", f"pages/{AIR}", {"echo_first": True})
    else:
        await box.fault(name="status_before_answer", page_id=AIR)
    answer = await send(box, psid, {"text": "early"})
    assert [one["message"]["mid"] for one in items(box, "message")] == [answer["message_id"]]


async def test_deliveries_may_lack_the_messages(box: Box) -> None:
    psid = await opened(box)
    await box.control("PUT", f"pages/{AIR}", {"delivery_mids": False})
    await send(box, psid, {"text": "which?"})
    assert set((await heard(box, "delivery"))["delivery"]) == {"watermark"}


async def test_receipts_may_be_missing_and_a_message_may_never_arrive(box: Box) -> None:
    psid = await opened(box)
    await box.fault(name="no_delivered", page_id=AIR, times=1)
    await send(box, psid, {"text": "quiet"})
    await heard(box, "read")
    assert not items(box, "delivery")
    await box.fault(name="late_failed", page_id=AIR, times=1)
    lost = (await send(box, psid, {"text": "lost"}))["message_id"]
    come = (await send(box, psid, {"text": "come"}))["message_id"]
    await heard(box, "read", count=2)
    assert items(box, "delivery")[-1]["delivery"]["mids"] == [come]
    assert [(one["id"], one["ticks"]) for one in (await bubbles(box))[2:]] == [(lost, "failed"), (come, "read")]
    assert lost in [one["message"]["mid"] for one in items(box, "message")]  # it was echoed all the same


async def test_phone_that_was_off_takes_all_its_messages_at_once(box: Box) -> None:
    psid = await opened(box, auto_read_ms=None)
    await box.control("PATCH", f"handsets/{ANN}/state", {"online": False})
    mids = [(await send(box, psid, {"text": text}))["message_id"] for text in ("one", "two", "three")]
    await wait_until(lambda: len(items(box, "message")) == 3)
    assert not items(box, "delivery")
    await box.control("PATCH", f"handsets/{ANN}/state", {"online": True})
    assert (await heard(box, "delivery"))["delivery"]["mids"] == mids
    assert not items(box, "read")
    await box.control("POST", f"handsets/{ANN}/open", {"page_id": AIR})
    await heard(box, "read")
    assert len(items(box, "read")) == 1
    assert [bubble["ticks"] for bubble in (await bubbles(box))[1:]] == ["read"] * 3


async def test_who_hides_receipts_is_never_told_to_have_read(box: Box) -> None:
    psid = await opened(box, read_receipts=False)
    await send(box, psid, {"text": "seen?"})
    await heard(box, "delivery")
    await box.control("POST", f"handsets/{ANN}/open", {"page_id": AIR})
    await box.say(ANN, {"text": "yes", "page_id": AIR})
    await wait_until(lambda: [one for one in items(box, "message") if one["message"].get("text") == "yes"])
    assert not items(box, "read")


# who else speaks

async def test_staff_who_answer_in_the_inbox_take_the_thread(box: Box) -> None:
    psid = await opened(box)
    await box.control("PUT", f"pages/{AIR}/threads/{ANN}", {"holder": "ours"})
    await heard(box, "pass_thread_control")
    forget(box)
    said = await box.control("POST", f"pages/{AIR}/inbox", {"address": ANN, "text": "Mara here."})
    assert (said["bubble"]["by"], said["bubble"]["kind"]) == ("inbox", "received")
    taken = await heard(box, "take_thread_control")
    assert taken["take_thread_control"] == {"previous_owner_app_id": box.receiver.config.app_id,
                                            "new_owner_app_id": str(INBOX_APP), "metadata": ""}
    echo = (await heard(box, "message"))["message"]
    assert (echo["mid"], echo["app_id"], echo["text"]) == (said["bubble"]["id"], INBOX_APP, "Mara here.")
    assert "metadata" not in echo
    assert (await thread(box))["holder"] == "inbox"
    refused = await send(box, psid, {"text": "me too"}, expect=400)
    assert (refused["error"]["code"], refused["error"]["error_subcode"]) == (10, 2018300)
    await box.say(ANN, {"text": "thanks Mara", "page_id": AIR})
    assert (await heard(box, "message", "standby"))["message"]["text"] == "thanks Mara"
    await wait_until(lambda: [bubble for bubble in box.world.handsets.unread(ANN, AIR)] == [])
    assert not items(box, "delivery")  # of what staff wrote, nothing was delivered for us


async def test_what_a_person_does_while_another_holds_the_thread_is_on_standby(box: Box) -> None:
    psid = await opened(box)
    buttons = {"type": "template", "payload": {"template_type": "button", "text": "Ticket", "buttons": [
        {"type": "postback", "title": "Show ticket", "payload": "TICKET:1"}]}}
    mid = (await send(box, psid, {"attachment": buttons}))["message_id"]
    await heard(box, "read")
    shown = await box.control("PUT", f"pages/{AIR}/threads/{ANN}", {"holder": "inbox"})
    assert (shown["holder"], shown["psid"]) == ("inbox", psid)
    await heard(box, "take_thread_control")
    forget(box)
    await box.say(ANN, {"button": {"bubble": mid, "index": 0}})
    tapped = await heard(box, "postback", "standby")
    assert set(tapped["postback"]) == {"mid", "title"}
    await box.say(ANN, {"reaction": {"bubble": mid, "emoji": "👍"}})
    await heard(box, "reaction", "standby")
    assert not [entry for entry in entries(box) if "messaging" in entry]
    await box.control("PUT", f"pages/{AIR}/threads/{ANN}", {"holder": "ours", "metadata": "solved"})
    passed = await heard(box, "pass_thread_control")
    assert passed["pass_thread_control"] == {"previous_owner_app_id": str(INBOX_APP), "metadata": "solved",
                                             "new_owner_app_id": box.receiver.config.app_id}
    await box.say(ANN, {"button": {"bubble": mid, "index": 0}})
    assert (await heard(box, "postback"))["postback"]["payload"] == "TICKET:1"


async def test_control_lapses_and_nobody_is_told(box: Box) -> None:
    await opened(box)
    await box.control("POST", f"pages/{AIR}/inbox", {"address": ANN, "text": "Mara here."})
    await heard(box, "take_thread_control")
    forget(box)
    await box.forward(24 * HOUR_MS + 1_000)
    assert (await box.control("GET", f"pages/{AIR}/threads/{ANN}"))["holder"] == "idle"
    await box.say(ANN, {"text": "anybody?", "page_id": AIR})
    assert (await heard(box, "message"))["message"]["text"] == "anybody?"
    assert not items(box, "pass_thread_control")


async def test_assistant_answers_only_where_it_may(box: Box) -> None:
    await opened(box)
    answer = {"address": ANN, "text": "I am Meta's.", "by": "assistant"}
    await box.control("POST", f"pages/{AIR}/inbox", answer, expect=409)
    await box.control("PUT", f"pages/{AIR}/threads/{ANN}", {"holder": "assistant"}, expect=409)
    await box.control("PUT", f"pages/{AIR}", {"assistant": True})
    said = await box.control("POST", f"pages/{AIR}/inbox", answer)
    assert said["bubble"]["by"] == "assistant"
    echo = (await heard(box, "message"))["message"]
    assert echo["app_id"] not in (INBOX_APP, int(box.receiver.config.app_id))
    assert (await thread(box))["holder"] == "assistant"
    await box.control("POST", f"pages/{AIR}/inbox", {"address": ANN, "text": "x", "by": "me"}, expect=400)
    await box.handset(BOB)
    await box.control("POST", f"pages/{AIR}/inbox", {"address": BOB, "text": "never met"}, expect=400)


async def test_stream_tells_chats_and_pages_as_they_change(box: Box) -> None:
    await opened(box)
    cursor = (await box.control("GET", "handsets"))["cursor"]
    await box.control("PUT", f"pages/{AIR}", {"utility": False})
    await box.say(ANN, {"text": "hello", "page_id": AIR})
    told = {(event.name): event.told().data for event in box.world.hub.after(cursor) if event.data is not None}
    assert (told["page"]["id"], told["page"]["utility"]) == (AIR, False)
    events = [event.told().data for event in box.world.hub.after(cursor) if event.name == "handset"]
    bubble = next(bubble for data in events for bubble in data["bubbles"])
    assert (bubble["body"], bubble["channel"], bubble["sender_id"]) == ("hello", "messenger", AIR)
    chat = next(one for data in events for one in data.get("threads", []))
    assert (chat["sender_name"], "bubbles" in chat) == ("Polderwind Air", False)
