"""Every inbound sample has its like here: something a person, a switch or Meta itself does produces a body of that shape."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from messenger_people import AIR, BOB, RAIL, SAMPLES, entries, forget, items, opened, sample, send, shape
from sandbox_box import ANN, Box, BoxMaker, wait_until

Act = Callable[[Box, str], Awaitable[Any]]
PICTURE = base64.b64encode(b"picture").decode()
GENERIC = {"template_type": "generic", "elements": [{"title": "RE 4711", "subtitle": "07:15, platform 7", "buttons": [
    {"type": "postback", "title": "Show ticket", "payload": "TICKET_SHOW:1"}]}]}
PROFILE = {
    "get_started": {"payload": "GET_STARTED"},
    "ice_breakers": [{"call_to_actions": [{"question": "Is my train on time?", "payload": "ICE_STATUS"}], "locale": "default"}],
    "persistent_menu": [{"locale": "default", "composer_input_disabled": False, "call_to_actions": [
        {"type": "postback", "title": "Talk to a person", "payload": "MENU_HUMAN"}]}]}
NLP = {"intents": [], "entities": {"wit$datetime:datetime": [{
    "id": "340464963587159", "name": "wit$datetime", "role": "datetime", "start": 36, "end": 51, "body": "tomorrow at 8am",
    "confidence": 0.97, "entities": {}, "type": "value", "grain": "hour", "value": "2026-11-22T08:00:00.000+01:00"}]},
    "traits": {"wit$greetings": [{"id": "5900cc2d", "value": "true", "confidence": 0.02}]},
    "detected_locales": [{"locale": "en_XX", "confidence": 0.99}]}


def say(**body: Any) -> Act:
    """The person who is known to the Page says one thing there."""
    async def act(box: Box, psid: str) -> Any:
        return await box.say(ANN, {"page_id": AIR, **body})

    return act


def about(key: str, message: Any, **more: Any) -> Act:
    """The Page sends a message, and the person does something about it."""
    async def act(box: Box, psid: str) -> Any:
        mid = (await send(box, psid, message))["message_id"]
        return await box.say(ANN, {key: {"bubble": mid, **more}})

    return act


def with_switch(act: Act, **switches: Any) -> Act:
    async def switched(box: Box, psid: str) -> Any:
        await box.control("PUT", f"pages/{AIR}", switches)
        return await act(box, psid)

    return switched


def with_fault(act: Act, **fault: Any) -> Act:
    async def faulty(box: Box, psid: str) -> Any:
        await box.fault(page_id=AIR, **fault)
        return await act(box, psid)

    return faulty


def with_profile(act: Act) -> Act:
    async def profiled(box: Box, psid: str) -> Any:
        assert (await box.graph("POST", f"{AIR}/messenger_profile", PROFILE))[0] == 200
        return await act(box, psid)

    return profiled


def tell(**body: Any) -> Act:
    async def act(box: Box, psid: str) -> Any:
        return await box.control("POST", f"pages/{AIR}/tell", body)

    return act


def held_by(holder: str, then: Act | None = None, first: str | None = None, **more: Any) -> Act:
    """The thread goes to ``first``, then to ``holder``; then something is done."""
    async def act(box: Box, psid: str) -> Any:
        for to in (first, holder):
            if to is not None:
                await box.control("PUT", f"pages/{AIR}/threads/{ANN}", {"holder": to, **(more if to == holder else {})})
        return None if then is None else await then(box, psid)

    return act


async def new_person(box: Box, psid: str) -> None:
    await box.handset(BOB)
    await box.say(BOB, {"link": f"https://m.me/{AIR}?ref=bkt_1"})


async def new_person_without_ref(box: Box, psid: str) -> None:
    await box.handset(BOB)
    await box.say(BOB, {"page_id": AIR, "get_started": True})


async def own_message(box: Box, psid: str) -> None:
    await send(box, psid, {"text": "Yes, platform 7.", "metadata": "out_1"})


async def cards(box: Box, psid: str) -> None:
    await send(box, psid, {"attachment": {"type": "template", "payload": GENERIC}})


async def utility_button(box: Box, psid: str) -> None:
    template = {"name": "train_cancelled", "language": "en", "category": "UTILITY", "components": [
        {"type": "BODY", "text": "Your train {{1}} does not run today. Please choose another connection.",
         "example": {"body_text": [["RE 4711"]]}},
        {"type": "BUTTONS", "buttons": [{"type": "POSTBACK", "text": "Other connections", "payload": "ALT:{{1}}"}]}]}
    status, made = await box.graph("POST", f"{AIR}/message_templates", template)
    assert status == 200, made
    await wait_until(lambda: [entry for entry in entries(box) if "changes" in entry], "the template's verdict")
    filled = {"name": "train_cancelled", "language": {"code": "en"}, "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "RE 4711"}]},
        {"type": "buttons", "parameters": [{"type": "POSTBACK", "payload": "RE4711"}]}]}
    mid = (await send(box, psid, {"template": filled}, messaging_type="UTILITY"))["message_id"]
    await box.say(ANN, {"button": {"bubble": mid, "index": 0}})


async def edit(box: Box, psid: str) -> None:
    mid = (await box.say(ANN, {"page_id": AIR, "text": "RE 4711?"}))["bubble"]["id"]
    await box.say(ANN, {"edit": {"bubble": mid, "text": "RE 4713?"}})


async def unreact(box: Box, psid: str) -> None:
    mid = (await send(box, psid, {"text": "Platform 7"}))["message_id"]
    await box.say(ANN, {"reaction": {"bubble": mid, "emoji": "❤️"}})
    await box.say(ANN, {"reaction": {"bubble": mid}})


async def reply_to(box: Box, psid: str) -> None:
    mid = (await send(box, psid, {"text": "07:15 or 08:15?"}))["message_id"]
    await box.say(ANN, {"text": "This one, please", "reply_to": mid})


async def three_in_one(box: Box, psid: str) -> None:
    """Two persons at one Page and one at another: one body."""
    other = await opened(box, BOB)
    await opened(box, BOB, page=RAIL)
    await box.control("PATCH", f"handsets/{BOB}/state", {"auto_read_ms": None})
    await send(box, other, {"text": "look"})
    await wait_until(lambda: items(box, "delivery"), "delivered")
    await box.fault(name="webhook_batch", wait_ms=300, size=3, times=3)
    await box.say(ANN, {"page_id": AIR, "text": "Hello"})
    await box.control("POST", f"handsets/{BOB}/open", {"page_id": AIR})
    await box.say(BOB, {"page_id": RAIL, "text": "Bonjour"})


async def template_verdict(box: Box, text: str) -> None:
    body = {"name": "train_delay", "language": "en", "category": "UTILITY", "components": [
        {"type": "BODY", "text": text, "example": {"body_text": [["RE 4711"]]}}]}
    status, answer = await box.graph("POST", f"{AIR}/message_templates", body)
    assert status == 200, answer


async def approved(box: Box, psid: str) -> None:
    await template_verdict(box, "Your train {{1}} is about half an hour late today, we are sorry.")


async def rejected(box: Box, psid: str) -> None:
    await box.control("PUT", "account", {"review": "reject"})
    await approved(box, psid)


async def second_before_first(box: Box, psid: str) -> None:
    """Two messages in one body, the later one first."""
    await box.fault(name="webhook_off", page_id=AIR)
    await box.fault(name="webhook_batch", page_id=AIR, wait_ms=0, size=10, times=2)
    await box.fault(name="webhook_delay", page_id=AIR, ms=300, times=1)
    for text in ("first", "second"):
        await box.say(ANN, {"page_id": AIR, "text": text})
    await box.control("DELETE", "faults/webhook_off")



async def staff(box: Box, psid: str) -> None:
    await box.control("POST", f"pages/{AIR}/inbox", {"address": ANN, "text": "Good evening, Mara here."})


TEXT = say(text="Grüezi! 🚆")
SHOWN = {"type": "template", "payload": {"template_type": "button", "text": "Ticket", "buttons": [
    {"type": "postback", "title": "Show ticket", "payload": "TICKET_SHOW:1"}]}}
RAIL_OF = [{"content_type": "text", "title": "Show my ticket", "payload": "TICKET"}]
TAP = about("button", {"attachment": SHOWN}, index=0)
FILE = {"mime": "application/pdf", "data": PICTURE, "filename": "refund.pdf"}
IMAGE = {"mime": "image/jpeg", "data": PICTURE}


async def tap_on_standby(box: Box, psid: str) -> None:
    mid = (await send(box, psid, {"attachment": SHOWN}))["message_id"]
    await box.control("PUT", f"pages/{AIR}/threads/{ANN}", {"holder": "inbox"})
    await box.say(ANN, {"button": {"bubble": mid, "index": 0}})


ACTS: dict[str, Act] = {
    "account-linking-linked": say(account_linking="linked"),
    "account-linking-unlinked": say(account_linking="unlinked"),
    "batch-multiple-entries": three_in_one,
    "dashboard-test-changes-form": tell(test=True),
    "delivery": own_message,
    "delivery-watermark-only": with_switch(own_message, delivery_mids=False),
    "duplicate-in-one-delivery": with_fault(TEXT, name="webhook_double", together=True, times=1),
    "echo-own-app": own_message,
    "echo-page-inbox-human": staff,
    "echo-template": cards,
    "empty-entry": tell(empty=True),
    "feed-comment": tell(comment={"text": "Where is my refund?"}),
    "feedback-csat": say(feedback={"question": "csat_case_20931", "score": 4, "words": "Quick answer"}),
    "handover-app-roles": tell(app_roles=True),
    "handover-own-array": with_switch(held_by("ours", first="inbox"), old_handovers=True),
    "handover-pass-from-idle": held_by("ours"),
    "handover-pass-to-us": held_by("ours", first="inbox", metadata="solved"),
    "handover-request": held_by("inbox", request=True, metadata="agent wants to answer"),
    "handover-take": held_by("inbox", first="ours"),
    "message-ad-referral": say(ad={"ref": "autumn", "title": "Weekend by train", "text": "Can I still book?"}),
    "message-after-checkbox": say(text="Thanks", user_ref="chk_1"),
    "message-appointment-booking": say(appointment={"status": "requested", "start_time": 1796364900,
                                                    "end_time": 1796366700, "timezone": "Europe/Zurich"}),
    "message-audio": say(audio={"mime": "audio/mp4", "data": PICTURE}),
    "message-commands": say(text="trains on Friday", commands=["trains"]),
    "message-edit": edit,
    "message-fallback-link": say(share={"url": "https://rail.example/d", "title": "Disruptions", "text": "Is this true?"}),
    "message-fallback-unsupported": say(unsupported=True),
    "message-file": say(file=FILE),
    "message-image": say(image=IMAGE),
    "message-location": say(location={"latitude": 47.37791, "longitude": 8.54026}),
    "message-multiple-images": say(images=[IMAGE] * 3),
    "message-nlp": say(text="train tomorrow at 8am", nlp=NLP),
    "message-post-share": say(share={"type": "post", "url": "https://fb.example/1", "title": "New timetable"}),
    "message-quick-reply": about("quick_reply", {"text": "What?", "quick_replies": RAIL_OF}, index=0),
    "message-quick-reply-email": about("quick_reply", {"text": "Where?", "quick_replies": [
        {"content_type": "user_email"}]}, index=0),
    "message-reel-share": say(share={"type": "reel", "url": "https://fb.example/r", "title": "Cab ride"}),
    "message-reply-to": reply_to,
    "message-sticker": say(like=True),
    "message-sticker-legacy": with_switch(say(like=True), legacy_stickers="legacy"),
    "message-sticker-transition": with_switch(say(like=True), legacy_stickers="transition"),
    "message-text": TEXT,
    "message-video": say(video={"mime": "video/mp4", "data": PICTURE}),
    "optin-checkbox-user-ref": say(optin={"kind": "checkbox", "ref": "bkt_1", "user_ref": "chk_1"}),
    "optin-notification-messages": say(optin={"kind": "notification", "payload": "NEWS", "title": "Timetable news"}),
    "optin-notification-messages-stopped": say(optin={"kind": "notification_stopped", "payload": "NEWS", "title": "News"}),
    "optin-one-time-notification": say(optin={"kind": "one_time", "payload": "NOTIFY"}),
    "optin-send-to-messenger": say(optin={"kind": "plugin", "ref": "bkt_1"}),
    "out-of-order": second_before_first,
    "policy-enforcement-block-legacy-key": tell(policy={"action": "block", "reason": "Repeated.", "old_key": True}),
    "policy-enforcement-warning": tell(policy={"action": "warning", "reason": "Reported."}),
    "postback-button": TAP,
    "postback-get-started-plain": with_profile(new_person_without_ref),
    "postback-get-started-referral": with_profile(new_person),
    "postback-ice-breaker": with_profile(say(ice_breaker={"index": 0})),
    "postback-persistent-menu": with_profile(say(menu={"index": 0})),
    "postback-utility-button": utility_button,
    "reaction": about("reaction", {"text": "Platform 7"}, emoji="❤️"),
    "reaction-removed": unreact,
    "read": own_message,
    "referral-ad": say(ad={"ref": "autumn", "title": "Weekend by train"}),
    "referral-m-me": say(link=f"https://m.me/{AIR}?ref=bkt_1"),
    "referral-seconds-timestamp": with_fault(say(link=f"https://m.me/{AIR}?ref=bkt_1"), name="webhook_seconds", times=1),
    "response-feedback": about("response_feedback", {"text": "Platform 7"}, good=False),
    "standby-echo": held_by("inbox", staff),
    "standby-message": held_by("inbox", TEXT),
    "standby-postback-without-payload": tap_on_standby,
    "template-status-approved": approved,
    "template-status-rejected": rejected,
    "unknown-event": tell(unknown={}, address=ANN),
}


def test_every_inbound_sample_has_an_act() -> None:
    names = {path.stem.removeprefix("inbound-") for path in SAMPLES.glob("inbound-*.json")}
    assert set(ACTS) == names


@pytest.mark.parametrize("name", sorted(ACTS))
async def test_body_has_the_shape_of_the_sample(make_box: BoxMaker, name: str) -> None:
    box = await make_box()
    psid = await opened(box)
    forget(box)
    await ACTS[name](box, psid)
    wanted = shape(sample("inbound-" + name))

    def found() -> bool:
        return any(shape(body) == wanted for body in box.receiver.bodies)

    try:
        await wait_until(found, name, timeout_s=3.0)
    except AssertionError:
        raise AssertionError(f"{wanted}\nis none of\n" + "\n".join(str(shape(body)) for body in box.receiver.bodies)) from None
    if name == "out-of-order":
        assert [one["message"]["text"] for one in items(box, "message")] == ["second", "first"]
    assert all(box.receiver.signed(index) for index in range(len(box.receiver.raws)))
