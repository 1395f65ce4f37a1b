"""The parts of `connect` that need no channel: `.env`, its state, questions on a terminal, arguments."""

from __future__ import annotations

import argparse
import io
import json
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli import connect, connect_state, envfile
from gateway.cli.connect_access import token_end
from gateway.cli.connect_state import State
from gateway.cli.dialogue import NoTerminal, Terminal, agreed
from gateway.clock import Clock
from gateway.errors import BadInput, GatewayError
from gateway.model.account import TokenReport

ENV = """# a comment
OTHER=kept # with a comment
export GATEWAY_APP_ID=1

GATEWAY_APP_ID=2
#GATEWAY_VERIFY_TOKEN=commented out
"""


def test_last_line_of_a_name_takes_the_value_and_all_else_stays() -> None:
    text = envfile.merged(ENV, {"GATEWAY_APP_ID": "3", "GATEWAY_VERIFY_TOKEN": "word"})
    assert text == ENV.replace("=2", "=3") + "\nGATEWAY_VERIFY_TOKEN=word\n"


PRINTABLE = st.characters(codec="utf-8", exclude_characters="\\'").filter(str.isprintable)


@given(st.text(PRINTABLE, max_size=60).filter(lambda value: "${" not in value))
def test_written_value_is_read_back_as_it_was(value: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / ".env"
        path.write_text(ENV)
        envfile.write(path, {"GATEWAY_APP_SECRET": value})
        found = envfile.read(path)
    assert found["GATEWAY_APP_SECRET"] == value
    assert (found["OTHER"], found["GATEWAY_APP_ID"]) == ("kept", "2")


@pytest.mark.parametrize("value", ["two\nlines", "a'quote", "back\\slash", "an${expansion}"])
def test_value_that_no_line_can_hold_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(GatewayError, match="GATEWAY_APP_SECRET") as refused:
        envfile.merged("", {"GATEWAY_APP_SECRET": value})
    assert value not in str(refused.value)


def test_env_is_private_afterwards_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("A=1\n")
    real.chmod(0o644)
    link = tmp_path / ".env"
    link.symlink_to(real)
    envfile.write(link, {"B": "2"})
    assert link.is_symlink()
    assert (real.read_text(), stat.S_IMODE(real.stat().st_mode)) == ("A=1\n\nB=2\n", 0o600)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".env.")] == []


def test_env_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="cannot be written"):
        envfile.write(tmp_path / "missing" / ".env", {"A": "1"})


def test_state_is_kept_for_one_channel_only_and_is_private(tmp_path: Path) -> None:
    connect_state.save(tmp_path / "var", State(graph="https://a.example", app_id="1", region="DE"))
    assert connect_state.load(tmp_path / "var", "https://a.example").region == "DE"
    assert connect_state.load(tmp_path / "var", "https://b.example") == State(graph="https://b.example")
    assert stat.S_IMODE((tmp_path / "var" / connect_state.NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({"graph": "x", "newer": 1})])
def test_state_that_cannot_be_read_begins_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / connect_state.NAME).write_text(text)
    assert connect_state.load(tmp_path, "g") == State(graph="g")


def typed(*lines: str) -> tuple[Terminal, io.StringIO]:
    """A terminal at which somebody types these lines."""
    left, out = list(lines), io.StringIO()

    def read(prompt: str) -> str:
        if not left:
            raise EOFError
        return left.pop(0)

    return Terminal(out, read), out


@pytest.mark.parametrize(("lines", "chosen"), [(("2",), 1), (("",), 0), (("a c",), 1), (("9", "x", "1"), 0)])
async def test_option_is_chosen_by_number_beginning_or_nothing(lines: tuple[str, ...], chosen: int) -> None:
    terminal, out = typed(*lines)
    assert await terminal.choose("How?", ("SMS", "a call")) == chosen
    assert "  2  a call" in out.getvalue()


async def test_yes_or_no_has_a_default() -> None:
    assert await agreed(typed("")[0], "Really?")
    assert not await agreed(typed("")[0], "Really?", default=False)
    assert not await agreed(typed("n")[0], "Really?")


async def test_question_without_anybody_there_is_one_line() -> None:
    with pytest.raises(NoTerminal, match="run it on a terminal"):
        await typed()[0].ask("Who?")


async def test_progress_is_silent_where_no_terminal_looks_on() -> None:
    terminal, out = typed("answer")
    terminal.progress("1 of 3")
    assert (await terminal.ask("Who?"), out.getvalue()) == ("answer", "")


def parsed(*words: str) -> connect.ConnectArgs:
    parser = argparse.ArgumentParser()
    connect.add_arguments(parser)
    return connect.parse_arguments(parser.parse_args(list(words)))


def test_arguments_hold_no_secret_and_wrong_ones_are_named_together() -> None:
    assert parsed("--to", "-", "--region", "", "--wait", "5") == connect.ConnectArgs(to="-", region="", wait_s=5)
    with pytest.raises(BadInput) as refused:
        parsed("--app-id", "abc", "--region", "Germany", "--wait", "0")
    assert [problem.field for problem in refused.value.problems] == ["--app-id", "--region", "--wait"]
    for name in ("--token", "--secret", "--pin"):
        with pytest.raises(SystemExit):
            parsed(name, "x")


DAY_MS = 86_400_000


@pytest.mark.parametrize(("days", "soon"), [(None, False), (90, False), (29, True)])
def test_token_that_ends_within_a_month_is_said_to(days: int | None, soon: bool) -> None:
    clock = Clock()
    ends = None if days is None else clock.now_ms() + days * DAY_MS
    said = token_end(TokenReport(True, "1", ends, frozenset(), ()), clock.now_ms())
    assert ("That is soon" in said, "never ends" in said) == (soon, days is None)
