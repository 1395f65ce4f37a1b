"""What the commands' arguments share: parsers with an example, times as people write them, and the machine's user.

A value of the wrong form ends in argparse's own way (exit code 2); one that does not exist is said by its command (exit code 1).
"""

from __future__ import annotations

import argparse
import getpass
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_SPAN = re.compile(r"\+?([0-9]{1,6})(s|m|h|d)")
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_NUMBER = re.compile(r"(\+|00)\d(?:[ ().-]?\d){6,14}|wamid\..*|[A-Z]{2}\.(ENT\.)?\d{8,}")
_SOMEBODY = re.compile(r"(\+|\b0)\d(?:[ ().-]?\d){7,}|\d{9,}|\S@\S+\.\S")
"""A number or an e-mail address in a sentence. Dates and flights pass."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as it was typed: a span from now ("2h"), or a point in time."""

    span_ms: int = 0
    at_ms: int = 0

    def after(self, now_ms: int) -> int:
        return self.at_ms or now_ms + self.span_ms

    def before(self, now_ms: int) -> int:
        return self.at_ms or now_ms - self.span_ms


def moment(text: str) -> Moment:
    """30m, 2h, 1d, or ISO 8601; without an offset the time is this machine's."""
    span = _SPAN.fullmatch(text.strip())
    if span:
        return Moment(span_ms=int(span[1]) * _UNITS_MS[span[2]])
    try:
        at = datetime.fromisoformat(text.strip())
        return Moment(at_ms=round(at.timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError("should be 30m, 2h, 1d or a time such as 2026-11-22T18:00") from None


def not_a_number(text: str) -> str:
    """An id or a name; refuses what looks like a person's number, which a shell would keep in its history."""
    if _NUMBER.fullmatch(text.strip()):
        raise argparse.ArgumentTypeError("looks like a phone number or a channel's id: a shell remembers it; `-` asks hidden")
    return text


def at_least_one(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError("should be a number from 1 to 1000000")
    return int(text)


def seconds(text: str) -> float:
    try:
        value = float(text)
        if not 0 <= value <= 86_400:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError("should be a number of seconds from 0 to 86400") from None
    return value


def line(text: str) -> str:
    """A reason in one line. It stands in facts and logs and on boards, so nothing about a person may be in it."""
    words = " ".join(text.split())
    if not 1 <= len(words) <= 200:
        raise argparse.ArgumentTypeError("should be 1 to 200 characters")
    if _SOMEBODY.search(words):
        raise argparse.ArgumentTypeError("should hold no number or address of a person: it is shown everywhere")
    return words


def name(text: str) -> str:
    """Who does it, in one word."""
    if not re.fullmatch(r"[\w.@-]{1,64}", text):
        raise argparse.ArgumentTypeError("should be one word: letters, digits and . @ _ -")
    return text


def login() -> str:
    """The name of this machine's user, made one word."""
    try:
        found = re.sub(r"[^\w.@-]", "", getpass.getuser())[:64]
    except (KeyError, OSError):
        found = ""
    return found or "unknown"


def group(commands: Any, word: str, *, help: str) -> Any:
    """A command with commands below it."""
    parser = commands.add_parser(word, help=help, description=help[0].upper() + help[1:] + ".")
    return parser.add_subparsers(title="commands", metavar="COMMAND", dest=f"{word}_command", required=True)


def command(
    commands: Any, word: str, *, help: str, example: str, about: str = "", json: bool = True, yes: bool = False
) -> argparse.ArgumentParser:
    """One command: --help ends with one example. about: more than `help` says."""
    parser: argparse.ArgumentParser = commands.add_parser(
        word,
        help=help,
        description=help[0].upper() + help[1:] + "." + (f"\n\n{about}" if about else ""),
        epilog=f"example:\n  python main.py {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(fail=parser.error)  # for what argparse cannot see: says it with the usage, exit code 2
    if json:
        parser.add_argument("--json", action="store_true", help="print data for programs")
    if yes:
        parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def add_examples(parts: Any, word: str, examples: Mapping[str, str]) -> None:
    """An example at the end of --help for each command below `word`. examples: command -> its arguments"""
    for name, example in examples.items():
        parts.choices[name].epilog = f"example: python main.py {word} {name} {example}"


def add_who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--who", type=name, default=login(), metavar="NAME", help="who does it (default: this machine's user)")
