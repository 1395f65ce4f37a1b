"""The desk where a channel shares its threads: words from outside, edits, who holds it, two countdowns, quoting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from connectors.messenger.facts import FACTS as PAGE_FACTS
from gateway.model.conversation import Agent
from gateway.model.personal import Personal
from tests.browser.desk_stage import INBOX_APP, Person, Stage
from tests.browser.test_desk_page import CONTRASTS, MINUTE, ann, live, opened, sign_in, stage, taken

__all__ = ["ann", "sign_in", "stage"]

SHIFTS = """() => {
  window.shifted = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) for (const source of entry.sources)
      if (source.node?.closest?.('.lines, .composer, .lists')) window.shifted.push(source.node.outerHTML.slice(0, 80));
  }).observe({ type: 'layout-shift', buffered: false });
}"""
HOUR = 60 * MINUTE


@pytest.fixture
def lies(stage: Stage) -> Person:
    person = stage.person("Lies de Wit", "6100000000000107", order="EXR-4T7K", language="nl-NL", page=True)
    stage.says(person, "Rijdt de RE 4711 morgen?", ago_ms=30 * MINUTE)
    return person


def test_words_from_the_inbox_and_of_a_program_are_shown_as_what_they_are(
    stage: Stage, ann: Agent, lies: Person, sign_in: Callable[..., Page]
) -> None:
    page = opened(sign_in, lies)
    expect(page.locator("#queue .row")).to_have_count(1)
    stage.outside(lies, "I am the assistant of the Page.", by_person=False, ago_ms=20 * MINUTE)
    stage.outside(lies, "Goedemorgen, die rijdt om 07:15.", ago_ms=10 * MINUTE)
    lines = page.locator(".line.outside")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("Another program")
    expect(lines.last).to_contain_text("Somebody in Messenger's own inbox")
    expect(lines.last).to_contain_text("Not from this desk")
    expect(lines.locator(".fate")).to_have_count(0)
    expect(page.locator("#queue .row")).to_contain_text("Answered in the inbox")  # whether that was all, a colleague sees


def test_an_edited_line_shows_the_new_words_and_unfolds_the_old_ones(
    stage: Stage, ann: Agent, lies: Person, sign_in: Callable[..., Page]
) -> None:
    page = opened(sign_in, lies)
    stage.changes(lies, 1, "Rijdt de RE 4713 morgen?", ago_ms=5 * MINUTE)
    line = page.locator(".line.in")
    expect(line.locator(".bubble .text")).to_have_text("Rijdt de RE 4713 morgen?")
    expect(page.locator("#news")).to_contain_text("They changed what they had written")
    expect(line.get_by_text("Rijdt de RE 4711 morgen?")).to_be_hidden()
    line.locator("summary").click()
    expect(line.get_by_text("Rijdt de RE 4711 morgen?")).to_be_visible()
    stage.changes(lies, 1, "Rijdt de RE 4713 vandaag?", edits=2, ago_ms=4 * MINUTE)
    expect(line.locator(".bubble .text")).to_have_text("Rijdt de RE 4713 vandaag?")
    expect(line.locator(".versions li")).to_have_count(2)
    expect(line.get_by_text("Rijdt de RE 4711 morgen?")).to_be_visible()
    expect(page.locator(".line.in")).to_have_count(1)


def test_a_banner_says_that_another_program_holds_the_thread_and_goes_with_it_moving_nothing(
    stage: Stage, ann: Agent, lies: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, lies)
    live(page)
    expect(page.locator("#mine .row")).to_have_count(1)  # it goes from one list to the other, which moves them
    expect(page.locator("#queue .row")).to_have_count(0)
    page.evaluate(SHIFTS)
    stage.held(lies, INBOX_APP)
    banner = page.locator(".held")
    expect(banner).to_contain_text("Another program holds this at Messenger: what you send takes it over")
    expect(page.locator("#news")).to_contain_text("Another program holds this conversation now")
    stage.held(lies, None)
    expect(banner).to_have_count(0)
    assert page.evaluate("window.shifted") == []
    stage.wanted(lies)
    expect(page.locator(".line.note")).to_contain_text("Another program asks for this conversation.")


def test_words_that_we_only_heard_are_marked(stage: Stage, ann: Agent, lies: Person, sign_in: Callable[..., Page]) -> None:
    stage.held(lies, INBOX_APP)
    stage.says(lies, "Is daar iemand?", standby=True)
    page = opened(sign_in, lies)
    expect(page.locator(".line.in .heard")).to_have_count(1)
    expect(page.locator(".line.in").last.locator(".heard")).to_contain_text("heard only")


def test_a_person_may_answer_after_the_window_and_is_told_until_when(
    stage: Stage, ann: Agent, lies: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, lies)
    expect(page.locator(".head .window")).to_contain_text("window 23 h")
    expect(page.locator("#reply-text")).to_have_attribute("placeholder", "Write a reply; they see the name Ann")
    expect(page.locator(".head .person-until")).to_contain_text("a person may answer until")
    stage.close_window(lies, in_ms=-HOUR)
    expect(page.locator(".head .window")).to_contain_text("a person: 5 d left")
    expect(page.locator("#reply-why")).to_contain_text("as a person you may answer until")
    page.fill("#reply-text", "Ja, om 07:15 van spoor 7.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".line.out")).to_have_count(1)
    expect(page.locator(".line.out")).to_contain_text("shown as Ann")
    stage.close_window(lies, in_ms=-1000, lasts_ms=PAGE_FACTS.person_window_ms)
    expect(page.locator(".head .window")).to_contain_text("window closed")
    expect(page.locator("#reply-why")).to_contain_text("The service window is closed")


def test_a_line_of_theirs_is_quoted_and_the_quote_goes_out_with_the_words(
    stage: Stage, ann: Agent, lies: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, lies)
    line = page.locator(".line.in")
    line.get_by_role("button", name="Quote").click()
    expect(page.locator("#quoting")).to_contain_text("Rijdt de RE 4711 morgen?")
    expect(page.locator("#reply-text")).to_be_focused()
    page.get_by_role("button", name="Do not quote it").click()
    expect(page.locator("#quoting")).to_be_hidden()
    page.keyboard.press("Control+.")
    page.keyboard.press("q")
    expect(page.locator("#quoting")).to_be_visible()
    page.reload()
    live(page)
    expect(page.locator("#quoting")).to_contain_text("Rijdt de RE 4711 morgen?")
    page.fill("#reply-text", "Ja.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".line.out")).to_have_count(1)
    expect(page.locator("#quoting")).to_be_hidden()
    (message,) = stage.messages(lies)

    async def body() -> object:
        found = await stage.outbox.record(message)
        assert found is not None
        return (await stage.vault.contact_box(lies.contact)).open_json(found[1], message)["reply_to"]

    assert stage.call(body()) == "wamid.1"


def test_a_reaction_and_several_files_are_shown_with_what_they_are_about(
    stage: Stage, ann: Agent, lies: Person, sign_in: Callable[..., Page]
) -> None:
    stage.outside(lies, "Ja, om 07:15.", ago_ms=9 * MINUTE)
    stage.says(lies, "❤️", kind="reaction", ago_ms=8 * MINUTE, about=Personal("wamid.o2"))
    stage.says(
        lies, "", kind="media", media={"mime": "image/jpeg", "filename": "perron.jpg"},
        more_media=({"mime": "image/jpeg", "filename": "bord.jpg"},),
    )  # fmt: skip
    page = opened(sign_in, lies)
    expect(page.locator(".line.reaction")).to_contain_text("reacted")
    expect(page.locator(".line.reaction")).to_contain_text("❤️")
    expect(page.locator(".line.reaction .answers")).to_contain_text("Ja, om 07:15.")
    expect(page.locator(".line.in").last.locator(".media")).to_have_count(2)


@pytest.fixture
def busy(stage: Stage, lies: Person) -> Person:
    """Everything at once."""
    stage.changes(lies, 1, "Rijdt de RE 4713 morgenochtend?", ago_ms=25 * MINUTE)
    stage.outside(lies, "Ik ben de assistent van deze pagina.", by_person=False, ago_ms=20 * MINUTE)
    stage.says(lies, "Ik wil graag een mens spreken.", ago_ms=10 * MINUTE, standby=True)
    stage.held(lies, INBOX_APP)
    stage.wanted(lies)
    return lies


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_nothing_of_it_is_cut_or_faint_at_any_width_light_or_dark(
    stage: Stage, ann: Agent, busy: Person, sign_in: Callable[..., Page], width: int, scheme: Literal["light", "dark"]
) -> None:
    page = opened(sign_in, busy, width=width, height=720)
    page.emulate_media(color_scheme=scheme)
    page.get_by_role("button", name="Take", exact=True).click()
    expect(page.get_by_role("button", name="Finish")).to_be_visible()
    page.locator(".versions summary").click()
    page.locator(".line.in").last.get_by_role("button", name="Quote").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        "() => [...document.querySelectorAll('button, summary, textarea')].filter((node) => node.offsetParent && "
        "!node.closest('.visually-hidden') && (node.offsetHeight < 24 || node.offsetWidth < 24)).map((node) => node.outerHTML)"
    )
    assert small == []
    assert page.evaluate(CONTRASTS) == []
    covered = page.evaluate(
        "() => { const thread = document.getElementById('thread'); thread.scrollTop = 0;"
        " return document.querySelector('.line').getBoundingClientRect().top"
        " - document.querySelector('.held').getBoundingClientRect().bottom }"
    )
    assert covered >= 0, "the banner covers the first line"


def test_where_the_sender_was_not_found_to_be_allowed_nobody_answers_after_the_window(
    stage: Stage, ann: Agent, lies: Person, sign_in: Callable[..., Page]
) -> None:
    object.__setattr__(stage.deps, "findings", None)
    page = taken(sign_in, lies)
    stage.close_window(lies, in_ms=-HOUR)
    expect(page.locator("#reply-why")).to_contain_text("The service window is closed")
    expect(page.locator(".head .person-until")).to_have_count(0)
    assert stage.messages(lies) == []
