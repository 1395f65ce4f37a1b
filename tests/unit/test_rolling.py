"""What may be rolled out in phases: only what somebody can do without, whatever its declaration says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from gateway.notifications.catalogue import load
from gateway.notifications.expressions import compile_expression
from gateway.notifications.lint import lint
from gateway.notifications.rolling import why_by_nature, why_never
from tests.support.notifications import ROOT, catalogue
from tests.unit.test_notifications_lint import RULES


def test_of_our_notifications_only_what_somebody_can_do_without_may_be_rolled_out() -> None:
    may = {one.name for one in catalogue() if not why_never(one)}
    assert may == {
        "checkin_open", "flight_belt", "flight_reminder", "train_reminder",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ticket_issued", "it brings a document"),
        ("boarding_pass_file", "it brings a document"),
        ("trip_cancelled", "the law wants it said"),
        ("flight_rebooked", "the law wants it said"),
        ("order_cancelled", "it tells that something is cancelled"),
        ("appointment_cancelled", "it tells that something is cancelled"),
        ("outage_cancelled", "it tells that something is cancelled"),
        ("gate_changed", "it is urgent"),
        ("address_check", "it answers somebody"),
    ],
)
def test_no_declaration_makes_it_part_of_one(name: str, why: str) -> None:
    found = catalogue().get(name)
    assert found is not None
    assert why_by_nature(found) == why_never(replace(found, rollout="allowed")) == why


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("state.status in ['boarding', 'cancelled']", "it tells that something is cancelled"),
        ("changes.exists(one, one == 'diverted')", "it tells that something is cancelled"),
        ('"cancelled" == state.status', "it tells that something is cancelled"),
        ("'belt' in changes || ('cancelled' in changes && !(has(state.belt)))", "it tells that something is cancelled"),
        ("'delay' in changes && state.status != 'cancelled'", "it tells of a disruption"),
        ("facts.delay_minutes >= 5", "it tells of a disruption"),
        ("'gate' in changes", "it tells of a disruption"),
        ("'belt' in changes && state.status != 'cancelled' && !(state.status in ['diverted'] || ('delay' in changes))", ""),
        ("true", "its `when` names no change, and so lets cancellations through"),
        ("state.belt != ''", "its `when` names no change, and so lets cancellations through"),
    ],
)
def test_what_a_condition_names_and_does_not_rule_out_is_told(when: str, why: str) -> None:
    belt = catalogue().get("flight_belt")
    assert belt is not None
    assert why_never(replace(belt, condition=compile_expression(when), rollout="allowed")) == why


def test_what_ends_other_news_may_be_part_only_where_it_is_declared() -> None:
    shipped = catalogue().get("order_shipped")
    assert shipped is not None
    assert "ends other news" in why_never(shipped)
    assert why_never(replace(shipped, rollout="allowed")) == ""
    assert "rollout: never" in why_never(replace(shipped, rollout="never"))


def test_lint_says_where_it_is_allowed_and_cannot_be(tmp_path: Path) -> None:
    for folder in ("brands.yaml", "places.yaml", "moments.yaml"):
        (tmp_path / folder).write_text((ROOT / "templates" / folder).read_text())
    for name in ("ticket_issued", "checkin_open"):
        (tmp_path / name).mkdir()
        for path in (ROOT / "templates" / name).glob("*.yaml"):
            (tmp_path / name / path.name).write_text(path.read_text())
        path = tmp_path / name / "notification.yaml"
        value = yaml.safe_load(path.read_text()) | {"rollout": "allowed"}
        value.pop("ends", None)
        value.pop("substitute", None)
        path.write_text(yaml.safe_dump(value))
    found = [one for one in lint(load(tmp_path), RULES) if one.rule == "rollout"]
    assert [(one.level, one.where, one.message) for one in found] == [
        ("error", "ticket_issued/notification.yaml: rollout", "cannot be allowed: it brings a document")
    ]
