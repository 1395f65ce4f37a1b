"""The words of a notification in one language, as the channel approves them, with {{named}} parameters.

Values are data: they are cleaned of what the channel refuses (new lines, tabs, runs of blanks), cannot start bold or
italic by accident, cannot turn the direction of the sentence around, and never bring in a further parameter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

VARIABLE = re.compile(r"\{\{\s*([a-z][a-z_]*)\s*\}\}")

# The channel's markup only works in pairs at the edges of words; a look-alike shows the same and does nothing.
_MARKUP = re.compile(r"(?<!\w)([*_~`])(?=\S)([^\n]*?\S)\1(?!\w)")
_HARMLESS = {"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"}
_BLANKS = re.compile(r"\s+")
_UNBREAKABLE = frozenset("\u00a0\u202f")
"""Blanks that belong to the words: before a French colon, between an amount and its currency."""
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_FSI, _PDI = "\u2068", "\u2069"
# Marks that reach beyond the value they stand in: embeddings, overrides, isolates.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Texts:
    """One language of one version, for every brand (brand None) or for one.

    language: the channel's code, exact (nl, en, pt_BR); template: the name at the channel, "" where there is none
    phrases:  parts of sentences that a parameter may choose; words: parameter -> word of the event -> word for people
    otherwise: parameter -> what to say when it has no value; examples: parameter -> what the channel's reviewers see
    """

    language: str
    brand: str | None
    version: int
    template: str
    body: str
    header: str | None = None
    footer: str | None = None
    buttons: Mapping[str, str] = field(default_factory=dict)
    phrases: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    otherwise: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    file: str = ""

    @property
    def header_variables(self) -> tuple[str, ...]:
        return variables(self.header or "")

    @property
    def body_variables(self) -> tuple[str, ...]:
        return variables(self.body)


def variables(text: str) -> tuple[str, ...]:
    """The names of its parameters, each once, in order."""
    return tuple(dict.fromkeys(VARIABLE.findall(text)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace each parameter once; braces inside a value stay what they are. KeyError for a missing value."""
    return VARIABLE.sub(lambda match: values[match.group(1)], text)


def clean(value: str, *, longest: int, link: bool = False) -> str:
    """A value the channel takes: one line, single blanks, no stray markup, at most `longest` characters.

    An unbreakable blank stays one.

    link: a URL, which must stay as it is but for blanks and control characters.
    """
    value = _DIRECTION.sub("", value)
    value = "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in value
    )
    value = _BLANKS.sub(_one_blank, value).strip()
    if link:
        return value
    value = _MARKUP.sub(lambda match: f"{_HARMLESS[match[1]]}{match[2]}{_HARMLESS[match[1]]}", value)
    if len(value) > longest:
        value = value[: longest - 1].rstrip() + "…"
    return value


def _one_blank(run: re.Match[str]) -> str:
    return run[0] if run[0] in _UNBREAKABLE else " "


def isolate(value: str, right_to_left: bool) -> str:
    """Wrap a value that runs against the sentence, so that digits and stops beside it stay where they belong."""
    directions = {unicodedata.bidirectional(char) for char in value}
    against = bool(directions & {"L"}) if right_to_left else bool(directions & _RIGHT_TO_LEFT)
    return f"{_FSI}{value}{_PDI}" if against else value
