"""Every edge case of the desk has a row, and every test that a row names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| (E\d+) \|.*\| ([^|]*) \|$", re.MULTILINE)
_TEST = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)


def test_each_of_the_22_cases_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "desk.md").read_text(encoding="utf-8")
    rows = {row: set(re.findall(r"`(test_\w+)`", cell)) for row, cell in _ROW.findall(text)}
    assert list(rows) == [f"E{number}" for number in range(1, 23)]
    assert all(rows.values())
    there = {name for path in (ROOT / "tests").rglob("test_*.py") for name in _TEST.findall(path.read_text(encoding="utf-8"))}
    assert {row: missing for row, named in rows.items() if (missing := named - there)} == {}
    shown = [name for named in rows.values() for name in named]
    assert len(shown) == len(set(shown)), "a test of its own for each case"
