"""What people say, as lists that the operator keeps: words that cannot wait, complaints, reasons. Read here, checked here.

The lists lie at the top level (`safety/`, `reasons.yaml`) because whoever answers people knows best how they write, and seldom
writes Python. They are read once, when a process starts: a mistake in one is named with its line and stops the start, for a
list that is half understood would be trusted all the same. What a message means by them is decided in `rules/` (phrases, safety,
complaints, reasons, language): pure, and fast enough to be asked of every message.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gateway.errors import BadInput, Problem
from gateway.listening import complaints, reasons, safety
from gateway.model.webcare import Reason
from gateway.rules.complaints import ComplaintWords
from gateway.rules.listening import Listener
from gateway.rules.reasons import ReasonRules
from gateway.rules.safety import SafetyWords


@dataclass(frozen=True, slots=True)
class WordLists:
    """All lists of a house, understood. reasons: groups and reasons, as they stand in the file; rules: what finds them"""

    safety: SafetyWords
    complaints: ComplaintWords
    reasons: tuple[Reason, ...]
    rules: ReasonRules

    @classmethod
    def load(cls, folder: Path | None = None) -> WordLists:
        """folder: the operator's own `safety/`, `complaints/` and `reasons.yaml`; what is not in it comes with the program.

        raises: BadInput naming each line of each list that is not understood
        """
        paths = tuple(_own(folder, shipped) for shipped in (safety.FOLDER, complaints.FOLDER, reasons.FILE))
        return _understood(paths, tuple(map(_stamp, paths)))

    def listener(self) -> Listener:
        return Listener(self.safety, self.complaints, self.rules)


@lru_cache(maxsize=4)
def _understood(paths: tuple[Path, ...], stamps: tuple[object, ...]) -> WordLists:
    """Understood once for as long as the files are what they are: a process opens several houses in tests, and asks in commands.

    stamps: of the files, so that changed ones are read anew
    """
    problems: list[Problem] = []
    words, complaining, why = None, None, None
    try:
        words = safety.load(paths[0])
    except BadInput as error:
        problems += error.problems
    try:
        complaining = complaints.load(paths[1])
    except BadInput as error:
        problems += error.problems
    try:
        why = reasons.load(paths[2])
    except BadInput as error:
        problems += error.problems
    if words is None or complaining is None or why is None:
        raise BadInput(problems)
    return WordLists(words, complaining, why, ReasonRules(why))


def _stamp(path: Path) -> object:
    """What changes with a file, or with any file of a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return tuple((one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in files if one.is_file())


def _own(folder: Path | None, shipped: Path) -> Path:
    own = folder / shipped.name if folder is not None else shipped
    return own if own.exists() else shipped
