"""The table of states: what the specification allows, and nothing else; and no script goes round it."""

from __future__ import annotations

import itertools
import re

import pytest

from gateway.model.conversation import ConversationState as S
from gateway.model.webcare import LIVE
from gateway.rules.moves import NOT_AVAILABLE, TABLE, Move, Need, Refused, Who, move
from gateway.store import scripts

ALLOWED = """
new        automated queued
automated  queued resolved active
queued     resolved assigned active
assigned   active queued
active     waiting parked queued active wrapup resolved automated
waiting    active parked queued wrapup resolved
parked     active queued wrapup resolved
wrapup     resolved active
resolved   queued automated
incident   resolved queued
callback   resolved queued
"""
"""Written out from the specification by hand: from, then everything that may follow."""


def allowed() -> set[tuple[str, str]]:
    rows = (line.split() for line in ALLOWED.strip().splitlines())
    return {(source, target) for source, *targets in rows for target in targets}


@pytest.mark.parametrize("source", [None, *S])
@pytest.mark.parametrize("target", list(S))
def test_a_pair_of_states_is_a_move_where_the_specification_says_so_and_refused_with_the_state_elsewhere(
    source: S | None, target: S
) -> None:
    found = [one for one in (move(source, target, who) for who in Who) if isinstance(one, Move)]
    assert bool(found) == ((source or "new", target) in allowed())
    if not found:
        code = "not_available" if target in NOT_AVAILABLE else "not_possible"
        assert all(move(source, target, who) == Refused(code, source) for who in Who)


def test_incident_and_callback_refuse_entry() -> None:
    for source, target, who in itertools.product([None, *S], (S.INCIDENT, S.CALLBACK), Who):
        assert move(source, target, who) == Refused("not_available", source)


def test_what_somebody_else_may_do_is_refused_as_not_theirs() -> None:
    assert move(S.ASSIGNED, S.ACTIVE, Who.SYSTEM) == Refused("not_yours", S.ASSIGNED)
    assert move(S.ACTIVE, S.AUTOMATED, Who.SYSTEM) == Refused("not_yours", S.ACTIVE)
    assert move(S.RESOLVED, S.QUEUED, Who.OWNER) == Refused("not_yours", S.RESOLVED)


def test_each_way_into_a_live_state_from_one_that_is_not_needs_a_slot() -> None:
    for row in TABLE:
        if row.target in LIVE and row.source not in LIVE:
            assert Need.SLOT in row.needs, row
        if Need.SLOT in row.needs:
            assert row.target in LIVE, row


def test_only_conv_bind_hands_a_slots_token_to_the_one_place_that_writes_states() -> None:
    """conv_write refuses a live state where there was none without the token of a slot, and only conv_bind brings one."""
    guard = "if LIVE[st] and not LIVE[was] and not changes.bt then error("
    writers = 0
    for name in scripts.names():
        source = scripts.source(name)
        body = re.sub(r"--.*", "", source.split("--]]", 1)[1])
        writes = "conv_write(" in source.split("--]]", 1)[1]
        writers += writes
        assert (guard in source) == (writes or "LIVE = {" in source), name
        assert ("bt = ARGV" in body) == (name == "conv_bind"), name
        assert not re.search(r"'[HM]+SET', (cv|KEYS\[1\])[^\n]*'st'", body) or name == "desk_presence", name
    assert writers > 10
