"""`templates` for whichever channels there are senders: a number and a Page side by side, each with its own words about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.integration.commands_stage import MINE, Channel, House, Launcher, channel, house, launcher, small_templates

__all__ = ["launcher"]

PAGE = "141421356237301"


@pytest.fixture
async def phones() -> AsyncIterator[Channel]:
    async with channel() as made:
        yield made


@pytest.fixture
async def home(data_dir: Path, launcher: Launcher, phones: Channel) -> AsyncIterator[House]:
    psid = await opened_chat(phones)
    more = {
        "GATEWAY_TEMPLATES_DIR": str(small_templates(data_dir / "templates")),
        "GATEWAY_GRAPH_URL": phones.url,
        "GATEWAY_MESSENGER_PAGE_ID": PAGE,
        "GATEWAY_MESSENGER_TOKEN": f"sandbox-page-token-{PAGE}",
        "GATEWAY_ONLY_TO": f"{MINE},{psid}",
    }
    async with house(data_dir, launcher, **more) as made:
        yield made


async def opened_chat(phones: Channel) -> str:
    """Somebody wrote to the Page; their id there."""
    async with aiohttp.ClientSession(phones.url) as session:
        await session.post("/sandbox/handsets", json={"address": MINE, "name": "Ann"})
        await session.post(f"/sandbox/handsets/{MINE}/say", json={"text": "hello", "page_id": PAGE})
        async with session.get(f"/sandbox/handsets/{MINE}") as reply:
            return str((await reply.json())["psids"][PAGE])


@pytest.mark.long
async def test_each_channel_is_pushed_and_what_a_page_cannot_hold_is_skipped(home: House) -> None:
    dry = (await home.run("templates", "push", "--dry-run", "--json")).data
    assert [one["sender"] for one in dry["senders"]] == ["whatsapp", "messenger"]
    pushed = await home.run("templates", "push", "--channel", "messenger")
    assert pushed.code == 0, pushed.out + pushed.err
    assert "whatsapp" not in pushed.out
    assert "create   gate_changed_v1 nl: " in pushed.out
    assert "skipped    boarding_pass_issued_v2 nl: messenger has no template with a document" in pushed.out
    followed = await home.run("templates", "status", "--channel", "messenger", "--wait", "20")
    assert followed.code == 0, followed.out
    assert "messenger: 8 approved, 4 not for this channel" in followed.out
    both = await home.run("templates", "status")
    assert both.code == 1  # the number has none yet
    assert (await home.run("templates", "push")).code == 0
    assert (await home.run("templates", "status", "--wait", "20")).code == 0


async def test_a_channel_without_a_sender_and_one_that_is_none_are_told_apart(home: House) -> None:
    nobody = await home.run("templates", "status", "--channel", "messenger", GATEWAY_MESSENGER_TOKEN="")
    assert (nobody.code, nobody.err) == (1, "no sender on messenger; there are whatsapp\n")
    for words in (("push",), ("status",), ("lint",), ("preview", "gate_changed")):
        ran = await home.run("templates", *words, "--channel", "telex")
        assert (ran.code, ran.err) == (1, "no channel telex; there are whatsapp, messenger\n")


async def test_a_preview_says_what_has_no_template_on_a_channel(home: House) -> None:
    ran = await home.run("templates", "preview", "boarding_pass_issued", "--lang", "en", "--channel", "messenger")
    assert (ran.code, "No template: messenger has no template with a document" in ran.out) == (0, True)
    ran = await home.run("templates", "preview", "boarding_pass_issued", "--lang", "en", "--channel", "whatsapp", "--json")
    assert "no_template" not in ran.data[0]


async def test_a_page_without_the_permission_is_told_in_metas_words(home: House, phones: Channel) -> None:
    async with aiohttp.ClientSession(phones.url) as session:
        await session.put(f"/sandbox/pages/{PAGE}", json={"utility": False})
    ran = await home.run("templates", "status")
    assert ran.code == 1
    assert "messenger: the channel gives no list of its templates: " in ran.err
    assert "pages_utility_messaging" in ran.err
    assert "whatsapp: " in ran.out, "what is known of the others is said all the same"
    asked = await home.run("templates", "status", "--json")
    assert [(one["sender"], "error" in one) for one in asked.data["senders"]] == [("whatsapp", False), ("messenger", True)]


@pytest.mark.long
async def test_an_account_that_gives_no_list_keeps_nothing_from_the_others(home: House, phones: Channel) -> None:
    ran = await home.run("templates", "push", "--json", GATEWAY_WHATSAPP_TOKEN="no-such-token")
    assert ran.code == 1
    assert ran.err.count("whatsapp: the channel gives no list of its templates: ") == 1
    refused, pushed = ran.data["senders"]
    assert (refused["sender"], refused["steps"], "error" in refused) == ("whatsapp", [], True)
    assert {one["status"] for one in pushed["done"]} <= {"PENDING", "APPROVED"}
    assert len(pushed["done"]) == 8


async def test_a_notification_is_tried_in_ones_own_chat(home: House, phones: Channel) -> None:
    assert (await home.run("templates", "push", "--channel", "messenger")).code == 0
    assert (await home.run("templates", "status", "--channel", "messenger", "--wait", "20")).code == 0
    same = await home.run("templates", "lint", "--remote", "--channel", "messenger")
    assert "of our templates there, 0 differ, 0 missing." in same.out
    unsaid = await home.run("templates", "try", "gate_changed", "--yes")
    assert (unsaid.code, "--sender: is missing" in unsaid.err) == (1, True)
    ran = await home.run("templates", "try", "gate_changed", "--lang", "nl", "--channel", "messenger", "--yes", "--json")
    assert ran.code == 0, ran.err
    assert (ran.data["outcome"], ran.data["as"]) == ("accepted", "gate_changed_v1")
    (bubble,) = [one for one in phones.bubbles() if one["kind"] == "received"]
    assert "vertrekt vanaf gate" in str(bubble)


async def test_what_has_no_template_there_says_so_while_the_window_is_not_known(home: House, tmp_path: Path) -> None:
    file = tmp_path / "pass.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n example")
    ran = await home.run(
        "templates", "try", "boarding_pass_issued", "--channel", "messenger", "--document", str(file), "--yes"
    )
    assert ran.code == 1
    assert "no template with a document" in ran.err
