"""Sixteen alerts at most, on figures that exist, each with a page that helps; Prometheus and our own watch agree on them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.cli.checks import CHECKS
from gateway.cli.main import make_parser
from gateway.errors import BadInput
from gateway.insight.watch_expr import evaluate, parse, selects
from gateway.insight.watch_rules import ALERTS_FILE, Alarm, Rule, load, load_here, names_of
from gateway.insight.watch_series import Window, labels_of
from gateway.metrics import Metrics
from tests.support.rule_series import Case, read, values

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "runbook"
BOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
RULES = load()
CASES = read(ROOT / "deploy" / "alerts.test.yaml")
HEADINGS = ("What customers notice", "First", "Stop the harm", "Whom to wake", "How it ends")


@cache
def promtool() -> str:
    """Where it is; scripts/promtool fetches it where it may. Missing is a failure that says what is missing, not a skip."""
    found = subprocess.run([str(ROOT / "scripts" / "promtool")], capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def figures() -> set[str]:
    """Every name that /metrics can show."""
    found: set[str] = set()
    for family in Metrics().registry.collect():
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        found |= {family.name, *(family.name + end for end in ends)}
    return found


def in_text(text: str) -> set[str]:
    return set(re.findall(r"\bthuisfront_\w+", text))


def rule(name: str) -> Rule:
    return next(one for one in RULES if one.name == name)


# What there is


def test_there_are_at_most_sixteen_and_each_says_whether_to_wake_somebody() -> None:
    assert 10 <= len(RULES) <= 16
    assert {one.labels["severity"] for one in RULES} == {"page", "tell"}
    assert len({one.name for one in RULES}) == len(RULES)


def test_rules_look_only_at_figures_that_exist() -> None:
    assert names_of(RULES) - figures() == set()


@pytest.mark.parametrize("board", BOARDS, ids=lambda path: path.name)
def test_a_board_asks_only_for_figures_that_exist(board: Path) -> None:
    shown: dict[str, Any] = json.loads(board.read_text("utf-8"))
    panels = [panel for panel in shown["panels"] if panel["type"] != "row"]
    assert len(panels) >= 10
    for panel in panels:
        asked = {name for target in panel["targets"] for name in in_text(target["expr"])}
        assert asked, panel["title"]
        assert asked - figures() == set(), panel["title"]
    assert len({panel["id"] for panel in shown["panels"]}) == len(shown["panels"])


def test_there_is_a_board() -> None:
    assert BOARDS


@pytest.mark.parametrize("name", [one.name for one in RULES])
def test_every_alert_has_a_page_that_says_what_to_do(name: str) -> None:
    assert rule(name).runbook == f"docs/runbook/{name}.md"
    text = (RUNBOOK / f"{name}.md").read_text("utf-8")
    places = [text.find(f"## {heading}") for heading in HEADINGS]
    assert -1 not in places, HEADINGS
    assert places == sorted(places)
    first = text.split("## First", 1)[1].split("## ", 1)[0]
    assert "python main.py " in first, "the first thing is a command to type"
    assert in_text(text) <= figures()


@pytest.mark.parametrize("page", sorted(RUNBOOK.glob("*.md")), ids=lambda path: path.stem)
def test_the_commands_of_a_page_are_ours(page: Path) -> None:
    commands = re.findall(r"^python main\.py (.+)$", page.read_text("utf-8"), re.MULTILINE)
    for command in commands:
        parts = shlex.split(command)
        if parts[-1] == "--help":
            parts.pop()
        args = make_parser().parse_args(parts)
        assert args.work is not None, command
        if parts[0] == "doctor":
            assert set(args.only.split(",")) <= {check.name for check in CHECKS}
        for part in parts:
            if part.startswith("notification:"):
                assert (ROOT / "templates" / part.partition(":")[2]).is_dir(), part


def test_no_page_is_left_of_an_alert_that_is_gone() -> None:
    assert {page.stem for page in RUNBOOK.glob("*.md")} - {one.name for one in RULES} == {"README"}


# The same in Prometheus and here


@pytest.mark.parametrize(
    "words", [("check", "rules", "alerts.yaml"), ("check", "config", "prometheus.yml"), ("test", "rules", "alerts.test.yaml")]
)
def test_prometheus_takes_the_rules_and_agrees_with_their_tests(words: tuple[str, ...]) -> None:
    done = subprocess.run([promtool(), *words], cwd=ROOT / "deploy", capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_tested_both_ways() -> None:
    spoke = {case.rule for case in CASES if case.expected}
    silent = {case.rule for case in CASES if not case.expected}
    assert spoke == {one.name for one in RULES}
    assert silent >= {one.name for one in RULES if one.labels["severity"] == "page"} - {"MessagesTooOld"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.name}")
def test_our_own_watch_says_the_same_of_the_same_series(case: Case) -> None:
    alarm, at_s = Alarm([rule(case.rule)]), 0.0
    window, firing = Window(7200), []
    points = [(at, name, labels, value) for name, labels, row in case.series for at, value in row]
    while at_s <= case.at_s:
        for at, name, labels, value in points:
            if at == at_s:
                window.add(name, labels, at, value)
        firing = alarm.look(window, at_s)
        at_s += case.step_s
    found = [({name: value for name, value in one.all_labels.items() if name != "alertname"}, one.summary) for one in firing]
    assert sorted(found, key=str) == sorted(((dict(labels), text) for labels, text in case.expected), key=str)


# The small part of PromQL


def window_of(**series: list[float]) -> Window:
    """A value a minute, each series named NAME or NAME__LABEL."""
    window = Window(7200)
    for key, row in series.items():
        name, _, label = key.partition("__")
        for number, value in enumerate(row):
            window.add(name, {"of": label}, number * 60.0, value)
    return window


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("2 > 1", 1.0),
        ("a > 4", {(("of", "x"),): 5.0}),
        ("4 < a", {(("of", "x"),): 5.0}),
        ("a > 9", {}),
        ("sum(a)", {(): 8.0}),
        ("max by (of) (a) / 2", {(("of", "x"),): 2.5, (("of", "y"),): 1.5}),
        ("count(a) - min(a)", {(): -1.0}),
        ('a{of="y"}', {(("of", "y"),): 3.0}),
        ('a{of!="y", of=~"x|z"}', {(("of", "x"),): 5.0}),
        ('a{of!~"x.*"}', {(("of", "y"),): 3.0}),
        ("a and b", {(("of", "x"),): 5.0}),
        ("a unless b", {(("of", "y"),): 3.0}),
        ("b or a", {(("of", "x"),): 0.0, (("of", "y"),): 3.0}),
        ("a > b", {(("of", "x"),): 5.0}),
        ("a / b", {(("of", "x"),): float("inf")}),
        ("nothing > 0 or b == 0", {(("of", "x"),): 0.0}),
        ("nothing unless a", {}),
    ],
)
def test_an_expression_means_what_it_means_to_prometheus(text: str, expected: object) -> None:
    window = window_of(a__x=[5], a__y=[3], b__x=[0])
    assert evaluate(parse(text), window, 60.0) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("rate(a[5m]) > 0", "avg(a)", "a offset 5m", "a[5m]", "sum(a", "a > bool 1"),
        *('a{of="x}', "", "a b", "topk(3, a)", "increase(a)"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(text)
    assert refused.value.problems[0].field == "expr"


def test_what_it_looks_at_is_known() -> None:
    found = selects(parse('sum(increase(a{x="y"}[5m])) > 0 unless max(b) > 1'))
    assert [(one.name, one.range_s) for one in found] == [("a", 300.0), ("b", 0)]


def test_an_increase_forgives_a_restart_and_knows_no_negative_counter() -> None:
    window = window_of(a=values("10+1x4 0+1x4"))
    ((_, grown),) = window.increases("a", 540.0, 540.0)
    assert grown == pytest.approx(9, abs=1.2)
    assert list(window_of(a=[7]).increases("a", 60.0, 600.0)) == []


def test_a_figure_is_believed_for_five_minutes_or_until_its_process_is_gone() -> None:
    window = Window(600)
    window.add("a", {"instance": "p"}, 0.0, 1.0)
    assert dict(window.latest("a", 299.0)) == {labels_of({"instance": "p"}): 1.0}
    assert dict(window.latest("a", 301.0)) == {}
    window.gone("p")
    assert dict(window.latest("a", 10.0)) == {}
    window.add("a", {"instance": "p"}, 20.0, 2.0)
    assert dict(window.latest("a", 20.0)) == {labels_of({"instance": "p"}): 2.0}
    window.forget(100.0)
    assert dict(window.latest("a", 20.0)) == {}


def test_rules_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "alerts.yaml"
    rules = "{alert: Odd, expr: 'rate(a[5m]) > 1', for: 5m}, {alert: Late, expr: a, for: soon}"
    path.write_text(f"groups: [{{name: x, rules: [{rules}]}}]")
    with pytest.raises(BadInput) as refused:
        load(path)
    assert [one.field for one in refused.value.problems] == ["alerts.yaml: Odd: expr", "alerts.yaml: Late: for"]
    with pytest.raises(BadInput):
        load(tmp_path / "none.yaml")


def test_one_rule_that_is_not_understood_does_not_silence_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text(ALERTS_FILE.read_text("utf-8") + "      - {alert: Mine, expr: 'rate(up[5m]) > 0'}\n")
    monkeypatch.setattr("gateway.insight.watch_rules.ALERTS_FILE", path)
    assert [one.name for one in load_here()] == [one.name for one in RULES]
    monkeypatch.setattr("gateway.insight.watch_rules.ALERTS_FILE", tmp_path / "none.yaml")
    assert load_here() == []


def test_the_file_that_prometheus_reads_is_the_one_that_we_read() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text("utf-8"))
    assert config["rule_files"] == [ALERTS_FILE.name]
    assert [job["job_name"] for job in config["scrape_configs"]] == ["thuisfront"]


def asked_for() -> set[str]:
    boards = "".join(board.read_text("utf-8") for board in BOARDS)
    return set(names_of(RULES)) | {name for name in in_text(boards) if name != "thuisfront_total"}


def test_every_figure_that_is_asked_for_is_set_somewhere() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "gateway").rglob("*.py") if path.name != "metrics.py")
    attributes = {one._name: name for name, one in vars(Metrics()).items() if hasattr(one, "_name")}
    for name in asked_for():
        base = re.sub(r"_(total|bucket|sum|count)$", "", name)
        attribute = attributes.get(name) or attributes.get(base)
        assert attribute is not None, name
        assert f"etrics.{attribute}" in code, name


def test_what_a_board_asks_is_understood_by_prometheus(tmp_path: Path) -> None:
    shown = [json.loads(board.read_text("utf-8")) for board in BOARDS]
    asked = [target["expr"] for board in shown for panel in board["panels"] for target in panel.get("targets", ())]
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(asked)]
    (tmp_path / "board.yaml").write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    words = [promtool(), "check", "rules", str(tmp_path / "board.yaml")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
