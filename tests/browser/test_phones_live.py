"""The /phones page over time: a stream that breaks, a story that plays, a thousand bubbles, and the real sandbox."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
from aiohttp import web
from playwright.sync_api import Browser, expect

from sandbox import phones
from sandbox.account import WABA_ID
from sandbox.app import make_app
from sandbox.config import SandboxConfig
from tests.browser import phones_day as day
from tests.browser.phones_browser import MOBILE, Opener
from tests.browser.phones_stage import Stage
from tests.browser.test_phones import phone, row
from tests.support.waiting import wait_until_sync

T = TypeVar("T")


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


def test_a_broken_stream_is_taken_up_by_its_last_event_and_shows_each_bubble_once(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    stage.send_bubbles(stage.handsets[0], day.bubble("r1", "09:05", "Before the break"))
    expect(row(page, "r1")).to_be_visible()
    stage.replay_all = True  # the worst case: everything is told again
    stage.break_streams()
    stage.send_bubbles(stage.handsets[0], day.bubble("r2", "09:06", "After the break"))
    expect(row(page, "r2")).to_be_visible()
    expect(row(page, "r1")).to_have_count(1)
    assert "1" in stage.seen_last_ids
    expect(page.locator(".connection")).to_have_text("live")


def test_a_sandbox_that_is_away_is_said_and_found_again(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    stage.break_streams(closed=True)
    expect(page.locator(".connection")).to_have_text("reconnecting")
    expect(page).to_have_title("reconnecting · One day in November · Thuisfront")
    stage.send_bubbles(stage.handsets[0], day.bubble("away", "09:05", "Came while nobody listened"))
    stage.closed = False
    expect(page.locator(".connection")).to_have_text("live", timeout=9_000)
    expect(row(page, "away")).to_have_count(1)


def test_a_reset_drops_what_is_no_longer_there(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    expect(row(page, "s6")).to_be_visible()
    thread = stage.handsets[0]["threads"][0]
    thread["bubbles"] = [each for each in thread["bubbles"] if each["id"] != "s6"]
    stage.handsets.pop()
    stage.send("reset", {"reason": "unsent_gone"})
    expect(row(page, "s6")).to_have_count(0)
    expect(page.locator(".phone")).to_have_count(4)


def test_a_number_never_met_before_is_read_whole(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    mila = stage.handsets[2]
    mila["threads"].append({**day.GRID, "bubbles": []})
    stage.send_bubbles(mila, day.bubble("g1", "09:05", "Hello from another number"), thread=1)
    expect(phone(page, "Mila").get_by_role("button", name="Stroomnet")).to_be_visible()
    expect(row(page, "g1")).to_be_visible()


def test_a_thousand_bubbles_are_kept_and_drawn_a_part_at_a_time(stage: Stage, visit: Opener) -> None:
    thread = stage.handsets[0]["threads"][0]
    start = day.at("00:00", 21)

    def numbered(n: int) -> day.Json:
        return {**day.bubble(f"k{n}", "00:00", f"Message {n}"), "at_ms": start + n * 1_000}

    thread["bubbles"] = [numbered(n) for n in range(1_000)]
    page = visit(f"{stage.url}/phones/sanne", MOBILE)
    expect(row(page, "k999")).to_be_in_viewport()
    assert page.locator(".row").count() == 120
    for n in range(1_000, 1_030):
        stage.send_bubbles(stage.handsets[0], numbered(n), keep=False)
    expect(row(page, "k1029")).to_be_in_viewport()
    assert page.locator(".row").count() == 120
    page.get_by_role("button", name="Show earlier messages (910)").click()
    expect(page.locator(".row")).to_have_count(240)
    expect(row(page, "k1029")).not_to_be_in_viewport()  # the reader stays where they were
    stage.send_bubbles(stage.handsets[0], {**day.bubble("new", "00:00", "Newest"), "at_ms": start + 2_000_000}, keep=False)
    page.get_by_role("button", name="1 new, to the end").click()
    expect(row(page, "new")).to_be_in_viewport()


def test_the_story_bar_tells_the_step_and_its_keys_post_actions(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    story = page.get_by_role("region", name="Story")
    expect(story.locator(".story-count")).to_have_text("6 of 8")
    expect(story.locator("[aria-current=step]")).to_contain_text("Gate change")
    expect(story.locator(".story-caption")).to_contain_text("Sanne hears of the last one only.")
    expect(story.locator(".story-note")).to_contain_text("Press a button on Sanne's phone")
    for name in ("Pause", "Next step", "Restart", "5x speed"):
        story.get_by_role("button", name=name).click()
    wait_until_sync(lambda: len(stage.posts) == 4)
    assert [body for path, body in stage.posts if path == "/sandbox/story/control"] == [
        {"action": "pause"}, {"action": "step"}, {"action": "restart"}, {"action": "speed", "speed": 5},
    ]  # fmt: skip
    stage.send("story", {**day.story(), "state": "paused", "speed": 5.0})
    expect(story.get_by_role("button", name="5x speed")).to_have_attribute("aria-pressed", "true")
    story.get_by_role("button", name="Play").click()
    wait_until_sync(lambda: len(stage.posts) == 5)
    assert stage.posts[-1][1] == {"action": "play"}


def test_the_story_bar_says_ended_and_goes_when_there_is_no_story(stage: Stage, visit: Opener) -> None:
    page = visit(f"{stage.url}/phones")
    stage.send("story", {**day.story(), "state": "ended", "position": 7, "note": None})
    expect(page.locator(".story-state")).to_have_text("ended")
    expect(page.locator(".story-count")).to_have_text("8 of 8")
    expect(page.locator(".story-note")).to_be_hidden()
    expect(page.locator(".steps .done")).to_have_count(8)
    expect(page.get_by_role("button", name="Restart")).to_be_enabled()
    stage.send("story", None)
    expect(page.locator(".story")).to_be_hidden()


def test_the_page_carries_a_strict_policy_and_serves_nothing_but_its_own_files(stage: Stage) -> None:
    host = stage.url.removeprefix("http://")

    def get(path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(host, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    policy = get("/phones").headers["Content-Security-Policy"]
    page = (Path(phones.__file__).parent / "phones.html").read_text()
    modules = [each.name for each in (Path(phones.__file__).parent / "static").glob("*.js")]
    absent = {name for name in modules if f'href="/phones/static/{name}"' not in page}
    assert absent == {"app.js", "side.js"}, "the rest is preloaded; the second is of the page with two frames"
    names = ("app.js", "..%2f__init__.py", "%2e%2e%2fphones.html", "nothing.js")
    codes = [get(f"/phones/static/{name}").status for name in names]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert codes == [200, 404, 404, 404]


class RealSandbox:
    """sandbox.app on a free port, in a thread of its own."""

    def __init__(self) -> None:
        self.config = SandboxConfig(port=0, data_dir=":memory:", seed=7)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="real-sandbox", daemon=True)
        self._thread.start()
        self.url = self._call(self._start())

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=10)

    async def _start(self) -> str:
        self._runner = web.AppRunner(make_app(self.config), shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def ask(self, method: str, path: str, body: day.Json | None = None) -> Any:
        async def asking() -> Any:
            headers = {"Authorization": f"Bearer {self.config.token}"}
            async with (
                aiohttp.ClientSession(headers=headers) as session,
                session.request(method, f"{self.url}{path}", json=body) as answer,
            ):
                assert answer.status < 300, await answer.text()
                return await answer.json()

        return self._call(asking())

    def close(self) -> None:
        self._call(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()


@pytest.fixture
def sandbox() -> Iterator[RealSandbox]:
    made = RealSandbox()
    yield made
    made.close()


def test_with_the_real_sandbox_a_message_comes_is_read_and_is_answered_by_a_button(
    sandbox: RealSandbox, visit: Opener
) -> None:
    numbers = sandbox.ask("GET", f"/v25.0/{WABA_ID}/phone_numbers")["data"]
    send = f"/v25.0/{numbers[0]['id']}/messages"
    spec = {"address": "447700900110", "name": "ann", "label": "Ann", "language": "en", "timezone": "Europe/London"}
    sandbox.ask("POST", "/sandbox/handsets", spec)
    page = visit(f"{sandbox.url}/phones", ready=".phone")
    ann = phone(page, "Ann")
    # With no conversation yet, she writes first: that opens the window.
    sandbox.ask("POST", "/sandbox/handsets/ann/say", {"text": "Is anybody there?"})
    expect(ann.locator(".row.sent .body")).to_have_text("Is anybody there?")
    buttons = [{"type": "reply", "reply": {"id": title, "title": title}} for title in ("Yes please", "No")]
    interactive = {"type": "button", "body": {"text": "Shall we help you?"}, "action": {"buttons": buttons}}
    message = {"messaging_product": "whatsapp", "to": "447700900110", "type": "interactive", "interactive": interactive,
               "biz_opaque_callback_data": "m-1.1.zz"}  # fmt: skip
    sandbox.ask("POST", send, message)
    question = ann.locator(".row.received").filter(has_text="Shall we help you?")
    expect(question.locator(".ticks")).to_have_text("read")
    sandbox.ask("PUT", "/sandbox/why", {"opaque": "m-1", "why": day.why("Because she asked.", trace="main.py trace m-1")})
    expect(question.locator("summary")).to_have_text("Because she asked.")
    question.get_by_role("button", name="Yes please").click()
    expect(question.locator(".chosen")).to_contain_text("Yes please")
    expect(ann.locator(".row.sent").last.locator(".quote")).to_contain_text("Shall we help you?")
    question.focus()
    question.get_by_role("button", name="React", exact=True).click()
    question.get_by_role("button", name="React with 👍").click()
    expect(question.locator(".reaction")).to_contain_text("👍")
    ann.get_by_role("textbox").fill("Thank you")
    ann.get_by_role("textbox").press("Enter")
    expect(ann.locator(".row.sent .body").last).to_have_text("Thank you")
    unsent = {"id": "u1", "address": "447700900110", "phone_number_id": numbers[0]["id"], "at_ms": 1_900_000_000_000,
              "body": "A survey", "reason": "asked too often", "why": None, "template": None}  # fmt: skip
    sandbox.ask("PUT", "/sandbox/unsent", unsent)
    expect(ann.locator(".row.unsent")).to_contain_text("not sent: asked too often")
    sandbox.ask("DELETE", "/sandbox/unsent/u1")
    expect(ann.locator(".row.unsent")).to_have_count(0)
    ann.get_by_role("button", name="online").click()
    expect(ann.get_by_role("button", name="phone off")).to_be_visible()
    ann.get_by_role("textbox").fill("Hello?")
    ann.get_by_role("textbox").press("Enter")
    expect(ann.get_by_role("alert")).to_have_text("the phone is off")
