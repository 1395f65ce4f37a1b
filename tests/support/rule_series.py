"""Reads a file of promtool's unit tests (prometheus.io, "Unit testing for rules", 2026), for our own evaluation of its series."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_SERIES = re.compile(r"([\w:]+)\{(.*)\}")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_STEPS = re.compile(r"(-?[\d.]+)(?:([+-])([\d.]+))?x(\d+)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Case:
    """series: (name, labels, [(second, value)]); expected: (labels, summary) of what fires at `at_s`."""

    name: str
    rule: str
    step_s: float
    at_s: float
    series: list[tuple[str, dict[str, str], list[tuple[float, float]]]]
    expected: list[tuple[dict[str, str], str]]


def seconds(text: str) -> float:
    return float(int(text[:-1]) * _UNIT_S[text[-1]])


def values(text: str) -> list[float]:
    """'0x2 5+1x3' -> 0 0 0 5 6 7 8: what stands before the x, and as many more after it."""
    found: list[float] = []
    for word in text.split():
        steps = _STEPS.fullmatch(word)
        if steps is None:
            found.append(float(word))
            continue
        first, sign, by, count = steps.groups()
        step = float(by or 0) * (-1 if sign == "-" else 1)
        found += [float(first) + step * number for number in range(int(count) + 1)]
    return found


def read(path: Path) -> list[Case]:
    whole: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    cases = []
    for test in whole["tests"]:
        step_s = seconds(test["interval"])
        series = []
        for one in test["input_series"]:
            match = _SERIES.fullmatch(one["series"])
            assert match is not None, one["series"]
            points = [(number * step_s, value) for number, value in enumerate(values(one["values"]))]
            series.append((match[1], dict(_LABEL.findall(match[2])), points))
        for asked in test["alert_rule_test"]:
            expected = [(dict(one["exp_labels"]), one["exp_annotations"]["summary"]) for one in asked["exp_alerts"]]
            cases.append(Case(test["name"], asked["alertname"], step_s, seconds(asked["eval_time"]), series, expected))
    return cases
