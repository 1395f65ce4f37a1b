"""Webhook bodies have exactly the keys of the samples, down to the last object, and real signatures."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import sandbox_templates as templates
from sandbox_box import ANN, PHONE, Box, sample, wait_until

OPAQUE = {"biz_opaque_callback_data": "outbox:7f3c1a52"}
DAN = "447700900321"
TAKE = Callable[[Any], bool]
PICTURE = base64.b64encode(b"picture").decode()


def keys(value: Any) -> Any:
    """Key sets all the way down; of a list, those of its first item."""
    if isinstance(value, dict):
        return {key: keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [keys(value[0])] if value else []
    return type(value).__name__


def status_is(name: str) -> TAKE:
    return lambda value: bool(value.get("statuses")) and value["statuses"][0]["status"] == name


def message_is(kind: str) -> TAKE:
    return lambda value: bool(value.get("messages")) and value["messages"][0]["type"] == kind


def interactive_is(kind: str, value: Any) -> bool:
    return message_is("interactive")(value) and value["messages"][0]["interactive"]["type"] == kind


def system_is(kind: str, value: Any) -> bool:
    return message_is("system")(value) and bool(value["messages"][0]["system"]["type"] == kind)


def preference_is(wanted: str, value: Any) -> bool:
    return bool(value["user_preferences"][0]["value"] == wanted)


async def matches(box: Box, name: str, take: TAKE, field: str = "messages") -> Any:
    """Wait for the change and compare its whole webhook with the sample's; the value."""
    def find() -> Any:
        return [body for body in box.receiver.bodies for change in body["entry"][0]["changes"]
                if change["field"] == field and take(change["value"])]

    found = (await wait_until(find, name))[0]
    wanted = sample(name)
    assert keys(found) == keys(wanted)
    return found["entry"][0]["changes"][0]["value"]


async def heard(box: Box, text: str) -> Any:
    """The inbound text with these words."""
    return (await wait_until(lambda: [one for one in box.receiver.messages() if one.get("text", {}).get("body") == text]))[0]


async def template(box: Box, name: str, *texts: str, to: str = "+447700900123", **more: Any) -> str:
    await templates.approved(box, name)
    status, answer = await box.send(templates.body(name, *texts, to=to, **more))
    assert status == 200, answer
    return str(answer["messages"][0]["id"])


async def test_utility_template_is_priced_in_sent_and_delivered_but_not_in_read(box: Box) -> None:
    await box.handset(name="Ann Example")
    await template(box, "appointment_reminder", "Ann", "Tuesday", **OPAQUE)
    sent = await matches(box, "status-sent-utility-template", status_is("sent"))
    assert sent["statuses"][0]["pricing"] == {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
    await matches(box, "status-delivered-utility-template", status_is("delivered"))
    await matches(box, "status-read-no-pricing", status_is("read"))


async def test_marketing_and_authentication_have_their_own_price(box: Box) -> None:
    await box.handset(name="Ann Example")
    await templates.approved(box, "coupon_autumn")
    body = templates.body("coupon_autumn", "A25", "25%")
    body["template"]["components"].append({"type": "button", "sub_type": "copy_code", "index": 1,
                                           "parameters": [{"type": "coupon_code", "coupon_code": "A25"}]})
    assert (await box.send(body))[0] == 200
    value = await matches(box, "status-sent-marketing", status_is("sent"))
    assert value["statuses"][0]["pricing"]["category"] == "marketing"
    box.receiver.bodies.clear()
    code = {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "482913"}]}
    await templates.approved(box, "login_code")
    body = templates.body("login_code", "482913", to="447700900456")
    body["template"]["components"].append(code)
    assert (await box.send(body))[0] == 200
    value = await matches(box, "status-authentication-delivered", lambda value: status_is("delivered")(value) and
                          value["statuses"][0]["pricing"]["category"] == "authentication")
    assert value["contacts"][0]["wa_id"] == "447700900456"


async def test_a_thousand_service_messages_a_month_are_free_and_the_next_is_charged(box: Box) -> None:
    await box.open_window()
    await box.text()
    free = await matches(box, "status-sent-service-free", status_is("sent"))
    assert free["statuses"][0]["pricing"]["type"] == "free_customer_service"
    for row in box.world.store.rows("SELECT key FROM kv WHERE key LIKE 'free:%'"):
        box.world.store.put(row["key"], 1_000)
    box.receiver.bodies.clear()
    second = await box.text()
    await wait_until(lambda: "sent" in box.receiver.names(second))
    charged = next(status for status in box.receiver.statuses(second) if status["status"] == "sent")
    assert keys(charged) == keys(sample("status-sent-service-charged-2026-10")["entry"][0]["changes"][0]["value"]["statuses"][0])
    assert charged["pricing"] == {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "service"}


async def test_who_comes_by_an_ad_is_free_for_three_days(box: Box) -> None:
    await box.handset(name="Ann Example")
    referral = sample("inbound-text-referral-ad")["entry"][0]["changes"][0]["value"]["messages"][0]["referral"]
    await box.say(ANN, {"text": "I saw your ad", "referral": referral})
    await matches(box, "inbound-text-referral-ad", message_is("text"))
    await box.text()
    await matches(box, "status-delivered-free-entry-point", status_is("delivered"))


async def test_read_without_delivered_carries_the_price(box: Box) -> None:
    await box.open_window()
    await box.fault(name="no_delivered")
    message_id = await box.text()
    await matches(box, "status-read-without-delivered", status_is("read"))
    assert box.receiver.names(message_id) == ["sent", "read"]


async def test_voice_note_is_played(box: Box) -> None:
    await box.open_window()
    box.world.store.run("INSERT INTO media VALUES ('77', ?, 'audio/ogg; codecs=opus', NULL, 'aa', 'upload', 0, ?, ?)",
                        PHONE, 10**14, b"abc")
    assert (await box.send({"to": ANN, "type": "audio", "audio": {"id": "77", "voice": True}}))[0] == 200
    await matches(box, "status-played-voice", status_is("played"))


async def test_person_with_a_username_is_known_by_user_id_only(box: Box) -> None:
    await box.handset(DAN, name="Dan Hidden", username="dan.hidden", user_id="GB.66120937485561920374")
    await box.say(DAN, {"text": "Hi, writing without showing my number", "phone_number_id": PHONE})
    await matches(box, "inbound-text-username-no-phone", message_is("text"))
    status, answer = await box.send({"recipient": "GB.66120937485561920374", "type": "text", "text": {"body": "Hello Dan"}})
    assert (status, answer["contacts"][0]) == (200, {"input": "GB.66120937485561920374", "user_id": "GB.66120937485561920374"})
    value = await matches(box, "status-delivered-sent-to-bsuid-no-phone", status_is("delivered"))
    assert value["contacts"][0]["profile"]["username"] == "dan.hidden"
    status, _ = await box.send({"recipient": "GB.66120937485561920374", "type": "interactive", "interactive": {
        "type": "request_contact_info", "body": {"text": "Your number?"}, "action": {"name": "request_contact_info"}}})
    phone = await box.control("GET", f"handsets/{DAN}")
    await box.say(DAN, {"button": {"bubble": phone["threads"][0]["bubbles"][-1]["id"], "index": 0}})
    await matches(box, "inbound-contacts-contact-request", message_is("contacts"))
    await box.say(DAN, {"text": "now you know"})
    assert (await heard(box, "now you know"))["from"] == DAN
    await box.forward(31 * 86_400_000)
    await box.say(DAN, {"text": "a month later"})
    assert "from" not in await heard(box, "a month later")


async def test_changed_number_is_told_three_ways_and_the_chat_moves_along(box: Box) -> None:
    before = await box.handset(name="Ann Example")
    await box.say(ANN, {"text": "my old number", "phone_number_id": PHONE})
    after = await box.control("POST", f"handsets/{ANN}/change_number", {"address": "447700900124"})
    assert after["user_id"] != before["user_id"]
    await matches(box, "inbound-system-user-changed-number", partial(system_is, "user_changed_number"))
    await matches(box, "inbound-system-user-changed-user-id", partial(system_is, "user_changed_user_id"))
    value = await matches(box, "account-user-id-update", bool, "user_id_update")
    assert value["user_id_update"][0]["user_id"] == {"previous": before["user_id"], "current": after["user_id"]}
    assert after["threads"][0]["bubbles"][0]["body"] == "my old number"
    await box.control("GET", f"handsets/{ANN}", expect=404)
    await box.handset("447700900456")
    await box.control("POST", "handsets/447700900456/change_number", {"address": "447700900124"}, expect=409)
    assert await box.text("the window moved too", to="447700900124")


async def test_nobodys_user_id_fails_by_webhook(box: Box) -> None:
    status, _ = await box.send({"recipient": "GB.1", "type": "text", "text": {"body": "Hello"}})
    assert status == 200
    await matches(box, "status-failed-sent-to-bsuid", status_is("failed"))


FAILED = ["130403-blocked-by-business", "130472-experiment", "131000-unknown", "131026-undeliverable", "131042-payment",
          "131047-window-closed", "131048-spam", "131049-ecosystem", "131050-marketing-stopped", "131053-media", "131056-pair"]


@pytest.mark.parametrize("name", FAILED)
async def test_failed_status_of_each_code_has_the_samples_keys(box: Box, name: str) -> None:
    code = int(name.split("-")[0])
    await box.fault(name="code", code=code, **{"async": True})
    await box.text(**OPAQUE)
    value = await matches(box, f"status-failed-{name}", status_is("failed"))
    assert value["statuses"][0]["errors"][0]["code"] == code
    phone = await box.control("GET", f"handsets/{ANN}")
    assert phone["threads"][0]["bubbles"][0]["error"]["code"] == code


FILE = {"data": PICTURE}
SAID: list[tuple[str, str, Any]] = [
    ("inbound-text", "text", {"text": "Hello, is the Tuesday slot still free?"}),
    ("inbound-text-cyrillic-emoji", "text", {"text": "Привет 👋"}),
    ("inbound-text-forwarded", "text", {"text": "Look", "forwarded": True}),
    ("inbound-text-frequently-forwarded", "text", {"text": "Look", "forwarded": "frequently"}),
    ("inbound-image", "image", {"image": {**FILE, "mime": "image/jpeg", "caption": "The broken part"}}),
    ("inbound-video", "video", {"video": {**FILE, "mime": "video/mp4", "caption": "0:12 in"}}),
    ("inbound-document", "document", {"document": {**FILE, "mime": "application/pdf", "filename": "договор №7.pdf",
                                                   "caption": "signed"}}),
    ("inbound-audio-file", "audio", {"audio": {**FILE, "mime": "audio/mpeg"}}),
    ("inbound-audio-voice-note", "audio", {"audio": {**FILE, "mime": "audio/ogg; codecs=opus", "voice": True}}),
    ("inbound-sticker", "sticker", {"sticker": {**FILE, "mime": "image/webp", "animated": True}}),
    ("inbound-location-pin", "location", {"location": {"latitude": 51.501364, "longitude": -0.14189}}),
    ("inbound-location-place", "location", {"location": {
        "latitude": 51.5, "longitude": -0.12, "name": "Sample Cafe", "address": "1 Sample Street", "url": "https://c.example"}}),
    ("inbound-contacts", "contacts", {"contacts": sample("inbound-contacts")["entry"][0]["changes"][0]["value"]["messages"][0][
        "contacts"]}),
    ("inbound-unsupported-poll", "unsupported", {"unsupported": "poll_creation"}),
    ("inbound-unsupported-no-type", "unsupported", {"unsupported": True}),
]


@pytest.mark.parametrize(("name", "kind", "said"), SAID, ids=[case[0] for case in SAID])
async def test_what_a_person_says_arrives_like_the_sample(box: Box, name: str, kind: str, said: Any) -> None:
    await box.handset(name="Zoë Sampleson 🌿")
    await box.say(ANN, said)
    await matches(box, name, message_is(kind))
    assert box.receiver.signed(-1)
    assert all(byte < 128 for byte in box.receiver.raws[-1])


async def test_replies_taps_and_reactions_name_the_message_they_answer(box: Box) -> None:
    await box.open_window()
    asked = await box.text("Which one?")
    await box.say(ANN, {"text": "That one", "reply_to": asked})
    value = await matches(box, "inbound-text-reply-context", lambda value: "context" in (value.get("messages") or [{}])[0])
    assert value["messages"][0]["context"] == {"from": "12025550142", "id": asked}
    await box.say(ANN, {"reaction": {"bubble": asked, "emoji": "👍"}})
    await matches(box, "inbound-reaction", lambda value: "emoji" in (value.get("messages") or [{}])[0].get("reaction", {}))
    await box.say(ANN, {"reaction": {"bubble": asked}})
    await matches(box, "inbound-reaction-removed", lambda value: message_is("reaction")(value) and
                  "emoji" not in value["messages"][0]["reaction"])
    for name, kind, index in (("buttons", "button-reply", 0), ("list", "list-reply", 2)):
        status, answer = await box.send(sample(f"send-interactive-{name}")["request"]["body"])
        assert status == 200
        await box.say(ANN, {"button": {"bubble": answer["messages"][0]["id"], "index": index}})
        await matches(box, f"inbound-interactive-{kind}", partial(interactive_is, kind.replace("-", "_")))
    status, answer = await box.send(sample("send-interactive-location-request")["request"]["body"])
    place = {"latitude": 51.501364, "longitude": -0.14189}
    await box.say(ANN, {"location": place, "reply_to": answer["messages"][0]["id"]})
    await matches(box, "inbound-location-answer-to-request", message_is("location"))


async def test_tap_on_a_template_button_gives_its_payload_back(box: Box) -> None:
    await box.handset(name="Ann Example")
    await templates.approved(box, "confirm", category="UTILITY", components=[
        {"type": "BODY", "text": "Is this appointment all right?"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Confirm"}, {"type": "QUICK_REPLY", "text": "Other"}]}])
    send = templates.body("confirm")
    send["template"]["components"] = [{"type": "button", "sub_type": "quick_reply", "index": 0,
                                       "parameters": [{"type": "payload", "payload": "confirm:appt-5512"}]}]
    _, answer = await box.send(send)
    message_id = answer["messages"][0]["id"]
    await box.say(ANN, {"button": {"bubble": message_id, "index": 0}})
    value = await matches(box, "inbound-button-template-quick-reply", message_is("button"))
    assert value["messages"][0]["button"] == {"payload": "confirm:appt-5512", "text": "Confirm"}
    await box.say(ANN, {"button": {"bubble": message_id, "index": 1}})
    other = await wait_until(lambda: [one for one in box.receiver.messages() if one.get("button", {}).get("text") == "Other"])
    assert other[0]["button"]["payload"] == "Other", "without a payload the label comes back"
    assert await box.text("Free text now, the tap opened the window")


async def test_marketing_stop_and_resume_are_told(box: Box) -> None:
    await box.handset(name="Ann Example")
    for value in ("stop", "resume"):
        await box.say(ANN, {"marketing": value, "phone_number_id": PHONE})
        await matches(box, f"account-user-preferences-{value}", partial(preference_is, value), "user_preferences")


EVENT = "message_template_status_update"
DECISIONS: list[tuple[str, str, Any, TAKE]] = [
    ("account-template-approved", EVENT, {}, lambda value: value["event"] == "APPROVED"),
    ("account-template-rejected-category", EVENT, {"decision": "REJECTED", "reason": "INCORRECT_CATEGORY"},
     lambda value: value["event"] == "REJECTED"),
    ("account-template-rejected-invalid-format", EVENT, {"decision": "REJECTED", "reason": "INVALID_FORMAT"},
     lambda value: value["event"] == "REJECTED"),
    ("account-template-paused", EVENT, {"decision": "PAUSED"}, lambda value: value["event"] == "PAUSED"),
    ("account-template-disabled", EVENT, {"decision": "DISABLED"}, lambda value: value["event"] == "DISABLED"),
    ("account-template-pending-deletion", EVENT, {"decision": "PENDING_DELETION"},
     lambda value: value["event"] == "PENDING_DELETION"),
    ("account-template-quality", "message_template_quality_update", {"quality": "YELLOW"}, bool),
    ("account-template-category-changed", "template_category_update", {"category": "MARKETING"}, bool),
    ("account-template-category-notice", "template_category_update", {"category": "MARKETING", "notice": True}, bool),
]


@pytest.mark.parametrize(("name", "field", "decision", "take"), DECISIONS, ids=[case[0] for case in DECISIONS])
async def test_template_events_have_the_samples_keys(box: Box, name: str, field: str, decision: Any, take: TAKE) -> None:
    template_id = await templates.approved(box, "appointment_reminder")
    if decision:
        await box.control("POST", f"templates/{template_id}/decide", decision)
    value = await matches(box, name, take, field)
    assert value["message_template_id"] == int(template_id) > 2**32


async def test_account_events_have_the_samples_keys(box: Box) -> None:
    async def turn(**change: Any) -> None:
        await box.control("PUT", "account", change)

    await turn(switches={"restricted": True})
    await matches(box, "account-update-restriction", lambda value: value["event"] == "ACCOUNT_RESTRICTION", "account_update")
    await turn(switches={"locked": True})
    await matches(box, "account-update-disabled", lambda value: value.get("ban_info", {}).get("waba_ban_state") == "DISABLE",
                  "account_update")
    await turn(switches={"locked": False})
    await matches(box, "account-update-reinstated", lambda value: value.get("ban_info", {}).get("waba_ban_state") ==
                  "REINSTATE", "account_update")
    await turn(tier="TIER_2K")
    value = await matches(box, "account-business-capability", bool, "business_capability_update")
    assert value["max_daily_conversations_per_business"] == 2_000
    await turn(numbers=[{"id": PHONE, "throughput": 1_000}])
    await matches(box, "account-phone-quality-throughput", bool, "phone_number_quality_update")


async def _say_hello(box: Box) -> Any:
    await box.handset()
    await box.say(ANN, {"text": "hello"})
    return (await wait_until(lambda: box.receiver.bodies))[0]


async def test_webhook_of_a_message_goes_to_the_numbers_own_waba(box: Box) -> None:
    body = await _say_hello(box)
    assert (body["object"], body["entry"][0]["id"]) == ("whatsapp_business_account", "271828182845904")
    assert body["entry"][0]["changes"][0]["value"]["metadata"] == {
        "display_phone_number": "12025550142", "phone_number_id": PHONE}


