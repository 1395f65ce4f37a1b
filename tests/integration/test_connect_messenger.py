"""`connect messenger` from a Page that nobody speaks for to an answer from one's own phone: sandbox, HTTP, a real listener."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from connectors.messenger.admin import WEBHOOK_FIELDS
from gateway.cli import connect_messenger, envfile
from gateway.cli.connect_messenger import PageArgs
from gateway.cli.main import main
from gateway.errors import BadInput
from tests.integration.newcomer import ANN, CONFIG
from tests.integration.page_newcomer import PAGE, PageNewcomer, page_newcomer, together
from tests.support.server import free_port

__all__ = ["page_newcomer"]

PAGE_TOKEN = f"sandbox-page-token-{PAGE}"
QUICK = PageArgs(page_id=PAGE, wait_s=1)


async def calls(newcomer: PageNewcomer, method: str, ending: str) -> list[Any]:
    """The Graph calls of this kind so far."""
    log = await newcomer.control("GET", "requests")
    return [one for one in log["requests"] if one["method"] == method and one["path"].endswith(ending)]


async def gone() -> str:
    """Ctrl-C, or a closed window."""
    raise RuntimeError


async def test_from_nothing_to_an_answer_from_the_own_phone(page_newcomer: PageNewcomer) -> None:
    script = page_newcomer.page_script()
    assert await together(page_newcomer, script) == 0, script.said
    assert "Meta took the template address_check_v1." in script.said
    assert "Delivered: it is on your phone." in script.said
    assert "Your answer came. Both ways work." in script.said
    settings = page_newcomer.settings()
    assert settings.messenger_page_id == PAGE
    assert settings.messenger_token is not None
    assert settings.messenger_token.reveal() == PAGE_TOKEN  # the Page's own, which does nothing for another one
    (listed,) = settings.only_to
    handset = await page_newcomer.control("GET", f"handsets/{ANN}")
    assert listed.reveal() == handset["psids"][PAGE]
    page = await page_newcomer.control("GET", f"pages/{PAGE}")
    assert (page["subscribed"], set(page["fields"])) == (True, set(WEBHOOK_FIELDS))
    assert page["webhook_url"] == f"{page_newcomer.public_url}/webhooks/messenger"
    answer = await page_newcomer.graph("GET", f"{PAGE}/messenger_profile?fields=get_started,greeting,persistent_menu")
    (profile,) = answer["data"]
    assert set(profile) == {"get_started", "greeting", "persistent_menu"}
    assert "Polderwind Air" in profile["greeting"][0]["text"]


@pytest.mark.parametrize("switches", [{"delivery_mids": False}, {"echo_first": True}])
async def test_receipts_by_time_and_early_echoes_count_as_delivered(
    page_newcomer: PageNewcomer, switches: dict[str, bool]
) -> None:
    await page_newcomer.control("PUT", f"pages/{PAGE}", switches)
    script = page_newcomer.page_script()
    assert await together(page_newcomer, script) == 0, script.said
    assert "Delivered: it is on your phone." in script.said


async def test_what_is_secret_is_neither_shown_nor_kept_outside_env(page_newcomer: PageNewcomer) -> None:
    script = page_newcomer.page_script()
    assert await together(page_newcomer, script) == 0
    handset = await page_newcomer.control("GET", f"handsets/{ANN}")
    for secret in (CONFIG.app_secret, CONFIG.token, PAGE_TOKEN, ANN, handset["psids"][PAGE]):
        assert secret not in script.said + "".join(script.asked)
        assert secret not in page_newcomer.page_state.read_text()
    assert page_newcomer.page_state.stat().st_mode & 0o077 == 0


async def test_started_again_it_looks_and_changes_nothing(page_newcomer: PageNewcomer) -> None:
    await together(page_newcomer, page_newcomer.page_script())
    before = await page_newcomer.control("GET", f"pages/{PAGE}")
    script = page_newcomer.page_script(("went well before", 0))
    assert await page_newcomer.connect_page(script) == 0
    assert [question.partition(" |")[0].strip() for question in script.asked] == ["That went well before."]
    assert await page_newcomer.control("GET", f"pages/{PAGE}") == before
    for ending in ("/messages", "/messenger_profile", "/subscribed_apps", "/subscriptions"):
        assert len(await calls(page_newcomer, "POST", ending)) == 1, ending


@pytest.mark.parametrize("question", ["public address", "Set this on the Page", "Answer them with"])
async def test_stopped_between_two_steps_it_goes_on_where_it_was(page_newcomer: PageNewcomer, question: str) -> None:
    stopped = page_newcomer.page_script((question, gone))
    with pytest.raises(BaseExceptionGroup):
        await together(page_newcomer, stopped)
    script = page_newcomer.page_script()
    assert await together(page_newcomer, script, PageArgs(wait_s=10)) == 0, script.said
    asked = " ".join(script.asked)
    for known in ("App id", "App secret", "Access token", "May I write", "Which Page"):
        assert known not in asked
    for ending in ("/subscribed_apps", "/subscriptions", "/messenger_profile"):
        assert len(await calls(page_newcomer, "POST", ending)) == 1, ending


async def test_what_people_would_see_is_shown_and_left_when_it_is_not_wanted(page_newcomer: PageNewcomer) -> None:
    script = page_newcomer.page_script(("Set this on the Page", 1))
    assert await together(page_newcomer, script) == 0
    assert "greeting      Welkom bij Polderwind Air" in script.said
    assert "menu          Stel een vraag" in script.said
    assert await calls(page_newcomer, "POST", "/messenger_profile") == []


async def test_what_the_page_has_of_its_own_stays(page_newcomer: PageNewcomer) -> None:
    greeting = [{"locale": "default", "text": "Ours since 2019"}]
    await page_newcomer.graph("POST", f"{PAGE}/messenger_profile", {"greeting": greeting})
    script = page_newcomer.page_script()
    assert await together(page_newcomer, script) == 0
    answer = await page_newcomer.graph("GET", f"{PAGE}/messenger_profile?fields=get_started,greeting")
    assert answer["data"][0]["greeting"] == greeting
    assert answer["data"][0]["get_started"]


async def test_with_yes_nothing_but_what_only_they_know_is_asked(page_newcomer: PageNewcomer) -> None:
    script = page_newcomer.page_script()
    assert await together(page_newcomer, script, PageArgs(page_id=PAGE, yes=True, wait_s=10)) == 0
    assert {question.partition(" (")[0].strip() for question in script.asked} == {
        "App id", "App secret", "Access token", "Your public address, https://...",
    }  # fmt: skip
    assert "menu " in script.said


async def test_a_page_without_templates_answers_in_plain_words_and_says_what_that_means(page_newcomer: PageNewcomer) -> None:
    await page_newcomer.control("PUT", f"pages/{PAGE}", {"utility": False})
    script = page_newcomer.page_script()
    assert await together(page_newcomer, script) == 0
    assert "The Page may not use templates: 10/0:" in script.said
    assert "Meta took plain words." in script.said


async def test_a_token_without_the_templates_permission_is_said_at_once(page_newcomer: PageNewcomer) -> None:
    await page_newcomer.control("PUT", "account", {"scopes": ["pages_messaging", "pages_manage_metadata"]})
    script = page_newcomer.page_script()
    assert await together(page_newcomer, script) == 0
    assert "The token lacks pages_utility_messaging" in script.said
    await page_newcomer.control("PUT", "account", {"scopes": ["pages_messaging"]})
    script = page_newcomer.page_script()
    assert await page_newcomer.connect_page(script) == 1
    assert "The token lacks pages_manage_metadata." in script.said


async def test_one_of_several_pages_is_chosen_and_a_strange_one_refused(page_newcomer: PageNewcomer) -> None:
    script = page_newcomer.page_script(("Which Page", gone))
    with pytest.raises(RuntimeError):
        await page_newcomer.connect_page(script, PageArgs(wait_s=1))
    assert "Which Page? | Polderwind Air | Laagland Rail | Dijknet" in script.asked[-1].strip()
    script = page_newcomer.page_script()
    assert await page_newcomer.connect_page(script, PageArgs(page_id="1", wait_s=1)) == 1
    assert "--page names no Page" in script.said


async def test_an_assistant_of_metas_own_and_the_default_app_are_told_how(page_newcomer: PageNewcomer) -> None:
    await page_newcomer.control("PUT", f"pages/{PAGE}", {"assistant": True})
    script = page_newcomer.page_script()
    assert await together(page_newcomer, script) == 0
    assert "New chats are yours." in script.said
    assert "Meta Assistant may take chats as well." in script.said
    assert "switch off what answers" in script.said


async def test_without_an_address_it_ends_before_the_phone_and_goes_on_later(page_newcomer: PageNewcomer) -> None:
    script = page_newcomer.page_script(("public address", ""))
    assert await page_newcomer.connect_page(script) == 0
    assert "Without webhooks nobody tells us who writes" in script.said
    assert await calls(page_newcomer, "POST", "/messages") == []
    assert await together(page_newcomer, page_newcomer.page_script()) == 0


async def test_an_address_that_does_not_lead_here_gets_what_to_paste_where(page_newcomer: PageNewcomer) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}"
    script = page_newcomer.page_script(("public address", elsewhere), ("And now.*look again", 1))
    assert await page_newcomer.connect_page(script) == 0
    assert f"Callback URL   {elsewhere}/webhooks/messenger" in script.said
    assert f"Verify token   {envfile.read(page_newcomer.env_file)['GATEWAY_VERIFY_TOKEN']}" in script.said
    assert "Messenger API settings" in script.said


async def test_nobody_who_writes_is_waited_for_and_may_be_left_for_later(page_newcomer: PageNewcomer) -> None:
    script = page_newcomer.page_script(("wait on", 1))
    assert await page_newcomer.connect_page(script, QUICK) == 1
    assert "Stopped: nobody wrote to the Page." in script.said
    assert await together(page_newcomer, page_newcomer.page_script()) == 0


def parsed(*words: str) -> PageArgs:
    parser = argparse.ArgumentParser()
    connect_messenger.add_arguments(parser)
    return connect_messenger.parse_arguments(parser.parse_args(list(words)))


def test_arguments_hold_no_secret_and_wrong_ones_are_named_together() -> None:
    assert parsed("--page", PAGE, "--yes", "--wait", "5") == PageArgs(page_id=PAGE, yes=True, wait_s=5)
    with pytest.raises(BadInput) as refused:
        parsed("--app-id", "abc", "--page", "x", "--wait", "0")
    assert [problem.field for problem in refused.value.problems] == ["--app-id", "--page", "--wait"]
    for name in ("--token", "--secret"):
        with pytest.raises(SystemExit):
            parsed(name, "x")


@pytest.mark.parametrize("words", [["connect"], ["connect", "telex"], ["connect", "messenger", "--number", "1"]])
def test_wrong_arguments_end_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: " in capsys.readouterr().err


def test_help_names_every_argument_and_ends_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["connect", "messenger", "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(name in said for name in ("--app-id", "--page", "--yes", "--wait"))
    assert said.rstrip().endswith("example: python main.py connect messenger")
