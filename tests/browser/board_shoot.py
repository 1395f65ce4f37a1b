"""Take docs/pictures/board-*.png: `python -m tests.browser.board_shoot [--to FOLDER]`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, expect, sync_playwright

from gateway.model.conversation import Agent
from gateway.model.ids import EventId, SubjectId, random_id
from gateway.model.webcare import AgentStatus
from gateway.store.alarms import Firing
from gateway.store.fuses import Held
from gateway.store.senders import Stop
from tests.browser.desk_shoot import keep
from tests.browser.desk_stage import Stage
from tests.support.chromium import where

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
MINUTE = 60_000


def set_the_board(stage: Stage) -> Agent:
    """A busy moment: people wait, one alert, a fuse that blew, a sender that somebody stopped. The supervisor who looks."""
    sue = stage.agent("sue@example.org", "Sue Lind", ("supervisor",))
    assert stage.deps.presence is not None and stage.deps.hands is not None  # noqa: PT018  a stage has both
    presence, hands, now = stage.deps.presence, stage.deps.hands, stage.clock.now_ms()
    for name, status in (("Ann Berg", AgentStatus.AVAILABLE), ("Tom Vale", AgentStatus.BREAK), ("Mara Wind", AgentStatus.BUSY)):
        agent = stage.agent(f"{name.split()[0].lower()}@example.org", name)
        stage.call(presence.choose(agent.id, status))
        stage.call(presence.beat(agent.id))
    for number, (name, text) in enumerate((("Mila Winter", "Is my seat still 14C?"), ("Noor", "Kan ik omboeken?"))):
        person = stage.person(name, f"+44770090010{number}")
        stage.says(person, text, ago_ms=(9 - 3 * number) * MINUTE)
    said, page = "The channel has paused sender zz-wa", "docs/runbook/SenderHeldUp.md"
    alert = Firing("f1", "SenderHeldUp", "page", said, page, now - 12 * MINUTE)
    stage.call(hands.alarms.show([alert]))
    event, subject = EventId(random_id("e", 0)), SubjectId(random_id("j", 0))
    held = Held(event, subject, ("gate_changed",), 4_812, "usual", 600, now - 4 * MINUTE)
    stage.call(hands.fuses.blow(held))
    stage.call(hands.book.stop(Stop("sender:zz-wa", 0, sue.id, "the channel asked us to wait", now - 11 * MINUTE)))
    return sue


def open_board(
    browser: Browser, stage: Stage, agent: Agent, size: tuple[int, int], scheme: Literal["light", "dark"] = "light",
    locale: str = "en-GB",
) -> Page:
    """A browser in which the supervisor has signed in, with their second factor."""
    signed = stage.call(stage.agents.sessions.open(agent, "127.0.0.1", second=True))
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce", locale=locale
    )
    context.add_cookies([{"name": "desk", "value": signed.token.reveal(), "url": stage.url}])
    page = context.new_page()
    page.goto(f"{stage.url}/board")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=PICTURES)
    to = parser.parse_args().to
    stage = Stage()
    try:
        sue = set_the_board(stage)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=where())
            schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
            for scheme in schemes:
                keep(open_board(browser, stage, sue, (1440, 1000), scheme), to / f"board-{scheme}.png")
                page = open_board(browser, stage, sue, (390, 844), scheme, "nl-NL")
                keep(page, to / f"board-phone-{scheme}.png")
                page.locator(".board-hand [data-do=stop]").click()
                expect(page.get_by_role("dialog")).to_be_visible()
                keep(page, to / f"board-phone-stop-{scheme}.png")
            browser.close()
    finally:
        stage.close()


if __name__ == "__main__":
    main()
