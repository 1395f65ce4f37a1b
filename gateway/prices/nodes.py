"""YAML whose every value knows its line: what is wrong in a file is told with the place and the mend.

Numbers and dates stay texts as they were written, so that no price ever passes through a float.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Problems:
    """What is wrong with one file, each "file, line N: what, and the mend"."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[str] = []

    def add(self, line: int, text: str) -> None:
        self.found.append(f"{self.path}, line {line}: {text}" if line else f"{self.path}: {text}")


class Node:
    """One value of a file. Asked for what it is not, it notes a problem and gives what is empty."""

    def __init__(self, node: yaml.Node, problems: Problems, name: str) -> None:
        self._node = node
        self._problems = problems
        self.name = name

    @property
    def line(self) -> int:
        return int(self._node.start_mark.line) + 1

    def wrong(self, text: str) -> None:
        """Note a problem in the line of this value."""
        self._problems.add(self.line, f"{self.name} {text}")

    def text(self) -> str:
        """The word as it was written; "" for what is none."""
        if isinstance(self._node, yaml.ScalarNode) and self._node.value.strip():
            return str(self._node.value).strip()
        self.wrong("should be a single value")
        return ""

    def items(self) -> list[Node]:
        if isinstance(self._node, yaml.SequenceNode):
            return [Node(one, self._problems, f"{self.name}[{place}]") for place, one in enumerate(self._node.value)]
        self.wrong("should be a list")
        return []

    def mapping(self, *, needs: Iterable[str] = (), may: Iterable[str] | None = None) -> dict[str, Node]:
        """Its keys and values. needs: keys that must be there; may: the only other ones (None = any)."""
        if not isinstance(self._node, yaml.MappingNode):
            self.wrong("should be keys with values")
            return {}
        needs = list(needs)
        allowed = None if may is None else {*needs, *may}
        found: dict[str, Node] = {}
        for key, value in self._node.value:
            word = str(key.value)
            line = key.start_mark.line + 1
            if word in found:
                self._problems.add(line, f"{word} stands twice: keep one")
            elif allowed is not None and word not in allowed:
                self._problems.add(line, f"{word} is not known here; there are {', '.join(sorted(allowed))}")
            else:
                found[word] = Node(value, self._problems, word)
        for word in needs:
            if word not in found:
                self.wrong(f"has no `{word}`: add it")
        return found


def root(path: Path, problems: Problems) -> Node | None:
    """What a file holds; None, with a problem noted, for one that cannot be read or holds nothing."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        problems.add(error.problem_mark.line + 1 if error.problem_mark else 0, f"is no YAML: {error.problem}")
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problems.add(0, f"cannot be read as YAML in UTF-8 ({type(error).__name__})")
        return None
    if node is None:
        problems.add(0, "is empty: see docs/cost.md for what belongs in it")
        return None
    return Node(node, problems, "the file")
