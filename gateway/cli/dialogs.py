"""`python main.py dialogs lint`: looks at the dialogs, and at what a message would begin."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gateway.assistant import dialogs
from gateway.cli import arguments, opening, printing
from gateway.errors import BadInput, Problem


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "dialogs", help="the questions that are asked before a person comes")
    parser = arguments.command(
        group,
        "lint",
        help="check dialogs/",
        about=(
            "Names each mistake with its file and place: a text that is missing or too long, a step that leads nowhere.\n"
            "With --say it tells which dialog a message would begin; nothing of the message is kept."
        ),
        example='dialogs lint --say "I left my bag on the train"',
    )
    parser.add_argument("--dir", type=Path, metavar="DIRECTORY", help="your dialogs, in place of GATEWAY_WORDS_DIR/dialogs")
    parser.add_argument("--say", metavar="TEXT", help="a message to try")
    parser.add_argument("--brand", default="", metavar="ID", help="of which brand it would be, with --say")
    parser.set_defaults(work=_lint)


def _lint(args: argparse.Namespace) -> int:
    folder: Path = args.dir or dialogs.folder_of(opening.read_settings().words_dir)
    if not folder.is_dir() or not any(folder.glob("*.yaml")):
        raise BadInput([Problem("--dir", "should be a directory that holds dialogs, a file NAME.yaml each")])
    found = dialogs.load(folder)
    data: dict[str, Any] = {name: len(one.steps) for name, one in found.named.items()}
    shown = f"all understood: {', '.join(f'{name} ({steps} steps)' for name, steps in data.items())}"
    if args.say is not None:
        begun = found.begun(args.say, args.brand)
        data = {"begins": begun.name if begun is not None else None}
        shown = f"begins {begun.name}" if begun is not None else "begins none: a person reads it, or the assistant answers it"
    if args.json:
        printing.as_json(data)
    else:
        print(shown)
    return 0
