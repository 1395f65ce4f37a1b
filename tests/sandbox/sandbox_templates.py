"""The templates that the sample requests send, as they would have been created, and their making in a sandbox."""

from __future__ import annotations

from typing import Any

from sandbox_box import WABA, Box, wait_until

BODY_1 = {"type": "BODY", "text": "Hello {{1}}, this is about your visit.", "example": {"body_text": [["Ann"]]}}
SAMPLES: dict[str, dict[str, Any]] = {
    "appointment_reminder": {"category": "UTILITY", "components": [
        {"type": "BODY", "text": "Hello {{1}}, we expect you on {{2}} as agreed.",
         "example": {"body_text": [["Ann", "Tuesday"]]}}]},
    "order_update": {"category": "UTILITY", "parameter_format": "NAMED", "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Order {{order_number}} update",
         "example": {"header_text_named_params": [{"param_name": "order_number", "example": "5512"}]}},
        {"type": "BODY", "text": "Hello {{first_name}}, your order will arrive on {{delivery_day}} as agreed.",
         "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Ann"},
                                                {"param_name": "delivery_day", "example": "Friday"}]}}]},
    "login_code": {"category": "AUTHENTICATION", "components": [
        {"type": "BODY", "add_security_recommendation": True},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}]},
    "coupon_autumn": {"category": "MARKETING", "components": [
        {"type": "BODY", "text": "With code {{1}} you get {{2}} off everything this autumn.",
         "example": {"body_text": [["A", "25%"]]}},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Stop"}, {"type": "COPY_CODE", "example": "A25"}]}]},
    "invoice_ready": {"category": "UTILITY", "header": ("DOCUMENT", "application/pdf"), "components": [
        {"type": "BODY", "text": "Your invoice {{1}} over {{2}} is ready for you.",
         "example": {"body_text": [["1", "£1"]]}},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Open", "url": "https://shop.example.com/{{1}}",
                                         "example": ["https://shop.example.com/1"]}]}]},
    "autumn_course": {"category": "MARKETING", "header": ("IMAGE", "image/png"), "components": [
        BODY_1, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Yes"},
                                                {"type": "QUICK_REPLY", "text": "Stop"}]}]},
    "how_to_find_us": {"category": "UTILITY", "header": ("VIDEO", "video/mp4"), "components": [
        {"type": "BODY", "text": "This is how you find us."}]},
    "courier_near": {"category": "UTILITY", "components": [{"type": "HEADER", "format": "LOCATION"}, BODY_1]},
    "offer_week": {"category": "MARKETING", "components": [
        {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "This week", "has_expiration": True}}, BODY_1,
        {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "example": "WEEK48"}]}]},
}


async def handle(box: Box, mime: str) -> str:
    """A header handle from the Resumable Upload API."""
    _, begun = await box.graph("POST", f"app/uploads?file_length=3&file_type={mime}")
    token = box.headers["Authorization"].split()[1]
    async with await box.raw("POST", f"/v25.0/{begun['id']}", data=b"abc",
                             headers={"Authorization": f"OAuth {token}", "file_offset": "0"}) as reply:
        return str((await reply.json())["h"])


async def create(box: Box, name: str, language: str = "en_GB", **changes: Any) -> str:
    """Create one of the sample templates (or any, by ``changes``); its id."""
    spec = {**SAMPLES.get(name, {}), **changes}
    header = spec.pop("header", None)
    if header is not None:
        example = {"header_handle": [await handle(box, header[1])]}
        spec["components"] = [{"type": "HEADER", "format": header[0], "example": example}, *spec["components"]]
    status, answer = await box.graph("POST", f"{WABA}/message_templates", {"name": name, "language": language, **spec})
    assert status == 200, answer
    return str(answer["id"])


async def approved(box: Box, name: str, language: str = "en_GB", **changes: Any) -> str:
    template_id = await create(box, name, language, **changes)
    await wait_until(lambda: status_of(box, template_id) == "APPROVED", f"{name} approved")
    return template_id


def status_of(box: Box, template_id: str) -> str | None:
    row = box.world.store.row("SELECT status FROM templates WHERE id = ?", template_id)
    return None if row is None else str(row["status"])


def body(name: str, *texts: str, language: str = "en_GB", to: str = "+447700900123", **more: Any) -> dict[str, Any]:
    """A template send with positional body parameters."""
    components = [{"type": "body", "parameters": [{"type": "text", "text": text} for text in texts]}] if texts else []
    return {"to": to, "type": "template", **more,
            "template": {"name": name, "language": {"code": language}, "components": components}}
