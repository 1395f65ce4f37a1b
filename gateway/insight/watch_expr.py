"""The small part of PromQL that deploy/alerts.yaml is written in, so that the same rules run with and without Prometheus.

Understood: numbers, `name{label="...", label=~"..."}`, `increase(name{...}[10m])`, `sum|max|min|count [by (label, ...)] (...)`,
`+ - * /`, `== != > < >= <=`, `and`, `or`, `unless`, brackets. Vectors meet on all their labels. Anything else is refused when the
rules are read, by name: a rule is never half understood. A test runs every rule here and in promtool on the same series.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.errors import BadInput, Problem
from gateway.insight.watch_series import Labels, Window

Vector = dict[Labels, float]
Value = Vector | float

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)(?![\w.])|(?P<name>[a-zA-Z_:][\w:]*)|(?P<text>\"[^\"\\]*\")|"
    r"(?P<range>\[\d+[smhd]\])|(?P<sign>=~|!~|==|!=|>=|<=|[-+*/<>=(){},]))"
)
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_FOLDS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": sum, "max": max, "min": min, "count": lambda values: float(len(values)),
}  # fmt: skip
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
_CALCULATE: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": lambda one, other: _divided(one, other),
}  # fmt: skip
_LEVELS: tuple[tuple[str, ...], ...] = (("or",), ("and", "unless"), tuple(_COMPARE), ("+", "-"), ("*", "/"))


def _divided(one: float, other: float) -> float:
    if other:
        return one / other
    return math.nan if not one or math.isnan(one) else math.copysign(math.inf, one)


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Select:
    """range_s 0: the latest value; else `increase` over so long. matchers: (label, =|!=|=~|!~, text)."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]
    range_s: float = 0


@dataclass(frozen=True, slots=True)
class Fold:
    how: str
    by: tuple[str, ...]
    inner: Expr


@dataclass(frozen=True, slots=True)
class Both:
    sign: str
    left: Expr
    right: Expr


Expr = Number | Select | Fold | Both


def parse(text: str) -> Expr:
    """Raises BadInput naming what is not understood."""
    return _Parser(text).whole()


def selects(expr: Expr) -> list[Select]:
    """Every figure that an expression looks at."""
    match expr:
        case Number():
            return []
        case Select():
            return [expr]
        case Fold():
            return selects(expr.inner)
        case Both():
            return selects(expr.left) + selects(expr.right)


def evaluate(expr: Expr, window: Window, at_s: float) -> Value:
    match expr:
        case Number():
            return expr.value
        case Select():
            found = window.increases(expr.name, at_s, expr.range_s) if expr.range_s else window.latest(expr.name, at_s)
            return {labels: value for labels, value in found if _fits(labels, expr.matchers)}
        case Fold():
            inner = evaluate(expr.inner, window, at_s)
            groups: dict[Labels, list[float]] = {}
            for labels, value in _vector(inner).items():
                groups.setdefault(tuple(pair for pair in labels if pair[0] in expr.by), []).append(value)
            return {labels: _FOLDS[expr.how](values) for labels, values in groups.items()}
        case Both():
            return _joined(expr.sign, evaluate(expr.left, window, at_s), evaluate(expr.right, window, at_s))


def _vector(value: Value) -> Vector:
    return value if isinstance(value, dict) else {(): value}


def _fits(labels: Labels, matchers: tuple[tuple[str, str, str], ...]) -> bool:
    values = dict(labels)
    for name, sign, text in matchers:
        value = values.get(name, "")
        same = re.fullmatch(text, value) is not None if sign.endswith("~") else value == text
        if same == sign.startswith("!"):
            return False
    return True


def _joined(sign: str, left: Value, right: Value) -> Value:
    if sign in ("or", "and", "unless"):
        one, other = _vector(left), _vector(right)
        if sign == "or":
            return {**one, **{labels: value for labels, value in other.items() if labels not in one}}
        return {labels: value for labels, value in one.items() if (labels in other) == (sign == "and")}
    pairs: dict[Labels, tuple[float, float]]
    if isinstance(left, float) and isinstance(right, float):
        return _CALCULATE[sign](left, right) if sign in _CALCULATE else float(_COMPARE[sign](left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        pairs = {labels: (value, right[labels]) for labels, value in left.items() if labels in right}
    elif isinstance(left, dict):
        assert isinstance(right, float)
        pairs = {labels: (value, right) for labels, value in left.items()}
    else:
        pairs = {labels: (left, value) for labels, value in _vector(right).items()}
    if sign in _CALCULATE:
        return {labels: _CALCULATE[sign](one, other) for labels, (one, other) in pairs.items()}
    kept = {labels: pair for labels, pair in pairs.items() if _COMPARE[sign](*pair)}
    return {labels: one if isinstance(left, dict) else other for labels, (one, other) in kept.items()}


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._wrong(f"{text[at:].split()[0]!r} is not understood")
            self._tokens.append((str(found.lastgroup), found.group(str(found.lastgroup))))
            at = found.end()
        self._at = 0

    def _wrong(self, why: str) -> BadInput:
        return BadInput([Problem("expr", f"{why}, in: {' '.join(self._text.split())}")])

    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "the end")

    def _take(self, *wanted: str) -> str:
        kind, text = self._next()
        if wanted and text not in wanted and kind not in wanted:
            raise self._wrong(f"{text!r} stands where one of {', '.join(wanted)} should")
        self._at += 1
        return text

    def whole(self) -> Expr:
        found = self._level(0)
        if self._next()[0] != "end":
            raise self._wrong(f"{self._next()[1]!r} comes too late")
        return found

    def _level(self, level: int) -> Expr:
        if level == len(_LEVELS):
            return self._one()
        left = self._level(level + 1)
        while self._next()[1] in _LEVELS[level] and self._next()[0] in ("sign", "name"):
            left = Both(self._take(), left, self._level(level + 1))
        return left

    def _one(self) -> Expr:
        kind, text = self._next()
        if kind == "number":
            return Number(float(self._take()))
        if text == "(":
            return self._bracketed()
        name = self._take("name")
        if name in _FOLDS:
            by = self._by() if self._next()[1] == "by" else ()
            return Fold(name, by, self._bracketed())
        if name == "increase":
            self._take("(")
            found = self._select(self._take("name"))
            text = self._take("range")
            self._take(")")
            return Select(found.name, found.matchers, float(int(text[1:-2]) * _UNIT_S[text[-2]]))
        if self._next()[1] == "(":
            raise self._wrong(f"{name}() is none of ours")
        return self._select(name)

    def _bracketed(self) -> Expr:
        self._take("(")
        found = self._level(0)
        self._take(")")
        return found

    def _by(self) -> tuple[str, ...]:
        self._take("by")
        self._take("(")
        names = [self._take("name")]
        while self._take(",", ")") == ",":
            names.append(self._take("name"))
        return tuple(names)

    def _select(self, name: str) -> Select:
        matchers: list[tuple[str, str, str]] = []
        if self._next()[1] == "{":
            self._take("{")
            while self._next()[1] != "}":
                label = self._take("name")
                sign = self._take("=", "!=", "=~", "!~")
                matchers.append((label, sign, self._take("text")[1:-1]))
                if self._next()[1] == ",":
                    self._take(",")
            self._take("}")
        return Select(name, tuple(matchers))
