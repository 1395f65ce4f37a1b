"""Expressions over an event's context: plain paths are walked, everything else is CEL, compiled once at load.

Source of the language: the Common Expression Language specification (cel.dev); a missing field is an error there, and
becomes None here, so that a list of expressions can say "the first that is known".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cel

ROOTS = frozenset(
    {
        "event", "data", "state", "previous", "changes", "facts", "person", "order", "passenger", "brand", "now_ms",
        "links", "rebooking", "connection", "paper", "each",
    }
)  # fmt: skip

_PATH = re.compile(r"[a-z_]\w*(\.[A-Za-z_]\w*)*")
_BOUND = re.compile(r"\.(?:map|filter|all|exists|exists_one)\(\s*(\w+)\s*,")
_STRING = re.compile(r"'[^']*'|\"[^\"]*\"")
# CEL's standard functions, as far as a condition or a value needs them; an unknown one would only fail at run time.
_FUNCTIONS = frozenset(
    {"size", "contains", "startsWith", "endsWith", "matches"} | {"string", "int", "double", "bool", "timestamp", "duration"}
)
# What the Rust library raises for a missing key, a wrong type, an unknown name or a value it cannot take over.
_FAILURES = (KeyError, TypeError, RuntimeError, ValueError, OverflowError, IndexError)

Failure = Callable[[str, str], None]
"""called with the notification's name and the class of the error; never with a value"""


class Scope:
    """One context, handed to many expressions: CEL's side of it is made at most once.

    Fan-out makes one of these for an event and, with `of`, a light one for each person: what reads nothing of the
    person's own is worked out once for all of them. A plain dict works as well.

    own:  the names that this scope has changed against its base
    said: what was rendered for everybody alike, by notification, language, zone and brand
    """

    __slots__ = ("_base", "_native", "own", "said", "values")

    def __init__(
        self, values: Mapping[str, Any], *, base: Scope | None = None, own: frozenset[str] = frozenset()
    ) -> None:
        self.values = values
        self.own = own
        self.said: dict[Hashable, Any] = base.said if base is not None else {}
        self._base = base
        self._native: cel.Context | None = None

    def of(self, **own: Any) -> Scope:
        """The same for one person: person, order, passenger, links, brand as they are for them."""
        return Scope({**self.values, **own}, base=self, own=self.own | own.keys())

    def native(self, roots: frozenset[str]) -> cel.Context:
        """CEL's side of it for an expression that reads these names."""
        if self._base is not None and not roots & self.own:
            return self._base.native(roots)
        if self._native is None:
            self._native = cel.Context(dict(self.values))
        return self._native


Context = Mapping[str, Any] | Scope


def scope_of(context: Context) -> Scope:
    return context if isinstance(context, Scope) else Scope(context)


@dataclass(frozen=True, slots=True)
class Expression:
    """paths: every dotted name it reads, for the check of the personal flag; roots: their first parts."""

    source: str
    paths: tuple[str, ...]
    roots: frozenset[str]
    _program: cel.Program = field(repr=False, compare=False)
    _steps: tuple[str, ...] | None = field(repr=False, compare=False)

    def evaluate(self, scope: Scope) -> Any:
        """Its value, None for a plain path that leads nowhere; CEL raises (one of `_FAILURES`) for a missing field."""
        if self._steps is None:
            return self._program.execute(scope.native(self.roots))
        value: Any = scope.values
        for step in self._steps:
            if not isinstance(value, Mapping):
                return None
            value = value.get(step)
        return value

    def value(self, scope: Scope) -> Any:
        """Its value, or None when it has none."""
        try:
            return self.evaluate(scope)
        except _FAILURES:
            return None

    def holds(self, scope: Scope, failed: Callable[[str], None]) -> bool:
        """Whether it is true; a failure is false, and its class goes to `failed`."""
        try:
            return self.evaluate(scope) is True
        except _FAILURES as error:
            failed(type(error).__name__)
            return False


def compile_expression(source: str) -> Expression:
    """Raises ValueError with what is wrong: syntax, an unknown root or an unknown function."""
    program = cel.compile(source)
    bare = _STRING.sub("''", source)
    bound = set(_BOUND.findall(bare))
    unknown = sorted(set(program.variables()) - ROOTS - bound)
    if unknown:
        raise ValueError(f"unknown name {', '.join(unknown)}; the context has {', '.join(sorted(ROOTS))}")
    strange = sorted(name for name in program.functions() if name.isidentifier() and name not in _FUNCTIONS
                     and not name.startswith("_"))
    if strange:
        raise ValueError(f"unknown function {', '.join(strange)}")
    steps = tuple(source.split(".")) if _PATH.fullmatch(source) and program.variables() else None  # `true` is no path
    paths = tuple(sorted({match.group() for match in _PATH.finditer(bare) if match.group().split(".")[0] in ROOTS}))
    roots = frozenset(program.variables()) & ROOTS
    return Expression(source=source, paths=paths, roots=roots, _program=program, _steps=steps)


def first_value(expressions: Sequence[Expression], scope: Scope) -> Any:
    """The first that has a value: not None and not an empty text."""
    for expression in expressions:
        value = expression.value(scope)
        if value is not None and value != "":
            return value
    return None
