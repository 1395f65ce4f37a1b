"""What a hurried hand, a slow line and a second tab do at the desk, in a browser: what was pressed goes, nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import Dialog, Page, Route, expect

from gateway.model.conversation import Agent, AgentId, ConversationState
from gateway.model.personal import Personal
from gateway.store.conversations import Command
from tests.browser.desk_stage import Person, Stage
from tests.browser.test_desk_page import ann, leader, live, mila, opened, sign_in, stage, taken
from tests.support.waiting import wait_until_sync

__all__ = ["ann", "mila", "sign_in", "stage"]


class Held:
    """Requests of one path that wait on their way until they are let go."""

    def __init__(self, page: Page, path: str) -> None:
        self._page, self._held = page, list[Route]()
        page.route(path, lambda route: self._held.append(route))

    def wait(self) -> None:
        while not self._held:
            self._page.wait_for_timeout(20)

    def one(self) -> Route:
        """The newest."""
        self.wait()
        return self._held.pop()


def test_what_is_typed_while_words_are_under_way_stays_in_its_own_box(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    held, unsent = Held(page, "**/reply"), Held(page, "**/draft")
    page.locator("#reply-text").press_sequentially("First.")
    unsent.wait()
    page.keyboard.press("Control+Enter")
    answer = held.one()
    page.keyboard.type(" Second")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#said")).to_contain_text("still on its way")
    answer.continue_()
    expect(page.locator(".line.out .text")).to_have_text("First.")
    expect(page.locator("#reply-text")).to_have_value("Second")
    page.keyboard.type(".")
    expect(page.locator("#reply-text")).to_have_value("Second.")  # the caret is where it was

    notes = Held(page, "**/note")
    leader(page, "n")
    page.keyboard.type("He lies about the bag.")
    page.keyboard.press("Control+Shift+Enter")
    answer = notes.one()
    page.keyboard.type("Do not")
    answer.continue_()
    expect(page.locator(".line.note")).to_contain_text("He lies about the bag.")
    expect(page.locator("#note-text")).to_have_value("Do not")
    page.keyboard.type(" refund him.")
    expect(page.locator("#note-text")).to_have_value("Do not refund him.")
    expect(page.locator("#reply-text")).to_have_value("Second.")
    assert len(stage.messages(mila)) == 1
    page.wait_for_timeout(1700)  # whatever the page still tells of unsent words is on its way now, and the newest comes first
    for _ in range(2):
        with page.expect_response("**/draft"):
            unsent.one().continue_()
    found, tom = stage.call(stage.conversations.get(mila.conversation)), AgentId("a-tom")
    assert stage.deps.drafts is not None
    assert [one.text.reveal() for one in stage.call(stage.deps.drafts.of_others(found, tom))] == ["Second."]


def test_what_was_pressed_goes_also_where_its_agent_went_on_at_once(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    files = "['one.png', 'two.png'].forEach((name) => data.items.add(new File(['x'], name, {type: 'image/png'})))"
    drop = "new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})"
    held = Held(page, "**/files")
    page.evaluate(f"() => {{ const data = new DataTransfer(); {files}; document.getElementById('reply').dispatchEvent({drop}) }}")
    kept = {"file": "f", "name": "one.png", "weight": "1 kB", "kind": "picture", "url": ""}
    held.one().fulfill(status=201, body=json.dumps(kept), content_type="application/json")
    expect(page.locator("#said")).to_contain_text("One file goes with a reply")
    page.get_by_role("button", name="Do not send this file").click()

    held = Held(page, "**/reply")
    page.locator("#reply-text").press_sequentially("On its way")
    page.keyboard.press("Control+Enter")
    on_its_way = held.one()
    page.locator(".brand").click()
    page.wait_for_url("**/desk")
    on_its_way.continue_()
    wait_until_sync(lambda: len(stage.messages(mila)) == 1)


def test_pressed_while_cut_off_only_the_words_of_then_go_and_nobody_is_finished_unread(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    page.locator("#reply-text").press_sequentially("/solved")
    page.keyboard.press("Enter")
    expect(page.locator("#follows")).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_have_attribute("data-state", "lost")
    page.keyboard.press("Control+Enter")
    page.keyboard.type(" And if you think")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.locator(".brand").click(no_wait_after=True)
    while not asked:
        page.wait_for_timeout(20)
    assert asked == ["beforeunload"], "whoever goes on would leave words behind that were to go out by themselves"
    stage.says(mila, "My child is alone at the gate")
    page.context.set_offline(False)
    expect(page.locator(".line.out")).to_have_count(1)
    expect(page.locator("#said")).to_contain_text("wrote")
    expect(page.locator(".line.out .text")).not_to_contain_text("think")
    expect(page.locator("#reply-text")).to_have_value("And if you think")
    assert stage.call(stage.conversations.get(mila.conversation)).state is not ConversationState.RESOLVED


def test_a_colleagues_note_does_not_move_who_reads_further_up(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    tom = stage.agent("tom@example.org", "Tom Vale")
    for at in range(30):
        stage.says(mila, f"line {at}", ago_ms=(90 - 3 * at) * 1000)
    page = taken(sign_in, mila)
    expect(page.locator("#lines")).to_contain_text("line 29")
    page.locator("#thread").evaluate("node => node.scrollTop = 0")
    stage.note(tom, mila, "Look at this")
    expect(page.locator(".line.note")).to_have_count(1)
    expect(page.locator("#jump")).to_be_visible()
    assert page.locator("#thread").evaluate("node => node.scrollTop") == 0


def test_who_has_it_next_sees_what_was_left_unsent_also_on_a_page_that_was_open(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    tom = stage.agent("tom@example.org", "Tom Vale")
    stage.call(stage.conversations.take(Command(mila.conversation, tom.id, 1, "tom")))
    page = opened(sign_in, mila)
    found = stage.call(stage.conversations.get(mila.conversation))
    assert stage.deps.drafts is not None
    stage.call(stage.deps.drafts.keep(found, tom.id, Personal("The bag is in Oslo")))
    stage.call(stage.conversations.release(Command(mila.conversation, tom.id, found.epoch, "away")))
    page.get_by_role("button", name="Take", exact=True).click()
    expect(page.locator("#unsent")).to_contain_text("The bag is in Oslo")


def test_two_tabs_have_one_draft_and_none_brings_back_what_was_sent(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    other = page.context.new_page()
    other.goto(page.url)
    live(other)
    page.bring_to_front()
    page.locator("#reply-text").press_sequentially("Your seat is 14C")
    expect(other.locator("#reply-text")).to_have_value("Your seat is 14C")
    page.locator("#reply-text").press("Control+Enter")
    expect(page.locator(".line.out")).to_have_count(1)
    expect(other.locator("#reply-text")).to_have_value("")
    page.reload()
    live(page)
    expect(page.locator("#reply-text")).to_have_value("")
    page.get_by_role("tab", name="Note").click()
    page.locator("#note-text").press_sequentially("Pram")
    expect(other.locator("#note-text")).to_have_value("Pram")
    page.locator("#sign-out").click()
    page.locator("#leaving select[name=what]").select_option("park:60")
    page.locator("#leaving-do").click()
    page.wait_for_url("**/login")
    other.wait_for_url("**/login")  # what it showed is for nobody who comes to this computer after
    assert page.evaluate("localStorage.length") == 0


def test_a_dialog_does_what_was_decided_when_it_was_opened_once_and_hides_no_refusal(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    leader(page, "p")
    park = page.locator("#do-park")
    expect(park).to_be_visible()
    stage.says(mila, "Wait, one more thing")
    expect(page.locator(".head")).to_have_attribute("data-inbound", "2")  # behind the dialog, where nobody reads it
    park.get_by_role("button", name="Park").click()
    expect(park.locator(".said")).to_contain_text("wrote")
    assert stage.call(stage.conversations.get(mila.conversation)).state is ConversationState.ACTIVE
    park.get_by_role("button", name="Cancel").click()

    held = Held(page, "**/release")
    leader(page, "b")
    release = page.locator("#do-release")
    release.locator("textarea").fill("a long story about the bag")
    release.get_by_role("button", name="Give back").dblclick()
    held.one().fulfill(status=503, body='{"detail": "The store does not answer."}', content_type="application/json")
    expect(release.locator(".said")).to_have_text("The store does not answer.")
    expect(release.locator("textarea")).to_have_value("a long story about the bag")


def test_enter_quicker_than_the_canned_answers_sends_no_slash(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    page.locator("#choose-key").get_by_role("button", name="Enter", exact=True).click()
    expect(page.locator("#choose-key")).to_have_count(0)
    held = Held(page, "**/canned")
    page.locator("#reply-text").focus()
    page.keyboard.type("/look")
    page.keyboard.press("Enter")
    held.one().continue_()
    expect(page.locator("#reply-text")).to_have_value("Ik zoek het voor je uit en kom er hier op terug. Ann")
    assert stage.messages(mila) == []


def test_a_leader_that_somebody_left_behind_makes_no_command_of_their_next_words(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    page.keyboard.press("Control+.")
    page.locator("#keys").get_by_role("button", name="Close").click()
    page.locator("#reply-text").click()
    page.keyboard.press("Control+.")
    page.locator("#reply-text").click()
    page.keyboard.type("enjoy")
    page.keyboard.press("Control+.")
    page.locator('[data-key="take"]').click()
    page.keyboard.press("e")  # a letter that is taken, for a command that keeps its own
    page.locator("#keys").get_by_role("button", name="Close").click()
    expect(page.locator("#reply-text")).to_have_value("enjoy")
    assert stage.call(stage.conversations.get(mila.conversation)).state is ConversationState.ACTIVE
    # On a Belgian keyboard the full stop needs Shift.
    page.locator("#reply-text").focus()
    held = "{key: '.', ctrlKey: true, shiftKey: true, bubbles: true}"
    page.evaluate(f"() => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {held}))")
    page.keyboard.press("n")
    expect(page.locator("#note-text")).to_be_focused()


def test_what_is_written_into_a_template_stays_when_they_write_and_goes_once(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    blanks = [{"name": "what", "longest": 50}, {"name": "when", "longest": 50}]
    parts = [{"text": "On "}, {"blank": "when"}, {"text": "… we look at "}, {"blank": "what"}]
    offer = {"name": "found", "title": "Found", "language": "nl", "price": "", "blanks": blanks, "parts": parts}
    offers = json.dumps({"templates": [offer]})
    keys: list[str] = []

    def lose(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.abort("connectionreset")

    page.route("**/templates", lambda route: route.fulfill(body=offers, content_type="application/json"))
    page.route("**/reply", lose)
    stage.close_window(mila, in_ms=-1000)
    page.locator(".offer").get_by_label("what").fill("your bag")
    page.locator(".offer").get_by_label("when").press_sequentially("Monday")
    expect(page.locator(".offer-text")).to_have_text("On Monday… we look at your bag")
    page.locator(".offer button").click()
    expect(page.locator("#said")).to_contain_text("once at most")
    page.get_by_role("tab", name="Note").click()
    page.get_by_role("tab", name="Reply").click()
    expect(page.locator(".offer-text")).to_have_text("On Monday… we look at your bag")
    page.locator(".offer button").click()
    expect(page.locator(".offer button")).to_have_attribute("aria-disabled", "false")
    page.locator(".offer").get_by_label("when").focus()
    stage.says(mila, "Hello?")
    expect(page.locator("#shut-words")).to_contain_text("the window is open")
    expect(page.locator(".offer").get_by_label("when")).to_be_focused()
    expect(page.locator(".offer").get_by_label("when")).to_have_value("Monday")
    assert len(keys) == 2
    assert len(set(keys)) == 1, "pressed again it is the same message"
