"""An agent's day from signing in to signing out, as one story in a browser; and what each task costs: clicks, keys and words.

An action is a click, a key or chord, a choice from a list, or words typed in one go. docs/desk.md has the table; it is held here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from gateway.model.conversation import Agent, ConversationState
from gateway.model.webcare import Assignment, DeskPlan, Figures
from gateway.store.conversation_commands import Terms
from tests.browser.desk_stage import PASSWORD, Person, Stage
from tests.browser.test_desk_page import MINUTE, ann, live, mila, sign_in
from tests.browser.test_desk_team import REASONS
from tests.support.waiting import wait_until_sync
from tests.unit.test_filetypes import picture

__all__ = ["ann", "mila", "sign_in"]

ROW = re.compile(r"^\| (?P<task>[^|]+?) \| (?P<how>[^|]+?) \| (?P<actions>\d+) \|$", re.M)


def promised() -> dict[str, int]:
    """What docs/desk.md says of each task."""
    text = (Path(__file__).parents[2] / "docs" / "desk.md").read_text("utf-8")
    part = text.partition("## What a task takes")[2].partition("\n## ")[0]
    return {row["task"]: int(row["actions"]) for row in ROW.finditer(part)}


@dataclass
class Hands:
    """Somebody at the page, whose actions are counted by task."""

    page: Page
    actions: int = 0
    counted: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def task(self, name: str) -> Iterator[None]:
        before = self.actions
        yield
        self.counted[name] = self.actions - before

    def click(self, what: Locator) -> None:
        self.actions += 1
        what.click()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.actions += 1
            self.page.keyboard.press(key)

    def types(self, words: str) -> None:
        self.actions += 1
        self.page.keyboard.type(words)

    def chooses(self, what: Locator, option: str) -> None:
        self.actions += 1
        what.select_option(option)

    def attaches(self, name: str, kind: str, data: bytes) -> None:
        """The file chooser of the system, in which one file is chosen."""
        self.actions += 1
        with self.page.expect_file_chooser() as chooser:
            self.page.click("#attach")
        self.actions += 1
        chooser.value.set_files({"name": name, "mimeType": kind, "buffer": data})

    def leader(self, letter: str) -> None:
        self.press("Control+.", letter)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage(Terms(figures=lambda brand: Figures(), push=lambda: True), replace(DeskPlan.plain(), reasons=REASONS))
    yield stage
    stage.close()


@pytest.fixture
def lee(stage: Stage) -> Person:
    person = stage.person("Lee Park", "+447700900110")
    stage.says(person, "My suitcase did not come. 🧳", ago_ms=3 * MINUTE)
    return person


def given(stage: Stage, agent: Agent, person: Person) -> None:
    found = stage.call(stage.conversations.get(person.conversation))
    assert stage.call(stage.conversations.give([Assignment(found.id, agent.id, found.epoch, 2)])) == ["given"]


def state(stage: Stage, person: Person) -> ConversationState:
    return stage.call(stage.conversations.get(person.conversation)).state


@pytest.mark.timeout(120)
def test_an_agents_day_and_what_each_task_of_it_takes(
    stage: Stage, ann: Agent, mila: Person, lee: Person, sign_in: Callable[..., Page]
) -> None:
    tom = stage.agent("tom@example.org", "Tom Vale")
    page = sign_in()  # "Start as available" is ticked
    hands = Hands(page)
    lines = page.locator(".line.out")
    head, box, said = page.locator(".head"), page.locator("#reply-text"), page.locator("#said")

    given(stage, ann, mila)
    row = page.locator("#mine .row")
    expect(row).to_contain_text("New")
    with hands.task("Answer what you were given: the first answer after signing in"):
        hands.click(row)
        live(page)
        expect(box).to_be_focused()
        hands.types("Yes, 14C stays yours.")
        hands.press("Control+Enter")
    expect(lines).to_have_count(1)
    assert stage.dispatch(mila) == 1
    page.locator("#choose-key").get_by_role("button", name="Ctrl+Enter").click()

    with hands.task("Answer with a file"):
        hands.attaches("seat.png", "image/png", picture("PNG"))
        expect(page.locator("#attached-name")).to_have_text("seat.png")
        hands.click(page.locator("#reply-send"))
    expect(lines).to_have_count(2)
    expect(lines.last.locator("img")).to_be_visible()
    assert stage.dispatch(mila) == 1

    with hands.task("Keep a note for colleagues"):
        hands.leader("n")
        hands.types("Travels with a pram.")
        hands.press("Control+Shift+Enter")
    expect(page.locator(".line.note")).to_contain_text("pram")

    with hands.task("Ask a colleague"):
        hands.leader("t")
        hands.click(page.get_by_role("button", name="Ask a colleague"))
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Note").focus()
        hands.types("Which form is it?")
        hands.click(dialog.get_by_role("button", name="Ask"))
    expect(page.locator(".line.note").last).to_contain_text("Which form is it?")

    with hands.task("Park until somebody else has answered"):
        hands.leader("p")
        hands.click(page.get_by_role("dialog").get_by_role("button", name="Park"))
    expect(page.locator("#parked .row")).to_have_count(1)
    assert state(stage, mila) is ConversationState.PARKED

    # A second one, while two want to answer it at once: one does, the other is told who has it and keeps the words.
    given(stage, ann, lee)
    page.locator("#mine .row").click()
    live(page)
    expect(head).to_contain_text("Lee")
    expect(head).to_have_attribute("data-state", "active")
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_have_attribute("data-state", "lost")
    box.fill("Which colour is it?")
    page.keyboard.press("Control+Enter")
    expect(said).to_contain_text("goes out when it is back")
    page.context.set_offline(False)
    expect(lines).to_have_count(1)
    expect(box).to_have_value("")
    assert len(stage.messages(lee)) == 1, "the line was cut while it was sent: it went once"

    # It fails at the channel: the line says so and why, and one button sends it again.
    stage.dispatch(lee, "x", reason="retries_exhausted")
    expect(page.locator("#alarm")).to_contain_text("Not delivered")
    with hands.task("Send again what did not arrive"):
        hands.click(lines.first.get_by_role("button", name=re.compile("again", re.I)))
    expect(lines).to_have_count(2)
    assert stage.dispatch(lee) == 1

    # The service window shuts over half a sentence, and opens when they write.
    box.fill("One more question")
    stage.close_window(lee, in_ms=-1_000)
    expect(page.locator("#reply-why")).to_contain_text("The service window is closed")
    page.keyboard.press("Control+Enter")
    expect(said).to_contain_text("The service window is closed")
    offer = page.locator(".offer").filter(has=page.locator(".blanks input"))
    with hands.task("Send a template when the window is shut"):
        hands.click(offer.locator("input"))
        hands.types("We look for your suitcase.")
        hands.press("Enter")
    expect(lines).to_have_count(3)
    expect(lines.last).to_contain_text("We look for your suitcase.")
    assert stage.dispatch(lee) == 1
    expect(box).to_have_value("One more question")
    stage.says(lee, "It is blue")
    expect(page.locator("#reply-send")).to_have_attribute("aria-disabled", "false")
    expect(box).to_have_value("One more question")
    box.fill("")

    with hands.task("Pass on to a colleague"):
        hands.leader("t")
        dialog = page.get_by_role("dialog")
        hands.click(page.get_by_role("button", name="To a colleague"))
        dialog.get_by_label("Note").focus()
        hands.types("Blue suitcase, from Oslo.")
        hands.click(dialog.get_by_role("button", name="Ask"))
    expect(dialog).to_have_count(0)
    theirs = sign_in("tom@example.org", f"/desk/{lee.conversation}")
    colleague = Hands(theirs)
    with colleague.task("Take over what a colleague asks"):
        colleague.click(theirs.get_by_role("button", name="Take it over"))
    expect(theirs.locator(".head")).to_have_attribute("data-mine", "yes")
    expect(head).to_contain_text("Tom Vale has it")
    box.fill("Ann's words")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#reply-send")).to_have_attribute("aria-disabled", "true")
    expect(box).to_have_value("Ann's words")
    assert stage.call(stage.conversations.get(lee.conversation)).owner == tom.id
    box.fill("")

    # Back to the first: by keys alone.
    with hands.task("Go on with what was parked"):
        hands.click(page.locator("#parked .row"))
        live(page)
        hands.click(page.get_by_role("button", name="Go on with it"))
    expect(head).to_have_attribute("data-state", "active")
    box.focus()
    with hands.task("Say what is said often"):
        hands.types("/plätz")
        expect(page.locator("#canned [role=option]")).to_have_count(1)
        hands.press("Enter", "Control+Enter")
    expect(lines).to_have_count(3)
    box.fill("half a sent")

    with hands.task("Lock the page"):
        hands.click(page.locator("#lock-now"))
    lock = page.get_by_role("dialog")
    expect(lock).to_contain_text("The desk is locked")
    with hands.task("Unlock it"):
        lock.get_by_label("Password").focus()
        hands.types(PASSWORD)
        hands.press("Enter")
    expect(lock).to_have_count(0)
    live(page)
    expect(box).to_have_value("half a sent")
    box.fill("")

    with hands.task("Finish with a reason"):
        hands.leader("e")
        expect(page.get_by_role("dialog")).to_contain_text("Why did they write?")
        hands.types("ref")
        hands.press("Enter")
    expect(head).to_have_attribute("data-state", "resolved")
    assert stage.call(stage.conversations.get(mila.conversation)).reason == "refund"
    with hands.task("Go on a break"):
        hands.chooses(page.locator("#status"), "break:lunch")
    expect(page.locator(".pick.status")).to_have_attribute("data-status", "break")
    with hands.task("Sign out"):
        hands.click(page.locator("#sign-out"))
    page.wait_for_url("**/login")
    wait_until_sync(lambda: state(stage, mila) is ConversationState.RESOLVED)
    assert hands.counted | colleague.counted == promised()
