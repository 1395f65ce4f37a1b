"""Utility templates of a Page: made, reviewed, told by webhook, found, edited, deleted; sent with what fits and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import messenger_graph as graph
import pytest
from messenger_graph import (
    AIR,
    CANCELLED,
    DAY_MS,
    DELAY,
    PLATFORM,
    RAIL,
    approved,
    bubble,
    chat,
    code_of,
    made,
    refused,
    send,
    sent,
    status_of,
    switch,
    utility,
)
from sandbox_box import ANN, Box, BoxMaker, wait_until

VALUES = ("RE 4711", "25", "07:40")
POSTBACK, URL = {"type": "POSTBACK", "payload": "RE4711:bk_7Q2M"}, {"type": "URL", "url": "bk_7Q2M"}


def body_of(text: str, *examples: str, name: str = "try_out", **more: Any) -> Any:
    part: Any = {"type": "BODY", "text": text}
    if examples:
        part["example"] = {"body_text": [list(examples)]}
    return {"name": name, "language": "en", "category": "UTILITY", "components": [part], **more}


def with_buttons(*buttons: Any) -> Any:
    template = body_of("Your train is late today.")
    template["components"].append({"type": "BUTTONS", "buttons": list(buttons)})
    return template


async def create(box: Box, template: Any, page: str = AIR) -> tuple[int, Any]:
    return await box.graph("POST", f"{page}/message_templates", template)


# making and reviewing

async def test_template_is_reviewed_and_the_app_is_told(make_box: BoxMaker) -> None:
    box = await make_box()
    await box.graph("POST", f"{box.world.config.app_id}/subscriptions", {
        "object": "page", "callback_url": box.receiver.url, "verify_token": box.world.config.verify_token,
        "fields": "messages,message_template_status_update"}, headers={
        "Authorization": f"Bearer {box.world.config.app_id}|{box.world.config.app_secret}"})
    status, answer = await create(box, DELAY)
    assert (status, answer["status"], answer["category"]) == (200, "PENDING", "UTILITY")
    assert await status_of(box, answer["id"]) == "APPROVED"
    value = (await wait_until(lambda: box.receiver.changes("message_template_status_update")))[0]
    assert value == {"event": "APPROVED", "message_template_id": int(answer["id"]), "message_template_name": "train_delay_v2",
                     "message_template_language": "en", "reason": "NONE"}
    assert box.receiver.bodies[0]["object"] == "page"
    assert box.receiver.bodies[0]["entry"][0]["id"] == AIR


async def test_review_that_takes_no_time_answers_approved(make_box: BoxMaker) -> None:
    box = await make_box(review_ms=0)
    assert (await create(box, DELAY))[1]["status"] == "APPROVED"


@pytest.mark.parametrize(("template", "reason"), [
    (body_of("{{1}} is late and leaves at another time.", "RE 1"), "INCORRECT_PARAMS"),
    (body_of("Your train leaves today at {{1}}", "07:40"), "INCORRECT_PARAMS"),
    (body_of("Your train {{1}} leaves today at {{3}} from platform nine.", "RE 1", "07:40"), "INCORRECT_PARAMS"),
    (body_of("Your train {{1} leaves today from platform nine.", "RE 1"), "INCORRECT_PARAMS"),
    (body_of("Late: {{1}} and {{2}} and {{3}} now.", "a", "b", "c"), "PARAMS_TO_WORD_RATIO_EXCEED_LIMIT"),
    (body_of("Your train {{1}} leaves later today."), "TEMPLATE_VARIABLES_MISSING_SAMPLE_VALUES"),
    (body_of("A special offer: a discount on your next train."), "TAG_SHOULD_BE_MARKETING"),
    (body_of("Please send us your card number to go on."), "ABUSIVE_CONTENT"),
], ids=["begins with a value", "ends with a value", "a gap in the numbers", "braces", "too few words", "no samples", "promotion",
        "asks for a card"])
async def test_review_refuses_with_metas_reason(box: Box, template: Any, reason: str) -> None:
    template_id = await made(box, template)
    assert await status_of(box, template_id) == "REJECTED"
    _, answer = await box.graph("GET", f"{template_id}?fields=status,rejected_reason,rejection_reasons")
    assert (answer["rejected_reason"], answer["rejection_reasons"]) == (reason, [reason])


@pytest.mark.parametrize(("template", "wanted"), [
    (with_buttons({"type": "QUICK_REPLY", "text": "Yes"}), (100, 2018416)),
    (with_buttons({"type": "POSTBACK", "text": "Yes", "payload": "Y", "example": ["Y"]}), (100, 2388051)),
    (with_buttons(*[{"type": "POSTBACK", "text": "Yes", "payload": "Y"}] * 4), (100, None)),
    (with_buttons({"type": "URL", "text": "x", "url": "https://a.example/{{1}}"}), (100, None)),
    (with_buttons({"type": "URL", "text": "x", "url": "https://a.example/{{1}}/x", "example": ["x"]}), (100, None)),
    (body_of("x" * 1_025), (100, None)), (body_of("fine words", name="Upper"), (100, None)),
    (body_of("fine words", category="MARKETING"), (100, None)), (body_of("fine words", language="English"), (100, None)),
    (body_of("fine words", parameter_format="ODD"), (100, None)), (body_of("fine words", hello=1), (100, None)),
    ({"name": "x", "language": "en", "components": [{"type": "FOOTER", "text": "x"}]}, (100, None)),
    ({"name": "x", "language": "en", "components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "x"}]},
     (100, None)),
])
async def test_creation_is_refused(box: Box, template: Any, wanted: Any) -> None:
    status, answer = await create(box, template)
    assert (status, code_of(answer)) == (400, wanted)


async def test_fatal_of_a_quick_reply_looks_as_observed(box: Box) -> None:
    _, answer = await create(box, with_buttons({"type": "QUICK_REPLY", "text": "Yes"}))
    wanted = graph.sample("error-template-create-100-2018416")["response"]["body"]["error"]
    assert {**answer["error"], "fbtrace_id": ""} == {**wanted, "fbtrace_id": ""}


async def test_name_and_language_exist_once_per_page(box: Box) -> None:
    await made(box, DELAY)
    assert code_of((await create(box, DELAY))[1]) == (100, 2388024)
    await made(box, {**DELAY, "language": "nl"})
    await made(box, DELAY, RAIL)
    assert code_of((await box.graph("GET", f"{AIR}/message_templates?fields=nonsense"))[1]) == (100, None)
    _, found = await box.graph("GET", f"{AIR}/message_templates?name=train_delay&fields=language,language_count")
    assert sorted(one["language"] for one in found["data"]) == ["en", "nl"]
    assert {one["language_count"] for one in found["data"]} == {2}
    _, found = await box.graph("GET", f"{AIR}/message_templates?language=nl&name_or_content=minutes")
    assert [one["language"] for one in found["data"]] == ["nl"]


async def test_list_goes_page_by_page(box: Box) -> None:
    for number in range(5):
        await made(box, body_of("Your train is late.", name=f"late_{number}"))
    path, names = f"{AIR}/message_templates?limit=2&fields=name", []
    while path:
        _, answer = await box.graph("GET", path)
        names += [one["name"] for one in answer["data"]]
        path = str(answer["paging"].get("next", "")).partition("/v25.0/")[2]
    assert sorted(names) == [f"late_{number}" for number in range(5)]


async def test_deleting_takes_all_languages_or_one_by_either_name_of_the_id(box: Box) -> None:
    ids = [await made(box, {**DELAY, "language": language}) for language in ("en", "nl", "de")]
    for key, template_id in (("template_id", ids[0]), ("hsm_id", ids[1])):
        status, answer = await box.graph("DELETE", f"{AIR}/message_templates?name=train_delay_v2&{key}={template_id}")
        assert (status, answer) == (200, {"success": True})
    _, left = await box.graph("GET", f"{AIR}/message_templates")
    assert [one["id"] for one in left["data"]] == [ids[2]]
    assert (await box.graph("DELETE", f"{AIR}/message_templates?name=train_delay_v2"))[0] == 200
    assert (await box.graph("DELETE", f"{AIR}/message_templates?name=train_delay_v2"))[0] == 400


async def test_refused_template_is_edited_and_reviewed_again_an_approved_one_is_not(box: Box) -> None:
    template_id = await made(box, body_of("{{1}} is late and leaves later.", "RE 1"))
    assert await status_of(box, template_id) == "REJECTED"
    components = [{"type": "BODY", "text": "Your train {{1}} leaves later today.", "example": {"body_text": [["RE 1"]]}}]
    status, _ = await box.graph("POST", template_id, {"components": components})
    assert (status, await status_of(box, template_id)) == (200, "APPROVED")
    assert code_of((await box.graph("POST", template_id, {"components": components}))[1]) == (100, 2388039)


async def test_operator_holds_decides_and_pauses(box: Box) -> None:
    psid = await chat(box)
    await box.control("PUT", "account", {"review": "hold"})
    template_id = await made(box, DELAY)
    for decision, goes in (("APPROVED", True), ("PAUSED", False), ("APPROVED", True), ("DISABLED", False)):
        await box.control("POST", f"templates/{template_id}/decide", {"decision": decision})
        status, _ = await send(box, psid, utility("train_delay_v2", *VALUES), messaging_type="UTILITY")
        assert (status == 200) is goes, decision


async def test_words_are_changed_by_other_hands_and_stay_approved(box: Box) -> None:
    template_id = await made(box, DELAY)
    await box.control("POST", f"templates/{template_id}/decide", {"decision": "APPROVED"})
    await box.control("POST", f"templates/{template_id}/decide", {"components": [{"type": "BODY", "text": "Not ours."}]})
    _, found = await box.graph("GET", f"{template_id}?fields=status,components")
    assert (found["status"], found["components"][0]["text"]) == ("APPROVED", "Not ours.")


async def test_page_without_utility_messages_is_refused_with_the_permission(box: Box) -> None:
    psid = await chat(box)
    await approved(box, DELAY)
    await switch(box, utility=False)
    wanted = graph.sample("error-permission-10")["response"]["body"]["error"]["message"]
    for status, answer in (await send(box, psid, utility("train_delay_v2", *VALUES), messaging_type="UTILITY"),
                           await create(box, PLATFORM), await box.graph("GET", f"{AIR}/message_templates")):
        assert (status, code_of(answer), answer["error"]["message"]) == (400, (10, None), wanted)
    assert (await create(box, DELAY, RAIL))[0] == 200, "each Page for itself"


async def test_library_is_searched_and_cloned_from(box: Box) -> None:
    _, found = await box.graph("GET", "message_template_library?language=nl&usecase=TRAVEL_UPDATE")
    assert [one["name"] for one in found["data"]] == ["trip_delay_1"]
    assert (await box.graph("GET", "message_template_library?name_or_content=zzz"))[1] == {"data": []}
    own = {"name": "our_delay", "language": "nl", "library_template_name": "trip_delay_1",
           "library_template_button_inputs": [{"type": "URL", "url": {"base_url": "https://rail.example/t/{{1}}",
                                                                      "url_suffix_example": "https://rail.example/t/7"}}]}
    template_id = await approved(box, own)
    _, view = await box.graph("GET", f"{template_id}?fields=components,library_template_name")
    assert view["library_template_name"] == "trip_delay_1"
    assert view["components"][-1]["buttons"][0]["url"] == "https://rail.example/t/{{1}}"
    assert code_of((await create(box, {**own, "name": "other", "library_template_name": "none"}))[1]) == (100, None)


# sending

async def test_utility_goes_without_a_window_and_shows_its_words(box: Box) -> None:
    psid = await chat(box)
    await approved(box, DELAY)
    await box.forward(30 * DAY_MS)
    answer = await sent(box, psid, utility("train_delay_v2", *VALUES), messaging_type="UTILITY")
    shown = await bubble(box, answer["message_id"])
    assert shown["body"] == "Your train RE 4711 is about 25 minutes late. New departure: 07:40 from the planned platform."
    assert shown["type"] == "utility"
    assert await refused(box, psid) == (10, 2018278), "and opens none"


async def test_template_without_a_type_needs_the_window_and_with_another_is_refused(box: Box) -> None:
    psid = await chat(box)
    await approved(box, DELAY)
    body = {"recipient": {"id": psid}, "message": utility("train_delay_v2", *VALUES)}
    assert (await graph.post(box, body))[0] == 200
    assert await refused(box, psid, body["message"], messaging_type="UPDATE") == (100, None)
    assert await refused(box, psid, messaging_type="UTILITY") == (100, None)
    await box.forward(DAY_MS + 1)
    assert code_of((await graph.post(box, body))[1]) == (10, 2018278)


async def test_name_and_language_must_be_an_approved_pair(box: Box) -> None:
    psid = await chat(box)
    await approved(box, DELAY)
    for message in (utility("unknown", *VALUES), utility("train_delay_v2", *VALUES, language="nl")):
        _, answer = await send(box, psid, message, messaging_type="UTILITY")
        assert answer["error"]["message"] == "(#100) Template cannot be found."
    await box.control("PUT", "account", {"review": "hold"})
    await made(box, PLATFORM)
    assert await refused(box, psid, utility("platform_change_v1", language="de"), messaging_type="UTILITY") == (100, None)


@pytest.mark.parametrize("value", ["Platform #4", "5% off", "$5", "on time 🚆", "soon ⏰", "good ✅", "yes ❤️"])
async def test_forbidden_characters_are_refused_everywhere(box: Box, value: str) -> None:
    psid = await chat(box)
    await approved(box, DELAY)
    assert await refused(box, psid, utility("train_delay_v2", value, "25", "07:40"), messaging_type="UTILITY") == (100, 1893043)
    message = utility("train_delay_v2", "Køge → Århus, € 5, £ 4, ¥ 3, «ü»", "25", "07:40")
    assert (await send(box, psid, message, messaging_type="UTILITY"))[0] == 200, "other signs pass"


async def test_count_and_names_of_parameters_must_fit(box: Box) -> None:
    psid = await chat(box)
    await approved(box, DELAY)
    await approved(box, PLATFORM)

    def named(*names: str, header: str = "train") -> Any:
        return {"template": {"name": "platform_change_v1", "language": {"code": "de"}, "components": [
            {"type": "header", "parameters": [{"type": "text", "parameter_name": header, "text": "RE 4711"}]},
            {"type": "body", "parameters": [{"type": "text", "parameter_name": name, "text": "9"} for name in names]}]}}

    good = named("platform", "departure")
    shown = await bubble(box, (await sent(box, psid, good, messaging_type="UTILITY"))["message_id"])
    assert (shown["header"], shown["body"]) == ({"type": "text", "text": "Gleiswechsel RE 4711"},
                                                "Ihr Zug fährt heute von Gleis 9, Abfahrt um 9 wie geplant.")
    unnamed = copy.deepcopy(good)
    del unnamed["template"]["components"][1]["parameters"][0]["parameter_name"]
    indexed = copy.deepcopy(good)
    indexed["template"]["components"][1]["index"] = 0
    for message in (utility("train_delay_v2", "a", "b"), utility("train_delay_v2", "a", "b", "c", "d"), named("platform"),
                    named("platform", "hour"), named("platform", "platform"), named("platform", "departure", header="bus"),
                    unnamed, indexed, utility("train_delay_v2", "a", "", "c")):
        assert await refused(box, psid, message, messaging_type="UTILITY") == (100, None), message
    _, answer = await send(box, psid, indexed, messaging_type="UTILITY")
    assert 'Invalid keys "index"' in answer["error"]["message"]


async def test_buttons_are_filled_by_position_and_a_tap_carries_the_filled_payload(box: Box) -> None:
    psid = await chat(box)
    await approved(box, CANCELLED)

    def message(*buttons: Any) -> Any:
        return utility("train_cancelled_v1", "RE 4711", "4 December", buttons=list(buttons))

    answer = await sent(box, psid, message(POSTBACK, URL), messaging_type="UTILITY")
    shown = (await bubble(box, answer["message_id"]))["buttons"]
    assert shown == [
        {"index": 0, "text": "Other connections", "type": "postback", "payload": "ALT:RE4711:bk_7Q2M"},
        {"index": 1, "text": "Open booking", "type": "web_url", "url": "https://tickets.example/t/bk_7Q2M"}]
    for wanted, buttons in (((100, 1893029), []), ((100, 1893029), [POSTBACK]), ((100, None), [URL, POSTBACK]),
                            ((100, None), [POSTBACK, URL, URL]), ((100, None), [{**POSTBACK, "index": 0}, URL]),
                            ((100, None), [POSTBACK, {"type": "URL", "url": ""}])):
        assert await refused(box, psid, message(*buttons), messaging_type="UTILITY") == wanted, buttons
    said = await box.say(ANN, {"button": {"bubble": answer["message_id"], "index": 0}})
    assert said["bubble"]["body"] == "Other connections"
