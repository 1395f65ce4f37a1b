"""Who a customer is, at the desk in a browser: asked by keys, seen as it changes, and the page that the customer opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from gateway.model.conversation import Agent, AgentId
from gateway.model.identity import Proving, Way
from gateway.model.personal import Personal
from gateway.store.conversations import Command
from gateway.webhooks import identity_page
from tests.browser.desk_stage import Person, Stage
from tests.browser.test_desk_page import ann, leader, mila, sign_in, taken

__all__ = ["ann", "mila", "sign_in"]


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage(proving=Proving(frozenset({Way.LOGIN}), "https://zz.example"))
    yield stage
    stage.close()


@pytest.mark.long
def test_a_customer_is_asked_by_keys_and_the_card_follows_what_came_of_it(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    who = page.locator("#card .identity")
    expect(who).to_contain_text("Not verified")
    expect(page.locator("#card")).not_to_contain_text("ZX7K2P")
    leader(page, "v")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("For what").select_option("cancel")
    dialog.get_by_role("button", name="Send the link").click()
    expect(who).to_contain_text("The link was sent")
    line = page.locator(".line.out .text")
    expect(line).to_contain_text("https://zz.example/k/••••")
    one = stage.call(stage.conversations.get(mila.conversation))
    said = stage.call(stage.conversations.thread(one))[-1].text.reveal()
    token = said.partition("/k/")[2][:34]
    stage.call(stage.conversations.prove_login(one, token, theirs=True))
    expect(who).to_contain_text("by signing in to their account")
    expect(who).to_contain_text("May be done once: cancel")
    expect(page.locator("#card")).to_contain_text("ZX7K2P")
    assert [found["id"] for found in Axe().run(page).response["violations"]] == []
    who.get_by_role("button", name="Done").click()
    expect(who).not_to_contain_text("May be done once")
    expect(who).to_contain_text("Verified")
    epoch = stage.call(stage.conversations.get(mila.conversation)).epoch
    stage.call(stage.conversations.unset_identity(Command(mila.conversation, AgentId("sue"), epoch, "u"), Personal("not them")))
    expect(page.locator("#card")).not_to_contain_text("ZX7K2P")


@pytest.mark.long
def test_the_customers_page_is_read_by_everybody_at_320_pixels(browser: Browser, tmp_path: Path) -> None:
    states = [
        identity_page.asking("nl", "Polderwind", "", "/k/07", login=True, code=True, sent=False),
        identity_page.asking("de", "Polderwind", "", "/k/07", login=True, code=True, sent=True, said="wrong", left=3),
        identity_page.closing("fr", "Polderwind", "", "/k/07", "done"),
    ]
    for scheme in ("light", "dark"):
        page = browser.new_context(viewport={"width": 320, "height": 700}, color_scheme=scheme).new_page()
        for text in states:
            page.set_content(text)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
            assert [found["id"] for found in Axe().run(page).response["violations"]] == []
            for button in page.locator(".go, button, nav a").all():
                box = button.bounding_box()
                assert box is not None
                assert box["height"] >= 24
