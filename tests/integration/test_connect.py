"""`connect whatsapp` from the first hour of a new account to an answer from one's own phone: sandbox, HTTP, a real listener."""

from __future__ import annotations

import socket
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import envfile
from gateway.cli.connect import ConnectArgs
from gateway.cli.connect_state import NAME
from sandbox.account import WABA_ID
from tests.integration.clinic import NUMBER
from tests.integration.newcomer import ANN, CONFIG, PIN, Newcomer, newcomer, newcomer_with, together
from tests.support.server import free_port
from tests.support.waiting import wait_until

__all__ = ["newcomer"]

QUICK = ConnectArgs(wait_s=1)
SECRETS = (CONFIG.app_secret, CONFIG.token, PIN, ANN, ANN[1:])


async def calls(newcomer: Newcomer, method: str, ending: str) -> list[Any]:
    """The Graph calls of this kind so far."""
    log = await newcomer.control("GET", "requests")
    return [one for one in log["requests"] if one["method"] == method and one["path"].endswith(ending)]


def private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_from_nothing_to_an_answer_from_the_own_phone(newcomer: Newcomer) -> None:
    script = newcomer.script()
    assert await together(newcomer, script) == 0
    assert "Delivered: it is on your phone." in script.said
    assert "Your answer came. Both ways work." in script.said
    assert [bubble["body"] for bubble in await newcomer.bubbles()][-1] == "it works"
    settings = newcomer.settings()
    assert (settings.app_id, settings.app_secrets[0].reveal()) == (CONFIG.app_id, CONFIG.app_secret)
    assert (settings.whatsapp_waba_id, settings.whatsapp_phone_number_id) == (WABA_ID, NUMBER)
    assert settings.whatsapp_token is not None
    assert settings.whatsapp_token.reveal() == CONFIG.token
    assert [one.reveal() for one in settings.only_to] == [ANN]
    assert settings.verify_token
    (registration,) = await calls(newcomer, "POST", "/register")
    assert registration["body"]["data_localization_region"] == "DE"


async def test_what_is_secret_is_neither_shown_nor_kept_outside_env(newcomer: Newcomer) -> None:
    script = newcomer.script()
    await together(newcomer, script)
    state = newcomer.here / "var" / NAME
    assert private(newcomer.env_file)
    assert private(state)
    for secret in SECRETS:
        assert secret not in script.said
        assert secret not in "".join(script.asked)
        assert secret not in state.read_text()
    assert PIN not in newcomer.env_file.read_text()


async def test_started_again_it_looks_and_changes_nothing(newcomer: Newcomer) -> None:
    await together(newcomer, newcomer.script())
    before = await newcomer.control("GET", "account")
    script = newcomer.script(("went well before", 0))
    assert await newcomer.connect(script) == 0
    assert [question.partition(" |")[0].strip() for question in script.asked] == ["That went well before."]
    assert await newcomer.control("GET", "account") == before
    assert len(await calls(newcomer, "POST", "/register")) == 1
    assert len(await calls(newcomer, "POST", "/messages")) == 1


async def gone() -> str:
    """Ctrl-C, or a closed window."""
    raise RuntimeError


async def test_stopped_half_way_it_goes_on_where_it_was(newcomer: Newcomer) -> None:
    stopped = newcomer.script(("PIN", gone))
    with pytest.raises(RuntimeError):
        await newcomer.connect(stopped)
    script = newcomer.script()
    assert await together(newcomer, script) == 0
    asked = " ".join(script.asked)
    for known in ("App id", "App secret", "Access token", "May I write", "six digits", "Country"):
        assert known not in asked
    assert "Done before." in script.said


async def test_other_lines_of_env_stay_and_other_values_are_asked_about(newcomer: Newcomer) -> None:
    newcomer.env_file.write_text("# ours\nOTHER=kept\nGATEWAY_APP_ID=\nGATEWAY_PUBLIC_URL=http://127.0.0.1:1\n")
    newcomer.values["GATEWAY_PUBLIC_URL"] = newcomer.public_url
    script = newcomer.script()
    await together(newcomer, script)
    lines = newcomer.env_file.read_text().splitlines()
    assert lines[:3] == ["# ours", "OTHER=kept", f"GATEWAY_APP_ID={CONFIG.app_id}"]
    assert "GATEWAY_PUBLIC_URL=http://127.0.0.1:1" in lines  # the environment had another: nothing to write


async def test_value_in_env_is_replaced_only_when_allowed(newcomer: Newcomer) -> None:
    newcomer.env_file.write_text(f"GATEWAY_APP_ID={CONFIG.app_id}\nGATEWAY_APP_SECRET=an-old-one\n")
    script = newcomer.script(("App id", CONFIG.app_id), ("Replace", 1))
    await together(newcomer, script)
    assert "App id and secret belong together" in script.said
    assert envfile.read(newcomer.env_file)["GATEWAY_APP_SECRET"] == "an-old-one"
    assert "GATEWAY_APP_SECRET=<what you typed>" in script.said


async def test_env_that_may_not_be_written_is_shown_without_its_secrets(newcomer: Newcomer) -> None:
    script = newcomer.script(("May I write", 1))
    assert await together(newcomer, script) == 0
    assert not newcomer.env_file.exists()
    assert "GATEWAY_WHATSAPP_TOKEN=<what you typed>" in script.said
    assert f"GATEWAY_WHATSAPP_PHONE_NUMBER_ID={NUMBER}" in script.said
    assert CONFIG.token not in script.said


# credentials


def in_turn(*answers: str) -> Any:
    """One answer after another, the last one again and again."""
    left = list(answers)

    async def answer() -> str:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


async def test_wrong_secret_and_wrong_token_are_asked_again(newcomer: Newcomer) -> None:
    script = newcomer.script(
        ("App secret", in_turn("wrong-secret", CONFIG.app_secret)), ("Access token", in_turn("wrong-token", CONFIG.token))
    )
    assert await together(newcomer, script) == 0
    assert "Refused: " in script.said
    assert "The token is not valid" in script.said
    assert not any(word in script.said for word in ("wrong-secret", "wrong-token"))


async def test_three_wrong_tokens_end_it_with_nothing_written(newcomer: Newcomer) -> None:
    script = newcomer.script(("Access token", "wrong-token"))
    assert await newcomer.connect(script) == 1
    assert "Stopped: app, secret and token do not fit together yet." in script.said
    assert not newcomer.env_file.exists()


async def test_token_without_a_permission_says_which_to_tick(newcomer: Newcomer) -> None:
    await newcomer.control("PUT", "account", {"scopes": ["whatsapp_business_management"]})
    script = newcomer.script()
    assert await newcomer.connect(script) == 1
    assert "The token lacks whatsapp_business_messaging." in script.said


async def test_one_of_several_numbers_is_chosen(tmp_path: Path) -> None:
    async with newcomer_with(replace(CONFIG, account="live"), tmp_path) as business:
        script = business.script(("Which number sends", 1), ("callback|go to", 1))
        await together(business, script)
        assert business.settings().whatsapp_phone_number_id == "314159265358980"
        assert "Registered before." in script.said


# verifying and registering


async def test_wrong_code_is_explained_and_asked_again(newcomer: Newcomer) -> None:
    tries: list[str] = []

    async def code() -> str:
        tries.append("")
        return "000000" if len(tries) == 1 else await newcomer.code()

    script = newcomer.script(("six digits", code))
    assert await together(newcomer, script) == 0
    assert "type the newest code" in script.said


async def registered_before(newcomer: Newcomer, pin: str) -> None:
    """The number has a PIN of an earlier life."""
    await newcomer.control("PUT", "account", {"numbers": [{"id": NUMBER, "verified": True}]})
    assert await newcomer.graph("POST", f"{NUMBER}/register", {"messaging_product": "whatsapp", "pin": pin}) == {"success": True}
    await newcomer.graph("POST", f"{NUMBER}/deregister", {})


async def test_forgotten_pin_is_explained_with_where_to_turn_it_off(newcomer: Newcomer) -> None:
    await registered_before(newcomer, "111111")
    pins = in_turn("222222", "222222", "111111")
    script = newcomer.script(("PIN|same once more", pins))
    assert await together(newcomer, script) == 0
    assert "code 133005" in script.said
    assert "Two-step verification > Turn off" in script.said


async def test_too_many_registrations_say_to_come_back_after_three_days(newcomer: Newcomer) -> None:
    await registered_before(newcomer, "111111")
    for _ in range(10):
        await newcomer.graph("POST", f"{NUMBER}/deregister", {})
    script = newcomer.script()
    assert await newcomer.connect(script) == 1
    assert "code 133016" in script.said
    assert "-> 10 registrations in 72 hours are allowed" in script.said


async def test_region_may_be_left_to_the_channel_and_must_be_two_letters(newcomer: Newcomer) -> None:
    script = newcomer.script(("Country", in_turn("Germany", "")))
    await together(newcomer, script)
    (registration,) = await calls(newcomer, "POST", "/register")
    assert "data_localization_region" not in registration["body"]
    assert "cannot" in script.said


# webhooks


async def test_address_that_does_not_lead_here_gets_what_to_paste_where(newcomer: Newcomer) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}"
    script = newcomer.script(("public address", elsewhere), ("And now.*look again", in_turn_int(0, 1)))
    assert await newcomer.connect(script) == 0
    assert f"Callback URL   {elsewhere}/webhooks/whatsapp" in script.said
    assert f"Verify token   {envfile.read(newcomer.env_file)['GATEWAY_VERIFY_TOKEN']}" in script.said
    assert "Meta does not know it yet" in script.said
    assert "without webhooks nobody tells us" in script.said


def in_turn_int(*answers: int) -> Any:
    left = list(answers)

    async def answer() -> int:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


async def test_without_an_address_a_message_is_sent_all_the_same(newcomer: Newcomer) -> None:
    script = newcomer.script(("public address", ""))
    assert await newcomer.connect(script) == 0
    assert "Without an address no answer comes in" in script.said
    await wait_until(lambda: newcomer.bubbles())


async def test_callback_of_another_system_is_not_taken_away_unasked(newcomer: Newcomer) -> None:
    first = newcomer.script()
    await together(newcomer, first)
    other = free_port()
    newcomer.values |= {"GATEWAY_PUBLIC_URL": f"http://127.0.0.1:{other}", "GATEWAY_PUBLIC_PORT": str(other)}
    script = newcomer.script(("go to 127.0.0.1", 1), ("went well before", 1), ("Replace", 0))
    assert await newcomer.connect(script) == 0
    assert "without webhooks nobody tells us" in script.said
    subscriptions = await calls(newcomer, "POST", "/subscriptions")
    assert len(subscriptions) == 1


@pytest.mark.parametrize(("choice", "code", "words"), [(1, 0, "without webhooks"), (2, 1, "is taken")])
async def test_port_in_other_hands_is_named_and_left_to_them(
    newcomer: Newcomer, choice: int, code: int, words: str
) -> None:
    with socket.create_server(("127.0.0.1", newcomer.port)):
        script = newcomer.script(("What now", choice))
        assert await newcomer.connect(script) == code
    assert f"Port {newcomer.port} on 127.0.0.1 cannot be had" in script.said
    assert words in script.said


# the first message


async def test_phone_that_is_not_listed_is_explained_with_where_to_click(newcomer: Newcomer) -> None:
    async def add() -> int:
        await newcomer.list_phone()
        return 0

    script = newcomer.script(("Press Enter", ""), ("it is on the list", add))
    assert await together(newcomer, script) == 0
    assert "code 131030" in script.said
    assert "Manage phone number list > Add" in script.said


async def test_message_that_fails_says_why_and_may_be_sent_anew(newcomer: Newcomer) -> None:
    await newcomer.control("PATCH", f"handsets/{ANN}/state", {"on_whatsapp": False})
    script = newcomer.script()
    assert await newcomer.connect(script) == 1
    assert "failed with code 131026" in script.said
    await newcomer.control("PATCH", f"handsets/{ANN}/state", {"on_whatsapp": True})
    assert await together(newcomer, newcomer.script()) == 0


async def test_silence_says_what_to_look_at_and_is_waited_out_later(newcomer: Newcomer) -> None:
    await newcomer.control("PATCH", f"handsets/{ANN}/state", {"online": False})
    script = newcomer.script(("wait on", 1))
    assert await newcomer.connect(script, QUICK) == 1
    assert "Is the phone on and online" in script.said
    assert any("Waiting for `delivered`" in tick for tick in script.ticks)
    await newcomer.control("PATCH", f"handsets/{ANN}/state", {"online": True})
    again = newcomer.script(("wait for what becomes of it", 0))
    assert await together(newcomer, again) == 0
    assert len(await calls(newcomer, "POST", "/messages")) == 1


async def test_no_answer_may_be_left_open(newcomer: Newcomer) -> None:
    script = newcomer.script(("wait on", 1))
    assert await newcomer.connect(script, QUICK) == 0
    assert "did you answer in this very chat" in script.said
    assert newcomer.state()["answered_ms"] == 0


async def test_wrong_number_for_the_own_phone_is_asked_again(newcomer: Newcomer) -> None:
    script = newcomer.script(("Your own phone", in_turn("12", ANN)))
    assert await together(newcomer, script) == 0


async def test_where_no_sample_is_there_our_own_question_is_reviewed_and_sent(newcomer: Newcomer) -> None:
    await newcomer.graph("DELETE", f"{WABA_ID}/message_templates?name=hello_world")
    script = newcomer.script()
    assert await together(newcomer, script) == 0
    assert "Meta took it (address_check_v1)." in script.said
    (question,) = [bubble for bubble in await newcomer.bubbles() if bubble["kind"] == "received"]
    assert "Test Number" in question["body"]
    assert len(question["buttons"]) == 2


async def test_lost_answer_to_the_send_is_not_sent_twice(newcomer: Newcomer) -> None:
    await newcomer.control("PUT", "faults", {"name": "lost_answer", "times": 1})
    script = newcomer.script()
    assert await together(newcomer, script) == 0
    assert "it may have been sent" in script.said
    assert "Delivered" in script.said
    assert len([one for one in await newcomer.bubbles() if one["kind"] == "received"]) == 1

