"""From a send to its statuses: windows, phones that are off, people who block, links that are gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sandbox_templates as templates
from aiohttp import FormData, web
from sandbox_box import ANN, PHONE, Box, BoxMaker, wait_until

DAY_MS = 86_400_000
RAIL = "314159265358980"


async def bubbles(box: Box, who: str = ANN) -> list[Any]:
    phone = await box.control("GET", f"handsets/{who}")
    return [bubble for thread in phone["threads"] for bubble in thread["bubbles"]]


async def failed_with(box: Box, message_id: str) -> int:
    await wait_until(lambda: box.receiver.names(message_id) == ["failed"], "failed")
    return int(box.receiver.statuses(message_id)[0]["errors"][0]["code"])


async def test_a_text_in_an_open_window_is_sent_delivered_and_read(box: Box) -> None:
    await box.open_window()
    message_id = await box.text("Grüße 👋 a/b", biz_opaque_callback_data="m1.1.s")
    await wait_until(lambda: box.receiver.names(message_id) == ["sent", "delivered", "read"], "three statuses")
    assert all(status["biz_opaque_callback_data"] == "m1.1.s" for status in box.receiver.statuses(message_id))
    bubble = (await bubbles(box))[-1]
    assert (bubble["body"], bubble["ticks"], bubble["kind"]) == ("Grüße 👋 a/b", "read", "received")


async def test_a_free_text_needs_a_window_of_its_own_number_and_a_day_closes_it(box: Box) -> None:
    assert await failed_with(box, await box.text()) == 131047
    await box.say(ANN, {"text": "hi", "phone_number_id": PHONE})
    message_id = await box.text()
    await wait_until(lambda: "sent" in box.receiver.names(message_id))
    _, answer = await box.send({"to": ANN, "type": "text", "text": {"body": "from another brand"}}, phone=RAIL)
    assert await failed_with(box, answer["messages"][0]["id"]) == 131047
    await box.forward(DAY_MS - 60_000)
    still = await box.text()
    await wait_until(lambda: "sent" in box.receiver.names(still))
    await box.forward(120_000)
    assert await failed_with(box, await box.text()) == 131047
    await templates.approved(box, "appointment_reminder")
    _, answer = await box.send(templates.body("appointment_reminder", "Ann", "Friday"))
    await wait_until(lambda: "delivered" in box.receiver.names(answer["messages"][0]["id"]), "templates need no window")


async def test_phone_that_is_off_gets_its_messages_when_it_comes_on(box: Box) -> None:
    await box.open_window()
    await box.control("PATCH", f"handsets/{ANN}/state", {"online": False})
    message_id = await box.text()
    await wait_until(lambda: box.receiver.names(message_id) == ["sent"])
    assert (await bubbles(box))[-1]["ticks"] == "sent"
    assert (await box.control("POST", f"handsets/{ANN}/say", {"text": "x"}, expect=409))["status"] == 409
    await box.control("PATCH", f"handsets/{ANN}/state", {"online": True})
    await wait_until(lambda: box.receiver.names(message_id) == ["sent", "delivered", "read"])


async def test_message_past_its_time_to_live_is_dropped_without_a_word(box: Box) -> None:
    await box.handset(online=False)
    await templates.approved(box, "appointment_reminder", message_send_ttl_seconds=60)
    _, answer = await box.send(templates.body("appointment_reminder", "Ann", "Friday"))
    message_id = answer["messages"][0]["id"]
    await wait_until(lambda: box.receiver.names(message_id) == ["sent"])
    await box.forward(61_000)
    await box.control("PATCH", f"handsets/{ANN}/state", {"online": True})
    await box.say(ANN, {"text": "here I am"})
    later = await box.text("later")
    await wait_until(lambda: "delivered" in box.receiver.names(later))
    assert box.receiver.names(message_id) == ["sent"]


async def test_blocked_business_stays_at_sent_and_no_receipts_means_no_read(box: Box) -> None:
    await box.open_window()
    await box.control("PATCH", f"handsets/{ANN}/state", {"read_receipts": False})
    quiet = await box.text()
    await wait_until(lambda: box.receiver.names(quiet) == ["sent", "delivered"])
    await box.control("PATCH", f"handsets/{ANN}/state", {"blocked": True, "read_receipts": True})
    message_id = await box.text()
    await wait_until(lambda: box.receiver.names(message_id) == ["sent"])
    await box.control("POST", f"handsets/{ANN}/open", {})
    await wait_until(lambda: box.world.store.count("SELECT COUNT(*) FROM jobs") == 0, "nothing more is planned")
    await box.control("PATCH", f"handsets/{ANN}/state", {"blocked": False})
    await box.control("POST", f"handsets/{ANN}/open", {})
    await wait_until(lambda: box.receiver.names(quiet) == ["sent", "delivered", "read"], "receipts on again, chat opened")
    assert box.receiver.names(message_id) == ["sent"], "what came while blocked never arrives"


async def test_chat_that_is_not_opened_by_itself_is_read_by_hand_or_by_answering(box: Box) -> None:
    await box.handset(auto_read_ms=None)
    await box.say(ANN, {"text": "hi"})
    first, second = await box.text("one"), await box.text("two")
    await wait_until(lambda: "delivered" in box.receiver.names(first) and "delivered" in box.receiver.names(second))
    assert "read" not in box.receiver.names(first)
    await box.say(ANN, {"text": "thanks"})
    await wait_until(lambda: "read" in box.receiver.names(first) and "read" in box.receiver.names(second))


async def test_people_who_cannot_be_reached_fail_by_webhook(box: Box) -> None:
    await box.handset(on_whatsapp=False)
    assert await failed_with(box, await box.text()) == 131026
    await templates.approved(box, "autumn", category="MARKETING", components=[{"type": "BODY", "text": "Autumn is here."}])
    other = "447700900456"
    await box.handset(other)
    await box.say(other, {"marketing": "stop", "phone_number_id": PHONE})
    _, answer = await box.send(templates.body("autumn", to=other))
    assert await failed_with(box, answer["messages"][0]["id"]) == 131050
    _, answer = await box.send(templates.body("autumn", to="12025550177"))
    assert await failed_with(box, answer["messages"][0]["id"]) == 131049
    await box.control("PUT", "account", {"switches": {"payment_problem": True}})
    _, answer = await box.send(templates.body("hello_world", language="en_US", to=other))
    assert await failed_with(box, answer["messages"][0]["id"]) == 131042


async def test_held_template_goes_a_minute_later(box: Box) -> None:
    template_id = await templates.approved(box, "appointment_reminder")
    await box.control("POST", f"templates/{template_id}/decide", {"held": True})
    _, answer = await box.send(templates.body("appointment_reminder", "Ann", "Friday"))
    message = answer["messages"][0]
    assert message["message_status"] == "held_for_quality_assessment"
    await box.forward(59_000)
    assert box.receiver.names(message["id"]) == []
    await box.forward(1_001)
    await wait_until(lambda: "delivered" in box.receiver.names(message["id"]))


async def test_files_behind_links_are_fetched_checked_and_cached(box: Box, make_box: BoxMaker) -> None:
    served: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        served.append(request.path)
        if request.path == "/gone.png":
            return web.Response(status=404)
        return web.Response(body=b"%PDF-1.7", content_type="application/pdf" if request.path == "/a.pdf" else "image/tiff")

    app = web.Application()
    app.router.add_get("/{name}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        await box.open_window()

        async def send(kind: str, name: str, **more: Any) -> str:
            _, answer = await box.send({"to": ANN, "type": kind, kind: {"link": f"{base}/{name}", **more}})
            return str(answer["messages"][0]["id"])

        good = await send("document", "a.pdf", filename="ticket.pdf", caption="Your ticket")
        await wait_until(lambda: "delivered" in box.receiver.names(good))
        bubble = (await bubbles(box))[-1]
        assert (bubble["header"]["type"], bubble["header"]["filename"], bubble["header"]["mime"], bubble["body"]) == (
            "document", "ticket.pdf", "application/pdf", "Your ticket")
        async with box.client.get(bubble["header"]["url"]) as reply:
            assert await reply.read() == b"%PDF-1.7"
        again = await send("document", "a.pdf")
        await wait_until(lambda: "delivered" in box.receiver.names(again))
        assert served == ["/a.pdf"], "cached by exact url for ten minutes"
        await box.forward(11 * 60_000)
        third = await send("document", "a.pdf")
        await wait_until(lambda: "delivered" in box.receiver.names(third))
        assert served == ["/a.pdf", "/a.pdf"]
        for kind, name in (("image", "gone.png"), ("image", "a.pdf"), ("image", "b.tiff")):
            assert await failed_with(box, await send(kind, name)) == 131053
    finally:
        await runner.cleanup()


async def upload(box: Box) -> tuple[int, Any]:
    form = FormData({"messaging_product": "whatsapp", "type": "image/png"})
    form.add_field("file", b"\x89PNG\r\n\x1a\n", filename="pass.png", content_type="image/png")
    async with box.client.post(f"/v25.0/{PHONE}/media", data=form, headers=box.headers) as answer:
        return answer.status, await answer.json()


async def test_uploaded_files_can_be_refused_lost_and_over(box: Box) -> None:
    await box.open_window()
    await box.fault(name="media_refused", times=1)
    status, refused = await upload(box)
    assert (status, refused["error"]["code"]) == (400, 131053)
    await box.fault(name="http_500", on="media", times=1)
    assert (await upload(box))[0] == 500
    await box.fault(name="media_gone", times=1)
    _, kept = await upload(box)
    picture = {"to": ANN, "type": "image", "image": {"id": kept["id"], "caption": "Your pass"}}
    status, gone = await box.send(picture)
    assert (status, gone["error"]["code"]) == (400, 100)
    _, kept = await upload(box)
    picture["image"]["id"] = kept["id"]
    assert (await box.send(picture))[0] == 200
    await box.forward(31 * 86_400_000)
    await box.open_window()
    assert (await box.send(picture))[0] == 400, "an id lives thirty days"


async def test_read_receipt_shows_on_the_phone_and_typing_ends_with_the_answer(box: Box) -> None:
    await box.handset()
    said = (await box.say(ANN, {"text": "hello?"}))["bubble"]
    status, answer = await box.send({"status": "read", "message_id": said["id"], "typing_indicator": {"type": "text"}})
    assert (status, answer) == (200, {"success": True})
    phone = await box.control("GET", f"handsets/{ANN}")
    assert (phone["typing"], phone["threads"][0]["bubbles"][0]["ticks"]) == (True, "read")
    await box.text("yes?")
    assert not (await box.control("GET", f"handsets/{ANN}"))["typing"]
    status, answer = await box.send({"status": "read", "message_id": "wamid.unknown"})
    assert (status, answer["error"]["code"]) == (400, 131009)


async def test_template_text_buttons_and_quote_stand_on_the_phone(box: Box) -> None:
    await box.open_window()
    await templates.approved(box, "order", category="UTILITY", components=[
        {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": {"header_text": ["5512"]}},
        {"type": "BODY", "text": "Dear {{1}}, it comes on {{2}} to your door.", "example": {"body_text": [["A", "B"]]}},
        {"type": "FOOTER", "text": "Example Shop"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Help"},
                                        {"type": "URL", "text": "Track", "url": "https://s.example/{{1}}", "example": ["x"]}]}])
    body = templates.body("order", "Ann", "Friday")
    body["template"]["components"] += [
        {"type": "header", "parameters": [{"type": "text", "text": "77"}]},
        {"type": "button", "sub_type": "url", "index": 1, "parameters": [{"type": "text", "text": "t77"}]}]
    assert (await box.send(body))[0] == 200
    shown = (await bubbles(box))[-1]
    assert shown["header"] == {"type": "text", "text": "Order 77"}
    assert (shown["body"], shown["footer"]) == ("Dear Ann, it comes on Friday to your door.", "Example Shop")
    assert shown["buttons"] == [{"index": 0, "type": "quick_reply", "text": "Help", "payload": "Help"},
                                {"index": 1, "type": "url", "text": "Track", "url": "https://s.example/t77"}]
    assert shown["template"] == {"name": "order", "language": "en_GB", "category": "UTILITY"}
    said = (await box.say(ANN, {"text": "Question"}))["bubble"]
    await box.text("Answer", context={"message_id": said["id"]})
    assert (await bubbles(box))[-1]["reply_to"] == said["id"]


async def test_whoever_is_written_to_has_a_phone_named_by_the_last_digits(box: Box) -> None:
    await box.text(to="+44 7700 900-789")
    phone = await box.control("GET", "handsets/447700900789")
    assert (phone["name"], phone["user_id"][:3], phone["online"]) == ("0789", "GB.", True)
    assert (await box.control("GET", "handsets/0789"))["address"] == "447700900789"
    await box.control("GET", "handsets/nobody", expect=404)


@pytest.mark.parametrize(("body", "code"), [
    ({"to": "12", "type": "text", "text": {"body": "x"}}, 131009), ({"to": "not a number", "text": {"body": "x"}}, 131009),
    ({"to": ANN, "type": "text", "text": {}}, 131008), ({"to": ANN, "type": "text"}, 131008),
    ({"to": ANN, "type": "text", "text": {"body": "x", "preview": True}}, 100),
    ({"to": ANN, "type": "poll", "poll": {}}, 100), ({"to": ANN, "type": "image", "image": {}}, 131008),
    ({"to": ANN, "type": "image", "image": {"id": "404404"}}, 100),
    ({"to": ANN, "type": "image", "image": {"id": "1", "link": "https://a.example/b"}}, 131009),
    ({"to": ANN, "type": "image", "image": {"link": "ftp://a.example"}}, 100),
    ({"to": ANN, "type": "text", "text": {"body": "x"}, "biz_opaque_callback_data": "x" * 513}, 100),
    ({"to": ANN, "type": "location", "location": {"latitude": 91, "longitude": 0}}, 131009),
    ({"to": ANN, "type": "contacts", "contacts": [{"name": {"formatted_name": "A"}}]}, 131009),
    ({"to": ANN, "type": "reaction", "reaction": {"message_id": "x", "emoji": "ok"}}, 131009),
    ({"to": ANN, "type": "text", "text": {"body": "x"}, "context": {"id": "x"}}, 100),
])
async def test_malformed_message_is_refused_at_once(box: Box, body: Any, code: int) -> None:
    status, answer = await box.send(body)
    assert (status, answer["error"]["code"]) == (400, code), answer
    assert box.world.store.count("SELECT COUNT(*) FROM messages") == 0


def button(number: int, **changes: Any) -> Any:
    return {"type": "reply", "reply": {"id": f"b{number}", "title": f"Button {number}", **changes}}


def rows(count: int) -> Any:
    return [{"title": "All", "rows": [{"id": str(number), "title": f"Row {number}"} for number in range(count)]}]


@pytest.mark.parametrize("interactive", [
    {"type": "button", "body": {"text": "?"}, "action": {"buttons": [button(n) for n in range(4)]}},
    {"type": "button", "body": {"text": "?"}, "action": {"buttons": [button(1), button(1)]}},
    {"type": "button", "body": {"text": "?"}, "action": {"buttons": [button(1, id=" x")]}},
    {"type": "list", "body": {"text": "?"}, "action": {"button": "x" * 21, "sections": rows(1)}},
    {"type": "list", "body": {"text": "?"}, "action": {"button": "x", "sections": rows(11)}},
    {"type": "list", "body": {"text": "?"}, "action": {"button": "x", "sections": rows(1) + rows(1)}},
    {"type": "list", "header": {"type": "image", "image": {"link": "https://a.example/b.png"}}, "body": {"text": "?"},
     "action": {"button": "x", "sections": rows(1)}},
    {"type": "cta_url", "body": {"text": "?"}, "action": {"name": "cta_url", "parameters": {"display_text": "x" * 21,
                                                                                              "url": "https://a.example"}}},
    {"type": "location_request_message", "body": {"text": "?"}, "action": {"name": "send_place"}},
])
async def test_interactive_message_over_a_limit_is_refused(box: Box, interactive: Any) -> None:
    status, answer = await box.send({"to": ANN, "type": "interactive", "interactive": interactive})
    assert (status, answer["error"]["code"]) == (400, 131009), answer


async def test_reaction_marks_the_bubble_and_only_says_sent(box: Box) -> None:
    await box.handset()
    said = (await box.say(ANN, {"text": "done!"}))["bubble"]
    _, answer = await box.send({"to": ANN, "type": "reaction", "reaction": {"message_id": said["id"], "emoji": "🎉"}})
    reaction = answer["messages"][0]["id"]
    follow = await box.text("ok")
    await wait_until(lambda: "read" in box.receiver.names(follow))
    assert box.receiver.names(reaction) == ["sent"]
    assert (await bubbles(box))[0]["reaction"] == "🎉"
    _, answer = await box.send({"to": ANN, "type": "reaction", "reaction": {"message_id": "wamid.none", "emoji": "🎉"}})
    assert await failed_with(box, answer["messages"][0]["id"]) == 131009


async def test_many_messages_at_once_each_get_all_their_statuses(box: Box) -> None:
    people = [f"4477009002{number:02}" for number in range(30)]
    for person in people:
        await box.handset(person)
        await box.say(person, {"text": "hi", "phone_number_id": PHONE})
    await box.forward(2_000)
    sent = await asyncio.gather(*(box.text(f"to {person}", to=person) for person in people))
    await wait_until(lambda: all(set(box.receiver.names(one)) == {"sent", "delivered", "read"} for one in sent))
