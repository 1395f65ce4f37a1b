"""Thuisfront: reads the arguments and hands over to gateway.cli. `python main.py` alone shows the main tasks in words.

A newcomer's first Python is often the machine's own: this file and its first lines run on any, and say what to type instead.
"""

from __future__ import annotations

import sys

NEEDED = (3, 11)
MEND = "run `make setup` once, then type .venv/bin/python in place of python"


def start() -> int | str:
    """Run the command to its exit code; where this Python is too old or has not our packages, the words that say so."""
    if sys.version_info < NEEDED:
        return f"this is Python {sys.version_info[0]}.{sys.version_info[1]}, and it takes 3.11 or newer: {MEND}"
    try:
        import dotenv  # noqa: F401 -- small, and no command does without
    except ModuleNotFoundError:
        return f"the packages are not in this Python ({sys.executable}): {MEND}"
    try:
        from gateway.cli.main import main

        return main()
    except KeyboardInterrupt:  # while a command's modules load, which may take seconds on a small machine
        return 130


if __name__ == "__main__":
    sys.exit(start())
