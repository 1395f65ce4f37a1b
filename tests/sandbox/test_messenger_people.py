"""What people do in a Page's chat, over HTTP, and what the Page's app hears of it: words, taps, edits, links, files."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from messenger_people import AIR, BOB, RAIL, bubbles, entries, forget, heard, items, opened, send, thread
from sandbox_box import ANN, PHONE, Box, wait_until

DAY_MS = 86_400_000
PICTURE = base64.b64encode(b"picture").decode()


async def test_new_phone_uses_messenger_and_each_page_knows_it_by_another_id(box: Box) -> None:
    first = await opened(box)
    await box.say(ANN, {"text": "hello rail", "page_id": RAIL})
    second = (await heard(box, "message"))["sender"]["id"]
    phone = await box.control("GET", f"handsets/{second}")
    assert (phone["address"], phone["messenger"]) == (ANN, True)
    assert phone["psids"] == {AIR: first, RAIL: second}
    assert first != second
    assert {len(first), len(second)} == {17}
    assert [(one["channel"], one["sender_id"], one["sender_name"]) for one in phone["threads"]] == [
        ("messenger", AIR, "Polderwind Air"), ("messenger", RAIL, "Laagland Rail")]


async def test_words_open_the_window_and_stand_in_the_chat(box: Box) -> None:
    await opened(box)
    answer = await box.say(ANN, {"text": "Fährt der RE 4711? 🚆", "page_id": AIR})
    told = await heard(box, "message")
    assert told["message"] == {"mid": answer["bubble"]["id"], "text": "Fährt der RE 4711? 🚆"}
    assert told["recipient"] == {"id": AIR}
    shown = answer["bubble"]
    assert (shown["channel"], shown["page_id"], shown["ticks"]) == ("messenger", AIR, "delivered")
    chat = await thread(box)
    # The bubble's time and the window's are two readings of one clock, in whichever order.
    assert abs(chat["window_until_ms"] - answer["bubble"]["at_ms"] - DAY_MS) < 1000
    assert (chat["holder"], chat["page_username"]) == ("idle", "polderwindair")


async def test_page_is_found_by_the_last_chat_the_channel_or_the_bubble_spoken_of(box: Box) -> None:
    await opened(box, page=RAIL)
    last = await box.say(ANN, {"text": "and now?", "channel": "messenger"})
    assert last["bubble"]["page_id"] == RAIL
    answered = await box.say(ANN, {"text": "this one", "reply_to": last["bubble"]["id"]})
    assert (answered["bubble"]["page_id"], answered["bubble"]["reply_to"]) == (RAIL, last["bubble"]["id"])
    told = await heard(box, "message", count=2)
    assert told["message"]["reply_to"] == {"mid": last["bubble"]["id"], "is_self_reply": True}
    plain = await box.say(ANN, {"text": "on the other app"})
    assert (plain["bubble"]["channel"], plain["bubble"]["phone_number_id"]) == ("whatsapp", PHONE)


async def test_quick_reply_is_a_message_and_its_rail_is_gone_after_the_next_one(box: Box) -> None:
    psid = await opened(box)
    rail = [{"content_type": "text", "title": "Show my ticket", "payload": "TICKET:1"},
            {"content_type": "text", "title": "Status", "payload": "STATUS:1"}, {"content_type": "user_email"}]
    mid = (await send(box, psid, {"text": "What would you like?", "quick_replies": rail}))["message_id"]
    await box.say(ANN, {"quick_reply": {"bubble": mid, "index": 7}}, expect=400)
    said = await box.say(ANN, {"quick_reply": {"bubble": mid, "index": 0}})
    told = await wait_until(lambda: [one for one in items(box, "message") if "quick_reply" in one["message"]])
    assert told[0]["message"]["text"] == said["bubble"]["body"] == "Show my ticket"
    assert told[0]["message"]["quick_reply"] == {"payload": "TICKET:1"}
    refused = await box.say(ANN, {"quick_reply": {"bubble": mid, "index": 1}}, expect=400)
    assert "gone" in refused["detail"]


async def test_button_is_a_postback_and_a_web_address_tells_nobody(box: Box) -> None:
    psid = await opened(box)
    payload = {"template_type": "button", "text": "Your ticket", "buttons": [
        {"type": "web_url", "title": "Timetable", "url": "https://rail.example/t"},
        {"type": "postback", "title": "Show ticket", "payload": "TICKET_SHOW:1"}]}
    mid = (await send(box, psid, {"attachment": {"type": "template", "payload": payload}}))["message_id"]
    await box.say(ANN, {"button": {"bubble": mid, "index": 0}}, expect=400)
    said = await box.say(ANN, {"button": {"bubble": mid, "index": 1}})
    told = await heard(box, "postback")
    assert told["postback"] == {"mid": said["bubble"]["id"], "title": "Show ticket", "payload": "TICKET_SHOW:1"}
    assert (said["bubble"]["type"], said["bubble"]["body"]) == ("postback", "Show ticket")


async def test_buttons_of_cards_are_numbered_through_all_the_cards(box: Box) -> None:
    psid = await opened(box)
    cards = [{"title": f"Train {n}", "subtitle": "07:15", "buttons": [
        {"type": "postback", "title": "Take it", "payload": f"TAKE:{n}"}]} for n in range(3)]
    sent = {"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": cards}}}
    mid = (await send(box, psid, sent))["message_id"]
    await box.say(ANN, {"button": {"bubble": mid, "index": 2}})
    assert (await heard(box, "postback"))["postback"]["payload"] == "TAKE:2"


async def test_person_edits_their_own_words_five_times_within_a_quarter_of_an_hour(box: Box) -> None:
    await opened(box)
    mid = (await box.say(ANN, {"text": "RE 4711", "page_id": AIR}))["bubble"]["id"]
    for n in range(1, 6):
        changed = (await box.say(ANN, {"edit": {"bubble": mid, "text": f"RE 471{n}"}}))["bubble"]
    told = await heard(box, "message_edit", count=5)
    assert told["message_edit"] == {"mid": mid, "text": "RE 4715", "num_edit": 5}
    assert (changed["body"], changed["edited"]) == ("RE 4715", 5)
    assert changed["history"] == ["RE 4711", "RE 4711", "RE 4712", "RE 4713", "RE 4714"]
    await box.say(ANN, {"edit": {"bubble": mid, "text": "again"}}, expect=400)
    late = (await box.say(ANN, {"text": "one more", "page_id": AIR}))["bubble"]["id"]
    await box.forward(16 * 60_000)
    await box.say(ANN, {"edit": {"bubble": late, "text": "too late"}}, expect=400)


async def test_reaction_stands_on_the_bubble_and_can_be_taken_back(box: Box) -> None:
    psid = await opened(box)
    mid = (await send(box, psid, {"text": "Platform 7"}))["message_id"]
    await box.say(ANN, {"reaction": {"bubble": mid}}, expect=400)
    shown = (await box.say(ANN, {"reaction": {"bubble": mid, "emoji": "❤️"}}))["bubble"]
    assert (shown["id"], shown["reaction"]) == (mid, "❤️")
    told = await heard(box, "reaction")
    assert told["reaction"] == {"mid": mid, "action": "react", "reaction": "love", "emoji": "❤️"}
    await box.say(ANN, {"reaction": {"bubble": mid}})
    assert (await heard(box, "reaction", count=2))["reaction"] == {"mid": mid, "action": "unreact"}


@pytest.mark.parametrize(("emoji", "name"), [
    ("👍", "like"), ("👍🏽", "like"), ("👎", "dislike"), ("😡", "angry"), ("🎉", "other")])
async def test_reactions_have_the_names_that_meta_gives_them(box: Box, emoji: str, name: str) -> None:
    await opened(box)
    mid = (await box.say(ANN, {"text": "mine", "page_id": AIR}))["bubble"]["id"]
    await box.say(ANN, {"reaction": {"bubble": mid, "emoji": emoji}})
    assert (await heard(box, "reaction"))["reaction"]["reaction"] == name


async def test_file_is_fetched_by_a_signed_link_that_ends(box: Box) -> None:
    await opened(box)
    said = await box.say(ANN, {"file": {"mime": "application/pdf", "data": PICTURE, "filename": "refund.pdf"}, "page_id": AIR})
    attachment = (await heard(box, "message"))["message"]["attachments"][0]
    assert attachment["type"] == "file"
    path = "/" + attachment["payload"]["url"].split("/", 3)[3]
    fetched = await box.raw("GET", path, headers={})
    assert (fetched.status, fetched.content_type, await fetched.read()) == (200, "application/pdf", b"picture")
    assert (await box.raw("GET", path.replace("oe=", "oe=F"), headers={})).status == 403
    assert said["bubble"]["attachment"]["filename"] == "refund.pdf"
    assert (await box.raw("GET", said["bubble"]["attachment"]["url"], headers={})).status == 200
    await box.forward(DAY_MS + 1_000)
    ended = await box.raw("GET", path, headers={})
    assert (ended.status, await ended.text()) == (403, "URL signature expired")


async def test_several_pictures_come_as_one_message(box: Box) -> None:
    await opened(box)
    said = await box.say(ANN, {"images": [{"mime": "image/png", "data": PICTURE}] * 3, "page_id": AIR})
    assert [one["type"] for one in (await heard(box, "message"))["message"]["attachments"]] == ["image"] * 3
    assert len(said["bubble"]["attachments"]) == 3
    await box.say(ANN, {"image": {"mime": "application/pdf", "data": PICTURE}, "page_id": AIR}, expect=400)


async def test_phone_that_is_off_or_has_no_messenger_says_nothing(box: Box) -> None:
    await box.handset(ANN, messenger=False)
    await box.say(ANN, {"text": "hi", "page_id": AIR}, expect=409)
    await box.say(ANN, {"link": "https://m.me/polderwindair"}, expect=409)
    await box.handset(BOB, online=False)
    await box.say(BOB, {"text": "hi", "page_id": AIR}, expect=409)


@pytest.mark.parametrize("body", [
    {"text": "a", "like": True}, {"text": "hi", "page_id": "7"}, {"text": "", "page_id": AIR}, {"button": 3, "page_id": AIR},
    {"text": "a", "page_id": AIR, "whatever": 1}, {"location": {"latitude": "x"}, "page_id": AIR}, {"like": "huge"},
    {"menu": {"index": 0}}, {"get_started": True}, {"edit": {"bubble": "m_none", "text": "x"}}, {"optin": {"kind": "no"}},
    {"text": "a", "page_id": AIR, "reply_to": "m_none"}, {"link": "https://example.com/"}, {"link": "https://m.me/nobody"},
    {"share": {"type": "story", "url": "x"}}, {"sticker": {"sticker_id": "x"}, "page_id": AIR}, {"images": [], "page_id": AIR},
    {"account_linking": "maybe"}, {"appointment": {"status": "requested"}}])
async def test_wrong_sayings_are_refused_with_a_reason(box: Box, body: Any) -> None:
    await opened(box)
    assert (await box.say(ANN, body, expect=400))["detail"]


# links

async def profile(box: Box, page: str = AIR, **fields: Any) -> None:
    status, answer = await box.graph("POST", f"{page}/messenger_profile", fields)
    assert status == 200, answer


async def test_link_brings_a_new_person_through_get_started_with_its_ref(box: Box) -> None:
    await profile(box, get_started={"payload": "GET_STARTED"})
    await box.handset()
    said = await box.say(ANN, {"link": "https://m.me/polderwindair?ref=bkt_Xt5-pQ8_2Lw=&text=Hello%20there"})
    told = await heard(box, "postback")
    assert told["postback"] == {"mid": said["bubble"]["id"], "title": "Get Started", "payload": "GET_STARTED", "referral": {
        "ref": "bkt_Xt5-pQ8_2Lw=", "source": "SHORTLINK", "type": "OPEN_THREAD"}}
    assert said["composer"] == "Hello there"
    chat = await thread(box)
    assert (chat["get_started"], chat["window_until_ms"] is not None) == (False, True)
    forget(box)
    again = await box.say(ANN, {"link": f"https://m.me/{AIR}?ref=second"})
    assert again == {"bubble": None, "composer": None}
    assert (await heard(box, "referral"))["referral"] == {"ref": "second", "source": "SHORTLINK", "type": "OPEN_THREAD"}


async def test_link_without_get_started_opens_the_chat_and_loses_the_ref(box: Box) -> None:
    await box.handset()
    assert await box.say(ANN, {"link": f"https://m.me/{AIR}?ref=lost"}) == {"bubble": None, "composer": None}
    assert (await thread(box))["bubbles"] == []
    assert (await thread(box))["window_until_ms"] is None
    await box.say(ANN, {"text": "now I write", "page_id": AIR})
    await heard(box, "message")
    assert not items(box, "referral")
    assert not items(box, "postback")


async def test_ref_may_be_lost_on_the_way(box: Box) -> None:
    await profile(box, get_started={"payload": "GET_STARTED"})
    await box.control("PUT", f"pages/{AIR}", {"ref_lost": True})
    await box.handset()
    await box.say(ANN, {"link": f"https://m.me/{AIR}?ref=gone"})
    assert "referral" not in (await heard(box, "postback"))["postback"]
    before = (await thread(box))["window_until_ms"]
    await box.forward(60_000)
    await box.say(ANN, {"link": f"https://m.me/{AIR}?ref=gone"})
    assert (await thread(box))["window_until_ms"] > before
    await box.say(ANN, {"text": "hello", "page_id": AIR})
    await heard(box, "message")
    assert not items(box, "referral")


async def test_link_of_the_other_channel_says_its_words_to_that_number(box: Box) -> None:
    await box.handset()
    said = await box.say(ANN, {"link": "https://wa.me/12025550143?text=Stuur%20mijn%20ticket"})
    assert (said["bubble"]["body"], said["bubble"]["channel"]) == ("Stuur mijn ticket", "whatsapp")
    told = (await wait_until(box.receiver.messages))[0]
    assert (told["from"], told["text"]["body"]) == (ANN, "Stuur mijn ticket")
    assert await box.say(ANN, {"link": "https://wa.me/12025550143"}) == {"bubble": None, "composer": None}
    await box.say(ANN, {"link": "https://wa.me/12025559999?text=x"}, expect=400)


async def test_psid_and_chats_stay_when_the_phone_takes_another_number(box: Box) -> None:
    psid = await opened(box)
    await box.control("POST", f"handsets/{ANN}/change_number", {"address": "447700900999"})
    phone = await box.control("GET", f"handsets/{psid}")
    assert (phone["address"], phone["psids"]) == ("447700900999", {AIR: psid})
    await box.say("447700900999", {"text": "still me", "page_id": AIR})
    assert (await heard(box, "message"))["sender"] == {"id": psid}
    assert await opened(box) not in ("", psid)  # somebody else has the old number now


async def test_chat_shows_what_the_pages_profile_offers_and_who_is_typing(box: Box) -> None:
    await profile(box, get_started={"payload": "START"},
                  ice_breakers=[{"call_to_actions": [{"question": "On time?", "payload": "ICE"}], "locale": "default"}],
                  persistent_menu=[{"locale": "default", "call_to_actions": [
                      {"type": "postback", "title": "A person", "payload": "HUMAN"},
                      {"type": "web_url", "title": "Timetable", "url": "https://rail.example/t"}]}])
    await box.handset()
    await box.control("POST", f"handsets/{ANN}/open", {"page_id": AIR})
    chat = await thread(box)
    assert chat["get_started"] is True
    assert chat["ice_breakers"] == [{"index": 0, "text": "On time?"}]
    assert chat["menu"] == [{"index": 0, "type": "postback", "text": "A person", "payload": "HUMAN"},
                            {"index": 1, "type": "web_url", "text": "Timetable", "url": "https://rail.example/t"}]
    await box.say(ANN, {"menu": {"index": 1}, "page_id": AIR}, expect=400)
    await box.say(ANN, {"get_started": True, "page_id": AIR})
    assert (await heard(box, "postback"))["postback"]["payload"] == "START"
    psid = chat["psid"]
    status, _ = await box.graph("POST", f"{AIR}/messages", {"recipient": {"id": psid}, "sender_action": "typing_on"})
    assert status == 200
    assert (await thread(box))["typing"] == {"persona": None}
    await box.forward(25_000)
    chat = await thread(box)
    assert (chat["typing"], chat["get_started"]) == (None, False)


async def test_operator_decides_about_a_pages_template(box: Box) -> None:
    await box.control("PUT", "account", {"review": "hold"})
    status, made = await box.graph("POST", f"{AIR}/message_templates", {
        "name": "train_late", "language": "en", "category": "UTILITY", "components": [
            {"type": "BODY", "text": "Your train is about half an hour late today, we are sorry."}]})
    assert (status, made["status"]) == (200, "PENDING")
    decided = await box.control("POST", f"templates/{made['id']}/decide", {"decision": "APPROVED"})
    assert decided["status"] == "APPROVED"
    told = (await wait_until(lambda: [change for entry in entries(box) for change in entry.get("changes", [])]))[0]
    assert (told["value"]["event"], told["value"]["message_template_name"]) == ("APPROVED", "train_late")


async def test_message_not_sent_is_a_pale_bubble_in_the_pages_chat(box: Box) -> None:
    await opened(box)
    await box.control("PUT", "unsent", {"id": "u1", "address": ANN, "page_id": AIR, "body": "Gate B4", "reason": "night"})
    last = (await bubbles(box))[-1]
    assert (last["kind"], last["body"], last["reason"]) == ("unsent", "Gate B4", "night")
    await box.control("DELETE", "unsent/u1")
    assert [one["body"] for one in await bubbles(box)] == ["hi"]


async def test_who_opted_in_by_a_checkbox_or_for_one_note_can_be_written_to_by_that_token(box: Box) -> None:
    await opened(box)
    await box.say(ANN, {"optin": {"kind": "one_time", "payload": "refund"}, "page_id": AIR})
    token = (await heard(box, "optin"))["optin"]["one_time_notif_token"]
    status, answer = await box.graph(
        "POST", f"{AIR}/messages", {"recipient": {"one_time_notif_token": token}, "message": {"text": "It is refunded."}}
    )
    assert status == 200, answer
    assert (await thread(box))["bubbles"][-1]["body"] == "It is refunded."
