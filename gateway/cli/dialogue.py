"""How a command talks with a person. `Terminal` does it on a terminal; tests bring a script."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TextIO

from gateway.errors import GatewayError
from gateway.model.personal import Secret


class NoTerminal(GatewayError):
    """A question, and nobody there to answer it."""


class Dialogue(Protocol):
    """Everything a command asks or says."""

    async def ask(self, question: str, *, default: str = "") -> str:
        """One line, without outer spaces; `default` for an empty one."""

    async def ask_hidden(self, question: str) -> Secret:
        """One line that is not shown while it is typed. Empty for an empty one."""

    async def choose(self, question: str, options: Sequence[str], *, default: int = 0) -> int:
        """The index of one of the options."""

    def show(self, text: str) -> None:
        """Say something; lines stay."""

    def progress(self, text: str) -> None:
        """Say how far it is; the next call takes its place. Nothing where no terminal looks on."""


async def agreed(io: Dialogue, question: str, *, default: bool = True) -> bool:
    """Yes or no."""
    return await io.choose(question, ("yes", "no"), default=0 if default else 1) == 0


class Terminal:
    """Questions on stdin, words on stdout. Reading blocks a thread of its own, so that listeners go on meanwhile."""

    def __init__(self, out: TextIO | None = None, read: Callable[[str], str] = input) -> None:
        self._out = out or sys.stdout
        self._read = read
        self._unfinished = 0

    async def ask(self, question: str, *, default: str = "") -> str:
        hint = f" [{default}]" if default else ""
        return (await self._line(self._read, f"{question}{hint}: ")).strip() or default

    async def ask_hidden(self, question: str) -> Secret:
        return Secret((await self._line(getpass.getpass, f"{question} (not shown): ")).strip())

    async def choose(self, question: str, options: Sequence[str], *, default: int = 0) -> int:
        self.show(question)
        for number, option in enumerate(options, 1):
            self.show(f"  {number}  {option}")
        while True:
            answer = await self.ask("Which", default=str(default + 1))
            if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(options):
                return int(answer) - 1
            found = [place for place, option in enumerate(options) if option.lower().startswith(answer.lower())]
            if len(found) == 1:
                return found[0]
            self.show(f"A number from 1 to {len(options)}, please.")

    def show(self, text: str) -> None:
        self._clear()
        print(text, file=self._out, flush=True)

    def progress(self, text: str) -> None:
        if self._out.isatty():
            self._clear()
            print(text, end="", file=self._out, flush=True)
            self._unfinished = len(text)

    def _clear(self) -> None:
        if self._unfinished:
            print("\r" + " " * self._unfinished + "\r", end="", file=self._out)
            self._unfinished = 0

    async def _line(self, read: Callable[[str], str], prompt: str) -> str:
        """One line, read by a thread that nobody waits for: Ctrl-C at a question ends the program, not only the question."""
        self._clear()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()

        def settle(line: str | None) -> None:
            if answer.cancelled():
                return
            if line is None:
                answer.set_exception(NoTerminal("this command asks questions: run it on a terminal"))
            else:
                answer.set_result(line)

        def ask() -> None:
            try:
                line: str | None = read(prompt)
            except (EOFError, OSError):
                line = None
            with contextlib.suppress(RuntimeError):  # the loop is gone: nobody wants to know any more
                loop.call_soon_threadsafe(settle, line)

        with _terminal_kept():
            threading.Thread(target=ask, daemon=True, name="question").start()
            return await answer


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """Whatever happens meanwhile, the terminal shows again what is typed: a hidden question switches that off."""
    try:
        before = termios.tcgetattr(sys.stdin.fileno())
    except (termios.error, OSError, ValueError):
        yield  # no terminal
        return
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, before)
