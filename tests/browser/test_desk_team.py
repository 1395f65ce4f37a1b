"""The desk of a team, in a browser: status, what one was given, park, finish with a reason, pass on, consult, lock, accents."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from gateway.model.conversation import Agent, ConversationState
from gateway.model.webcare import AgentStatus, Assignment, DeskPlan, Figures, Reason
from gateway.rules.reasons import hides_proposals
from gateway.store.conversation_commands import Terms
from tests.browser.desk_stage import PASSWORD, Person, Stage
from tests.browser.test_desk_page import CONTRASTS, ann, leader, live, mila, opened, sign_in, taken
from tests.support.waiting import wait_until_sync

__all__ = ["ann", "mila", "sign_in"]

REASONS = (
    Reason("delay", "travel", {"en": "Delay", "nl": "Vertraging"}, "del"),
    Reason("refund", "money", {"en": "Refund", "nl": "Geld terug"}, "ref", {"en": ("my seat",)}),
)


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A house in which the router gives, and reasons are asked for."""
    stage = Stage(Terms(figures=lambda brand: Figures(), push=lambda: True), replace(DeskPlan.plain(), reasons=REASONS))
    yield stage
    stage.close()


def state(stage: Stage, person: Person) -> ConversationState:
    return stage.call(stage.conversations.get(person.conversation)).state


def chosen(stage: Stage, agent: Agent, status: AgentStatus) -> None:
    assert stage.deps.presence is not None
    stage.call(stage.deps.presence.choose(agent.id, status))


@pytest.mark.long
def test_a_day_from_status_to_reason_with_a_pause_between(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    tom = stage.agent("tom@example.org", "Tom Vale")
    page = sign_in()
    status = page.locator(".pick.status")
    expect(status).to_have_attribute("data-status", "available")  # signing in says so, unless it was unticked
    page.locator("#status").select_option("busy")
    expect(status).to_have_attribute("data-status", "busy")
    page.locator("#status").select_option("available")
    expect(status).to_have_attribute("data-status", "available")
    found = stage.call(stage.conversations.get(mila.conversation))
    given = Assignment(found.id, ann.id, found.epoch, 2)
    assert stage.call(stage.conversations.give([given])) == ["given"]
    row = page.locator("#mine .row")
    expect(row).to_contain_text("New")
    expect(row.locator(".open-by")).to_contain_text("open within")
    expect(page.locator("#live-count")).to_have_text("Live 1/2")
    row.click()
    live(page)
    expect(page.locator(".head")).to_have_attribute("data-state", "active")
    page.fill("#reply-text", "not sent yet")

    page.get_by_role("button", name="Park", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Park").click()
    expect(page.locator("#parked .row")).to_have_count(1)
    expect(page.locator("#reply-text")).to_have_value("not sent yet")
    page.get_by_role("button", name="Go on with it").click()
    expect(page.locator(".head")).to_have_attribute("data-state", "active")

    leader(page, "t")
    page.get_by_role("button", name="Ask a colleague").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Ask").click()
    expect(dialog).to_be_visible()  # a note is asked for
    dialog.get_by_label("Note").fill("Which form is it?")
    dialog.get_by_role("button", name="Ask").click()
    expect(page.locator(".line.note")).to_contain_text("Which form is it?")
    assert stage.call(stage.conversations.get(mila.conversation)).owner == ann.id
    expect(dialog).to_have_count(0)  # its line may come before its answer

    leader(page, "e")
    expect(page.get_by_role("dialog")).to_contain_text("Why did they write?")
    expect(page.locator("#reasons [aria-selected=true]")).to_have_count(0)  # nothing is chosen for them
    if not hides_proposals(mila.conversation):
        page.get_by_role("button", name="Refund").click()
        expect(page.locator("#reasons [aria-selected=true]")).to_contain_text("Refund")
        page.locator("[name=find]").fill("")
    page.keyboard.type("ref")
    expect(page.locator("#reasons [aria-selected=true]")).to_contain_text("Refund")
    page.keyboard.press("Enter")
    expect(page.locator(".head")).to_have_attribute("data-state", "resolved")
    assert stage.call(stage.conversations.get(mila.conversation)).reason == "refund"
    assert tom.id


def test_passing_on_asks_for_a_note_and_a_colleague_takes_over_or_not(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    tom = stage.agent("tom@example.org", "Tom Vale")
    page = taken(sign_in, mila)
    chosen(stage, ann, AgentStatus.AVAILABLE)
    page.locator("#more summary").click()
    page.get_by_role("button", name="To a colleague").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note").fill("You know this form.")
    dialog.get_by_role("button", name="Ask").click()
    expect(dialog).to_have_count(0)
    assert stage.call(stage.conversations.get(mila.conversation)).offered_to == tom.id
    theirs = opened(sign_in, mila, "tom@example.org")
    expect(theirs.locator(".line.note")).to_contain_text("You know this form.")
    theirs.get_by_role("button", name="Take it over").click()
    expect(theirs.locator(".head")).to_have_attribute("data-mine", "yes")
    expect(page.locator(".head")).to_contain_text("Tom Vale has it")


def test_who_did_not_respond_is_back_with_one_click_and_the_lock_keeps_the_words(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    chosen(stage, ann, AgentStatus.AVAILABLE)
    assert stage.deps.presence is not None
    stage.call(stage.deps.presence.missed(ann.id))
    stage.says(mila, "Hello?")
    page.get_by_role("button", name="I am back").click()
    expect(page.locator(".pick.status")).to_have_attribute("data-status", "available")
    page.fill("#reply-text", "half a sent")
    # What sends is asked once, and is the agent's at whatever computer.
    page.locator("#choose-key").get_by_role("button", name="Enter", exact=True).click()
    expect(page.locator("#choose-key")).to_have_count(0)
    page.locator("#open-keys").click()
    page.locator('[data-key="take"]').fill("x")
    wait_until_sync(lambda: dict(stage.call(stage.agents.get(ann.id)).keys).get("take") == "x")
    assert stage.call(stage.agents.get(ann.id)).send_key == "enter"
    page.keyboard.press("Escape")
    page.reload()
    live(page)
    expect(page.locator("#choose-key")).to_have_count(0)
    expect(page.locator('[data-key="take"]')).to_have_value("X")
    expect(page.locator("#plain-enter")).to_be_checked()
    page.locator("#lock-now").click()
    lock = page.get_by_role("dialog")
    expect(lock).to_contain_text("The desk is locked")
    page.keyboard.press("Escape")
    expect(lock).to_be_visible()
    lock.get_by_label("Password").fill("a wrong sentence to open it")
    lock.get_by_role("button", name="Go on").click()
    expect(lock).to_contain_text("The password is wrong")
    # In another window they are let in: this page goes on by itself when they come back to it.
    unlock = "async (password) => (await fetch('/desk/unlock', {method: 'POST', headers: {'Content-Type': 'application/json',"
    unlock += " 'X-Desk-Token': document.querySelector('meta[name=desk-token]').content},"
    unlock += " body: JSON.stringify({password})})).status"
    assert page.evaluate(unlock, PASSWORD) == 200
    page.evaluate("() => dispatchEvent(new Event('focus'))")
    expect(lock).to_have_count(0)
    page.locator("#lock-now").click()
    lock.get_by_label("Password").fill(PASSWORD)
    lock.get_by_role("button", name="Go on").click()
    expect(lock).to_have_count(0)
    live(page)
    expect(page.locator("#reply-text")).to_have_value("half a sent")


def test_accents_are_typed_and_no_key_of_the_desk_takes_them(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    """us-intl's dead keys and macOS's Option come as a composition; AltGr as Ctrl+Alt."""
    page = taken(sign_in, mila)
    page.locator("#reply-text").focus()
    keys = page.context.new_cdp_session(page)
    for mark, whole in (("´", "é"), ("¨", "ë")):
        keys.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Dead", "windowsVirtualKeyCode": 229})
        keys.send("Input.imeSetComposition", {"text": mark, "selectionStart": 1, "selectionEnd": 1})
        keys.send("Input.insertText", {"text": whole})
    for modifiers, letter in ((1, "å"), (3, "€"), (3, "ń")):  # Option; AltGr as Windows sends it
        event = {"type": "keyDown", "key": letter, "modifiers": modifiers, "text": letter, "unmodifiedText": letter}
        keys.send("Input.dispatchKeyEvent", event)
        keys.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": letter, "modifiers": modifiers})
        if page.locator("#reply-text").input_value()[-1] != letter:
            keys.send("Input.insertText", {"text": letter})
    expect(page.locator("#reply-text")).to_have_value("éëå€ń")
    prevented = page.evaluate(
        "() => ['.', 'k', 'e', 'r', 'n', '1'].flatMap((key) => [{altKey: true}, {altKey: true, ctrlKey: true}].map((held) =>"
        " !document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true, ...held}))))"
    )
    assert not any(prevented)
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_the_first_load_weighs_less_than_100_kb_and_all_of_it_is_local(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = opened(sign_in, mila)
    urls: list[str] = page.evaluate("() => performance.getEntriesByType('resource').map((one) => one.name)")
    files = {url for url in urls if "/desk/static/" in url} | {page.url}
    assert len(files) > 12, "scripts and styles are among them"
    assert {url.split("/desk")[0] for url in urls} == {stage.url}
    weight = sum(len(gzip.compress(page.request.get(url).body())) for url in files)
    assert 20_000 < weight < 100_000


@pytest.mark.parametrize("locale", ["nl", "en"])
def test_the_page_speaks_the_agents_language_and_breaks_no_rule_of_access(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page], locale: str
) -> None:
    stage.call(stage.agents.change(ann.id, locale=locale))
    page = opened(sign_in, mila)
    expect(page.locator("html")).to_have_attribute("lang", locale)
    expect(page.locator("#queue-title")).to_contain_text({"nl": "Wachtend", "en": "Waiting"}[locale])
    page.locator('[data-command="take"]').click()
    expect(page.locator(".head")).to_have_attribute("data-mine", "yes")
    stage.note(ann, mila, "a note")
    expect(page.locator(".line.note")).to_be_visible()
    unknown = {"nl": "Hier niet bekend", "en": "Not known here"}[locale]  # which is not "nothing", and stays over patches
    expect(page.locator("#past")).to_contain_text(unknown)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:90] for node in one["nodes"]]) for one in found] == []
    assert page.evaluate(CONTRASTS) == []
    # Its dialogs, in the dark and on small screens: test_desk_access.py
