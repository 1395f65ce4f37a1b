"""Take docs/pictures/desk-*.png: `python -m tests.browser.desk_shoot [--to FOLDER]`.

Each state at 1440 and 390 pixels, light and dark.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gateway.model.message import DeliveryStatus
from gateway.model.personal import Personal
from tests.browser.desk_stage import INBOX_APP, PASSWORD, Person, Stage
from tests.support.chromium import where

SIZES = {"desktop": (1440, 900), "mobile": (390, 844)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
MINUTE = 60_000


def set_the_stage(stage: Stage) -> Person:
    """A morning with a late flight: one conversation to play, five people who wait."""
    stage.agent("ann@example.org", "Ann Berg")
    tom = stage.agent("tom@example.org", "Tom Vale")
    mila = stage.person("Mila Winter", "+447700900101", order="ZX7K2P", language="nl-NL")
    stage.told(mila, "order_confirmed", "Your booking with number ZX7K2P is confirmed.", ago_ms=26 * 60 * MINUTE)
    told = stage.told(
        mila, "gate_changed", "Your flight ZZ1007 to London Heathrow now leaves from gate D24, not B13.", ago_ms=34 * MINUTE
    )
    stage.says(mila, "Is my seat still 14C?", ago_ms=12 * MINUTE, answers=told)
    stage.says(mila, "We travel with a pram, can we take it to the gate?", ago_ms=11 * MINUTE)
    stage.note(tom, mila, "The pram was booked at the counter this morning.")
    waiting = [
        ("Noor", "+447700900102", "Kan ik mijn vlucht omboeken naar morgenochtend? Ik sta vast in de trein.", 9, 23 * 60 + 20),
        ("יעל", "+447700900103", "שלום, איפה המזוודה שלי?", 6, None),
        ("Pim", "+447700900104", "", 4, None),
        ("Ola", "+447700900105", "Where do I find the desk for oversized luggage? I see two.", 2, None),
        ("Sam", "+447700900106", "Can I still change my meal?", 1, None),
    ]
    for name, number, text, ago, window in waiting:
        person = stage.person(name, number)
        media = None if text else {"mime": "image/jpeg", "filename": "suitcase.jpg"}
        stage.says(
            person, text, ago_ms=ago * MINUTE, kind="text" if text else "media", media=media,
            window_ago_ms=window * MINUTE if window else None,
        )  # fmt: skip
    return mila


def set_the_shared_stage(stage: Stage) -> Person:
    """A thread in which the channel's own inbox and an assistant have spoken too."""
    lies = stage.person("Lies de Wit", "6100000000000107", order="EXR4T7", language="nl-NL", page=True)
    stage.told(lies, "trip_delayed", "Uw trein RE 4711 naar Marienau vertrekt 25 minuten later.", ago_ms=50 * MINUTE)
    stage.says(lies, "Rijdt de RE 4711 morgen?", ago_ms=30 * MINUTE)
    stage.changes(lies, 1, "Rijdt de RE 4713 morgenochtend?", ago_ms=25 * MINUTE)
    stage.outside(lies, "Ik ben de assistent van deze pagina. Ik zoek het voor u op.", by_person=False, ago_ms=24 * MINUTE)
    stage.outside(lies, "Goedemorgen, met Mara van de servicebalie. Die rijdt om 07:15 van spoor 7.", ago_ms=20 * MINUTE)
    stage.says(lies, "❤️", kind="reaction", ago_ms=18 * MINUTE, about=Personal("wamid.o3"))
    stage.says(lies, "Kan ik iemand spreken over mijn plaats?", ago_ms=10 * MINUTE, standby=True)
    stage.held(lies, INBOX_APP)
    return lies


def play(stage: Stage, page: Page, mila: Person) -> None:
    """Take it and answer twice: one arrives, of the other nobody knows."""
    page.get_by_role("button", name="Take", exact=True).click()
    expect(page.locator("#reply-text")).to_be_focused()
    page.fill("#reply-text", "Yes, 14C stays yours. You may take the pram to the gate; they put it on board for you there.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".line.out")).to_have_count(1)
    stage.dispatch(mila)
    stage.status(stage.messages(mila)[0], DeliveryStatus.DELIVERED)
    page.fill("#reply-text", "Have a good flight!")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".line.out")).to_have_count(2)
    stage.dispatch(mila, "x", reason="uncertain_ask")
    expect(page.locator(".decide")).to_be_visible()
    page.locator("#conversation").focus()
    page.mouse.move(5, 5)


def open_page(browser: Browser, stage: Stage, path: str, size: tuple[int, int], scheme: Literal["light", "dark"]) -> Page:
    page = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
    ).new_page()
    page.goto(f"{stage.url}{path}")
    page.fill("#name", "ann@example.org")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    return page


def keep(page: Page, path: Path) -> None:
    """A picture of the page in 128 colours: a fifth of the weight, and the eye sees no difference."""
    drawn = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    drawn.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def shoot_states(browser: Browser, stage: Stage, at: str, to: Path) -> None:
    """What a day begins and ends with: signing in, the lists, the keys, the lock, signing out."""
    for screen, (width, height) in SIZES.items():
        for scheme in SCHEMES:
            name = f"{screen}{'-dark' if scheme == 'dark' else ''}.png"
            page = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
            page.goto(f"{stage.url}/login")
            keep(page, to / f"desk-login-{name}")
            page = open_page(browser, stage, at, (width, height), scheme)
            keep(page, to / f"desk-{name}")
            page.locator("#keys").evaluate("node => node.showModal()")
            keep(page, to / f"desk-keys-{name}")
            page.keyboard.press("Escape")
            page.locator("#sign-out").click()
            expect(page.locator("#leaving")).to_be_visible()
            keep(page, to / f"desk-leaving-{name}")
            page.get_by_role("button", name="Stay").click()
            page.locator("#lock-now").click()
            expect(page.locator("#lock")).to_be_visible()
            keep(page, to / f"desk-lock-{name}")
            page.context.close()


def shoot(to: Path) -> None:
    stage = Stage()
    try:
        mila = set_the_stage(stage)
        at = f"/desk/{mila.conversation}"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=where(), args=["--no-sandbox"])
            page = open_page(browser, stage, at, (1440, 900), "light")
            play(stage, page, mila)
            shoot_states(browser, stage, at, to)
            keep(open_page(browser, stage, "/desk", SIZES["mobile"], "light"), to / "desk-mobile-lists.png")
            lies = set_the_shared_stage(stage)
            page = open_page(browser, stage, f"/desk/{lies.conversation}", (1440, 900), "light")
            page.get_by_role("button", name="Take", exact=True).click()
            page.locator(".line.in").last.get_by_role("button", name="Quote").click()
            page.locator(".versions summary").click()
            page.locator("#thread").evaluate("node => { node.scrollTop = node.scrollHeight }")
            keep(page, to / "desk-shared.png")
            browser.close()
    finally:
        stage.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=PICTURES)
    shoot(parser.parse_args().to)


if __name__ == "__main__":
    main()
