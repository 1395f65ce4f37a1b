"""Who decides, keeps, sends and applies knows no channel by name: a third one changes nothing there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

GATEWAY = Path(__file__).resolve().parents[2] / "gateway"
PACKAGES = ("dispatch", "webhooks", "rules", "store", "planning")
NAMES = re.compile(r"whats_?app|messenger|psid|wamid|waba|wa_id|phone_number_id|page_id", re.IGNORECASE)
SAID_BY_PEOPLE = {"rules/stops.py"}
"""Holds what people type to stop us; some of them name their app."""

FILES = sorted(
    str(path.relative_to(GATEWAY))
    for package in PACKAGES
    for path in (GATEWAY / package).rglob("*")
    if path.suffix in (".py", ".lua")
)


def named_in(path: Path) -> list[str]:
    """Channels named in code: in identifiers and strings; what docstrings and comments explain is for people."""
    text = path.read_text("utf-8")
    if path.suffix == ".lua":
        code = re.sub(r"--\[\[.*?--\]\]|--[^\n]*", "", text, flags=re.DOTALL)
        return NAMES.findall(code)
    tree = ast.parse(text)
    explained = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(words)) if id(node) not in explained:
                found += NAMES.findall(words)
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                found += NAMES.findall(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found += NAMES.findall(name)
            case ast.ImportFrom(module=str(name)):
                found += NAMES.findall(name)
            case _:
                pass
    return found


@pytest.mark.parametrize("name", FILES)
def test_no_channel_is_named(name: str) -> None:
    if name not in SAID_BY_PEOPLE:
        assert named_in(GATEWAY / name) == []


def test_the_search_finds_a_channel_where_one_is_named() -> None:
    assert "whatsapp" in named_in(GATEWAY / "registry.py")
    assert "whatsapp" in named_in(GATEWAY / "rules/stops.py")
