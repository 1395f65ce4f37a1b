"""What the tests of Messenger's Graph API share: a Page, somebody who wrote to it, sends, files behind urls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sandbox_box import ANN, Box, wait_until

SAMPLES = Path(__file__).parent.parent / "samples" / "messenger"
AIR, RAIL = "141421356237301", "141421356237302"
INBOX_APP = "263902037430900"
DAY_MS = 86_400_000
PAGE_TOKEN = "sandbox-page-token-"
TEXT = {"text": "Hello"}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def shape(value: Any) -> Any:
    """Keys and kinds of values, all the way down; of a list the first."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


async def chat(box: Box, address: str = ANN, page: str = AIR) -> str:
    """Ann has a phone and has just written to the Page; her PSID."""
    await box.handset(address, name="Ann Example", language="nl", timezone="Europe/Amsterdam")
    await box.say(address, {"text": "hi", "page_id": page})
    phone = await box.control("GET", f"handsets/{address}")
    return str(phone["psids"][page])


async def post(box: Box, body: Any, page: str = AIR, **more: Any) -> tuple[int, Any]:
    return await box.graph("POST", f"{page}/messages", body, **more)


async def send(box: Box, psid: str, message: Any = TEXT, **more: Any) -> tuple[int, Any]:
    """Status and answer of one send."""
    return await post(box, {"recipient": {"id": psid}, "messaging_type": "RESPONSE", "message": message, **more})


async def sent(box: Box, psid: str, message: Any = TEXT, **more: Any) -> Any:
    """The answer of a send that goes."""
    status, answer = await send(box, psid, message, **more)
    assert status == 200, answer
    return answer


async def refused(box: Box, psid: str, message: Any = TEXT, **more: Any) -> tuple[int, int | None]:
    """(code, subcode) of a send that is refused."""
    status, answer = await send(box, psid, message, **more)
    assert status >= 400, answer
    return code_of(answer)


def code_of(answer: Any) -> tuple[int, int | None]:
    return answer["error"]["code"], answer["error"].get("error_subcode")


async def switch(box: Box, page: str = AIR, **switches: Any) -> None:
    await box.control("PUT", f"pages/{page}", switches)


async def bubble(box: Box, mid: str, address: str = ANN) -> Any:
    phone = await box.control("GET", f"handsets/{address}")
    return next(one for thread in phone["threads"] for one in thread["bubbles"] if one["id"] == mid)


def behind(box: Box, url: str, mime: str = "image/png", data: bytes = b"abc") -> None:
    """As if this url had just been fetched."""
    box.world.store.run("INSERT OR REPLACE INTO media VALUES (?, '', ?, NULL, 'aa', 'link', 0, ?, ?)", "1003" + url[-40:], mime,
                        10**15, data)
    box.world.store.run("INSERT OR REPLACE INTO links VALUES (?, ?, ?)", url, "1003" + url[-40:], 10**15)


def keep_files(box: Box, thing: Any, kind: str = "image") -> None:
    """Put every url that a sample names behind itself."""
    mimes = {"image": "image/png", "audio": "audio/mpeg", "video": "video/mp4", "file": "application/pdf"}
    if isinstance(thing, dict):
        if isinstance(thing.get("url"), str):
            behind(box, thing["url"], mimes[kind])
        for item in thing.values():
            keep_files(box, item, thing["type"] if thing.get("type") in mimes else kind)
    elif isinstance(thing, list):
        for item in thing:
            keep_files(box, item, kind)


DELAY = {"name": "train_delay_v2", "language": "en", "category": "UTILITY", "components": [
    {"type": "BODY", "text": "Your train {{1}} is about {{2}} minutes late. New departure: {{3}} from the planned platform.",
     "example": {"body_text": [["RE 4711", "25", "07:40"]]}}]}
CANCELLED = {"name": "train_cancelled_v1", "language": "en", "category": "UTILITY", "components": [
    {"type": "BODY", "text": "Your train {{1}} on {{2}} does not run. Please choose another connection.",
     "example": {"body_text": [["RE 4711", "4 December"]]}},
    {"type": "BUTTONS", "buttons": [
        {"type": "POSTBACK", "text": "Other connections", "payload": "ALT:{{1}}"},
        {"type": "URL", "text": "Open booking", "url": "https://tickets.example/t/{{1}}",
         "example": {"url_suffix_example": "https://tickets.example/t/bk_0000"}}]}]}
PLATFORM = {"name": "platform_change_v1", "language": "de", "category": "UTILITY", "parameter_format": "NAMED", "components": [
    {"type": "HEADER", "format": "TEXT", "text": "Gleiswechsel {{train}}",
     "example": {"header_text_named_params": [{"param_name": "train", "example": "RE 4711"}]}},
    {"type": "BODY", "text": "Ihr Zug fährt heute von Gleis {{platform}}, Abfahrt um {{departure}} wie geplant.",
     "example": {"body_text_named_params": [{"param_name": "platform", "example": "9"},
                                            {"param_name": "departure", "example": "07:15"}]}}]}
TEMPLATES = {template["name"]: template for template in (DELAY, CANCELLED, PLATFORM)}


async def made(box: Box, template: Any, page: str = AIR) -> str:
    """Create a template; its id."""
    status, answer = await box.graph("POST", f"{page}/message_templates", template)
    assert status == 200, answer
    return str(answer["id"])


async def status_of(box: Box, template_id: str) -> str:
    """Its status once the review is over."""
    def over() -> Any:
        row = box.world.store.row("SELECT status FROM templates WHERE id = ?", template_id)
        return row is not None and row["status"] != "PENDING" and row["status"]

    return str(await wait_until(over, "the review"))


async def approved(box: Box, template: Any, page: str = AIR) -> str:
    template_id = await made(box, template, page)
    assert await status_of(box, template_id) == "APPROVED"
    return template_id


def utility(name: str, *texts: str, language: str = "en", buttons: Any = None) -> Any:
    """``message`` with a template and positional parameters."""
    components: list[Any] = [{"type": "body", "parameters": [{"type": "text", "text": text} for text in texts]}]
    if buttons is not None:
        components.append({"type": "buttons", "parameters": buttons})
    return {"template": {"name": name, "language": {"code": language}, "components": components}}
