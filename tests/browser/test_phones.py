"""The /phones page as a person meets it: what it shows of the contract, and what it does with keys and buttons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import phones_day as day
from tests.browser.phones_browser import MOBILE, Opener, runs_over
from tests.browser.phones_stage import Stage
from tests.support.waiting import wait_until_sync

Json = dict[str, Any]


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage(day.day(), day.story(), day.NOW_MS).start()
    yield made
    made.stop()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Opener]:
    opener = Opener(browser)
    yield opener
    opener.close()
    assert opener.complaints == []


def phone(page: Page, name: str) -> Locator:
    return page.locator(".phone").filter(has=page.get_by_role("heading", name=name, level=2))


def row(page: Page, bubble_id: str) -> Locator:
    return page.locator(f'[data-bubble="{bubble_id}"]')


def said(stage: Stage) -> list[Json]:
    return [body for path, body in stage.posts if path.endswith("/say")]


def until_said(stage: Stage) -> Json:
    """The last thing said, once something was."""
    wait_until_sync(lambda: said(stage))
    return said(stage)[-1]


def test_five_phones_stand_side_by_side_at_1440_pixels(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    expect(page.locator(".phone:visible")).to_have_count(5)
    last = page.locator(".phone").last.bounding_box()
    assert last is not None
    assert last["x"] + last["width"] <= 1440
    assert runs_over(page) == 0


def test_a_sixth_phone_scrolls_inside_the_stage_and_not_the_page(stage: Stage, visit: Opener) -> None:
    stage.handsets.append(day.handset("six", "Sixth", "447700900106", "en", "UTC", []))
    page = visit(f"{stage.url}/phones")
    expect(page.locator(".phone")).to_have_count(6)
    assert runs_over(page) == 0
    assert page.locator(".stage").evaluate("node => node.scrollWidth > node.clientWidth")


@pytest.mark.parametrize("width", [390, 320])
def test_a_narrow_screen_shows_one_phone_with_tabs_and_never_scrolls_sideways(
    stage: Stage, visit: Opener, width: int
) -> None:
    endless = "Boekingscode" * 40 + " https://air.example.com/" + "x" * 200
    stage.send_bubbles(stage.handsets[0], day.bubble("long", "09:03", endless))
    page = visit(f"{stage.url}/phones", (width, 740))
    expect(page.locator(".phone:visible")).to_have_count(1)
    assert runs_over(page) == 0
    page.get_by_role("tab", name="Mila").click()
    expect(page.locator(".phone:visible").get_by_role("heading", level=2)).to_have_text("Mila, commuter")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Yusuf")).to_have_attribute("aria-selected", "true")
    assert runs_over(page) == 0
    for log in page.locator(".log:visible").all():
        assert log.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_a_tab_counts_what_came_to_a_phone_out_of_sight(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones", MOBILE)
    stage.send_bubbles(stage.handsets[2], day.bubble("m9", "09:05", "Boarding on platform 7."))
    expect(page.get_by_role("tab", name="Mila")).to_have_text("Mila1 new")
    page.get_by_role("tab", name="Mila").click()
    expect(page.get_by_role("tab", name="Mila")).to_have_text("Mila")
    expect(row(page, "m9")).to_be_visible()


def test_one_phone_alone_has_no_story_and_no_other_phones(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones/mila", MOBILE)
    expect(page.locator(".phone")).to_have_count(1)
    expect(page.locator(".story")).to_be_hidden()
    expect(page).to_have_title("Mila, commuter · Thuisfront")
    assert runs_over(page) == 0


def test_a_phone_that_does_not_exist_is_said_and_appears_when_it_does(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones/nobody", ready="")
    expect(page.locator(".empty")).to_contain_text("no phone called “nobody”")
    made = day.handset("nobody", "Nobody", "447700900107", "en", "UTC", [{**day.AIR, "bubbles": []}])
    stage.handsets.append(made)
    stage.send_bubbles(made, day.bubble("n1", "09:06", "Hello"))
    expect(row(page, "n1")).to_be_visible()


def test_the_small_print_says_how_far_as_what_and_why(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    page.context.grant_permissions(["clipboard-write"])  # a window in front has it; without windows it is asked for
    delayed = row(page, "s2")
    expect(delayed.locator(".ticks")).to_have_text("read")
    expect(delayed.locator(".origin")).to_have_text("template flight_delayed (nl)")
    expect(row(page, "s7").locator(".caption")).to_contain_text("delivered")
    expect(row(page, "s7").locator(".origin")).to_have_text("free text")
    expect(row(page, "y5").locator(".ticks")).to_contain_text("failed")
    expect(row(page, "y5").locator(".ticks")).to_contain_text("Message undeliverable (131026)")
    unsent = row(page, "s6")
    expect(unsent).to_contain_text("not sent: replaced by a newer one")
    assert unsent.locator(".bubble").evaluate("node => getComputedStyle(node).borderStyle") == "dashed"
    command = delayed.get_by_text("python main.py trace 03-7f2c9a1e")
    expect(command).to_be_hidden()
    delayed.get_by_text("ZZ1007 is 45 minutes late, and Sanne is on it.").click()
    expect(command).to_be_visible()
    expect(delayed.get_by_text("consent: journey, given with the booking")).to_be_visible()
    delayed.get_by_role("button", name="Copy the trace command").click()
    expect(delayed.locator(".copy")).to_have_text("copied")


def test_a_tick_that_turns_leaves_the_open_details_and_the_focus_alone(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    newest = row(page, "s7")
    newest.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(newest.get_by_text("python main.py trace 03-91c0b31f")).to_be_visible()
    sanne = stage.handsets[0]
    stage.send_bubbles(sanne, {**sanne["threads"][0]["bubbles"][-1], "ticks": "read"})
    expect(newest.locator(".ticks")).to_have_text("read")
    expect(newest.get_by_text("python main.py trace 03-91c0b31f")).to_be_visible()
    expect(newest.locator("summary")).to_be_focused()


def test_documents_pictures_places_quotes_and_reactions_are_shown(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    ticket = row(page, "s1").get_by_role("link", name="ticket-ZX7K2P.pdf")
    expect(ticket).to_contain_text("PDF document")
    expect(ticket).to_have_attribute("href", f"{stage.url}/sandbox/media/9001")
    expect(ticket).to_have_attribute("target", "_blank")
    assert row(page, "f2").locator("img").evaluate("node => node.decode().then(() => node.naturalWidth > 0)")
    expect(row(page, "f2").locator(".reaction")).to_contain_text("❤")
    expect(row(page, "m4").locator(".place")).to_contain_text("Utrecht Centraal, platform 5")
    expect(row(page, "f5").locator(".quote")).to_contain_text("where is it?")
    expect(row(page, "f5").get_by_role("link", name="Follow the flight")).to_have_attribute("target", "_blank")
    expect(row(page, "s1").locator("strong")).to_have_text("Londen")


def test_days_and_times_are_those_of_the_handset(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    expect(phone(page, "Noor").locator(".about")).to_have_text("13:04 Dubai · English")
    expect(row(page, "f5").locator("time")).to_have_text("12:52")
    # 20:02 UTC is four minutes past midnight in Dubai: already the next day there.
    expect(phone(page, "Noor").locator(".day")).to_have_text(["today"])
    expect(phone(page, "Sanne").locator(".day")).to_have_text(["maandag 2 november", "vandaag"])
    stage.send("clock", {"offset_ms": 0, "now_ms": day.at("21:10")})
    expect(phone(page, "Noor").locator(".about")).to_have_text("01:10 Dubai · English")
    expect(phone(page, "Noor").locator(".day")).to_have_text(["yesterday"])


def test_bubbles_stand_in_the_order_of_their_time_however_they_come(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    late = day.bubble("late", "08:39", "Told late, happened earlier")
    stage.send_bubbles(stage.handsets[0], day.bubble("last", "09:02", "Newest"), late)
    expect(row(page, "late")).to_be_visible()
    ids = phone(page, "Sanne").locator(".row").evaluate_all("nodes => nodes.map((node) => node.dataset.bubble)")
    assert ids == ["s1", "s2", "s3", "s4", "s5", "late", "s6", "s7", "last"]


def test_markup_in_a_message_stays_letters(stage: Stage, visit: Opener) -> None:
    nasty = '<img src=x onerror="document.title=1"><b>bold</b>\n<script>alert(1)</script> & &amp;'
    bad = day.bubble(
        "x1", "09:03", nasty, footer=nasty, **day.template("<i>name</i>", "<u>nl</u>"), why=day.why(nasty, nasty, trace=nasty),
        header={"type": "document", "url": "javascript:alert(1)", "filename": "<i>evil</i>.pdf", "mime": "a/b"},
        buttons=[{"index": 0, "type": "url", "text": nasty, "url": "javascript:alert(1)"}, day.reply(1, nasty)],
    )  # fmt: skip
    stage.send_bubbles(stage.handsets[0], bad)
    page = visit(f"{stage.url}/phones")
    assert row(page, "x1").locator(".body").evaluate("node => node.textContent") == nasty
    expect(row(page, "x1").locator(".card-title")).to_have_text("<i>evil</i>.pdf")
    expect(row(page, "x1").locator(".origin")).to_contain_text("template <i>name</i>")
    assert row(page, "x1").locator("img, script, b:not(.origin b), [href^=javascript]").count() == 0
    assert page.title() == "One day in November · Thuisfront"


def test_the_keyboard_alone_answers_a_message_with_a_quote(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    log = phone(page, "Noor").get_by_role("log")
    log.focus()
    page.keyboard.press("ArrowUp")
    expect(row(page, "f5")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(row(page, "f4")).to_be_focused()
    page.keyboard.press("End")
    tool = row(page, "f5").get_by_role("button", name="Reply to this")
    for _ in range(6):
        page.keyboard.press("Tab")
        if tool.evaluate("node => node === document.activeElement"):
            break
    expect(tool).to_be_focused()
    page.keyboard.press("Enter")
    box = phone(page, "Noor").get_by_role("textbox")
    expect(box).to_be_focused()
    page.keyboard.type("and when does it land?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    assert until_said(stage) == {
        "text": "and when does it land?\nsecond line", "reply_to": "f5", "phone_number_id": day.AIR["phone_number_id"],
    }  # fmt: skip
    expect(box).to_have_value("")
    expect(row(page, "f6")).to_have_count(0)  # nothing is shown before it comes back
    stage.send_bubbles(stage.handsets[1], day.bubble("f6", "09:05", "and when does it land?", kind="sent", reply_to="f5"))
    expect(row(page, "f6").locator(".quote")).to_contain_text("Still at the gate")


def test_a_quick_reply_says_its_bubble_and_index_and_is_marked_when_it_came_back(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    row(page, "y2").get_by_role("button", name="Ik bel liever").click()
    assert until_said(stage) == {"button": {"bubble": "y2", "index": 1}, "phone_number_id": day.GRID["phone_number_id"]}
    assert stage.posts[-1][0] == "/sandbox/handsets/447700900104/say"
    expect(row(page, "y2").locator(".chosen")).to_have_count(0)
    stage.send_bubbles(stage.handsets[3], day.bubble("y6", "09:05", "Ik bel liever", kind="sent", reply_to="y2"))
    expect(row(page, "y2").locator(".chosen")).to_contain_text("Ik bel liever")


def test_a_row_of_a_list_is_counted_through_all_sections(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    row(page, "m2").get_by_role("button", name="See other trains").click()
    dialog = page.get_by_role("dialog", name="See other trains")
    expect(dialog).to_contain_text("Change in Tiel, arrives 10:31")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(row(page, "m2").get_by_role("button", name="See other trains")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="09:18, platform 5")).to_be_focused()
    dialog.get_by_role("button", name="09:09, platform 2").click()
    assert until_said(stage)["button"] == {"bubble": "m2", "index": 2}
    expect(dialog).to_have_count(0)


def test_a_reaction_is_posted_and_pressing_it_again_takes_it_back(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    row(page, "f5").focus()
    row(page, "f5").get_by_role("button", name="React", exact=True).click()
    row(page, "f5").get_by_role("button", name="React with 👍").click()
    assert until_said(stage)["reaction"] == {"bubble": "f5", "emoji": "👍"}
    known = stage.handsets[1]["threads"][0]["bubbles"]
    own = day.bubble("f7", "09:05", "👍", kind="sent", type="reaction", reply_to="f5")
    stage.send_bubbles(stage.handsets[1], {**known[-1], "reaction": "👍"}, own)
    expect(row(page, "f5").locator(".reaction")).to_contain_text("👍")
    expect(row(page, "f7")).to_have_count(0)  # it stands on its bubble, not also below
    row(page, "f5").get_by_role("button", name="React", exact=True).click()
    row(page, "f5").get_by_role("button", name="React with 👍").click()
    wait_until_sync(lambda: len(said(stage)) == 2)
    assert said(stage)[-1]["reaction"] == {"bubble": "f5", "emoji": ""}


def test_a_refusal_is_said_in_words_at_that_phone_and_the_text_is_kept(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    stage.refuse = (409, {"title": "Conflict", "status": 409, "detail": "the phone is off"})
    box = phone(page, "Mila").get_by_role("textbox")
    box.fill("Hello?")
    box.press("Enter")
    expect(phone(page, "Mila").get_by_role("alert")).to_have_text("the phone is off")
    expect(phone(page, "Sanne").get_by_role("alert")).to_be_empty()
    expect(box).to_have_value("Hello?")
    stage.refuse = None
    box.press("Enter")
    expect(phone(page, "Mila").get_by_role("alert")).to_be_empty()
    assert until_said(stage)["text"] == "Hello?"


def test_a_phone_is_switched_off_and_says_so(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    phone(page, "Sanne").get_by_role("button", name="online").click()
    wait_until_sync(lambda: stage.posts)
    assert stage.posts[-1] == ("/sandbox/handsets/447700900101/state", {"online": False})
    expect(phone(page, "Sanne").get_by_role("button", name="phone off")).to_be_visible()


def test_only_the_phone_at_work_speaks_to_a_screen_reader(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    spoken: Callable[[], list[str]] = lambda: page.get_by_role("log").evaluate_all(  # noqa: E731
        "nodes => nodes.map((node) => node.getAttribute('aria-live'))"
    )
    assert spoken() == ["polite", "off", "off", "off", "off"]
    phone(page, "Mila").get_by_role("textbox").focus()
    assert spoken() == ["off", "off", "polite", "off", "off"]


def test_the_conversation_with_news_comes_forward_unless_somebody_is_typing(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    yusuf = phone(page, "Yusuf")
    stage.send_bubbles(stage.handsets[3], day.bubble("yb", "09:05", "Inchecken kan nu."), thread=1)
    expect(yusuf.get_by_role("heading", level=3)).to_have_text("Zilver Air")
    yusuf.get_by_role("textbox").fill("half a sentence")
    stage.send_bubbles(stage.handsets[3], day.bubble("y9", "09:06", "Nog een bericht."))
    expect(yusuf.get_by_role("button", name="Stroomnet")).to_have_text("Stroomnet1")
    expect(yusuf.get_by_role("heading", level=3)).to_have_text("Zilver Air")
    yusuf.get_by_role("button", name="Stroomnet").click()
    expect(row(page, "y9")).to_be_visible()
