"""`templates` where a notification has two versions: what is pushed, what is sent meanwhile, and what differs at the channel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.whatsapp.templates import GraphCall, WhatsAppTemplates
from gateway.connector import Sender
from gateway.model.ids import SenderId
from gateway.model.personal import Secret
from gateway.notifications.catalogue import Catalogue, load
from gateway.notifications.push import Action, push, status
from gateway.store import keys
from gateway.store.senders import Senders
from gateway.store.signs import Signs
from sandbox.keys import WORLD
from tests.integration.commands_stage import CONFIG, WABA, Channel, House, Launcher, channel, house, launcher
from tests.support.versions import write_versions
from tests.support.waiting import wait_until

__all__ = ["launcher"]

SENDER = SenderId("whatsapp")
LANGUAGES = ("nl", "en", "de", "fr")
OLD = tuple(f"{language}.v1" for language in LANGUAGES)
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
async def phones() -> AsyncIterator[Channel]:
    async with channel() as made:
        yield made


@pytest.fixture
async def home(data_dir: Path, launcher: Launcher, phones: Channel) -> AsyncIterator[House]:
    """Version 1 is at the channel, approved."""
    folder = data_dir / "templates"
    write_versions(folder, *LANGUAGES, version=1)
    more = {"GATEWAY_TEMPLATES_DIR": str(folder), "GATEWAY_GRAPH_URL": phones.url, "GATEWAY_BRAND": "zz"}
    await create(phones, load(folder))
    async with house(data_dir, launcher, **more) as made:
        yield made


async def create(phones: Channel, catalogue: Catalogue) -> None:
    """As `templates push` does, without a process of its own."""
    sender = Sender(SENDER, "whatsapp", "zz", {"waba_id": WABA}, "", Secret(CONFIG.token))
    async with aiohttp.ClientSession() as session:
        admin = WhatsAppTemplates(lambda sender: GraphCall(session, f"{phones.url}/v25.0", sender), app_id=None)
        assert not [one for one in await push(catalogue, admin, sender) if one.error]
        steps = await status(catalogue, admin, sender, wait_s=10, first_s=0.02)
        assert {one.action for one in steps} == {Action.UNCHANGED}


def raised(home: House) -> None:
    write_versions(home.data_dir / "templates", *LANGUAGES, *OLD, version=2)


async def put(phones: Channel, path: str, **value: object) -> None:
    async with aiohttp.ClientSession(phones.url) as session, session.put(path, json=value) as answer:
        assert answer.status == 200, await answer.text()


async def decide(phones: Channel, template: str, language: str, **value: object) -> None:
    store = phones.server.app[WORLD].store
    row = store.row("SELECT id FROM templates WHERE name = ? AND language = ?", template, language)
    assert row is not None
    url = f"/sandbox/templates/{row['id']}/decide"
    async with aiohttp.ClientSession(phones.url) as session, session.post(url, json=value) as answer:
        assert answer.status == 200, await answer.text()


async def test_a_new_version_is_followed_from_the_push_to_the_switch(home: House, phones: Channel) -> None:
    senders = Senders(home.redis, home.clock)
    await senders.switch(SENDER, "late", 1, languages=LANGUAGES)
    raised(home)
    await put(phones, "/sandbox/account", review="hold")
    ran = await home.run("templates", "push")
    assert "whatsapp: late: version 1 is sent since " in ran.out
    assert "; version 2 waits for de, en, fr and nl" in ran.out
    for language in ("nl", "en", "de"):
        await decide(phones, "late_v2", language, decision="APPROVED")
    ran = await home.run("templates", "status", "--json")
    assert ran.data["senders"][0]["versions"][0] | {"since": None} == {
        "notification": "late", "version": 1, "since": None, "before": 0, "approved_in": list(LANGUAGES), "by": None,
        "waits": {"version": 2, "lacks": ["fr"]},
    }  # fmt: skip

    # The last language is approved while the command looks on; a gateway hears of it and switches.
    await Signs(home.redis).put("a:8081", [])
    waiting = asyncio.create_task(home.run("templates", "status", "--wait", "20"))
    await decide(phones, "late_v2", "fr", decision="APPROVED")
    await senders.switch(SENDER, "late", 2, languages=LANGUAGES)
    followed = await waiting
    assert followed.code == 0, followed.out
    assert "whatsapp: late: version 2 is sent since " in followed.out
    assert "in place of 1, approved in nl, en, de and fr" in followed.out


async def test_words_that_cannot_wait_are_switched_by_hand_and_never_back(home: House, phones: Channel) -> None:
    senders = Senders(home.redis, home.clock)
    await senders.switch(SENDER, "late", 1, languages=LANGUAGES)
    raised(home)
    none = await home.run("templates", "switch", "late", "--yes")
    assert (none.code, none.out) == (1, "whatsapp: the channel has approved version 2 of late in no language.\n")
    for language in ("nl", "en"):
        await senders.set_template(SENDER, "late_v2", language, at=1, state="APPROVED", category="utility")
    asked = await home.run("templates", "switch", "late")
    assert asked.code == 1
    assert "says late in en and nl by version 2, de and fr by an older one where that is approved. Switch?" in asked.err
    assert (await senders.versions(SENDER))["late"].version == 1
    ran = await home.run("templates", "switch", "late", "--yes")
    assert (ran.code, ran.out) == (0, "whatsapp: version 2 of late is sent from now on.\n")
    known = (await senders.versions(SENDER))["late"]
    assert (known.version, known.languages, bool(known.who)) == (2, ("en", "nl"), True)
    again = await home.run("templates", "switch", "late", "--yes", "--json")
    assert (again.code, again.data["senders"][0]) == (0, {"sender": "whatsapp", "version": 2, "switched": False})
    facts = [fact for fact in await home.facts() if fact.startswith("version||nt=late s=whatsapp v=2 before=1 in=en,nl who=")]
    assert len(facts) == 1
    nobody = await home.run("templates", "switch", "later")
    assert (nobody.code, nobody.err) == (1, "no notification later; there are late\n")


async def test_what_somebody_changed_at_the_channel_is_shown_line_by_line(home: House, phones: Channel) -> None:
    clean = await home.run("templates", "lint", "--remote")
    assert clean.code == 0, clean.out
    assert "whatsapp: 4 of our templates there, 0 differ, 0 missing." in clean.out

    store = phones.server.app[WORLD].store
    row = store.row("SELECT doc FROM templates WHERE name = 'late_v1' AND language = 'nl'")
    assert row is not None
    ours = json.loads(row["doc"])["components"]
    words = ours[0]["text"]
    theirs = [{**ours[0], "text": words.replace("is late", "may be late")}, {"type": "FOOTER", "text": "Buy now"}]
    await decide(phones, "late_v1", "nl", components=theirs)
    await decide(phones, "late_v1", "en", category="MARKETING")
    await decide(phones, "late_v1", "fr", category="MARKETING", notice=True)
    ran = await home.run("templates", "lint", "--remote")
    assert ran.code == 1
    assert f"drift    whatsapp: late_v1 nl, body\n           here:  {words}\n" in ran.out
    assert f"           there: {words.replace('is late', 'may be late')}\n" in ran.out
    assert "drift    whatsapp: late_v1 nl, footer\n           here:  (nothing)\n           there: Buy now\n" in ran.out
    assert "drift    whatsapp: late_v1 en, category\n           here:  utility\n           there: marketing\n" in ran.out
    assert "whatsapp: 4 of our templates there, 2 differ, 0 missing." in ran.out
    ran = await home.run("templates", "lint", "--remote", "--json")
    assert {one["what"] for one in ran.data["remote"][0]["drift"]} == {"body", "footer", "category"}
    told = await home.run("templates", "status")
    assert "late_v1 en: the channel says marketing, we say utility; say nothing of an offer in a new version" in told.out
    assert "notice     late_v1 fr: becomes marketing within a day" in told.out

    store.run("DELETE FROM templates WHERE name = 'late_v1' AND language = 'de'")
    ran = await home.run("templates", "lint", "--remote")
    assert "missing  whatsapp: late_v1 de: the channel does not have it; `templates push` creates it" in ran.out


@pytest.mark.long
async def test_an_older_version_can_go_when_nothing_plans_it_any_more(home: House) -> None:
    raised(home)
    pushed = await home.run("templates", "push", "--wait", "20")
    assert (pushed.code, "no process of a gateway works on this store" in pushed.err) == (0, True)
    senders = Senders(home.redis, home.clock)
    await senders.switch(SENDER, "late", 2, languages=LANGUAGES)
    ran = await home.run("templates", "lint", "--remote")
    assert ran.code == 0, ran.out
    assert "late/nl.v1.yaml can go on " in ran.out
    assert "8 days after the switch" in ran.out
    raw: Any = await home.redis.hget(keys.versions(SENDER), "late")
    form, version, at, *rest = raw.decode().split("|")
    long_ago = "|".join((form, version, str(int(at) - 9 * DAY_MS), *rest))
    await home.redis.hset(keys.versions(SENDER), "late", long_ago)
    ran = await home.run("templates", "lint", "--remote")
    assert "late/de.v1.yaml, late/en.v1.yaml, late/fr.v1.yaml, late/nl.v1.yaml can be removed: nothing plans them" in ran.out


async def test_no_answer_a_full_account_and_an_empty_hour_are_said_in_a_sentence(home: House, phones: Channel) -> None:
    ran = await home.run("templates", "lint", "--remote", GATEWAY_GRAPH_URL="http://127.0.0.1:9")
    assert ran.code == 1
    assert "error    the channel gives no list of whatsapp's templates: no answer about templates" in ran.out
    raised(home)
    limits = phones.server.app[WORLD].limits
    while limits.management(WABA, an_hour=100, what="template"):
        pass
    ran = await home.run("templates", "push")
    assert ran.code == 1
    assert "create   late_v2 nl: 80007/0: " in ran.out
    assert "4 left for later: the channel takes so many an hour, run it again then" in ran.out
    limits.forget()
    assert (await home.run("templates", "push", "--wait", "20")).code == 0

    async def there() -> bool:
        return phones.server.app[WORLD].store.count("SELECT COUNT(*) FROM templates WHERE name = 'late_v2'") == 4

    await wait_until(there, timeout=5)
