"""What an agent does with many at once and with what went wrong, in a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from gateway.model.conversation import Agent, ConversationState
from tests.browser.desk_stage import Person, Stage
from tests.browser.test_desk_page import MINUTE, ann, leader, mila, opened, sign_in, stage

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
