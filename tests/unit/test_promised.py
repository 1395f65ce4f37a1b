"""Which calls wait for replicas, and by which key."""

from __future__ import annotations

import pytest

from gateway.store import keys, promised, scripts
from gateway.store.cluster_slots import slot_of


def test_the_written_key_lies_in_the_slot_of_what_it_waits_for() -> None:
    names = (
        "{p:07}f:c07", keys.STOPS, keys.API_KEYS, keys.AGENTS, keys.DESK_FIRST, keys.day_key("2026-12-24"),
        keys.address_index("0" * 32), keys.customer_index("0" * 32),
    )  # fmt: skip
    assert [slot_of(keys.acked(name)) for name in names] == [slot_of(name) for name in names]
    assert all(keys.kind_of(keys.acked(name)) for name in names)


def test_every_script_that_waits_is_one_of_ours() -> None:
    assert {*promised.SCRIPTS, promised.FACTS} <= set(scripts.names())


@pytest.mark.parametrize(
    ("rules", "waiting"), [(["later"], False), (["consent"], True), (["later", "proof"], True), (["set", "drop"], False)]
)
def test_a_change_of_facts_waits_where_a_person_said_it(rules: list[str], waiting: bool) -> None:
    args: list[scripts.Part] = [0, "c07"]
    for rule in rules:
        args += ["consent", "proof", 1, b"", rule]  # only the rule counts, whatever field and value are called
    assert promised.waits("contact_facts", args) is waiting
