"""Reads `safety/<language>.txt`: a heading in brackets for each kind, below it a line for each phrase (rules/phrases.py)."""

from __future__ import annotations

from pathlib import Path

from gateway.errors import BadInput, Problem
from gateway.model.webcare import Safety
from gateway.rules.phrases import Phrase, parse
from gateway.rules.safety import SafetyWords

LANGUAGES = ("nl", "en", "de", "fr")
FOLDER = Path(__file__).resolve().parents[2] / "safety"
"""What comes with the program."""


def load(folder: Path = FOLDER) -> SafetyWords:
    """All languages' lists as one. Raises BadInput naming each line not understood, each kind and list that is missing."""
    phrases: list[Phrase] = []
    problems: list[Problem] = []
    for language in LANGUAGES:
        path = folder / f"{language}.txt"
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            problems.append(Problem(str(path), "should be a list of words that cannot wait; it cannot be read"))
            continue
        found, wrong = _read(text, path.name)
        phrases += found
        problems += wrong
    if problems:
        raise BadInput(problems)
    return SafetyWords(phrases)


def _read(text: str, name: str) -> tuple[list[Phrase], list[Problem]]:
    phrases: list[Phrase] = []
    problems: list[Problem] = []
    kind: Safety | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        where = f"{name}:{number}"
        if line.startswith("["):
            kind = next((one for one in Safety if f"[{one.value}]" == line), None)
            if kind is None:
                problems.append(Problem(where, f"should be one of {', '.join(f'[{one.value}]' for one in Safety)}"))
            continue
        if kind is None:
            problems.append(Problem(where, "stands under no heading"))
            continue
        try:
            phrases.append(parse(kind.value, line))
        except BadInput as error:
            problems += [Problem(where, one.message) for one in error.problems]
    meant = {phrase.kind for phrase in phrases if not phrase.not_meant}
    problems += [Problem(name, f"has no phrase under [{one.value}]") for one in Safety if one.value not in meant]
    return phrases, problems
