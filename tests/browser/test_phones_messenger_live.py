"""The /phones page beside the real sandbox: a Page's chat from the link that opens it to the staff who take it over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.phones_browser import Opener
from tests.browser.phones_day import why
from tests.browser.test_phones import phone
from tests.browser.test_phones_live import RealSandbox

AIR, RAIL = "141421356237301", "141421356237302"
ANN = "447700900110"


@pytest.fixture
def visit(browser: Browser) -> Iterator[Opener]:
    opener = Opener(browser)
    yield opener
    opener.close()
    assert opener.complaints == []


@pytest.fixture
def sandbox() -> Iterator[RealSandbox]:
    made = RealSandbox()
    spec = {"address": ANN, "name": "ann", "label": "Ann", "language": "en", "timezone": "Europe/London"}
    made.ask("POST", "/sandbox/handsets", spec)
    yield made
    made.close()


def send(sandbox: RealSandbox, page_id: str, **more: Any) -> str:
    """Send as the Page's app; returns the message id."""
    psid = sandbox.ask("GET", "/sandbox/handsets/ann")["psids"][page_id]
    body = {"recipient": {"id": psid}, "messaging_type": "RESPONSE", **more}
    answer = sandbox.ask("POST", f"/v25.0/{page_id}/messages", body)
    return str(answer["message_id"])


def template(**payload: Any) -> dict[str, Any]:
    return {"attachment": {"type": "template", "payload": payload}}


def newest(ann: Locator, kind: str) -> Locator:
    return ann.locator(f".row.{kind}").last


def test_a_link_opens_the_chat_and_words_edits_reactions_and_files_come_back_over_the_stream(
    sandbox: RealSandbox, visit: Opener
) -> None:
    page = visit(f"{sandbox.url}/phones", ready=".phone")
    ann = phone(page, "Ann")
    ann.get_by_role("button", name="More: a file, a link").click()
    ann.get_by_role("button", name="Open a link").click()
    address = ann.get_by_role("textbox", name="Link to a chat")
    address.fill("m.me/polderwindair?ref=zz1007&text=Where+is+my+flight")
    address.press("Enter")
    expect(ann.locator(".chat-head")).to_contain_text("Messenger · @polderwindair")
    box = ann.get_by_role("textbox", name="Message as Ann")
    expect(box).to_have_value("Where is my flight")
    expect(box).to_be_focused()
    box.press("Enter")
    expect(newest(ann, "sent").locator(".body")).to_have_text("Where is my flight")
    expect(newest(ann, "sent").locator(".seen-line")).to_have_text("delivered")
    newest(ann, "sent").focus()
    newest(ann, "sent").get_by_role("button", name="Edit this").click()
    box.fill("Where is flight ZZ1007")
    box.press("Enter")
    expect(newest(ann, "sent").locator(".body")).to_have_text("Where is flight ZZ1007")
    expect(newest(ann, "sent").locator(".edited")).to_have_text("edited")
    with page.expect_file_chooser() as choosing:
        ann.get_by_role("button", name="More: a file, a link").click()
        ann.get_by_role("button", name="Send a file").click()
    choosing.value.set_files({"name": "form.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 form"})
    expect(newest(ann, "sent").get_by_role("link", name="form.pdf")).to_be_visible()
    answered = sandbox.ask("POST", f"/sandbox/pages/{AIR}/inbox", {"address": ANN, "text": "Dag Ann, gate D24."})["bubble"]["id"]
    told = ann.locator(f'[data-bubble="{answered}"]')
    expect(told.locator(".by")).to_have_text("staff, in the Page's inbox")
    expect(ann.locator(".chat-head .held")).to_have_text("Messenger · staff answer")
    expect(told.locator(".state")).to_have_text("seen")
    told.focus()
    told.get_by_role("button", name="React", exact=True).click()
    told.get_by_role("button", name="React with 👍").click()
    expect(told.locator(".reaction")).to_have_text("You reacted: 👍")
    unsent = {"id": "u1", "address": ANN, "page_id": AIR, "at_ms": 1_900_000_000_000, "body": "Gate D26.",
              "reason": "staff hold this chat", "why": None, "template": None}  # fmt: skip
    sandbox.ask("PUT", "/sandbox/unsent", unsent)
    expect(ann.locator(".row.unsent")).to_contain_text("not sent: staff hold this chat")
    sandbox.ask("DELETE", "/sandbox/unsent/u1")
    expect(ann.locator(".row.unsent")).to_have_count(0)


def test_what_the_app_sends_is_shown_as_it_is_and_answered_by_a_tap(sandbox: RealSandbox, visit: Opener) -> None:
    page = visit(f"{sandbox.url}/phones", ready=".phone")
    ann = phone(page, "Ann")
    sandbox.ask("POST", "/sandbox/handsets/ann/say", {"page_id": AIR, "text": "Is anybody there?"})
    expect(ann.locator(".row.sent .body")).to_have_text("Is anybody there?")
    face = {"name": "Fleur", "profile_picture_url": f"{sandbox.url}/messenger/stickers/1.png"}
    fleur = sandbox.ask("POST", f"/v25.0/{AIR}/personas", face)
    quick = [{"content_type": "text", "title": title, "payload": title} for title in ("Yes please", "No")]
    send(sandbox, AIR, message={"text": "Shall I help?", "quick_replies": quick, "metadata": "m-1.1.zz"}, persona_id=fleur["id"])
    question = newest(ann, "received")
    expect(question.locator(".speaker b")).to_have_text("Fleur")
    assert question.locator(".face").evaluate("node => node.decode().then(() => node.naturalWidth > 0)")
    expect(question.locator(".state")).to_have_text("seen")
    sandbox.ask("PUT", "/sandbox/why", {"opaque": "m-1", "why": why("Because she asked.", trace="main.py trace m-1")})
    expect(question.locator("summary")).to_have_text("Because she asked.")
    rail = ann.get_by_role("group", name="Quick replies")
    rail.get_by_role("button", name="Yes please").click()
    expect(newest(ann, "sent").locator(".body")).to_have_text("Yes please")
    expect(rail).to_have_count(0)
    buttons = [{"type": "postback", "title": "Rebook me", "payload": "rebook"}]
    send(sandbox, AIR, message=template(template_type="button", text="It is late.", buttons=buttons))
    newest(ann, "received").get_by_role("button", name="Rebook me").click()
    expect(newest(ann, "received").locator(".chosen")).to_contain_text("Rebook me")
    takes = [{**buttons[0], "title": f"Take {n}"} for n in range(3)]
    elements = [{"title": f"Flight {n}", "subtitle": "via Dublin", "buttons": [take]} for n, take in enumerate(takes)]
    send(sandbox, AIR, message=template(template_type="generic", elements=elements))
    newest(ann, "received").get_by_role("button", name="Take 2").click()
    expect(newest(ann, "sent").locator(".body")).to_have_text("Take 2")
    summary = {"total_cost": 120.5}
    send(sandbox, AIR, message=template(template_type="receipt", recipient_name="Ann", order_number="ZX7K2P", currency="EUR",
                                        payment_method="iDEAL", summary=summary,
                                        elements=[{"title": "Seat 4A", "price": 120.5}]))  # fmt: skip
    expect(newest(ann, "received").locator(".total")).to_have_text("Total€120.50")


def test_the_region_switch_turns_the_sandbox_and_the_chats_of_both_apps_stand_side_by_side(
    sandbox: RealSandbox, visit: Opener
) -> None:
    sandbox.ask("POST", "/sandbox/handsets/ann/say", {"page_id": RAIL, "text": "Is the 09:18 running?"})
    sandbox.ask("POST", "/sandbox/handsets/ann/say", {"text": "Hello", "phone_number_id": number(sandbox)})
    page = visit(f"{sandbox.url}/phones")
    ann = phone(page, "Ann")
    expect(ann.get_by_role("button", name="Messenger: Laagland Rail")).to_be_visible()
    expect(ann.get_by_role("button", name="WhatsApp: ")).to_be_visible()
    page.get_by_role("button", name="Pages", exact=True).click()
    card = page.get_by_role("article").filter(has_text="Laagland Rail")
    region = card.get_by_role("switch", name="Utility templates allowed here")
    expect(region).to_be_checked()
    region.click()
    expect(region).not_to_be_checked()
    assert sandbox.ask("GET", f"/sandbox/pages/{RAIL}")["utility"] is False
    sandbox.ask("PUT", f"/sandbox/pages/{RAIL}", {"utility": True, "subscribed": False})
    expect(region).to_be_checked()
    expect(card.locator(".bad")).to_contain_text("off since")
    sandbox.ask("PUT", f"/sandbox/pages/{RAIL}/threads/{ANN}", {"holder": "inbox"})
    expect(card).to_contain_text("staff 1 (Ann)")


@pytest.mark.parametrize(("name", "mime"), [("form.pdf", "application/pdf"), ("bike.png", "image/png")])
def test_a_file_is_taken_by_a_chat_with_a_number_too(sandbox: RealSandbox, visit: Opener, name: str, mime: str) -> None:
    sandbox.ask("POST", "/sandbox/handsets/ann/say", {"text": "Hello", "phone_number_id": number(sandbox)})
    page = visit(f"{sandbox.url}/phones")
    ann = phone(page, "Ann")
    with page.expect_file_chooser() as choosing:
        ann.get_by_role("button", name="More: a file, a link").click()
        ann.get_by_role("button", name="Send a file").click()
    choosing.value.set_files({"name": name, "mimeType": mime, "buffer": b"\x89PNG\r\n\x1a\n"})
    expect(newest(ann, "sent").locator("a[href*='/sandbox/media/'], .picture-link, .card")).not_to_have_count(0)
    assert ann.get_by_role("alert").first.inner_text() == ""


def number(sandbox: RealSandbox) -> str:
    return str(sandbox.ask("GET", "/sandbox/account")["numbers"][0]["id"])
