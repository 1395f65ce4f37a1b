"""Reads `safety/`: words that cannot wait, in all languages."""

from __future__ import annotations

from pathlib import Path

from gateway.listening import lists
from gateway.model.webcare import Safety
from gateway.rules.safety import SafetyWords

FOLDER = Path(__file__).resolve().parents[2] / "safety"
"""What comes with the program."""


def load(folder: Path = FOLDER) -> SafetyWords:
    """All languages' lists as one. Raises BadInput (lists.load)."""
    return SafetyWords(lists.load(folder, [one.value for one in Safety]))
