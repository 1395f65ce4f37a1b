"""No script touches a key that it was not handed in KEYS: on a cluster an undeclared one may lie with another server.

Read off the text. Where a command takes its key stands KEYS[...], a local that was given one of KEYS, or a parameter of a
function; then every call of that function is looked at in the same way. What is left over is listed in TRUSTED, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from gateway.store import scripts

CALL = re.compile(r"(?:redis\.p?call|\bask)\('([A-Z]+)'(?:, )?")
TWO_WORDS = {"XINFO", "XGROUP", "OBJECT", "MEMORY"}
WITHOUT_KEY = {"TIME"}
COMMENT = re.compile(r"--\[\[.*?\]\]|--[^\n]*", re.DOTALL)
FUNCTION = re.compile(r"^local function (\w+)\(([^)]*)\)([^\n]* end$|\n.*?^end$)", re.DOTALL | re.MULTILINE)

TRUSTED = {
    "set": "a sender's lanes: lane_set() makes it of KEYS and of nothing else",
    "old": "in place(): one of set.ready and set.due",
    "new": "in place(): one of set.ready and set.due",
    "entry.told": "in outbox_put: outdated() puts its local `told`, one of KEYS, into the entry",
}


def arguments(text: str, begin: int) -> list[str]:
    """What stands between a bracket that was opened just before `begin` and its end, cut at the commas."""
    found, depth, part = [], 0, ""
    for letter in text[begin:]:
        depth += (letter in "([{") - (letter in ")]}")
        if depth < 0:
            break
        if letter == "," and depth == 0:
            found.append(part.strip())
            part = ""
        else:
            part += letter
    return [*found, part.strip()]


class Script:
    """One script's text, taken apart into its functions and the rest."""

    def __init__(self, code: str) -> None:
        self.functions = {found[1]: (found[2].split(", "), found[3]) for found in FUNCTION.finditer(code)}
        self.parts: list[tuple[str, list[str], str]] = [("", [], FUNCTION.sub("", code))]
        self.parts += [(name, parameters, body) for name, (parameters, body) in self.functions.items()]

    def undeclared(self) -> list[str]:
        """What stands in the place of a key although it need not be one of KEYS."""
        wrong: list[str] = []
        taking: set[tuple[str, int]] = set()
        """functions, and which of their parameters is a key"""
        for name, parameters, body in self.parts:
            for key in keys_used(body):
                self._judge(key, name, parameters, body, taking, wrong)
        done: set[tuple[str, int]] = set()
        while taking - done:
            function, number = (taking - done).pop()
            done.add((function, number))
            for name, parameters, body in self.parts:
                for call in re.finditer(rf"\b{function}\(", body):
                    handed = arguments(body, call.end())[number]
                    self._judge(handed, name, parameters, body, taking, wrong)
        return wrong

    @staticmethod
    def _judge(key: str, name: str, parameters: list[str], body: str, taking: set[tuple[str, int]], wrong: list[str]) -> None:
        root = re.match(r"\w*", key)[0]  # type: ignore[index]  # it matches anything
        plain = re.fullmatch(r"\w+(\.\w+)?(\[.*\])?", key, re.DOTALL) is not None
        if key.startswith("{"):  # several keys at once
            for part in arguments(key, 1):
                Script._judge(part, name, parameters, body, taking, wrong)
        elif not plain:
            wrong.append(key)
        elif root in parameters and not TRUSTED.keys() & {root, key}:
            taking.add((name, parameters.index(root)))
        elif root != "KEYS" and not TRUSTED.keys() & {root, key} and not _from_keys(root, parameters, body, taking, name):
            wrong.append(key)


def _from_keys(local: str, parameters: list[str], body: str, taking: set[tuple[str, int]], name: str) -> bool:
    """Whether a local is given one of KEYS, everywhere it is given something."""
    given = []
    for left, right in re.findall(r"local ((?:\w+, )*\w+) = ([^\n]*)", body):
        names = left.split(", ")
        if local in names:
            given.append(arguments(right, 0)[names.index(local)])
    for walked in re.findall(rf"for \w+, {local} in ipairs\((\w+)\)", body):
        if walked in parameters:
            taking.add((name, parameters.index(walked)))
            given.append("KEYS[1]")
    return bool(given) and all(re.match(r"(KEYS\[|old_key\[)", one) and ".." not in one for one in given)


def keys_used(body: str) -> Iterator[str]:
    """What stands in the place of a key, of every command."""
    for call in CALL.finditer(body):
        if call[1] not in WITHOUT_KEY:
            yield arguments(body, call.end())[1 if call[1] in TWO_WORDS else 0]


def undeclared(code: str) -> list[str]:
    return Script(COMMENT.sub("", code)).undeclared()


@pytest.mark.parametrize("name", scripts.names())
def test_a_script_touches_only_keys_that_it_was_handed(name: str) -> None:
    assert undeclared(scripts.source(name)) == []


@pytest.mark.parametrize(
    "lines",
    [
        "redis.call('GET', 'stops')",
        "redis.call('GET', ARGV[1])",
        "redis.call('HGET', '{p:' .. ARGV[1] .. '}told', 'x')",
        "local name = KEYS[1] .. ':x'\nredis.call('GET', name)",
        "local function read(key) return redis.call('GET', key) end\nread(KEYS[1])\nread(ARGV[2])",
        "redis.call('XINFO', 'STREAM', ARGV[1])",
        "redis.call('GET', nowhere)",
    ],
)
def test_a_key_that_was_not_handed_over_is_found(lines: str) -> None:
    assert undeclared(lines)
