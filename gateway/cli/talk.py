"""How `events` and `contacts` talk: what they print on standard output, questions and progress on standard error.

So `--json` can be piped on while somebody is asked, and a hidden value can come through a pipe itself.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from gateway.cli import asking, opening
from gateway.cli.dialogue import Dialogue
from gateway.model.personal import Secret
from gateway.settings import Settings

Work = Callable[[argparse.Namespace, Settings, Dialogue], Coroutine[Any, Any, int]]


class Talk:
    """The `Dialogue` of a command on a real terminal or in a pipe."""

    def __init__(self) -> None:
        self._questions = asking.terminal()

    async def ask(self, question: str, *, default: str = "") -> str:
        return await self._questions.ask(question, default=default)

    async def ask_hidden(self, question: str) -> Secret:
        return await asking.hidden(question)

    async def choose(self, question: str, options: Sequence[str], *, default: int = 0) -> int:
        return await self._questions.choose(question, options, default=default)

    def show(self, text: str) -> None:
        self._questions.progress("")
        print(text, flush=True)

    def progress(self, text: str) -> None:
        self._questions.progress(text)


def command(run: Work) -> Callable[[argparse.Namespace], int]:
    """A command's work for the parser: settings are read, only warnings are logged, Ctrl-C closes what is open."""

    def work(args: argparse.Namespace) -> int:
        settings = opening.read_settings()
        return asyncio.run(run(args, settings, Talk()))

    return work
