"""The first minutes with the project: the wrong Python, a port that cannot be, and every link of its pages."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import main
from demo.run import PORTS, _ports_free
from gateway import settings
from gateway.cli import printing
from gateway.cli.main import make_parser
from gateway.cli.run import reaches_nobody
from gateway.errors import SettingsError

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part in {"var", "node_modules"} for part in path.relative_to(ROOT).parts)
)
LINK = re.compile(r"\]\(([^()\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")


def test_a_python_without_the_packages_is_told_what_to_type_instead() -> None:
    """`-S` is a Python that finds nothing beyond its own library."""
    said = subprocess.run(
        [sys.executable, "-S", "main.py", "run"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (said.returncode, said.stdout) == (1, "")
    assert "make setup" in said.stderr
    assert ".venv/bin/python" in said.stderr
    assert "Traceback" not in said.stderr


def commands_of(parser: argparse.ArgumentParser, words: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that does something, by its words."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield words.strip(), parser
    for action in below:
        for name, part in action.choices.items():
            yield from commands_of(part, f"{words} {name}")


def test_the_help_of_every_command_ends_with_an_example_that_it_understands() -> None:
    whole = make_parser()
    found = dict(commands_of(whole))
    assert len(found) > 40
    found.pop("sandbox")  # its arguments are its own program's
    for words, parser in found.items():
        head, _, example = (parser.epilog or "").partition("python main.py ")
        assert head.strip() == "example:", words
        assert example.startswith(words), words
        whole.parse_args(shlex.split(re.split(r" [|<>]+ ", example)[0]))


def test_what_to_type_next_names_the_settings_that_were_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "the demo.env"
    file.touch()
    monkeypatch.setattr(settings, "_files", [])
    assert printing.typed("trace ZX7K2P") == "python main.py trace ZX7K2P"
    settings.use_file(file)
    assert printing.typed("trace ZX7K2P") == f"python main.py --env-file '{file}' trace ZX7K2P"


@pytest.mark.parametrize(
    ("senders", "environ", "said"),
    [
        (0, {}, ["gateway.no_sender", "gateway.nobody_may_be_written_to"]),
        (1, {"GATEWAY_ENV": "staging"}, ["gateway.nobody_may_be_written_to"]),
        (1, {"GATEWAY_ONLY_TO": "+447700900123"}, []),
        (0, {"GATEWAY_ONLY_TO": "+447700900123"}, ["gateway.no_sender"]),
    ],
)
def test_a_gateway_that_can_write_to_nobody_says_so_when_it_starts(
    senders: int, environ: dict[str, str], said: list[str]
) -> None:
    assert [name for name, _ in reaches_nobody(senders, settings.read(environ))] == said


def test_ctrl_c_while_a_command_still_loads_ends_with_130_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("gateway.cli.main.main", interrupted)
    assert main.start() == 130


@pytest.mark.parametrize("port", ["abc", "99999", "-1", ""])
def test_the_demo_names_a_port_that_is_none(port: str) -> None:
    wanted = {name: "0" for name, _ in PORTS} | {"SANDBOX_PORT": port}
    with pytest.raises(SettingsError) as refused:
        _ports_free(wanted)
    assert refused.value.problems == ["SANDBOX_PORT: should be a port number, to 65535"]


@cache
def anchors(page: Path) -> set[str]:
    """What headings can be called by, as GitHub makes it of their words."""
    heads = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.replace("`", "")).strip().lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_picture_of_a_page_is_there(page: Path) -> None:
    dead = []
    for target in LINK.findall(CODE.sub("", FENCE.sub("", page.read_text("utf-8")))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = page.parent / name if name else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            dead.append(target)
    assert dead == []


def test_the_pages_of_docs_are_all_led_to_from_the_readme() -> None:
    """Two steps at most: from README.md, or from a page that it leads to."""
    seen, now = {ROOT / "README.md"}, {ROOT / "README.md"}
    for _ in range(2):
        now = {
            (page.parent / target.partition("#")[0]).resolve()
            for page in now
            for target in LINK.findall(page.read_text("utf-8"))
            if not re.match(r"[a-z]+:", target) and target.partition("#")[0].endswith(".md")
        } - seen
        seen |= now
    pages = {page for page in PAGES if page.parent == ROOT / "docs"}
    assert {str(page.relative_to(ROOT)) for page in pages - seen} == set()
