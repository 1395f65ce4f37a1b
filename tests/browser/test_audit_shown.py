"""The auditors' page and the search's older pages in a browser: accessible, wide and narrow, by keyboard, without a script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from gateway.insight import audit
from gateway.insight.closing import keep_closed
from gateway.model.agent import Agent, AgentId
from gateway.store.conversation_records import Records
from gateway.store.conversations import Command
from gateway.store.facts import Fact
from tests.browser.desk_stage import Stage
from tests.browser.test_desk_access import SMALL, WIDER


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage(history=True)
    yield stage
    stage.close()


def look(
    browser: Browser, stage: Stage, agent: Agent, path: str, width: int = 1280,
    scheme: Literal["light", "dark"] = "light", *, locale: str = "en-GB", script: bool = True,
) -> Page:  # fmt: skip
    signed = stage.call(stage.agents.sessions.open(agent, "127.0.0.1", second=True))
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale=locale, java_script_enabled=script
    )
    context.add_cookies([{"name": "desk", "value": signed.token.reveal(), "url": stage.url}])
    page = context.new_page()
    page.goto(f"{stage.url}{path}")
    return page


def a_week(stage: Stage, ann: Agent) -> None:
    """Sixty entries, the last of them one of each kind that there is."""
    kinds = [*["signed_in"] * 10, *sorted(audit.KINDS)]
    detail = {"agent": ann.id, "target": ann.id, "place": "0a1b2c3d4e5f", "old": "agent@zz", "new": "senior@zz", "why": "asked"}
    now, talk = stage.clock.now_ms(), "v07" + "0" * 13
    facts = [Fact(0, f"{number}-0", now - 99_000 + number * 1000, kind, (talk,), detail) for number, kind in enumerate(kinds)]

    async def work() -> None:
        assert stage.deps.past
        database = await stage.deps.past.database()
        await database.call(lambda connection: audit.write(connection, facts))

    stage.call(work())


async def lock_all(stage: Stage) -> None:
    for one in await stage.agents.sessions.all():
        await stage.agents.sessions.lock(one)


def holds(page: Page, state: str) -> None:
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:90] for node in one["nodes"]]) for one in found] == [], state
    assert page.evaluate(SMALL, 24) == [], state
    assert page.evaluate(WIDER) <= 0, state


def test_an_auditor_finds_an_act_turns_back_and_takes_it_out_by_keyboard_at_any_width(stage: Stage, browser: Browser) -> None:
    ida, ann = stage.agent("ida@example.org", "Ida Moor", ("auditor",)), stage.agent("ann@example.org", "Ann Berg")
    a_week(stage, ann)
    for width, scheme, locale in ((1280, "light", "en-GB"), (320, "dark", "nl-NL")):
        page = look(browser, stage, ida, "/audit", width, "dark" if scheme == "dark" else "light", locale=locale)
        expect(page.get_by_role("heading", level=1)).to_have_text("Wie wat deed" if locale == "nl-NL" else "Who did what")
        holds(page, f"entries {width}")
        page.goto(f"{stage.url}/audit?from=2026-02-30&conversation=x&person=nobody&act=fly")
        expect(page.get_by_role("alert")).to_be_visible()
        holds(page, f"refused {width}")
        page.context.close()
    page = look(browser, stage, ida, "/board")
    page.get_by_role("link", name="Audit").press("Enter")
    expect(page.get_by_role("row")).to_have_count(51)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the entries")).to_be_focused()
    page.get_by_role("link", name="Older").press("Enter")
    expect(page.get_by_role("link", name="Newest")).to_be_visible()
    expect(page.get_by_text("These are the oldest.")).to_be_visible()
    page.locator("select[name=act]").focus()
    page.keyboard.type("Rights")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("row").last).to_contain_text("agent@zz")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Take out as a table").press("Enter")
    assert taken.value.suggested_filename.endswith(".csv")
    assert taken.value.path().read_text().splitlines()[1].split(",")[1:4] == ["Ann Berg", ann.id, "agent_rights"]
    page.clock.install()
    page.reload()
    stage.call(lock_all(stage))
    page.clock.fast_forward(31_000)
    expect(page.locator("#password")).to_be_visible()
    page.context.close()
    plain = look(browser, stage, ida, "/audit", script=False)
    plain.locator("select[name=act]").select_option("erased")
    plain.get_by_role("button", name="Show").click()
    expect(plain.get_by_role("row")).to_have_count(2)
    plain.context.close()


def test_a_search_goes_on_to_older_pages_by_keyboard(stage: Stage, browser: Browser) -> None:
    tom = stage.agent("tom@example.org", "Tom Vale", ("agent",))
    mila = stage.person("Mila Winter", "+447700900133")
    for number in range(53):
        stage.says(mila, f"umbrella {number}", ago_ms=(60 - number) * 60_000)

    async def finish() -> None:
        one, conversations = mila.conversation, stage.conversations
        taken = await conversations.take(Command(one, AgentId("g9"), (await conversations.get(one)).epoch, "take"))
        await conversations.finish(Command(one, AgentId("g9"), taken.epoch, "finish"))
        assert stage.deps.past
        await keep_closed(Records(stage.redis), await stage.deps.past.closed(), stage.clock)

    stage.call(finish())
    page = look(browser, stage, tom, "/desk", 390)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.keyboard.press("Control+k")
    page.keyboard.type("umbrella")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".search-hit")).to_have_count(50)
    holds(page, "found")
    dialog.get_by_role("button", name="Older").press("Enter")
    expect(dialog.locator(".search-hit")).to_have_count(53)
    expect(dialog).to_contain_text("53 found")
    said = [text.split()[-1] for text in dialog.locator(".search-hit").all_inner_texts()]
    assert said == [str(number) for number in reversed(range(53))]
    expect(dialog.locator(".search-hit").nth(50)).to_be_focused()
    expect(dialog.get_by_role("button", name="Older")).to_be_hidden()
    page.context.close()
