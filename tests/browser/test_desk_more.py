"""What an agent does with many at once and with what went wrong, in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from gateway.model.conversation import Agent, ConversationState
from gateway.model.ids import new_address_id
from tests.browser.desk_stage import PAGE_SENDER, Person, Stage
from tests.browser.test_desk_page import MINUTE, ann, leader, live, mila, opened, sign_in, stage, taken

__all__ = ["ann", "mila", "sign_in", "stage"]


@pytest.fixture
def crowd(stage: Stage, mila: Person) -> list[Person]:
    """Mila and two more on her flight, who wait."""
    others = [stage.person(name, f"+44770090020{at}", order=f"ZY{at}K2P") for at, name in enumerate(("Jo Park", "Sam Reed"))]
    for at, one in enumerate(others):
        stage.says(one, f"Does ZZ 1007 still leave today? {at}", ago_ms=(at + 1) * MINUTE)
    return [mila, *others]


def test_one_answer_to_several_on_a_flight_is_seen_for_each_before_it_goes(
    stage: Stage, ann: Agent, crowd: list[Person], sign_in: Callable[..., Page]
) -> None:
    page = opened(sign_in, crowd[0])
    leader(page, "a")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("select[name=subject]")).to_contain_text("Flight booking (3)")
    expect(dialog.locator(".several-one")).to_have_count(3)
    dialog.get_by_label("Sam").uncheck()
    dialog.get_by_label("Answer in English").fill("Hi {first_name}, yes: 18:40.")
    dialog.get_by_role("button", name="See each").click()
    rows = dialog.locator("#several-list li")
    expect(rows.nth(0)).to_contain_text("there are no words in their language")
    dialog.get_by_role("button", name="Change it").click()
    dialog.get_by_label("Answer in Dutch").fill("Hoi {first_name}, ja: 18:40.")
    dialog.get_by_role("button", name="See each").click()
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Hoi Mila, ja: 18:40.")
    expect(rows.nth(1)).to_contain_text("Hi Jo, yes: 18:40.")
    assert [stage.messages(one) for one in crowd] == [[], [], []]
    page.keyboard.press("Enter")  # the button has the focus
    expect(dialog.locator("#several-done")).to_have_text("2 of 2 sent")
    dialog.get_by_role("button", name="Close").click()
    assert [len(stage.messages(one)) for one in crowd] == [1, 1, 0]
    expect(page.locator("#lines .out")).to_contain_text("Hoi Mila, ja: 18:40.")
    expect(page.locator("#queue .row")).to_have_count(1)
    states = [stage.call(stage.conversations.get(one.conversation)).state for one in crowd]
    assert states == [ConversationState.RESOLVED, ConversationState.RESOLVED, ConversationState.QUEUED]


@pytest.mark.long
def test_what_did_not_arrive_goes_in_other_words_or_is_answered_on_another_channel(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    also = Person(mila.contact, new_address_id(mila.contact), "Mila", PAGE_SENDER)
    also.said = 100
    stage.says(also, "I am here too")
    page = taken(sign_in, mila)
    page.fill("#reply-text", "All of it in one long sentence")
    page.get_by_role("button", name="Send").click()
    first, last = page.locator(".line.out").first, page.locator(".line.out").last
    expect(first).to_be_visible()
    stage.dispatch(mila, "x", reason="cannot_render")
    first.get_by_role("button", name="Other words or file").click()
    expect(page.locator("#instead")).to_contain_text("All of it in one long sentence")
    expect(page.locator("#reply-text")).to_be_focused()
    page.fill("#reply-text", "In short: yes")
    known = json.dumps({"prices": {stage.messages(mila)[0]: "EUR 0.0248"}})
    page.route("**/prices?lang=*", lambda route: route.fulfill(body=known, content_type="application/json"))
    page.reload()
    live(page)
    expect(first.locator(".price")).to_have_text("EUR 0.0248")
    expect(page.locator("#instead")).to_be_visible()  # the draft knows what it stands for
    page.get_by_role("button", name="Send", exact=True).click()
    expect(first).to_contain_text("sent again, see below")
    expect(page.locator("#instead")).to_be_hidden()
    stage.dispatch(mila, "x", reason="unreachable")
    expect(last).to_contain_text("In short: yes")
    expect(first.locator(".price")).to_have_text("EUR 0.0248")  # drawn anew it has it still
    last.get_by_role("button", name="Answer on Messenger").click()
    live(page)
    expect(page.locator(".head")).to_contain_text("Messenger")
    expect(page.locator("#reply-text")).to_have_value("In short: yes")
    assert len(stage.messages(mila)) == 2
    assert stage.messages(also) == [], "nothing goes by itself"


@pytest.mark.long
def test_the_palette_finds_what_is_said_often_and_before_and_a_macro_does_what_follows(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    hit = {"conversation": mila.conversation, "queue": "general", "outside": False, "at_ms": 1_772_582_400_000, "kind": "in",
           "author": "", "text": "a red umbrella"}  # fmt: skip
    asked: list[str] = []

    def found(route: Route) -> None:
        asked.append(route.request.post_data or "")
        route.fulfill(body=json.dumps({"hits": [hit], "after": None}), content_type="application/json")

    page.route("**/desk/search", found)
    page.locator("#reply-text").press_sequentially("Hi! ")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    page.keyboard.type("you: ")  # the caret is where it was
    page.keyboard.press("Control+k")
    page.keyboard.type("looking")
    page.get_by_role("option", name="/ ", exact=False).first.click()
    expect(page.locator("#reply-text")).to_have_value("Hi! you: Ik zoek het voor je uit en kom er hier op terug. Ann")
    assert stage.messages(mila) == [], "it is the agent's own words, to be changed and sent by them"
    page.locator("#reply-text").fill("")
    page.keyboard.type("/solved")
    page.keyboard.press("Enter")
    expect(page.locator("#follows")).to_contain_text("finish")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".head")).to_have_attribute("data-state", "resolved")
    assert len(stage.messages(mila)) == 1
    page.keyboard.press("Control+k")
    page.keyboard.type("red umbrella")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".search-hit")).to_contain_text("a red umbrella")
    expect(dialog).to_contain_text("1 found")
    assert [json.loads(one) for one in asked] == [{"text": "red umbrella", "brand": "zz"}]
    dialog.locator(".search-hit").click()
    live(page)
    expect(page.locator(".head")).to_contain_text("Mila")


def test_an_answer_of_ones_own_is_kept_in_the_desk_and_stands_marked_before_the_houses(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = opened(sign_in, mila)
    page.keyboard.press("Control+k")
    page.keyboard.type("my canned")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("At the counter")
    dialog.get_by_label("English").fill("Dear {first_name}, go to {desk}.")
    dialog.get_by_role("button", name="Keep").click()
    expect(dialog.locator(".said")).to_contain_text("Desk cannot be filled in")
    dialog.get_by_label("English").fill("Dear {first_name}, go to the counter. {agent}")
    dialog.get_by_role("button", name="Keep").click()
    expect(dialog.locator("#own-canned-done")).to_have_text("Kept.")
    expect(dialog.get_by_label("Which one").locator("option")).to_have_count(2)
    dialog.get_by_role("button", name="Close").click()
    page.locator("#reply-text").focus()
    page.keyboard.type("/counter")
    row = page.locator("#canned [role=option]")
    expect(row).to_have_count(1)
    expect(row.locator(".mark")).to_have_text("own")
    page.keyboard.press("Enter")
    expect(page.locator("#reply-text")).to_have_value(re.compile(r"^Dear Mila, go to the counter\. Ann$"))
