"""Questions of the commands, on standard error: standard output belongs to what a command prints.

Without a terminal nothing is agreed to by silence; a hidden value may come through a pipe.
"""

from __future__ import annotations

import os
import sys

from gateway.cli.dialogue import NoTerminal, Terminal, agreed
from gateway.model.personal import Secret


def _typed(prompt: str) -> str:
    print(prompt, end="", file=sys.stderr, flush=True)
    return input()


def _piped(prompt: str) -> str:
    """One line of standard input. Read byte by byte: a thread that waits in a buffered read breaks Python's way out."""
    print(prompt.rstrip(), file=sys.stderr, flush=True)
    found = bytearray()
    while (byte := os.read(sys.stdin.fileno(), 1)) not in (b"", b"\n"):
        found += byte
    if not found and not byte:
        raise EOFError
    return found.decode("utf-8", "replace").removesuffix("\r")


def terminal() -> Terminal:
    """For progress and questions."""
    return Terminal(sys.stderr, read=_typed)


async def hidden(question: str) -> Secret:
    """A line that is not shown while it is typed; from a pipe, its next line. Raises NoTerminal where there is none."""
    if sys.stdin.isatty():
        return await terminal().ask_hidden(question)
    return Secret(await Terminal(sys.stderr, read=_piped).ask(question))


async def sure(question: str, *, yes: bool) -> bool:
    """Whether to go on. yes: it was said beforehand. Raises NoTerminal where nobody can answer."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise NoTerminal(f"{question}\nThis asks first: run it on a terminal, or add --yes")
    return await agreed(terminal(), question, default=False)
