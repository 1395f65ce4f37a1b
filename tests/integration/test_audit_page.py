"""The auditors' page: who sees what, that the look is written down once, pages that stand still, the table, and bad input."""

from __future__ import annotations

import csv
import html
import io
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from redis.asyncio import Redis

from gateway.insight import audit
from gateway.model.agent import Agent
from gateway.model.ids import new_contact_id, random_id
from gateway.store.facts import Fact
from gateway.webcare import audit_page, audit_table
from gateway.webcare.audit_rows import Row
from gateway.webcare.auditing import VIEW_MS
from gateway.webcare.catalogue import LOCALES, words_in
from tests.support.door import Browser, Door, open_door
from tests.support.histories import copy_of_file

HERE, THERE = random_id("v", 3), random_id("v", 4)
"""A conversation of brand zz, and one of brand yy."""


@pytest.fixture
async def door(redis: Redis, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(redis, history_url=await copy_of_file(tmp_path / "history.db")) as opened:
        yield opened
        assert opened.deps.past
        await opened.deps.past.close()


class Told:
    """Writes entries as the fold does. Each is a second younger than the one before."""

    def __init__(self, door: Door, partition: int = 0) -> None:
        self._door = door
        self._partition = partition
        self._last = 0

    async def __call__(self, what: str, about: str = "", **detail: str) -> None:
        self._last += 1
        at_ms = self._door.clock.now_ms() - 3600_000 + self._last * 1000
        fact = Fact(self._partition, f"{self._last}-0", at_ms, what, (about,) if about else (), detail)
        assert self._door.deps.past
        database = await self._door.deps.past.database()
        await database.call(lambda connection: audit.write(connection, [fact]))


async def at(door: Door, *rights: str, name: str = "ida") -> Browser:
    """In a session with a second factor, as an admin needs one."""
    agent = await door.agent(*rights, name=name)
    browser = door.browser()
    signed = await door.deps.agents.sessions.open(agent, "127.0.0.1", second=True)
    browser.client.session.cookie_jar.update_cookies({"desk": signed.token.reveal()}, door.server.make_url("/"))
    browser.token = signed.session.csrf
    return browser


async def read(browser: Browser, path: str = "/audit") -> str:
    status, text, _ = await browser.get(path)
    assert status == 200, text
    return text


def acts(page: str) -> list[str]:
    """What stands there, newest first."""
    return [html.unescape(one) for one in re.findall(r'class="audit-what">([^<]+)<', page)]


def link(page: str, rel: str = "next") -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return html.unescape(found[1]) if found else ""


async def two_brands(door: Door) -> tuple[Agent, Agent]:
    """Ann of zz and Bea of yy, and a day of theirs."""
    ann, bea = await door.agent("agent@zz", name="ann"), await door.agent("agent@yy", name="bea")
    told = Told(door)
    await told("read", HERE, agent=bea.id, brand="zz", place="p1")
    await told("read_outside", THERE, agent=ann.id, brand="yy")
    await told("searched", agent=ann.id, brand="zz", terms="h1", count="2")
    await told("signed_in", agent=ann.id, place="p1")
    await told("locked", agent=bea.id)
    await told("agent_rights", agent="operator", target=ann.id, old="agent@yy", new="agent@zz")
    await told("agent_password", agent=ann.id, target=bea.id)
    await told("stopped", who="release key", scope="all", why="a wrong gate")
    return ann, bea


async def test_who_may_not_read_the_audit_is_told_that_there_is_no_such_page(door: Door) -> None:
    for number, right in enumerate(("agent", "senior", "supervisor", "read")):
        browser = await at(door, right, name=f"p{number}")
        assert (await browser.get("/audit"))[0] == 404
        assert 'href="/audit"' not in await read(browser, "/desk")
        async with browser.client.post("/audit/table", data={"token": browser.token}) as response:
            assert response.status == 404
    assert (await door.browser().get("/audit"))[2] == "/login?next=/audit"
    for number, right in enumerate(("auditor", "admin@zz")):
        browser = await at(door, right, name=f"q{number}")
        for page in ("/audit", "/desk", "/board"):
            assert 'href="/audit"' in await read(browser, page), (right, page)
    assert [entry["kind"] for entry in await door.audit("audit_read")] == ["audit_read"] * 2


async def test_an_auditor_of_one_brand_sees_its_entries_and_its_people_and_hears_of_nothing_else(door: Door) -> None:
    ann, bea = await two_brands(door)
    house, brand = await at(door, "auditor"), await at(door, "auditor@zz/general", name="zoe")
    everything = await read(house)
    assert acts(everything) == [
        "Stopped", "A new password was set", "Rights were changed", "The desk was locked", "Signed in", "Searched",
        "Looked outside their queues", "Looked at a conversation",
    ]  # fmt: skip
    detail = ("release key", "a wrong gate", "p1", "<del>agent@yy</del>", "<ins>agent@zz</ins>", "the command line")
    for said in (*detail, "with</span> Ann", f'href="/desk/{HERE}"'):
        assert said in everything
    part = await read(brand)
    assert acts(part) == ["Rights were changed", "Signed in", "Searched", "Looked at a conversation"]
    assert "Polderwind Air" in part
    assert ">Bea</a>" in part, "she did it here"
    assert [THERE in part, bea.id in re.findall(r'<option value="(\w+)"', part), 'value="stopped"' in part] == [False] * 3
    for query, field in ((f"person={bea.id}", "person"), ("person=release+key", "person"), ("act=stopped", "act")):
        status, page, _ = await brand.get(f"/audit?{query}")
        assert (status, f'id="{field}-wrong"' in page) == (422, True), query
    assert acts(await read(brand, f"/audit?conversation={THERE}")) == []
    assert acts(await read(house, f"/audit?conversation={THERE}")) == ["Looked outside their queues"]
    assert acts(await read(house, "/audit?person=release+key")) == ["Stopped"]
    assert acts(await read(brand, f"/audit?person={ann.id}&act=signed_in")) == ["Signed in"]
    assert 'href="/desk/v' not in await read(await at(door, "admin", name="adi")), "an admin reads no conversations"


async def test_filters_take_days_whole_and_what_cannot_be_meant_is_said_at_its_field(door: Door) -> None:
    await two_brands(door)
    browser = await at(door, "auditor")
    today = (await read(browser)).split('<time datetime="')[1][:10]
    assert len(acts(await read(browser, f"/audit?from={today}&to={today}"))) >= 1
    assert acts(await read(browser, "/audit?to=2026-01-01")) == []
    wrong = {
        "from=yesterday": "from", "to=2026-02-30": "to", "from=20261123": "from", "from=2026-11-23&to=2026-11-22": "to",
        "person=g0nobody": "person", "person=%00": "person", "act=fly": "act", "conversation=v1": "conversation",
        f"conversation={new_contact_id()}": "conversation",
    }  # fmt: skip
    seen = len(await door.audit("audit_read"))
    for query, field in wrong.items():
        status, page, _ = await browser.get(f"/audit?{query}")
        assert (status, re.findall(r'id="(\w+)-wrong"', page), acts(page)) == (422, [field], []), query
    assert len(await door.audit("audit_read")) == seen, "nothing was looked at"


async def test_pages_stand_still_and_a_view_is_written_down_once_until_an_hour_has_passed(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_page, "PAGE", 2)
    told = Told(door)
    ann = await door.agent("agent", name="ann")
    for kind in ("signed_in", "locked", "unlocked", "signed_out", "read"):
        await told(kind, HERE if kind == "read" else "", agent=ann.id, brand="zz")
    browser = await at(door, "auditor")
    first = await read(browser, f"/audit?person={ann.id}")
    await told("searched", agent=ann.id, brand="zz")
    second = await read(browser, link(first))
    third = await read(browser, link(second))
    assert [acts(page) for page in (first, second, third)] == [
        ["Looked at a conversation", "Signed out"], ["The desk was unlocked", "The desk was locked"], ["Signed in"],
    ]  # fmt: skip
    assert link(third) == ""
    (entry,) = await door.audit("audit_read")
    assert {"person": ann.id, "place": door.deps.agents.place_of("127.0.0.1")}.items() <= entry.items()
    for views in (1, 1, 2):  # an hour later it is another view
        door.clock.offset_ms += VIEW_MS // 3
        assert acts(await read(browser, link(first))) == acts(second)
        assert len(await door.audit("audit_read")) == views
    page = link(first).partition("page=")[2]
    other = await at(door, "auditor", name="ole")
    mine = f"/audit?person={ann.id}&page={page[:-1]}"
    for path in (f"/audit?page={page}", mine, "/audit?page=now", f"/audit?page={quote('1.0.1-0~1~x')}", link(first)):
        asking = other if path == link(first) else browser
        status, text, _ = await asking.get(path)
        assert (status, "Begin with the newest" in text, acts(text)) == (422, True, []), path
    assert len(await door.audit("audit_read")) == 2


async def table(browser: Browser, **fields: str) -> tuple[int, str, Mapping[str, Any]]:
    async with browser.client.post("/audit/table", data={"token": browser.token, **fields}, allow_redirects=False) as response:
        return response.status, await response.text(), response.headers


async def test_the_table_holds_what_the_filters_find_and_is_an_entry_with_its_count_before_it_leaves(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_table, "STEP", 3)
    await two_brands(door)
    await Told(door, 1)("stopped", who="=cmd()", scope="@all", why='said "no", twice')
    brand, house = await at(door, "auditor@zz"), await at(door, "auditor", name="ole")
    status, text, answered = await table(brand)
    assert (status, answered["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert re.fullmatch(r'attachment; filename="audit-[\d-]{10}\.csv"', answered["Content-Disposition"])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["what"] for row in rows] == ["agent_rights", "signed_in", "searched", "read"]
    assert (rows[0]["who"], rows[0]["old"], rows[0]["new"], rows[0]["more"]) == ("operator", "agent@yy", "agent@zz", "target=Ann")
    _, text, _ = await table(house, act="stopped", person="=cmd()")
    assert "person" in text, "a word with a bracket is nobody's"
    _, text, _ = await table(house, act="stopped")
    assert [row["who"] for row in csv.DictReader(io.StringIO(text))] == ["release key", "'=cmd()"]
    entries = await door.audit("audit_exported")
    assert [(entry["count"], entry.get("act")) for entry in entries] == [("4", None), ("2", "stopped")]
    assert (await table(house, act="fly"))[0] == 422
    assert (await table(house, token="other"))[0] == 403
    data, headers = {"token": house.token}, {"Sec-Fetch-Site": "cross-site"}
    async with house.client.post("/audit/table", data=data, headers=headers) as refused:
        assert refused.status == 403
    monkeypatch.setattr(audit_table, "MOST", 3)
    status, text, _ = await table(brand)
    assert (status, "choose fewer days" in text) == (422, True)
    assert len(await door.audit("audit_exported")) == 2


async def test_entries_outlive_the_person_they_are_about_and_a_locked_desk_shows_none(door: Door) -> None:
    ann, _ = await two_brands(door)
    browser = await at(door, "auditor")
    await door.deps.agents.set_disabled(ann.id, True)
    assert acts(await read(browser, f"/audit?conversation={HERE}")) == ["Looked at a conversation"]
    assert (await browser.post("/desk/lock"))[0] == 200
    assert (await browser.get("/audit"))[2] == "/login?next=/audit"
    assert (await table(browser))[0] == 303


async def test_a_history_that_does_not_answer_is_said_and_half_a_table_does_not_pass_for_a_whole_one(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_table, "STEP", 3)
    await two_brands(door)
    browser, real = await at(door, "auditor"), audit_table.rows

    def lost(entries: Any, names: Any) -> list[Row]:
        """The first rows are on their way when the table goes."""
        with closing(sqlite3.connect(tmp_path / "history.db")) as database:
            database.execute("ALTER TABLE audit RENAME TO gone")
        return real(entries, names)

    monkeypatch.setattr(audit_table, "rows", lost)
    with pytest.raises(aiohttp.ClientPayloadError):
        await table(browser)
    for status, page in ((await browser.get("/audit"))[:2], (await table(browser))[:2]):
        assert (status, "The history does not answer now" in page) == (503, True)


def test_every_entry_that_there_is_has_a_word_in_each_language() -> None:
    for locale in LOCALES:
        assert {f"audit.what.{kind}" for kind in audit.KINDS} - set(words_in(locale).words) == set(), locale

