"""An agent's day at the desk, in a browser: take, reply, note, finish; two who press send; the window that closes; keys alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from gateway.model.conversation import Agent, ConversationState
from gateway.model.message import DeliveryStatus
from gateway.model.personal import Personal
from gateway.store.conversations import Command
from tests.browser.desk_stage import PASSWORD, Person, Stage
from tests.support.waiting import wait_until_sync
from tests.unit.test_filetypes import picture

MINUTE = 60_000


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def ann(stage: Stage) -> Agent:
    return stage.agent("ann@example.org", "Ann Berg")


@pytest.fixture
def mila(stage: Stage) -> Person:
    person = stage.person("Mila Winter", "+447700900101", order="ZX7K2P", language="nl-NL")
    told = stage.told(person, "gate_changed", "Your flight ZZ1007 now leaves from gate D24. Booking ZX7K2P.", ago_ms=34 * MINUTE)
    stage.says(person, "Is my seat still 14C?", ago_ms=12 * MINUTE, answers=told)
    return person


@pytest.fixture
def sign_in(stage: Stage, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a browser of one's own on the desk; what its console says against us fails the test."""
    contexts, complaints = [], []

    def open_page(name: str = "ann@example.org", path: str = "/desk", width: int = 1440, height: int = 900) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(f"{stage.url}{path}")
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        live(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def live(page: Page) -> None:
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


def opened(sign_in: Callable[..., Page], person: Person, name: str = "ann@example.org", **size: int) -> Page:
    return sign_in(name, f"/desk/{person.conversation}", **size)


def taken(sign_in: Callable[..., Page], person: Person) -> Page:
    page = opened(sign_in, person)
    page.get_by_role("button", name="Take", exact=True).click()
    expect(page.get_by_role("button", name="Finish")).to_be_visible()
    return page


def leader(page: Page, letter: str) -> None:
    page.keyboard.press("Control+.")
    page.keyboard.press(letter)


def test_an_agent_takes_replies_notes_and_finishes(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = sign_in()
    page.locator("#queue .row", has_text="Mila").click()
    live(page)
    expect(page.locator(".line.in .bubble")).to_contain_text("Is my seat still 14C?")
    expect(page.locator(".line.in .answers")).to_contain_text("Gate changed")
    expect(page.locator(".line.news")).to_contain_text("read")
    expect(page.locator("#card")).to_contain_text("Dutch")
    expect(page.locator("#card")).to_contain_text("Flight booking ••••")
    assert "ZX7K2P" not in page.content(), "nothing proves who writes: the server leaves it out"
    expect(page.locator("#card")).to_contain_text("Agreed to journey and order news")
    expect(page.locator("#reply-why")).to_have_text("Take it to answer.")

    page.get_by_role("button", name="Take", exact=True).click()
    expect(page.locator("#reply-text")).to_be_focused()
    expect(page.locator("#mine .row")).to_contain_text("Mila")
    page.fill("#reply-text", "Yes, 14C stays yours.\nHave a good flight! 🙂")
    page.get_by_role("button", name="Send").click()
    reply = page.locator(".line.out")
    expect(reply).to_contain_text("waiting to be sent")
    expect(page.locator("#reply-text")).to_have_value("")
    assert stage.dispatch(mila) == 1
    expect(reply.locator(".fate")).to_contain_text("handed to WhatsApp")
    stage.status(stage.messages(mila)[0], DeliveryStatus.READ)
    expect(reply.locator(".fate")).to_contain_text("read")

    page.get_by_role("tab", name="Note").click()
    page.fill("#note-text", "Travels with a pram.")
    page.get_by_role("button", name="Keep note").click()
    expect(page.locator(".line.note")).to_contain_text("Travels with a pram.")
    assert len(stage.messages(mila)) == 1, "a note never becomes a message"

    stage.says(mila, "Thank you, that helps a lot, one more thing")
    expect(page.locator(".line.in")).to_have_count(2)
    expect(page.locator(".head")).to_have_attribute("data-inbound", "2")  # else it is refused: they wrote meanwhile
    page.get_by_role("button", name="Finish").click()
    expect(page.locator(".head")).to_contain_text("finished")
    expect(page.locator("#mine")).to_have_count(0)
    expect(page.locator("#reply-why")).to_contain_text("Finished")


def test_of_two_who_press_send_one_is_told_who_has_it_and_keeps_the_words(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    tom = stage.agent("tom@example.org", "Tom Vale")
    page = taken(sign_in, mila)

    def overtake(route: Route) -> None:
        """While Ann's words are on their way, Tom becomes the owner and answers."""
        found = stage.call(stage.conversations.get(mila.conversation))
        stage.call(stage.conversations.release(Command(found.id, ann.id, found.epoch, "away")))
        done = stage.call(stage.conversations.take(Command(found.id, tom.id, found.epoch + 1, "mine")))
        stage.call(
            stage.conversations.reply(
                Command(found.id, tom.id, done.epoch, "answer"), Personal("Tom's words"), author=Personal("Tom"),
                deadline_ms=stage.clock.now_ms() + 60 * MINUTE,
            )
        )  # fmt: skip
        route.continue_()

    page.route("**/reply", overtake)
    page.fill("#reply-text", "Ann's words")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#said")).to_contain_text("Tom Vale has it")
    expect(page.locator(".line.out")).to_contain_text("Tom's words")
    expect(page.locator("#reply-text")).to_have_value("Ann's words")
    expect(page.locator("#reply-send")).to_have_attribute("aria-disabled", "true")
    assert len(stage.messages(mila)) == 1


def test_the_closing_window_warns_then_refuses_and_keeps_the_draft_until_they_write(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    page.fill("#reply-text", "Half a sentence")
    stage.close_window(mila, in_ms=10 * MINUTE)
    expect(page.locator("#reply-why")).to_contain_text("9 min left")
    expect(page.locator(".head .window")).to_have_attribute("data-tone", "red")
    stage.close_window(mila, in_ms=100_000)
    expect(page.locator("#alarm")).to_contain_text("Less than two minutes")
    stage.close_window(mila, in_ms=1_500)
    expect(page.locator("#reply-why")).to_contain_text("The service window is closed")
    page.locator("#reply-text").press("Control+Enter")
    expect(page.locator("#said")).to_contain_text("The service window is closed")
    expect(page.locator("#reply-text")).to_have_value("Half a sentence")
    assert stage.messages(mila) == []
    stage.says(mila, "Hello?")
    expect(page.locator("#reply-send")).to_have_attribute("aria-disabled", "false")
    expect(page.locator("#reply-text")).to_have_value("Half a sentence")
    assert stage.messages(mila) == [], "what was kept is never sent alone"


def test_a_page_that_believes_in_an_open_window_is_refused_by_the_server(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)

    def too_late(route: Route) -> None:
        stage.close_window(mila, in_ms=-1000)
        route.continue_()

    page.route("**/reply", too_late)
    page.fill("#reply-text", "Just in time?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#said")).to_contain_text("The service window is closed")
    expect(page.locator("#reply-text")).to_have_value("Just in time?")
    assert stage.messages(mila) == []


def test_everything_is_done_by_keyboard(stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]) -> None:
    page = sign_in()
    leader(page, "g")
    page.wait_for_url(f"**/desk/{mila.conversation}")
    live(page)
    leader(page, "o")
    expect(page.locator("#reply-text")).to_be_focused()
    page.keyboard.type("Typed, not clicked: é €")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".line.out .text")).to_have_text("Typed, not clicked: é €")
    leader(page, "n")
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("For colleagues")
    page.keyboard.press("Control+Enter")
    assert len(stage.messages(mila)) == 1, "the key that sends replies does nothing to a note"
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator(".line.note .text")).to_have_text("For colleagues")
    expect(page.locator("#note-text")).to_be_focused()  # what is typed next is not for the customer
    places = []
    for _ in range(4):
        page.keyboard.press("F6")
        places.append(page.evaluate("document.activeElement.closest('.pane, #thread, #composer').id"))
    assert sorted(places) == ["card", "composer", "lists", "thread"]
    page.keyboard.press("Control+.")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("e")
    expect(page.locator("#keys")).to_be_hidden()
    expect(page.locator(".head")).to_contain_text("finished")
    assert page.evaluate("document.activeElement !== document.body"), "focus is never dropped"


def test_enter_alone_sends_only_where_the_agent_chose_so_and_never_while_composing(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    page.locator("#reply-text").press_sequentially("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    expect(page.locator("#reply-text")).to_have_value("one\ntwo")
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Enter alone sends a reply too").check()
    page.get_by_role("button", name="Close").click()
    page.locator("#reply-text").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".line.out .text")).to_have_text("one\ntwo")


def test_a_draft_survives_a_reload_and_the_end_of_the_session(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    page.fill("#reply-text", "Not yet finished")
    page.reload()
    live(page)
    expect(page.locator("#reply-text")).to_have_value("Not yet finished")
    stage.call(forget_sessions(stage))
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#banner")).to_contain_text("signed out")
    page.get_by_role("link", name="Sign in again").click()
    page.fill("#name", "ann@example.org")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/desk/{mila.conversation}")
    live(page)
    expect(page.locator("#reply-text")).to_have_value("Not yet finished")
    assert stage.messages(mila) == []


async def forget_sessions(stage: Stage) -> None:
    for name in await stage.redis.keys("session:*"):
        await stage.redis.delete(name)


@pytest.mark.long
def test_words_sent_while_the_connection_is_lost_go_out_once_when_it_is_back(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_have_attribute("data-state", "lost")
    page.fill("#reply-text", "Said into the dark")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#said")).to_contain_text("goes out when it is back")
    expect(page.locator(".line.out")).to_have_count(0)
    stage.says(mila, "Are you there?")
    page.context.set_offline(False)
    expect(page.locator(".line.out")).to_have_count(1)
    expect(page.locator(".line.in")).to_have_count(2)
    expect(page.locator("#reply-text")).to_have_value("")
    assert len(stage.messages(mila)) == 1


def test_an_answer_that_was_lost_on_the_way_back_makes_no_second_message(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    page.route("**/reply", lose)
    page.fill("#reply-text", "Once only")
    page.get_by_role("button", name="Send").click()
    # Its line comes down the live connection with the draft's key: the page knows that it went out.
    expect(page.locator(".line.out")).to_have_count(1)
    page.unroute("**/reply")
    if page.locator("#reply-text").input_value():
        page.get_by_role("button", name="Send").click()
    expect(page.locator("#reply-text")).to_have_value("")
    assert len(stage.messages(mila)) == 1


def test_an_uncertain_reply_asks_its_agent_and_a_failed_one_says_why(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    page.fill("#reply-text", "Did this arrive?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".line.out")).to_have_count(1)
    stage.dispatch(mila, "x", reason="uncertain_ask")
    first = page.locator(".line.out").first
    expect(first).to_contain_text("It may have arrived")
    first.get_by_role("button", name="Send again? It may have arrived").click()
    expect(page.locator(".line.out")).to_have_count(2)
    expect(first).to_contain_text("sent again, see below")
    expect(first.get_by_role("button")).to_have_count(0)
    second = page.locator(".line.out").last
    expect(second).to_contain_text("sent again, as its agent decided")
    stage.dispatch(mila, "x", reason="cannot_render")
    expect(second).to_contain_text("it cannot be said on this channel")
    expect(page.locator("#alarm")).to_contain_text("Not delivered")
    second.get_by_role("button", name="Leave it").click()
    expect(second).to_contain_text("left as it is")
    assert len(stage.messages(mila)) == 2


@pytest.mark.parametrize("width", [320, 390, 900, 1440])
def test_no_width_from_320_px_up_cuts_or_scrolls_sideways(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page], width: int
) -> None:
    stage.says(mila, "averyveryverylongwordwithoutanyspaceatallthatgoesonandonandonandonandonandonandon " * 3)
    page = opened(sign_in, mila, width=width, height=720)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        "() => [...document.querySelectorAll('button, a, textarea, input')].filter((node) => node.offsetParent && "
        "!node.closest('.visually-hidden') && !node.matches('.skip') && (node.offsetHeight < 24 || node.offsetWidth < 24))"
        ".map((node) => node.outerHTML.slice(0, 90))"
    )
    assert small == []
    if width < 760:
        page.locator("#toggle-card").click()
        expect(page.locator("#card")).to_be_visible()
        page.get_by_role("button", name="Close").click()
        page.get_by_role("link", name="All conversations").click()
        expect(page.locator("#queue .row")).to_be_visible()


CONTRASTS = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const over = ([r, g, b, a = 1], under) => [r, g, b].map((part, place) => part * a + under[place] * (1 - a));
  const ground = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      const found = getComputedStyle(at).backgroundColor;
      if (found.startsWith('rgb')) layers.push(parse(found));
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const light = (colour) => colour.map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const poor = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    const unseen = !node.offsetParent || node.closest('.visually-hidden, .skip, dialog:not([open])');
    if (unseen || !walk.currentNode.textContent.trim()) continue;
    const under = ground(node);
    const [a, b] = [light(over(parse(getComputedStyle(node).color), under)), light(under)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.className} ${walk.currentNode.textContent.trim().slice(0, 30)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_in_light_and_dark(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page], scheme: Literal["light", "dark"]
) -> None:
    page = taken(sign_in, mila)
    page.emulate_media(color_scheme=scheme)
    page.fill("#reply-text", "hello")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".line.out")).to_have_count(1)
    stage.dispatch(mila, "x", reason="uncertain_ask")
    expect(page.locator(".decide")).to_be_visible()
    stage.note(ann, mila, "a note")
    expect(page.locator(".line.note")).to_be_visible()
    stage.close_window(mila, in_ms=40 * MINUTE)
    expect(page.locator(".head .window")).to_have_attribute("data-tone", "amber")
    assert page.evaluate(CONTRASTS) == []
    page.get_by_role("tab", name="Note").click()
    assert page.evaluate(CONTRASTS) == []


def test_the_page_says_what_it_is_to_those_who_do_not_see_it(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    log = page.get_by_role("log")
    expect(log).to_have_accessible_name("What was said")
    for tag, role in (("nav", "navigation"), ("main", "main"), ("aside", "complementary")):
        expect(page.locator(tag)).to_have_role(role)  # type: ignore[arg-type]
    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('button, a[href], textarea, input:not([type=hidden])')].filter((node) => "
        "!(node.getAttribute('aria-label') || node.textContent.trim() || node.labels?.length)).map((node) => node.outerHTML)"
    )
    assert unnamed == []
    page.fill("#reply-text", "still typing")
    page.locator("#reply-text").focus()
    stage.says(mila, "שלום, היכן המזוודה?")
    arrived = page.locator(".line.in", has_text="שלום")
    expect(arrived).to_be_visible()
    expect(page.locator("#reply-text")).to_be_focused()
    assert arrived.locator(".text").evaluate("node => getComputedStyle(node).direction") == "rtl"


def test_e3_signing_out_asks_what_becomes_of_each_and_where_one_fails_nobody_is_signed_out(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    late = stage.person("Joost Rivier", "+447700900102")
    stage.says(late, "Thank you, I will look", ago_ms=5 * MINUTE)
    tom = stage.agent("tom@example.org", "Tom Vale")
    stage.call(stage.conversations.take(Command(late.conversation, ann.id, 1, "late")))
    page = taken(sign_in, mila)
    page.fill("#reply-text", "about to leave")
    page.get_by_role("tab", name="Note").click()
    page.fill("#note-text", "not kept")
    wait_until_sync(lambda: page.evaluate("Object.keys(localStorage).some((name) => name.endsWith(':note'))"))
    page.locator("#sign-out").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("so that nobody waits for someone who left")
    expect(page.locator("#leaving-kept")).to_be_visible()
    expect(page.locator("#leaving-lost")).to_be_visible()
    page.get_by_role("button", name="Stay").click()
    expect(page.locator("#note-text")).to_have_value("not kept")

    page.locator("#sign-out").click()
    theirs, other = (page.locator(f'.leaving-one[data-id="{one.conversation}"]') for one in (mila, late))
    theirs.get_by_label("What becomes of it").select_option("release")
    other.get_by_label("What becomes of it").select_option("finish")
    stage.says(late, "One more thing")  # unread: it may not be finished
    go = page.get_by_role("button", name="Do this and sign out")
    go.click()
    expect(other.locator(".said")).to_contain_text("read it first")
    expect(theirs).to_have_count(0)
    assert stage.call(stage.conversations.get(mila.conversation)).owner is None
    kept = page.evaluate("Object.keys(localStorage).filter((name) => name.endsWith(':reply'))")
    assert len(kept) == 1, "nothing is thrown away yet"
    # Neither does a failed signing out forget a word, or leave the page.
    page.route("**/logout", lambda route: route.fulfill(status=503, json={"code": "failed", "detail": "Not now."}))
    page.get_by_role("button", name="Stay").click()
    page.locator("#sign-out").click()
    other.get_by_label("What becomes of it").select_option("park:tomorrow")
    go.click()
    expect(page.locator("#leaving-said")).to_contain_text("Not now")
    assert "/login" not in page.url
    page.unroute("**/logout")
    go.click()
    page.wait_for_url("**/login")
    after = stage.call(stage.conversations.get(late.conversation))
    assert (after.state, after.owner) == (ConversationState.PARKED, ann.id)
    assert 0 < after.parked_until_ms - stage.clock.now_ms() < 2 * 24 * 60 * MINUTE
    assert page.evaluate("Object.keys(localStorage).filter((name) => /:(reply|note)$/.test(name))") == []
    page.goto(f"{stage.url}/desk")
    page.wait_for_url("**/login**")
    # Who has it next is offered the words.
    found = stage.call(stage.conversations.get(mila.conversation))
    assert stage.deps.drafts is not None
    assert [one.text.reveal() for one in stage.call(stage.deps.drafts.of_others(found, tom.id))] == ["about to leave"]


def test_a_canned_answer_is_put_in_by_a_slash_and_goes_out_with_a_file(
    stage: Stage, ann: Agent, mila: Person, sign_in: Callable[..., Page]
) -> None:
    page = taken(sign_in, mila)
    box = page.locator("#reply-text")
    box.click()
    page.keyboard.type("24/7 is fine, ")
    expect(page.locator("#canned")).to_be_hidden()
    box.fill("")
    page.keyboard.type("/plätz")
    expect(page.locator("#canned [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(box).to_have_value(re.compile("^Je stoel blijft dezelfde, Mila"))
    expect(page.locator(".line.out")).to_have_count(0)
    page.locator("#attach-file").set_input_files({"name": "page.html", "mimeType": "text/html", "buffer": b"<html>"})
    expect(page.locator("#said")).to_contain_text("this is none of these")
    page.locator("#attach-file").set_input_files({"name": "seat.png", "mimeType": "image/png", "buffer": picture("PNG")})
    expect(page.locator("#attached-name")).to_have_text("seat.png")
    expect(page.locator("#attached-picture")).to_be_visible()
    page.reload()
    expect(page.locator("#attached-picture")).to_be_visible()
    expect(box).to_have_value(re.compile("^Je stoel blijft"))
    page.click("#reply-send")
    expect(page.locator(".line.out img")).to_have_attribute("width", "40")
    expect(page.locator("#attached")).to_be_hidden()
    expect(box).to_have_value("")
    assert len(stage.messages(mila)) == 1
