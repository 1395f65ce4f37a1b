"""`python main.py webcare lint`: looks at the lists of words, and at what a message would be taken for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gateway.cli import arguments, opening, printing
from gateway.errors import BadInput, Problem
from gateway.listening import WordLists
from gateway.model.personal import Personal


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "webcare", help="the lists that messages are read by")
    parser = arguments.command(
        group,
        "lint",
        help="check safety/, complaints/ and reasons.yaml",
        about=(
            "Names each line that is not understood, with its file and number. With --say it tells what a message would be\n"
            "taken for, and by which line; nothing of the message is kept."
        ),
        example='webcare lint --say "my dad has chest pain"',
    )
    parser.add_argument("--dir", type=Path, metavar="DIRECTORY", help="your lists, in place of GATEWAY_WORDS_DIR")
    parser.add_argument("--say", metavar="TEXT", help="a message to try")
    parser.set_defaults(work=_lint)


def _lint(args: argparse.Namespace) -> int:
    folder: Path | None = args.dir or opening.read_settings().words_dir
    if folder is not None and not folder.is_dir():
        raise BadInput([Problem("--dir", "should be a directory that holds safety/, complaints/ or reasons.yaml")])
    lists = WordLists.load(folder)
    if args.say is None:
        reasons = sum(1 for one in lists.reasons if one.parent)
        data: dict[str, Any] = {"safety": len(lists.safety), "complaints": len(lists.complaints), "reasons": reasons}
        shown = f"all understood: {data['safety']} lines of safety/, {data['complaints']} of complaints/, {reasons} reasons"
    else:
        data = _said(lists, args.say)
        shown = "\n".join(f"{name:10} {value}" for name, value in data.items())
    if args.json:
        printing.as_json(data)
    else:
        print(shown)
    return 0


def _said(lists: WordLists, text: str) -> dict[str, Any]:
    heard = lists.listener().hear("text", Personal(text))
    complaint = lists.complaints.find(text)
    return {
        "safety": heard.safety.value if heard.safety else "no",
        "because of": "; ".join(dict.fromkeys(hit.phrase.line for hit in lists.safety.why(text))) or "-",
        "complaint": complaint.value if complaint else "no",
        "language": heard.language or "unknown",
        "reasons": ", ".join(f"{code} {p:.2f}" for code, p in heard.reasons.items()) or "unknown",
    }
