"""What the review takes, what it refuses and with which subcode, and a template's later life."""

from __future__ import annotations

from typing import Any

import pytest
import sandbox_templates as templates
from sandbox_box import ANN, WABA, Box, wait_until

GOOD = {"type": "BODY", "text": "Hello {{1}}, your train leaves at {{2}} from the other side.",
        "example": {"body_text": [["Ann", "10:04"]]}}


def body(text: str, *examples: str) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "BODY", "text": text}
    if examples:
        part["example"] = {"body_text": [list(examples)]}
    return part


def buttons(*some: dict[str, Any]) -> list[dict[str, Any]]:
    return [GOOD, {"type": "BUTTONS", "buttons": list(some)}]


QUICK, CALL = {"type": "QUICK_REPLY", "text": "Yes"}, {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+12025550142"}
REFUSED: list[tuple[str, dict[str, Any], int | None]] = [
    ("variable at the end", {"components": [body("Your train leaves at {{1}}", "10:04")]}, 2388299),
    ("variable at the start", {"components": [body("{{1}} is when your train leaves.", "10:04")]}, 2388299),
    ("a gap in the numbers", {"components": [body("Hello {{1}}, it leaves at {{3}} today.", "a", "b")]}, 2388072),
    ("broken braces", {"components": [body("Hello {{1}, it leaves at ten today.", "a")]}, 2388072),
    ("no examples", {"components": [body("Hello {{1}}, it leaves at ten today.")]}, 2388072),
    ("example not nested", {"components": [{**body("Hello {{1}}, it leaves at ten."), "example": {"body_text": ["a"]}}]},
     2388072),
    ("too many variables", {"components": [body("Hi {{1}} {{2}} {{3}} ok", "a", "b", "c")]}, 2388293),
    ("body too long", {"components": [body("x" * 1025)]}, 2388040),
    ("no body", {"components": [{"type": "FOOTER", "text": "x"}]}, 2388072),
    ("two variables in the header", {"components": [GOOD, {"type": "HEADER", "format": "TEXT", "text": "a {{1}} b {{2}} c"}]},
     2388047),
    ("media id as header example", {"components": [GOOD, {"type": "HEADER", "format": "IMAGE",
                                                          "example": {"header_handle": ["1003000000161682"]}}]}, 2388047),
    ("variable in the footer", {"components": [GOOD, {"type": "FOOTER", "text": "Hi {{1}} there"}]}, 2388073),
    ("footer too long", {"components": [GOOD, {"type": "FOOTER", "text": "x" * 61}]}, 2388040),
    ("label too long", {"components": buttons({"type": "QUICK_REPLY", "text": "x" * 26})}, 2388040),
    ("groups mixed", {"components": buttons(QUICK, CALL, {"type": "QUICK_REPLY", "text": "No"})}, None),
    ("two phone buttons", {"components": buttons(CALL, CALL)}, None),
    ("variable inside a url", {"components": buttons({"type": "URL", "text": "Go", "url": "https://a.example/{{1}}/b",
                                                      "example": ["x"]})}, None),
    ("named in upper case", {"parameter_format": "NAMED", "components": [{
        "type": "BODY", "text": "Hello {{Name}}, it leaves at ten.", "example": {"body_text_named_params": [
            {"param_name": "Name", "example": "a"}]}}]}, 2388072),
    ("name with capitals", {"name": "Order", "components": [GOOD]}, None),
    ("language with a dash", {"language": "en-GB", "components": [GOOD]}, None),
    ("unknown category", {"category": "NEWS", "components": [GOOD]}, None),
    ("ttl out of range", {"message_send_ttl_seconds": 10, "components": [GOOD]}, None),
    ("unknown key", {"flow": True, "components": [GOOD]}, None),
    ("otp in utility", {"components": buttons({"type": "OTP", "otp_type": "COPY_CODE"})}, None),
]


@pytest.mark.parametrize(("why", "spec", "subcode"), REFUSED, ids=[case[0] for case in REFUSED])
async def test_template_that_breaks_a_rule_is_refused(box: Box, why: str, spec: Any, subcode: int | None) -> None:
    whole = {"name": "a_notice", "language": "en_GB", "category": "UTILITY", **spec}
    status, answer = await box.graph("POST", f"{WABA}/message_templates", whole)
    assert (status, answer["error"]["code"], answer["error"].get("error_subcode")) == (400, 100, subcode), answer


async def test_variables_side_by_side_are_rejected_in_review(box: Box) -> None:
    template_id = await templates.create(box, "side", category="UTILITY", components=[
        body("Hello {{1}} {{2}} and welcome to our long and wordy message.", "a", "b")])
    await wait_until(lambda: templates.status_of(box, template_id) == "REJECTED")
    _, found = await box.graph("GET", f"{template_id}?fields=name,status,rejected_reason")
    assert found["rejected_reason"] == "INVALID_FORMAT"
    status, answer = await box.send(templates.body("side", "a", "b"))
    assert (status, answer["error"]["code"]) == (404, 132001)


async def test_promotion_called_utility_becomes_marketing_or_is_rejected(box: Box) -> None:
    spec: dict[str, Any] = {"name": "sale", "language": "en", "category": "UTILITY",
            "components": [body("Everything must go: our summer sale begins today.")]}
    _, answer = await box.graph("POST", f"{WABA}/message_templates", spec)
    assert answer["category"] == "MARKETING"
    spec.update(name="sale_strict", allow_category_change=False)
    _, answer = await box.graph("POST", f"{WABA}/message_templates", spec)
    assert answer["category"] == "UTILITY"
    await wait_until(lambda: templates.status_of(box, answer["id"]) == "REJECTED")


async def test_template_cannot_be_sent_before_approval_and_languages_are_exact(box: Box) -> None:
    await box.control("PUT", "account", {"review": "hold"})
    template_id = await templates.create(box, "appointment_reminder")
    send = templates.body("appointment_reminder", "Ann", "Friday")
    assert (await box.send(send))[1]["error"]["code"] == 132001
    await box.control("POST", f"templates/{template_id}/decide", {"decision": "APPROVED"})
    assert (await box.send(send))[0] == 200
    send["template"]["language"]["code"] = "en"
    assert (await box.send(send))[1]["error"]["code"] == 132001
    await box.control("POST", f"templates/{template_id}/decide", {"decision": "SHREDDED"}, expect=400)
    await box.control("POST", "templates/404/decide", {"decision": "APPROVED"}, expect=404)


async def test_pause_ends_after_three_hours_then_six_and_the_third_is_for_good(box: Box) -> None:
    template_id = await templates.approved(box, "appointment_reminder")
    for hours in (3, 6):
        await box.control("POST", f"templates/{template_id}/decide", {"decision": "PAUSED"})
        await box.forward(hours * 3_600_000 - 1_000)
        assert templates.status_of(box, template_id) == "PAUSED"
        await box.forward(1_001)
        await wait_until(lambda: templates.status_of(box, template_id) == "APPROVED")
    await box.control("POST", f"templates/{template_id}/decide", {"decision": "PAUSED"})
    assert templates.status_of(box, template_id) == "DISABLED"


async def test_category_changes_a_day_after_the_notice(box: Box) -> None:
    template_id = await templates.approved(box, "appointment_reminder")
    await box.control("POST", f"templates/{template_id}/decide", {"category": "MARKETING", "notice": True})
    _, found = await box.graph("GET", f"{template_id}?fields=category,correct_category")
    assert (found["category"], found["correct_category"]) == ("UTILITY", "MARKETING")
    await box.forward(86_400_000)
    await wait_until(lambda: len(box.receiver.changes("template_category_update")) == 2)
    _, found = await box.graph("GET", f"{template_id}?fields=category,previous_category")
    assert (found["category"], found["previous_category"]) == ("MARKETING", "UTILITY")


async def test_words_are_changed_by_other_hands_and_a_webhook_tells_the_new_ones(box: Box) -> None:
    template_id = await templates.approved(box, "appointment_reminder")
    parts = [{"type": "body", "text": "Hello {{1}}, be there on {{2}}."}, {"type": "FOOTER", "text": "Not ours"}]
    await box.control("POST", f"templates/{template_id}/decide", {"components": parts})
    await wait_until(lambda: len(box.receiver.changes("message_template_components_update")) == 1)
    (told,) = box.receiver.changes("message_template_components_update")
    assert (told["message_template_element"], told["message_template_footer"]) == (parts[0]["text"], "Not ours")
    _, found = await box.graph("GET", f"{template_id}?fields=status,components")
    assert (found["status"], [part["type"] for part in found["components"]]) == ("APPROVED", ["BODY", "FOOTER"])
    for wrong in ([], ["BODY"], [{"type": "FOOTER", "text": "alone"}]):
        await box.control("POST", f"templates/{template_id}/decide", {"components": wrong}, expect=400)


async def test_edit_goes_back_to_review_and_only_once_a_day(box: Box) -> None:
    template_id = await templates.approved(box, "appointment_reminder")
    change = {"components": [body("Dear {{1}}, we look forward to {{2}} very much.", "a", "b")]}
    assert await box.graph("POST", template_id, change) == (200, {"success": True})
    assert templates.status_of(box, template_id) == "PENDING"
    _, answer = await box.graph("POST", template_id, change)
    assert answer["error"]["error_subcode"] == 2388039
    await wait_until(lambda: templates.status_of(box, template_id) == "APPROVED")
    assert (await box.graph("POST", template_id, change))[0] == 400
    await box.forward(86_400_000 + 1)
    assert (await box.graph("POST", template_id, change))[0] == 200
    _, found = await box.graph("GET", template_id)
    assert found["components"][0]["text"].startswith("Dear {{1}}")


async def test_deleted_name_is_locked_for_thirty_days(box: Box) -> None:
    await templates.approved(box, "appointment_reminder")
    await templates.approved(box, "appointment_reminder", "nl")
    assert await box.graph("DELETE", f"{WABA}/message_templates?name=appointment_reminder") == (200, {"success": True})
    _, listing = await box.graph("GET", f"{WABA}/message_templates?name=appointment_reminder")
    assert listing["data"] == []
    spec = {"name": "appointment_reminder", "language": "nl", **templates.SAMPLES["appointment_reminder"]}
    assert (await box.graph("POST", f"{WABA}/message_templates", spec))[1]["error"]["error_subcode"] == 2388023
    await box.forward(30 * 86_400_000 + 1)
    assert (await box.graph("POST", f"{WABA}/message_templates", spec))[0] == 200


async def test_template_with_messages_on_their_way_waits_for_deletion(box: Box) -> None:
    await box.handset(online=False)
    template_id = await templates.approved(box, "appointment_reminder")
    await box.send(templates.body("appointment_reminder", "Ann", "Friday"))
    await box.graph("DELETE", f"{WABA}/message_templates?name=appointment_reminder&hsm_id={template_id}")
    assert templates.status_of(box, template_id) == "PENDING_DELETION"
    await wait_until(lambda: [one for one in box.receiver.changes("message_template_status_update")
                              if one["event"] == "PENDING_DELETION"])
    await box.control("PATCH", f"handsets/{ANN}/state", {"online": True})


async def test_list_is_filtered_and_unknown_fields_are_refused(box: Box) -> None:
    await templates.approved(box, "appointment_reminder")
    await templates.approved(box, "coupon_autumn")
    for query, names in (("status=APPROVED&category=MARKETING", ["coupon_autumn"]), ("language=en_US", ["hello_world"]),
                         ("name=reminder", ["appointment_reminder"]), ("status=REJECTED", [])):
        _, listing = await box.graph("GET", f"{WABA}/message_templates?{query}&fields=name")
        assert [template["name"] for template in listing["data"]] == names
    _, listing = await box.graph("GET", f"{WABA}/message_templates?limit=1&summary=total_count,message_template_limit")
    assert listing["summary"] == {"total_count": 3, "message_template_limit": 6_000}
    status, answer = await box.graph("GET", f"{WABA}/message_templates?fields=name,colour")
    assert (status, answer["error"]["code"]) == (400, 100)


@pytest.mark.parametrize(("change", "code"), [
    ({"name": "x", "language": {"code": "en_GB"}}, 132001),
    ({"components": [{"type": "body", "parameters": [{"type": "text", "text": "a"}]}]}, 132000),
    ({"components": [{"type": "body", "parameters": [{"type": "text", "parameter_name": "a", "text": "a"},
                                                     {"type": "text", "parameter_name": "b", "text": "b"}]}]}, 132012),
    ({"components": [{"type": "body", "parameters": [{"type": "image", "image": {}}, {"type": "text", "text": "b"}]}]}, 100),
    ({"components": [{"type": "body", "parameters": [{"type": "text", "text": "a     b"}, {"type": "text", "text": "b"}]}]},
     132018),
    ({"components": [{"type": "body", "parameters": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                     {"type": "header", "parameters": [{"type": "text", "text": "x"}]}]}, 132000),
    ({"components": [{"type": "body", "parameters": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                     {"type": "button", "sub_type": "url", "index": 0, "parameters": []}]}, 132012),
    ({"colour": "red"}, 100),
])
async def test_template_message_that_does_not_fit_is_refused(box: Box, change: Any, code: int) -> None:
    await templates.approved(box, "appointment_reminder")
    whole = {"name": "appointment_reminder", "language": {"code": "en_GB"}, **change}
    status, answer = await box.send({"to": ANN, "type": "template", "template": whole})
    assert (status, answer["error"]["code"]) == (404 if code == 132001 else 400, code), answer


async def test_named_parameters_come_in_any_order_and_positional_ones_are_refused(box: Box) -> None:
    await templates.approved(box, "order_update")
    header = {"type": "header", "parameters": [{"type": "text", "parameter_name": "order_number", "text": "5512"}]}
    named = [{"type": "text", "parameter_name": "delivery_day", "text": "Friday"},
             {"type": "text", "parameter_name": "first_name", "text": "Ann"}]
    template = {"name": "order_update", "language": {"code": "en_GB"}, "components": [header, {"type": "body",
                                                                                              "parameters": named}]}
    assert (await box.send({"to": ANN, "type": "template", "template": template}))[0] == 200
    phone = await box.control("GET", f"handsets/{ANN}")
    assert phone["threads"][0]["bubbles"][0]["body"] == "Hello Ann, your order will arrive on Friday as agreed."
    template["components"] = [header, {"type": "body", "parameters": [{"type": "text", "text": "Ann"},
                                                                      {"type": "text", "text": "Friday"}]}]
    assert (await box.send({"to": ANN, "type": "template", "template": template}))[1]["error"]["code"] == 132012
