"""Reads `complaints/`: words by which somebody complains, in all languages."""

from __future__ import annotations

from pathlib import Path

from gateway.listening import lists
from gateway.rules.complaints import Complaint, ComplaintWords

FOLDER = Path(__file__).resolve().parents[2] / "complaints"
"""What comes with the program."""


def load(folder: Path = FOLDER) -> ComplaintWords:
    """All languages' lists as one. Raises BadInput (lists.load)."""
    return ComplaintWords(lists.load(folder, [one.value for one in Complaint]))
