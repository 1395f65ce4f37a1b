"""Reads a folder of lists, `<language>.txt` each: a heading in brackets for each kind, below it a line for each phrase.

What a line may hold is said in rules/phrases.py and, for who keeps the lists, in docs/safety.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.errors import BadInput, Problem
from gateway.rules.phrases import Phrase, parse

LANGUAGES = ("nl", "en", "de", "fr")


def load(folder: Path, kinds: Sequence[str], *, languages: Sequence[str] = LANGUAGES) -> list[Phrase]:
    """All languages' lists. Raises BadInput naming each line not understood, and each list and kind that is missing."""
    phrases: list[Phrase] = []
    problems: list[Problem] = []
    for language in languages:
        path = folder / f"{language}.txt"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(str(path), f"should be a list of words in UTF-8; it cannot be read ({type(error).__name__})"))
            continue
        found, wrong = _read(text, path.name, kinds)
        phrases += found
        problems += wrong
    if problems:
        raise BadInput(problems)
    return phrases


def _read(text: str, name: str, kinds: Sequence[str]) -> tuple[list[Phrase], list[Problem]]:
    phrases: list[Phrase] = []
    problems: list[Problem] = []
    kind: str | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        where = f"{name}:{number}"
        if line.startswith("["):
            kind = next((one for one in kinds if f"[{one}]" == line), None)
            if kind is None:
                problems.append(Problem(where, f"should be one of {', '.join(f'[{one}]' for one in kinds)}"))
        elif kind is None:
            problems.append(Problem(where, "stands under no heading that is understood"))
        else:
            try:
                phrases.append(parse(kind, line))
            except BadInput as error:
                problems += [Problem(where, one.message) for one in error.problems]
    meant = {phrase.kind for phrase in phrases if not phrase.not_meant}
    problems += [Problem(name, f"has no phrase under [{one}]") for one in kinds if one not in meant]
    return phrases, problems
