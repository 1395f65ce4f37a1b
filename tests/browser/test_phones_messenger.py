"""Chats with Pages on the /phones page: each kind of bubble, what can be done there, and the Pages' settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import phones_day, phones_pages_day
from tests.browser.phones_browser import MOBILE, Opener, runs_over
from tests.browser.phones_pages_day import AIR, GRID
from tests.browser.phones_stage import Stage
from tests.browser.test_phones import phone, row, said, until_said
from tests.support.waiting import wait_until_sync


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage(phones_pages_day.day(), None, phones_day.NOW_MS)
    made.pages = phones_pages_day.pages()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Opener]:
    opener = Opener(browser)
    yield opener
    opener.close()
    assert opener.complaints == []


def colour(page: Page, selector: str) -> str:
    found: str = page.locator(selector).first.evaluate("node => getComputedStyle(node).backgroundColor")
    return found


def test_a_chat_with_a_page_looks_like_another_app(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    eva = phone(page, "Eva")
    expect(eva.locator(".chat-head")).to_contain_text("Messenger · @zilverair")
    parts = (".chat-head", ".statusbar", ".sent .bubble")
    there = {part: colour(page, f'[data-address="447700900201"] {part}') for part in parts}
    eva.get_by_role("button", name="WhatsApp: Zilver Air").click()
    expect(eva.locator(".chat-head")).to_contain_text("+1 202-555-0142")
    stage.send_bubbles(stage.handsets[0], phones_day.bubble("w2", "09:01", "Ja", kind="sent"))
    expect(row(page, "w2")).to_be_visible()
    here = {part: colour(page, f'[data-address="447700900201"] {part}') for part in parts}
    assert all(there[part] != here[part] for part in parts)


def test_above_a_bubble_stand_who_speaks_and_when(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    expect(row(page, "e4").locator(".speaker")).to_have_text("Fleur08:04")
    expect(row(page, "e1").locator(".speaker b")).to_have_count(0)  # the Page's own words
    expect(row(page, "n2").locator(".by")).to_have_text("Meta's assistant")
    expect(row(page, "n3").locator(".by")).to_have_text("staff, in the Page's inbox")
    expect(phone(page, "Noor").locator(".held")).to_have_text("Messenger · staff answer")
    expect(row(page, "n1").locator(".edited")).to_have_text("edited")
    expect(row(page, "n1").locator(".edited")).to_have_attribute("title", "was: Wanneer is er stroom?")


def test_seen_and_delivered_stand_where_each_was_reached_last_and_nowhere_else(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    expect(row(page, "e2").locator(".seen-line")).to_have_count(0)  # a later one was seen too
    expect(row(page, "e3").locator(".seen-line")).to_have_text("seen")
    expect(row(page, "n1").locator(".seen-line")).to_have_text("seen")
    expect(row(page, "n5").locator(".seen-line")).to_have_text("delivered")
    noor = stage.handsets[2]
    stage.send_bubbles(noor, {**noor["threads"][0]["bubbles"][-1], "ticks": "read"})
    expect(row(page, "n5").locator(".seen-line")).to_have_text("seen")
    expect(row(page, "n1").locator(".seen-line")).to_have_count(0)
    expect(page.locator(".phone .ticks-read")).to_have_count(0)  # no ticks in these chats


def test_an_unsent_bubble_is_pale_and_says_why_here_too(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    unsent = row(page, "n4")
    expect(unsent).to_contain_text("not sent: the Page's staff hold this chat")
    expect(unsent.locator(".origin")).to_have_text("template outage_updated_v1 (nl)")
    assert unsent.locator(".bubble").evaluate("node => getComputedStyle(node).borderStyle") == "dashed"
    expect(row(page, "d2").locator(".state")).to_have_text("failed: This person isn't available (551)")


def test_a_receipt_adds_up_in_the_persons_own_language(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    receipt = row(page, "t1").get_by_role("group", name="Receipt TR-55310")
    expect(receipt.locator(".receipt-head")).to_have_text("Noord RailOrder TR-55310")
    expect(receipt.locator("dl > div").first).to_have_text("Utrecht – Groningen2 × 2nd class€58.40")
    expect(receipt.locator(".sum")).to_have_text(["Subtotal€58.40", "Tax€5.26", "Off-peak-€7.50"])
    expect(receipt.locator(".total")).to_have_text("Total€50.90")
    expect(receipt).to_contain_text("Tom de Wit · iDEAL")


def test_files_pictures_places_and_coupons_are_shown(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    ticket = row(page, "t2").get_by_role("link", name="ticket-TR-55310.pdf")
    expect(ticket).to_contain_text("PDF file")
    expect(ticket).to_have_attribute("href", f"{stage.url}/sandbox/media/9301")
    expect(row(page, "t3").locator("img")).to_have_count(2)
    assert row(page, "t3").locator("img").first.evaluate("node => node.decode().then(() => node.naturalWidth > 0)")
    expect(row(page, "d1").get_by_role("group", name="Coupon: Free coffee")).to_contain_text("WAIT-15")
    expect(row(page, "d3").locator(".place")).to_contain_text("52.09, 5.11")


def test_a_picture_has_its_room_before_it_has_come(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    frame = row(page, "t3").locator("img").first
    frame.evaluate("node => node.decode()")
    loaded = frame.bounding_box()
    frame.evaluate("node => node.removeAttribute('src')")
    assert frame.bounding_box() == loaded


def test_cards_scroll_sideways_by_themselves_and_a_tap_is_counted_through_all_of_them(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    cards = row(page, "t4").get_by_role("list", name="3 cards")
    expect(cards.get_by_role("listitem")).to_have_count(3)
    expect(row(page, "t4").get_by_role("button", name="Take this one")).to_have_count(2)
    assert cards.evaluate("node => node.scrollWidth > node.clientWidth")
    assert phone(page, "Tom").get_by_role("log").evaluate("node => node.scrollWidth <= node.clientWidth")
    cards.focus()
    page.keyboard.press("ArrowRight")
    wait_until_sync(lambda: cards.evaluate("node => node.scrollLeft") > 0)
    expect(cards.get_by_role("link", name="Where it stops")).to_have_attribute("target", "_blank")
    cards.get_by_role("button", name="Or this").click()
    assert until_said(stage) == {"button": {"bubble": "t4", "index": 3}, "page_id": phones_pages_day.RAIL[0]}
    stage.send_bubbles(stage.handsets[1], phones_day.bubble("t5", "09:01", "Or this", kind="sent", type="postback"))
    expect(row(page, "t4").locator(".chosen")).to_have_text("Or this(chosen)")


def test_a_picture_from_elsewhere_is_not_fetched(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    expect(row(page, "t4").locator(".tile .blank")).to_have_count(1)
    assert page.locator('img[src^="https://cdn.example.com"]').count() == 0


def test_a_button_says_its_bubble_and_index_and_is_marked_when_the_tap_came_back(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    expect(row(page, "e1").locator(".chosen")).to_have_text("Stel een vraag(chosen)")  # from what the phone says itself
    row(page, "e1").get_by_role("button", name="Waar is hij nu?").click()
    assert until_said(stage) == {"button": {"bubble": "e1", "index": 0}, "page_id": AIR[0]}
    assert stage.posts[-1][0] == "/sandbox/handsets/447700900201/say"


def test_quick_replies_stand_above_the_typing_line_and_vanish_with_the_next_message(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    rail = phone(page, "Eva").get_by_role("group", name="Quick replies")
    expect(rail.get_by_role("button")).to_have_text(["Graag", "Nee, dank u", "Wat kost dat?"])
    expect(row(page, "e4")).to_be_in_viewport()
    rail.get_by_role("button", name="Nee, dank u").focus()
    page.keyboard.press("Enter")
    assert until_said(stage) == {"quick_reply": {"bubble": "e4", "index": 1}, "page_id": AIR[0]}
    expect(rail).to_be_visible()
    tapped = phones_day.bubble("e5", "09:01", "Nee, dank u", kind="sent", type="quick_reply")
    stage.send_bubbles(stage.handsets[0], tapped, thread=1)
    expect(rail).to_have_count(0)
    expect(row(page, "e5")).to_be_in_viewport()
    expect(phone(page, "Eva").get_by_role("log")).to_be_focused()  # not lost with the rail
    unsent = phones_day.bubble("e6", "09:02", "Nog iets?", kind="unsent", reason="told elsewhere", ticks=None)
    asks = phones_day.bubble("e7", "09:02", "En nu?", quick_replies=[phones_pages_day.quick(0, "Ja")])
    stage.send_bubbles(stage.handsets[0], asks, unsent, thread=1)
    expect(rail.get_by_role("button")).to_have_text(["Ja"])  # what was never sent takes nothing away


def test_an_empty_chat_offers_to_get_started(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    daan = phone(page, "Daan")
    daan.get_by_role("button", name="Stroomnet").click()
    daan.get_by_role("button", name="Get started").click()
    assert until_said(stage) == {"get_started": True, "page_id": GRID[0]}


def test_questions_of_the_page_stand_in_an_empty_chat(stage: Stage, visit: Opener) -> None:
    questions = [{"index": 0, "text": "Is there an outage?"}, {"index": 1, "text": "Who are you?"}]
    stage.handsets[3]["threads"][1]["ice_breakers"] = questions
    page = visit(f"{stage.url}/phones")
    daan = phone(page, "Daan")
    daan.get_by_role("button", name="Stroomnet").click()
    expect(daan.get_by_role("group", name="Begin with a question").get_by_role("button")).to_have_count(2)
    daan.get_by_role("button", name="Who are you?").click()
    assert until_said(stage) == {"ice_breaker": {"index": 1}, "page_id": GRID[0]}


def test_words_are_said_to_the_page_in_front_and_answer_a_bubble(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    row(page, "e4").focus()
    row(page, "e4").get_by_role("button", name="Reply to this").click()
    box = phone(page, "Eva").get_by_role("textbox")
    expect(phone(page, "Eva").locator(".quoting b")).to_have_text("Fleur")
    expect(box).to_have_attribute("maxlength", "2000")
    box.fill("Graag")
    box.press("Enter")
    assert until_said(stage) == {"text": "Graag", "reply_to": "e4", "page_id": AIR[0]}


def test_only_the_last_words_can_be_edited_and_what_was_being_typed_comes_back(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    eva = phone(page, "Eva")
    box = eva.get_by_role("textbox")
    box.fill("half a sentence")
    row(page, "e2").focus()
    expect(row(page, "e2").get_by_role("button", name="Edit this")).to_have_count(0)
    row(page, "e3").focus()
    row(page, "e3").get_by_role("button", name="Edit this").click()
    expect(box).to_have_value("Haal ik mijn aansluiting in Londen?")
    box.press("Escape")
    expect(box).to_have_value("half a sentence")
    row(page, "e3").get_by_role("button", name="Edit this").click()
    box.fill("Haal ik de trein in Londen?")
    box.press("Enter")
    assert until_said(stage) == {"edit": {"bubble": "e3", "text": "Haal ik de trein in Londen?"}, "page_id": AIR[0]}
    expect(box).to_have_value("half a sentence")
    known = stage.handsets[0]["threads"][1]["bubbles"][2]
    edited = {**known, "body": "Haal ik de trein in Londen?", "edited": 1, "history": [known["body"]]}
    stage.send_bubbles(stage.handsets[0], edited, thread=1)
    expect(row(page, "e3").locator(".body")).to_have_text("Haal ik de trein in Londen?")
    expect(row(page, "e3").locator(".edited")).to_have_text("edited")


def test_both_sides_reactions_stand_on_the_bubble(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    expect(row(page, "e3").locator(".reaction")).to_have_text(" The Page reacted: ❤")
    expect(row(page, "n3").locator(".reaction")).to_have_text("You reacted: ❤️")
    row(page, "e4").focus()
    row(page, "e4").get_by_role("button", name="React", exact=True).click()
    row(page, "e4").get_by_role("button", name="React with 🙏").click()
    assert until_said(stage) == {"reaction": {"bubble": "e4", "emoji": "🙏"}, "page_id": AIR[0]}


@pytest.mark.parametrize(("name", "mime", "key"), [("bike.png", "image/png", "image"), ("form.pdf", "application/pdf", "file")])
def test_a_file_is_sent_as_what_it_is(stage: Stage, visit: Opener, name: str, mime: str, key: str) -> None:
    page = visit(f"{stage.url}/phones")
    eva = phone(page, "Eva")
    with page.expect_file_chooser() as choosing:
        eva.get_by_role("button", name="More: a file, a link").click()
        expect(eva.get_by_role("button", name="Send a file")).to_be_focused()
        page.keyboard.press("Enter")
    choosing.value.set_files({"name": name, "mimeType": mime, "buffer": b"seventeen letters"})
    body = until_said(stage)
    assert body == {key: {"mime": mime, "data": "c2V2ZW50ZWVuIGxldHRlcnM=", "filename": name}, "page_id": AIR[0]}
    expect(eva.get_by_role("button", name="Send a file")).to_be_hidden()


def test_a_link_that_is_pasted_opens_its_chat_with_what_is_prefilled(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    noor = phone(page, "Noor")
    noor.get_by_role("button", name="More: a file, a link").click()
    noor.get_by_role("button", name="Open a link").click()
    address = noor.get_by_role("textbox", name="Link to a chat")
    address.fill("https://example.com/zilverair")
    address.press("Enter")
    expect(noor.locator(".wrong")).to_have_text("That is no m.me or wa.me address.")
    link = "https://m.me/ZilverAir?ref=zz1007&text=Hallo"
    stage.links[link] = {"bubble": None, "composer": "Hallo"}
    stage.handsets[2]["threads"].append(phones_pages_day.chat(*AIR, []))
    address.fill(link.removeprefix("https://"))
    address.press("Enter")
    expect(noor.get_by_role("heading", level=3)).to_have_text("Zilver Air")
    expect(noor.get_by_role("textbox")).to_have_value("Hallo")
    assert said(stage) == [{"link": link}]


def test_a_link_in_a_bubble_opens_the_chat_on_this_phone_and_no_other_window(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    eva = phone(page, "Eva")
    eva.get_by_role("button", name="WhatsApp: Zilver Air").click()
    row(page, "w1").get_by_role("link").click()
    expect(eva.locator(".chat-head")).to_contain_text("Messenger · @zilverair")
    assert until_said(stage) == {"link": "https://m.me/zilverair?ref=zz1007"}
    assert len(page.context.pages) == 1


def test_a_link_that_leads_nowhere_is_said_at_the_phone(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    stage.refuse = (400, {"detail": "this link names none of the account's Pages"})
    phone(page, "Eva").get_by_role("button", name="WhatsApp: Zilver Air").click()
    row(page, "w1").get_by_role("link").click()
    expect(phone(page, "Eva").get_by_role("alert").first).to_have_text("this link names none of the account's Pages")


def test_the_pages_menu_is_a_sheet_of_rows(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    eva = phone(page, "Eva")
    eva.get_by_role("button", name="More: a file, a link").click()
    eva.get_by_role("button", name="Menu").click()
    dialog = page.get_by_role("dialog", name="Menu")
    expect(dialog.get_by_role("button", name="Website")).to_be_visible()
    dialog.get_by_role("button", name="Mijn vlucht").click()
    assert until_said(stage) == {"menu": {"index": 0}, "page_id": AIR[0]}
    expect(dialog).to_have_count(0)


def test_who_types_is_named_and_a_chat_that_staff_took_says_so_at_once(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    eva = stage.handsets[0]
    thread = {key: value for key, value in eva["threads"][1].items() if key != "bubbles"}
    event = {"address": eva["address"], "bubbles": [], "handset": None}
    stage.send("handset", {**event, "threads": [{**thread, "typing": {"persona": {"name": "Fleur", "picture": None}}}]})
    expect(phone(page, "Eva").locator(".is-typing")).to_have_text("Fleur is typing")
    stage.send("handset", {**event, "threads": [{**thread, "typing": None, "holder": "assistant"}]})
    expect(phone(page, "Eva").locator(".chat-head .held")).to_have_text("Messenger · Meta answers")


def test_a_chat_never_met_before_comes_with_its_name(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    noor = stage.handsets[2]
    made = phones_pages_day.chat(*AIR, [])
    noor["threads"].append(made)
    hello = {**phones_day.bubble("a1", "09:01", "Welkom bij Zilver Air."), "channel": "messenger", "sender_id": AIR[0]}
    about = {key: value for key, value in made.items() if key != "bubbles"}
    stage.send("handset", {"address": noor["address"], "bubbles": [hello], "threads": [about], "handset": None})
    expect(phone(page, "Noor").get_by_role("heading", level=3)).to_have_text("Zilver Air")
    expect(row(page, "a1")).to_be_visible()


def test_the_pages_panel_tells_each_switch_and_flips_the_region(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    page.get_by_role("button", name="Pages", exact=True).click()
    panel = page.get_by_role("region", name="Pages on Messenger")
    cards = panel.get_by_role("article")
    expect(cards.nth(0)).to_contain_text("approved, 7 days")
    expect(cards.nth(0)).to_contain_text("us 2")
    expect(cards.nth(2)).to_contain_text("not approved")
    expect(cards.nth(2)).to_contain_text("us 1, staff 1 (Noor, no power)")
    expect(cards.nth(2).locator(".bad")).to_have_text("Webhooksoff")
    region = cards.nth(0).get_by_role("switch", name="Utility templates allowed here")
    expect(region).to_be_checked()
    expect(cards.nth(1).get_by_role("switch")).not_to_be_checked()
    region.focus()
    page.keyboard.press("Space")
    expect(region).not_to_be_checked()
    assert stage.posts[-1] == (f"/sandbox/pages/{AIR[0]}", {"utility": False})
    expect(region).to_be_focused()
    stage.pages[0]["restricted"] = True
    stage.send("page", stage.pages[0])
    expect(cards.nth(0)).to_contain_text("yes, nothing may be sent")
    stage.refuse = (409, {"detail": "not now"})
    region.click()
    expect(panel.get_by_role("alert")).to_have_text("not now")
    expect(region).not_to_be_checked()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_without_pages_there_is_no_button_for_them(stage: Stage, visit: Opener) -> None:
    stage.pages = []
    page = visit(f"{stage.url}/phones")
    expect(page.locator(".pages-button")).to_be_hidden()
    stage.pages = phones_pages_day.pages()
    stage.send("page", {"id": AIR[0]})
    expect(page.locator(".pages-button")).to_be_visible()


@pytest.mark.parametrize("width", [MOBILE[0], 320])
def test_nothing_of_a_chat_with_a_page_runs_over_a_narrow_screen(stage: Stage, visit: Opener, width: int) -> None:
    endless = "Boekingscode" * 40 + " https://m.me/" + "x" * 200
    long = phones_day.bubble("long", "09:03", endless, buttons=[phones_pages_day.tap(0, "EenHeelLangeKnop" * 3)],
                             persona={"name": "Persoonlijk" * 12, "picture": None},
                             quick_replies=[phones_pages_day.quick(n, f"Antwoord nummer {n}") for n in range(13)])  # fmt: skip
    stage.send_bubbles(stage.handsets[0], long, thread=1)
    page = visit(f"{stage.url}/phones", (width, 740))
    page.locator(".plus:visible").click()
    for name in ("Eva", "Tom", "Noor", "Daan"):
        page.get_by_role("tab", name=name).click()
        assert runs_over(page) == 0
        assert page.locator(".log:visible").evaluate("node => node.scrollWidth <= node.clientWidth")
        assert page.locator(".composer:visible").evaluate("node => node.scrollWidth <= node.clientWidth")
    page.get_by_role("button", name="Pages", exact=True).click()
    box = page.locator(".pages").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert runs_over(page) == 0


def test_every_button_and_picture_of_a_chat_with_a_page_has_a_name(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    page.get_by_role("button", name="Pages", exact=True).click()
    nameless = page.locator("button, a[href], input, textarea, [role=switch], [role=group], img:not([alt=''])").evaluate_all(
        "nodes => nodes.filter((node) => !(node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') || node.alt "
        "|| node.innerText.trim() || node.textContent.trim())).map((node) => node.outerHTML)"
    )
    assert nameless == []
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids))
