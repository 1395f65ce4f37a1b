"""Who may do what: the table of roles, what a right for a brand or a queue covers, and what is read from outside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.agents_import import read_table
from gateway.errors import BadInput, SettingsError
from gateway.model.agent import Agent, AgentId, Permission, parse_right
from gateway.model.personal import Personal
from gateway.rules.rights import (
    Reading,
    audited_brands,
    may_answer,
    may_reveal,
    needs_second_factor,
    reading,
    rights_of,
    works_for,
)
from gateway.webcare.provider import read_groups
from tests.support.team import waiting

P = Permission
TABLE = {
    "agent": {P.READ, P.REPLY, P.CONSULT, P.TRANSFER},
    "senior": {P.READ, P.REPLY, P.CONSULT, P.TRANSFER, P.READ_ALL},
    "supervisor": {P.READ, P.REPLY, P.CONSULT, P.TRANSFER, P.READ_ALL, P.REVEAL, P.FORCE},
    "admin": {P.ADMINISTER, P.AUDIT},
    "auditor": {P.READ, P.READ_ALL, P.AUDIT},
    "reply": {P.READ, P.REPLY, P.CONSULT, P.TRANSFER},
    "read": {P.READ},
}


def person(*rights: str, name: str = "g1") -> Agent:
    return Agent(AgentId(name), Personal(name), Personal(name), rights)


def held_in(queue: str, **more: Any) -> Any:
    return waiting(1, queue=queue, **more)


@pytest.mark.parametrize("role", sorted(TABLE))
def test_each_role_may_what_the_table_says_and_nothing_else(role: str) -> None:
    for right in (role, f"{role}@nl", f"{role}@nl/service"):
        assert {one for one in Permission if person(right).may(one, "nl", "service")} == TABLE[role]
        assert not person(role).may("fly", "nl")
    assert not any(person(f"{role}@nl").may(one, "be") for one in Permission)


def test_a_right_for_a_queue_covers_that_queue_and_any_means_any() -> None:
    one = person("agent@nl/service", "agent@be")
    assert one.may(P.REPLY, "nl", "service")
    assert not one.may(P.REPLY, "nl", "sales")
    assert one.may(P.REPLY, "be", "sales")
    assert not one.may(P.REPLY, "de")
    assert one.may(P.REPLY, "nl")
    assert one.may(P.REPLY)
    assert not person().may(P.READ)


@pytest.mark.parametrize("text", ["fly", "agent@", "agent@nl/", "agent@nl/a/b", "Agent", "agent nl", "", "agent@nl\n"])
def test_what_is_no_right_gives_none(text: str) -> None:
    assert parse_right(text) is None
    assert not any(person(text).may(one) for one in Permission)


def test_other_queues_of_the_brand_are_read_by_who_has_read_all_and_that_is_outside() -> None:
    other = held_in("sales")
    assert reading(person("agent@nl/service"), other) is Reading.NO
    assert reading(person("agent@nl/sales"), other) is Reading.OWN
    assert reading(person("supervisor@nl/service"), other) is Reading.OUTSIDE
    assert reading(person("supervisor@be"), other) is Reading.NO
    assert reading(person("auditor@nl/service"), other) is Reading.OUTSIDE
    assert reading(person("admin"), other) is Reading.NO


def test_what_was_handed_to_somebody_is_theirs_to_read_and_answer_in_whatever_queue() -> None:
    mine = held_in("sales", owner=AgentId("g1"))
    offered = held_in("sales", offered_to=AgentId("g1"))
    for one in (mine, offered):
        assert reading(person("agent@nl/service"), one) is Reading.OWN
        assert may_answer(person("agent@nl/service"), one)
        assert reading(person("agent@be"), one) is Reading.NO
        assert not may_answer(person("auditor@nl"), one)
        assert not may_answer(person("agent@nl/service", name="g2"), one)


def test_who_is_asked_about_something_reads_it_and_answers_nobody() -> None:
    asked = replace(held_in("sales"), consulted={AgentId("g1"): 5})
    assert [reading(person(right), asked) for right in ("agent@nl/service", "agent@be")] == [Reading.OWN, Reading.NO]
    assert not may_answer(person("agent@nl/service"), asked)


def test_masked_data_are_shown_from_level_two_to_who_answers_and_always_to_a_supervisor() -> None:
    one = held_in("service")
    assert [may_reveal(person("agent@nl"), one, level) for level in range(4)] == [False, False, True, True]
    assert may_reveal(person("supervisor@nl"), one, 0)
    assert not may_reveal(person("auditor@nl"), one, 3)


def test_a_password_alone_opens_neither_a_supervisor_nor_an_admin() -> None:
    assert needs_second_factor(("agent", "supervisor@nl/service"))
    assert needs_second_factor(("admin",))
    assert not needs_second_factor(("agent", "senior@nl", "auditor", "reply", "read", "supervisors"))


def test_groups_become_rights_once_each_and_unknown_ones_nothing() -> None:
    table = {"team": ["agent@nl"], "leads": ["supervisor@nl", "agent@nl"]}
    assert rights_of(["leads", "team", "cooks"], table) == ("agent@nl", "supervisor@nl")
    assert rights_of(["cooks"], table) == ()


def test_a_table_of_agents_is_checked_whole_before_anybody_is_made(tmp_path: Path) -> None:
    table = tmp_path / "team.csv"
    table.write_text('name,display,rights,skills\nann@example.org,,"agent@zz, auditor",refunds\n')
    (line,) = read_table(table)
    assert (line["display"], line["rights"], line["languages"]) == ("ann", "agent@zz, auditor", "")
    table.write_text("name,display,rights\nx,,\nann@example.org,,agent\nANN@example.org,,pilot\n")
    with pytest.raises(BadInput) as refused:
        read_table(table)
    assert [one.field for one in refused.value.problems] == ["line 2: name", "line 2: rights", "line 4: rights", "line 4: name"]
    table.write_text("who\nann\n")
    with pytest.raises(BadInput):
        read_table(table)


def test_the_table_of_groups_names_what_is_wrong_in_it(tmp_path: Path) -> None:
    table = tmp_path / "groups.yaml"
    table.write_text("webcare: [agent@nl]\nleads: supervisor@nl\n")
    assert read_groups(table) == {"webcare": ("agent@nl",), "leads": ("supervisor@nl",)}
    for text, problems in (("a: [pilot]\nb: 3\nc: [agent]\n", 2), ("", 1), ("- a\n", 1), (": : :", 1)):
        table.write_text(text)
        with pytest.raises(SettingsError) as refused:
            read_groups(table)
        assert len(refused.value.problems) == problems


def test_an_auditor_of_a_brand_or_of_one_queue_of_it_audits_that_brand_and_the_people_who_work_for_it() -> None:
    assert audited_brands(person("auditor")) is None
    assert audited_brands(person("auditor@nl", "admin")) is None
    assert audited_brands(person("auditor@nl/service", "admin@be", "supervisor")) == {"nl", "be"}
    assert audited_brands(person("supervisor", "fly")) == frozenset()
    assert works_for(person("agent@nl/service"), {"nl"})
    assert works_for(person("agent@be", "admin"), {"nl"})
    assert not works_for(person("agent@be", "fly"), {"nl"})
