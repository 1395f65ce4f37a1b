"""The lock and the second factor, through the console's own routes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pyotp
import pytest
import zxingcpp
from PIL import Image, ImageDraw
from redis.asyncio import Redis

from gateway.model.personal import Secret
from gateway.model.webcare import AgentStatus
from gateway.store import keys
from gateway.store.second import TRIES, SecondFactors
from gateway.store.sessions import IDLE_MS, SESSION_MS, TRIES_PER_NAME, SignedIn
from gateway.store.tries import Throttled
from gateway.webcare import lookout
from gateway.webcare.signing import picture
from tests.support.door import PASSWORD, Browser, Door, open_door


@pytest.fixture
async def door(redis: Redis) -> AsyncIterator[Door]:
    async with open_door(redis) as opened:
        yield opened


async def at_desk(door: Door) -> Browser:
    browser = door.browser()
    assert (await browser.sign_in())[0] == 303
    await browser.read_token()
    return browser


# the lock


async def test_after_half_an_hour_without_a_key_the_desk_is_locked_and_its_own_agent_opens_it_again(door: Door) -> None:
    agent = await door.agent()
    assert door.deps.presence
    await door.deps.presence.choose(agent.id, AgentStatus.AVAILABLE)
    page = await at_desk(door)
    door.clock.offset_ms += IDLE_MS - 60_000
    assert (await page.post("/desk/seen"))[0] == 200
    door.clock.offset_ms += IDLE_MS - 60_000
    # What the page asks by itself is no sign of anybody.
    assert (await page.get("/desk/alive"))[0] == 200
    door.clock.offset_ms += 61_000
    for path in ("/desk/parts", "/desk/alive"):
        status, text, _ = await page.get(path)
        assert status == 423
        assert '"locked"' in text
    assert (await page.post("/desk/seen"))[0] == 423
    assert (await page.get("/desk"))[2].startswith("/login")
    await asyncio.gather(*(lookout.look(door.deps) for _ in range(3)))
    assert (await door.deps.presence.get(agent.id)).status is AgentStatus.BREAK
    assert len(await door.audit("locked")) == 1
    assert (await page.post("/desk/unlock", {"password": "wrong"}))[0] == 403
    assert (await page.post("/desk/unlock", {}))[0] == 403
    assert (await page.post("/desk/unlock", {"password": PASSWORD}))[0] == 200
    assert (await page.post("/desk/seen"))[0] == 200
    assert [one["kind"] for one in await door.audit("unlocked", "unlock_failed")] == ["unlock_failed"] * 2 + ["unlocked"]


async def test_locking_by_hand_locks_every_page_of_the_session_and_none_of_another(door: Door) -> None:
    agent = await door.agent()
    assert door.deps.presence
    await door.deps.presence.choose(agent.id, AgentStatus.AVAILABLE)
    here, there = await at_desk(door), await at_desk(door)
    assert (await here.post("/desk/lock"))[0] == 200
    assert (await here.get("/desk/alive"))[0] == 423
    assert (await there.post("/desk/seen"))[0] == 200
    await lookout.look(door.deps)
    assert (await door.deps.presence.get(agent.id)).status is AgentStatus.AVAILABLE
    third = await at_desk(door)
    assert (await third.post("/logout"))[0] == 200
    assert (await door.deps.presence.get(agent.id)).status is AgentStatus.AVAILABLE, "there they are still"
    assert (await there.post("/logout"))[0] == 200
    assert (await door.deps.presence.get(agent.id)).status is AgentStatus.OFFLINE, "nobody is at a locked page"


async def test_a_locked_desk_cannot_be_guessed_open_and_ends_with_its_day(door: Door) -> None:
    await door.agent()
    page = await at_desk(door)
    await page.post("/desk/lock")
    statuses = [(await page.post("/desk/unlock", {"password": "wrong"}))[0] for _ in range(TRIES_PER_NAME + 1)]
    assert statuses == [403] * TRIES_PER_NAME + [429]
    assert (await page.post("/desk/unlock", {"password": PASSWORD}))[0] == 429
    door.clock.offset_ms += SESSION_MS
    assert (await page.post("/desk/unlock", {"password": PASSWORD}))[0] == 401
    assert await door.deps.agents.sessions.all() == []
    assert not await door.redis.exists(keys.SIGNED)


async def test_an_old_look_at_a_lock_does_not_lock_again_what_was_opened_meanwhile(door: Door) -> None:
    await door.agent()
    page = await at_desk(door)
    door.clock.offset_ms += IDLE_MS
    (old,) = await door.deps.agents.sessions.all()
    assert old.locked
    assert (await page.post("/desk/unlock", {"password": PASSWORD}))[0] == 200
    assert not await door.deps.agents.sessions.note_lock(old)
    assert (await page.post("/desk/seen"))[0] == 200


async def test_somebody_who_signs_out_of_a_locked_desk_is_out(door: Door) -> None:
    await door.agent()
    page = await at_desk(door)
    await page.post("/desk/lock")
    assert (await page.post("/logout"))[0] == 200
    assert (await page.get("/desk/alive"))[0] == 401
    assert len(await door.audit("signed_out")) == 1


async def test_many_wrong_passwords_at_once_are_no_more_tries_than_many_in_a_row(door: Door) -> None:
    await door.agent()
    sessions = door.deps.agents.sessions
    tries = [sessions.sign_in("ann", Secret(f"wrong {number}"), "192.0.2.1") for number in range(3 * TRIES_PER_NAME)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(answer is None for answer in answers) == TRIES_PER_NAME
    assert sum(isinstance(answer, Throttled) for answer in answers) == 2 * TRIES_PER_NAME


# the second factor


def code_of(door: Door, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(door.clock.now_ms() // 1000 + 30 * steps)


async def enrolled(door: Door, browser: Browser) -> tuple[str, list[str]]:
    """Set up the second factor as a person does; the secret and the codes on paper."""
    status, _, onward = await browser.sign_in()
    assert (status, onward) == (303, "/login/second?next=/desk")
    _, text, _ = await browser.get("/login/second")
    found = re.search(r'class="login-secret">([A-Z2-7 ]+)<', text)
    assert found
    secret = found[1].replace(" ", "")
    status, text, _ = await browser.form("/login/second", code=code_of(door, secret))
    assert status == 200
    return secret, re.findall(r"<li>([a-z0-9-]+)</li>", text)


async def test_a_supervisor_reaches_nothing_before_the_second_factor_is_set_up(door: Door) -> None:
    agent = await door.agent("supervisor@zz")
    browser = door.browser()
    await browser.sign_in()
    for path in ("/desk", "/desk/v00abc"):
        assert (await browser.get(path))[2].startswith("/login")
    assert (await browser.get("/desk/alive"))[0] == 401
    # What is kept by then holds neither the secret nor the token in the open.
    _, text, _ = await browser.get("/login/second")
    found = re.search(r'class="login-secret">([A-Z2-7 ]+)<', text)
    assert found
    secret = found[1].replace(" ", "").encode()
    for name in await door.redis.keys():
        assert secret not in await door.redis.dump(name)
    assert (await browser.form("/login/second", code="000000"))[0] == 403
    assert (await browser.form("/login/second", code=code_of(door, secret.decode())))[0] == 200
    assert (await browser.get("/desk"))[0] == 200
    assert await door.deps.agents.sessions.seconds.enrolled(agent.id)
    kinds = ("second_failed", "second_enrolled", "signed_in")
    assert [one["kind"] for one in await door.audit(*kinds)] == list(kinds)


def test_the_picture_reads_as_what_the_app_needs() -> None:
    address = SecondFactors.address(SecondFactors.new_secret(), "ann@example.org")
    side, path = picture(address)
    # Each part of the path is a block of squares: draw it as an app's camera would see it, and read it.
    assert read_back(side, path) == address


def read_back(side: int, path: str) -> str:
    image = Image.new("L", (side * 4, side * 4), 255)
    draw = ImageDraw.Draw(image)
    for x, y, wide, high in re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+Z", path):
        left, top = float(x) * 4, float(y) * 4
        draw.rectangle((left, top, left + float(wide) * 4 - 1, top + float(high) * 4 - 1), fill=0)
    found = zxingcpp.read_barcodes(image)
    return found[0].text if found else ""


async def test_a_code_counts_once_and_the_ones_on_paper_count_once_each(door: Door) -> None:
    await door.agent("admin")
    secret, paper = await enrolled(door, door.browser())
    assert len(set(paper)) == 10
    again = door.browser()
    await again.sign_in()
    # The one that set it up was used by that, also in the next window.
    assert (await again.form("/login/second", code=code_of(door, secret)))[0] == 403
    assert (await again.form("/login/second", code=code_of(door, secret, 1)))[0] == 303
    other = door.browser()
    await other.sign_in()
    assert (await other.form("/login/second", code=paper[0].upper().replace("-", " ")))[0] == 303
    third = door.browser()
    await third.sign_in()
    assert (await third.form("/login/second", code=paper[0]))[0] == 403
    assert [one["left"] for one in await door.audit("recovery_used")] == ["9"]


async def test_one_code_in_two_windows_at_once_opens_one_of_them(door: Door) -> None:
    agent = await door.agent("admin")
    secret, paper = await enrolled(door, door.browser())
    seconds = door.deps.agents.sessions.seconds
    for code in (code_of(door, secret, 1), paper[3]):
        checks = await asyncio.gather(*(seconds.check(agent.id, code) for _ in range(3)))
        assert sum(one.right for one in checks) == 1
        await seconds._tries.forget("second", agent.id)


async def test_codes_cannot_be_guessed(door: Door) -> None:
    agent = await door.agent("admin")
    secret, _ = await enrolled(door, door.browser())
    browser = door.browser()
    await browser.sign_in()
    statuses = [(await browser.form("/login/second", code=f"00000{number}"))[0] for number in range(TRIES + 1)]
    assert statuses == [403] * TRIES + [429]
    assert (await browser.form("/login/second", code=code_of(door, secret, 1)))[0] == 429
    with pytest.raises(Throttled):
        await door.deps.agents.sessions.seconds.check(agent.id, "123456")


async def test_who_becomes_a_supervisor_signs_in_anew_with_two_factors(door: Door) -> None:
    agent = await door.agent("agent")
    page = await at_desk(door)
    await door.deps.agents.set_rights(agent.id, ("supervisor",))
    assert (await page.post("/desk/seen"))[0] == 401
    assert (await page.sign_in())[2].startswith("/login/second")


async def test_a_reset_forgets_the_phone_and_a_half_sign_in_ends_by_itself(door: Door) -> None:
    agent = await door.agent("admin")
    secret, _ = await enrolled(door, door.browser())
    assert await door.deps.agents.sessions.seconds.reset(agent.id)
    assert not await door.deps.agents.sessions.seconds.reset(agent.id)
    browser = door.browser()
    await browser.sign_in()
    _, text, _ = await browser.get("/login/second")
    assert "login-secret" in text
    assert secret not in text.replace(" ", "")
    for name in await door.redis.keys("half:*"):
        await door.redis.delete(name)
    assert (await browser.get("/login/second"))[2] == "/login"


async def test_two_changes_of_one_agent_at_once_are_both_kept(door: Door) -> None:
    agent = await door.agent("senior@zz")
    changes: list[dict[str, Any]] = [
        {"rights": ("agent@zz",)}, {"languages": ("nl", "en")}, {"skills": ("refunds",)}, {"locale": "nl"}, {"limit_factor": 3},
    ]  # fmt: skip
    await asyncio.gather(*(door.deps.agents.change(agent.id, **one) for one in changes))
    after = await door.deps.agents.get(agent.id)
    assert (after.rights, after.languages, after.skills) == (("agent@zz",), ("nl", "en"), ("refunds",))
    assert (after.locale, after.limit_factor) == ("nl", 3)


async def test_a_session_of_before_there_was_a_lock_goes_on(door: Door) -> None:
    agent = await door.agent()
    sessions = door.deps.agents.sessions
    signed = await sessions.sign_in("ann", Secret(PASSWORD), "192.0.2.1")
    assert isinstance(signed, SignedIn)
    name = f"session:{signed.session.id}"
    old = f'{{"agent":"{agent.id}","csrf":"x","made":{signed.session.made_ms}}}'
    await door.redis.set(name, old, px=IDLE_MS)
    found = await sessions.get(signed.token.reveal())
    assert found
    assert not found[1].locked
    assert await door.redis.pttl(name) > IDLE_MS
