"""deploy/alerts.yaml as the watch reads it, and which of its alerts fire: the same file that Prometheus reads.

An alert is a rule and the labels that its expression found. It is pending from the first look that finds it, fires when it was
found at every look for as long as its rule says (`for`), and is over at the first look that does not find it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
import yaml

from gateway.errors import BadInput, Problem
from gateway.insight.watch_expr import Expr, evaluate, parse, selects
from gateway.insight.watch_series import Labels, Window, labels_of

ALERTS_FILE = Path(__file__).resolve().parents[2] / "deploy" / "alerts.yaml"
_SPAN = re.compile(r"(\d+)([smh])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600}
_LABEL = re.compile(r"\{\{\s*\$labels\.(\w+)\s*\}\}")
_VALUE = re.compile(r'\{\{\s*printf\s+"(%\.\d+f)"\s+\$value\s*\}\}')

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rule:
    """summary: may hold {{ $labels.NAME }} and {{ printf "%.0f" $value }}. runbook: what to open."""

    name: str
    expr: Expr
    for_s: float
    labels: Mapping[str, str]
    summary: str
    runbook: str

    @property
    def look_back_s(self) -> float:
        """So long must be watched before "not found" means that it is not there."""
        return self.for_s + max((one.range_s for one in selects(self.expr)), default=0)


@dataclass(frozen=True, slots=True)
class Alert:
    """One that fires. since_s: since when (epoch)."""

    rule: Rule
    labels: Labels
    since_s: float
    value: float

    @property
    def all_labels(self) -> dict[str, str]:
        return {"alertname": self.rule.name, **dict(self.labels), **self.rule.labels}

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(repr(labels_of(self.all_labels)).encode()).hexdigest()[:16]

    @property
    def summary(self) -> str:
        found = dict(self.labels)
        text = _LABEL.sub(lambda match: found.get(match[1], ""), self.rule.summary)
        return " ".join(_VALUE.sub(lambda match: match[1] % self.value, text).split())


@dataclass
class Alarm:
    """Which alerts are pending or fire, from one look to the next."""

    rules: Sequence[Rule]
    _since: dict[tuple[str, Labels], float] = field(default_factory=dict)

    def look(self, window: Window, at_s: float) -> list[Alert]:
        """Those that fire now; looks come in the order of time."""
        firing: list[Alert] = []
        since: dict[tuple[str, Labels], float] = {}
        for rule in self.rules:
            found = evaluate(rule.expr, window, at_s)
            for labels, value in found.items() if isinstance(found, dict) else ():
                begun = since[(rule.name, labels)] = self._since.get((rule.name, labels), at_s)
                if at_s - begun >= rule.for_s:
                    firing.append(Alert(rule, labels, begun + rule.for_s, value))
        self._since = since
        return firing


def names_of(rules: Sequence[Rule]) -> frozenset[str]:
    """The figures that rules look at, without `up`, which whoever looks at processes makes."""
    return frozenset(one.name for rule in rules for one in selects(rule.expr)) - {"up"}


def load(path: Path = ALERTS_FILE) -> list[Rule]:
    """Raises BadInput naming each rule that is not understood, and what of it."""
    rules, problems = read(path)
    if problems:
        raise BadInput(problems)
    return rules


def load_here() -> list[Rule]:
    """The rules that are understood; the log names the others. A process runs without any, rather than not at all."""
    rules, problems = read(ALERTS_FILE)
    if problems:
        log.error("watch.not_understood", rules=[f"{one.field}: {one.message}" for one in problems])
    return rules


def read(path: Path) -> tuple[list[Rule], list[Problem]]:
    """The rules of a file, and what is wrong with it."""
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        entries = [entry for group in raw["groups"] for entry in group["rules"] if "alert" in entry]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        return [], [Problem(str(path), f"cannot be read as rules of Prometheus ({type(error).__name__})")]
    rules, problems = [], []
    for entry in entries:
        try:
            rules.append(_rule(entry))
        except BadInput as error:
            problems += [Problem(f"{path.name}: {entry['alert']}: {one.field}", one.message) for one in error.problems]
    return rules, problems


def _rule(entry: dict[str, Any]) -> Rule:
    name, notes = str(entry["alert"]), entry.get("annotations", {})
    return Rule(
        name=name,
        expr=parse(str(entry.get("expr", ""))),
        for_s=_seconds(str(entry.get("for", "0s"))),
        labels={str(key): str(value) for key, value in entry.get("labels", {}).items()},
        summary=str(notes.get("summary", name)),
        runbook=str(notes.get("runbook_url", "")),
    )


def _seconds(text: str) -> float:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise BadInput([Problem("for", f"{text!r} should be such as 30s, 5m or 1h")])
    return float(int(found[1]) * _UNIT_S[found[2]])
