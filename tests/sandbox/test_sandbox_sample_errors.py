"""Each documented refusal is produced by what causes it (or by a fault of its code), in exactly the sample's shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sandbox_templates as templates
from aiohttp import FormData
from sandbox_box import ANN, PHONE, SAMPLES, WABA, Box, sample

TEXT = {"to": "+447700900123", "type": "text", "text": {"body": "Hello"}}
Answer = tuple[int, Any]
Cause = Callable[[Box], Awaitable[Answer]]


def fault(code: int) -> Cause:
    async def cause(box: Box) -> Answer:
        await box.fault(name="code", code=code, **{"async": False})
        return await box.send(TEXT)

    return cause


def sends(body: Any, **account: Any) -> Cause:
    async def cause(box: Box) -> Answer:
        if account:
            await box.control("PUT", "account", account)
        return await box.send(body)

    return cause


def switch(body: Any = TEXT, **switches: Any) -> Cause:
    return sends(body, switches=switches)


def template(name: str, *texts: str, decide: Any = None, send: Any = None, **more: Any) -> Cause:
    async def cause(box: Box) -> Answer:
        if more.pop("made", True):
            template_id = await templates.approved(box, name)
            for decision in decide or ():
                await box.control("POST", f"templates/{template_id}/decide", decision)
        return await box.send(send or templates.body(name, *texts, **more))

    return cause


async def no_token(box: Box) -> Answer:
    return await box.graph("POST", f"{PHONE}/messages", TEXT, headers={})


async def bad_token(box: Box) -> Answer:
    return await box.graph("POST", f"{PHONE}/messages", TEXT, headers={"Authorization": "Bearer nonsense"})


async def no_management(box: Box) -> Answer:
    await box.control("PUT", "account", {"scopes": ["whatsapp_business_messaging"]})
    return await box.graph("GET", f"{WABA}/message_templates")


async def waba_calls(box: Box) -> Answer:
    for _ in range(5_000):
        assert box.world.limits.management(WABA, an_hour=5_000)
    return await box.graph("GET", f"{WABA}/message_templates")


async def pair(box: Box) -> Answer:
    await box.open_window()
    for _ in range(45):
        await box.text()
    return await box.send(TEXT)


async def throughput(box: Box) -> Answer:
    await box.control("PUT", "account", {"numbers": [{"id": PHONE, "throughput": 3}]})
    for number in range(3):
        await box.text(to=f"44770090020{number}")
    return await box.send(TEXT)


async def not_registered(box: Box) -> Answer:
    await box.graph("POST", f"{PHONE}/deregister", {})
    return await box.send(TEXT)


async def tiff(box: Box) -> Answer:
    form = FormData()
    form.add_field("messaging_product", "whatsapp")
    form.add_field("type", "image/tiff")
    form.add_field("file", b"II*", filename="a.tiff", content_type="image/tiff")
    async with await box.raw("POST", f"/v25.0/{PHONE}/media", data=form) as reply:
        return reply.status, await reply.json()


async def exists(box: Box) -> Answer:
    spec = {"name": "hello_world", "language": "en_US", "category": "UTILITY", "components": [{"type": "BODY", "text": "Hi"}]}
    return await box.graph("POST", f"{WABA}/message_templates", spec)


async def at_edge(box: Box) -> Answer:
    body = {"type": "BODY", "text": "{{1}}, welcome to our little shop.", "example": {"body_text": [["Ann"]]}}
    return await box.graph("POST", f"{WABA}/message_templates", {"name": "a", "language": "en", "category": "UTILITY",
                                                                 "components": [body]})


async def unknown_object(box: Box) -> Answer:
    return await box.graph("POST", "314159265358000/messages", TEXT)


async def token_expired(box: Box) -> Answer:
    await box.fault(name="token_expired", times=1)
    return await box.send(TEXT)


async def no_messaging(box: Box) -> Answer:
    await box.fault(name="scope_missing", times=1)
    return await box.send(TEXT)


async def to_bsuid(box: Box) -> Answer:
    handset = await box.handset()
    await templates.approved(box, "login_code")
    body = templates.body("login_code", "482913")
    body["template"]["components"].append({"type": "button", "sub_type": "url", "index": "0",
                                           "parameters": [{"type": "text", "text": "482913"}]})
    del body["to"]
    return await box.send({**body, "recipient": handset["user_id"]})


LONG_BUTTON = {"to": ANN, "type": "interactive", "interactive": {"type": "button", "body": {"text": "?"}, "action": {
    "buttons": [{"type": "reply", "reply": {"id": "y", "title": "x" * 21}}]}}}
FLOW = {"to": ANN, "type": "interactive", "interactive": {"type": "flow", "body": {"text": "?"}, "action": {}}}
DOCUMENT = templates.body("invoice_ready", "1", "2")
LONG = "x" * 700
REMIND = "appointment_reminder"
CAUSES: dict[str, Cause] = {
    "0-auth-exception": fault(0), "1-unknown": fault(1), "2-service-unavailable": fault(2), "3-capability": fault(3),
    "4-app-rate-limit": fault(4), "10-permission": no_management, "100-2388024-template-exists": exists,
    "100-2388299-variable-at-edge": at_edge, "100-33-object-missing": unknown_object,
    "100-body-too-long": sends({**TEXT, "text": {"body": "x" * 4097}}), "100-unknown-parameter": sends({**TEXT, "txt": 1}),
    "104-token-missing": no_token, "190-token-expired": token_expired, "190-token-malformed": bad_token,
    "200-permission": no_messaging, "368-policy": switch(restricted=True), "80007-waba-rate-limit": waba_calls,
    "130429-throughput": throughput, "130497-country": switch(barred_countries=["GB"]), "131000-unknown": fault(131000),
    "131008-missing-parameter": sends({"type": "text", "text": {"body": "Hello"}}), "131009-invalid-value": sends(LONG_BUTTON),
    "131016-unavailable": fault(131016), "131021-self": sends({**TEXT, "to": "+1 (202) 555-0142"}),
    "131026-undeliverable": fault(131026), "131030-not-in-allowed-list": sends(TEXT, test_mode=True),
    "131031-account-locked": switch(locked=True), "131037-display-name": fault(131037), "131041-group-unknown": fault(131041),
    "131042-payment": fault(131042), "131045-certificate": fault(131045), "131047-window-closed": fault(131047),
    "131048-spam": fault(131048), "131051-unsupported-type": sends(FLOW), "131053-media": tiff,
    "131056-pair-rate-limit": pair, "131057-maintenance": switch(maintenance=True), "131062-bsuid-not-supported": to_bsuid,
    "131208-group-rate-limit": fault(131208),
    "131215-groups-not-eligible": sends({**TEXT, "recipient_type": "group", "to": "Y2FwaQ"}),
    "132000-param-count": template(REMIND, "Ann"), "132001-template-missing": template(REMIND, "Ann", "x", language="fr"),
    "132005-too-long": template("coupon_autumn", LONG, LONG), "132007-policy": fault(132007),
    "132012-param-format": template("invoice_ready", send=DOCUMENT),
    "132015-paused": template(REMIND, "Ann", "x", decide=[{"decision": "PAUSED"}]),
    "132016-disabled": template(REMIND, "Ann", "x", decide=[{"decision": "PAUSED"}] * 3),
    "132018-param-content": template(REMIND, "Ann\nBob", "x"), "132069-flow-throttled": fault(132069),
    "133010-not-registered": not_registered,
    "137000-identity-mismatch": sends({**TEXT, "recipient_identity_key_hash": "DF2lS5v2W6x="}),
}


async def marketing_disabled(box: Box) -> Answer:
    await templates.approved(box, "autumn_course")
    await box.control("PUT", "account", {"switches": {"marketing_disabled": True}})
    found = templates.body("autumn_course", "Ann")
    header = {"type": "header", "parameters": [{"type": "image", "image": {"link": box.receiver.url}}]}
    found["template"]["components"].append(header)
    return await box.send(found)


CAUSES["131063-marketing-disabled"] = marketing_disabled


async def misclassified(box: Box) -> Answer:
    await templates.approved(box, REMIND)
    await box.control("PUT", "account", {"switches": {"misclassified": True}})
    return await box.send(templates.body(REMIND, "Ann", "x"))


CAUSES["131064-misclassified"] = misclassified


def test_every_error_sample_has_a_cause() -> None:
    names = {path.stem.removeprefix("error-") for path in SAMPLES.glob("error-*.json")}
    assert set(CAUSES) == names - {"html-502"}


@pytest.mark.parametrize("name", sorted(CAUSES))
async def test_refusal_has_the_documented_shape(box: Box, name: str) -> None:
    wanted = sample(f"error-{name}")
    status, body = await CAUSES[name](box)
    assert status == wanted["http_status"], body
    ours, theirs = body["error"], wanted["body"]["error"]
    assert set(body) == {"error"}
    assert set(ours) == set(theirs), ours
    for key in ("type", "code", "error_subcode", "is_transient"):
        assert ours.get(key) == theirs.get(key)
    if "error_data" in theirs:
        assert set(ours["error_data"]) == set(theirs["error_data"])
    if theirs["code"] != 190:
        assert ours["message"].partition(" ")[0] == theirs["message"].partition(" ")[0]
    assert ours["fbtrace_id"].startswith("A")
    assert len(ours["fbtrace_id"]) == len(theirs["fbtrace_id"])


async def test_broken_gateway_answers_with_html(box: Box) -> None:
    await box.fault(name="html_502", times=1)
    async with await box.raw("POST", f"/v25.0/{PHONE}/messages", json={"messaging_product": "whatsapp", **TEXT}) as reply:
        wanted = sample("error-html-502")
        assert (reply.status, reply.content_type) == (wanted["http_status"], wanted["content_type"])
        assert await reply.text() == wanted["body"]
    assert (await box.send(TEXT))[0] == 200


async def test_every_answer_carries_metas_headers(box: Box) -> None:
    for path in (PHONE, "12345"):
        async with await box.raw("GET", f"/v25.0/{path}") as reply:
            for name in ("x-fb-trace-id", "x-fb-request-id", "x-app-usage", "x-business-use-case-usage"):
                assert reply.headers[name]
            assert reply.headers["facebook-api-version"] == "v25.0"
